"""What lies beside the log, held against it: blobs, opened rows, claims and orders.

With `stored` (tree hashes and places), `ledger.audit` (the log itself) and `rebuild` (the state)
this is what `miaopei audit` looks at. Every finding is a refusal that names record, field and
position. Columns that only a database has are compared in `adapters.postgres_columns`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...acts import record_facts
from ...acts.blobs import is_digest
from ...acts.readers import parties
from ...acts.seats import seats
from ...acts.state import State
from ...errors import Fact, RecordDamaged, Refusal, Refused
from ...ledger.merkle import Frontier, leaf_hash
from ...measures.identity import canonical, content_id, digest, read_canonical
from ...measures.suites import in_use, public_hex
from ..effects.keeper import ROWS_UPTO
from ..effects.orders import rows_for
from ..node import Node
from ..ports import Identity, Reading
from ..selling.known.bound import differing
from ..vault.blobs import open_blob, open_rows_of, opens, readers
from ..vault.rowkeys import ROWS, commitment_of
from ..vault.sealing import MAGIC, unframe
from .stored import found, places, standing, tree

REFERENCE = {"blob", "length", "count", "root", "media"}
PUBLIC = "miaopei/commitments/1"
COMMITTED = {  # media -> the kind of content id that a row's commitment is
    "miaopei/rows/1": "row",
    "miaopei/claims/1": "claim",
    "miaopei/outcomes/1": "outcome",
    "miaopei/lines/1": "line",
    "miaopei/uses/1": "use",
    "miaopei/closed/1": "closed",
    "miaopei/list/1": "list_row",
    "miaopei/trace/1": "trace",
}
# States once confirmed.
AFTER = {"executed": ("paid",), "refused": ("failed", "closed", "replaced")}
CLOSED = ("paid", "failed", "closed", "replaced")  # states that an act on the record must bear out
ANSWERED = ("ref", "code", "at", "bank", "sandbox")  # what the bank's answer adds to an order
AT_ONCE = 10_000  # rows held in memory while those that are gone are looked for
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, IndexError, Refused)


@dataclass(frozen=True)
class Named:
    """A blob as an act names it."""

    position: int
    act: Mapping[str, Any]
    reference: Mapping[str, Any]


def inspect(reading: Reading, node: Node) -> Iterator[Refusal]:
    """Every difference between the log and what lies beside it; `node` opens what was sealed."""
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
    named = list(_references(values))
    opened: dict[str, list[bytes]] = {}
    for each in named:
        must = _must_open(reading, node.identity, each)
        yield from _blob(reading, node.identity, each, blobs, opened, must=must)
    yield from _left_over(reading, node.identity, blobs, {n.reference["blob"] for n in named})
    yield from _originals(values, blobs)
    yield from _opened_rows(reading, opened, node.identity.member)
    ours = [n for n in named if n.act["by"] == node.identity.member]
    yield from _opened_claims(reading, ours, opened)
    yield from _orders(reading, node, named, opened)
    for position, number, fields in differing(reading, values, node.identity.member):
        yield found("person_differs", policy=number, fields=", ".join(fields), position=position)


def _references(values: Sequence[Any]) -> Iterator[Named]:
    for position, value in enumerate(values):
        match value:
            case {"leaf": "act", "act": {"body": dict()} as act, "result": {"ok": True} as result}:
                for item in references_of(act, result):
                    yield Named(position, act, item)


def references_of(act: Mapping[str, Any], result: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The blobs that an applied act names: in its body, and lists of the facts that it brought."""
    facts = record_facts.taken(act["body"], result) if act["kind"] == record_facts.KIND else ()
    lists = (fact["observation"]["values"].get("list") for fact in facts)
    for item in (*act["body"].values(), *lists):
        match item:
            case {"blob": str(name), "media": str()} if set(item) == REFERENCE and is_digest(name):
                yield item


def _blob(
    reading: Reading,
    identity: Identity,
    named: Named,
    blobs: Mapping[str, bytes],
    opened: dict[str, list[bytes]],
    *,
    must: bool,
) -> Iterator[Refusal]:
    """One blob: there, as long as said, opening with our key, its rows giving its root.

    What is sealed for others (`must` is false, and no key is here) answers by its digest alone.
    """
    name, media = named.reference["blob"], named.reference["media"]
    about = {"blob": name, "media": media, "position": named.position}
    data = blobs.get(name)
    if data is None:
        yield found("blob_missing", **about)
        return
    if digest(data) != name:
        return  # told already
    if len(data) != named.reference["length"]:
        yield found("blob_length", length=len(data), **about)
    if media != PUBLIC and not must and not opens(reading, name, identity):
        return
    try:
        if media == PUBLIC:
            commitments = [data[at : at + 32] for at in range(0, len(data), 32)]
        else:
            rows = _rows(reading, name, media, identity)
            opened[name] = rows
            kind = COMMITTED[media]
            commitments = [
                commitment_of(row)
                if media == ROWS
                else bytes.fromhex(content_id(kind, read_canonical(row)))
                for row in rows
            ]
    except RecordDamaged as alarm:
        yield found("blob_sealed", why=alarm.what, **about)
        return
    except UNREADABLE as error:
        yield found("blob_sealed", why=type(error).__name__, **about)
        return
    root = Frontier().extend(leaf_hash(each) for each in commitments).root().hex()
    if (len(commitments), root) != (named.reference["count"], named.reference["root"]):
        yield found("blob_root", **about)


def _must_open(reading: Reading, identity: Identity, named: Named) -> bool:
    """Whether a blob is ours to read: always where one member orders, and what we named ourselves;
    else the rows of a book that we decide or pay."""
    state = State(reading)
    if next(seats(state), None) is None or named.act["by"] == identity.member:
        return True
    book = state.get("book", str(named.act["body"].get("book")))
    if named.reference["media"] != ROWS or book is None:
        return False
    ours = public_hex(identity.box)
    return ours in readers(state, book["listing"])


def _rows(reading: Reading, name: str, media: str, identity: Identity) -> list[bytes]:
    if media == ROWS:
        return open_rows_of(reading, name, identity)
    return unframe(open_blob(reading, name, identity))


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
    alone = next(seats(State(reading)), None) is None
    for name, data in blobs.items():
        lone = name not in named and data.startswith(MAGIC) and digest(data) == name
        if lone and (alone or opens(reading, name, identity)):
            try:
                open_blob(reading, name, identity)
            except RecordDamaged as alarm:
                yield found("left_over_sealed", blob=name, why=alarm.what)


def _originals(values: Sequence[Any], blobs: Mapping[str, bytes]) -> Iterator[Refusal]:
    """Original bytes that are too long to stand inside their attestation."""
    hash_name = in_use.suite.hash_name
    for position, value in enumerate(values):
        match value:
            case {
                "leaf": "act",
                "act": {"kind": record_facts.KIND, "body": dict(body)},
                "result": {"ok": True} as result,
            }:
                for fact in record_facts.taken(body, result):
                    match fact["attestation"]["original"]:
                        case {"bytes_b64": None, **original}:
                            name = str(original.get(hash_name))
                            if name not in blobs:
                                of = "original"
                                yield found("blob_missing", blob=name, media=of, position=position)


def _opened_rows(
    reading: Reading, opened: Mapping[str, list[bytes]], member: str
) -> Iterator[Refusal]:
    """The rows of our copy of each book, against those that the batches brought.

    Who reads a book by a grant has it as far as it came.
    """
    state = State(reading)
    alone = next(seats(state), None) is None
    for book, entry in state.range("book", ""):
        try:
            rows = reading.rows(book, entry["size"])
            kept = {row.position: canonical(row.row.as_json()) for row in rows}
        except UNREADABLE as error:
            yield found("rows_unreadable", book=book, why=type(error).__name__)
            continue
        ours = alone or member in parties(state, entry["listing"])
        upto = entry["size"] if ours else int(reading.progress(f"{ROWS_UPTO}{book}") or b"0")
        for _, batch_id in state.range("in_force", f"{book}/"):
            batch = state.need("batch", batch_id)
            if batch["first"] >= upto:
                break
            for offset, row in enumerate(opened.get(batch["rows"]["blob"], [])):
                position = batch["first"] + offset
                if kept.get(position) != row:
                    yield found("row_altered", book=book, position=position)


def _opened_claims(
    reading: Reading, ours: Sequence[Named], opened: Mapping[str, list[bytes]]
) -> Iterator[Refusal]:
    """The claims of our copy, against those that our own last decision sealed."""
    decided = {n.act["body"]["trigger"]: n for n in ours if n.act["kind"] == "decide"}
    for trigger, each in decided.items():
        if each.reference["blob"] not in opened:
            continue
        try:
            kept = [canonical(claim) for claim in reading.claims(trigger)]
        except UNREADABLE as error:
            yield found("claims_unreadable", trigger=trigger, why=type(error).__name__)
            continue
        sealed = opened[each.reference["blob"]]
        for number in range(max(len(kept), len(sealed))):
            if kept[number : number + 1] != sealed[number : number + 1]:
                yield found("claim_altered", trigger=trigger, position=number)


def _orders(
    reading: Reading, node: Node, named: Sequence[Named], opened: Mapping[str, list[bytes]]
) -> Iterator[Refusal]:
    """Payment instructions, against the debts they pay and the outcomes that were recorded."""
    said: dict[tuple[str, int], dict[str, Any]] = {}
    for each in named:
        if each.act["kind"] == "confirm_payments":
            for data in opened.get(each.reference["blob"], []):
                outcome = read_canonical(data)
                said[outcome["payout"], outcome["number"]] = outcome
    for debt, payment in State(reading).range("payment", ""):
        if payment["payer"] != node.identity.member:
            continue  # another member pays it: what we once ordered of it is no duty any more
        try:
            kept = list(reading.instructions(debt))
            owed = {row["payout"]: row for row in rows_for(reading, node, debt)}
        except RecordDamaged as alarm:
            yield found("orders_unreadable", debt=debt, why=alarm.what)
            continue
        except UNREADABLE as error:
            yield found("orders_unreadable", debt=debt, why=type(error).__name__)
            continue
        there = {str(row.get("payout")) for row in kept}
        if kept or reading.progress(f"pay/{debt}") is not None:
            for payout in owed.keys() - there:
                yield found("order_missing", debt=debt, payout=payout)
        waiting = reading.progress(f"confirm/{debt}") is not None  # written down, not yet submitted
        for row in kept:
            yield from _order(row, owed, said)
            name = (str(row.get("payout")), int(row.get("number") or 0))
            if row.get("state") in CLOSED and name not in said and not waiting:
                yield found("order_unconfirmed", payout=name[0], number=name[1])


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
