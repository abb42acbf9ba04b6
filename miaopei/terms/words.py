"""The closed vocabulary in which a cover is promised: frozen values, integers only.

What the words mean stands in `exact`; the pleasant way to write them in `build`; what is refused in
`check`. A word never changes its meaning: a changed meaning is a new word. Adding one:
docs/how-to/add-a-word.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from ..errors import Refusal, Refused
from ..measures.money import Rounding


class Kind(StrEnum):
    """What an integer counts. Kinds do not mix: minutes are never added to money."""

    MONEY = "money"  # fen
    MAGNITUDE = "magnitude"  # tenths of a magnitude
    RATIO = "ratio"  # parts per million
    COUNT = "count"
    MINUTES = "minutes"
    INSTANT = "instant"  # whole minutes since 1970-01-01T00:00Z
    FLAG = "flag"  # 0 no, 1 yes
    CODE = "code"  # one of the codes its input lists
    LOSS = "loss"  # assessed loss, units of 0.1 万元
    METRES = "metres"  # along the sphere of measures.place
    PART = "part"  # one of the three of a position's unit vector, at scale 2**30


class Within(StrEnum):
    """The period over which a spent limit counts."""

    POLICY_YEAR = "policy_year"


class Counting(StrEnum):
    """Which units of a tier count: those that have begun, only whole ones, or each single one."""

    STARTED = "started"
    FULL = "full"
    EXACT = "exact"


class IfMissing(StrEnum):
    """What follows when no source and no fallback has spoken by the deadline."""

    HOLD = "hold"  # waits for a person
    CLOSE = "close"  # closes as "not reported"; a late report opens it again


Params = tuple[tuple[str, str | int], ...]


class Word:
    """Anything that can stand in the body of a clause."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Source:
    """Where a figure comes from and the date of that source, said in both languages."""

    zh: str
    en: str
    dated: str


# Leaves ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figure(Word):
    """A named number of the contract, with where it comes from."""

    name: str
    value: int
    kind: Kind
    zh: str
    en: str
    source: Source


@dataclass(frozen=True, slots=True)
class Fixed(Word):
    """Nothing, or one whole, of a kind; every other number is a Figure. A whole ratio is 10**6."""

    value: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class Code:
    """One value that an input of kind CODE can take."""

    value: int
    name: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Declared(Word):
    """A number that stands in the policy, the same for every occurrence."""

    name: str
    kind: Kind
    low: int
    high: int
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Observed(Word):
    """A number that evidence brings, the same for every policy of one occurrence.

    `measure` with `params` names what evidence computes; `sources` may give it, in order;
    `fallback` only if none of them has by the deadline; then `if_missing`.
    """

    name: str
    kind: Kind
    low: int
    high: int
    zh: str
    en: str
    measure: str
    params: Params
    sources: tuple[str, ...]
    fallback: tuple[str, ...]
    if_missing: IfMissing | None
    definition_zh: str
    definition_en: str
    codes: tuple[Code, ...] = ()


@dataclass(frozen=True, slots=True)
class Spent(Word):
    """What other occurrences of the period have settled under one benefit; money, 0 to high."""

    benefit: str
    within: Within
    high: Figure


# Arithmetic --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plus(Word):
    """The sum of two or more of one kind; or an instant and minutes after it."""

    items: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Minus(Word):
    """left - right, of one kind; between two instants, the minutes from right to left."""

    left: Word
    right: Word


@dataclass(frozen=True, slots=True)
class Times(Word):
    """A count of something, times what each is worth."""

    count: Word
    each: Word


@dataclass(frozen=True, slots=True)
class Least(Word):
    """The smallest of two or more of one kind."""

    items: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Most(Word):
    """The largest of two or more of one kind."""

    items: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class ProRata(Word):
    """amount * part / whole, rounded once, to a multiple of `unit_fen`; the share is not rounded.

    Part and whole are of one kind. A whole of zero, or a part above the whole, is refused.
    """

    amount: Word
    part: Word
    whole: Word
    rounding: Rounding
    unit_fen: int


# Tables ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """From `low` (included) to `high` (not included; None: no end). A value of None is unset.

    `source` where it is another than the table's.
    """

    low: int
    high: int | None
    value: int | None
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Band(Word):
    """A step table of half-open rows without gap or overlap. An unset row refuses to settle."""

    of: Word
    kind: Kind
    rows: tuple[Row, ...]
    source: Source


@dataclass(frozen=True, slots=True)
class Rate:
    """From this many units on, each unit is paid at `fen`, until the next rate begins."""

    units: int
    fen: int


@dataclass(frozen=True, slots=True)
class Tier(Word):
    """Money by slices: units of `size` are counted as named and each slice is paid at its rate."""

    of: Word
    counting: Counting
    size: int
    rates: tuple[Rate, ...]
    source: Source


# Choice ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Either(Word):
    """`then` if the test holds, `otherwise` if not; the branch not taken is never asked for."""

    test: Word
    then: Word
    otherwise: Word


@dataclass(frozen=True, slots=True)
class AtLeast(Word):
    """left >= right, of one kind."""

    left: Word
    right: Word


@dataclass(frozen=True, slots=True)
class OneOf(Word):
    """Whether a code is among those listed."""

    of: Word
    codes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Near(Word):
    """Whether a position (three parts) is within a radius of another, by `measures.place`."""

    of: tuple[Word, ...]
    centre: tuple[Word, ...]
    radius: Figure


@dataclass(frozen=True, slots=True)
class Every(Word):
    """All hold; asked in order, up to the first that does not."""

    items: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Any(Word):
    """At least one holds; asked in order, up to the first that does."""

    items: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Not(Word):
    """The contrary."""

    item: Word


@dataclass(frozen=True, slots=True)
class Clause(Word):
    """A named part with its text in both languages; texts name figures and clauses as {name}."""

    name: str
    zh: str
    en: str
    body: Word


@dataclass(frozen=True, slots=True)
class Terms:
    """One version of a cover: each benefit is a clause whose body is money."""

    id: str
    version: int
    benefits: tuple[Clause, ...]
    inputs: tuple[Declared | Observed, ...]
    period: Within = Within.POLICY_YEAR
    currency: str = "CNY"
    governing: str = "zh"
    filed_wording_digest: str | None = None

    def benefit(self, name: str) -> Clause:
        """The clause of one benefit; Refused terms.no_benefit."""
        for clause in self.benefits:
            if clause.name == name:
                return clause
        raise Refused(Refusal("terms.no_benefit", {"terms": self.id, "benefit": name}))


LEAVES: tuple[type[Word], ...] = (Figure, Fixed, Declared, Observed, Spent)
WORDS: tuple[type[Word], ...] = (
    *LEAVES,
    *(Plus, Minus, Times, Least, Most, ProRata),
    *(Band, Tier),
    *(Either, AtLeast, OneOf, Near, Every, Any, Not),
    Clause,
)
ONE = {Kind.RATIO: 1_000_000}  # what "one whole" is, where it is not 1

W = TypeVar("W", bound=Word)


def _field_names(node: Word) -> tuple[str, ...]:
    return tuple(node.__dataclass_fields__)  # type: ignore[attr-defined]  # a dataclass


def children(node: Word) -> Iterator[Word]:
    """The words directly below, in the order of the fields."""
    for name in _field_names(node):
        value = getattr(node, name)
        if isinstance(value, Word):
            yield value
        elif type(value) is tuple:
            yield from (item for item in value if isinstance(item, Word))


def rebuild(node: W, change: Callable[[Word], Word]) -> W:
    """The same word with every word directly below replaced by `change` of it."""
    changed: dict[str, object] = {}
    for name in _field_names(node):
        value = getattr(node, name)
        if isinstance(value, Word):
            changed[name] = change(value)
        elif type(value) is tuple and any(isinstance(item, Word) for item in value):
            changed[name] = tuple(change(i) if isinstance(i, Word) else i for i in value)
    return replace(node, **changed) if changed else node  # type: ignore[type-var]  # a dataclass


def walk(node: Word) -> Iterator[Word]:
    """Every word of a tree once, children before parents; a shared word is given once."""
    seen: set[int] = set()
    yield from _walk(node, seen)


def _walk(node: Word, seen: set[int]) -> Iterator[Word]:
    if id(node) in seen:
        return
    seen.add(id(node))
    for child in children(node):
        yield from _walk(child, seen)
    yield node


def inside(body: Word) -> Iterator[Word]:
    """The words of one clause's own body, parents first; cited clauses are given, not entered."""
    yield body
    if not isinstance(body, Clause):
        for child in children(body):
            yield from inside(child)
