"""Faults planted on purpose, each to be caught by name: checkers that cannot fail prove nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

from miaopei.accounts.entry import Entry
from miaopei.acts import (
    admit_batch,
    apply,
    approvals,
    assessing,
    change_key,
    seats,
    settling,
    wishes,
)
from miaopei.acts.apply import Block
from miaopei.errors import OutsideFault, Refused
from miaopei.ledger import quorum
from miaopei.node import node
from miaopei.node.effects import payer
from miaopei.node.order import application, keep

from .bank import TownBank
from .disk import Disk

Plant = Callable[[], Any]


@contextmanager
def one_writes_its_own() -> Iterator[None]:
    """One member's application adds a byte of its own to what it computes."""
    count = 0
    real = keep.keep

    def strange(block: Any, state: Any, made: Block) -> Any:
        nonlocal count
        count += bool(made.leaves)
        if made.leaves and count % 5 == 0:
            made = replace(made, leaves=(*made.leaves[:-1], made.leaves[-1] + b" "))
        return real(block, state, made)

    with mock.patch.object(application, "keep", strange):
        yield


@contextmanager
def two_numbers() -> Iterator[None]:
    """After a silence of the bank the payer goes on under other numbers, unknown to the bank."""
    silences = 0
    real = TownBank.pay

    def pay(self: TownBank, instructions: Any) -> Any:
        nonlocal silences
        try:
            return real(self, instructions)
        except OutsideFault:
            silences += 1
            raise

    def name(payout: str, number: int) -> str:
        return f"{payout}-{number + silences}"

    with mock.patch.object(TownBank, "pay", pay), mock.patch.object(payer, "instruction_id", name):
        yield


@contextmanager
def a_debt_is_forgotten() -> Iterator[None]:
    """Nobody writes an order for the second debt that comes to be."""
    real = payer.Payer._may

    def may(self: payer.Payer, reading: Any, state: Any, debt: str) -> bool:
        first = next(state.range("settled", ""), ("", ""))[1]
        return real(self, reading, state, debt) and debt == first

    with mock.patch.object(payer.Payer, "_may", may):
        yield


@contextmanager
def one_is_enough() -> Iterator[None]:
    """The first word settles."""
    real = settling._largest

    def first(said: Any) -> list[str]:
        return real(said) * 2

    with mock.patch.object(settling, "_largest", first):
        yield


@contextmanager
def half_an_entry() -> Iterator[None]:
    """A settlement's debt is booked on one side only."""
    real = settling.settlement_made

    def half(*arguments: Any) -> Entry:
        entry = real(*arguments)
        return replace(entry, lines=entry.lines[:1])

    with (
        mock.patch.object(settling, "settlement_made", half),
        mock.patch.object(Entry, "__post_init__", return_value=None),
    ):
        yield


@contextmanager
def the_log_is_cut() -> Iterator[None]:
    """A disk loses the last leaf that it had now and then, and makes another in its place."""
    real = Disk.reading
    count = 0

    @contextmanager
    def forgetful(self: Disk) -> Iterator[Any]:
        nonlocal count
        count += 1
        if count % 400 == 0:
            head, frontier = self._tables.rows["head"][""]
            self._tables.rows["head"][""] = (replace(head, size=head.size - 1), frontier)
        with real(self) as block:
            yield block

    with mock.patch.object(Disk, "reading", forgetful):
        yield


@contextmanager
def no_turn_is_given_up() -> Iterator[None]:
    """A round that comes to nothing is never ended."""
    with mock.patch.object(settling, "ripen", return_value=None):
        yield


@contextmanager
def no_reason() -> Iterator[None]:
    """Cases are written down without why they wait."""
    real = assessing.standing_of

    def silent(base: Any, standing: Any) -> dict[str, Any]:
        return {**real(base, standing), "reason": ""}

    with mock.patch.object(assessing, "standing_of", silent):
        yield


@contextmanager
def one_vote_seats() -> Iterator[None]:
    """A single word seats a member, or takes its seat away."""
    with mock.patch.object(wishes, "weight", return_value=(1, 1)):
        yield


@contextmanager
def who_left_still_votes() -> Iterator[None]:
    """Engines are told of whose vote comes, not of whose goes."""
    real = application.changes

    def added(before: Any, after: Any) -> dict[str, int]:
        return {key: power for key, power in real(before, after).items() if power}

    with mock.patch.object(application, "changes", added):
        yield


@contextmanager
def an_old_key_comes_back() -> Iterator[None]:
    """A seat takes a key that stood in one before."""
    real = seats.check

    def check(state: Any, value: Any, rules: int) -> None:
        try:
            real(state, value, rules)
        except Refused as refused:
            if "before" not in str(refused.refusals[0].facts.get("why", "")):
                raise

    with mock.patch.object(seats, "check", check):
        yield


@contextmanager
def a_pause_stops_no_sale() -> Iterator[None]:
    """A batch is taken although its listing is paused."""
    with mock.patch.object(admit_batch, "check_open", return_value=None):
        yield


@contextmanager
def any_set_certifies() -> Iterator[None]:
    """Whoever checks a certificate believes it which members sign."""
    real = quorum.set_hash

    def signed(header: Any, commit: Any, chain: Any, voters: Any) -> tuple[int, int]:
        held = [vote for vote in commit.votes if vote is not None]
        return len(held), real(voters) and len(voters)

    with mock.patch.object(quorum, "_signed", signed):
        yield


@contextmanager
def what_was_refused_comes_back() -> Iterator[None]:
    """An act that was refused is looked at again when an engine puts it once more."""
    with mock.patch.object(apply, "REFUSED_FOR_GOOD", 99):
        yield


@contextmanager
def the_old_key_still_counts() -> Iterator[None]:
    """Another key is given to a member, and the earlier one goes on beside it."""

    def added(state: Any, member: Any, key: str, now: Any) -> None:
        given = {"key": key, "since": now.time, "until": None}
        state.put("member", member["id"], {**member, "keys": [*member["keys"], given]})

    with mock.patch.object(change_key, "_change", added):
        yield


@contextmanager
def one_vote_gives_a_key() -> Iterator[None]:
    """A single word of another gives a member a key."""
    with mock.patch.object(change_key.approvals, "approve", lambda _, act, __: (act.id,)):
        yield


@contextmanager
def a_word_taken_back_counts() -> Iterator[None]:
    """A member says that it takes its word back, and the word stands."""
    with mock.patch.object(approvals, "withdraw"):
        yield


@contextmanager
def what_is_too_late_is_not_said_again() -> Iterator[None]:
    """A member whose act was not taken in time leaves it at that."""
    with mock.patch.object(node, "ENDED", ()):
        yield


PLANTED: dict[str, tuple[Plant, str]] = {
    "one_writes_its_own": (one_writes_its_own, "two final on different bytes"),
    "two_numbers": (two_numbers, "paid twice"),
    "a_debt_is_forgotten": (a_debt_is_forgotten, "not paid at all"),
    "one_is_enough": (one_is_enough, "settled"),
    "half_an_entry": (half_an_entry, "books do not balance"),
    "the_log_is_cut": (the_log_is_cut, "the record"),
    "no_turn_is_given_up": (no_turn_is_given_up, "a round outlives its end"),
    "no_reason": (no_reason, "unsettled without a reason"),
    "one_vote_seats": (one_vote_seats, "seated by too few"),
    "who_left_still_votes": (who_left_still_votes, "votes are not those of the seats"),
    "an_old_key_comes_back": (an_old_key_comes_back, "a key comes back"),
    "a_pause_stops_no_sale": (a_pause_stops_no_sale, "sold while paused"),
    "what_was_refused_comes_back": (what_was_refused_comes_back, "refused, and came back"),
    "the_old_key_still_counts": (the_old_key_still_counts, "an ended key counts"),
    "one_vote_gives_a_key": (one_vote_gives_a_key, "a key given by too few"),
    "a_word_taken_back_counts": (a_word_taken_back_counts, "a word that was taken back counts"),
    "what_is_too_late_is_not_said_again": (
        what_is_too_late_is_not_said_again,
        "an honest member is alarmed",
    ),
    "any_set_certifies": (any_set_certifies, "a certificate of keys out of force holds"),
}
