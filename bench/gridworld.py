"""A made-up grid for measuring: a member on PostgreSQL, the scheme of Yuyao, a sandbox bank."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from miaopei.adapters.grid.plain import FORMAT
from miaopei.adapters.postgres.starter import LocalPostgres
from miaopei.adapters.sandbox_bank import starter as bank
from miaopei.adapters.sandbox_bank.starter import RunningBank
from miaopei.measures.instant import DAY, utc_text
from miaopei.node import scheme
from miaopei.node.node import genesis_value
from miaopei.node.vault.tokens import token
from miaopei.products.shelf import shelf
from miaopei.wiring import Member, open_member

KEY = b"b" * 32
LISTING = "planned_outage"


def names(customer: str) -> list[str]:
    """Subject tokens of a customer, under one key."""
    return [token(KEY, customer)]


def told(clock: Sequence[int]) -> int:
    """What a clock says: the time that it is set to, or the machine's."""
    return clock[0] if clock else int(time.time())


@dataclass
class Grid:
    """A member that sells planned-outage cover, its clock ours to set, and its bank."""

    folder: Path
    member: Member
    bank: RunningBank
    clock: list[int] = field(default_factory=list)

    def now(self) -> int:
        """The clock of the record."""
        return told(self.clock)

    def message(self, source: str, sequence: int, **said: Sequence[dict[str, Any]]) -> bytes:
        """A message of a grid system at now, as JSON."""
        head = {"format": FORMAT, "source": source, "sequence": sequence}
        return json.dumps({**head, "sent_at": utc_text(self.now()), **said}).encode()


@contextmanager
def grid(begins: int | None = None) -> Iterator[Grid]:
    """Everything made and begun at a time (None: the machine's clock), taken away at the end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = LocalPostgres(folder / "pg")
        clock = [] if begins is None else [begins]
        try:
            with (
                bank.start(folder / "bank") as running,
                open_member(
                    folder, server.start(), bank=running.address, clock=partial(told, clock)
                ) as member,
            ):
                origin, called = "example.org/bench", {"zh": "测速", "en": "bench"}
                member.node.found(
                    genesis_value(
                        "bench",
                        member.node.identity,
                        clock="live",
                        time=told(clock),
                        origin=origin,
                        member_name=called,
                    )
                )
                scheme.apply(member.node, scheme.load("yuyao"), shelf(), running.control)
                yield Grid(folder, member, running, clock)
        finally:
            server.remove()


def insure(grid: Grid, customers: Sequence[str]) -> None:
    """A policy for each customer, in force, with an account that is open at the bank."""
    accounts = [f"P-{i:07d}" for i in range(len(customers))]
    grid.bank.control.open_accounts((number, "示例用户", 0) for number in accounts)
    since = grid.now() - DAY
    wanted = [
        scheme.Wanted(
            since=since, until=since + 365 * DAY, year_from=since, premium_fen=12_000,
            payee={"account": account, "name": "示例用户"},
            declared={"deductible": 0, "occurrence_limit": 500_000},
            subject=names(customer)[0],
        )
        for customer, account in zip(customers, accounts, strict=True)
    ]  # fmt: skip
    scheme.issue(grid.member.node, LISTING, wanted, "bench")
    grid.member.work()


def plan(customers: Sequence[str], published: int, off: int, on: int) -> dict[str, Any]:
    """A planned outage of these customers."""
    return {
        "number": "B-1", "revision": 0, "state": "planned", "published_at": utc_text(published),
        "off_planned": utc_text(off), "on_planned": utc_text(on), "cause": 1, "feeder": "F1",
        "replaces": [], "scope": {"customers": list(customers)},
    }  # fmt: skip


def back(times: Sequence[tuple[str, int, int]], at: int) -> dict[str, Any]:
    """Everybody back, each at a time of its own: (customer, off, on)."""
    said = [{"customer": c, "off": utc_text(off), "on": utc_text(on)} for c, off, on in times]
    return {
        "number": "B-1", "revision": 0, "published_at": utc_text(at),
        "first_off": utc_text(min(off for _, off, _ in times)),
        "last_on": utc_text(max(on for _, _, on in times)), "complete": True, "cause": None,
        "customers": said,
    }  # fmt: skip
