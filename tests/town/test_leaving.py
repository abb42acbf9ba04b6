"""Faults that runs with seats found, each by its own name."""

from __future__ import annotations

from miaopei.measures.instant import DAY
from tests.town.court import Court
from tests.town.founding import DECIDE


def test_who_leaves_still_votes_on_the_next_block_so_that_there_is_one() -> None:
    """Five of six are up, and one of them leaves: its vote counts for one block more, so its engine
    may connect for as long. Shut out at once, no block would ever have come again.
    """
    court = Court()
    insurer = court.by["insurer"]
    insurer.tells_wrong_root = True
    court.pass_by(1_300)
    assert insurer.stuck
    body = {"member": "utility", "reason": "its own wish", "until": court.world.clock + DAY}
    for name in ("utility", "agent", "regulator", "cloud", "notary"):
        assert court.say(name, "unseat_member", body) == []
    assert "utility" not in court.table("seat")
    height = len(court.engine.chain)
    court.pass_by(60)
    assert len(court.engine.chain) > height
    signed = court.engine.chain[-1].signed
    assert set(signed) == {
        court.by[name].keys["engine"] for name in ("agent", "regulator", "cloud", "notary")
    }
    court.shake()
    court.wait(DECIDE + 1_300)
    assert court.one("settlement")["settlement"]["deciders"] == ["notary", "regulator"]


def test_a_word_that_nobody_else_has_makes_no_blocks() -> None:
    """An engine without a vote orders nothing, so that what it alone has queued wakes nobody."""
    court = Court()
    utility = court.by["utility"]
    body = {"member": "utility", "reason": "its own wish", "until": court.world.clock + DAY}
    for name in ("utility", "agent", "regulator", "cloud", "notary"):
        assert court.say(name, "unseat_member", body) == []
    court.pass_by(60)
    utility._send((utility.node.act("unseat_member", "too late", body),))
    assert utility.pool
    height = len(court.engine.chain)
    court.pass_by(3_600)
    assert len(court.engine.chain) <= height + 4, "only the empty blocks of an idle hour"
