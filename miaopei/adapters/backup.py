"""A member's backup in one file, and back. It holds no key: `keys.json` is kept apart, and neither
the engine's key nor its file of what it has signed is ever in it.

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
from ..ledger.certificate import founders, from_json
from ..ledger.checkpoint import Checkpoint
from ..ledger.merkle import Frontier, leaf_hash
from ..ledger.quorum import check as check_certificate
from ..ledger.tiles import WIDTH, Tile, decode_bundle, encode_bundle
from ..measures.identity import canonical, digest, read_canonical
from ..node.order.convening import Founding
from ..node.order.keep import certify as certify_head
from ..node.ports import Certify, Identity
from ..node.proof.given import keep_given
from ..node.proof.logkeys import keys_of, signer_of
from ..node.proof.rebuild import Progress, Rebuilt, reapply
from ..node.vault.erasing import replay
from ..node.vault.sealing import MAGIC, reader_of, seal, unseal, unwrap_any, wrap
from .postgres.reading import PostgresReading
from .postgres.store import PostgresStore
from .postgres.writing import PostgresWriting

FORMAT = "miaopei.backup/2"
SNAPSHOT = "miaopei.snapshot/1"  # the same without what is private, for another member
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
# How far opened rows and claims had come; where blocks are given up it is found out again.
FORGET_OPENED: LiteralString = (
    "delete from own.progress where name ~ '^(rows|claims)/' or name = 'blobs/upto'"
)
Random = Callable[[int], bytes]


def write(
    path: Path,
    reading: PostgresReading,
    identity: Identity,
    random: Random,
    *,
    certify: Certify | None = None,
    private: bool = True,
) -> int:
    """Write what is certified to a file that only its owner may read; the number of its entries.

    `certify` gives the certificate of the root that a block left, in a consortium; without
    `private` it is a snapshot for another member.
    Errors   Refused backup.not_written; what `certify` raises.
    """
    size = checkpoint.parse(reading.checkpoint()).size
    aside = path.with_name(f".{path.name}.writing")
    text = reading.checkpoint()
    shown = {"checkpoint": text} if private else {"root": checkpoint.parse(text).root.hex()}
    manifest: dict[str, Any] = {
        "format": FORMAT if private else SNAPSHOT,
        **shown,
        "size": size,
        "blobs": sum(private or not data.startswith(MAGIC) for _, data in reading.blobs()),
    }
    if certify is not None:
        last = read_canonical(reading.leaf(size - 1))
        manifest["certificate"] = certify(int(last.get("height", 0)))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w") as tar:
            _add(tar, MANIFEST, canonical(manifest))
            for first in range(0, size, WIDTH):
                entries = list(reading.leaves(first, min(first + WIDTH, size)))
                _add(tar, Tile(None, first // WIDTH, len(entries)).path, encode_bundle(entries))
            for name, data in reading.blobs():
                if private or not data.startswith(MAGIC):  # sealed ones come with the reader's key
                    _add(tar, f"blob/{name}", data)
            if private:
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
    return size


def restore(
    path: Path,
    store: PostgresStore,
    identity: Identity,
    erased: Iterable[str] = (),
    *,
    founding: Founding | None = None,
    progress: Progress | None = None,
) -> Rebuilt:
    """Put a backup into an empty store: check, apply the log again, then what lies beside it.

    Persons whose erasure the record or `erased` names are erased again in the same transaction:
    nobody is served before. With the `founding` of a consortium the root must be certified by its
    members, and a snapshot of another member will do: then nothing private comes with it.
    Errors   Refused backup.* for a file that is not ours or not whole; ledger.quorum_*.
    """
    with _open(path) as tar:
        leaves, private = _checked(tar, identity, founding)
        seen = reapply(leaves, len(leaves), store, progress)
        if not seen.same:
            return seen
        media = _media(leaves)
        with store.writing() as block:
            for name, data in _blobs(tar):
                block.put_blob(data, media.get(name, "original"))
            if private is None:
                keep_given(block, block.head().height)
                certify_head(block, block.head(), identity.log)
            else:
                _fill_all(block, private)
            replay(block, identity, erased)
    return seen


def check(path: Path, identity: Identity, founding: Founding | None = None) -> None:
    """Whether a backup or snapshot may be restored from, before anything is given up for it.

    Errors   as `restore`.
    """
    with _open(path) as tar:
        _checked(tar, identity, founding)
        for _ in _blobs(tar):
            pass


def _checked(
    tar: tarfile.TarFile, identity: Identity, founding: Founding | None
) -> tuple[list[bytes], Any]:
    """The entries, and what is private, or None in a snapshot."""
    manifest = _manifest(tar)
    whole = manifest["format"] == FORMAT
    if not whole and founding is None:
        raise _no("not_a_backup")
    if whole:
        head = _head(manifest, identity, alone=founding is None)
        size, root = head.size, head.root
    else:
        size, root = _said(manifest)
    if founding is not None:
        _certified(manifest, root, founding)
    if manifest.get("blobs") != sum(name.startswith("blob/") for name in tar.getnames()):
        raise _no("altered", part="blobs")
    leaves = list(_entries(tar, size))
    if Frontier().extend(leaf_hash(leaf) for leaf in leaves).root() != root:
        raise _no("altered", part="entries")
    if whole and founding is not None:  # the entries are the members' own: what keys they name, too
        whose = signer_of(leaves, manifest["checkpoint"])
        if whose is None:
            raise _no("altered", part="checkpoint")
        if whose != identity.member:
            raise _no("other_member", whose=whose, member=identity.member)
    return leaves, _opened(tar, identity, leaves) if whole else None


def _said(manifest: Mapping[str, Any]) -> tuple[int, bytes]:
    """Size and root of a snapshot: the members' certificate and the entries bear them out."""
    size, root = manifest.get("size"), manifest.get("root")
    if type(size) is not int or size < 1 or not isinstance(root, str):
        raise _no("altered", part=MANIFEST)
    try:
        return size, bytes.fromhex(root)
    except ValueError:
        raise _no("altered", part=MANIFEST) from None


def _blobs(tar: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for part in (name for name in tar.getnames() if name.startswith("blob/")):
        data, name = _part(tar, part), part.removeprefix("blob/")
        if digest(data) != name:
            raise _no("altered", part=part)
        yield name, data


def _fill_all(block: PostgresWriting, private: Any) -> None:
    """What is private, but nothing of blocks that were not certified when it was written down."""
    last = block.head().height
    block.execute("delete from own.block")
    late = [row[0] for row in private["own.block"] if row[0] > last and row[2]]
    rows = [row for row in private["own.block"] if not late or row[0] < min(late)]
    given = {**private, "own.block": rows, "shared.place": []}  # places were made anew
    for table, columns in TABLES.items():
        _fill(block.execute, table, columns, given[table])
    if late:
        block.execute(FORGET_OPENED)


def _certified(manifest: Mapping[str, Any], root: bytes, founding: Founding) -> None:
    """The root is that of a certificate which the members that the genesis file names have signed.

    Errors   Refused backup.not_certified, ledger.*.
    """
    if manifest.get("certificate") is None:
        raise _no("not_certified")
    shown = from_json(manifest["certificate"])
    if check_certificate(shown, founding.chain, founders(founding.file)).root != root:
        raise _no("altered", part="root")


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


def _head(manifest: Mapping[str, Any], identity: Identity, *, alone: bool) -> Checkpoint:
    """The head that a backup was written at: where one member orders, signed by our key; in a
    consortium by one that our seat had then, which the entries say once they are read.
    """
    try:
        head = checkpoint.parse(manifest["checkpoint"])
    except Refused:
        raise _no("altered", part="checkpoint") from None
    if alone:
        try:
            vkey = checkpoint.verifier_key(head.origin, identity.log)
            return checkpoint.verify(manifest["checkpoint"], vkey)
        except Refused:
            raise _no("other_keys", origin=head.origin) from None
    return head


def _entries(tar: tarfile.TarFile, size: int) -> Iterator[bytes]:
    for first in range(0, size, WIDTH):
        tile = Tile(None, first // WIDTH, min(WIDTH, size - first))
        try:
            yield from decode_bundle(_part(tar, tile.path))
        except Refused:
            raise _no("altered", part=tile.path) from None


def _opened(tar: tarfile.TarFile, identity: Identity, leaves: list[bytes]) -> Any:
    """What is private, by our box key or an earlier one.

    Errors   Refused backup.box_lost naming the key that is needed and is not here, backup.altered.
    """
    wrapped, sealed = _part(tar, WRAP), _part(tar, PRIVATE)
    try:
        key, _ = unwrap_any(wrapped, (identity.box, *identity.boxes))
        private = read_canonical(unseal(sealed, key))
    except (RecordDamaged, Refused):
        if lost := _lost_boxes(leaves, identity):
            facts = {"member": identity.member, "box": lost[-1][:16]}
            raise _no("box_lost", **facts) from None
        raise _no("altered", part=PRIVATE) from None
    if set(private) != set(TABLES):
        raise _no("altered", part=PRIVATE)
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


def _manifest(tar: tarfile.TarFile) -> dict[str, Any]:
    try:
        value = read_canonical(_part(tar, MANIFEST))
    except Refused:
        raise _no("altered", part=MANIFEST) from None
    if not isinstance(value, dict) or value.get("format") not in (FORMAT, SNAPSHOT):
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
