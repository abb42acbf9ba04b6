"""Holding a batch: its rows opened, checked against the book, hashed, kept as rows and columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...acts.envelope import Act
from ...acts.facts import product_of
from ...acts.rounds import agreed
from ...acts.state import State
from ...claims.leaves import PAGE
from ...errors import RecordDamaged, Refusal, Refused, SealedUnfit
from ...ledger.merkle import Frontier, leaf_hash, root_of
from ...policies.batch import check_batch
from ...policies.book import Recorded
from ...policies.row import PolicyRow, rows_from_bytes
from ...terms.filing import Product
from ...terms.words import Declared
from ..node import Node
from ..ports import Reading, Writing
from ..selling.misfits import misfits
from ..vault.blobs import open_rows_of
from ..vault.rowkeys import commitment_of
from .schedules import Held, Schedules

AtHand = Callable[[Reading, State, dict[str, Any]], bool]  # whether all of a book is opened here


def hold(node: Node, schedules: Schedules, batch_id: str, at_hand: AtHand) -> Act | None:
    """The act that says that we hold a batch, once its rows are kept; None where none is due.

    Errors   Refused with every reason why the rows do not check; RecordDamaged (alarm).
    """
    with node.store.writing() as block:
        state = State(block)
        batch = state.need("batch", batch_id)
        name = batch["book"]
        book = state.need("book", name)
        entry = state.need("listing", book["listing"])
        me, start = node.identity.member, book["size"]
        size = start + batch["rows"]["count"]
        if me not in entry["listing"]["deciders"] or (
            me in batch["statements"] and batch["statements"][me]["size"] == size
        ):
            return None
        if batch["first"] is not None or not at_hand(block, state, batch):
            return None  # others were quicker, or its rows are still on their way to us
        rows, hashes, bodies = open_rows(block, batch["rows"], node, name)
        odd = misfits(rows, state, batch["applications"]) if "applications" in batch else []
        if odd:
            raise Refused(*(Refusal("selling.rows_differ", {"policy": policy}) for policy in odd))
        _check(block, state, batch, entry["product"], rows, start)
        schedules.settle(block, state, name)
        before, tail = runs_of(block, name, book)
        block.put_rows((Recorded(start + i, 0, row) for i, row in enumerate(rows)), bodies)
        whole = [*tail, *hashes]
        full = len(whole) // PAGE * PAGE
        heads = [root_of(whole[at : at + PAGE]) for at in range(0, full, PAGE)]
        after = over_runs([*before, *heads], whole[full:])
        schedules.add(name, Held(batch_id, start, rows, len(before), heads))
        body = {"batch": batch_id, "size": after.size, "root": after.root().hex()}
        return node.act("hold_batch", f"hold-{batch_id}-{after.size}", body)


def hold_late(node: Node, batch_id: str, at_hand: AtHand) -> Act | None:
    """The act that says that we hold a batch, too, that others have put in force without us.

    Errors   As `hold`.
    """
    with node.store.writing() as block:
        state = State(block)
        batch = state.need("batch", batch_id)
        if not at_hand(block, state, batch):
            return None
        entry = state.need("listing", state.need("book", batch["book"])["listing"])
        rows, _, _ = open_rows(block, batch["rows"], node, batch["book"])
        _check(block, state, batch, entry["product"], rows, batch["first"])
        said = agreed(batch)
        runs_of(block, batch["book"], said)
        body = {"batch": batch_id, "size": said["size"], "root": said["root"]}
        return node.act("hold_batch", f"hold-{batch_id}-{said['size']}", body)


def _check(
    block: Writing,
    state: State,
    batch: dict[str, Any],
    product: str,
    rows: list[PolicyRow],
    start: int,
) -> None:
    """Errors   Refused with every reason why rows at `start` of their book do not check."""
    name, declared = batch["book"], declared_by(product_of(state, product))
    subjects = [row.subject for row in rows if row.subject is not None]
    known = block.rows_of(name, start, [row.policy for row in rows], subjects)
    if subjects:  # other versions of the policies that cover the same persons
        known = block.rows_of(name, start, [r.row.policy for r in known], subjects)
    earlier = (recorded.row for recorded in known)
    premium = batch["totals"]["premium_fen"]
    if found := check_batch(rows, name, declared, earlier, premium):
        raise Refused(*found)


def open_rows(
    reading: Reading, reference: dict[str, Any], node: Node, book: str
) -> tuple[list[PolicyRow], list[bytes], list[bytes]]:
    """The rows of a batch, opened and compared with its root; their leaf hashes; their bytes."""
    values = open_rows_of(reading, reference["blob"], node.identity)
    rows = rows_from_bytes(values, book)
    hashes = [leaf_hash(commitment_of(value)) for value in values]
    if root_of(hashes).hex() != reference["root"]:
        raise SealedUnfit("rows do not give the root of their batch", blob=reference["blob"])
    return rows, hashes, values


def declared_by(product: Product) -> list[Declared]:
    """What the terms of a product read from a policy, in any of their versions."""
    inputs = (of for version in product.versions for of in version.terms.inputs)
    return [of for of in inputs if isinstance(of, Declared)]


def runs_of(block: Writing, book: str, entry: dict[str, Any]) -> tuple[list[bytes], list[bytes]]:
    """The book's tree as this member holds it, checked against the record's root.

    The heads of its complete runs, and the leaf hashes after them.
    """
    size = entry["size"]
    heads = block.runs(book)[: size // PAGE]
    if len(heads) < size // PAGE:  # rows that were held before runs were kept
        rows = block.rows_between(book, len(heads) * PAGE, size // PAGE * PAGE)
        hashes = [leaf_hash(r.row.commitment()) for r in rows]
        more = [root_of(hashes[at : at + PAGE]) for at in range(0, len(hashes), PAGE)]
        block.put_runs(book, len(heads), more)
        heads = [*heads, *more]
    tail = [
        leaf_hash(r.row.commitment()) for r in block.rows_between(book, len(heads) * PAGE, size)
    ]
    if over_runs(heads, tail).root().hex() != entry["root"]:
        raise RecordDamaged("the book here does not give the record's root", book=book)
    return [*heads], tail


def over_runs(heads: Sequence[bytes], tail: Sequence[bytes]) -> Frontier:
    """The frontier of a tree from the heads of its complete runs and the leaf hashes after them."""
    above = Frontier().extend(heads)
    return Frontier(above.size * PAGE, above.hashes).extend(tail)
