"""What of an invoice is to be paid now: not what is contested, nor what was ordered before.

Pure and integral, in fen. Source: docs/specs/metering.md, section 6.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .invoice import Item, Line, totals_of, without
from .usage import Usage

Contested = tuple[int, Sequence[str]]  # the number of a line, and the calls; none means all of it


def held_back(
    lines: Sequence[Line],
    calls: Mapping[str, Usage],
    void: Mapping[str, Usage],
    contested: Iterable[Contested],
) -> int:
    """What open disputes keep back: the most that their settlement can take off the invoice.

    A call that is made void is void for every line, so a contested call counts with all it stands
    in. A contested rent is kept back whole.
    """
    gone, rent = dict(void), dict[int, int]()
    for number, runs in contested:
        line = next(each for each in lines if each.number == number)
        if line.item is Item.RENT:
            rent[number] = line.amount_fen
        named = runs or [run for run, usage in calls.items() if line.counts(usage)]
        gone |= {run: calls[run] for run in named}
    before, after = totals_of(without(lines, void)), totals_of(without(lines, gone))
    return before.total_fen - after.total_fen + sum(rent.values())


def net_of(invoice: Mapping[str, Any]) -> int:
    """What an invoice comes to after its credit notes."""
    net: int = invoice["total_fen"] - invoice["credited_fen"]
    return net


def left_of(invoice: Mapping[str, Any]) -> int:
    """What is neither ordered nor set off; below zero where a credit note came after payment."""
    met: int = invoice.get("ordered_fen", 0) + invoice.get("set_off_fen", 0)
    return net_of(invoice) - met


def set_off(due_fen: int, others: Iterable[tuple[str, int]]) -> dict[str, int]:
    """How much of a sum is met by what was overpaid on other invoices, the oldest first.

    `others`: invoice and `left_of`.
    """
    found = {}
    for name, left in others:
        taken = min(due_fen, -left)
        if taken > 0:
            found[name] = taken
            due_fen -= taken
    return found
