"""A source system in a sandbox: numbers what it is told to say, keeps it, pushes it, has it again.

The supply-service command system and the electricity-use acquisition system are this, each with a
name, a store and a key of its own.
"""

from __future__ import annotations

import http.client
import json
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .rules import Rules
from .speech import JSON, XML, as_cim, as_json, key_of, signed

PUSH_SECONDS = 60.0


class SourceSystem:
    """One source. Methods are called under the sandbox's lock."""

    def __init__(self, name: str, folder: Path, store: sqlite3.Connection, rules: Rules) -> None:
        self.name, self._store, self._rules = name, store, rules
        self.key = key_of(folder, name)
        store.execute(
            "create table if not exists message (number integer primary key, media text not null,"
            " body blob not null, pushed text)"
        )

    def about(self) -> dict[str, Any]:
        """Who speaks here, and how many messages there are."""
        (count,) = self._store.execute("select count(*) from message").fetchone()
        key = self.key.public_key().public_bytes_raw().hex()
        return {"source": self.name, "public_key": key, "messages": count}

    def say(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Write one message and push it: {form: json|cim, sent_at, said, push: address|null}.

        Answers with its number and what the other side said of each push.
        """
        (last,) = self._store.execute("select max(number) from message").fetchone()
        number = (last or 0) + 1
        head = {"source": self.name, "sequence": number, "sent_at": asked["sent_at"]}
        said = self._bent(asked["said"])
        form = asked.get("form", "json")
        body = as_cim(head, said) if form == "cim" else as_json(head, said)
        media = XML if form == "cim" else JSON
        with self._store:
            self._store.execute("insert into message values (?, ?, ?, null)", (number, media, body))
        if asked.get("push") is None or self._rules.take("lose") is not None:
            return {"number": number, "bytes": len(body), "answers": []}
        times = 2 if self._rules.take("twice") is not None else 1
        answers = [self._push(asked["push"], body, media) for _ in range(times)]
        with self._store:
            self._store.execute(
                "update message set pushed = ? where number = ?", (json.dumps(answers), number)
            )
        return {"number": number, "bytes": len(body), "answers": answers}

    def again(self, number: int) -> tuple[bytes, dict[str, str]] | None:
        """A message as it was, with headers that sign it as an answer; None: not here."""
        row = self._store.execute(
            "select media, body from message where number = ?", (number,)
        ).fetchone()
        if row is None or self._rules.take("forget") is not None:
            return None
        media, body = row
        return body, signed(self.key, {"@status": "200"}, body, media)

    def _push(self, address: str, body: bytes, media: str) -> dict[str, Any]:
        url = urlsplit(address)
        forged = self._rules.take("forge") is not None
        key = Ed25519PrivateKey.generate() if forged else self.key
        headers = signed(key, {"@method": "POST", "@target-uri": address}, body, media)
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=PUSH_SECONDS)
        try:
            connection.request("POST", url.path, body, headers)
            answer = connection.getresponse()
            return {"status": answer.status, "said": json.loads(answer.read())}
        except (OSError, http.client.HTTPException, ValueError) as error:
            return {"status": None, "said": type(error).__name__}
        finally:
            connection.close()

    def _bent(self, said: dict[str, Any]) -> dict[str, Any]:
        """What is said, with times of restoration moved where a rule says so."""
        rule = self._rules.take("lie") if said.get("restorations") else None
        if rule is None:
            return said

        def moved(text: str | None) -> str | None:
            by = timedelta(minutes=rule["minutes"])
            return None if text is None else (datetime.fromisoformat(text) + by).isoformat()

        backs = [
            {
                **back,
                "last_on": moved(back["last_on"]),
                "published_at": max(back["published_at"], moved(back["last_on"]) or ""),
                "customers": [
                    {**each, "on": moved(each["on"])} for each in back.get("customers") or []
                ],
            }
            for back in said["restorations"]
        ]
        return {**said, "restorations": backs}
