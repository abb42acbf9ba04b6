"""Laws of pricing: years do not depend on how they are cut, curves fall, means are means."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miaopei.errors import ReadingsDisagree
from miaopei.measures.money import yuan
from miaopei.pricing.curves import layer, mean, points
from miaopei.pricing.events import Occurrences, Touched, own_losses
from miaopei.pricing.premium import Loading, Of, premium
from miaopei.pricing.years import (
    Book,
    blocks,
    part_of,
    put_together,
    read_again,
    root,
    settle_years,
)
from miaopei.products.yunnan_dali import PRODUCT
from miaopei.terms import exact
from miaopei.terms.filing import Text
from miaopei.terms.uncut import uncut

TERMS = PRODUCT.version(1).terms
LOSSES = st.lists(st.integers(0, 10**12), min_size=2, max_size=60)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Occurrences, Book]:
    """A few policies with limits, and events of their own losses over a few years."""
    years, policies = draw(st.integers(1, 7)), draw(st.integers(1, 5))
    year = sorted(draw(st.lists(st.integers(0, years - 1), max_size=12)))
    touched = [sorted(draw(st.sets(st.integers(0, policies - 1)))) for _ in year]
    first = np.cumsum([0, *map(len, touched)]).astype(np.int64)
    policy = np.array([p for each in touched for p in each], dtype=np.int64)
    amounts = st.integers(0, yuan(1000))
    loss = draw(st.lists(amounts, min_size=len(policy), max_size=len(policy)))
    limits = st.lists(st.integers(0, yuan(1500)), min_size=policies, max_size=policies)
    events = Occurrences(
        years, np.array(year, dtype=np.int64), {},
        Touched(first, policy, {"loss": np.array(loss, dtype=np.int64)}),
    )  # fmt: skip
    declared = {
        name: np.array(draw(limits), dtype=np.int64) for name in ("occurrence_limit", "year_limit")
    }
    return events, Book(policies, declared)


def one_by_one(events: Occurrences, book: Book) -> list[int]:
    """Each year by the exact reading, an occurrence and a policy at a time."""
    terms, totals = own_losses(), [0] * events.years
    touched = events.touched
    assert touched is not None
    for policy in range(book.policies):
        declared = {name: int(column[policy]) for name, column in book.declared.items()}
        spent = dict[int, int]()
        for number, year in enumerate(events.year.tolist()):
            for at in range(int(touched.first[number]), int(touched.first[number + 1])):
                if touched.policy[at] == policy:
                    before = spent.get(year, 0)
                    seen = {"loss": int(touched.observed["loss"][at])}
                    owed = exact.settle(terms, "cover", seen, declared, {"cover": before})
                    spent[year] = before + owed.amount_fen
                    totals[year] += owed.amount_fen
    return totals


@given(worlds())
@settings(max_examples=60, deadline=None)
def test_years_are_what_the_exact_reading_gives(world: tuple[Occurrences, Book]) -> None:
    events, book = world
    found = settle_years(own_losses(), "cover", events, book, (0, events.years))
    assert found.total.tolist() == one_by_one(events, book)
    assert (found.total <= found.before).all()
    assert found.before.sum() >= found.largest.sum()
    assert (found.largest <= found.before).all()


@given(
    st.integers(0, 100), st.integers(0, 2), st.integers(0, 10**9), st.integers(1, 10**9),
    st.integers(0, 42_000_000_000),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_uncut_terms_give_what_the_exact_reading_calls_uncut(
    tenths: int, role: int, part: int, more: int, spent: int
) -> None:
    scale = 200_000_000
    seen = {"magnitude": tenths, "role": role, "loss_area": part % scale}
    seen["loss_total"] = min(seen["loss_area"] + more % scale + 1, scale)
    found = exact.settle(TERMS, "house", seen, {}, {"house": spent})
    alone = exact.settle(uncut(TERMS, "house"), "house", seen, {}, {"house": 0})
    assert alone.amount_fen == found.uncut_fen


@given(worlds(), st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_years_do_not_depend_on_how_they_are_cut(
    world: tuple[Occurrences, Book], at_once: int
) -> None:
    events, book = world
    whole = settle_years(own_losses(), "cover", events, book, (0, events.years))
    cuts = blocks(events, book, at_once)
    assert [cut[0] for cut in cuts] == [0, *[cut[1] for cut in cuts[:-1]]]
    assert cuts[-1][1] == events.years
    parts = [
        settle_years(own_losses(), "cover", part_of(events, cut), book, cut)
        for cut in reversed(cuts)
    ]
    assert root(put_together(parts)) == root(whole)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(50, 80)), max_size=12))
@settings(max_examples=40, deadline=None)
def test_a_product_s_years_are_what_the_exact_reading_gives(
    shocks: list[tuple[int, int]],
) -> None:
    shocks.sort(key=lambda shock: shock[0])
    observed = {
        "magnitude": np.array([tenths for _, tenths in shocks], dtype=np.int64),
        "role": np.ones(len(shocks), dtype=np.int64),
    }
    events = Occurrences(5, np.array([year for year, _ in shocks], dtype=np.int64), observed)
    found = settle_years(TERMS, "house", events, Book(1, {}), (0, 5))
    spent = [0] * 5
    for year, tenths in shocks:
        seen = {"magnitude": tenths, "role": 1}
        spent[year] += exact.settle(TERMS, "house", seen, {}, {"house": spent[year]}).amount_fen
    assert found.total.tolist() == spent


def test_what_an_event_shows_is_its_own_however_many_pairs_there_are() -> None:
    """Two events, and two pairs, both of the second: a column by event is not one by pair."""
    observed = {"magnitude": np.array([70, 55]), "role": np.ones(2, dtype=np.int64)}
    events = Occurrences(
        1, np.zeros(2, dtype=np.int64), observed,
        Touched(np.array([0, 0, 2]), np.array([0, 1]), {}),
    )  # fmt: skip
    found = settle_years(TERMS, "house", events, Book(2, {}), (0, 1))
    alone = exact.settle(TERMS, "house", {"magnitude": 55, "role": 1}, {}, {"house": 0})
    assert found.total.tolist() == [2 * alone.amount_fen]


@given(worlds())
@settings(max_examples=30, deadline=None)
def test_a_wrong_year_is_found_by_reading_it_exactly(world: tuple[Occurrences, Book]) -> None:
    events, book = world
    found = settle_years(own_losses(), "cover", events, book, (0, events.years))
    assert read_again(own_losses(), "cover", events, book, found) == events.years
    wrong = replace(found, before=found.before + (np.arange(events.years) == 0))
    with pytest.raises(ReadingsDisagree):
        read_again(own_losses(), "cover", events, book, wrong)


@given(LOSSES)
def test_a_curve_never_falls_and_its_tail_is_above_it(losses: list[int]) -> None:
    found = [p for p in points(losses, range(1, 70)) if p.loss_fen is not None]
    assert found
    for shorter, longer in pairwise(found):
        assert shorter.loss_fen <= longer.loss_fen
    for each in found:
        assert each.low_fen <= each.loss_fen <= each.tail_fen
        assert each.high_fen is None or each.high_fen >= each.loss_fen
        reached = sum(1 for loss in losses if loss >= each.loss_fen)
        assert reached >= len(losses) // each.period  # reached or passed in k of n years


@given(LOSSES, st.lists(st.integers(1, 10**12), min_size=1, max_size=4))
def test_layers_add_up_to_the_whole(losses: list[int], limits: list[int]) -> None:
    starts = [sum(limits[:number]) for number in range(len(limits))]
    parts = [layer(losses, start, limit) for start, limit in zip(starts, limits, strict=True)]
    whole = layer(losses, 0, sum(limits))
    assert sum(part.mean.total_fen for part in parts) == whole.mean.total_fen
    assert mean(losses).total_fen == sum(losses)
    assert abs(mean(losses).mean_fen * len(losses) - sum(losses)) * 2 <= len(losses)


@given(
    st.integers(0, 10**13), st.integers(0, 10**13),
    st.lists(st.tuples(st.sampled_from(list(Of)), st.integers(0, 200_000)), max_size=4),
)  # fmt: skip
def test_the_steps_add_up_to_the_price(
    pure: int, deviation: int, loadings: list[tuple[Of, int]]
) -> None:
    said = Text("某", "x")
    given_ = [Loading(str(at), said, of, ppm, said) for at, (of, ppm) in enumerate(loadings)]
    found = premium(pure, deviation, given_)
    assert sum(step.amount_fen for step in found.steps) == found.price_fen >= pure
