"""The real Yunnan record of 2015 to 2021 replayed in memory, with a bank that pays everything.

The same path as live data: feed bytes, acts, blocks, decisions, payments. Made once a test run.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from miaopei.accounts.rail import Instruction, Outcome, OutcomeState
from miaopei.adapters.feeds import read, shipped
from miaopei.adapters.memory_store import MemoryStore
from miaopei.measures.instant import from_beijing
from miaopei.node import scheme
from miaopei.node.decider import Decider
from miaopei.node.gateway import Row
from miaopei.node.node import Node, genesis_value
from miaopei.node.payer import Payer
from miaopei.node.ports import Identity
from miaopei.node.replay import Arrival, replay
from miaopei.products.shelf import shelf

START, END = from_beijing("2015-08-19"), from_beijing("2021-12-31")
FILES = ("cenc_catalogue_2015_2021.csv", "cenc_rapid_reports.csv", "loss_reports.csv")
ORIGIN = "miaopei.example/receipts"
IDENTITY = Identity(
    "miaopei",
    Ed25519PrivateKey.from_private_bytes(b"a" * 32),
    Ed25519PrivateKey.from_private_bytes(b"l" * 32),
    X25519PrivateKey.from_private_bytes(b"x" * 32),
)


class Rail:
    """A bank that executes what it is told; `refuse` names instructions it never pays."""

    def __init__(self, refuse: frozenset[str] = frozenset()) -> None:
        self.refuse = refuse

    def pay(self, instructions: list[Instruction]) -> list[Outcome]:
        return [
            Outcome(
                i.id,
                OutcomeState.REFUSED if i.id in self.refuse else OutcomeState.EXECUTED,
                i.amount_fen,
                f"ref-{i.id[:12]}",
                END,
                "bank.closed" if i.id in self.refuse else None,
            )
            for i in instructions
        ]

    def ask(self, ids: list[str]) -> list[Outcome]:
        return [Outcome(name, OutcomeState.UNKNOWN) for name in ids]


class World:
    """A node in memory with its duties."""

    def __init__(self, name: str = "receipts") -> None:
        drawn = random.Random(7)
        self.store = MemoryStore()
        self.node = Node(self.store, IDENTITY, lambda: 0, drawn.randbytes)
        self.node.found(
            genesis_value(
                name, IDENTITY, clock="replay", time=START, origin=ORIGIN,
                member_name={"zh": "秒赔", "en": "Miaopei"},
            )
        )  # fmt: skip
        self.decider = Decider(self.node)
        self.payer = Payer(self.node, Rail(), "sandbox")

    def work(self) -> None:
        self.decider.run()
        self.payer.run()

    def set_up(self) -> None:
        value = scheme.load("yunnan")
        scheme.apply(self.node, value, shelf())
        with self.store.writing() as block:
            for part in value["carrier_accounts"]:
                payee = {"account": part["account"], "name": part["carrier"]}
                block.put_payee(f"carrier/{part['carrier']}", payee)
        self.work()

    def run(self, arrivals: Iterable[Arrival], until: int) -> None:
        for _ in replay(self.node, arrivals, until, self.work):
            pass


def arrivals(*names: str) -> list[Arrival]:
    """The rows of shipped files, each at its assumed hour."""
    assumed = shipped.arrivals()["sources"]
    found = []
    for name in names or FILES:
        reading = read(shipped.earthquake_file(name))
        for row in reading.rows:
            if row.observation is None:
                continue
            seen = row.observation
            at = seen.instant + assumed[seen.source]["seconds"]
            given = Row(seen, row.original, reading.media, reading.file_sha256, row.part)
            found.append(Arrival(at, given))
    return found


@cache
def world() -> World:
    """The whole replay."""
    made = World()
    made.set_up()
    made.run([a for a in arrivals() if a.at > START], END)
    return made
