"""A member's backup in one file, and back. It holds no key: `keys.json` is kept apart.

A tar of the log's entries, the blobs as they are stored (sealed), and what is private to us sealed
for our own box key. Restoring applies the log again and compares every leaf before anything is
served; the shared tables are made anew, never copied.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, LiteralString

from ..errors import Fact, RecordDamaged, Refusal, Refused
from ..ledger import checkpoint
from ..ledger.merkle import Frontier, leaf_hash
from ..ledger.tiles import WIDTH, Tile, decode_bundle, encode_bundle
from ..measures.identity import canonical, digest, read_canonical
from ..node.ports import Identity
from ..node.proof.rebuild import Rebuilt, reapply
from ..node.vault.erasing import replay
from ..node.vault.sealing import seal, unseal, unwrap, wrap
from .postgres.reading import PostgresReading
from .postgres.store import PostgresStore

FORMAT = "miaopei.backup/2"
MANIFEST, PRIVATE, WRAP = "manifest.json", "private", "private.wrap"
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
Random = Callable[[int], bytes]


def write(path: Path, reading: PostgresReading, identity: Identity, random: Random) -> int:
    """Write one snapshot to a file that only its owner may read; the number of its entries.

    Errors   Refused backup.not_written.
    """
    head = reading.head()
    aside = path.with_name(f".{path.name}.writing")
    manifest = {
        "format": FORMAT,
        "checkpoint": reading.checkpoint(),
        "size": head.size,
        "blobs": sum(1 for _ in reading.blobs()),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w") as tar:
            _add(tar, MANIFEST, canonical(manifest))
            for first in range(0, head.size, WIDTH):
                entries = list(reading.leaves(first, min(first + WIDTH, head.size)))
                _add(tar, Tile(None, first // WIDTH, len(entries)).path, encode_bundle(entries))
            for name, data in reading.blobs():
                _add(tar, f"blob/{name}", data)
            sealed, key = seal(canonical(_dump(reading)), random)
            box = identity.box.public_key().public_bytes_raw()
            _add(tar, PRIVATE, sealed)
            _add(tar, WRAP, wrap(key, box, random))
            tar.close()
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        with suppress(OSError):
            aside.unlink()
        raise _no("not_written", path=str(path), why=str(error.strerror or error)) from None
    return head.size


def restore(
    path: Path, store: PostgresStore, identity: Identity, erased: Iterable[str] = ()
) -> Rebuilt:
    """Put a backup into an empty store: check, apply the log again, then what lies beside it.

    Persons whose erasure the record or `erased` names are erased again in the same transaction:
    nobody is served before.
    Errors   Refused backup.* for a file that is not ours or not whole.
    """
    with _open(path) as tar:
        manifest = _manifest(tar)
        vkey = _our_key(manifest, identity)
        head = checkpoint.verify(manifest["checkpoint"], vkey)
        leaves = list(_entries(tar, head.size))
        if Frontier().extend(leaf_hash(leaf) for leaf in leaves).root() != head.root:
            raise _no("altered", part="entries")
        private = _opened(tar, identity)
        seen = reapply(leaves, head.size, store)
        if not seen.same:
            return seen
        media = _media(leaves)
        with store.writing() as block:
            for name in (n for n in tar.getnames() if n.startswith("blob/")):
                data = _part(tar, name)
                if digest(data) != name.removeprefix("blob/"):
                    raise _no("altered", part=name)
                block.put_blob(data, media.get(name.removeprefix("blob/"), "original"))
            block.execute("delete from own.block")
            block.execute("delete from shared.place")
            for table, columns in TABLES.items():
                _fill(block.execute, table, columns, private[table])
            replay(block, identity, erased)
    return seen


def _dump(reading: PostgresReading) -> dict[str, Any]:
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


def _media(leaves: list[bytes]) -> dict[str, str]:
    """Blob -> what it is, by the acts that name it."""
    found = {}
    for leaf in leaves:
        body = json.loads(leaf).get("act", {}).get("body", {})
        for item in body.values():
            if isinstance(item, dict) and {"blob", "media"} <= set(item):
                found[item["blob"]] = item["media"]
    return found


def _our_key(manifest: Mapping[str, Any], identity: Identity) -> str:
    try:
        origin = checkpoint.parse(manifest["checkpoint"]).origin
    except Refused:
        raise _no("altered", part="checkpoint") from None
    vkey = checkpoint.verifier_key(origin, identity.log)
    try:
        checkpoint.verify(manifest["checkpoint"], vkey)
    except Refused:
        raise _no("other_keys", origin=origin) from None
    return vkey


def _entries(tar: tarfile.TarFile, size: int) -> Iterator[bytes]:
    for first in range(0, size, WIDTH):
        tile = Tile(None, first // WIDTH, min(WIDTH, size - first))
        try:
            yield from decode_bundle(_part(tar, tile.path))
        except Refused:
            raise _no("altered", part=tile.path) from None


def _opened(tar: tarfile.TarFile, identity: Identity) -> Any:
    try:
        key = unwrap(_part(tar, WRAP), identity.box)
        private = read_canonical(unseal(_part(tar, PRIVATE), key))
    except (RecordDamaged, Refused):
        raise _no("altered", part=PRIVATE) from None
    if set(private) != set(TABLES):
        raise _no("altered", part=PRIVATE)
    return private


def _manifest(tar: tarfile.TarFile) -> dict[str, Any]:
    value = read_canonical(_part(tar, MANIFEST))
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise _no("not_a_backup")
    return value


def _open(path: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(path, "r:")
    except (OSError, tarfile.TarError):
        raise _no("not_a_backup") from None


def _part(tar: tarfile.TarFile, name: str) -> bytes:
    try:
        file = tar.extractfile(name)
        data = None if file is None else file.read()
    except (KeyError, tarfile.TarError, OSError):
        data = None
    if data is None:
        raise _no("part_missing", part=name)
    return data


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), 0o600
    tar.addfile(entry, io.BytesIO(data))


def _no(code: str, /, **facts: Fact) -> Refused:
    return Refused(Refusal(f"backup.{code}", facts))
