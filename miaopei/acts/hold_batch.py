"""`hold_batch`: a decider states that it holds a batch's opened rows and that they check.

Body: {batch, size, root}: the book's size and root after the batch. When k deciders of the listing
have said the same, and from rule set 3 on the carrier is one of them where a carrier decides, the
batch is in force and the book's root moves. Who says it later counts for triggers that include the
batch from then on (rule set 2).
"""

from __future__ import annotations

from typing import Any

from ..accounts.postings import premium_written
from . import issued, rounds
from .base import Moment, Outcome, clock_key, fields, known, refuse
from .blobs import is_digest
from .entries import post
from .envelope import Act
from .state import State

KIND = "hold_batch"
ROLES = frozenset({"decider"})
CARRIER_SINCE = 3  # the rule set from which no batch is in force without the carrier's word


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for one who does not decide for this book, and where the book has moved on."""
    batch_id, size, root = fields(act.body, batch=str, size=int, root=str)
    batch = known(state, "batch", batch_id, "act.batch_not_known")
    book = state.need("book", batch["book"])
    listing = state.need("listing", book["listing"])["listing"]
    if act.by not in listing["deciders"]:
        raise refuse("act.not_a_decider", by=act.by, listing=listing["id"])
    if batch["first"] is not None:
        if now.rules < rounds.SINCE or batch["statements"].get(act.by) == rounds.agreed(batch):
            raise refuse("act.batch_in_force", batch=batch_id)
        return _late(state, act, batch_id, batch, {"size": size, "root": root})
    if size != book["size"] + batch["rows"]["count"]:
        raise refuse("book.moved", book=batch["book"], size=book["size"], stated=size)
    if not is_digest(root):
        raise refuse("act.bad_body", field="root", why="needs 64 hex digits")
    statement = {"size": size, "root": root}
    batch["statements"][act.by] = statement
    equal = [d for d, said in batch["statements"].items() if said == statement]
    carrier = rounds.carrier_of(state, listing) if now.rules >= CARRIER_SINCE else None
    if len(equal) < listing["k"] or carrier not in (None, *equal):
        state.put("batch", batch_id, batch)
        return Outcome()
    made = _in_force(state, now, batch_id, batch, {**book, **statement})
    if now.rules >= rounds.SINCE:
        _note(state, batch["book"], equal)
    return made


def _late(
    state: State, act: Act, batch_id: str, batch: dict[str, Any], statement: dict[str, Any]
) -> Outcome:
    """The batch is in force; from now on the decider counts for triggers that include it."""
    if statement != (agreed := rounds.agreed(batch)):
        raise refuse("act.other_root", batch=batch_id, size=agreed["size"], root=agreed["root"])
    batch["statements"][act.by] = statement
    state.put("batch", batch_id, batch)
    _note(state, batch["book"], [act.by])
    return Outcome()


def _note(state: State, book: str, members: list[str]) -> None:
    """Up to where members have signed for every batch, so that it need not be counted again."""
    for member in members:
        state.put("holding", f"{book}/{member}", rounds.held_upto(state, book, member))


def _in_force(
    state: State, now: Moment, batch_id: str, batch: dict[str, Any], book: dict[str, Any]
) -> Outcome:
    """`book` is as it stands after the batch, by the statement that was made k times."""
    batch["first"], batch["recorded_at"] = book["size"] - batch["rows"]["count"], now.time
    name = batch["book"]
    state.put("batch", batch_id, batch)
    state.put("book", name, book)
    state.put("in_force", f"{name}/{batch['first']:012d}", batch_id)
    for key, duty in list(state.range("duty", f"hold/{name}/")):
        if duty["batch"] == batch_id:
            state.delete("duty", key)
    outcome = Outcome()
    if batch["totals"]["premium_fen"]:
        key = clock_key(now.time, batch_id)
        post(state, outcome, premium_written(key, now.time, batch_id, batch["totals"]["carriers"]))
    if "applications" in batch:
        issued.in_force(state, outcome, now, batch_id, batch)
    return outcome
