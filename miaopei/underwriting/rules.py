"""Eligibility as data: a closed list of rules, each read from JSON and looked at by one function.

All rules are looked at, so that an applicant learns every reason at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..accounts.shape import read
from ..errors import Fact, Refusal, Refused
from ..measures.instant import DAY, HOUR, beijing_day, beijing_text, period_of
from ..measures.money import as_yuan
from .asked import Asked, Connection, Known, Reason, Verdict

FACT_CODES = ("supply_not_covered", "region_not_covered", "fact_not_covered")


@dataclass(frozen=True)
class OneOf:
    """The answer to a question must be one of these. `reason` is one of FACT_CODES."""

    fact: str
    among: tuple[str, ...]
    reason: str
    otherwise: Verdict

    def look(self, asked: Asked, _: Known) -> Iterator[Reason]:
        """No reason where it is."""
        value = asked.facts.get(self.fact, "")
        if value not in self.among:
            allowed = ", ".join(self.among)
            yield no(self.reason, self.otherwise, fact=self.fact, value=value, allowed=allowed)


@dataclass(frozen=True)
class Dates:
    """Cover begins at midnight in Beijing, so long ahead, and lasts one policy year."""

    ahead_least: int
    ahead_most: int
    otherwise: Verdict = Verdict.REFUSED

    def wait(self, since: int, known: Known) -> Iterator[Reason]:
        """The waiting time alone, which a raise of a standing policy meets too."""
        earliest = known.now + self.ahead_least
        if since < earliest:
            times = {"since": beijing_text(since), "earliest": beijing_text(earliest)}
            yield no("starts_too_soon", self.otherwise, **times)

    def look(self, asked: Asked, known: Known) -> Iterator[Reason]:
        """Seconds ahead of the answer."""
        since, until = asked.since, asked.until
        facts: dict[str, Fact] = {"since": beijing_text(since), "until": beijing_text(until)}
        latest = known.now + self.ahead_most
        yield from self.wait(since, known)
        if since > latest:
            at = beijing_text(latest)
            yield no("starts_too_late", self.otherwise, since=facts["since"], latest=at)
        if not at_midnight(since):
            yield no("not_midnight", self.otherwise, since=facts["since"])
        if until != period_of(since, since)[1]:
            yield no("term_not_offered", self.otherwise, **facts)


@dataclass(frozen=True)
class Within:
    """A declared figure must lie in a range, in steps from its lower end."""

    name: str
    low: int
    high: int
    step: int
    otherwise: Verdict

    def look(self, asked: Asked, _: Known) -> Iterator[Reason]:
        """In the unit of the terms' input."""
        value = asked.declared[self.name]
        if not self.low <= value <= self.high or (value - self.low) % self.step:
            facts: dict[str, Fact] = {"name": self.name, "value": value, "step": self.step}
            limits: dict[str, Fact] = {"low": self.low, "high": self.high}
            yield no("declared_not_offered", self.otherwise, **facts, **limits)


@dataclass(frozen=True)
class Once:
    """One holder, one policy of the listing at a time."""

    otherwise: Verdict

    def look(self, asked: Asked, known: Known) -> Iterator[Reason]:
        """The first cover that meets it; and a holder must be named."""
        if asked.holder is None:
            yield no("no_holder", Verdict.REFUSED)
        for span in known.covered:
            if span.meets(asked.since, asked.until):
                days = {"since": beijing_day(span.since), "until": beijing_day(span.until)}
                yield no("covered_already", self.otherwise, **days)
                return


@dataclass(frozen=True)
class Sanctions:
    """Not on the sanctions list: who stands there by number is refused, by name referred."""

    source: str

    def look(self, _: Asked, known: Known) -> Iterator[Reason]:
        """By what was looked up."""
        return listed_by(self.source, known.sanctions)


@dataclass(frozen=True)
class Accumulation:
    """So much on one feeder: a sum of declared amounts over cover that overlaps."""

    of: str
    refer_above_fen: int
    refuse_above_fen: int

    def look(self, asked: Asked, known: Known) -> Iterator[Reason]:
        """With this application in it."""
        if asked.feeder is None:
            yield no("no_feeder", Verdict.REFUSED)
            return
        others = sum(s.fen for s in known.nearby if s.meets(asked.since, asked.until))
        total = others + asked.declared[self.of]
        for code, limit, verdict in (
            ("accumulation_full", self.refuse_above_fen, Verdict.REFUSED),
            ("accumulation_high", self.refer_above_fen, Verdict.REFERRED),
        ):
            if total > limit:
                sums = {"total": as_yuan(total), "limit": as_yuan(limit)}
                yield no(code, verdict, feeder=asked.feeder, **sums)
                return


@dataclass(frozen=True)
class Connected:
    """The feeder that is named is that of the utility's connections."""

    unknown: Verdict

    def look(self, asked: Asked, known: Known) -> Iterator[Reason]:
        """Where this member has no connections nothing is said."""
        if known.connection is Connection.DIFFERS:
            yield no("feeder_differs", Verdict.REFUSED, feeder=asked.feeder)
        if known.connection is Connection.UNKNOWN:
            yield no("feeder_unknown", self.unknown, feeder=asked.feeder)


@dataclass(frozen=True)
class Heard:
    """Sources that a cover rests on must not be silent when it is sold."""

    sources: tuple[str, ...]

    def look(self, _: Asked, known: Known) -> Iterator[Reason]:
        """One reason a silent source."""
        for source in self.sources:
            if source in known.silent:
                yield no("source_silent", Verdict.REFUSED, source=source)


@dataclass(frozen=True)
class Announced:
    """No outage that is announced already and names the customer begins within the cover."""

    otherwise: Verdict

    def look(self, asked: Asked, known: Known) -> Iterator[Reason]:
        """By what was looked up; cover may begin after it."""
        if known.announced:
            facts: dict[str, Fact] = {"count": known.announced, "since": beijing_text(asked.since)}
            yield no("outage_announced", self.otherwise, **facts)


@dataclass(frozen=True)
class Apart:
    """Cover of the same loss under another listing does not stand beside this one."""

    listings: tuple[str, ...]
    otherwise: Verdict

    def look(self, _: Asked, known: Known) -> Iterator[Reason]:
        """By what was looked up: the other listings that cover the customer in the same time."""
        for listing in known.beside:
            if listing in self.listings:
                yield no("covered_beside", self.otherwise, listing=listing)


Rule = (
    OneOf | Dates | Within | Once | Sanctions | Accumulation | Connected | Heard | Announced | Apart
)
NAMES: Mapping[str, type[Rule]] = {
    "one_of": OneOf,
    "dates": Dates,
    "within": Within,
    "once": Once,
    "sanctions": Sanctions,
    "accumulation": Accumulation,
    "connected": Connected,
    "heard": Heard,
    "announced": Announced,
    "apart": Apart,
}
KINDS = {"int": int, "str": str, "tuple[str, ...]": list, "Verdict": str}


def at_midnight(seconds: int) -> bool:
    """Whether an instant is the beginning of a day in Beijing."""
    return (seconds + 8 * HOUR) % DAY == 0


def rule_json(rule: Rule) -> dict[str, Any]:
    """The form that is filed."""
    name = next(name for name, kind in NAMES.items() if kind is type(rule))
    return {"rule": name, **{k: _plain(v) for k, v in asdict(rule).items()}}


def rule_from(value: object) -> Rule:
    """Errors   Refused underwriting.unknown_rule, underwriting.bad_field."""
    name = str(value.get("rule")) if isinstance(value, Mapping) else ""
    if not isinstance(value, Mapping) or name not in NAMES:
        raise Refused(Refusal("underwriting.unknown_rule", {"rule": name[:40]}))
    kind = NAMES[name]
    shapes = {n: KINDS[str(f.type)] for n, f in kind.__dataclass_fields__.items()}
    given = {k: v for k, v in value.items() if k != "rule"}
    fields = dict(zip(shapes, read(given, "underwriting.bad_field", **shapes), strict=True))
    for field, type_name in ((n, str(f.type)) for n, f in kind.__dataclass_fields__.items()):
        if type_name == "Verdict":
            fields[field] = _verdict(field, fields[field])
        elif type_name.startswith("tuple"):
            fields[field] = _texts(field, fields[field])
    rule: Rule = kind(**fields)
    if isinstance(rule, OneOf) and rule.reason not in FACT_CODES:
        raise bad("reason", f"'{rule.reason[:40]}' is none of {', '.join(FACT_CODES)}")
    if isinstance(rule, Within) and (rule.step < 1 or rule.high < rule.low):
        raise bad("step", "a range upwards, in steps of at least 1")
    return rule


def bad(field: str, why: str) -> Refused:
    """The refusal of one field of an offer."""
    return Refused(Refusal("underwriting.bad_field", {"field": field[:60], "why": why}))


def _verdict(field: str, value: str) -> Verdict:
    if value not in (Verdict.REFUSED, Verdict.REFERRED):
        raise bad(field, f"'{value[:20]}' is neither refused nor referred")
    return Verdict(value)


def _texts(field: str, value: list[Any]) -> tuple[str, ...]:
    if not value or any(type(item) is not str for item in value):
        raise bad(field, "needs a list of texts")
    return tuple(value)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Verdict) else value


def listed_by(source: str, hits: Collection[str]) -> Iterator[Reason]:
    """Reasons of who stands on a sanctions list: by number refused, by name referred."""
    for hit, verdict in (("id", Verdict.REFUSED), ("name", Verdict.REFERRED)):
        if hit in hits:
            yield no(f"sanctions_{hit}", verdict, source=source)


def no(code: str, verdict: Verdict, /, **facts: Fact) -> Reason:
    """A reason with its verdict; the sentence is underwriting's."""
    return Reason(Refusal(f"underwriting.{code}", facts), verdict)
