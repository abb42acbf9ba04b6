"""How far the masses of a record are, as whoever reads the database sees it.

What is not written down yet (columns read, amounts confirmed) is told by the run itself (`Tell`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...acts.state import State
from ...claims.case import words_at
from ...measures.identity import read_canonical
from ..ports import Reading


@dataclass(frozen=True)
class Mass:
    """One trigger that is being decided, or one settlement that is being paid.

    `step`: decide (until the first claims are kept), leaves, orders, pay. `done` of `of` are claims
    for leaves, orders for orders and fen for pay; None is not known.
    """

    id: str
    listing: str
    benefit: str
    step: str
    done: int
    of: int | None


def masses(reading: Reading, state: State) -> list[Mass]:
    """Everything that is under way here, what is decided before what is paid."""
    found = []
    for _, duty in state.range("duty", "decide/"):
        found.append(_decided(reading, state, duty["trigger"]))
    for _, duty in state.range("duty", "pay/"):
        if (mass := _paid(reading, state, duty["debt"])) is not None:
            found.append(mass)
    return found


def _decided(reading: Reading, state: State, trigger_id: str) -> Mass:
    trigger = state.need("trigger", trigger_id)
    counter = state.need("book", trigger["book"])["counter"]
    deciders = state.need("listing", trigger["listing"])["listing"]["deciders"]
    number = (state.get("round", trigger_id) or {"number": 1})["number"]
    said = words_at(trigger_id, counter, number)
    keys = (f"mass/{said}{member}" for member in deciders)
    kept = next((note for key in keys if (note := reading.progress(key)) is not None), None)
    about = (trigger_id, trigger["listing"], trigger["benefit"])
    if kept is None:
        return Mass(*about, "decide", 0, None)
    progress = read_canonical(kept)
    claims, chunk = progress.get("claims"), progress.get("chunk", 0)
    done = len(progress["chunks"]) * chunk
    return Mass(*about, "leaves", done if claims is None else min(done, claims), claims)


def _paid(reading: Reading, state: State, debt: str) -> Mass | None:
    payment: dict[str, Any] = state.need("payment", debt)
    if payment["kind"] != "settlement":
        return None
    entry = state.need("settlement", debt)["settlement"]
    trigger = state.need("trigger", entry["trigger"])
    about = (debt, trigger["listing"], trigger["benefit"])
    kept = reading.progress(f"pay/{debt}")
    if kept is None or kept.isdigit():  # so many are written; else all are
        return Mass(*about, "orders", 0 if kept is None else int(kept), None)
    return Mass(*about, "pay", payment["executed_fen"], payment["due_fen"])
