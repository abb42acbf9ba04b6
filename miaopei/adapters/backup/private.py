"""What is private of a member in its backup: written out, opened by its box keys, filled in."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any, LiteralString

from ...errors import RecordDamaged, Refused
from ...measures.identity import read_canonical
from ...node.ports import Identity
from ...node.proof.follows import LOOKED_THROUGH
from ...node.proof.logkeys import keys_of
from ...node.vault.sealing import reader_of, unseal, unwrap_any
from ..postgres.reading import PostgresReading
from ..postgres.store import PostgresStore
from ..postgres.writing import PostgresWriting
from .file import PRIVATE, WRAP, no, part

# Table -> its columns; "b" bytes, "n" numbers, "t" text. What `shared` holds beside is made again.
TABLES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "shared.place": (("name", "t"), ("position", "n")),
    "own.block": (("height", "n"), ("time", "n"), ("leaves", "n")),
    "own.checkpoint": (("size", "n"), ("text", "t")),
    "own.wrap": (("digest", "b"), ("reader", "t"), ("wrapped", "b")),
    "own.person": (
        *(("person", "t"), ("master", "n"), ("wrapped", "b"), ("body", "b"), ("guard", "b")),
    ),
    "own.payee": (("subject", "t"), ("person", "t"), ("guard", "b")),
    "own.use": (("number", "n"), ("body", "b")),
    "own.instruction": (
        *(("payout", "t"), ("number", "n"), ("debt", "t"), ("state", "t"), ("amount", "n")),
        *(("bank_ref", "t"), ("body", "b"), ("policy", "t"), ("share", "n")),
    ),
    "own.debt": (("debt", "t"), ("about", "b")),
    "own.progress": (("name", "t"), ("body", "b")),
    '"group".row': (
        *(("book", "t"), ("position", "n"), ("recorded_at", "n"), ("policy", "t"), ("body", "b")),
        ("subject", "t"),
    ),
    '"group".run': (("book", "t"), ("run", "n"), ("hash", "b")),
    '"group".claims': (
        *(("trigger", "t"), ("page", "n"), ("book", "t"), ("benefit", "t")),
        *(("low", "n"), ("high", "n"), ("hash", "b"), ("body", "b")),
    ),
}


def dump(reading: PostgresReading) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for table, columns in TABLES.items():
        names = ", ".join(name for name, _ in columns)
        query: Any = f"select {names} from {table} order by 1, 2"
        found[table] = [[_plain(value) for value in row] for row in reading.execute(query)]
    return found


def _fill(
    execute: Callable[..., Any], table: str, columns: tuple[tuple[str, str], ...], rows: Any
) -> None:
    names = ", ".join(name for name, _ in columns)
    places = ", ".join("%b" for _ in columns)
    query: LiteralString | Any = f"insert into {table} ({names}) values ({places})"
    for row in rows:
        values = [
            bytes.fromhex(value) if kind == "b" and value is not None else value
            for value, (_, kind) in zip(row, columns, strict=True)
        ]
        execute(query, *values)


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


def fill_all(block: PostgresWriting, private: Any) -> None:
    """What is private, but nothing of blocks that were not certified when it was written down."""
    block.execute("delete from own.block")
    late = late_blocks(private, block.head().height)
    rows = [row for row in private["own.block"] if not late or row[0] < min(late)]
    given = {**private, "own.block": rows, "shared.place": []}  # places were made anew
    wraps = given.pop("own.wrap")  # of files from before they had digests, too
    for table, columns in TABLES.items():
        _fill(block.execute, table, columns, given.get(table, ()))
    for digest, reader, wrapped in wraps:
        block.put_wrap(digest, reader, bytes.fromhex(wrapped))
    if late:  # how far the record was looked through is found out again
        block.forget_progress(LOOKED_THROUGH)


def opened(tar: tarfile.TarFile, identity: Identity, leaves: list[bytes]) -> Any:
    """What is private, by our box key or an earlier one.

    Errors   Refused backup.box_lost naming the key that is needed and is not here, backup.altered.
    """
    wrapped, sealed = part(tar, WRAP), part(tar, PRIVATE)
    try:
        key, _ = unwrap_any(wrapped, (identity.box, *identity.boxes))
        private = read_canonical(unseal(sealed, key))
    except (RecordDamaged, Refused):
        if lost := _lost_boxes(leaves, identity):
            facts = {"member": identity.member, "box": lost[-1][:16]}
            raise no("box_lost", **facts) from None
        raise no("altered", part=PRIVATE) from None
    if set(private) != set(TABLES):
        raise no("altered", part=PRIVATE)
    return private


def _lost_boxes(leaves: Iterable[bytes], identity: Identity) -> list[str]:
    """Box keys that have stood in our seat and that our keys file does not hold."""
    held = {reader_of(box) for box in (identity.box, *identity.boxes)}
    named = keys_of(leaves, "box").get(identity.member, [])
    return [box for box, _ in named if box not in held]


def closed(store: PostgresStore, identity: Identity) -> list[tuple[str, int]]:
    """Box keys of ours that our keys file does not hold any more, and how many blobs only they
    would open.
    """
    with store.reading() as reading:
        lost = _lost_boxes(reading.leaves(0, reading.head().size), identity)
        held = [reader_of(box) for box in (identity.box, *identity.boxes)]
        query: LiteralString = (
            "select reader, count(*) from own.wrap w where reader = any(%b) and not exists"
            " (select from own.wrap o where o.digest = w.digest and o.reader = any(%b))"
            " group by reader order by reader"
        )
        return [(str(box), int(count)) for box, count in reading.execute(query, lost, held)]


def late_blocks(private: Any, last: int) -> list[int]:
    """Blocks with leaves that were there when it was written, and not certified yet."""
    return [row[0] for row in private["own.block"] if row[0] > last and row[2]]
