"""Tables without gap or overlap: bands over all that they read, tiers, code lists."""

from __future__ import annotations

from itertools import pairwise

from ...errors import Refusal
from .. import words as w
from ..bounds import Bounds
from .parts import sourced


def check_tables(terms: w.Terms) -> list[Refusal]:
    """Faults of every table, with the clause it stands in."""
    found: list[Refusal] = []
    seen: set[int] = set()
    for benefit in terms.benefits:
        for clause in w.walk(benefit):
            if isinstance(clause, w.Clause) and id(clause) not in seen:
                seen.add(id(clause))
                for node in w.inside(clause.body):
                    found += _table(node, clause.name)
    return found


def _table(node: w.Word, clause: str) -> list[Refusal]:
    match node:
        case w.Band():
            return _band(node, clause)
        case w.Tier():
            return _tier(node, clause)
        case w.OneOf():
            return _one_of(node, clause)
    return []


def _band(node: w.Band, clause: str) -> list[Refusal]:
    rows = node.rows
    if not rows:
        return [Refusal("terms.empty_table", {"clause": clause})]
    found = [
        _at("band_unsorted", clause, row.low, row.high)
        for row in rows
        if row.high is not None and row.high <= row.low
    ]
    for row, after in pairwise(rows):
        if row.high is None or after.low < row.high:
            code = "band_unsorted" if after.low < row.low else "band_overlap"
            found.append(_at(code, clause, after.low, row.high))
        elif after.low > row.high:
            found.append(_at("band_gap", clause, row.high, after.low))
    if not found:
        of = Bounds().of(node.of)
        if of.least < rows[0].low:
            found.append(_at("band_gap", clause, of.least, rows[0].low))
        if rows[-1].high is not None and of.most >= rows[-1].high:
            found.append(_at("band_gap", clause, rows[-1].high, of.most + 1))
    if not all(sourced(s) for s in (node.source, *(r.source for r in rows if r.source))):
        found.append(Refusal("terms.no_source", {"name": clause}))
    return found


def _at(code: str, clause: str, low: int, high: int | None) -> Refusal:
    return Refusal(f"terms.{code}", {"clause": clause, "from": low, "to": high})


def _tier(node: w.Tier, clause: str) -> list[Refusal]:
    rates, found = node.rates, []
    steps = [rate.units for rate in rates]
    if not rates:
        return [Refusal("terms.empty_table", {"clause": clause})]
    if steps[0] != 0 or any(a >= b for a, b in pairwise(steps)):
        found.append(Refusal("terms.tier_unsorted", {"clause": clause, "first": steps[0]}))
    if any(rate.fen < 0 for rate in rates):
        lowest = min(rate.fen for rate in rates)
        found.append(Refusal("terms.rate_below_zero", {"clause": clause, "least": lowest}))
    if node.size < 1 or (node.counting is w.Counting.EXACT and node.size != 1):
        counting = str(node.counting)
        found.append(
            Refusal("terms.bad_unit", {"clause": clause, "size": node.size, "counting": counting})
        )
    if not sourced(node.source):
        found.append(Refusal("terms.no_source", {"name": clause}))
    return found


def _one_of(node: w.OneOf, clause: str) -> list[Refusal]:
    codes = node.codes
    if isinstance(node.of, w.Observed):
        known = {code.value for code in node.of.codes}
    elif isinstance(node.of, w.Declared):
        known = {code for code in codes if node.of.low <= code <= node.of.high}
    else:
        known = {*codes}
    if not codes or len(set(codes)) != len(codes) or not {*codes} <= known:
        return [Refusal("terms.unknown_code", {"clause": clause, "codes": str(codes)[:40]})]
    return []
