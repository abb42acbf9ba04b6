"""A source of trade data in a sandbox: logistics tracks, transaction flow, customs declarations.

Plays made-up rows that come with the package again. Whose token stands for which of its customers
is told by control, as the operator of such a platform would know it.
"""

from __future__ import annotations

import csv
import sqlite3
from importlib.resources import files
from typing import Any

from .rules import Rules

KINDS = ("logistics", "transactions", "customs")


class TradeData:
    """One platform. Methods are called under the sandbox's lock."""

    def __init__(self, store: sqlite3.Connection, rules: Rules) -> None:
        self._store, self._rules = store, rules
        store.execute("create table if not exists customer (token text primary key, name text)")
        store.execute("create table if not exists asked (kind text, token text)")

    def about(self) -> dict[str, Any]:
        """How much there is, and how often it was asked."""
        count = self._store.execute("select count(*) from asked").fetchone()[0]
        return {"source": "trade", "kinds": list(KINDS), "asked": count, "replay": True}

    def customers(self, rows: list[list[str]]) -> dict[str, Any]:
        """Control: which customer a token stands for: [token, name]."""
        with self._store:
            self._store.executemany("insert or replace into customer values (?, ?)", rows)
        return {"customers": len(rows)}

    def rows(self, kind: str, token: str, since: int, until: int) -> dict[str, Any]:
        """The rows of a customer in a time; where it lies, of all times, and with those as text."""
        self._store.execute("insert into asked values (?, ?)", (kind, token))
        found = self._store.execute("select name from customer where token = ?", (token,))
        name = (found.fetchone() or (None,))[0]
        mine = [row for row in _replayed(kind) if row.pop("customer") == name]
        if self._rules.take("lie") is not None:
            mine = [{**row, "at": str(row["at"])} for row in mine]
        else:
            mine = [row for row in mine if since <= row["at"] < until]
        return {"rows": mine, "replay": True}


def _replayed(kind: str) -> list[dict[str, Any]]:
    text = (files("miaopei") / "data" / "trade" / f"{kind}.csv").read_text("utf-8")
    return [
        {name: int(value) if name == "at" or name.endswith("_fen") else value
         for name, value in row.items()}
        for row in csv.DictReader(text.splitlines())
    ]  # fmt: skip
