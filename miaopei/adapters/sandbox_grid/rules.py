"""How a sandbox is told to misbehave: rules on file, used up use by use, spent before they act."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

# What may be asked for -> the options it knows. `uses` (an integer; left out: always) with each.
KINDS: Mapping[str, frozenset[str]] = {
    # sources
    "lose": frozenset(),  # a message is numbered and kept, and not pushed
    "twice": frozenset(),  # a message is pushed twice
    "forge": frozenset(),  # a message is signed with another key
    "lie": frozenset({"minutes"}),  # times of restoration are moved
    "forget": frozenset(),  # a message is not there when it is asked for again
    "unsealed": frozenset(),  # a batch of a concentrator goes out in plain
    # SMS
    "fail": frozenset(),  # a text is accepted, and fails
    "deaf": frozenset(),  # a text is accepted, and nobody ever hears of it again
    # all
    "slow": frozenset({"seconds"}),
    "silent": frozenset(),  # the connection is closed without an answer
    "die": frozenset(),  # the process ends in the middle of it
}


class BadRule(ValueError):
    """A rule that says nothing the sandbox can do."""


class Rules:
    """The rules on file. Every method is called under the sandbox's lock."""

    def __init__(self, store: sqlite3.Connection) -> None:
        self._store = store
        store.execute(
            "create table if not exists rule"
            " (number integer primary key, what text not null, uses integer, options text not null)"
        )

    def add(self, value: object) -> None:
        """Put a rule on file. Errors   BadRule."""
        if not isinstance(value, dict) or value.get("what") not in KINDS:
            raise BadRule(f"`what` is one of {', '.join(KINDS)}")
        what, uses = value["what"], value.get("uses")
        if uses is not None and (type(uses) is not int or uses < 1):
            raise BadRule("`uses` is an integer of at least 1; leave it out for always")
        options = {name: given for name, given in value.items() if name not in ("what", "uses")}
        if set(options) != KINDS[what]:
            raise BadRule(f"{what} takes {', '.join(KINDS[what]) or 'nothing'}")
        if not all(type(given) in (int, float) for given in options.values()):
            raise BadRule("options are numbers")
        self._store.execute(
            "insert into rule (what, uses, options) values (?, ?, ?)",
            (what, uses, json.dumps(options)),
        )

    def clear(self) -> None:
        """Behave from now on."""
        self._store.execute("delete from rule")

    def take(self, what: str) -> dict[str, Any] | None:
        """The options of the first rule of a kind, one use of it spent; None where none is."""
        found = self._store.execute(
            "select number, uses, options from rule where what = ? order by number limit 1", (what,)
        ).fetchone()
        if found is None:
            return None
        number, uses, options = found
        if uses is not None:
            self._store.execute("update rule set uses = uses - 1 where number = ?", (number,))
            self._store.execute("delete from rule where uses = 0")
        taken: dict[str, Any] = json.loads(options)
        return taken

    def all(self) -> list[dict[str, Any]]:
        """The rules that are left."""
        rows = self._store.execute("select what, uses, options from rule order by number")
        return [{"what": w, "uses": u, **json.loads(options)} for w, u, options in rows]
