"""Keys that are none: refused where they would come into a seat, and harmless where one has."""

from __future__ import annotations

import pytest

from miaopei.acts import seats
from miaopei.errors import Refused

from .court import Court

NOTHING = "00" * 32  # what is derived from it is nothing, whoever derives it
SMALL = "01" + "00" * 31  # under it everybody's signature holds
NO_POINT = "02" + "00" * 31


@pytest.mark.parametrize(
    ("name", "key"),
    [("box", NOTHING), ("box", "01" + "00" * 31), ("engine", NO_POINT),
     ("node", SMALL), ("peer", "ff" * 32), ("log", NO_POINT), ("log", NOTHING)],
)  # fmt: skip
def test_no_seat_takes_a_key_that_is_no_point(name: str, key: str) -> None:
    court = Court()
    assert court.say("notary", "rotate_keys", {"keys": {name: key}}) == ["act.bad_seat"]


def test_who_has_a_box_that_nothing_can_be_sealed_for_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A record of an older rule set may hold one: each decider ended on it, at every start."""
    monkeypatch.setattr(seats, "POINTS_SINCE", 99)
    court = Court()
    assert court.say("notary", "rotate_keys", {"keys": {"box": NOTHING}}) == []
    court.shake()
    court.pass_by(3 * 7_200)
    settlement = court.one("settlement")["settlement"]
    assert len(settlement["deciders"]) >= 2
    payment = court.one("payment")
    assert payment["executed_fen"] == payment["due_fen"] > 0
    with pytest.raises(Refused) as refused:
        court.by["insurer"].keeper.run()
    assert [(r.code, r.facts["member"]) for r in refused.value.refusals] == [
        ("net.reader_left_out", "notary")
    ]
    assert [member.alarms for member in court.by.values() if member.alarms] == []
