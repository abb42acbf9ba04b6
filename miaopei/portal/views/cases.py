"""Cases: the state of each benefit of a listing for an occurrence, with reason, deadline, owner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...errors import Refusal, Refused
from ...errors.texts import table
from ...evidence.findings import Found
from ...terms import exact
from ...terms.filing import Product, Version
from ...terms.wording import sentences
from ...terms.wording.speech import Language, said
from ...terms.words import Declared, Observed, walk
from .desk import Desk
from .products import product_of_listing

WAITING = ("awaiting_", "held_", "ready", "deciding", "refused")


@dataclass(frozen=True)
class Fact:
    """One input that the case has found: what the terms read, and what it rests on."""

    name: str
    value: int
    how: str
    because: tuple[str, ...]
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """One benefit of one listing for one occurrence, as it stands."""

    key: str
    value: Mapping[str, Any]
    product: Product
    facts: tuple[Fact, ...] = field(default=())

    @property
    def listing(self) -> str:
        """The listing."""
        return str(self.value["listing"])

    @property
    def benefit(self) -> str:
        """The benefit."""
        return str(self.value["benefit"])

    @property
    def waits(self) -> bool:
        """Whether it may still end in an amount without a new fact overturning it."""
        return str(self.value["state"]).startswith(WAITING)

    @property
    def version(self) -> Version | None:
        """The terms in force at the deciding instant."""
        return self.product.version_at(self.value["instant"])

    @property
    def observations(self) -> set[str]:
        """The observations by which its facts were found."""
        return {f.detail["observation"] for f in self.facts if f.detail.get("observation")}

    @property
    def reason(self) -> Refusal:
        """Why it stands as it does, as a coded sentence."""
        value = self.value
        facts: dict[str, Any] = {"version": self.version.number if self.version else None}
        for part in ("waiting", "held", "closed"):
            plain = value["facts"].get(part, {})
            facts |= {k: v for k, v in plain.items() if v is None or isinstance(v, str | int)}
        if refusal := value["facts"].get("refusal"):
            return Refusal(refusal["code"], {**facts, **refusal["facts"]})
        if "." in value["reason"]:
            return Refusal(value["reason"], facts)
        room = "register" if value["reason"] in table("register") else "evidence"
        return Refusal(f"{room}.{value['reason']}", facts)

    def as_json(self) -> dict[str, Any]:
        """For the API."""
        return {
            **{name: self.value[name] for name in _PLAIN},
            "reason_facts": dict(self.reason.facts),
            "facts": dict(self.value["facts"]),
            "product": self.product.hash,
            "terms_version": self.version.number if self.version else None,
        }


_PLAIN = (
    *("listing", "occurrence", "benefit", "state", "reason", "until", "owner"),
    *("revision", "trigger", "settlement", "instant"),
)


def case(desk: Desk, listing: str, occurrence: str, benefit: str) -> Case | None:
    """One case."""
    key = f"{listing}/{occurrence}/{benefit}"
    value = desk.state.get("case", key)
    return None if value is None else _case(desk, key, value)


def cases_of(desk: Desk, listing: str, occurrence: str) -> Sequence[Case]:
    """The cases of one occurrence of one listing, in the product's order of benefits."""
    found = [_case(desk, k, v) for k, v in desk.state.range("case", f"{listing}/{occurrence}/")]
    return sorted(found, key=lambda c: c.product.benefits.index(c.benefit))


def by_outcome(cases: Sequence[Case]) -> Sequence[Case]:
    """What was settled first, then what waits, then the rest; else as they stand."""
    return sorted(cases, key=lambda case: (not case.value["settlement"], not case.waits))


def waiting(desk: Desk) -> tuple[Case, ...]:
    """Every case that waits, is held or is refused, by deadline, then place in the record."""

    def make() -> tuple[Case, ...]:
        every = (_case(desk, k, v) for k, v in desk.state.range("case", ""))
        found = [each for each in every if each.waits]
        found.sort(key=lambda c: (c.value["until"] is None, c.value["until"] or 0, c.key))
        return tuple(found)

    return desk.once("waiting", make)


def inputs_of(case: Case) -> Mapping[str, Observed]:
    """The inputs that the terms define, by name; of the latest version where none is in force."""
    version = case.version or case.product.versions[-1]
    return {i.name: i for i in version.terms.inputs if isinstance(i, Observed)}


def spoken(case: Case, fact: Fact, language: Language) -> tuple[str, str]:
    """A fact's name and value in words."""
    given = inputs_of(case).get(fact.name)
    if given is None:
        return fact.name, str(fact.value)
    label = given.zh if language == "zh" else given.en
    for code in given.codes:
        if code.value == fact.value:
            return label, code.zh if language == "zh" else code.en
    return label, said(fact.value, given.kind, language)


def trace(case: Case, language: Language) -> tuple[str, ...]:
    """Why the terms give what they give, where no policy's own figures are needed; else nothing."""
    version = case.version
    if version is None or not case.facts:
        return ()
    body = version.terms.benefit(case.benefit)
    if any(isinstance(word, Declared) for word in walk(body)):
        return ()
    observed = {fact.name: fact.value for fact in case.facts}
    try:
        result = exact.settle(version.terms, case.benefit, observed, {}, {case.benefit: 0})
    except Refused:
        return ()
    return sentences(version.terms, result, language)


def _case(desk: Desk, key: str, value: Mapping[str, Any]) -> Case:
    product = product_of_listing(desk, value["listing"])
    names = [rule.name for rule in product.inputs]
    facts = [_fact(name, value["facts"][name]) for name in names if name in value["facts"]]
    return Case(key, value, product, tuple(facts))


def _fact(name: str, found: Mapping[str, Any]) -> Fact:
    assert set(found) == set(Found.__dataclass_fields__), "a found input has these fields"
    return Fact(name, found["value"], found["how"], tuple(found["because"]), found["detail"])
