"""Ordering the payment of an invoice: the next number, once, where accounts are on file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import Refusal, Refused
from ..measures.identity import read_canonical
from .node import Node


@dataclass(frozen=True)
class Ordered:
    """A payment of an invoice as the record has it: its id, and what was ordered and set off."""

    debt: str
    value: dict[str, Any]


def pay(node: Node, invoice: str) -> Ordered:
    """Make the next payment of an invoice a debt; the payer pays it as every debt.

    Errors   Refused metering.invoice_not_known, no_account, nothing_to_pay, payment_number.
    """
    with node.reading() as (reading, state):
        value = state.get("invoice", invoice)
        if value is None:
            raise Refused(Refusal("metering.invoice_not_known", {"id": invoice[:120]}))
        for name in (f"carrier/{value['carrier']}", f"provider/{value['provider']}"):
            if reading.payee(name) is None:
                raise Refused(Refusal("metering.no_account", {"who": name}))
    number = len(value.get("payments", ())) + 1
    body = {"invoice": invoice, "number": number}
    node.accept("pay_invoice", f"pay-{invoice}-{number}", body)
    with node.reading() as (reading, state):
        debt = state.need("invoice", invoice)["payments"][number - 1]
        return Ordered(debt, read_canonical(reading.leaf(reading.place(debt) or 0))["value"])


def paid_of(state: Any, value: dict[str, Any]) -> int:
    """What the bank has confirmed of an invoice's payments, in fen."""
    found = (state.get("payment", debt) for debt in value.get("payments", ()))
    return sum(each["executed_fen"] for each in found if each is not None)
