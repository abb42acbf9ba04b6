"""What a listener says of a source on the record: heard, again in time, silent, heard."""

from __future__ import annotations

from typing import Any

from miaopei.acts.source_state import silence_of
from miaopei.acts.state import State
from miaopei.adapters.grid import hearing
from miaopei.adapters.grid.hearing import SILENT_AFTER, VALID
from tests.support import sayings as s
from tests.unit.grid.conftest import Grid

BEGAN = "2021-06-01 08:00:00"


def hear(grid: Grid, at: int) -> None:
    with grid.town.store.writing() as block:
        hearing.heard(block, s.COMMAND, at, "asked")


def speak(grid: Grid, at: int, since: int) -> tuple[str, ...]:
    grid.town.at(max(at, grid.town.now))
    return hearing.speak(grid.town.node, {s.COMMAND: since}, grid.town.now)


def state(grid: Grid) -> dict[str, Any]:
    (value,) = grid.town.table("source_state").values()
    return dict(value)


def silent(grid: Grid) -> bool:
    with grid.town.store.reading() as reading:
        return silence_of(State(reading), s.COMMAND, grid.town.now) is not None


def test_a_source_is_said_to_be_heard_and_said_again_in_time(grid: Grid) -> None:
    grid.town.at(BEGAN)
    began = grid.town.now
    assert speak(grid, began + 5, began) == ()  # not heard, and not for long enough
    said = []
    for at in range(began + 60, began + 2 * VALID, 300):
        hear(grid, at)
        said += speak(grid, at, began)
        assert silent(grid) is False
    assert 4 <= len(said) <= 6  # at once, and then each half hour
    assert state(grid)["state"] == "heard"


def test_silence_is_said_once_and_the_end_of_it_at_once(grid: Grid) -> None:
    grid.town.at(BEGAN)
    began = grid.town.now
    hear(grid, began)
    assert speak(grid, began, began) == (s.COMMAND,)
    assert speak(grid, began + SILENT_AFTER, began) == ()
    assert silent(grid) is False
    assert speak(grid, began + SILENT_AFTER + 1, began) == (s.COMMAND,)
    assert silent(grid) is True
    assert "900" in state(grid)["why"]
    assert speak(grid, began + SILENT_AFTER + 600, began) == ()
    hear(grid, grid.town.now)
    assert speak(grid, grid.town.now, began) == (s.COMMAND,)
    assert silent(grid) is False


def test_a_listener_that_begins_anew_does_not_count_the_time_it_was_away(grid: Grid) -> None:
    grid.town.at(BEGAN)
    began = grid.town.now
    hear(grid, began)
    speak(grid, began, began)
    again = began + 10 * VALID
    assert speak(grid, again + SILENT_AFTER, again) == ()
    assert silent(grid) is True  # its word has run out: nobody has heard the source since
    assert speak(grid, again + SILENT_AFTER + 1, again) == (s.COMMAND,)
    assert state(grid)["state"] == "silent"
