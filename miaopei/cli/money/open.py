"""What a record still waits for: premium of batches in force, and what was paid too much."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...acts.state import State
from ...claims.claim import STATES
from ...market.listing import Overpaid
from ...market.placement import Placement
from ...measures.instant import beijing_day, period_of
from ...node.ports import Reading

PIECE = 50_000  # rows of a batch that are read at once


@dataclass(frozen=True)
class Premium:
    """The premium of one batch in force that has not arrived. Units   fen, by carrier."""

    batch: str
    listing: str
    due_fen: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """As `money receive` takes it."""
        return {
            "batch": self.batch,
            "listing": self.listing,
            "due_fen": self.due_fen,
            "total_fen": sum(self.due_fen.values()),
        }


@dataclass(frozen=True)
class Owed:
    """What one policy was paid too much by a case and has not paid back. Units   fen, by carrier.

    `year` is the one in which the policy year of the occurrence begins, Beijing.
    """

    case: str
    policy: str
    year: int
    due_fen: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """As `money repay` takes it."""
        total = sum(self.due_fen.values())
        about = {"case": self.case, "policy": self.policy, "year": self.year}
        return {**about, "due_fen": self.due_fen, "total_fen": total}


def premiums(state: State) -> Iterator[Premium]:
    """Batches in force with premium open, in the order of their ids."""
    for batch, entry in state.range("batch", ""):
        if entry["first"] is None:
            continue
        received = state.get("premium", batch) or {}
        parts = entry["totals"]["carriers"]
        due = {p["carrier"]: p["premium_fen"] - received.get(p["carrier"], 0) for p in parts}
        if any(due.values()):
            listing = state.need("book", entry["book"])["listing"]
            open_fen = {who: fen for who, fen in due.items() if fen}
            yield Premium(batch, listing, open_fen)


def years_of(reading: Reading, state: State, batch: str) -> set[int]:
    """The years in which rows of a batch begin, Beijing; two of several are enough to know."""
    entry = state.need("batch", batch)
    first, found = entry["first"], set[int]()
    end = first + entry["rows"]["count"]
    for start in range(first, end, PIECE):
        rows = reading.rows_between(entry["book"], start, min(end, start + PIECE))
        found |= {_year(each.row.since) for each in rows if each.row.gone is None}
        if len(found) > 1:
            break
    return found


def _year(instant: int) -> int:
    return int(beijing_day(instant)[:4])


def receivables(reading: Reading, state: State) -> Iterator[Owed]:
    """Policies that were paid too much, by case, with what each carrier may still ask back."""
    for key, due in state.range("receivable", ""):
        if not due:
            continue
        case = state.need("case", key)
        settlement = case["settlement"]
        trigger = state.need("settlement", settlement)["settlement"]["trigger"]
        back = _repaid_since(reading, state, key, settlement)
        listed = state.need("listing", case["listing"])["listing"]
        placement = Placement.from_json(listed["placement"])
        left = {
            policy: over - back.get(policy, 0)
            for policy, over in _overpaid(reading, trigger)
            if over > back.get(policy, 0)
        }
        for policy, over in left.items():
            instant = state.need("trigger", trigger)["instant"]
            year = _policy_year(reading, state, listed["book"], policy, instant)
            parts = due if len(left) == 1 else placement.split(over)
            shares = {who: min(fen, due.get(who, 0)) for who, fen in parts.items()}
            yield Owed(key, policy, year, {who: fen for who, fen in shares.items() if fen})


def _overpaid(reading: Reading, trigger: str) -> list[tuple[str, int]]:
    """Policies of a decision that were paid too much, and by how much."""
    claims = reading.claim_columns(trigger)
    over = claims[claims["state"] == STATES.index(str(Overpaid.RECEIVABLE))]
    names = [bytes(name).hex() for name in over["policy"]]
    return list(zip(names, (over["settled_fen"] - over["owed_fen"]).tolist(), strict=True))


def _repaid_since(reading: Reading, state: State, key: str, settlement: str) -> dict[str, int]:
    """What each policy has paid back after the settlement, which counts what came before."""
    settled, found = reading.place(settlement), dict[str, int]()
    for _, note in state.range("repaid", f"{key}/"):
        at = reading.place(note["act"])
        if settled is None or at is None or at > settled:
            found[note["policy"]] = found.get(note["policy"], 0) + note["total_fen"]
    return found


def _policy_year(reading: Reading, state: State, book: str, policy: str, instant: int) -> int:
    """The year in which the policy year of an instant begins."""
    size = state.need("book", book)["size"]
    rows = [each.row for each in reading.rows_of(book, size, [policy]) if each.row.gone is None]
    return _year(period_of(instant, rows[0].year_from)[0] if rows else instant)
