"""An invoice with its calls, disputes and payments, as the record has them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...accounts.metering.paying import left_of, net_of
from ...acts.metered import calls_of
from ...acts.pay_invoice import held_of
from ...reports.invoices import opened, write_csv
from ..views.desk import Desk

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Invoice:
    """One invoice. Units   fen. `left_fen` is not ordered yet, `held_fen` of it is contested."""

    value: Json
    lines: list[Json]
    disputes: Mapping[str, Json]
    paid_fen: int
    held_fen: int

    @property
    def name(self) -> str:
        """LISTING/CARRIER/MONTH."""
        return str(self.value["invoice"])

    @property
    def net_fen(self) -> int:
        """After credit notes."""
        return net_of(self.value)

    @property
    def left_fen(self) -> int:
        """Neither ordered nor set off; below zero where a credit note came after payment."""
        return left_of(self.value)

    @property
    def state(self) -> str:
        """open; held: what is left is contested; ordered: not all confirmed; paid."""
        if self.left_fen > 0:
            return "held" if self.held_fen >= self.left_fen else "open"
        ordered = self.value.get("ordered_fen", 0)
        return "paid" if self.paid_fen >= ordered else "ordered"

    def as_json(self) -> dict[str, Any]:
        """For the API."""
        names = ("invoice", "listing", "carrier", "provider", "month", "at", "total_fen")
        return {
            **{name: self.value[name] for name in names},
            "credited_fen": self.value["credited_fen"],
            "net_fen": self.net_fen,
            "paid_fen": self.paid_fen,
            "set_off_fen": self.value.get("set_off_fen", 0),
            "left_fen": self.left_fen,
            "held_fen": self.held_fen,
            "state": self.state,
            "lines": [{k: v for k, v in line.items() if k != "opened"} for line in self.lines],
        }


def invoices(desk: Desk) -> list[Invoice]:
    """Every invoice, in the order of the record's keys."""
    return [_invoice(desk, value) for _, value in desk.state.range("invoice", "")]


def invoice(desk: Desk, name: str) -> Invoice | None:
    """One invoice by its name."""
    value = desk.state.get("invoice", name)
    return None if value is None else _invoice(desk, value)


def as_csv(desk: Desk) -> str:
    """The lines of every invoice."""
    text = io.StringIO()
    write_csv(text, (value for _, value in desk.state.range("invoice", "")))
    return text.getvalue()


def _invoice(desk: Desk, value: dict[str, Any]) -> Invoice:
    name = value["invoice"]
    payments = (desk.state.get("payment", debt) for debt in value.get("payments", ()))
    return Invoice(
        value,
        opened(value, calls_of(desk.state, name))["lines"],
        dict(desk.state.range("dispute", f"{name}/")),
        sum(each["executed_fen"] for each in payments if each is not None),
        held_of(desk.state, value),
    )
