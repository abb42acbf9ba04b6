"""How the bank is told to misbehave: rules that are kept in its store and used up call by call.

A rule is spent, and that is on disk, before it acts: a bank told to die once dies once.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

OPERATIONS = ("pay", "ask", "close", "statement", "credits", "any")
# What may be asked for -> the options it knows.
KINDS: Mapping[str, frozenset[str]] = {
    "time_out": frozenset({"when", "seconds"}),
    "pay_late": frozenset({"seconds"}),
    "refuse": frozenset({"code"}),
    "different_amount": frozenset({"by_fen"}),
    "deny": frozenset({"code"}),
    "slow": frozenset({"seconds"}),
    "answer_twice": frozenset({"how"}),
    "die": frozenset({"when"}),
}
WHERE = frozenset({"operation", "id", "calls"})


class BadRule(ValueError):
    """A rule that says nothing the bank can do."""


@dataclass(frozen=True)
class Rule:
    """One misbehaviour: for an id or for any call, for so many calls or always (None)."""

    number: int
    what: str
    operation: str
    instruction: str | None
    calls: int | None
    options: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The form of the control endpoint."""
        return {
            "number": self.number,
            "what": self.what,
            "operation": self.operation,
            "id": self.instruction,
            "calls": self.calls,
            **self.options,
        }


@dataclass
class Plan:
    """What one call does wrong. `only` maps an id to the rules that touch its own outcome."""

    die: str | None = None
    silent: str | None = None
    hold_seconds: float | None = None
    slow_seconds: float = 0
    twice: str | None = None
    only: dict[str, list[Rule]] = field(default_factory=dict)

    def rule(self, what: str, instruction: str) -> Rule | None:
        """The rule of this kind that touches this instruction."""
        return next((r for r in self.only.get(instruction, ()) if r.what == what), None)


def read_rule(value: object) -> tuple[str, str, str | None, int | None, dict[str, Any]]:
    """Check a rule as it came: (what, operation, id, calls, options).

    Errors   BadRule says what is wrong.
    """
    if not isinstance(value, dict) or value.get("what") not in KINDS:
        raise BadRule(f"`what` is one of {', '.join(KINDS)}")
    what = value["what"]
    if extra := set(value) - {"what"} - WHERE - KINDS[what]:
        raise BadRule(f"{what} does not know {min(extra)!r}")
    operation, key, calls = value.get("operation", "pay"), value.get("id"), value.get("calls")
    if operation not in OPERATIONS:
        raise BadRule(f"`operation` is one of {', '.join(OPERATIONS)}")
    if key is not None and type(key) is not str:
        raise BadRule("`id` is an instruction id")
    if calls is not None and (type(calls) is not int or calls < 1):
        raise BadRule("`calls` is an integer of at least 1; leave it out for always")
    options = {name: value[name] for name in KINDS[what] if value.get(name) is not None}
    _check_options(what, options)
    return what, operation, key, calls, options


def _check_options(what: str, options: dict[str, Any]) -> None:
    if options.get("when", "after") not in ("before", "after"):
        raise BadRule("`when` is before or after")
    if options.get("how", "wire") not in ("wire", "list"):
        raise BadRule("`how` is wire or list")
    seconds = options.get("seconds", 0)
    if type(seconds) not in (int, float) or not 0 <= seconds <= 1e9:
        raise BadRule("`seconds` is a number from 0")
    if type(options.get("by_fen", 1)) is not int or options.get("by_fen") == 0:
        raise BadRule("`by_fen` is an integer other than 0")
    if type(options.get("code", "x")) is not str:
        raise BadRule("`code` is the reason to give")
    if what == "slow" and "seconds" not in options:
        raise BadRule("slow needs `seconds`")


class Script:
    """The rules on file. Every method is called under the bank's lock."""

    def __init__(self, store: sqlite3.Connection) -> None:
        self._store = store
        self._rules = self._read()

    def rules(self) -> list[dict[str, Any]]:
        """The rules that are left."""
        return [rule.as_json() for rule in self._rules]

    def add(self, values: Sequence[object]) -> None:
        """Put rules on file, all or none. Errors   BadRule."""
        rows = [read_rule(value) for value in values]
        self._store.execute("BEGIN IMMEDIATE")
        self._store.executemany(
            "INSERT INTO script (what, operation, instruction, calls, options) "
            "VALUES (?, ?, ?, ?, ?)",
            [(*row[:4], json.dumps(row[4])) for row in rows],
        )
        self._store.execute("COMMIT")
        self._rules = self._read()

    def clear(self) -> None:
        """Behave from now on."""
        self._store.execute("DELETE FROM script")
        self._rules = []

    def take(self, operation: str, ids: Sequence[str]) -> Plan:
        """What this call does wrong, with the rules that it uses up taken from the file."""
        plan = Plan()
        if not self._rules:
            return plan
        named, used = set(ids), []
        for rule in self._rules:
            if rule.operation not in (operation, "any"):
                continue
            if rule.instruction is not None and rule.instruction not in named:
                continue
            used.append(rule)
            _enter(plan, rule, ids)
        self._spend([rule for rule in used if rule.calls is not None])
        return plan

    def _spend(self, rules: Sequence[Rule]) -> None:
        if not rules:
            return
        spent = [(rule.number,) for rule in rules]
        self._store.execute("BEGIN IMMEDIATE")
        self._store.executemany("UPDATE script SET calls = calls - 1 WHERE number = ?", spent)
        self._store.execute("DELETE FROM script WHERE calls = 0")
        self._store.execute("COMMIT")
        self._rules = self._read()

    def _read(self) -> list[Rule]:
        rows = self._store.execute("SELECT * FROM script ORDER BY number")
        return [
            Rule(number, what, operation, key, calls, json.loads(options))
            for number, what, operation, key, calls, options in rows
        ]


def _enter(plan: Plan, rule: Rule, ids: Sequence[str]) -> None:
    match rule.what:
        case "die":
            plan.die = rule.options.get("when", "after")
        case "time_out":
            plan.silent = rule.options.get("when", "after")
            plan.hold_seconds = rule.options.get("seconds")
        case "slow":
            plan.slow_seconds += rule.options["seconds"]
        case "answer_twice":
            plan.twice = rule.options.get("how", "wire")
        case _:
            for key in ids if rule.instruction is None else [rule.instruction]:
                plan.only.setdefault(key, []).append(rule)
