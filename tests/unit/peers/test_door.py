"""One connection too many takes the place of another of its own kind, and of nobody else's."""

from __future__ import annotations

from asyncio import Task
from typing import Any, cast

import pytest

from miaopei.adapters.peers import door
from miaopei.adapters.peers.door import EACH_SEAT, Door, whence


class Played:
    """A connection."""

    def __init__(self) -> None:
        self.ended = False

    def cancel(self) -> None:
        self.ended = True


def task(played: Played) -> Task[Any]:
    return cast("Task[Any]", played)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is room for eight without a key."""
    monkeypatch.setattr(door, "room", lambda: 8)


def coming(at: Door, address: str, count: int = 1) -> list[Played]:
    made = [Played() for _ in range(count)]
    for each in made:
        at.came(task(each), address)
    return made


def test_who_opens_many_ends_its_own_the_oldest_first() -> None:
    at = Door()
    other, many = coming(at, "192.0.2.7"), coming(at, "192.0.2.1", 100)
    assert [each.ended for each in many] == [True] * 96 + [False] * 4
    assert not other[0].ended


def test_where_many_come_from_everywhere_those_give_way_of_whom_most_are_here() -> None:
    at = Door()
    three = coming(at, "192.0.2.1", 3)
    single = [coming(at, f"198.51.100.{number}")[0] for number in range(5)]
    coming(at, "203.0.113.1")
    assert [each.ended for each in three] == [True, False, False]
    assert not any(each.ended for each in single)


def test_who_has_shown_a_key_is_none_of_them_any_more() -> None:
    at = Door()
    shown = coming(at, "192.0.2.1", 4)
    for each in shown:
        at.knows(task(each))
    coming(at, "192.0.2.1", 100)
    assert not any(each.ended for each in shown)


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:9::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("a socket", "a socket"),
    ],
)
def test_one_subscriber_is_one_address(address: str, counts_as: str) -> None:
    assert whence(address) == counts_as


def test_of_a_seat_nobody_gives_way_who_is_being_answered() -> None:
    at, many = Door(), [Played() for _ in range(EACH_SEAT + 3)]
    for each in many[:EACH_SEAT]:
        assert at.waits(task(each), "one")
    at.answers(task(many[0]), "one")
    assert at.waits(task(many[EACH_SEAT]), "one")
    assert [each.ended for each in many[:3]] == [False, True, False]
    for each in many:
        at.answers(task(each), "one")
    assert not at.waits(task(many[-1]), "one")
    assert at.waits(task(many[-1]), "another")
    at.gone(task(many[0]), "one")
    assert at.waits(task(many[-2]), "one")
