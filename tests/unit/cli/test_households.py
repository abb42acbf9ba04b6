"""A list of households from a file: every row that cannot be used is named, and none is guessed."""

from __future__ import annotations

import pytest

from miaopei.cli.deeds.households import preview, read_list
from miaopei.errors import Refused
from miaopei.market.allotment import Work, allot
from miaopei.market.examples import REBUILT_TEN_TO_ONE

HEAD = "token,work,weight,account,name\n"


def test_a_list_is_read_in_its_order_and_divided_to_the_fen() -> None:
    text = HEAD + "h-1,rebuilt,1,6200,甲\n\nh-2,修缮,2,6201,乙\nh-3,repaired,1,6202,丙\n"
    payees, faults = read_list(text.encode("utf-8-sig"))
    assert faults == []
    assert [(p.household.token, p.household.weight, p.account) for p in payees] == [
        ("h-1", 1, "6200"),
        ("h-2", 2, "6201"),
        ("h-3", 1, "6202"),
    ]
    divided = allot(100_003, [p.household for p in payees], REBUILT_TEN_TO_ONE)
    assert divided.totals()[Work.REBUILT] == (1, divided.lines[0].amount_fen)
    lines = list(preview(divided, "en"))
    assert lines[-1] == "3 households in all, 1,000.03 yuan: the whole payout of 1,000.03 yuan"
    assert len(lines) == 3


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("h-1,rebuilt,1,6200", "4 cells"),
        ("户,rebuilt,1,6200,n", "token"),
        (",rebuilt,1,6200,n", "token"),
        ("h-1,razed,1,6200,n", "neither rebuilt"),
        ("h-1,rebuilt,1.5,6200,n", "whole number"),
        ("h-1,rebuilt,0,6200,n", "whole number"),
        ("h-1,rebuilt,-1,6200,n", "whole number"),
        ("h-1,rebuilt,1,,n", "account and name"),
        ("h-0,rebuilt,1,6200,n", "stands in row 2"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_with_its_number(row: str, why: str) -> None:
    text = HEAD + "h-0,rebuilt,1,6100,n\n" + row + "\nh-9,repaired,1,6300,n\n"
    payees, (fault,) = read_list(text.encode())
    assert (fault.code, fault.facts["row"]) == ("cli.list_row", 3)
    assert why in str(fault.facts["why"])
    assert {p.household.token for p in payees} >= {"h-0", "h-9"}


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"a,b\n", b'token,"work\n'])
def test_what_is_no_list_is_refused_whole(data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read_list(data)
    assert refused.value.refusals[0].code == "cli.list_unreadable"
