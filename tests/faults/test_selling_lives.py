"""A member that sells, killed by SIGKILL from an application to its refund: nothing lost or twice.

A real process, PostgreSQL and bank. `MIAOPEI_KILLS=all` tries every kind of point of both parts of
a day; otherwise six, spread over them. In memory every step is tried by `test_selling_kills`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from miaopei.adapters.postgres.store import PostgresStore
from miaopei.measures.instant import DAY, beijing_day, from_beijing, period_of
from miaopei.measures.money import yuan
from tests.faults.lives import Live, lives
from tests.faults.selling_dying import KEPT
from tests.support import servers
from tests.support.selling import LEAD, Market
from tests.support.town import Town

EVERY = os.environ.get("MIAOPEI_KILLS") == "all"
KILLS = 6
PREMIUM, FEE = yuan(120), 1_000


class Killer:
    """Starts lives, each over a copy of one prepared database with accounts of its own."""

    def __init__(self, folder: Path, live: Live) -> None:
        self._folder, self._live, self._count = folder, live, 0
        dsn = servers.database()
        store = PostgresStore(dsn, patience=60.0)
        now = int(time.time())  # the bank has a clock of its own, which premium is dated by
        Market(store).town.at(now)
        store.close()
        self.since = from_beijing(beijing_day(now + 30 * DAY))
        days = (period_of(self.since, self.since)[1] - self.since) // DAY
        self.refund = PREMIUM - (2 * PREMIUM * KEPT + days) // (2 * days) - FEE
        self._template = servers.name_of(dsn)

    def new(self) -> tuple[str, str]:
        """A tag, and the address of a database in which nobody has applied yet."""
        self._count += 1
        tag, dsn = f"S{self._count:03d}", servers.database(self._template)
        store = PostgresStore(dsn, patience=60.0)
        with store.writing() as block:
            block.put_payee(f"carrier/{LEAD}", {"name": "承保人", "account": f"{tag}-C"})
        store.close()
        funds = [(f"{tag}-C", "承保人", 10 * PREMIUM), (f"{tag}-H", "示例", 0)]
        servers.bank().control.open_accounts(funds)
        return tag, dsn

    def run(self, tag: str, dsn: str, part: str, deadly: int | None = None) -> tuple[int, int]:
        """One life; how it ended, and how many points it came to."""
        file = self._folder / f"{tag}-{part}-{deadly}"
        order: dict[str, Any] = {
            "dsn": dsn,
            "bank": servers.bank().address,
            "tag": tag,
            "part": part,
        }
        order["since"] = self.since
        status = self._live(**order, file=str(file), deadly=deadly)
        return status, len(file.read_text().splitlines())

    def paid_in(self, tag: str, dsn: str) -> None:
        """The applicant transfers the premium, once."""
        store = PostgresStore(dsn, patience=60.0)
        (asked,) = Town(store, name="market").table("application").values()
        store.close()
        assert (asked["state"], asked["premium_fen"]) == ("accepted", PREMIUM)
        servers.bank().control.pay_in(f"{tag}-C", PREMIUM, asked["reference"])

    def whole(self, tag: str, dsn: str) -> None:
        """Bank and record agree: one policy, its end, and what is left of its premium back once."""
        moved = [line.amount_fen for line in servers.movements(servers.bank(), f"{tag}-C")]
        assert moved == [-self.refund]
        assert list(servers.received(servers.bank(), [f"{tag}-H"]).values()) == [self.refund]
        store = PostgresStore(dsn, patience=60.0)
        town = Town(store, name="market")
        (policy,) = town.table("policy").values()
        assert [c["transaction"] for c in policy["changes"]] == ["issue", "cancel"]
        assert {a["state"] for a in town.table("application").values()} == {"in_force"}
        assert len(town.table("credit")) == 1
        assert town.table("duty") == {}
        balance = town.balance()
        assert balance.of(LEAD, "cash_at_bank") == PREMIUM - self.refund
        left = [balance.of(LEAD, name) for name in ("premium_deposit", "premium_refund_payable")]
        assert left == [0, 0]
        store.close()
        servers.drop(dsn)


@pytest.fixture(scope="module")
def killer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killer]:
    """One process that forks all lives."""
    with lives("selling_dying") as live:
        yield Killer(tmp_path_factory.mktemp("lives"), live)


@pytest.mark.timeout(1800)
def test_killed_anywhere_a_sale_comes_to_the_same_end(killer: Killer) -> None:
    tag, dsn = killer.new()
    points = []
    for part in ("apply", "rest"):
        status, count = killer.run(tag, dsn, part)
        assert status == 0
        points += [(part, number) for number in range(1, count + 1)]
        if part == "apply":
            killer.paid_in(tag, dsn)
    killer.whole(tag, dsn)
    assert len(points) >= 30
    chosen = points if EVERY else [points[i * len(points) // KILLS] for i in range(KILLS)]
    for part, deadly in chosen:
        tag, dsn = killer.new()
        for each in ("apply", "rest"):
            if each == part:
                assert killer.run(tag, dsn, each, deadly)[0] == -9, (part, deadly)
            assert killer.run(tag, dsn, each)[0] == 0, (part, deadly)
            if each == "apply":
                killer.paid_in(tag, dsn)
        killer.whole(tag, dsn)
