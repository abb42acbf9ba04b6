"""A member that was away for longer than its acts may be taken goes on by itself: nothing of what
it had written down is lost, and nothing is done twice.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from miaopei.acts.envelope import Act
from miaopei.errors import OutsideFault
from miaopei.node import node

from .court import Court
from .member import ENDS, Member
from .world import Breach

AWAY = 4 * ENDS
KINDS = ("decide", "confirm_payments")


def kept_in(court: Court, who: str, kind: str) -> list[Act]:
    """Have nothing of a kind leave a member, until it is let go; what it has signed meanwhile."""
    member, kept = court.by[who], list[Act]()
    real = member._send

    def send(acts: tuple[Act, ...]) -> None:
        if member.world.now < AWAY * 1_000 + court.told_at and acts[0].kind == kind:
            kept.extend(acts)
        else:
            real(acts)

    member._send = send  # type: ignore[method-assign]
    return kept


def acts_of(member: Member, by: str, kind: str) -> list[dict[str, Any]]:
    """Leaves of a member's acts of a kind."""
    with member.disk.reading() as reading:
        leaves = [json.loads(leaf) for leaf in reading.leaves(0, reading.head().size)]
    of = (by, kind)
    acts = [leaf for leaf in leaves if leaf["leaf"] == "act"]
    return [leaf for leaf in acts if (leaf["act"]["by"], leaf["act"]["kind"]) == of]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dies", [False, True])
def test_what_it_had_written_down_is_signed_again(kind: str, dies: bool) -> None:
    court = Court()
    kept = kept_in(court, "insurer", kind)
    court.shake()
    court.pass_by(AWAY // 2)
    assert {act.kind for act in kept} == {kind}
    if dies:
        court.by["insurer"].crash(AWAY * 500)
    court.pass_by(AWAY)
    assert court.go().paid == 3
    (leaf,) = acts_of(court.by["cloud"], "insurer", kind)
    assert leaf["result"]["ok"]
    assert leaf["act"]["until"] > max(act.until or 0 for act in kept[:1])


def test_what_another_had_kept_back_comes_too_late_and_does_nothing() -> None:
    """A liar that has the bytes of a confirmation puts them on the record after their end, before
    the payer is back: it is refused for good, and the payer says it under another name.
    """
    court = Court()
    kept = kept_in(court, "insurer", "confirm_payments")
    court.shake()
    court.pass_by(AWAY - 60)
    utility = court.by["utility"]
    assert utility.application.door.objection(kept[0]) is not None
    utility.application.door.objection = lambda _: None  # type: ignore[method-assign]
    utility.application.check = lambda _: None  # type: ignore[method-assign]
    with pytest.raises(OutsideFault):
        utility.submit(kept[:1])
    court.pass_by(60)
    assert court.go().paid == 3
    first, second = acts_of(court.by["cloud"], "insurer", "confirm_payments")
    assert [each["code"] for each in first["result"]["refusals"]] == ["act.too_late"]
    assert second["result"]["ok"]
    assert second["act"]["ref"].startswith(f"{first['act']['ref']} after ")


@pytest.mark.parametrize("kind", KINDS)
def test_without_that_it_would_not_go_on(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "ENDED", ())
    court = Court()
    kept_in(court, "insurer", kind)
    court.shake()
    court.pass_by(2 * AWAY)
    with pytest.raises(Breach, match="an honest member is alarmed"):
        court.go()
