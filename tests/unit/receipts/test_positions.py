"""What one receipt has read of the log is not read for the next, and changes no byte of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from miaopei.node.proof.collected.positions import KINDS, Positions
from miaopei.node.proof.receipts import Collector
from tests.support.grid import METERS, back, grid_town, insure, plan
from tests.support.town import Town, good

IN_SCOPE = {"a": "2021-06-01 19:30:00", "b": "2021-06-01 18:00:59"}


class Counting:
    """A snapshot that counts the leaves that are read one after another."""

    def __init__(self, reading: Any) -> None:
        self._reading, self.leaves_read = reading, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reading, name)

    def leaves(self, start: int, end: int) -> Iterator[bytes]:
        for leaf in self._reading.leaves(start, end):
            self.leaves_read += 1
            yield leaf


def settled() -> tuple[Town, str, dict[str, str]]:
    """An outage that pays one policy of two, in a book that many batches brought."""
    town, listing = grid_town()
    policies = insure(town, listing, list(IN_SCOPE))
    for number in range(5):
        insure(town, listing, [f"x{number}"])
    town.at("2021-05-31 08:00:00")
    good(town.tell(plan(town, list(IN_SCOPE))))
    town.at("2021-06-01 21:00:00")
    good(town.tell(back(town, IN_SCOPE), back(town, IN_SCOPE, source=METERS)))
    town.work()
    return town, listing, policies


def receipt(town: Town, reading: Any, settlement: str, policy: str, known: Positions) -> bytes:
    return Collector(reading, town.me, None, known).payout(settlement, policy).to_bytes()


def test_the_next_receipt_reads_only_what_has_come_since_and_is_the_same() -> None:
    town, listing, policies = settled()
    (settlement,) = town.settlements(listing)
    known = Positions()
    with town.store.reading() as plain:
        first = Counting(plain)
        whole = receipt(town, first, settlement["id"], policies["a"], known)
        assert first.leaves_read == plain.head().size
        again = Counting(plain)
        assert receipt(town, again, settlement["id"], policies["a"], known) == whole
        assert receipt(town, plain, settlement["id"], policies["a"], Positions()) == whole
        assert again.leaves_read == 0
        before = plain.head().size
    body = {"id": "later", "name": {"zh": "后来", "en": "later"}, "operator": "later"}
    town.send(town.act("admit_member", {**body, "roles": [], "keys": []}))
    with town.store.reading() as plain:
        grown = Counting(plain)
        later = receipt(town, grown, settlement["id"], policies["a"], known)
        assert grown.leaves_read == plain.head().size - before > 0
        assert later == receipt(town, plain, settlement["id"], policies["a"], Positions())


def test_an_older_snapshot_sees_no_more_than_its_own_size() -> None:
    town, listing, _ = settled()
    known = Positions()
    with town.node.reading() as (reading, state):
        size, book = reading.head().size, listing
        rows = state.need("book", book)["size"]
        all_of = list(known.registrations(reading, size))
        assert {kind for _, kind, *_ in all_of} <= set(KINDS)
        middle = all_of[len(all_of) // 2][0]
        assert list(known.registrations(reading, middle)) == [r for r in all_of if r[0] < middle]
        by_hand = {}
        for key, batch in state.range("in_force", f"{book}/"):
            for position in range(int(key.rpartition("/")[2]), rows):
                by_hand[position] = batch
        for position in [rows - 1, 0, *range(rows)]:
            assert known.batch(state, book, position) == by_hand[position]
        assert len(set(by_hand.values())) == 6
