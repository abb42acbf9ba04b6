"""Paying a mass through a real bank process: messages written, sent, decided, read."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from miaopei.accounts.rail import Instruction
from miaopei.adapters.bank_rail import BankRail
from miaopei.adapters.sandbox_bank.starter import start

from .journey import row

PAYMENTS, AT_ONCE = 20_000, 1_000
PAYER = ("insurer", "made-up insurer", 10**12)


def run() -> Iterator[dict[str, Any]]:
    """20,000 payments in calls of 1,000, as the payer sends them."""
    houses = [(f"house-{n}", "示例用户", 0) for n in range(PAYMENTS)]
    names = [f"{n:064x}-1" for n in range(PAYMENTS)]
    orders = [
        Instruction(name, 100 + n, PAYER[0], houses[n][0], f"miaopei {name[:16]}", name, "示例用户")
        for n, name in enumerate(names)
    ]
    with tempfile.TemporaryDirectory() as folder, start(Path(folder)) as bank:
        bank.control.open_accounts([PAYER, *houses])
        rail = BankRail(bank.address, 30.0)
        taken = []
        for first in range(0, PAYMENTS, AT_ONCE):
            started = time.perf_counter()
            outcomes = rail.pay(orders[first : first + AT_ONCE])
            taken.append(time.perf_counter() - started)
            paid = sum(str(outcome.state) == "executed" for outcome in outcomes)
            assert paid == AT_ONCE, f"{paid} of {AT_ONCE} executed"
    for name, value in (
        ("p50", statistics.median(taken)),
        ("p95", statistics.quantiles(taken, n=20, method="inclusive")[18]),
    ):
        what = f"{AT_ONCE:,} payments: sent, decided on disk, answer read, {name}"
        yield row(f"J7.{name}", what, value, "s")
    rate = PAYMENTS / sum(taken)
    yield row("J7.rate", f"{PAYMENTS:,} payments through a bank process", rate, "payments/s")
