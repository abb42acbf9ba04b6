"""What lies beside the log, held against it: blobs, opened rows, claims and orders.

With `stored` (tree hashes and places), `ledger.audit` (the log itself) and `rebuild` (the state)
this is what `miaopei audit` looks at. Every finding is a refusal that names record, field and
position. Columns that only a database has are compared in `adapters.postgres_columns`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from ...acts.blobs import ROWS
from ...acts.readers import parties
from ...acts.seats import seated
from ...acts.state import State
from ...errors import Fact, RecordDamaged, Refusal
from ...measures.identity import canonical, digest, read_canonical
from ..effects.keeper import opened_upto
from ..effects.orders import rows_for
from ..effects.standby import ASKED, fit
from ..granted.parts import parts_of
from ..node import Node
from ..ports import Identity, Reading
from ..selling.known.bound import differing
from ..vault.blobs import open_blob, opens
from ..vault.sealing import MAGIC
from .named.looking import Looking, Opened
from .named.references import UNREADABLE, Named, references
from .named.resting import ordered
from .stored import found, places, standing, tree

# States once confirmed.
AFTER = {"executed": ("paid",), "refused": ("failed", "closed", "replaced")}
CLOSED = ("paid", "failed", "closed", "replaced")  # states that an act on the record must bear out
ANSWERED = ("ref", "code", "at", "bank", "sandbox")  # what the bank's answer adds to an order
AT_ONCE = 10_000  # rows held in memory while those that are gone are looked for


def inspect(reading: Reading, node: Node) -> Iterator[Refusal]:
    """Every difference between the log and what lies beside it; `node` opens what was sealed.

    Of these `named.looking.is_unfit` tells what others named and nobody can check, `is_waiting`
    what is asked of the others still: no damage.
    """
    size = standing(reading)
    leaves = list(reading.leaves(0, size))
    if len(leaves) != size:  # what comes after a gap cannot be placed
        yield found("leaves_missing", size=size, kept=len(leaves))
        return
    yield from tree(reading, leaves)
    values = [_value(leaf) for leaf in leaves]
    yield from places(reading, values)
    blobs = dict(reading.blobs())
    for name, data in blobs.items():
        if digest(data) != name:
            yield found("blob_altered", blob=name, length=len(data))
    named = list(references(values))
    looking = Looking(reading, node.identity, blobs)
    yield from looking.look(named)
    yield from _left_over(reading, node.identity, blobs, {n.reference["blob"] for n in named})
    yield from _opened_rows(reading, looking.opened, node.identity.member)
    ours = [n for n in named if n.act["by"] == node.identity.member]
    yield from _opened_claims(reading, ours, looking.opened)
    yield from _orders(reading, node, named, looking)
    for position, number, fields in differing(reading, values, node.identity.member):
        yield found("person_differs", policy=number, fields=", ".join(fields), position=position)


def erased_rows(reading: Reading) -> list[tuple[str, int]]:
    """The rows that prove by their hash alone and are not recomputed any more: book and position.

    Errors   Refused, LookupError where the books cannot be read.
    """
    return [
        (book, row.position)
        for book, entry in State(reading).range("book", "")
        for start in range(0, entry["size"], AT_ONCE)
        for row in reading.rows_between(book, start, min(start + AT_ONCE, entry["size"]))
        if row.row.gone is not None
    ]


def _left_over(
    reading: Reading, identity: Identity, blobs: Mapping[str, bytes], named: set[str]
) -> Iterator[Refusal]:
    """Sealed blobs whose act was refused or never sent: their keys must open them all the same."""
    alone = not seated(State(reading))
    for name, data in blobs.items():
        lone = name not in named and data.startswith(MAGIC) and digest(data) == name
        if lone and (alone or opens(reading, name, identity)):
            try:
                open_blob(reading, name, identity)
            except RecordDamaged as alarm:
                yield found("left_over_sealed", blob=name, why=alarm.what)


def _opened_rows(reading: Reading, opened: Opened, member: str) -> Iterator[Refusal]:
    """The rows of our copy of each book, against those that the batches brought.

    Who reads a book by a grant has it as far as it came.
    """
    state = State(reading)
    alone = not seated(state)
    for book, entry in state.range("book", ""):
        try:
            rows = reading.rows(book, entry["size"])
            kept = {row.position: canonical(row.row.as_json()) for row in rows}
        except UNREADABLE as error:
            yield found("rows_unreadable", book=book, why=type(error).__name__)
            continue
        ours = alone or member in parties(state, entry["listing"])
        upto = entry["size"] if ours else opened_upto(reading, book).rows
        for _, batch_id in state.range("in_force", f"{book}/"):
            batch = state.need("batch", batch_id)
            if batch["first"] >= upto:
                break
            for offset, row in enumerate(opened.get((batch["rows"]["blob"], ROWS), [])):
                position = batch["first"] + offset
                if kept.get(position) != row:
                    yield found("row_altered", book=book, position=position)


def _opened_claims(reading: Reading, ours: Sequence[Named], opened: Opened) -> Iterator[Refusal]:
    """The claims of our copy, against those that our own last decision sealed."""
    decided = {n.act["body"]["trigger"]: n for n in ours if n.act["kind"] == "decide"}
    for trigger, each in decided.items():
        if each.key not in opened:
            continue
        try:
            kept = [canonical(claim) for claim in reading.claims(trigger)]
        except UNREADABLE as error:
            yield found("claims_unreadable", trigger=trigger, why=type(error).__name__)
            continue
        sealed = opened[each.key]
        for number in range(max(len(kept), len(sealed))):
            if kept[number : number + 1] != sealed[number : number + 1]:
                yield found("claim_altered", trigger=trigger, position=number)


def _orders(
    reading: Reading, node: Node, named: Sequence[Named], looking: Looking
) -> Iterator[Refusal]:
    """Payment instructions, against the debts they pay and the outcomes that were recorded."""
    # What another member pays is no duty of ours any more, if we have ever ordered of it.
    member, payments = node.identity.member, State(reading).range("payment", "")
    ours = {debt: payment for debt, payment in payments if payment["payer"] == member}
    said: dict[tuple[str, int], dict[str, Any]] = {}
    for each in named:
        if each.act["kind"] == "confirm_payments" and each.act["body"]["debt"] in ours:
            said |= _said(looking.opened.get(each.key, []))
    for debt in ours:
        try:
            kept = list(reading.instructions(debt))
            owed = {row["payout"]: row for row in rows_for(reading, node, debt)}
        except RecordDamaged as alarm:
            yield _unreadable(reading, looking, member, debt, alarm.what)
            continue
        except UNREADABLE as error:
            yield _unreadable(reading, looking, member, debt, type(error).__name__)
            continue
        there = {str(row.get("payout")) for row in kept}
        if kept or reading.progress(f"pay/{debt}") is not None:
            for payout in owed.keys() - there:
                yield found("order_missing", debt=debt, payout=payout)
        waiting = reading.progress(f"confirm/{debt}") is not None  # written down, not yet submitted
        asked = reading.progress(f"{ASKED}{debt}") is not None
        for row in kept:
            # Where the bank alone was asked, what another had told may have come here since.
            unsaid = asked and row.get("state") not in CLOSED
            yield from _order(row, owed, {} if unsaid else said)
            name = (str(row.get("payout")), int(row.get("number") or 0))
            if row.get("state") in CLOSED and name not in said and not waiting:
                yield found("order_unconfirmed", payout=name[0], number=name[1])


def _said(opened: Sequence[bytes]) -> dict[tuple[str, int], dict[str, Any]]:
    """The outcomes of one confirmation, by payout and number; none where it holds something else:
    whoever sealed it is told of where blobs are looked at.
    """
    try:
        rows = [read_canonical(data) for data in opened]
    except UNREADABLE:
        return {}
    return {(row["payout"], row["number"]): row for row in rows} if fit(rows) else {}


def _unreadable(reading: Reading, looking: Looking, member: str, debt: str, why: str) -> Refusal:
    """Of a list that another has fixed, and of which no order was ever made, it is no damage; nor
    where what they follow from is asked of the others still.
    """
    state = State(reading)
    payment = state.need("payment", debt)
    if payment["kind"] == "settlement" and _on_its_way(reading, state, debt, looking.lacking):
        return found("waits_orders", debt=debt, why=why)
    unmade = payment["kind"] == "settlement" and not ordered(reading, debt)
    if unmade and _on_its_way(reading, state, debt, looking.keyless):
        return found("unfit_orders", debt=debt, why=why)
    if payment["kind"] == "allotment" and seated(state):
        act = read_canonical(reading.leaf(reading.place(debt) or 0))["act"]
        if act["body"]["lines"]["blob"] in looking.lacking and act["by"] == member:
            return found("waits_orders", debt=debt, why=why)
        if act["by"] != member and not ordered(reading, debt):
            return found("unfit_list", debt=debt, by=act["by"], why=why)
    return found("orders_unreadable", debt=debt, why=why)


def _on_its_way(reading: Reading, state: State, settlement: str, lacking: Set[str]) -> bool:
    """Whether the claims of a settlement were not opened here yet, for want of what is asked of the
    others (or of a key to it): a batch of its rows, a list, or the claims of every decider that was
    equal.
    """
    book = state.need("settlement", settlement)["settlement"]["book"]
    settled = state.range("settled", f"{book}/")
    counter = next(int(key.rpartition("/")[2]) for key, id in settled if id == settlement)
    upto = opened_upto(reading, book)
    if upto.counter >= counter:
        return False
    return any(
        lacking & {*part.blobs, *part.either}
        for part in parts_of(state, book, upto)
        if part.upto.counter <= counter
    )


def _order(
    row: Mapping[str, Any],
    owed: Mapping[str, Mapping[str, Any]],
    said: Mapping[tuple[str, int], Mapping[str, Any]],
) -> Iterator[Refusal]:
    about: dict[str, Fact] = {"payout": str(row.get("payout")), "number": row.get("number")}
    due = owed.get(str(row.get("payout")))
    if due is None:
        yield found("order_unknown", **about)
        return
    for name in sorted(set(due) - {*ANSWERED, "state", "number"}):
        if row.get(name) != due[name]:
            yield found("order_altered", field=name, **about)
    for name in sorted(set(row) - {*due, *ANSWERED}):
        yield found("order_altered", field=name, **about)
    outcome = said.get((due["payout"], int(row.get("number") or 0)))
    if outcome is not None:
        for name in ANSWERED:
            if row.get(name) != outcome.get(name):
                yield found("order_altered", field=name, **about)
        if row.get("state") not in AFTER[outcome["state"]]:
            yield found("order_altered", field="state", **about)


def _value(leaf: bytes) -> Any:
    try:
        return json.loads(leaf)
    except ValueError:
        return None  # the audit of the log names it
