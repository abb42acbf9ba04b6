"""A round of duties: what is refused, fails outside, an alarm, a fault of ours; each is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event

import pytest

from miaopei.errors import Alarm, DebtAlarm, OutsideFault, RecordDamaged, Refusal, Refused
from miaopei.wiring.duties import Duties, Duty, Rounds, Trouble

NO = Refused(Refusal("selling.bad_key", {"limit": 200}))
PATIENCE = 60.0


class Played:
    """Two duties, the first of which does in each round what is next of `first`."""

    def __init__(self, *first: Exception | None) -> None:
        self.told: list[Trouble] = []
        self.duties = Duties(self.told.append)
        self.first, self.paid = list(first), 0

    def collect(self) -> int:
        played = self.first.pop(0) if self.first else None
        if played is not None:
            raise played
        return 1

    def pay(self) -> int:
        self.paid += 1
        return 1

    def round(self) -> Iterator[Duty]:
        yield "collect", self.collect
        yield "pay", self.pay

    def rounds(self, count: int) -> list[int]:
        return [self.duties.run(self.round()) for _ in range(count)]

    @property
    def heard(self) -> list[tuple[str, str, str]]:
        return [(told.how, told.duty, told.code) for told in self.told]


@pytest.mark.parametrize(
    ("error", "how", "code"),
    [
        (NO, "refused", "selling.bad_key"),
        (OutsideFault("no answer from the bank", retry=True), "outside", "outside"),
        (OutsideFault("the bank has no such account", retry=False), "outside", "outside"),
        (DebtAlarm("an instruction is there already", debt="ab"), "held", "alarm.debt"),
    ],
)
def test_what_one_duty_cannot_do_is_told_once_keeps_no_other_back_and_is_tried_again(
    error: Exception, how: str, code: str
) -> None:
    played = Played(error, error, None)
    assert played.rounds(2) == [1, 1]
    assert played.duties.standing() == [{"how": how, "duty": "collect", "code": code}]
    assert played.rounds(2) == [2, 2]
    assert played.paid == 4
    assert played.heard == [(how, "collect", code), ("over", "collect", code)]
    assert played.duties.standing() == []
    played.duties.raise_what_stopped()


def test_another_refusal_of_the_same_duty_is_told_as_well() -> None:
    played = Played(NO, Refused(Refusal("selling.bad_file", {"why": "no object"})))
    played.rounds(2)
    assert [code for _, _, code in played.heard] == ["selling.bad_key", "selling.bad_file"]


def test_an_alarm_ends_every_duty_is_told_once_and_is_how_the_process_ends() -> None:
    damaged = RecordDamaged("bytes are not what their digest says", leaf=7)
    played = Played(None, damaged)
    assert played.rounds(4) == [2, 0, 0, 0]
    assert played.paid == 1
    assert played.duties.stopped
    assert played.heard == [("stopped", "collect", "alarm.record_damaged")]
    with pytest.raises(RecordDamaged):
        played.duties.raise_what_stopped()


def test_a_fault_of_ours_goes_up_and_nothing_is_done_after_it() -> None:
    played = Played(ZeroDivisionError("integer division"))
    with pytest.raises(ZeroDivisionError):
        played.rounds(1)
    assert played.rounds(1) == [0]
    assert played.heard == [("failed", "collect", "ZeroDivisionError")]


def test_every_sentence_names_duty_and_code_in_both_languages() -> None:
    played = Played(NO, OutsideFault("silence", retry=True), None, Alarm("odd", at=1))
    played.rounds(4)
    assert [told.how for told in played.told] == ["refused", "outside", "over", "stopped"]
    for told in played.told:
        for language, name in (("en", "collect premiums"), ("zh", "查收保费")):
            sentence = told.sentence(language)
            assert told.code in sentence
            assert name in sentence


def run_in_a_thread(
    played: Played, until: Callable[[], bool], ready: Callable[[], bool] = lambda: True
) -> tuple[Rounds, list[BaseException]]:
    failed: list[BaseException] = []
    looked = Event()

    def work() -> Iterator[Duty]:
        if until():
            looked.set()
        yield from played.round()

    def fail(error: BaseException) -> None:
        failed.append(error)
        looked.set()

    rounds = Rounds(played.duties, work, 0.01, ready=ready, failed=fail)
    rounds.start()
    assert looked.wait(PATIENCE)
    rounds.end(PATIENCE)
    assert not rounds.is_alive()
    return rounds, failed


def test_a_thread_of_rounds_goes_on_after_a_refusal() -> None:
    played = Played(NO, NO)
    _, failed = run_in_a_thread(played, lambda: played.paid >= 4)
    assert not failed
    assert [how for how, _, _ in played.heard] == ["refused", "over"]


def test_a_thread_that_ends_by_itself_says_so() -> None:
    played = Played(None, KeyError("x"))
    _, failed = run_in_a_thread(played, lambda: False)
    assert [type(error) for error in failed] == [KeyError]
    assert played.heard == [("failed", "collect", "KeyError")]


def test_a_thread_that_cannot_even_begin_a_round_says_so() -> None:
    played = Played()

    def broken() -> bool:
        raise RuntimeError("no status")

    _, failed = run_in_a_thread(played, lambda: False, broken)
    assert [type(error) for error in failed] == [RuntimeError]
    assert played.heard == [("failed", "round", "RuntimeError")]


def test_a_log_that_finds_no_room_ends_no_duty() -> None:
    """One line about a refusal, on a full disk, ended all duties of a member, and its process did
    not end: it decided and paid nothing more.
    """

    def no_room(_: Trouble) -> None:
        raise OSError("no space left on device")

    played = Played(NO, NO)
    played.duties = Duties(no_room)
    _, failed = run_in_a_thread(played, lambda: played.paid >= 4)
    assert not failed
    assert not played.duties.stopped


def test_whoever_ends_the_process_hears_of_a_fault_that_cannot_even_be_told() -> None:
    def broken(_: Trouble) -> None:
        raise RuntimeError("no log")

    played = Played(None, KeyError("x"))
    played.duties = Duties(broken)
    _, failed = run_in_a_thread(played, lambda: False)
    assert [type(error) for error in failed] == [RuntimeError]
