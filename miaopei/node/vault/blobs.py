"""Sealed blobs of this node: written with their wrap at once, opened with our box key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ...acts.blobs import CLAIMS, CLOSED, OUTCOMES, ROWS, TRACE
from ...acts.readers import grantees, parties
from ...acts.seats import seats
from ...acts.state import State
from ...errors import RecordDamaged, Refusal, Refused, SealedUnfit
from ...evidence.kinds import LIST
from ...ledger.merkle import leaf_hash, root_of
from ...measures.identity import canonical, content_id, digest, read_canonical
from ...measures.suites import BoxKey, in_use
from ..ports import Identity, Random, Reading, Writing
from .rowkeys import (
    GONE,
    MARK,
    READER,
    open_rows,
    readable,
    seal_rows,
    slot_bytes,
    slots_of,
)
from .sealing import frame, reader_of, seal, unframe, unseal, unwrap, wrap

if TYPE_CHECKING:
    from ..node import Node

# What a grant of a book opens: its rows, its claims, lists that its inputs read, steps shown.
OF_BOOKS = frozenset({ROWS, CLAIMS, LIST, TRACE})
# What is sealed for the readers of one listing, which the act that names it says.
OF_READERS = frozenset({ROWS, CLAIMS, TRACE, OUTCOMES, CLOSED})


def seal_blob(
    block: Writing,
    node: Node,
    rows: Sequence[bytes],
    commitments: Sequence[bytes],
    media: str,
    listing: str | Sequence[str] | None = None,
) -> dict[str, Any]:
    """Seal rows for ourselves and the readers of a listing or several; the act's reference.

    In solo that is a group of one. The wraps lie beside the blob until their readers fetch both.
    Rows of a book that are about persons get keys of their own.
    """
    root = root_of([leaf_hash(c) for c in commitments])
    if media != ROWS:
        return seal_framed(block, node, frame(rows), len(rows), root, media, listing)
    framed, keys = seal_rows(rows, commitments, node.random)
    reference, data_key = _sealed(block, node, frame(framed), len(rows), root, media, listing)
    if slots := slots_of(keys, commitments, data_key, node.random):
        block.put_wrap(reference["blob"], READER, slots)
    return reference


def seal_framed(
    block: Writing,
    node: Node,
    framed: bytes,
    count: int,
    root: bytes,
    media: str,
    listing: str | Sequence[str] | None = None,
) -> dict[str, Any]:
    """Seal rows that are framed already, whose root is known; else as `seal_blob`."""
    return _sealed(block, node, framed, count, root, media, listing)[0]


def seal_values(
    block: Writing,
    node: Node,
    values: Sequence[Mapping[str, Any]],
    kind: str,
    media: str,
    listing: str | Sequence[str] | None = None,
) -> dict[str, Any]:
    """Seal values whose commitments are their content ids of a kind; else as `seal_blob`."""
    commitments = [bytes.fromhex(content_id(kind, value)) for value in values]
    return seal_blob(block, node, list(map(canonical, values)), commitments, media, listing)


def seal_by_token(
    block: Writing,
    node: Node,
    rows: Mapping[str, Mapping[str, Any]],
    listing: str | Sequence[str] | None = None,
) -> dict[str, Any]:
    """Seal a list with a salted row for each subject token, in the order of the tokens."""
    listed = [
        {"v": 1, "salt": node.random(32).hex(), "token": token, **rows[token]}
        for token in sorted(rows)
    ]
    return seal_values(block, node, listed, "list_row", LIST, listing)


def _sealed(
    block: Writing,
    node: Node,
    framed: bytes,
    count: int,
    root: bytes,
    media: str,
    listing: str | Sequence[str] | None,
) -> tuple[dict[str, Any], bytes]:
    """The reference and the data key."""
    sealed, key = seal(framed, node.random)
    name = block.put_blob(sealed, media)
    mine = reader_of(node.identity.box)
    named = [listing] if isinstance(listing, str) else listing or ()
    others = [reader for each in named for reader in readers(State(block), each).values()]
    if named and media in OF_BOOKS:
        state, now = State(block), block.head().time
        others += [reader for each in named for reader in granted(state, each, now).values()]
    for reader in dict.fromkeys((mine, *others)):
        block.put_wrap(name, reader, wrap(key, bytes.fromhex(reader), node.random))
    reference = {"blob": name, "length": len(sealed), "count": count, "root": root.hex()}
    return {**reference, "media": media}, key


def readers(state: State, listing: str) -> dict[str, str]:
    """Member -> box key (hex) of the seats that must read a listing's book: who decides or pays.

    Without a listing or seats there are none.
    """
    return _boxes(state, parties(state, listing))


def granted(state: State, listing: str, at: int) -> dict[str, str]:
    """Member -> box key (hex) of the seats that read a listing's book by a grant in force then."""
    return _boxes(state, grantees(state, listing, at))


def _boxes(state: State, members: Iterable[str]) -> dict[str, str]:
    """Member -> box key (hex), of those for which a key can be wrapped (`left_out`: the others)."""
    found = {member: state.get("seat", member) for member in members}
    boxes = {member: seat["box"] for member, seat in found.items() if seat is not None}
    return {member: box for member, box in boxes.items() if _seals(in_use.suite.name, box)}


def left_out(state: State) -> list[Refusal]:
    """The members for whose box key nothing can be wrapped, so that they can read no book.

    No such key comes into a seat from rule set 4 on; before, a member could put in anything.
    """
    return [
        Refusal("net.reader_left_out", {"member": member, "box": seat["box"]})
        for member, seat in seats(state)
        if not _seals(in_use.suite.name, seat["box"])
    ]


@lru_cache(maxsize=1_000)
def _seals(_suite: str, box: str) -> bool:
    return in_use.suite.seals(bytes.fromhex(box))


def listing_of(state: State, debt: str) -> str:
    """The listing of a debt: a settlement, a list that hands one on, a refund or an invoice."""
    payment = state.need("payment", debt)
    if payment["kind"] in ("refund", "invoice"):
        return str(payment["listing"])
    settlement = debt if payment["kind"] == "settlement" else payment["settlement"]
    return str(state.need("settlement", settlement)["settlement"]["listing"])


def listing_named(state: State, kind: str, body: Mapping[str, Any], media: str) -> str:
    """The listing for whose readers a blob is sealed that an applied act names; "" where that does
    not follow from the act, or it is sealed for nobody else.
    """
    if media not in OF_READERS:
        return ""
    match kind, body:
        case "admit_batch" | "admit_transactions", {"book": str(book)}:
            return str(state.need("book", book)["listing"])
        case "decide", {"trigger": str(trigger)}:
            return str(state.need("trigger", trigger)["listing"])
        case "show_difference", {"difference": str(difference)}:
            trigger = state.need("difference", difference)["trigger"]
            return str(state.need("trigger", trigger)["listing"])
        case "confirm_payments" | "close_ids", {"debt": str(debt)}:
            return listing_of(state, debt)
    return ""


def opens(reading: Reading, name: str, identity: Identity) -> bool:
    """Whether a sealed blob is here with its wrapped key for us."""
    return wrap_for(reading, name, identity) is not None and reading.blob(name) is not None


def wrap_for(reading: Reading, name: str, identity: Identity) -> tuple[bytes, BoxKey] | None:
    """The wrapped key for our box, or for an earlier one, and the key that opens it."""
    for box in (identity.box, *identity.boxes):
        if (wrapped := reading.wrapped(name, reader_of(box))) is not None:
            return wrapped, box
    return None


def open_blob(reading: Reading, name: str, identity: Identity) -> bytes:
    """The plain bytes of a sealed blob.

    Errors   RecordDamaged (alarm) where the blob or its wrap is missing or altered.
    """
    return _opened(reading, name, identity)[0]


def wrap_again(block: Writing, name: str, identity: Identity, reader: str, random: Random) -> bool:
    """Wrap the data key of a blob for one more reader (a box key in hex), where it is not yet.

    Whether it is wrapped for it now: not where we have no key to it ourselves.
    """
    if block.wrapped(name, reader) is not None:
        return True
    found = wrap_for(block, name, identity)
    if found is None:
        return False
    block.put_wrap(name, reader, wrap(unwrap(*found), bytes.fromhex(reader), random))
    return True


def keep_for(block: Writing, name: str, key: bytes, members: Iterable[str], random: Random) -> None:
    """Wrap the data key of a blob that we may read for others who may: who made it, and the readers
    of its listing, each where it has a seat.

    A wrap lies with who made it alone: a maker that comes back from an older backup would never
    open again what it has sealed since, nor a reader what its maker has ended with. Only where the
    maker itself gave us the key: whoever names another's blob in an act of its own has none to give
    us, and lets nobody read it.
    """
    for box in _boxes(State(block), members).values():
        if block.wrapped(name, box) is None:
            block.put_wrap(name, box, wrap(key, bytes.fromhex(box), random))


def open_values(reading: Reading, name: str, identity: Identity) -> list[Any]:
    """The values of a sealed blob whose rows are canonical. Errors   RecordDamaged (alarm)."""
    try:
        return [read_canonical(row) for row in unframe(open_blob(reading, name, identity))]
    except Refused as refused:
        what = "a row of a sealed blob is not canonical"
        raise SealedUnfit(what, blob=name, why=refused.refusals[0].code) from None


def open_rows_of(reading: Reading, name: str, identity: Identity) -> list[bytes]:
    """The canonical bytes of a batch's rows; of an erased row what is left of it.

    Errors   RecordDamaged (alarm); SealedUnfit also for a row without a key that nobody erased.
    """
    plain, key = _opened(reading, name, identity)
    rows = open_rows(unframe(plain), reading.wrapped(name, READER), key)
    left = {at for at, row in enumerate(rows) if row.startswith(GONE)}
    if left and (left := left - gone_of(reading, name)) and not _erased_since(reading, name):
        raise SealedUnfit("the key of a row is missing", blob=name, row=min(left))
    return rows


def rows_that_open(reading: Reading, name: str, identity: Identity) -> list[bytes]:
    """The rows of a batch as `open_rows_of`, also where a key of some is missing or is none.

    Errors   RecordDamaged (alarm) where the blob itself does not open.
    """
    plain, key = _opened(reading, name, identity)
    return readable(unframe(plain), reading.wrapped(name, READER), key)[0]


def keep_row_keys(block: Writing, name: str, data: bytes, key: bytes, slots: bytes | None) -> bool:
    """Keep the keys of a batch's rows that another hands over; whether none of them lacks.

    A key that does not open its row is none; nor is one kept of a row or a person whose keys were
    destroyed here: who hands it over may not have forgotten yet, or may be bound to keep it.
    """
    plain = unseal(data, key)
    if MARK not in plain:
        return True
    framed, size = unframe(plain), slot_bytes()
    had, kept = block.wrapped(name, READER), bytearray(size * len(framed))
    came = slots if slots is not None and len(slots) == len(kept) else bytes(kept)
    without = set(readable(framed, came, key)[1])
    for at, row in enumerate(framed):
        if row.startswith(MARK):
            given = had if at in without else came
            span = slice(at * size, (at + 1) * size)
            kept[span] = (given or b"")[span] or bytes(size)
    rows, lacking = readable(framed, bytes(kept), key)
    erased = [
        f'"subject":"{subject}"'.encode()
        for subject, _ in State(block).range("erased", "")
        if block.progress(f"erased/{subject}") is not None
    ]
    gone = gone_of(block, name)
    gone |= {at for at, row in enumerate(rows) if any(token in row for token in erased)}
    for at in gone:
        kept[at * size : (at + 1) * size] = bytes(size)
    block.put_wrap(name, READER, bytes(kept))
    mark_gone(block, name, gone)
    return not set(lacking) - gone or _erased_since(block, name)


def gone_of(reading: Reading, name: str) -> set[int]:
    """The rows of a batch, by their place in it, whose keys this member destroyed."""
    kept = reading.progress(f"gone/{name}")
    return set() if kept is None else set(read_canonical(kept))


def mark_gone(block: Writing, name: str, indexes: Iterable[int]) -> None:
    """Write down that keys of a batch's rows are destroyed here."""
    if more := gone_of(block, name).union(indexes):
        block.put_progress(f"gone/{name}", canonical(sorted(more)))


def _erased_since(reading: Reading, name: str) -> bool:
    """Whether a person was erased since a batch came in force: who holds it may have destroyed
    keys before they came to us, and whose row it was nobody can tell any more.
    """
    state = State(reading)
    in_force = (batch for _, batch in state.range("batch", "") if batch["first"] is not None)
    since = next((b["recorded_at"] for b in in_force if b["rows"]["blob"] == name), None)
    return since is not None and any(said["at"] >= since for _, said in state.range("erased", ""))


def told_of(error: Exception, about: str, blob: str = "-", by: str = "-") -> Refusal:
    """What is said where another has sealed something else than its words say, and on what that
    bears; nothing of what stands in it.
    """
    why = error.what if isinstance(error, SealedUnfit) else type(error).__name__
    if isinstance(error, Refused):
        why = error.refusals[0].code
    named = error.facts.get("blob", blob) if isinstance(error, SealedUnfit) else blob
    return Refusal("net.sealed_unfit", {"by": by, "blob": named, "why": why, "about": about})


def _opened(reading: Reading, name: str, identity: Identity) -> tuple[bytes, bytes]:
    """The plain bytes and the data key."""
    sealed, found = reading.blob(name), wrap_for(reading, name, identity)
    if sealed is None or digest(sealed) != name:
        raise RecordDamaged("a blob is missing or altered", blob=name)
    if found is None:
        raise RecordDamaged("no wrapped key for this reader", blob=name)
    key = unwrap(*found)
    return unseal(sealed, key), key
