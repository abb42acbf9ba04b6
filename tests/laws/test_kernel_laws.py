"""Laws of the compiled kernels: on every row they say what the exact reading says.

Over the whole vocabulary and whole ranges, refusals included; MIAOPEI_ROWS rows a run (200,000
unless it is set: 24 terms, each compiled anew, which is what takes the time). The long mode:
`MIAOPEI_ROWS=20000000 script/test` and this file.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from miaopei.adapters.kernels import Kernels
from miaopei.adapters.kernels.making import compiled, module, name_of
from miaopei.errors import Refused
from miaopei.policies import layout as laid
from miaopei.pricing.years import columnar_years
from miaopei.products.shelf import shelf
from miaopei.terms import fused
from miaopei.terms import words as w
from miaopei.terms.columnar import Int64Array, settle_many
from miaopei.terms.exact import settle
from miaopei.terms.filing import Product
from miaopei.terms.fused import REFUSED, Shape
from miaopei.terms.uncut import uncut
from tests.support.drawn import YEAR, terms

ROWS = int(os.environ.get("MIAOPEI_ROWS", "200000"))
TERMS = max(24, ROWS // 50_000)
EACH = -(-ROWS // TERMS)
LAW = settings(
    max_examples=TERMS,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a smaller case would be compiled anew
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
seen: Counter[str] = Counter()


def columns(listed: w.Terms, rows: int, seed: int, *, spoilt: bool) -> dict[str, dict[str, Any]]:
    """A column for every input over its whole range, its ends often; a few beyond where spoilt."""
    rng = np.random.default_rng(seed)
    items = [(("observed" if isinstance(i, w.Observed) else "declared"), i.name, i.low, i.high)
             for i in listed.inputs]  # fmt: skip
    found: dict[str, dict[str, Any]] = {"observed": {}, "declared": {}, "spent": {}}
    for table, name, low, high in [*items, ("spent", "cover", 0, YEAR.value)]:
        column = rng.integers(low, high, rows, endpoint=True, dtype=np.int64)
        ends = rng.random(rows)
        column[ends < 0.05], column[ends > 0.95] = low, high
        if spoilt:
            column[ends > 0.998] = high + 1
            column[ends < 0.002] = low - 1
        found[table][name] = column
    return found


def exactly(listed: w.Terms, tables: dict[str, dict[str, Any]], rows: int) -> list[int | str]:
    """What the definition says of each row: fen, or the code of the refusal."""
    lists = {t: {n: c.tolist() for n, c in columns.items()} for t, columns in tables.items()}
    found: list[int | str] = []
    for i in range(rows):
        one = {t: {n: c[i] for n, c in columns.items()} for t, columns in lists.items()}
        try:
            result = settle(listed, "cover", one["observed"], one["declared"], one["spent"])
            found.append(result.amount_fen)
        except Refused as refused:
            found.append(refused.refusals[0].code)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kernels")


@pytest.mark.timeout(7 * 24 * 3600 if ROWS > 200_000 else 600)
@given(listed=terms(), seed=st.integers(0, 2**32))
@LAW
def test_exact_numpy_and_kernel_agree_on_every_row(
    listed: w.Terms, seed: int, folder: Path
) -> None:
    loop = fused.loop(listed, "cover", Shape.ROWS)
    text = module(loop)
    run = compiled(folder / name_of(text), text)
    tables = columns(listed, EACH, seed, spoilt=True)
    given = [tables[a.input.table][a.input.name] for a in loop.arguments]
    amounts = np.empty(EACH, dtype=np.int64)
    refused = run(0, EACH, *given, amounts)
    wanted = exactly(listed, tables, EACH)
    said = [a if a > REFUSED + len(loop.reasons) else loop.reasons[a - REFUSED - 1].code
            for a in amounts.tolist()]  # fmt: skip
    assert said == wanted
    good = np.array([isinstance(a, int) for a in wanted])
    assert refused == EACH - good.sum()
    if good.any():
        observed, declared, spent = (
            {n: c[good] for n, c in tables[t].items()} for t in ("observed", "declared", "spent")
        )
        plain = settle_many(listed, "cover", observed, declared, spent)
        assert (plain == amounts[good]).all()
    seen["rows"] += EACH
    seen["refused"] += refused
    seen["paid"] += int((amounts[good] > 0).sum())


def test_the_law_has_looked_at_enough_rows() -> None:
    assert seen["rows"] >= ROWS
    assert seen["refused"] > ROWS // 1000
    assert seen["paid"] > ROWS // 20


@given(listed=terms(), seed=st.integers(0, 2**32))
@settings(LAW, max_examples=12)
def test_a_laid_out_book_pays_what_exact_says(listed: w.Terms, seed: int, folder: Path) -> None:
    kernels, rows = Kernels(folder), 3_000
    tables = columns(listed, rows, seed, spoilt=False)
    observed = {name: int(column[0]) for name, column in tables["observed"].items()}
    declared = {
        item.name: tables["declared"][item.name].astype(fused.dtype_of(item.low, item.high))
        for item in listed.inputs if isinstance(item, w.Declared)
    }  # fmt: skip
    rng = np.random.default_rng(seed)
    since = rng.integers(0, 100, rows)
    place = ("place_x", "place_y", "place_z")
    known = place if set(place) <= set(declared) else None
    if known:
        order = laid.order(*(declared[name] for name in place))
        declared = {name: column[order] for name, column in declared.items()}
    spent = tables["spent"]["cover"]
    layout = laid.lay_out(declared, since, since + 50, known, block=64)
    given = (listed, "cover", observed, layout, spent, 80)
    plain = kernels.paid(*given)
    kernels.prepare(listed, (Shape.PAID, Shape.BOOK))
    fast = kernels.paid(*given)
    for one, other in zip(plain, fast, strict=True):
        assert one.tolist() == other.tolist()
    stands = (since <= 80) & (since + 50 > 80)
    whole = {"observed": {n: np.full(rows, v) for n, v in observed.items()},
             "declared": declared, "spent": {"cover": spent}}  # fmt: skip
    wanted = exactly(listed, whole, rows)
    owed = {i: a for i, a in enumerate(wanted) if stands[i] and a}
    assert {i: a for i, a in owed.items() if isinstance(a, int)} == dict(
        zip(fast.rows.tolist(), fast.amounts.tolist(), strict=True)
    )
    assert [i for i, a in owed.items() if isinstance(a, str)] == fast.refused.tolist()
    wide = {name: column.astype(np.int64) for name, column in declared.items()}
    if not any(isinstance(a, str) for a in wanted):
        assert kernels.settle_many(listed, "cover", observed, wide, spent).tolist() == wanted
    else:
        with pytest.raises(Refused) as one_way:
            kernels.settle_many(listed, "cover", observed, wide, spent)
        with pytest.raises(Refused) as other_way:
            settle_many(listed, "cover", observed, wide, spent)
        assert one_way.value.refusals == other_way.value.refusals


class Asked(NamedTuple):
    """What a reading of years is asked: terms, a benefit, years, events, pairs, columns."""

    terms: w.Terms
    benefit: str
    years: Int64Array
    events: Int64Array
    policy: NDArray[np.int32]
    observed: dict[str, Int64Array]
    declared: dict[str, Int64Array]
    per_pair: list[str]


def by_years(read: Callable[..., Any], asked: Asked) -> list[list[int]] | str:
    """What each event pays, net and gross; or the code of the refusal."""
    try:
        return [column.tolist() for column in read(*asked)]
    except Refused as refused:
        return str(refused.refusals[0].code)


def years_exactly(asked: Asked) -> list[list[int]] | str:
    """The definition, pair by pair: as owed, and before the limits of the year."""
    of, bare = asked.benefit, uncut(asked.terms, asked.benefit)
    net, gross = [0] * (len(asked.events) - 1), [0] * (len(asked.events) - 1)
    for first, last in pairwise(asked.years.tolist()):
        spent = Counter[int]()
        for event in range(first, last):
            for pair in range(asked.events[event], asked.events[event + 1]):
                at = {n: pair if n in asked.per_pair else event for n in asked.observed}
                seen = {n: int(c[at[n]]) for n, c in asked.observed.items()}
                who = int(asked.policy[pair])
                own = {n: int(c[who]) for n, c in asked.declared.items()}
                try:
                    owed = settle(asked.terms, of, seen, own, {of: spent[who]}).amount_fen
                    gross[event] += settle(bare, of, seen, own, {}).amount_fen
                except Refused as refused:
                    return str(refused.refusals[0].code)
                spent[who] += owed
                net[event] += owed
    return [net, gross]


def agree(kernels: Kernels, asked: Asked) -> list[list[int]] | None:
    """All four readings of years, net and gross; the NumPy readings refuse what exact refuses."""
    wanted = years_exactly(asked)
    columns, plain = by_years(columnar_years, asked), by_years(kernels.years, asked)
    kernels.prepare(asked.terms, (Shape.YEARS,), asked.per_pair)
    fast = by_years(kernels.years, asked)
    assert fast == plain
    if isinstance(wanted, str):
        assert isinstance(fast, str)
        assert isinstance(columns, str)
        return None
    assert fast == wanted
    assert columns == wanted
    return wanted


@given(listed=terms(), seed=st.integers(0, 2**32))
@settings(LAW, max_examples=8)
def test_years_of_events_keep_each_limit(listed: w.Terms, seed: int, folder: Path) -> None:
    """Pairs of event and policy; half of the observed numbers are the pair's own."""
    rng = np.random.default_rng(seed)
    policies, events, years = 40, 30, 6
    names = [item.name for item in listed.inputs if isinstance(item, w.Observed)]
    per_pair = names[::2]
    ends = np.sort(rng.integers(0, events, years - 1, endpoint=True))
    of_years = np.r_[0, ends, events].astype(np.int64)
    of_events = np.r_[0, np.cumsum(rng.integers(0, 12, events))].astype(np.int64)
    pairs = int(of_events[-1])
    policy = rng.integers(0, policies, pairs).astype(np.int32)
    for e in range(events):  # a policy is met once an event
        part = slice(of_events[e], of_events[e + 1])
        policy[part] = rng.permutation(policies)[: of_events[e + 1] - of_events[e]]
    wide = columns(listed, max(pairs, events, policies), seed, spoilt=False)
    observed = {n: wide["observed"][n][: pairs if n in per_pair else events] for n in names}
    declared = {n: c[:policies] for n, c in wide["declared"].items()}
    agree(
        Kernels(folder),
        Asked(listed, "cover", of_years, of_events, policy, observed, declared, per_pair),
    )


@pytest.mark.parametrize("product", list(shelf()), ids=lambda product: str(product.id))
def test_years_of_a_shipped_product_agree_before_and_after_its_limits(
    product: Product, folder: Path
) -> None:
    """Two years of events that pay; one policy each, so that what a year has spent cuts some."""
    listed, benefit = product.versions[-1].terms, product.benefits[0]
    drawn, events = columns(listed, 20_000, 5, spoilt=False), 12
    for table in ("observed", "declared"):  # a centre at random is near no place at random
        for name in {of.name for of in listed.inputs if of.kind is w.Kind.PART} & {*drawn[table]}:
            drawn[table][name][:] = 2**30 if name.endswith("_z") else 0
    own = {n: int(c[0]) for n, c in drawn["declared"].items()}
    paid = []
    for at in range(20_000):
        seen_ = {n: int(c[at]) for n, c in drawn["observed"].items()}
        with suppress(Refused):
            result = settle(listed, benefit, seen_, own, {benefit: 0})
            bare = settle(uncut(listed, benefit), benefit, seen_, own, {})
            assert bare.amount_fen == result.uncut_fen
            paid += [at] if result.amount_fen else []
        if len(paid) == events:
            break
    assert len(paid) == events, "events that pay are found"
    observed = {n: c[paid] for n, c in drawn["observed"].items()}
    declared = {n: c[:1] for n, c in drawn["declared"].items()}
    years, of_events = np.array([0, 7, events]), np.arange(events + 1)
    policy = np.zeros(events, dtype=np.int32)
    asked = Asked(listed, benefit, years, of_events, policy, observed, declared, [])
    found = agree(Kernels(folder), asked)
    assert found is not None
    assert sum(found[1]) > sum(found[0]) > 0, "a limit of the year has cut something"
