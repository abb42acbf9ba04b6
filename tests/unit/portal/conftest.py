"""Two small real records for the pages: one played to its end, one stopped while things wait.

Real facts: the catalogue's earthquakes of magnitude 5 and more, rapid reports, loss reports. The
bank is one that answers at once, in this process.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from miaopei import portal
from miaopei.accounts.rail import Instruction, Outcome, OutcomeState
from miaopei.adapters import feeds
from miaopei.adapters.feeds import shipped
from miaopei.adapters.memory_store import MemoryStore
from miaopei.errors import OutsideFault
from miaopei.measures.instant import from_beijing
from miaopei.node import scheme
from miaopei.node.effects.decider import Decider
from miaopei.node.effects.payer import Payer
from miaopei.node.gateway import Row
from miaopei.node.node import Node, genesis_value
from miaopei.node.ports import Identity
from miaopei.node.proof.receipts import Collector
from miaopei.node.replay import Arrival, replay
from miaopei.products.shelf import shelf
from miaopei.reports import published
from tests.support.portals import serving

FILES = ("cenc_catalogue_2015_2021.csv", "cenc_rapid_reports.csv", "loss_reports.csv")


class PromptBank:
    """A bank that pays at once, or is silent from an instant on."""

    bank = "sandbox"

    def __init__(self, now: Callable[[], int], silent_from: int | None) -> None:
        self._now, self._silent_from, self.paid = now, silent_from, 0

    def pay(self, instructions: Sequence[Instruction]) -> list[Outcome]:
        """Executed, with a reference that can be told apart."""
        if self._silent_from is not None and self._now() >= self._silent_from:
            raise OutsideFault("the bank is silent", retry=True)
        return [self._executed(each) for each in instructions]

    def ask(self, ids: Sequence[str]) -> list[Outcome]:
        """Nothing is held that was not answered."""
        raise OutsideFault("the bank is silent", retry=True)

    def _executed(self, each: Instruction) -> Outcome:
        self.paid += 1
        ref = f"REF{self.paid:06d}"
        state = OutcomeState.EXECUTED
        return Outcome(each.id, state, each.amount_fen, ref, self._now(), None, self.bank, True)


@dataclass(frozen=True)
class Played:
    """A record and the node that made it."""

    node: Node
    store: MemoryStore

    def settings(self, *, is_open: bool = True) -> portal.Settings:
        """What wiring would hand to the portal."""
        return portal.Settings(
            receipts=lambda reading: Collector(reading, self.node.identity),
            open_books=frozenset({"yunnan_dali", "yunnan_yuxi"} if is_open else ()),
            bank="sandbox",
            labels=scheme.load("yunnan")["labels"],
            printed=published.read(shipped.earthquake_file("published_yunnan.csv").decode("utf-8")),
        )

    @contextmanager
    def served(self, *, is_open: bool = True) -> Iterator[httpx.Client]:
        """A client of the real server, on a free port of this machine's own address."""
        application = portal.app(self.store, self.settings(is_open=is_open))
        with serving(application) as client:
            yield client


def play(until: str, silent_from: int | None = None, more: Sequence[Arrival] = ()) -> Played:
    """A record of the Yunnan covers, from 2015 until a Beijing time."""
    new = Ed25519PrivateKey.generate
    me = Identity("miaopei", new(), new(), X25519PrivateKey.generate())
    store = MemoryStore()
    node = Node(store, me, lambda: 0, os.urandom)
    name = {"zh": "秒赔", "en": "Miaopei"}
    start = from_beijing("2015-01-01")
    node.found(
        genesis_value(
            "portal-test", me, clock="replay", time=start, origin="example.org/portal-test",
            member_name=name,
        )
    )  # fmt: skip

    def now() -> int:
        with store.reading() as reading:
            return reading.head().time

    scheme.apply(node, scheme.load("yunnan"), shelf())
    with store.writing() as block:
        for subject in ("carrier/" + c for c in CARRIERS):
            block.put_payee(subject, {"account": f"6100-{subject}", "name": "a carrier"})
    decider, payer = Decider(node), Payer(node, PromptBank(now, silent_from))

    def work() -> None:
        decider.run()
        payer.run()

    work()
    end = from_beijing(until)
    rows = [each for each in (*_arrivals(), *more) if each.at < end]
    for _ in replay(node, rows, end, work):
        pass
    return Played(node, store)


CARRIERS = ("chengtai", "picc", "pingan", "continent", "united")


def _arrivals() -> Iterator[Arrival]:
    after = shipped.arrivals()["sources"]
    for name in FILES:
        read = feeds.read(shipped.earthquake_file(name))
        for row in read.rows:
            seen = row.observation
            assert seen is not None or row.refusals, "each row is an observation or refused"
            if seen is None or seen.values.get("magnitude_tenths", 50) < 50:
                continue
            at = seen.instant + after[seen.source]["seconds"]
            given = Row(seen, row.original, read.media, read.file_digest, row.part)
            yield Arrival(at, given)


@pytest.fixture(scope="session")
def played() -> Played:
    """Everything from 2015 to 2021: six paid events, all paid."""
    return play("2022-01-01")


@pytest.fixture(scope="session")
def waiting() -> Played:
    """Stopped on 2018-09-10, two days after Mojiang: reports are missing, and since Tonghai (13
    August) the bank has been silent."""
    return play("2018-09-10", silent_from=from_beijing("2018-08-13"))


@pytest.fixture(scope="session")
def client(played: Played) -> Iterator[httpx.Client]:
    """The pages of the whole record."""
    with played.served() as found:
        yield found


@pytest.fixture(scope="session")
def waiting_client(waiting: Played) -> Iterator[httpx.Client]:
    """The pages of the record in which things wait."""
    with waiting.served() as found:
        yield found
