"""What a member writes beside the record: blobs and their keys, opened rows, claims, payments.

All of it goes straight into the transaction that is open; `writing` says when that is committed.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any, LiteralString

import numpy as np
from psycopg import Connection, errors

from ...claims.confirm import Spread, alone
from ...claims.leaves import Claims, pages
from ...claims.orders import About, Orders
from ...errors import Alarm, DebtAlarm
from ...measures.identity import canonical, digest
from ...node.vault.persons import PersonVault
from ...policies.book import Recorded
from ...policies.row import row_bytes
from .connection import Row, faults
from .own.guard import guarded, wrap_guard
from .own.persons import AT_ONCE, PersonsWriting, copied
from .reading import PostgresReading, from_environment
from .schema import FORGET_NOTES

COPY_ORDERS = (
    "copy own.instruction (payout, number, debt, state, amount, policy, share)"
    " from stdin (format binary)"
)
COPY_PERSONS = "copy own.person (person, master, wrapped, body, guard) from stdin (format binary)"
COPY_BLOB = "copy shared.blob (digest, bytes, length, media) from stdin (format binary)"
ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
IN_A_STATEMENT = 1 << 20  # bytes of a blob that is sent as a parameter
COPY_HEAD, COPY_END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"


class PrivateWriting(PersonsWriting, PostgresReading):
    """The part of `node.ports.Writing` that is not the log; `began` says if anything was sent."""

    _turn = False  # whether the transaction was begun to wait for its turn

    def __init__(
        self,
        connection: Connection[Row],
        vault: PersonVault | Callable[[], PersonVault] = from_environment,
    ) -> None:
        super().__init__(connection, vault)
        self.began = False

    # shared: blobs, and the keys beside them -----------------------------------------------------
    def put_blob(self, data: bytes, media: str) -> str:
        """Store bytes under the hex of their SHA-256; the same bytes again change nothing.

        Large ones are copied in: a parameter of many megabytes is moved again at each send.
        """
        name = digest(data)
        key = bytes.fromhex(name)
        if len(data) <= IN_A_STATEMENT:
            self._run(
                "insert into shared.blob values (%b, %b, %b, %b) on conflict (digest) do nothing",
                *(key, data, len(data), media),
            )
        elif self._one("select from shared.blob where digest = %b", key) is None:
            self._begin()
            with faults(), self._cursor.copy(COPY_BLOB) as copy:
                for piece in (COPY_HEAD, *_blob_row(key, data, media), COPY_END):
                    copy.write(piece)
        return name

    def put_wrap(self, name: str, reader: str, wrapped: bytes) -> None:
        """Keep a blob's data key, wrapped for one reader."""
        self._run(
            "insert into own.wrap (digest, reader, wrapped, guard) values (%b, %b, %b, %b)"
            " on conflict (digest, reader) do update"
            " set wrapped = excluded.wrapped, guard = excluded.guard",
            bytes.fromhex(name),
            reader,
            wrapped,
            wrap_guard(name, reader, wrapped),
        )

    # group ---------------------------------------------------------------------------------------
    def put_rows(self, rows: Iterable[Recorded], bodies: Sequence[bytes] | None = None) -> None:
        """Keep opened rows of books; the same places again are written over.

        `bodies` are the canonical bytes of the rows, where they are at hand.
        """
        rows = list(rows)
        written = [row_bytes(r.row) for r in rows] if bodies is None else bodies
        values = [
            (r.row.book, r.position, r.recorded_at, r.row.policy, body, r.row.subject)
            for r, body in zip(rows, written, strict=True)
        ]
        books, positions, *_ = columns(values, 6)
        last = 'select max(position) from "group".row where book = any(%b::text[])'
        there = self._one(last, list(set(books)))
        if values and there and there[0] is not None and there[0] >= min(positions):
            self._run(
                'delete from "group".row r using unnest(%b::text[], %b::bigint[]) as'
                " n(book, position) where r.book = n.book and r.position = n.position",
                books,
                positions,
            )
        self._copy(
            'copy "group".row (book, position, recorded_at, policy, body, subject)'
            " from stdin (format binary)",
            "text int8 int8 text bytea text",
            values,
        )

    def put_runs(self, book: str, first: int, hashes: Sequence[bytes]) -> None:
        """Keep the heads of runs of rows from the run `first` on, in place of any from there on."""
        self._run('delete from "group".run where book = %b and run >= %b', book, first)
        values = ((book, first + at, hash) for at, hash in enumerate(hashes))
        self._copy('copy "group".run from stdin (format binary)', "text int4 bytea", values)

    def put_claims(
        self,
        trigger: str,
        book: str,
        benefit: str,
        claims: Claims,
        hashes: Sequence[bytes],
        first: int = 0,
    ) -> None:
        """Keep claims of a trigger in their order, in place of any from the page `first` on."""
        self._run('delete from "group".claims where trigger = %b and page >= %b', trigger, first)
        values = (
            (
                *(trigger, first + at, book, benefit),
                *(int(part["first"].min()), int(part["first"].max()), hashes[at], part.tobytes()),
            )
            for at, part in enumerate(pages(claims))
        )
        self._copy(
            'copy "group".claims from stdin (format binary)',
            "text int4 text text int8 int8 bytea bytea",
            values,
        )

    # own -----------------------------------------------------------------------------------------
    def put_payees(
        self, payees: Iterable[tuple[str, Mapping[str, str]]], spread: Spread = alone
    ) -> None:
        """Keep whom to pay and where, for many that are not there yet, each sealed for itself.

        `spread` seals on every core where other processes can read the master key themselves.
        """
        each = iter(payees)
        parts = iter(lambda: list(islice(each, AT_ONCE)), [])
        spread = spread if self.vault.master.shared else alone
        self._begin()
        with faults(), self._cursor.copy(COPY_PERSONS) as copy:
            copy.write(COPY_HEAD)
            for rows in spread(copied, ((self.vault, part) for part in parts)):
                copy.write(rows)
            copy.write(COPY_END)

    def put_orders(self, debt: str, about: About, orders: Orders) -> None:
        """Write new orders down by their columns, in one copy.

        Errors   Alarm when one of these payouts is there already.
        """
        self._run(
            "insert into own.debt values (%b, %b) on conflict (debt) do nothing",
            *(debt, guarded(debt, canonical(asdict(about)))),
        )
        self._begin()
        try:
            with faults(), self._cursor.copy(COPY_ORDERS) as copy:
                copy.write(b"".join([COPY_HEAD, copy_orders(debt, orders), COPY_END]))
        except errors.UniqueViolation as twice:
            raise DebtAlarm("an instruction is there already", debt=debt) from twice

    def put_instructions(self, debt: str, rows: Iterable[dict[str, Any]]) -> None:
        """Write new payment instructions down.

        Errors   Alarm when one of these payouts and numbers is there already.
        """
        values = [(debt, *_instruction(row)) for row in rows]
        try:
            self._copy(
                "copy own.instruction (debt, payout, number, state, amount, bank_ref, body)"
                " from stdin (format binary)",
                "text text int4 text int8 text bytea",
                values,
            )
        except errors.UniqueViolation as twice:
            raise DebtAlarm("an instruction is there already", debt=debt) from twice

    def mark_sent(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write down that instructions go out; one that stands as its columns say goes on so.

        Errors   as `mark_instructions`.
        """
        self._begin()
        plain = self._all(
            "update own.instruction i set state = 'sent', changed_at = now()"
            " from unnest(%b::text[], %b::int[]) as n(payout, number)"
            " where i.payout = n.payout and i.number = n.number and i.body is null"
            " returning i.payout, i.number",
            *columns(((row["payout"], row["number"]) for row in rows), 2),
        )
        if len(plain) < len(rows):
            done = set(plain)
            rest = (row for row in rows if (row["payout"], row["number"]) not in done)
            self.mark_instructions({**row, "state": "sent"} for row in rest)

    def mark_instructions(self, changes: Iterable[dict[str, Any]]) -> None:
        """Write changed instructions in place of what stood there, by payout and number.

        Errors   Alarm when one of them is not there.
        """
        values = [_instruction(row) for row in changes]
        done = self._run(
            "update own.instruction i set state = n.state, amount = n.amount,"
            " bank_ref = n.bank_ref, body = n.body, changed_at = now()"
            " from unnest(%b::text[], %b::int[], %b::text[], %b::bigint[], %b::text[], %b::bytea[])"
            " as n(payout, number, state, amount, bank_ref, body)"
            " where i.payout = n.payout and i.number = n.number",
            *columns(values, 6),
        )
        if done != len(values):
            raise Alarm("an instruction to change is not there", asked=len(values), found=done)

    def put_progress(self, name: str, value: bytes | None) -> None:
        """Write down where to go on from after a stop; None forgets it."""
        if value is None:
            self._run("delete from own.progress where name = %b", name)
            return
        self._run(
            "insert into own.progress values (%b, %b)"
            " on conflict (name) do update set body = excluded.body",
            name,
            guarded(name, value),
        )

    def forget_progress(self, names: Sequence[str]) -> None:
        """Forget the notes of these names; one that ends with a stroke is all that begin so."""
        self._run(FORGET_NOTES, list(names))

    def _run(self, query: LiteralString, *values: object) -> int:
        """Run one statement; how many rows it touched."""
        self._begin()
        with faults():
            return self._cursor.execute(query, values).rowcount

    def _begin(self) -> None:
        if not self.began:
            self.began = True
            if self._turn:
                return
            with faults():
                self._cursor.execute("begin")

    def _copy(self, query: LiteralString, types: str, rows: Iterable[tuple[Any, ...]]) -> None:
        self._begin()
        with faults(), self._cursor.copy(query) as copy:
            copy.set_types(types.split())
            for row in rows:
                copy.write_row(row)


def columns(rows: Iterable[tuple[Any, ...]], count: int) -> list[list[Any]]:
    """Rows turned into `count` columns, also where there is no row."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(count)]


def _instruction(row: dict[str, Any]) -> tuple[str, int, str, int, str | None, bytes]:
    named = (row["payout"], row["number"], str(row["state"]), row["amount_fen"], row.get("ref"))
    return (*named, ENCODER.encode(row).encode())


def _blob_row(name: bytes, data: bytes, media: str) -> Iterable[bytes]:
    """A blob as a row of a binary copy; its bytes stand alone, so that they are not copied."""
    said = media.encode()
    yield struct.pack(">hi32si", 4, len(name), name, len(data))
    yield data
    yield struct.pack(">iqi", 8, len(data), len(said)) + said


def copy_orders(debt: str, orders: Orders) -> bytes:
    """Orders as rows of a binary copy: each the number of its fields, each field after its length.

    All fields have one length, so the rows are one array. Source: PostgreSQL, COPY, binary format.
    """
    fields = (
        ("payout", "S64", 64), ("number", ">i4", 4), ("debt", f"S{len(debt.encode())}", -1),
        ("state", "S3", 3), ("amount", ">i8", 8), ("policy", "S32", 32), ("share", ">i4", 4),
    )  # fmt: skip
    kinds: list[tuple[str, str]] = [("fields", ">i2")]
    for name, kind, _ in fields:
        kinds += [(f"{name} length", ">i4"), (name, kind)]
    rows = np.zeros(len(orders), np.dtype(kinds))
    rows["fields"] = len(fields)
    for name, _, length in fields:
        rows[f"{name} length"] = length if length > 0 else len(debt.encode())
    for name in ("payout", "policy"):
        rows[name] = np.frombuffer(orders[name].tobytes().hex().encode(), rows.dtype[name])
    rows["number"], rows["debt"], rows["state"] = 1, debt.encode(), b"new"
    rows["amount"], rows["share"] = orders["amount_fen"], orders["share"]
    return rows.tobytes()
