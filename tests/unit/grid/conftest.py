"""A town with both grid systems, the planned-outage cover, and an intake for their messages."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from miaopei.adapters.grid.intake import Intake, Taken
from miaopei.measures.instant import from_beijing
from tests.support import sayings as s
from tests.support.grid import grid_town
from tests.support.town import Town


@dataclass
class Grid:
    """The town, its listing, and what takes messages in."""

    town: Town
    listing: str
    intake: Intake

    def take(self, data: bytes, at: str = "2021-05-29 09:00:10") -> Taken:
        """Hand a message in at a time in Beijing, or at the record's where that is later."""
        self.town.at(max(from_beijing(at), self.town.now))
        return self.intake.take(data, self.town.now)

    def insure(self, *customers: str) -> dict[str, str]:
        """A policy each for the year 2021; customer -> policy."""
        declared = {"deductible": 0, "occurrence_limit": 10_000_000}
        rows = [
            replace(
                self.town.policy(self.listing, "2021-01-01", "2022-01-01", **declared),
                subject=s.token(customer),
            )
            for customer in customers
        ]
        self.town.issue(rows)
        return {c: row.policy for c, row in zip(customers, rows, strict=True)}

    def paid(self) -> dict[str, int]:
        """Policy -> fen to pay over all settlements."""
        found: dict[str, int] = {}
        for settlement in self.town.settlements(self.listing):
            for claim in self.town.claims(settlement["trigger"]):
                if claim.pay_fen:
                    found[claim.policy] = found.get(claim.policy, 0) + claim.pay_fen
        return found


@pytest.fixture
def grid() -> Grid:
    town, listing = grid_town()
    return Grid(town, listing, Intake(town.node, s.names))
