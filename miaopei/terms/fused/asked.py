"""What terms ask for, seen from outside: inputs, the test in front of them, their reach."""

from __future__ import annotations

from typing import NamedTuple

from .. import words as w

Key = tuple[str, str]  # table (observed, declared, spent) and name of an input


class Input(NamedTuple):
    """A number that the rule asks for, and the range outside which it is refused."""

    table: str
    name: str
    low: int
    high: int

    @property
    def key(self) -> Key:
        """Where its value stands."""
        return self.table, self.name


def key_of(node: w.Word) -> Key | None:
    """Where the value of an input stands; None for any other word."""
    match node:
        case w.Declared():
            return "declared", node.name
        case w.Observed():
            return "observed", node.name
        case w.Spent():
            return "spent", node.benefit
    return None


def guard(body: w.Word) -> w.Word | None:
    """The test without which nothing is owed and nothing else is asked for, if there is one."""
    while isinstance(body, w.Clause):
        body = body.body
    if not isinstance(body, w.Either):
        return None
    otherwise = body.otherwise
    while isinstance(otherwise, w.Clause):
        otherwise = otherwise.body
    return body.test if isinstance(otherwise, w.Fixed) and otherwise.value == 0 else None


def reach(body: w.Word) -> w.Near | None:
    """The circle outside which nothing is owed and nothing else is asked for, if there is one."""
    test = guard(body)
    while isinstance(test, w.Clause | w.Every):
        test = test.body if isinstance(test, w.Clause) else test.items[0]
    return test if isinstance(test, w.Near) else None
