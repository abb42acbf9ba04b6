"""The printed counts of Tables 2 and 4, with made-up households and an illustrative rule.

Source: rows.md section 2.1.3 for counts and payouts. The expected amounts are exact fractions
worked out here from count, weight and payout, not from the code.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from miaopei.errors import Refused
from miaopei.market.allotment import (
    Allotment,
    Household,
    WeightRule,
    Work,
    allot,
    allotment_from_json,
)
from miaopei.market.examples import REBUILT_TEN_TO_ONE, made_up_households

PRINTED = [  # event, rebuilt, repaired, payout in fen
    ("2015-10-30", 327, 626, 753_760_000),
    ("2016-05-18", 870, 6_250, 2_800_000_000),
    ("2017-03-27", 876, 6_100, 2_800_000_000),
    ("2018-08-13", 6_425, 2_383, 1_600_000_000),
    ("2018-09-08", 0, 49, 16_129_000),
]


@pytest.mark.parametrize(("event", "rebuilt", "repaired", "payout"), PRINTED)
def test_printed_payouts_reach_the_printed_households_to_the_fen(
    event: str, rebuilt: int, repaired: int, payout: int
) -> None:
    households = made_up_households(event, rebuilt, repaired)
    allotment = allot(payout, households, REBUILT_TEN_TO_ONE)
    assert sum(line.amount_fen for line in allotment.lines) == payout
    assert [line.number for line in allotment.lines] == list(range(1, rebuilt + repaired + 1))
    unit = Fraction(payout, 10 * rebuilt + repaired)
    for line in allotment.lines:
        exact = unit * (10 if line.work is Work.REBUILT else 1)
        assert exact - 1 < line.amount_fen < exact + 1
    totals = allotment.totals()
    assert (totals[Work.REBUILT][0], totals[Work.REPAIRED][0]) == (rebuilt, repaired)
    assert totals[Work.REBUILT][1] + totals[Work.REPAIRED][1] == payout
    assert all(line.token.startswith("made-up/") for line in allotment.lines)


def amounts(allotment: Allotment) -> list[int]:
    return [line.amount_fen for line in allotment.lines]


def test_mojiang_2018_by_hand() -> None:
    # 16,129,000 / 49 = 329,163 rest 13: the first 13 of the list get a fen more.
    got = amounts(allot(16_129_000, made_up_households("m", 0, 49), REBUILT_TEN_TO_ONE))
    assert got == [329_164] * 13 + [329_163] * 36


def test_changning_2015_by_hand() -> None:
    # Weights 3,270 + 626 = 3,896. Rebuilt 7,537,600,000 / 3,896 = 1,934,702 rest 1,008;
    # repaired 753,760,000 / 3,896 = 193,470 rest 880. 226 fen are left: to the first 226 rebuilt.
    got = amounts(allot(753_760_000, made_up_households("c", 327, 626), REBUILT_TEN_TO_ONE))
    assert got == [1_934_703] * 226 + [1_934_702] * 101 + [193_470] * 626


def test_a_households_own_weight_counts_within_its_class() -> None:
    households = [
        Household("a", Work.REPAIRED, weight=3),
        Household("b", Work.REPAIRED),
        Household("c", Work.REBUILT, weight=2),
    ]
    assert amounts(allot(2_400, households, REBUILT_TEN_TO_ONE)) == [300, 100, 2_000]


def test_the_digest_fixes_every_line_and_their_order() -> None:
    households = made_up_households("d", 2, 2)
    first = allot(1_000, households, REBUILT_TEN_TO_ONE)
    again = allot(1_000, households, replace(REBUILT_TEN_TO_ONE, id="other name"))
    assert first.digest == again.digest
    for other in (
        allot(1_001, households, REBUILT_TEN_TO_ONE),
        allot(1_000, households[::-1], REBUILT_TEN_TO_ONE),
        allot(1_000, [*households[:3], Household("z", Work.REPAIRED)], REBUILT_TEN_TO_ONE),
        allot(1_000, [*households[:3], replace(households[3], weight=2)], REBUILT_TEN_TO_ONE),
    ):
        assert other.digest != first.digest


def test_a_list_read_back_is_divided_again() -> None:
    allotment = allot(1_001, made_up_households("r", 2, 3), REBUILT_TEN_TO_ONE)
    value = allotment.as_json()
    assert allotment_from_json(value) == allotment
    value["lines"][0]["amount_fen"] += 1
    value["lines"][1]["amount_fen"] -= 1
    with pytest.raises(Refused) as error:
        allotment_from_json(value)
    assert error.value.refusals[0].code == "market.allotment_differs"
    assert error.value.refusals[0].facts["number"] == 1
    value["lines"][0]["work"] = "painted"
    with pytest.raises(Refused, match=r"market\.bad_field"):
        allotment_from_json(value)


def test_what_is_refused_all_at_once() -> None:
    twice = [Household("a", Work.REBUILT), Household("a", Work.REBUILT, weight=0)]
    with pytest.raises(Refused) as error:
        allot(-1, twice, REBUILT_TEN_TO_ONE)
    assert [r.code for r in error.value.refusals] == [
        "market.payout_negative",
        "market.household_twice",
        "market.weight_bad",
    ]
    with pytest.raises(Refused, match=r"market\.no_households"):
        allot(100, [], REBUILT_TEN_TO_ONE)


def test_a_rule_weighs_both_classes_and_is_data() -> None:
    value = REBUILT_TEN_TO_ONE.as_json()
    assert value["illustrative"] is True
    assert WeightRule.from_json(value) == REBUILT_TEN_TO_ONE
    for weights in (
        {"rebuilt": 10},
        {"rebuilt": 10, "repaired": 0},
        {"rebuilt": 1.5, "repaired": 1},
    ):
        with pytest.raises(Refused):
            WeightRule.from_json(value | {"weights": weights})
    with pytest.raises(Refused, match=r"market\.weight_bad"):
        WeightRule("x", {Work.REBUILT: 10}, illustrative=True)
