"""What a verification answers: named checks in a fixed order, what they mean together, what rests.

A check fails with a refusal; it never raises past `run`, whatever a stranger's file holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import Fact, Refusal, Refused
from ..receipt import Kind

Facts = dict[str, Fact]

# What reading a file from outside can raise where a part is not what it should be.
UNREADABLE = (
    LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError,
    AssertionError,
)  # fmt: skip

# The reasons of checks that lack what must come from outside, and what that is.
LACKS = {"verify.no_genesis_file": "genesis", "verify.own_word": "key"}


@dataclass(frozen=True)
class Check:
    """One named check: whether it held, what it saw, and if not, why."""

    name: str
    ok: bool
    facts: Mapping[str, Fact] = field(default_factory=dict)
    why: Refusal | None = None

    def as_json(self) -> dict[str, Any]:
        """{name, ok, facts, why}."""
        why = None if self.why is None else self.why.as_json()
        return {"name": self.name, "ok": self.ok, "facts": dict(self.facts), "why": why}


@dataclass(frozen=True)
class Verdict:
    """The whole answer.

    `labels` must be said first (replay, sandbox, one_operator); `rests` names what no arithmetic
    can show and rests on signatures; `about` are the facts of the event; `near` says for a refusal
    how far it was from a payout.
    """

    kind: Kind | None
    checks: tuple[Check, ...]
    labels: tuple[str, ...] = ()
    rests: tuple[str, ...] = ()
    about: Mapping[str, Fact] = field(default_factory=dict)
    near: tuple[Refusal, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether every check held."""
        return bool(self.checks) and all(check.ok for check in self.checks)

    @property
    def lacks(self) -> str | None:
        """What was not given from outside, "genesis" or "key", where nothing else has failed: of
        such a receipt nothing is wrong, but nothing is proven either."""
        whys = [None if c.why is None else c.why.code for c in self.checks if not c.ok]
        named = {LACKS.get(code or "") for code in whys}
        return named.pop() if len(named) == 1 else None

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that did not hold, in order."""
        return tuple(check.name for check in self.checks if not check.ok)

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "holds": self.holds,
            "receipt": None if self.kind is None else str(self.kind),
            "labels": list(self.labels),
            "about": dict(self.about),
            "failed": list(self.failed),
            "checks": [check.as_json() for check in self.checks],
            "rests": list(self.rests),
            "near": [near.as_json() for near in self.near],
        }


def fails(code: str, **facts: Fact) -> Refused:
    """The exception with which a check says no; `code` stands in errors/texts/verify.toml."""
    return Refused(Refusal(f"verify.{code}", facts))


def demand(holds: object, code: str, **facts: Fact) -> None:
    """Fail the check unless the condition holds."""
    if not holds:
        raise fails(code, **facts)


def run(name: str, check: Callable[[], Facts]) -> Check:
    """Run one check; anything the file does to it is a "does not hold"."""
    try:
        return Check(name, ok=True, facts=check())
    except Refused as refused:
        why = refused.refusals[0] if refused.refusals else _unreadable("")
    except UNREADABLE as error:
        why = _unreadable(f"{type(error).__name__} {error}"[:120])
    return Check(name, ok=False, facts=why.facts, why=why)


def unreached(name: str) -> Check:
    """A check that could not be made because an earlier one left nothing to look at."""
    return Check(name, ok=False, why=Refusal("verify.unreached"))


def _unreadable(why: str) -> Refusal:
    return Refusal("verify.unreadable", {"why": why})
