"""A book granted to a member that neither decides nor pays it: what is opened to it, and when.

Rows O-08, C-03, A-15.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from miaopei.acts.readers import READER, why_not
from miaopei.acts.state import State
from miaopei.acts.use_grant import last_use
from miaopei.adapters.memory_store import MemoryStore
from miaopei.errors.texts import say
from miaopei.measures.identity import canonical
from miaopei.measures.instant import DAY
from miaopei.node.effects.keeper import Keeper, opened_upto
from miaopei.node.granted.asking import Asker, Keys, granted_books
from miaopei.node.granted.wrapping import Granter
from miaopei.node.mass.bringing import body_of
from miaopei.node.mass.holding import hold
from miaopei.node.mass.schedules import Schedules
from miaopei.node.node import Node
from miaopei.node.ports import Identity
from miaopei.node.proof.rebuild import reapply
from miaopei.node.vault.blobs import opens, wrap_again
from miaopei.node.vault.rowkeys import READER as SLOTS
from miaopei.policies.row import PolicyRow, Transaction
from tests.support.seating import Six
from tests.support.town import Dice, identity

HOLDER, READS, THIRD = "insurer", "agent", "cloud"
WHO = "0a" * 32
FOR = {"grantee": READS, "role": READER, "purpose": "supervision"}


class Book:
    """The record of six members with one listing; everything is sealed in the holder's store."""

    def __init__(self) -> None:
        self.six = Six()
        self.listing = self.six.list_product()
        self.dice = Dice("granted")
        self.node = self.of(HOLDER)
        self.granter = Granter(self.node)

    def of(self, member: str, store: MemoryStore | None = None) -> Node:
        """A member's node."""
        return Node(store or self.six.store, identity(member), lambda: 0, self.dice)

    def grant(self, days: int = 30) -> str:
        body = {**FOR, "scope": [self.listing], "until": self.six.now + days * DAY}
        return self.six.say(HOLDER, "grant", body)

    def issue(self, subject: str | None = None) -> str:
        """A batch of one policy, sealed, admitted and in force; its blob."""
        row = PolicyRow(
            book=self.listing, policy=self.dice(16).hex(), transaction=Transaction.ISSUE, number=1,
            since=0, until=10**9, year_from=0, premium_fen=100, salt=self.dice(32).hex(),
            declared={}, subject=subject,
        )  # fmt: skip
        with self.six.store.writing() as block:
            body = body_of(block, self.node, self.listing, [row])
        act = self.six.act(HOLDER, "admit_batch", body)
        (result,) = self.six.put(act)
        assert result.ok, result.refusals
        with self.six.state() as state:
            (batch,) = [key for key, value in state.range("batch", "")
                        if value["rows"]["blob"] == body["rows"]["blob"]]  # fmt: skip
        for member in (HOLDER, "regulator"):
            said = hold(self.of(member), Schedules(), batch, lambda *_: True)
            assert said is not None
            (result,) = self.six.put(self.six.act(member, said.kind, said.body))
            assert result.ok, result.refusals
        return str(body["rows"]["blob"])

    def wrapped(self, blob: str, member: str | Identity = READS) -> bool:
        """Whether the holder keeps the key of a blob for a member."""
        who = identity(member) if isinstance(member, str) else member
        with self.six.store.reading() as reading:
            return opens(reading, blob, who)

    def copy(self) -> MemoryStore:
        """The record as every other member has it: every blob as stored, and no key."""
        store = MemoryStore()
        with self.six.store.reading() as reading, store.writing() as block:
            for name, data in reading.blobs():
                assert block.put_blob(data, "any") == name
        leaves = self.six.leaves()
        assert reapply(leaves, len(leaves), store).same
        return store


class Holds:
    """The members that a reader asks; `lies` hands out what opens nothing."""

    def __init__(self, book: Book, reader: Identity, lies: str = "") -> None:
        self.book, self.reader, self.lies, self.asked = book, reader, lies, list[str]()

    @property
    def members(self) -> Sequence[str]:
        return ["cloud", "insurer"]

    def keys(self, member: str, name: str, most: int | None = None) -> Keys | None:
        self.asked.append(member)
        box = self.reader.box.public_key().public_bytes_raw().hex()
        with self.book.six.store.reading() as reading:
            wrap = reading.wrapped(name, box)
            if member == self.lies:
                return Keys(bytes(100))
            return None if wrap is None else Keys(wrap, reading.wrapped(name, SLOTS))


@pytest.fixture
def book() -> Book:
    return Book()


def code(book: Book, member: str = READS, purpose: str = "") -> str:
    """Why a member may not read it; said in both languages, naming who could grant it."""
    with book.six.state() as state:
        no = why_not(state, book.listing, member, book.six.now, purpose)
    assert HOLDER in say(no, "en")
    assert HOLDER in say(no, "zh")
    return no.code


def rows(store: MemoryStore, book: Book) -> int:
    with store.reading() as reading:
        return len(reading.rows(book.listing, 10))


def test_a_grant_opens_what_is_there_and_what_comes_to_its_reader_alone(book: Book) -> None:
    first = book.issue()
    assert (book.granter.run(), book.wrapped(first)) == (0, False)
    assert code(book) == "grant.book_none"
    assert book.grant() == ""
    assert (book.granter.run(), book.wrapped(first)) == (1, True)
    assert book.granter.run() == 0
    later = book.issue()
    assert book.wrapped(later), "sealed for who reads it then"
    assert not any(book.wrapped(blob, THIRD) for blob in (first, later))
    store = book.copy()
    node = book.of(READS, store)
    asker, keeper = Asker(node, Holds(book, node.identity)), Keeper(node)
    assert keeper.run() == 0
    assert (asker.run(), asker.lacking) == (2, 0)
    assert (keeper.run(), rows(store, book)) == (2, 2)
    assert (asker.run(), keeper.run()) == (0, 0)
    other = book.of(THIRD, book.copy())
    assert Asker(other, Holds(book, other.identity)).run() == 0
    assert Keeper(other).run() == 0


def test_after_its_end_nothing_more_is_opened_and_what_was_read_stays(book: Book) -> None:
    book.grant()
    first = book.issue()
    assert book.six.say(HOLDER, "end_grant", FOR) == ""
    later = book.issue()
    assert (book.granter.run(), book.wrapped(first), book.wrapped(later)) == (0, True, False)
    assert code(book) == "grant.book_ended"
    store = book.copy()
    node = book.of(READS, store)
    assert Asker(node, Holds(book, node.identity)).run() == 0, "nobody is asked any more"
    with store.writing() as block, book.six.store.reading() as reading:  # it came with its blob
        box = node.identity.box.public_key().public_bytes_raw().hex()
        wrap = reading.wrapped(first, box)
        assert wrap is not None
        block.put_wrap(first, box, wrap)
    assert (Keeper(node).run(), rows(store, book), Keeper(node).run()) == (1, 1, 0)
    assert book.grant() == ""
    assert (book.granter.run(), book.wrapped(later)) == (1, True)


def test_it_runs_out_by_the_records_own_time(book: Book) -> None:
    book.grant(days=1)
    assert book.wrapped(book.issue())
    book.six.put(book.six.act("cloud", "admit_member", newcomer("late")), later=2 * DAY)
    later = book.issue()
    assert (book.granter.run(), book.wrapped(later)) == (0, False)
    assert code(book) == "grant.book_expired"


def newcomer(name: str) -> dict[str, Any]:
    return {"id": name, "name": {"zh": name, "en": name}, "operator": name, "roles": [], "keys": []}


def test_a_reader_that_changes_its_box_key_has_all_of_it_wrapped_for_the_new_one(
    book: Book,
) -> None:
    book.grant()
    blobs = [book.issue() for _ in range(2)]
    fresh = replace(identity(READS), box=identity("another box").box)
    box = fresh.box.public_key().public_bytes_raw().hex()
    assert book.six.say(READS, "rotate_keys", {"keys": {"box": box}}) == ""
    assert not any(book.wrapped(blob, fresh) for blob in blobs)
    assert book.granter.run() == 2
    assert all(book.wrapped(blob, fresh) for blob in [*blobs, book.issue()])


def test_keys_that_open_nothing_are_not_taken_and_the_next_member_is_asked(book: Book) -> None:
    book.grant()
    blob = book.issue()
    store = book.copy()
    node = book.of(READS, store)
    peers = Holds(book, node.identity, lies=HOLDER)
    asker = Asker(node, peers)
    assert (asker.run(), asker.lacking) == (1, 0)
    assert peers.asked == [HOLDER, "cloud"]
    with store.reading() as reading:
        assert opens(reading, blob, node.identity)
    peers.lies = "cloud"
    book.issue()
    again = book.copy()
    none = Asker(book.of(READS, again), Holds(book, identity("nobody")))
    assert (none.run(), none.lacking) == (0, 1)


def test_rows_about_persons_come_with_their_keys_and_whoever_is_erased_stays_so(
    book: Book,
) -> None:
    book.grant()
    book.issue(subject=WHO)
    store = book.copy()
    node = book.of(READS, store)
    with store.writing() as block:  # an erasure that came before the keys did
        block.put("erased", WHO, b"{}")
        block.put_progress(f"erased/{WHO}", b"1")
    assert Asker(node, Holds(book, node.identity)).run() == 1
    assert Keeper(node).run() == 1
    with store.reading() as reading:
        (recorded,) = reading.rows(book.listing, 1)
        assert (recorded.row.subject, recorded.row.gone is None) == (None, False)
        (batch,) = State(reading).range("batch", "")
        slots = reading.wrapped(batch[1]["rows"]["blob"], SLOTS)
        assert slots is not None
        assert not slots.strip(b"\0"), "the key that was handed over is not kept"


def test_only_who_pays_or_carries_can_let_others_in(book: Book) -> None:
    body = {**FOR, "scope": [book.listing], "until": book.six.now + DAY}
    assert book.six.say("cloud", "grant", body) == ""  # of what it holds itself; not of this book
    with book.six.state() as state:
        assert granted_books(state, READS, book.six.now) == []
    assert code(book) == "grant.book_none"


def test_each_use_of_a_grant_stands_on_the_record_and_none_without_one(book: Book) -> None:
    used = {"holder": HOLDER, "purpose": "supervision", "listing": book.listing}
    used |= {"number": 1, "settlements": 3}
    assert book.six.say(READS, "use_grant", used) == "grant.book_none"
    book.grant()
    assert code(book, purpose="marketing") == "grant.book_purpose"
    for change, why in (
        ({"purpose": "marketing"}, "grant.book_purpose"),
        ({"number": 2}, "act.uses_not_next"),
        ({"settlements": 0}, "act.bad_body"),
        ({"listing": "none"}, "grant.book_none"),
    ):
        assert book.six.say(READS, "use_grant", {**used, **change}) == why
    assert book.six.say(THIRD, "use_grant", used) == "grant.book_none"
    assert book.six.say(READS, "use_grant", used) == ""
    assert book.six.say(READS, "use_grant", used) == "act.uses_not_next"
    with book.six.state() as state:
        assert last_use(state, READS) == 1
        ((_, said),) = state.range("grant_use", "")
    assert (said["settlements"], said["purpose"]) == (3, "supervision")
    book.six.say(HOLDER, "end_grant", FOR)
    assert book.six.say(READS, "use_grant", {**used, "number": 2}) == "grant.book_ended"


def test_rule_set_three_does_not_know_the_use_of_a_grant() -> None:
    six = Six(rules=3)
    six.list_product()
    assert six.say(READS, "use_grant", {}) == "act.kind_unknown"


def test_what_was_paid_back_counts_in_a_book_and_settles_nothing(book: Book) -> None:
    """A reader that opens what was settled passes it over."""
    book.issue()
    store = book.copy()
    with store.writing() as block:
        entry = State(block).need("book", book.listing)
        block.put("book", book.listing, canonical({**entry, "counter": 1}))
    keeper = Keeper(book.of("regulator", store))
    assert keeper.run() == 0
    with store.reading() as reading:
        assert opened_upto(reading, book.listing).counter == 1


def test_a_key_that_we_have_not_got_is_wrapped_for_nobody(book: Book) -> None:
    blob = book.issue()
    store = book.copy()
    box = identity(READS).box.public_key().public_bytes_raw().hex()
    with store.writing() as block:
        assert not wrap_again(block, blob, identity(THIRD), box, book.dice)
        assert State(block).get("listing", book.listing) is not None
