"""A case: one benefit of one listing for one occurrence. What do its facts allow today?

Pure: evidence is asked through `find`, the terms are asked what they still need. What is not
demanded by the terms is never waited for. Source: docs/specs/record.md, section 6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import Refused
from ..evidence.findings import Closed, Finding, Found, Held, Waiting
from ..terms import exact
from ..terms.filing import InputRule, Product, Version
from ..terms.words import Declared, walk

Find = Callable[[InputRule, Mapping[str, Found]], Finding]


@dataclass(frozen=True)
class Ready:
    """Every demanded input is known: a trigger may be made."""

    version: Version
    instant: int
    facts: dict[str, dict[str, Any]]

    def observed(self) -> dict[str, int]:
        """The inputs as the terms read them."""
        return {name: fact["value"] for name, fact in self.facts.items()}


@dataclass(frozen=True)
class Standing:
    """Not (yet) a trigger: a named state with its reason, deadline and owner."""

    state: str
    reason: str
    facts: dict[str, Any] = field(default_factory=dict)
    until: int | None = None
    owner: str | None = None
    instant: int | None = None


def assess(
    product: Product, benefit: str, opened_at: int, find: Find, *, again: bool = False
) -> Ready | Standing:
    """What the facts on file say for one benefit, at the block time that `find` stands for.

    `opened_at` is the origin of the occurrence, used until a fact names the deciding instant.
    `again`: this case has settled before, so that also a zero is a result to decide on.
    """
    rules = {rule.name: rule for rule in product.inputs}
    instant, known = opened_at, dict[str, Found]()
    while True:
        version = product.version_at(instant)
        if version is None:
            return Standing("not_covered", "no_terms_in_force", _seen(known), instant=instant)
        body = version.terms.benefit(benefit)
        name = exact.first_missing(body, {n: f.value for n, f in known.items()})
        if name is None:
            facts = {n: f.as_json() for n, f in known.items()}
            return _due(version, benefit, Ready(version, instant, facts), again=again)
        found = find(rules[name], known)
        match found:
            case Found():
                known[name] = found
                instant = found.detail.get("instant", instant)
            case Waiting():
                facts = {**_seen(known), "waiting": dict(found.facts)}
                return Standing(found.state, found.reason, facts, found.until, found.owner, instant)
            case Held():
                facts = {**_seen(known), "held": {"input": name, **found.facts}}
                return Standing(found.state, found.reason, facts, None, found.owner, instant)
            case Closed():
                facts = {**_seen(known), "closed": dict(found.facts)}
                return Standing(found.state, found.reason, facts, instant=instant)


def _due(version: Version, benefit: str, ready: Ready, *, again: bool) -> Ready | Standing:
    """Terms that give zero whoever is covered need no trigger; a refusal gives no number."""
    observed = ready.observed()
    if observed.get("role") == 0 and not again:
        return Standing("not_covered", "outside_area", ready.facts, instant=ready.instant)
    if any(isinstance(word, Declared) for word in walk(version.terms.benefit(benefit))):
        return ready
    try:
        amount = exact.settle(version.terms, benefit, observed, {}, {benefit: 0}).amount_fen
    except Refused as refused:
        refusal = refused.refusals[0]
        facts = {**ready.facts, "refusal": refusal.as_json()}
        return Standing("refused", refusal.code, facts, None, "operator", ready.instant)
    if amount == 0 and not again:
        return Standing("nothing_due", "terms_give_zero", ready.facts, instant=ready.instant)
    return ready


def _seen(known: Mapping[str, Found]) -> dict[str, Any]:
    return {name: found.as_json() for name, found in known.items()}


def case_key(trigger: Mapping[str, Any]) -> str:
    """Where the case of a trigger stands: its listing, occurrence and benefit."""
    return f"{trigger['listing']}/{trigger['occurrence']}/{trigger['benefit']}"


def words_at(trigger: str, counter: int, number: int = 1) -> str:
    """Where the words of one round of a trigger lie: their keys begin so, then the decider's id."""
    again = "" if number == 1 else f".{number:06d}"  # of a first round as before there were rounds
    return f"{trigger}/{counter:012d}{again}/"
