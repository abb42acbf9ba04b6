"""PostgreSQL and memory are one store: the same answers to everything, whatever is done to them.

The hashes of the tree are also held against the recursive definition of RFC 6962, section 2.1,
written again here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from miaopei.adapters.memory_store import MemoryStore
from miaopei.adapters.postgres.store import PostgresStore
from miaopei.claims.leaves import CLAIM
from miaopei.errors import Alarm, Refused
from miaopei.policies.book import Recorded
from miaopei.policies.row import PolicyRow, Transaction

TABLES = ("case", "案件")
# Few, so that they meet: empty, ASCII, an accent, Chinese, and beyond the basic plane.
KEYS = st.sampled_from(
    ["", "a", "a/", "a/b", "a~", "a\x7f", "aé", "b", "é", "中", "中/a", "\uffff", "𠮷"]
)
VALUES = st.binary(max_size=20)
CHANGES = st.dictionaries(KEYS, st.sampled_from([None, b"", b"one", b"two"]), min_size=3)
RANGES = st.tuples(
    st.just("") | KEYS, st.none() | KEYS, st.sampled_from([None, 1, 2, 4, 0])
)  # first, last, limit
NAMES = st.sampled_from(["one", "two", "三"])


def tree_head(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    below = tree_head(leaves[:split]) + tree_head(leaves[split:])
    return hashlib.sha256(b"\1" + below).digest()


def same(ask: Any, *stores: Any) -> Any:
    """What both answer, or the failure that both end in."""
    answers = []
    for store in stores:
        try:
            answer = ask(store)
            answers.append(list(answer) if isinstance(answer, Iterator) else answer)
        except (LookupError, Alarm) as failure:
            answers.append(type(failure) if isinstance(failure, Alarm) else LookupError)
    assert answers[0] == answers[1]
    return answers[0]


def claims_of(amounts: list[int]) -> Any:
    """Claims as columns, one an amount."""
    claims = np.zeros(len(amounts), CLAIM)
    claims["pay_fen"], claims["first"] = amounts, range(len(amounts))
    return claims


class BothStores(RuleBasedStateMachine):
    """Transactions on both; one may end well, or fail and leave nothing."""

    dsn: str

    def __init__(self) -> None:
        super().__init__()
        self.postgres, self.memory = PostgresStore(self.dsn), MemoryStore()
        with self.postgres.writing() as block:
            block.execute(
                "truncate shared.leaf, shared.node, shared.state, shared.head, shared.place,"
                ' shared.blob, "group".row, "group".claims, "group".run, own.debt,'
                " own.block, own.checkpoint, own.wrap,"
                " own.payee, own.person, own.use, own.instruction, own.progress"
            )
        self.leaves: list[bytes] = []
        self.pending: list[bytes] = []
        self.held = ExitStack()
        self.stack: ExitStack | None = None
        self.blocks: tuple[Any, Any] = (None, None)

    def teardown(self) -> None:
        self.fail()
        self.held.close()
        self.postgres.close()

    def begin(self) -> tuple[Any, Any]:
        if self.stack is None:
            self.stack = ExitStack()
            self.blocks = tuple(  # type: ignore[assignment]
                self.stack.enter_context(s.writing()) for s in (self.postgres, self.memory)
            )
            self.pending = []
        return self.blocks

    @rule()
    def commit(self) -> None:
        if self.stack is not None:
            stack, self.stack = self.stack, None
            stack.close()
            self.leaves += self.pending
            self.pending = []

    @rule()
    def fail(self) -> None:
        if self.stack is not None:
            stack, self.stack = self.stack, None
            self.pending = []
            stack.__exit__(KeyError, KeyError("for the test"), None)

    @precondition(lambda self: self.stack is None)
    @rule()
    def start_again(self) -> None:
        """What another process would find: nothing remembered, everything kept."""
        self.held.close()
        self.postgres.close()
        self.postgres = PostgresStore(self.dsn)


class State(BothStores):
    """What acts see: an ordered map of tables, keys and bytes."""

    @initialize(rows=st.dictionaries(st.sampled_from(TABLES), st.sets(KEYS, min_size=5)))
    def fill(self, rows: dict[str, set[str]]) -> None:
        for table, keys in rows.items():
            self.change(table, dict.fromkeys(keys, b"first"))
        self.commit()

    def change(self, table: str, changes: dict[str, bytes | None]) -> None:
        for block in self.begin():
            for key, value in changes.items():
                if value is None:
                    block.delete(table, key)
                else:
                    block.put(table, key, value)

    @rule(table=st.sampled_from(TABLES), changes=CHANGES, ask=RANGES, settled=st.booleans())
    def change_and_look(
        self,
        table: str,
        changes: dict[str, bytes | None],
        ask: tuple[str, str | None, int | None],
        settled: bool,
    ) -> None:
        self.change(table, changes)
        if settled:  # what was gathered has been sent to the server by then
            same(lambda s: s.tables(), *self.blocks)
        for key in changes:
            same(lambda s, key=key: s.get(table, key), *self.blocks)
        found = same(lambda s: s.range(table, *ask), *self.blocks)
        keys = [key.encode() for key, _ in found]
        assert keys == sorted(keys)

    @rule(table=st.sampled_from(TABLES), key=KEYS, more=st.lists(KEYS, max_size=3))
    def get(self, table: str, key: str, more: list[str]) -> None:
        for block in self.begin():
            block.prefetch([(table, other) for other in more])
        for each in (key, *more):
            same(lambda s, each=each: s.get(table, each), *self.begin())

    @rule(table=st.sampled_from(TABLES), more=st.lists(KEYS, max_size=3))
    def look_from_beside(self, table: str, more: list[str]) -> None:
        with self.postgres.reading() as one, self.memory.reading() as other:
            for each in more:
                one.prefetch((table, key) for key in more)
                same(lambda s, each=each: s.get(table, each), one, other)
            same(lambda s: s.range(table, ""), one, other)
            same(lambda s: s.tables(), one, other)

    @rule(table=st.sampled_from(TABLES), key=KEYS)
    def a_snapshot_stays(self, table: str, key: str) -> None:
        self.held.close()
        snapshots = [self.held.enter_context(s.reading()) for s in (self.postgres, self.memory)]
        before = same(lambda s: s.range(table, ""), *snapshots)
        for block in self.begin():
            block.put(table, key, b"later")
        self.commit()
        assert same(lambda s: s.range(table, ""), *snapshots) == before


class Log(BothStores):
    """Leaves, the tree over them, blocks and checkpoints."""

    @rule(leaves=st.lists(st.binary(max_size=40), max_size=9))
    def append(self, leaves: list[bytes]) -> None:
        first = same(lambda s: s.append_leaves(leaves), *self.begin())
        assert first == len(self.leaves) + len(self.pending)
        self.pending += leaves
        everything = self.leaves + self.pending
        assert same(lambda s: s.head(), *self.blocks).root == tree_head(everything)

    @rule(level=st.integers(0, 5), index=st.integers(0, 40), span=st.integers(1, 8))
    def look_at_the_tree(self, level: int, index: int, span: int) -> None:
        everything = (self.leaves, self.leaves + self.pending)[self.stack is not None]
        hashed = same(lambda s: s.node(level, index), *self.begin())
        covered = everything[index << level : (index + 1) << level]
        if len(covered) == 1 << level:
            assert hashed == tree_head(covered)
        else:
            assert hashed is LookupError
        assert (
            same(lambda s: s.leaves(index, index + span), *self.begin())
            == everything[index : index + span]
        )
        same(lambda s: s.leaf(index), *self.begin())
        same(lambda s: s.nodes(level, index, index + span), *self.begin())

    @rule(name=NAMES, position=st.integers(0, 9))
    def name_places(self, name: str, position: int) -> None:
        for block in self.begin():
            block.put_places([(name, position), (name + "!", position)])
        same(lambda s: s.place(name), *self.begin())
        same(lambda s: s.places([name, name + "!", name + "?"]), *self.begin())

    @rule(passed=st.integers(0, 9))
    def finish(self, passed: int) -> None:
        before = same(lambda s: s.head(), *self.begin())
        count = len(self.pending)
        head = same(
            lambda s: s.finish_block(before.height + 1, before.time + passed, count), *self.blocks
        )
        for block in self.blocks:
            block.save_checkpoint(head.size, f"checkpoint of {head.size}")
        same(lambda s: s.checkpoint(), *self.blocks)
        self.commit()

    @rule()
    def look_from_beside(self) -> None:
        with self.postgres.reading() as one, self.memory.reading() as other:
            assert same(lambda s: s.head(), one, other).root == tree_head(self.leaves)
            same(lambda s: s.checkpoint(), one, other)


class Beside(BothStores):
    """Blobs and keys, rows and claims, payments."""

    @rule(data=VALUES, reader=NAMES)
    def store_blob(self, data: bytes, reader: str) -> None:
        name = same(lambda s: s.put_blob(data, "original"), *self.begin())
        assert name == hashlib.sha256(data).hexdigest()
        for block in self.begin():
            block.put_wrap(name, reader, data[::-1])
        same(lambda s: s.wrapped(name, reader), *self.begin())
        same(lambda s: s.blobs(), *self.begin())

    @rule(book=NAMES, positions=st.sets(st.integers(0, 5)), size=st.integers(0, 6))
    def keep_rows(self, book: str, positions: set[int], size: int) -> None:
        rows = [
            Recorded(
                at, 7, PolicyRow(book, f"{at:032x}", Transaction.ISSUE, 1, 1, 2, 1, at, "0" * 64)
            )
            for at in sorted(positions)
        ]
        for block in self.begin():
            block.put_rows(rows)
        same(lambda s: s.rows(book, size), *self.begin())

    @rule(trigger=NAMES, amounts=st.lists(st.integers(0, 9), max_size=4))
    def keep_claims(self, trigger: str, amounts: list[int]) -> None:
        for block in self.begin():
            hashes = [bytes(32)] * bool(amounts)
            block.put_claims(trigger, "book", "house", claims_of(amounts), hashes)
        same(lambda s: s.claim_heads(trigger), *self.begin())
        same(lambda s: s.claim_page(trigger, 0).tobytes(), *self.begin())
        found = same(lambda s: s.claims(trigger), *self.begin())
        assert [claim["pay_fen"] for claim in found] == amounts

    @rule(debt=NAMES, payout=NAMES, number=st.integers(1, 3), fen=st.integers(1, 9))
    def instruct(self, debt: str, payout: str, number: int, fen: int) -> None:
        row = {"payout": payout, "number": number, "state": "new", "amount_fen": fen, "ref": None}
        known = same(lambda s: s.instructions(debt), *self.begin())
        taken = {
            (row["payout"], row["number"])
            for each in ("one", "two", "三")
            for row in self.blocks[1].instructions(each)
        }
        if (payout, number) in taken:
            changed = [{**each, "state": "sent", "ref": "r"} for each in known]
            for block in self.begin():
                block.mark_instructions(changed)
        else:
            for block in self.begin():
                block.put_instructions(debt, [row])
        same(lambda s: s.instructions(debt), *self.begin())
        same(lambda s: s.instructions(debt, ["new", "paid"]), *self.begin())
        same(lambda s: s.instructions(debt, ["sent", "new"], 2), *self.begin())
        same(lambda s: s.instructions(debt, ["new"], 2, (payout, number)), *self.begin())
        same(lambda s: s.instruction_states([payout, "nobody"]), *self.begin())

    @rule(name=NAMES, value=st.none() | VALUES)
    def note_progress(self, name: str, value: bytes | None) -> None:
        for block in self.begin():
            block.put_progress(name, value)
            with suppress(Refused):  # who was erased is not written again
                block.put_payee(name, {"account": "6222", "name": "刘一"})
        same(lambda s: s.progress(name), *self.begin())
        same(lambda s: s.payee(name), *self.begin())
        same(lambda s: s.payees([name, "nobody", "one"]), *self.begin())

    @rule(name=NAMES, other=NAMES, account=st.text("0123456789", min_size=1, max_size=5))
    def know_a_person(self, name: str, other: str, account: str) -> None:
        """Persons, links to them and erasure: the same answers, and no word for who is gone."""
        blocks = self.begin()
        salts = [block.persons([other]) for block in blocks]

        def put(block: Any) -> str:
            try:
                block.put_persons({other: {"account": account, "name": "刘一"}})
                block.link_payee(name, other)
            except Refused as refused:
                return refused.refusals[0].code
            return "put"

        same(put, *blocks)
        same(lambda s: s.payees([name, other]), *blocks)
        same(lambda s: s.subjects_of(other), *blocks)
        for before, block in zip(salts, blocks, strict=True):
            now = block.persons([other])
            if other in before and before[other].fields["account"] == account:
                assert now[other].commitment("account") == before[other].commitment("account")
            elif other in before:
                assert now[other].commitment("account") != before[other].commitment("account")

    @rule(name=NAMES)
    def erase(self, name: str) -> None:
        same(lambda s: s.erase_person(name), *self.begin())
        same(lambda s: [each.person for each in s.kept("", 100)], *self.begin())
        same(lambda s: [each.body is None for each in s.kept("", 100)], *self.begin())

    @rule(name=NAMES, last=st.integers(0, 3))
    def use(self, name: str, last: int) -> None:
        for block in self.begin():
            block.put_uses([{"person": "a"}, {"person": "b"}])
            block.drop_uses(last)
        same(lambda s: s.uses(), *self.begin())

    @rule()
    def look_from_beside(self) -> None:
        with self.postgres.reading() as one, self.memory.reading() as other:
            same(lambda s: s.blobs(), one, other)
            for name in ("one", "two", "三"):
                same(lambda s, it=name: s.rows(it, 9), one, other)
                same(lambda s, it=name: s.claims(it), one, other)
                same(lambda s, it=name: s.instructions(it), one, other)
                same(lambda s, it=name: s.progress(it), one, other)


@pytest.mark.parametrize("machine", [State, Log, Beside])
def test_both_stores_are_one(database: str, machine: type[BothStores]) -> None:
    here = type(machine.__name__, (machine,), {"dsn": database})
    run_state_machine_as_test(here, settings=settings(max_examples=25, stateful_step_count=50))


def test_a_key_that_no_database_can_hold_is_refused(database: str) -> None:
    postgres = PostgresStore(database)
    for store in (postgres, MemoryStore()):
        for key in ("a\0b", "\ud800"):
            with pytest.raises(ValueError, match="not a key"), store.writing() as block:
                block.put("case", key, b"")
    postgres.close()


def test_an_instruction_is_written_once_and_changed_only_if_it_is_there(database: str) -> None:
    row = {"payout": "p", "number": 1, "state": "new", "amount_fen": 5, "ref": None}
    postgres = PostgresStore(database)
    for store in (postgres, MemoryStore()):
        with store.writing() as block:
            block.put_instructions("s", [row])
        with pytest.raises(Alarm), store.writing() as block:
            block.put_instructions("s", [row])
        with pytest.raises(Alarm), store.writing() as block:
            block.mark_instructions([{**row, "number": 2}])
        with store.reading() as reading:
            assert reading.instructions("s") == [row]
    postgres.close()
