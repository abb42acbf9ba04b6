"""Anchoring hurt on purpose: killed at every call, cut off; the chain killed or rolled back.

Whatever happens, each noted checkpoint comes to stand on the chain once, in order.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from miaopei.adapters.anchor import chain, founding
from miaopei.adapters.anchor.chain import STATE, RunningChain
from miaopei.errors import OutsideFault, Refused
from miaopei.node.anchoring.port import SideAltered
from miaopei.node.anchoring.worker import Anchorer, Pace
from tests.support import anchoring
from tests.support.anchoring import AT_ONCE, Side, calls_that_anchor, grow, node
from tests.support.town import Town


class Died(BaseException):
    """A kill: nothing below may catch it."""


class Kill:
    """Dies once the n-th call of those it was put around is done.

    Only these calls change anything outside, so that dying before the next is the same.
    """

    def __init__(self, at: int) -> None:
        self._at, self._calls = at, 0

    def around(self, thing: Any, *names: str) -> None:
        """Put it around methods of an object."""
        for name in names:
            setattr(thing, name, self._dying(getattr(thing, name)))

    def _dying(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any) -> Any:
            answer = call(*arguments)
            self._calls += 1
            if self._calls == self._at:
                raise Died
            return answer

        return called


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[RunningChain]:
    """A chain of this test's own: it is hurt."""
    with anchoring.running(tmp_path / "chain") as made:
        yield made


@pytest.fixture
def side(ledger: RunningChain, tmp_path: Path) -> Iterator[Side]:
    """A solo record that anchors."""
    with anchoring.side(Town(), tmp_path / "member", ledger) as made:
        yield made


def roots(side: Side, sizes: list[int]) -> dict[int, bytes]:
    """What must stand there: our log's roots at these sizes."""
    from miaopei.ledger import proof

    with side.town.store.reading() as reading:
        return {size: proof.root_at(size, reading.node) for size in sizes}


def started_again(side: Side, stopped: RunningChain) -> RunningChain:
    """The chain on its state once more, at the same address."""
    return chain.start(stopped.folder, port=stopped.port)


def test_killed_after_every_call_each_checkpoint_stands_there_once(
    ledger: RunningChain, side: Side
) -> None:
    sizes, died = [], True
    while died:
        sizes.append(grow(side.town, f"kill{len(sizes)}"))
        kill, outbox, adapter = Kill(len(sizes)), side.outbox(), side.adapter()
        kill.around(outbox, "add", "keep", "anchored", "set_apart", "set_compared")
        kill.around(adapter.rpc, "_ask")
        died = False
        try:
            Anchorer(side.town.store, adapter, outbox, AT_ONCE, alone=True).run()
        except Died:
            died = True
        side.run()
        side.close()
    assert len(sizes) > 20
    assert side.anchored() == roots(side, sizes)
    assert Counter(size for _, size, _ in calls_that_anchor(ledger)) == Counter(sizes)
    assert side.compare().findings == ()


def test_a_transaction_that_no_block_takes_is_sent_again_and_made_dearer_under_its_number(
    ledger: RunningChain, side: Side
) -> None:
    side.run()
    node(ledger, "evm_setAutomine", False)
    size = grow(side.town, "late")
    with pytest.raises(OutsideFault, match="no block"):
        side.worker(patience=1).run()
    kept = side.outbox().kept(size)
    assert kept is not None
    worker, done = side.worker(patience=60, raise_after=1), []
    thread = threading.Thread(target=lambda: done.append(worker.run()))
    thread.start()
    end = time.monotonic() + 60
    while side.outbox().kept(size) == kept and time.monotonic() < end:
        time.sleep(0.1)
    node(ledger, "anvil_mine", "0x1")
    thread.join(90)
    assert [one.anchored for one in done] == [1]
    assert [s for _, s, _ in calls_that_anchor(ledger)][-1:] == [size]
    mine = [t for t in anchoring.transactions(ledger) if t["from"] == side.key.address]
    numbers = [int(t["nonce"], 16) for t in mine]
    assert numbers == list(range(len(numbers)))
    assert list(side.anchored())[-1] == size


def test_an_outbox_that_was_lost_while_a_transaction_was_on_its_way_sends_none_twice(
    ledger: RunningChain, side: Side
) -> None:
    node(ledger, "evm_setAutomine", False)
    size = grow(side.town, "one")
    with pytest.raises(OutsideFault):
        side.worker(patience=1).run()
    side.close()
    for path in side.folder.glob("anchor.sqlite3*"):
        path.unlink()
    node(ledger, "evm_setAutomine", True)
    node(ledger, "anvil_mine", "0x1")
    assert side.run().anchored == 1
    assert [s for _, s, _ in calls_that_anchor(ledger)] == [size]


def test_a_chain_that_was_away_is_filled_in_order_when_it_is_back(
    ledger: RunningChain, side: Side
) -> None:
    sizes = [grow(side.town, "before")]
    side.run()
    ledger.stop()
    for name in ("one", "two", "three"):
        sizes.append(grow(side.town, name))
        with pytest.raises(OutsideFault):
            side.run()
    assert [point.size for point in side.outbox().waiting()] == sizes[1:]
    trouble = anchoring.standing(side)["trouble"]
    assert trouble["code"] == "anchor.silent"
    with started_again(side, ledger) as back:
        found = side.compare()
        assert (anchoring.codes(found), found.altered, found.waiting) == (["waits"], False, 3)
        assert side.run().anchored == 3
        assert [size for _, size, _ in calls_that_anchor(back)] == sizes
        assert side.anchored() == roots(side, sizes)
        assert side.compare().findings == ()
        assert anchoring.standing(side)["trouble"] is None


def test_a_chain_that_was_killed_and_has_lost_its_last_blocks_is_filled_again_in_order(
    ledger: RunningChain, side: Side, tmp_path: Path
) -> None:
    sizes = [grow(side.town, "one")]
    side.run()
    ledger.stop()
    kept = shutil.copy(ledger.folder / STATE, tmp_path / "before.json")
    with started_again(side, ledger) as second:
        for name in ("two", "three"):
            sizes.append(grow(side.town, name))
            side.run()
        second.kill()
    shutil.copy(kept, ledger.folder / STATE)
    with started_again(side, ledger) as third:
        found = side.compare()
        assert anchoring.codes(found) == ["rolled_back"]
        assert found.findings[0].facts["last"] == sizes[0]
        assert not found.altered
        sizes.append(grow(side.town, "four"))
        done = side.run()
        assert (done.again, done.anchored) == (2, 3)
        assert [size for _, size, _ in calls_that_anchor(third)] == sizes
        assert side.anchored() == roots(side, sizes)
        assert side.compare().findings == ()


def test_a_chain_that_changes_its_mind_about_its_last_blocks_is_filled_again(
    ledger: RunningChain, side: Side
) -> None:
    sizes = []
    for name in ("one", "two", "three"):
        sizes.append(grow(side.town, name))
        side.run()
    node(ledger, "anvil_reorg", 2, [])
    assert list(side.anchored()) == sizes[:1]
    done = side.run()
    assert (done.again, done.anchored) == (2, 2)
    assert side.anchored() == roots(side, sizes)


def test_an_anchor_is_final_only_under_as_many_blocks_as_the_chain_needs(
    ledger: RunningChain, side: Side
) -> None:
    from dataclasses import replace

    side.told = replace(side.told, confirmations=4)
    size = grow(side.town, "one")
    with pytest.raises(OutsideFault, match="no block"):
        side.worker(patience=1).run()
    assert [point.size for point in side.outbox().waiting()] == [size]
    node(ledger, "anvil_mine", "0x3")
    side.run()
    assert side.outbox().waiting() == []


def test_a_chain_that_has_forgotten_everything_is_named_and_filled_anew_by_a_new_contract(
    ledger: RunningChain, side: Side
) -> None:
    sizes = []
    for name in ("one", "two"):
        sizes.append(grow(side.town, name))
        side.run()
    ledger.kill()
    (ledger.folder / STATE).unlink(missing_ok=True)  # killed before it saved any
    time.sleep(1.1)  # its first block is made of the second in which it starts
    with started_again(side, ledger) as empty:
        with pytest.raises(Refused) as refused:
            side.run()
        assert refused.value.refusals[0].code == "anchor.other_chain"
        empty.fund(side.key.address)
        side.told = founding.deploy(empty.address, side.told.origin, side.key, [side.key.address])
        sizes.append(grow(side.town, "three"))
        assert side.run().anchored == 3
        assert [size for _, size, _ in calls_that_anchor(empty)] == sizes
        assert side.anchored() == roots(side, sizes)


def test_one_anchor_taken_out_from_between_others_is_named(
    ledger: RunningChain, side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that hides an event and its root: the contract's count and our notes both tell."""
    sizes = []
    for name in ("one", "two", "three"):
        sizes.append(grow(side.town, name))
        side.run()
    adapter = side.adapter()
    shown = [anchor for anchor in adapter.read(0) if anchor.point.size != sizes[1]]
    monkeypatch.setattr(type(adapter), "read", lambda *_: shown)
    found = side.compare()
    assert anchoring.codes(found) == ["miscounted", "missing"]
    assert found.findings[1].facts["size"] == sizes[1]
    assert found.altered


def test_a_root_that_somebody_has_put_where_ours_is_to_go_stops_the_worker(
    ledger: RunningChain, side: Side
) -> None:
    side.run()
    size = grow(side.town, "one")
    where = (side.told.contract, anchoring.slot_of(side.key.address, size), "0x" + "66" * 32)
    node(ledger, "anvil_setStorageAt", *where)
    with pytest.raises(SideAltered) as alarm:
        side.run()
    assert alarm.value.finding.code == "anchor.other_root"
    assert alarm.value.finding.facts["size"] == size


def test_checkpoints_are_noted_by_time_and_by_entries(side: Side) -> None:
    now = [0.0]
    outbox = side.outbox()
    worker = Anchorer(
        side.town.store, side.adapter(), outbox, Pace(60, 3), alone=True, clock=lambda: now[0]
    )
    assert worker.note()
    assert not worker.note()  # it has not grown
    first = grow(side.town, "one")
    assert not worker.note()
    now[0] = 60.0
    assert worker.note()
    assert outbox.last() == first
    now[0] = 61.0
    size = first
    while size - first < 3:
        assert not worker.note()
        size = grow(side.town, f"more{size}")
    assert worker.note()
    assert outbox.last() == size
