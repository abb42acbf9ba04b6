"""Laws of the readings, over generated terms and rows: what must hold whatever is promised."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from miaopei.errors import Refused
from miaopei.measures.money import wan
from miaopei.products.shelf import shelf
from miaopei.terms import words as w
from miaopei.terms.bounds import prove
from miaopei.terms.canonical import from_bytes, meaning_hash, to_bytes
from miaopei.terms.check import check
from miaopei.terms.check.texts import mentions
from miaopei.terms.columnar import settle_many
from miaopei.terms.exact import Result, first_missing, replay, settle, settler, trace_json
from miaopei.terms.simulation import simulate, totals
from miaopei.terms.wording import as_text, sentences
from tests.support.drawn import exactly, row, terms

SLOW = settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])


@given(st.data())
@SLOW
def test_both_readings_are_equal_and_within_bounds(data: st.DataObject) -> None:
    listed = data.draw(terms())
    assert check(listed) == ()
    limits = prove(listed, "cover")
    rows = [row(data.draw, listed) for _ in range(data.draw(st.integers(1, 6)))]
    single = [exactly(listed, one) for one in rows]
    for one, answer in zip(rows, single, strict=True):
        column = np.array([one[2]], dtype=np.int64)
        if isinstance(answer, str):
            with pytest.raises(Refused) as refused:
                settle_many(listed, "cover", one[0], one[1], column)
            assert [r.code for r in refused.value.refusals] == [answer]
            continue
        (amount,) = settle_many(listed, "cover", one[0], one[1], column).tolist()
        assert amount == answer.amount_fen
        assert limits.least <= amount <= limits.most
        assert replay(listed, answer.trace) == answer
        assert json.loads(json.dumps(trace_json(answer)))["amount_fen"] == amount
        for language in ("zh", "en"):
            assert all(line for line in sentences(listed, answer, language))  # type: ignore[arg-type]
    together(listed, rows, single, data)


@given(st.data())
@SLOW
def test_the_facts_read_once_for_many_give_the_steps_and_refusals_of_each(
    data: st.DataObject,
) -> None:
    """Of two rows the second is read under the first one's facts, or some of them its own."""
    listed = data.draw(terms())
    one, other = (row(data.draw, listed) for _ in range(2))
    own = data.draw(st.sets(st.sampled_from(sorted(one[0])))) if one[0] else set()
    same = {name: value for name, value in one[0].items() if name not in own}
    settle_one = settler(listed, "cover", same)
    for given_row in (one, other, one):
        seen = {**given_row[0], **same}
        wanted = exactly(listed, (seen, given_row[1], given_row[2]))
        differing = {name: given_row[0][name] for name in own}
        try:
            answer: Result | str = settle_one(differing, given_row[1], {"cover": given_row[2]})
        except Refused as refused:
            answer = refused.refusals[0].code
        assert answer == wanted


def together(
    listed: w.Terms, rows: list[Any], single: list[Result | str], data: st.DataObject
) -> None:
    """The same rows as columns, in their order and in another."""
    order = data.draw(st.permutations(range(len(rows))))
    for places in (list(range(len(rows))), order):
        observed, declared = (
            {name: np.array([rows[i][table][name] for i in places], dtype=np.int64)
             for name in rows[0][table]}
            for table in (0, 1)
        )  # fmt: skip
        spent = np.array([rows[i][2] for i in places], dtype=np.int64)
        wanted = [single[i] for i in places]
        try:
            amounts = settle_many(listed, "cover", observed, declared, spent).tolist()
            assert [w.amount_fen for w in wanted if isinstance(w, Result)] == amounts
        except Refused as refused:
            named = {int(str(r.facts["row"])): r.code for r in refused.refusals}
            assert all(wanted[place] == code for place, code in named.items())
            assert min(named) == next(i for i, w in enumerate(wanted) if isinstance(w, str))
            assert set(named.values()) == {w for w in wanted if isinstance(w, str)}


@given(terms())
@SLOW
def test_canonical_bytes_survive_and_texts_agree(listed: w.Terms) -> None:
    data = to_bytes(listed)
    again = from_bytes(data)
    assert (again, to_bytes(again)) == (listed, data)
    assert meaning_hash(again) == meaning_hash(listed)
    for node in w.walk(listed.benefits[0]):
        if isinstance(node, w.Clause):
            assert set(mentions(node.zh)) == set(mentions(node.en))
    for language in ("zh", "en"):
        text = as_text(listed, language)  # type: ignore[arg-type]
        assert not re.search(r"[{}]", text)


@given(st.data())
@SLOW
def test_what_is_demanded_is_enough_and_what_is_not_changes_nothing(data: st.DataObject) -> None:
    listed = data.draw(terms())
    observed, declared, spent = row(data.draw, listed)
    known: dict[str, int] = {}
    body = listed.benefit("cover")
    while (name := first_missing(body, known)) is not None:
        assert name not in known
        known[name] = observed[name]
    full, less = (exactly(listed, (facts, declared, spent)) for facts in (observed, known))
    assert (full if isinstance(full, str) else full.amount_fen) == (
        less if isinstance(less, str) else less.amount_fen
    )
    assert less != "terms.missing_input"


MAGNITUDES = st.integers(0, 100)


@given(st.sampled_from([("yunnan_dali", 1), ("yunnan_dali", 2), ("yunnan_yuxi", 1)]), st.data())
def test_more_magnitude_never_pays_less(version: tuple[str, int], data: st.DataObject) -> None:
    promised = shelf().find(version[0]).version(version[1]).terms
    role, total = data.draw(st.integers(0, 2)), data.draw(st.integers(1, 10**6))
    facts = {"role": role, "loss_total": total, "loss_area": data.draw(st.integers(0, total))}
    spent = {"house": data.draw(st.integers(0, 16_800 * 10**6))}
    low, high = sorted((data.draw(MAGNITUDES), data.draw(MAGNITUDES)))
    less, more = (
        settle(promised, "house", {**facts, "magnitude": tenths}, {}, spent).amount_fen
        for tenths in (low, high)
    )
    assert less <= more


@given(st.data())
def test_later_restoration_never_pays_less(data: st.DataObject) -> None:
    promised = shelf().find("power_restoration").version(1).terms
    planned = 26_000_000
    own = {
        "deductible": data.draw(st.integers(0, 2_880)),
        "occurrence_limit": data.draw(st.integers(0, 10**7)),
    }
    times = sorted(data.draw(st.integers(planned - 600, planned + 9_000)) for _ in range(2))
    less, more = (
        settle(
            promised,
            "delay",
            {"planned_restoration": planned, "actual_restoration": at, "outage_cause": 0},
            own,
            {"delay": 0},
        ).amount_fen
        for at in times
    )
    assert less <= more


@given(st.lists(st.tuples(st.integers(0, 3), MAGNITUDES), min_size=1, max_size=40))
def test_a_year_never_pays_more_than_its_limit(events: list[tuple[int, int]]) -> None:
    promised = shelf().find("yunnan_dali").version(1).terms
    years = np.array([year for year, _ in events], dtype=np.int64)
    magnitude = np.array([tenths for _, tenths in events], dtype=np.int64)
    amounts = simulate(promised, "house", {"role": 1, "magnitude": magnitude}, {}, years)
    _, sums = totals(amounts, years)
    assert sums.max() <= wan(42_000)
    uncapped = settle_many(
        promised, "house", {"role": 1, "magnitude": magnitude}, {}, np.zeros_like(years)
    )
    for year, total in zip(*totals(uncapped, years), strict=True):
        assert sums[np.unique(years) == year][0] == min(total, wan(42_000))
