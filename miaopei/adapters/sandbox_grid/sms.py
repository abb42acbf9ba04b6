"""A gateway of notices in a sandbox: SMS, WeChat template messages and voice calls, none of them
real. Finds phone or WeChat account by subject token, accepts, delivers or fails.

Who has which is told by control, as the operator of a gateway would know it.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from .rules import Rules

_PHONE = "select 1 from phone where token = ?"
KNOWN = {"sms": _PHONE, "voice": _PHONE, "wechat": "select 1 from wechat where token = ?"}


class SmsGateway:
    """One gateway. Methods are called under the sandbox's lock."""

    def __init__(self, store: sqlite3.Connection, rules: Rules) -> None:
        self._store, self._rules = store, rules
        store.execute("create table if not exists phone (token text primary key, phone text)")
        store.execute("create table if not exists wechat (token text primary key, account text)")
        store.execute("create table if not exists via (id text primary key, channel text)")
        store.execute(
            "create table if not exists text (id text primary key, token text not null,"
            " body text not null, becomes text not null, times integer not null default 1)"
        )

    def about(self) -> dict[str, Any]:
        """How much there is."""
        count = self._store.execute("select count(*), coalesce(sum(times), 0) from text").fetchone()
        phones = self._store.execute("select count(*) from phone").fetchone()
        via = dict(self._store.execute("select channel, count(*) from via group by channel"))
        said = {"texts": count[0], "sendings": count[1], "phones": phones[0]}
        return {"gateway": "sms", **said, "channels": dict.fromkeys(KNOWN, 0) | via}

    def phones(self, rows: list[list[str]]) -> dict[str, Any]:
        """Control: who has which phone: [token, phone]."""
        with self._store:
            self._store.executemany("insert or replace into phone values (?, ?)", rows)
        return {"phones": len(rows)}

    def wechat(self, rows: list[list[str]]) -> dict[str, Any]:
        """Control: who has which WeChat account: [token, account]."""
        with self._store:
            self._store.executemany("insert or replace into wechat values (?, ?)", rows)
        return {"accounts": len(rows)}

    def send(self, texts: list[dict[str, Any]]) -> dict[str, Any]:
        """Take texts: accepted, or refused where nobody is known; the same id again is quiet."""
        said = []
        with self._store:
            for text in texts:
                channel = text.get("channel", "sms")
                known = self._store.execute(KNOWN[channel], (text["to"],)).fetchone()
                if known is None:
                    said.append({"id": text["id"], "state": "refused"})
                    continue
                had = self._store.execute(
                    "update text set times = times + 1 where id = ?", (text["id"],)
                ).rowcount
                if not had:
                    self._store.execute(
                        "insert into text (id, token, body, becomes) values (?, ?, ?, ?)",
                        (text["id"], text["to"], text["zh"], self._becomes()),
                    )
                    self._store.execute("insert into via values (?, ?)", (text["id"], channel))
                said.append({"id": text["id"], "state": "accepted"})
        return {"texts": said}

    def ask(self, ids: list[str]) -> dict[str, Any]:
        """What has become of texts."""
        rows = dict(
            self._store.execute(
                f"select id, becomes from text where id in ({','.join('?' * len(ids))})", ids
            )
        )
        return {"texts": [{"id": i, "state": rows.get(i, "unknown")} for i in ids]}

    def all(self) -> list[list[Any]]:
        """Control: every text: [token, body, state, how often it was sent]."""
        rows = self._store.execute("select token, body, becomes, times from text order by rowid")
        return [list(row) for row in rows]

    def _becomes(self) -> str:
        if self._rules.take("deaf") is not None:
            return "accepted"
        return "failed" if self._rules.take("fail") is not None else "delivered"
