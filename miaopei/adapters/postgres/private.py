"""What a member writes beside the record: blobs and their keys, opened rows, claims, payments.

All of it goes straight into the transaction that is open; `writing` says when that is committed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, LiteralString

from psycopg import Connection, errors

from ...errors import Alarm
from ...measures.identity import canonical, digest
from ...policies.book import Recorded
from .connection import Row, faults
from .reading import PostgresReading, guarded


class PrivateWriting(PostgresReading):
    """The part of `node.ports.Writing` that is not the log; `began` says if anything was sent."""

    def __init__(self, connection: Connection[Row]) -> None:
        super().__init__(connection)
        self.began = False

    # shared: blobs, and the keys beside them -----------------------------------------------------
    def put_blob(self, data: bytes, media: str) -> str:
        """Store bytes under the hex of their SHA-256; the same bytes again change nothing."""
        name = digest(data)
        self._run(
            "insert into shared.blob values (%b, %b, %b, %b) on conflict (digest) do nothing",
            bytes.fromhex(name),
            data,
            len(data),
            media,
        )
        return name

    def put_wrap(self, name: str, reader: str, wrapped: bytes) -> None:
        """Keep a blob's data key, wrapped for one reader."""
        self._run(
            "insert into own.wrap values (%b, %b, %b)"
            " on conflict (digest, reader) do update set wrapped = excluded.wrapped",
            bytes.fromhex(name),
            reader,
            wrapped,
        )

    # group ---------------------------------------------------------------------------------------
    def put_rows(self, rows: Iterable[Recorded]) -> None:
        """Keep opened rows of books; the same places again are written over."""
        values = [
            (r.row.book, r.position, r.recorded_at, r.row.policy, canonical(r.row.as_json()))
            for r in rows
        ]
        books, positions, *_ = columns(values, 5)
        self._run(
            'delete from "group".row r using unnest(%b::text[], %b::bigint[]) as n(book, position)'
            " where r.book = n.book and r.position = n.position",
            books,
            positions,
        )
        self._copy(
            'copy "group".row from stdin (format binary)', "text int8 int8 text bytea", values
        )

    def put_claims(self, trigger: str, book: str, benefit: str, claims: Iterable[Any]) -> None:
        """Keep the claims of a trigger in their order, in place of any that were there."""
        self._run('delete from "group".claim where trigger = %b', trigger)
        values = (
            (trigger, number, book, claim.policy, benefit, canonical(claim.as_json()))
            for number, claim in enumerate(claims)
        )
        self._copy(
            'copy "group".claim from stdin (format binary)',
            "text int8 text text text bytea",
            values,
        )

    # own -----------------------------------------------------------------------------------------
    def put_payee(self, subject: str, value: dict[str, Any]) -> None:
        """Keep whom to pay and where."""
        self._run(
            "insert into own.payee values (%b, %b)"
            " on conflict (subject) do update set body = excluded.body",
            subject,
            guarded(subject, canonical(value)),
        )

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
            raise Alarm("an instruction is there already", debt=debt) from twice

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

    def _run(self, query: LiteralString, *values: object) -> int:
        """Run one statement; how many rows it touched."""
        self._begin()
        with faults():
            return self._cursor.execute(query, values).rowcount

    def _begin(self) -> None:
        if not self.began:
            self.began = True
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
    return (*named, json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode())
