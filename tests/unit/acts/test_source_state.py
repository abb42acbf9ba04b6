"""Whether a source is heard: said by those who listen, asked by who sells, read by no trigger."""

from __future__ import annotations

from typing import Any

import pytest

from miaopei.acts.source_state import Silence, silence_of, silent_sources
from miaopei.acts.state import State
from miaopei.measures.instant import DAY, HOUR
from miaopei.products.planned_outage import PRODUCT
from tests.support.grid import (
    COMMAND,
    METERS,
    NUMBER,
    OFF,
    ON,
    PUBLISHED,
    back,
    grid_town,
    insure,
    plan,
)
from tests.support.town import Town, codes


def say(town: Town, source: str, state: str, *, by: str = "", ref: str = "", **more: Any) -> Any:
    body = {"source": source, "state": state, "heard_at": town.now, "valid_seconds": HOUR}
    body |= {"why": "no word for 600 s" if state == "silent" else "", **more}
    if by:
        return town.send(town.act_of(by, "source_state", body, ref or f"{town.now}"))
    return town.send(town.act("source_state", body, ref or f"{source} {state} {town.now}"))


def silent(town: Town, now: int | None = None) -> tuple[Silence, ...]:
    with town.store.reading() as reading:
        return silent_sources(State(reading), PRODUCT, town.now if now is None else now)


def test_a_source_that_nobody_listens_to_is_not_silent() -> None:
    town, _ = grid_town()
    assert silent(town) == ()


def test_silent_until_heard_again() -> None:
    town, _ = grid_town()
    town.at(OFF)
    assert say(town, METERS, "silent").ok
    since = town.now
    (found,) = silent(town)
    assert found == Silence(METERS, since, "no word for 600 s")
    town.at(since + HOUR)
    assert say(town, METERS, "silent").ok  # said again: it has been silent since then
    assert [s.since for s in silent(town)] == [since]
    assert say(town, METERS, "heard").ok
    assert silent(town) == ()


def test_who_listens_and_says_no_more_is_taken_for_silence() -> None:
    town, _ = grid_town()
    town.at(OFF)
    assert say(town, COMMAND, "heard").ok
    said = town.now
    assert silent(town, said + HOUR - 1) == ()
    assert silent(town, said + HOUR) == (Silence(COMMAND, said + HOUR, ""),)


def test_one_who_hears_it_is_enough() -> None:
    town, _ = grid_town()
    town.admit("neighbour", "gateway")
    town.at(OFF)
    assert say(town, METERS, "silent").ok
    assert say(town, METERS, "heard", by="neighbour").ok
    assert silent(town) == ()
    town.at(town.now + HOUR)
    with town.store.reading() as reading:
        found = silence_of(State(reading), METERS, town.now)
    assert found is not None
    assert found.since == town.now


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"source": "my.blog"}, "evidence.unknown_source"),
        ({"state": "asleep"}, "act.bad_body"),
        ({"why": "x" * 201}, "act.bad_body"),
        ({"valid_seconds": 59}, "act.bad_hearing"),
        ({"valid_seconds": 7 * DAY + 1}, "act.bad_hearing"),
        ({"heard_at": -1}, "act.bad_hearing"),
        ({"more": 1}, "act.bad_body"),
    ],
)
def test_words_that_cannot_be_are_refused(change: dict[str, Any], code: str) -> None:
    town, _ = grid_town()
    town.at(OFF)
    body = {"source": METERS, "state": "heard", "heard_at": town.now, "valid_seconds": HOUR}
    assert codes(town.send(town.act("source_state", {**body, "why": "", **change}))) == [code]
    later = {**body, "why": "", "heard_at": town.now + 301}
    assert codes(town.send(town.act("source_state", later, "2"))) == ["act.bad_hearing"]
    assert silent(town) == ()


def test_only_a_gateway_says_what_it_hears() -> None:
    town, _ = grid_town()
    town.admit("watcher", "regulator")
    assert codes(say(town, METERS, "silent", by="watcher")) == ["act.role_missing"]


def test_a_silent_source_stops_no_payout() -> None:
    """Both systems fall silent after the trigger: sales stop, who is owed is still paid."""
    town, listing = grid_town()
    insure(town, listing, ["a", "b"])
    town.tell(plan(town, ["a", "b"]), at=PUBLISHED)
    late = "2021-06-01 20:00:00"
    for source in (COMMAND, METERS):
        town.tell(back(town, dict.fromkeys("ab", late), source=source), at="2021-06-01 20:05:00")
    for source in (COMMAND, METERS):
        assert say(town, source, "silent").ok
    assert [s.source for s in silent(town)] == [COMMAND, METERS]
    town.work()
    (case,) = town.table("case").values()
    (entry,) = town.table("settlement").values()
    assert case["state"] == "settled", (case, NUMBER, ON)
    assert entry["settlement"]["totals"]["pay_fen"] > 0
