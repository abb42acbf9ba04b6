"""Killed at many points from a plan to a confirmed payment: nothing lost, paid or told twice.

Row C-14, C-20, O-02: a real process, SIGKILL, a real PostgreSQL, bank and SMS gateway.
`MIAOPEI_KILLS=all` tries every kind of point; otherwise thirty of them, spread over the path.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from miaopei.accounts.chart import Account
from miaopei.adapters.postgres.store import PostgresStore
from miaopei.adapters.sandbox_grid.starter import Running, start
from miaopei.node.effects.notices import counts
from tests.faults.lives import Live, lives
from tests.faults.outage_dying import CUSTOMERS
from tests.support import sayings as s
from tests.support import servers
from tests.support.grid import grid_town
from tests.support.town import CARRIERS, ONE_CARRIER, Town

EVERY = os.environ.get("MIAOPEI_KILLS") == "all"
KILLS, LEAST = 30, 25
FEN = 2 * 5_000  # two hours begun, by the tariff


class Killer:
    """Starts lives, each over a copy of one prepared database with accounts of its own."""

    def __init__(self, folder: Path, sms: Running, live: Live) -> None:
        self._folder, self.sms, self._live = folder, sms, live
        self._template = servers.name_of(prepared())
        self._count = 0

    def new(self) -> tuple[str, str]:
        """A tag, and the address of a database as it was before the plan."""
        self._count += 1
        tag, dsn = f"L{self._count:03d}", servers.database(self._template)
        store = PostgresStore(dsn, patience=60.0)
        with store.reading() as reading:
            policies = [recorded.row.policy for recorded in reading.rows("planned_outage", 9)]
        with store.writing() as block:
            who = {"name": "投保人"}
            block.put_payee(f"carrier/{CARRIERS[0]}", {**who, "account": f"{tag}-C"})
            for policy, account in zip(policies, ("good", "closed"), strict=True):
                block.put_payee(f"policy/{policy}", {**who, "account": f"{tag}-{account}"})
        store.close()
        control = servers.bank().control
        names = [f"{tag}-{name}" for name in ("good", "closed", "new")]
        control.open_accounts([(name, "投保人", 0) for name in names])
        control.open_accounts([(f"{tag}-C", "投保人", 100 * FEN)])
        control.set_open(f"{tag}-closed", is_open=False)
        return tag, dsn

    def run(self, tag: str, dsn: str, deadly: int | None = None) -> tuple[int, list[str]]:
        """One life; how it ended and the points that it came to."""
        file = self._folder / f"{tag}-{deadly}"
        order = {"dsn": dsn, "bank": servers.bank().address, "sms": self.sms.address}
        status = self._live(**order, tag=tag, file=str(file), deadly=deadly)
        return status, file.read_text().splitlines()

    def whole(self, tag: str, dsn: str) -> None:
        """Bank, gateway, record and outbox agree: everybody told once, the insured paid once."""
        names = [f"{tag}-{name}" for name in ("good", "closed", "new")]
        assert list(servers.received(servers.bank(), names).values()) == [FEN, 0, FEN]
        left = [line.amount_fen for line in servers.movements(servers.bank(), f"{tag}-C")]
        assert left == [-FEN, -FEN]
        told = [row for row in self.sms.texts() if f"YY-{tag}" in row[1]]
        assert sorted(row[0] for row in told) == sorted(map(s.token, CUSTOMERS))
        store = PostgresStore(dsn, patience=60.0)
        town = Town(store)
        (settlement,) = town.settlements("planned_outage")
        payment = town.table("payment")[settlement["id"]]
        assert payment["executed_fen"] == payment["due_fen"] == 2 * FEN
        assert town.table("duty") == {}
        assert len(town.table("observation")) == 3
        assert {c["state"] for c in town.table("case").values()} == {"settled"}
        with store.reading() as reading:
            assert counts(reading) == {"delivered": len(CUSTOMERS)}
        rows = sorted((r["number"], r["state"]) for r in town.instructions(settlement["id"]))
        assert rows == [(1, "paid"), (1, "replaced"), (2, "paid")]
        assert town.balance().of(CARRIERS[0], Account.CLAIMS_PAYABLE) == 0
        store.close()
        servers.drop(dsn)


def prepared() -> str:
    """A record with the cover listed and two of three customers insured."""
    dsn = servers.database()
    store = PostgresStore(dsn, patience=60.0)
    there, listing = grid_town(store, placement=ONE_CARRIER)
    declared = {"deductible": 0, "occurrence_limit": 10_000_000}
    rows = [there.policy(listing, "2021-01-01", "2022-01-01", **declared) for _ in range(2)]
    rows = [replace(row, subject=s.token(c)) for row, c in zip(rows, CUSTOMERS, strict=False)]
    there.issue(rows, payable=False)
    store.close()
    return dsn


@pytest.fixture(scope="module")
def killer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killer]:
    """One gateway, and one process that forks all lives."""
    with start("sms", tmp_path_factory.mktemp("sms")) as sms, lives("outage_dying") as live:
        sms.phones((s.token(c), f"1390000000{i}") for i, c in enumerate(CUSTOMERS))
        yield Killer(tmp_path_factory.mktemp("lives"), sms, live)


def chosen(points: list[str]) -> list[int]:
    """Points of different kinds, spread evenly over the path."""
    first: dict[str, int] = {}
    for number, point in enumerate(points, 1):
        first.setdefault(point.partition(" ")[2], number)
    numbers = sorted(first.values())
    return numbers if EVERY else [numbers[i * len(numbers) // KILLS] for i in range(KILLS)]


@pytest.mark.timeout(1_800 if EVERY else 600)
def test_killed_on_the_outage_path_nothing_is_lost_paid_twice_or_told_twice(killer: Killer) -> None:
    pattern = killer.new()
    status, points = killer.run(*pattern)
    assert status == 0
    killer.whole(*pattern)
    text = "\n".join(points)
    for step in ("intake.", "notices.", "decider.", "payer.", "SmsOverHttp", " pay", "commit"):
        assert step in text, step
    killed = set()
    for number in chosen(points):
        life = killer.new()
        status, came = killer.run(*life, number)
        assert (status, came) == (-9, points[:number]), points[number - 1]
        assert killer.run(*life)[0] == 0, points[number - 1]
        killer.whole(*life)
        killed.add(points[number - 1].partition(" ")[2])
    assert len(killed) >= LEAST
