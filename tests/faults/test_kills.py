"""Killed at every write between a fact and its confirmed payment, and started again.

A real process, SIGKILL, a real PostgreSQL and a real bank. After the second life: nothing lost,
nothing paid twice. `MIAOPEI_KILLS=all` tries every point; otherwise each kind of point once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from miaopei.accounts.chart import Account
from miaopei.adapters.postgres.store import PostgresStore
from miaopei.ledger import checkpoint
from miaopei.ledger.merkle import Frontier, leaf_hash
from miaopei.measures.money import wan
from tests.faults.dying import READ
from tests.faults.lives import Live, lives
from tests.support import servers
from tests.support.products import hills
from tests.support.town import CARRIERS, ONE_CARRIER, Town

FULL = wan(300)
LEAST = 25
EVERY = os.environ.get("MIAOPEI_KILLS") == "all"


class Killer:
    """Starts lives, each over a copy of one prepared database with bank accounts of its own."""

    def __init__(self, folder: Path, live: Live) -> None:
        self._folder, self._live = folder, live
        self._template = servers.name_of(prepared())
        self._lives = 0

    def new(self) -> Life:
        """A database as it was before the shock, and accounts: one good, one closed, one more."""
        self._lives += 1
        return Life(self, f"K{self._lives:03d}", servers.database(self._template))

    def run(self, life: Life, deadly: int | None) -> tuple[int, list[str]]:
        """One life; how it ended and the points that it came to."""
        file = self._folder / f"{life.tag}-{deadly}"
        order = {
            "dsn": life.dsn,
            "bank": servers.bank().address,
            "tag": life.tag,
            "file": str(file),
            "deadly": deadly,
        }
        return self._live(**order), file.read_text().splitlines()


def prepared() -> str:
    """A record with one listing and two policies of one carrier, at the hour of the shock."""
    dsn = servers.database()
    store = PostgresStore(dsn, patience=60.0)
    town = Town(store).set_up()
    listing = town.list_product(hills(), placement=ONE_CARRIER)
    town.issue([town.policy(listing) for _ in range(2)])
    town.at(READ)
    store.close()
    return dsn


class Life:
    """One member's database and bank accounts."""

    def __init__(self, killer: Killer, tag: str, dsn: str) -> None:
        self.tag, self.dsn, self._killer = tag, dsn, killer
        self.store = PostgresStore(dsn, patience=60.0)
        with self.store.reading() as reading:
            policies = [recorded.row.policy for recorded in reading.rows("hills", 2)]
        self.accounts = [f"{tag}-good", f"{tag}-closed", f"{tag}-new"]
        with self.store.writing() as block:
            payer = {"account": f"{tag}-C", "name": "投保人"}
            block.put_payee(f"carrier/{CARRIERS[0]}", payer)
            for policy, account in zip(policies, self.accounts, strict=False):
                block.put_payee(f"policy/{policy}", {"account": account, "name": "投保人"})
        self.store.close()
        control = servers.bank().control
        control.open_accounts([(a, "投保人", 0) for a in self.accounts])
        control.open_accounts([(f"{tag}-C", "投保人", 10 * FULL)])
        control.set_open(f"{tag}-closed", is_open=False)

    def run(self, deadly: int | None = None) -> tuple[int, list[str]]:
        """Live; killed at point number `deadly`."""
        return self._killer.run(self, deadly)

    def whole(self) -> None:
        """Nothing lost, nothing paid twice: bank, record, journal, orders and log agree."""
        received = servers.received(servers.bank(), self.accounts)
        assert list(received.values()) == [FULL, 0, FULL]
        left = [line.amount_fen for line in servers.movements(servers.bank(), f"{self.tag}-C")]
        assert left == [-FULL, -FULL]
        town = Town(self.store)
        (settlement,) = town.settlements("hills")
        payment = town.table("payment")[settlement["id"]]
        assert payment["executed_fen"] == payment["due_fen"] == 2 * FULL
        assert [c.state for c in town.claims(settlement["trigger"])] == ["paid", "paid"]
        assert town.case("hills")["state"] == "settled"
        assert town.table("duty", "pay/") == {}
        rows = town.instructions(settlement["id"])
        assert sorted((r["number"], r["state"]) for r in rows) == [
            (1, "paid"),
            (1, "replaced"),
            (2, "paid"),
        ]
        assert sum(p["refused"] for p in town.table("paid").values()) == 1
        assert len(town.table("observation")) == 1
        balance = town.balance()
        assert balance.of(CARRIERS[0], Account.CLAIMS_PAYABLE) == 0
        assert balance.of(CARRIERS[0], Account.CLAIMS_INCURRED) == 2 * FULL
        self._log(town)
        self.store.close()
        servers.drop(self.dsn)

    def _log(self, town: Town) -> None:
        leaves = town.leaves()
        root = Frontier().extend(leaf_hash(leaf) for leaf in leaves).root()
        with self.store.reading() as reading:
            head, text = reading.head(), reading.checkpoint()
        key = checkpoint.verifier_key("example.org/town", town.me.log.public_key())
        seen = checkpoint.verify(text, key)
        assert (head.size, head.root) == (len(leaves), root) == (seen.size, seen.root)


@pytest.fixture(scope="module")
def killer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killer]:
    """One process that forks all lives."""
    with lives("dying") as live:
        yield Killer(tmp_path_factory.mktemp("lives"), live)


def kind(point: str) -> str:
    """A point's name without its number."""
    return point.partition(" ")[2]


def chosen(points: list[str]) -> dict[str, int]:
    """Names of points and where each is first come to; in a short run one of each two that the
    database cannot tell apart (after one statement is before the next)."""
    tells = re.compile(r" after | between | before (pay|ask|commit|flush that commits)$")
    first: dict[str, int] = {}
    for number, point in enumerate(points, 1):
        if EVERY or tells.search(point):
            first.setdefault(point if EVERY else kind(point), number)
    return first


def test_a_life_without_a_kill_comes_to_many_different_points(killer: Killer) -> None:
    life = killer.new()
    status, points = life.run()
    assert status == 0
    assert len(chosen(points)) >= LEAST
    assert {int(point.partition(" ")[0]) for point in points} == set(range(1, len(points) + 1))
    life.whole()


@pytest.mark.timeout(1_800 if EVERY else 600)
def test_killed_at_a_write_and_started_again_nothing_is_lost_or_paid_twice(
    killer: Killer,
) -> None:
    pattern = killer.new()
    _, points = pattern.run()
    pattern.whole()
    killed = set()
    for name, number in chosen(points).items():
        life = killer.new()
        status, came = life.run(number)
        assert (status, came) == (-9, points[:number]), name
        assert life.run()[0] == 0, name
        life.whole()
        killed.add(name)
    assert len(killed) >= LEAST


@pytest.mark.timeout(1_800 if EVERY else 600)
def test_killed_while_the_bank_pays_and_again_while_it_is_asked(killer: Killer) -> None:
    """The second life does not know whether the bank has paid; it is killed as it finds out."""
    pattern = killer.new()
    _, points = pattern.run()
    pattern.whole()
    sent = next(n for n, point in enumerate(points, 1) if " between " in point)
    pattern = killer.new()
    pattern.run(sent)
    _, second = pattern.run()
    pattern.whole()
    asked = [n for n, point in enumerate(second, 1) if point.endswith(" ask")]
    assert len(asked) == 4  # both orders; then, before number 2 goes out, its number 1 once more
    last = len(second) if EVERY else asked[1] + 8
    for number in range(asked[0], last + 1):
        life = killer.new()
        assert life.run(sent)[0] == -9
        assert life.run(number)[0] == -9
        assert life.run()[0] == 0
        life.whole()
