"""Columns that only the database has, held against the bytes they repeat: a part of the audit.

A column is a copy made for speed; the canonical bytes beside it and the log are the truth. What is
private and stands nowhere else (persons, timestamps) answers by a digest of its own, if at all.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any, LiteralString

from ..acts.blobs import COMMITMENTS, COMMITTED, ORIGINAL
from ..acts.seats import seated
from ..acts.state import State
from ..claims.leaves import PAGE, Claims, hashes_of, leaf_bytes, page_hashes, unpacked
from ..errors import Fact, RecordDamaged, Refusal, Refused
from ..ledger import checkpoint
from ..ledger.merkle import Frontier, leaf_hash, root_of
from ..measures.identity import canonical, read_canonical
from ..node.effects.standby import PREPARED
from ..node.proof.given import Given, given
from ..node.proof.logkeys import LogKeys
from ..node.proof.named.references import media_within
from ..node.vault.persons import Sealed, damaged, link_guard
from ..policies.row import stored_row
from .postgres.own.guard import unguarded, wrap_guard
from .postgres.reading import PostgresReading

MEDIA = (*COMMITTED, COMMITMENTS, ORIGINAL)
BROKEN = (KeyError, TypeError, ValueError, AttributeError, Refused)


def compare(reading: PostgresReading, vkey: str) -> Iterator[Refusal]:
    """Every column that does not say what its content says."""
    blocks: dict[int, tuple[int, int]] = {}
    whole = given(reading)
    yield from _log(reading, vkey, blocks, whole)
    yield from _blocks(reading, blocks, whole)
    yield from _blobs(reading)
    yield from _rows(reading)
    yield from _claims(reading)
    yield from _instructions(reading)
    yield from _wraps(reading)
    yield from _persons(reading)
    yield from _bodies(reading, "own.use", "select number::text, body from own.use")
    yield from _bodies(reading, "own.progress", "select name, body from own.progress")


def _log(
    reading: PostgresReading, vkey: str, blocks: dict[int, tuple[int, int]], whole: Given
) -> Iterator[Refusal]:
    """The leaves' places, checkpoints and head; `blocks` gets height -> (time, leaves).

    No checkpoints are looked for in what was given whole, nor of what several order and have not
    certified yet.
    """
    certified = checkpoint.parse(reading.checkpoint()).size if seated(State(reading)) else 1 << 62
    kept: dict[int, str] = dict(reading.execute("select size, text from own.checkpoint"))
    rows = reading.execute("select position, bytes, hash from shared.leaf order by position")
    signers = LogKeys.of((row[1] for row in rows), vkey)
    odd = {row[0] for row in rows} ^ set(range(len(rows)))
    yield from (_column("shared.leaf", "position", str(position)) for position in sorted(odd))
    hashes, frontier = _true_hashes(reading, [row[2] for row in rows], rows), Frontier()
    for (_, leaf, _), hash in zip(rows, hashes, strict=True):
        frontier = frontier.append(hash)
        try:
            value = json.loads(leaf)
            if frontier.size == 1:
                blocks[0] = (value["value"]["time"], 1)
            if value["leaf"] == "block":
                blocks[value["height"]] = (value["time"], value["leaves"])
                if frontier.size not in kept and whole.size < frontier.size <= certified:
                    yield _checkpoint(frontier.size, "missing")
        except BROKEN:
            continue  # the audit of the log names the leaf
        if frontier.size in kept:
            text = kept.pop(frontier.size)
            yield from _signed(text, signers.of_text(text), frontier)
    for left in kept:
        yield _checkpoint(left, "of no size of this log")
    yield from _head(reading, frontier, blocks)


def _true_hashes(
    reading: PostgresReading, stored: Sequence[bytes], rows: Sequence[Sequence[Any]]
) -> Sequence[bytes]:
    """The stored hashes of the leaves where they lead to the head, else those of their bytes."""
    told = reading.execute("select root from shared.head")
    return stored if told == [(root_of(stored),)] else [leaf_hash(row[1]) for row in rows]


def _head(
    reading: PostgresReading, frontier: Frontier, blocks: Mapping[int, tuple[int, int]]
) -> Iterator[Refusal]:
    """Each column of the head against the leaves."""
    last = max(blocks, default=0)
    true = {
        "size": frontier.size,
        "root": frontier.root(),
        "height": last,
        "time": blocks.get(last, (0, 0))[0],
        "frontier": b"".join(frontier.hashes),
    }
    for row in reading.execute("select size, root, height, time, frontier from shared.head"):
        yield from _same("shared.head", "it", dict(zip(true, row, strict=True)), true)


def _signed(text: str, vkey: str, frontier: Frontier) -> Iterator[Refusal]:
    try:
        head = checkpoint.verify(text, vkey)
    except Refused as refused:
        yield _checkpoint(frontier.size, refused.refusals[0].code)
        return
    if (head.size, head.root) != (frontier.size, frontier.root()):
        yield _checkpoint(frontier.size, "another root")


def _blocks(
    reading: PostgresReading, blocks: Mapping[int, tuple[int, int]], whole: Given
) -> Iterator[Refusal]:
    """Heights without a gap, times that never go back, and those of the log where it has them.

    Of what was given whole only blocks with leaves are here.
    """
    before, last = -1, 0
    for height, time, leaves in reading.execute(
        "select height, time, leaves from own.block order by height"
    ):
        if height != before + 1 and not (before < whole.height and height <= whole.height + 1):
            yield _column("own.block", "height", str(height))
        if time < last or time != blocks.get(height, (time, 0))[0]:
            yield _column("own.block", "time", str(height))
        if leaves != blocks.get(height, (0, 0))[1]:
            yield _column("own.block", "leaves", str(height))
        before, last = height, max(time, last)


def _blobs(reading: PostgresReading) -> Iterator[Refusal]:
    """Lengths, and media: any that an act has named the blob by, for who names another's blob as
    something else alters nothing here.
    """
    media: dict[str, set[str]] = {}
    for (body,) in reading.execute("select bytes from shared.leaf order by position"):
        if b'"blob"' not in body:
            continue
        try:
            value = json.loads(body)
        except ValueError:
            continue
        for name, kind in media_within(value):
            media.setdefault(name, {ORIGINAL}).add(kind)
    query = "select digest, length, octet_length(bytes), media from shared.blob"
    for name, length, real, kind in reading.execute(query):
        if length != real:
            yield _column("shared.blob", "length", name.hex())
        if kind not in media.get(name.hex(), MEDIA):
            yield _column("shared.blob", "media", name.hex())


def _rows(reading: PostgresReading) -> Iterator[Refusal]:
    query = 'select book, position, policy, recorded_at, body, subject from "group".row'
    for book, position, policy, recorded_at, body, subject in reading.execute(query):
        key = f"{book}/{position}"
        value = yield from _canonical('"group".row', key, body)
        if value is not None:
            told = {"book": book, "policy": policy, "subject": subject}
            gone = {"book": book, "subject": None} if "erased" in value else {}
            yield from _same('"group".row', key, told, {**value, **gone})
            if not _is_row(book, value, body):
                yield _column('"group".row', "body", key)
            if recorded_at != 0:  # when a row came in force is the record's to say
                yield _column('"group".row', "recorded_at", key)
    yield from _runs(reading)


def _runs(reading: PostgresReading) -> Iterator[Refusal]:
    """Heads of complete runs of rows: numbered from 0 without a gap, and those of their rows."""
    before = ("", -1)
    for book, run, head in reading.execute('select book, run, hash from "group".run order by 1, 2'):
        key = f"{book}/{run}"
        if run != (before[1] + 1 if book == before[0] else 0):
            yield _column('"group".run', "run", key)
        before = (book, run)
        rows = reading.rows_between(book, run * PAGE, (run + 1) * PAGE) if 0 <= run < 2**31 else ()
        if root_of([leaf_hash(r.row.commitment()) for r in rows]) != head:
            yield _column('"group".run', "hash", key)


def _is_row(book: str, value: Any, body: bytes) -> bool:
    """Whether it reads as a row that is written in these very bytes."""
    try:
        return canonical(stored_row(book, value).as_json()) == body
    except BROKEN:
        return False


def _claims(reading: PostgresReading) -> Iterator[Refusal]:
    """What a page says of its claims; the claims themselves are held against the blob elsewhere."""
    query: LiteralString = (
        'select trigger, page, book, benefit, low, high, hash, body from "group".claims'
        " order by trigger, page"
    )
    before = ("", -1)
    for trigger, page, book, benefit, low, high, head, body in reading.execute(query):
        key = f"{trigger}/{page}"
        if page != (before[1] + 1 if trigger == before[0] else 0):
            yield _column('"group".claims', "page", key)
        before = (trigger, page)
        found = reading.get("trigger", trigger)
        try:
            claims = unpacked(body)
        except ValueError:
            yield _column('"group".claims', "body", key)
            continue
        if page_hashes(hashes_of(leaf_bytes(claims, trigger))) != [head]:
            yield _column('"group".claims', "hash", key)
        first = claims["first"]
        edges = {"low": int(first.min()), "high": int(first.max())}
        yield from _same('"group".claims', key, {"low": low, "high": high}, edges)
        if not _begin_at(reading, book, claims):
            yield _column('"group".claims', "body", key)
        if found is not None:
            about = {"book": book, "benefit": benefit}
            yield from _same('"group".claims', key, about, json.loads(found))


def _begin_at(reading: PostgresReading, book: str, claims: Claims) -> bool:
    """Whether each claim's `first`, which no leaf covers, is where the book's rows of its policy
    begin. A policy of which no row is here says nothing: that it lacks is told by the rows.
    """
    names = [bytes(name).hex() for name in claims["policy"]]
    query = (
        'select policy, min(position) from "group".row where book = %s and policy = any(%s)'
        " group by policy"
    )
    begin: dict[str, int] = dict(reading.execute(query, book, names))
    firsts = claims["first"].tolist()
    return all(begin.get(name, first) == first for name, first in zip(names, firsts, strict=True))


def _debts(reading: PostgresReading) -> Generator[Refusal, None, dict[str, list[str]]]:
    """Tells what is wrong with what the orders of a debt share; the carriers of each debt."""
    carriers: dict[str, list[str]] = {}
    for debt, body in reading.execute("select debt, about from own.debt"):
        try:
            carriers[debt] = list(json.loads(unguarded(debt, body))["carriers"])
        except (*BROKEN, RecordDamaged):
            yield _column("own.debt", "about", debt)
    return carriers


def _instructions(reading: PostgresReading) -> Iterator[Refusal]:
    carriers = yield from _debts(reading)
    query = (
        "select payout, number, debt, state, amount, bank_ref, body, policy, share"
        " from own.instruction"
    )
    for payout, number, debt, state, amount, ref, body, policy, share in reading.execute(query):
        key = f"{payout}-{number}"
        if reading.get("payment", debt) is None:
            yield _column("own.instruction", "debt", key)
        if body is None:  # all of it is columns, which `inspect` compares with the debt
            if (number, ref) != (1, None) or policy is None:
                yield _column("own.instruction", "number or bank_ref", key)
            continue
        try:
            value = dict(json.loads(body))  # its fields are compared with the debt by `inspect`
        except (ValueError, TypeError):
            yield _column("own.instruction", "body", key)
            continue
        told = {"payout": payout, "number": number, "state": state}
        yield from _same("own.instruction", key, told, value)
        renamed = {"amount": value.get("amount_fen"), "bank_ref": value.get("ref")}
        yield from _same("own.instruction", key, {"amount": amount, "bank_ref": ref}, renamed)
        if policy is not None:  # its order was columns once, and they still say the same
            yield from _same("own.instruction", key, {"policy": policy}, value)
            if value.get("payer") != dict(enumerate(carriers.get(debt, ()))).get(share):
                yield _column("own.instruction", "share", key)


def _wraps(reading: PostgresReading) -> Iterator[Refusal]:
    """Wrapped keys, other readers' too, by the digests that were made as they were stored."""
    query: LiteralString = "select digest, reader, wrapped, guard from own.wrap"
    for digest, reader, wrapped, guard in reading.execute(query):
        if guard != wrap_guard(digest.hex(), reader, wrapped):
            yield _column("own.wrap", "guard", f"{digest.hex()}/{reader}")


def _persons(reading: PostgresReading) -> Iterator[Refusal]:
    """Persons and links to them, by the guards of their rows; nothing is opened for it."""
    query: LiteralString = "select person, master, wrapped, body, guard from own.person"
    rows = reading.execute(query)
    for name in damaged((Sealed(*row[:4]) for row in rows), (row[4] for row in rows)):
        yield _column("own.person", "guard", name)
    known = {row[0] for row in rows}
    for subject, person, guard in reading.execute("select subject, person, guard from own.payee"):
        if guard != link_guard(subject, person) or person not in known:
            yield _column("own.payee", "guard", subject)


def _bodies(reading: PostgresReading, table: str, query: Any) -> Iterator[Refusal]:
    """Private bodies, by the digests that they carry; older ones have none and must be JSON."""
    for key, body in reading.execute(query):
        try:
            if unguarded(key, body) == body and body != PREPARED:
                read_canonical(body)
        except (Refused, RecordDamaged):
            yield _column(table, "body", key)


def _canonical(table: str, key: str, body: bytes) -> Generator[Refusal, None, Any]:
    """A generator that gives the value of a body, or tells that it is none."""
    try:
        return read_canonical(body)
    except Refused:
        yield _column(table, "body", key)
        return None


def _same(
    table: str, key: str, told: Mapping[str, Any], value: Mapping[str, Any]
) -> Iterable[Refusal]:
    return [
        _column(table, column, key) for column, kept in told.items() if value.get(column) != kept
    ]


def _column(table: str, column: str, key: str) -> Refusal:
    facts: dict[str, Fact] = {"table": table, "column": column, "key": key}
    return Refusal("inspect.column_altered", facts)


def _checkpoint(size: int, why: str) -> Refusal:
    return Refusal("inspect.checkpoint_altered", {"size": size, "why": why})
