"""How long an answer may take, and who is named for it: bounds of the specification."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from miaopei.adapters.peers.client import FORGOTTEN, NAMED
from miaopei.adapters.peers.line import AHEAD, PACE, Deadline
from miaopei.errors import OutsideFault
from tests.support import peers
from tests.support.peers import answering, asking, free_port, tls

ONE, OTHER = "ab" * 32, "cd" * 32


@dataclass
class Hands:
    """A clock that is set by hand."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_each_thousand_bytes_give_the_rest_a_second_and_thirty_ahead_at_most() -> None:
    assert (PACE, AHEAD) == (1_000, 30.0)
    clock = Hands()
    deadline = Deadline.of(10.0, clock)
    deadline.came(5_000)
    assert deadline.left() == 15.0
    deadline.came(400_000_000)
    assert deadline.left() == 30.0, "who was quick may not rest for days"
    clock.now += 29.0
    assert deadline.left() == 1.0
    deadline.came(1)
    assert deadline.left() == pytest.approx(1.001)
    clock.now += 1.001
    with pytest.raises(TimeoutError):
        deadline.left()


def test_what_was_given_to_begin_with_is_not_taken_away() -> None:
    clock = Hands()
    deadline = Deadline.of(60.0, clock)
    deadline.came(5_000)
    assert deadline.left() == 60.0


def test_who_takes_more_than_a_minute_is_named_while_it_is_asked(tmp_path: Path) -> None:
    """Whatever deadline it keeps: each second a thousand bytes, of a blob without end."""
    assert (NAMED, FORGOTTEN) == (60.0, 30.0)
    clock, address = Hands(), f"127.0.0.1:{free_port()}"
    with answering(address, tls(tmp_path, "insurer", ("notary",), server=True), peers.silent):
        notary = replace(asking(tmp_path, "notary", address), patience=0.0, clock=clock)
        began = clock.now
        while clock.now - began <= NAMED:
            with pytest.raises(OutsideFault, match="yet"):
                notary.fetch("insurer", ONE)
            assert notary.slow == []
            clock.now += FORGOTTEN
        assert notary.slow == ["insurer"]
        notary.close()


@pytest.mark.parametrize("later", [0.0, 1.0])
def test_an_answer_for_which_nobody_asks_for_half_a_minute_is_given_up(
    tmp_path: Path, later: float
) -> None:
    """Until then who asks for something else of that member is told that it still answers."""
    clock, address = Hands(), f"127.0.0.1:{free_port()}"
    with answering(address, tls(tmp_path, "insurer", ("notary",), server=True), peers.silent):
        notary = replace(asking(tmp_path, "notary", address), patience=0.0, clock=clock)
        with pytest.raises(OutsideFault, match="yet"):
            notary.fetch("insurer", ONE)
        clock.now += FORGOTTEN + later
        with pytest.raises(OutsideFault, match="yet") as told:
            notary.fetch("insurer", OTHER)
        assert ("another question" in str(told.value)) == (later == 0.0)
        notary.close()


def test_what_still_lacks_is_waited_for_though_it_is_not_asked_for_again(tmp_path: Path) -> None:
    """Blobs of a minute each over a slow line: each was begun again and again, and none came."""
    clock, address = Hands(), f"127.0.0.1:{free_port()}"
    with answering(address, tls(tmp_path, "insurer", ("notary",), server=True), peers.silent):
        notary = replace(asking(tmp_path, "notary", address), patience=0.0, clock=clock)
        with pytest.raises(OutsideFault, match="yet"):
            notary.fetch("insurer", ONE)
        for _ in range(5):
            clock.now += FORGOTTEN
            notary.begin({ONE})
            with pytest.raises(OutsideFault, match="another question"):
                notary.fetch("insurer", OTHER)
        notary.begin(set())
        clock.now += FORGOTTEN + 1
        with pytest.raises(OutsideFault, match=r"blob yet$"):
            notary.fetch("insurer", OTHER)
        notary.close()
