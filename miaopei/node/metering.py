"""Running an insurer's claim model beside the data: lists are opened here, one measure leaves.

Who the data are of must have consented; the others are left out and counted. Each person of whom
something is read, or was asked for, stands in the log of uses first. The model reads facts by the
same rules as the listing's product and decides nothing. Source: docs/specs/metering.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..acts.consents import allowed
from ..acts.facts import product_of
from ..acts.meter_usage import check_purpose, run_before
from ..acts.state import State
from ..claims.evaluate import of_one
from ..errors import Refusal, Refused
from ..evidence.outage.lists import FIELDS
from ..measures.identity import content_id
from ..policies.book import effective
from ..policies.row import PolicyRow
from ..terms import canonical, exact
from ..terms.words import Observed, Terms
from .effects.listed import Lists, Seen, observed_by
from .node import Node
from .ports import Reading
from .vault.uses import Logger, Use, note


@dataclass(frozen=True)
class Run:
    """What one run read and found. `body` is that of its `meter_usage` act."""

    users: int
    records: int
    body: dict[str, Any]


def run(node: Node, model: str, trigger: str, *, provider: str, purpose: str, caller: str) -> Run:
    """Run a model on the facts of a trigger and meter it on the record.

    Whose data are read, and who was asked for and has not consented, stands in the log of uses on
    the record before any list is opened (`vault/uses.py`).
    A model runs once for a trigger, or once for each purpose that it names as filed: whoever wants
    another run files another version.
    Errors   Refused metering.*, consent.* where nobody's data may be read; RecordDamaged (alarm).
    """
    with node.reading() as (reading, state):
        asked = _asked(reading, state, model, trigger, purpose)
        at = reading.head().time
        if asked.rows:
            _not_again(state, model, trigger, purpose)
    with node.store.writing() as block:
        note(block, asked.uses(at, purpose, caller))
    Logger(node).run()
    if not asked.rows and asked.refused:
        raise Refused(asked.refused[0][1])
    with node.reading() as (reading, state):
        body = _measured(node, reading, state, asked)
    body |= {"model": model, "provider": provider, "trigger": trigger, "purpose": purpose}
    body |= {"caller": caller, "at": at}
    body["run"] = content_id("run", {**body, "nonce": node.random(16).hex()})
    node.accept("meter_usage", f"run-{body['run'][:24]}", body)
    return Run(body["users"], body["records"], body)


def _not_again(state: State, model: str, trigger: str, purpose: str) -> None:
    """Errors   Refused metering.run_repeated, with the run that stands."""
    if run := run_before(state, model, trigger, purpose):
        facts = {"model": model[:16], "trigger": trigger[:16], "run": run[:16]}
        raise Refused(Refusal("metering.run_repeated", facts))


@dataclass(frozen=True)
class _Asked:
    """What a run is to read: the model's terms, the trigger with the facts they name, the rows.

    `refused`: the persons whose data may not be read, and why.
    """

    filed: Mapping[str, Any]
    terms: Terms
    trigger: Mapping[str, Any]
    rows: Sequence[PolicyRow]
    refused: Sequence[tuple[str, Refusal]]

    def uses(self, at: int, purpose: str, caller: str) -> Iterator[Use]:
        """One for each person: what of theirs is read, or that it was refused."""
        about = {"purpose": purpose, "grantee": self.filed["carrier"], "role": "claim_model"}
        read = dict.fromkeys(row.subject for row in self.rows if row.subject is not None)
        for subject in read:
            read_of = _read_of(self.trigger["facts"])
            yield Use(at, subject, caller=caller, what="metered", fields=read_of, **about)
        for subject in dict.fromkeys(subject for subject, _ in self.refused):
            yield Use(at, subject, caller=caller, what="refused", fields=(), **about)


def _asked(reading: Reading, state: State, model: str, trigger_id: str, purpose: str) -> _Asked:
    filed, trigger = state.get("model", model), state.get("trigger", trigger_id)
    if filed is None:
        raise Refused(Refusal("metering.model_not_known", {"id": model[:16]}))
    if trigger is None or trigger["listing"] != filed["listing"]:
        raise Refused(Refusal("act.trigger_not_known", {"id": trigger_id[:64]}))
    check_purpose(model, filed, purpose)
    terms = canonical.from_json(filed["terms"])
    listing = state.need("listing", trigger["listing"])
    reads = {of.name for of in terms.inputs if isinstance(of, Observed)}
    facts = {name: fact for name, fact in trigger["facts"].items() if name in reads}
    scope = product_of(state, listing["product"]).peril, _read_of(facts)
    rows, refused = _rows(reading, state, trigger, listing, filed["carrier"], purpose, scope)
    return _Asked(filed, terms, {**trigger, "facts": facts}, rows, refused)


def _measured(node: Node, reading: Reading, state: State, asked: _Asked) -> dict[str, Any]:
    listing = state.need("listing", asked.trigger["listing"])
    product = product_of(state, listing["product"])
    rows, benefit = asked.rows, asked.filed["benefit"]
    tokens = [row.subject for row in rows]
    lists = Lists(reading, node.identity)
    seen = observed_by(reading, node.identity, product, asked.trigger, lambda: tokens, lists)
    amounts = [_amount(asked.terms, benefit, seen, place, row) for place, row in enumerate(rows)]
    known = [fen for fen in amounts if fen is not None]
    return {
        "users": len({token for token in tokens if token is not None}),
        "records": _records(lists, product, asked.trigger["facts"], tokens),
        "measure": {
            "policies": len(rows),
            "above": sum(fen > 0 for fen in known),
            "unknown": len(amounts) - len(known),
            "refused": len(asked.refused),
            "total_fen": sum(known),
        },
    }


def _rows(
    reading: Reading,
    state: State,
    trigger: Mapping[str, Any],
    listing: Mapping[str, Any],
    carrier: str,
    purpose: str,
    scope: tuple[str, Sequence[str]],
) -> tuple[list[PolicyRow], list[tuple[str, Refusal]]]:
    """The policies in force whose persons have consented; the persons who have not, and why.

    A consent must cover what is read: by the class of data, or by each field's name (`scope`).
    """
    kind, fields = scope
    book, size = listing["listing"]["book"], trigger["book_size"]
    stood = effective(
        reading.rows(book, size), trigger["instant"], size, arrears=listing["arrears"]
    )
    rows, no = list[PolicyRow](), list[tuple[str, Refusal]]()
    at = reading.head().time
    for each in stood:
        row = each.chosen.row
        said = None
        if row.subject is not None:
            about = state, row.subject, purpose, carrier, at
            said = allowed(*about, (kind,))
            said = said if allowed(*about, fields) else None
        if said is not None and row.subject is not None:
            no.append((row.subject, said))
        else:
            rows.append(row)
    return rows, no


def _read_of(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """What of a person a run reads: the policy, and each fact whose value differs by person."""
    return tuple(sorted({"policy", *(name for name, fact in facts.items() if _lists(fact))}))


def _lists(fact: Mapping[str, Any]) -> Sequence[Any]:
    """The sealed lists of a fact, where its value differs by person."""
    found: Sequence[Any] = fact["detail"].get("lists") or ()
    return found


def _records(
    lists: Lists,
    product: Any,
    facts: Mapping[str, Any],
    tokens: Sequence[str | None],
) -> int:
    """Entries read: of each sealed list those of these persons, and each fact without a list."""
    wanted, count, opened = set(tokens), 0, set[str]()
    for name, fact in facts.items():
        named = _lists(fact)
        count += not named
        for entry in named:
            if entry["list"] is None or entry["list"]["blob"] in opened:
                continue
            opened.add(entry["list"]["blob"])
            fields = FIELDS[product.rule(name).measure]
            count += sum(row["token"] in wanted for row in lists(entry["list"], fields))
    return count


def _amount(terms: Terms, benefit: str, seen: Seen, place: int, row: PolicyRow) -> int | None:
    """What the model makes of one policy; None where a fact of this policy is not known."""
    if seen.unknown.get(place):
        return None
    observed = of_one(seen.observed, place)
    spent = {clause.name: 0 for clause in terms.benefits}
    return exact.settle(terms, benefit, observed, dict(row.declared), spent).amount_fen
