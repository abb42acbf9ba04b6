"""The pleasant way to write terms. Each function gives one word or one filed part, nothing else.

What comes out is a value like any other; whether it may be filed is for `check` to say.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import Refusal, Refused
from ..measures.money import Rounding
from . import words as w
from .words import Kind

Step = tuple[int, int | None] | tuple[int, int | None, w.Source]


def source(zh: str, en: str, *, dated: str) -> w.Source:
    """Where a figure comes from."""
    return w.Source(zh, en, dated)


def figure(name: str, value: int, kind: Kind, *, zh: str, en: str, source: w.Source) -> w.Figure:
    """A named number with its source."""
    return w.Figure(name, value, kind, zh, en, source)


def nothing(kind: Kind = Kind.MONEY) -> w.Fixed:
    """Zero of a kind."""
    return w.Fixed(0, kind)


def whole(kind: Kind) -> w.Fixed:
    """One whole of a kind; 1,000,000 ppm for a ratio."""
    return w.Fixed(w.ONE.get(kind, 1), kind)


def declared(name: str, kind: Kind, *, low: int, high: int, zh: str, en: str) -> w.Declared:
    """A number that stands in each policy."""
    return w.Declared(name, kind, low, high, zh, en)


def observed(
    name: str,
    kind: Kind,
    *,
    low: int,
    high: int,
    zh: str,
    en: str,
    measure: str,
    sources: Iterable[str],
    definition_zh: str,
    definition_en: str,
    fallback: Iterable[str] = (),
    if_missing: w.IfMissing | None = None,
    params: dict[str, str | int] | None = None,
) -> w.Observed:
    """A number that evidence brings."""
    given = tuple(sorted((params or {}).items()))
    return w.Observed(
        name, kind, low, high, zh, en, measure, given, tuple(sources), tuple(fallback), if_missing,
        definition_zh, definition_en,
    )  # fmt: skip


def observed_code(
    name: str,
    codes: Iterable[w.Code],
    *,
    zh: str,
    en: str,
    measure: str,
    sources: Iterable[str],
    definition_zh: str,
    definition_en: str,
    fallback: Iterable[str] = (),
    if_missing: w.IfMissing | None = None,
    params: dict[str, str | int] | None = None,
) -> w.Observed:
    """One of several codes that evidence brings; its range is that of the codes."""
    given, listed = tuple(sorted((params or {}).items())), tuple(codes)
    values = [code.value for code in listed]
    return w.Observed(
        name, Kind.CODE, min(values), max(values), zh, en, measure, given, tuple(sources),
        tuple(fallback), if_missing, definition_zh, definition_en, listed,
    )  # fmt: skip


def spent(benefit: str, high: w.Figure) -> w.Spent:
    """What other occurrences of the policy year have settled under a benefit."""
    return w.Spent(benefit, w.Within.POLICY_YEAR, high)


def plus(*items: w.Word) -> w.Plus:
    """Their sum."""
    return w.Plus(items)


def minus(left: w.Word, right: w.Word) -> w.Minus:
    """left - right."""
    return w.Minus(left, right)


def times(count: w.Word, each: w.Word) -> w.Times:
    """A count times what each is worth."""
    return w.Times(count, each)


def least(*items: w.Word) -> w.Least:
    """The smallest."""
    return w.Least(items)


def most(*items: w.Word) -> w.Most:
    """The largest."""
    return w.Most(items)


def pro_rata(
    amount: w.Word,
    part: w.Word,
    of: w.Word,
    *,
    unit_fen: int,
    rounding: Rounding = Rounding.HALF_UP,
) -> w.ProRata:
    """amount * part / of, rounded once, to a multiple of `unit_fen`."""
    return w.ProRata(amount, part, of, rounding, unit_fen)


def bands(
    of: w.Word,
    *steps: Step,
    source: w.Source,
    kind: Kind = Kind.MONEY,
    end: int | None = None,
) -> w.Band:
    """A step table written as (from, value[, source of the row]); the last row has no end unless
    `end` is given. A value of None is unset: such a row refuses to settle."""
    ends = [step[0] for step in steps[1:]] + [end]
    rows = [
        w.Row(step[0], high, step[1], step[2] if len(step) == 3 else None)
        for step, high in zip(steps, ends, strict=True)
    ]
    return w.Band(of, kind, tuple(rows), source)


def tiers(
    of: w.Word,
    *rates: tuple[int, int],
    counting: w.Counting,
    size: int,
    source: w.Source,
) -> w.Tier:
    """Money by slices, written as (from so many units, fen for each unit)."""
    return w.Tier(of, counting, size, tuple(w.Rate(*rate) for rate in rates), source)


def either(test: w.Word, then: w.Word, otherwise: w.Word) -> w.Either:
    """`then` if the test holds, else `otherwise`."""
    return w.Either(test, then, otherwise)


def at_least(left: w.Word, right: w.Word) -> w.AtLeast:
    """left >= right."""
    return w.AtLeast(left, right)


def one_of(of: w.Observed, *names: str) -> w.OneOf:
    """Whether a code is among those named.

    Errors   Refused terms.unknown_code for a name that the input does not list.
    """
    values = {code.name: code.value for code in of.codes}
    if unknown := [name for name in names if name not in values]:
        raise Refused(Refusal("terms.unknown_code", {"clause": of.name, "codes": unknown[0]}))
    return w.OneOf(of, tuple(values[name] for name in names))


def near(of: Iterable[w.Word], centre: Iterable[w.Word], radius: w.Figure) -> w.Near:
    """Whether a position (three parts) lies within a radius of another, edge included."""
    return w.Near(tuple(of), tuple(centre), radius)


def every(*items: w.Word) -> w.Every:
    """All hold."""
    return w.Every(items)


def any_of(*items: w.Word) -> w.Any:
    """At least one holds."""
    return w.Any(items)


def not_(item: w.Word) -> w.Not:
    """The contrary."""
    return w.Not(item)


def clause(name: str, body: w.Word, *, zh: str, en: str) -> w.Clause:
    """A named part with its text; texts name figures and clauses as {name}."""
    return w.Clause(name, zh, en, body)


def terms(id: str, version: int, *benefits: w.Clause, governing: str = "zh") -> w.Terms:
    """The whole; inputs are those that the benefits use, in the order in which they stand there."""
    inputs: dict[str, w.Declared | w.Observed] = {}
    for benefit in benefits:
        for node in w.walk(benefit):
            if isinstance(node, w.Declared | w.Observed):
                inputs.setdefault(node.name, node)
    return w.Terms(id, version, benefits, tuple(inputs.values()), governing=governing)
