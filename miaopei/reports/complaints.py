"""Complaint tickets of an outage, of those who were paid against those who were not. Row O-20.

Counts over subject tokens; nobody is named.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ..measures.money import percent


@dataclass(frozen=True)
class Group:
    """Customers in scope, those of them who complained, and the tickets they made."""

    customers: int
    complaining: int
    tickets: int

    @property
    def per_hundred(self) -> str | None:
        """Tickets a hundred customers, two decimals, half up; None for nobody."""
        if not self.customers:
            return None
        return percent(self.tickets, self.customers)

    def as_json(self) -> dict[str, Any]:
        """Counts, and the rate as text."""
        return {
            "customers": self.customers,
            "complaining": self.complaining,
            "tickets": self.tickets,
            "tickets_per_hundred": self.per_hundred,
        }


@dataclass(frozen=True)
class Compared:
    """One outage's customers in scope, divided by whether a payout was settled for them."""

    outage: str
    paid: Group
    unpaid: Group
    outside: int  # tickets of customers who were not in scope

    def as_json(self) -> dict[str, Any]:
        """The two groups beside each other."""
        return {
            "outage": self.outage,
            "paid": self.paid.as_json(),
            "unpaid": self.unpaid.as_json(),
            "tickets_outside_the_scope": self.outside,
        }


def compare(
    outage: str, in_scope: Collection[str], tickets: Mapping[str, int], paid: Collection[str]
) -> Compared:
    """Tickets by customer held against who was in scope and who was paid; all by token."""
    scope, settled = set(in_scope), set(paid)

    def group(tokens: set[str]) -> Group:
        made = [tickets[token] for token in tokens if tickets.get(token)]
        return Group(len(tokens), len(made), sum(made))

    outside = sum(count for token, count in tickets.items() if token not in scope)
    return Compared(outage, group(scope & settled), group(scope - settled), outside)
