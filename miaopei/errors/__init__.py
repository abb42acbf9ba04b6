"""Refusals and alarms.

A refusal is a value: an expected no, with a code and the facts that explain it. Batch work collects
refusals and goes on. An alarm is an exception: the impossible has been seen, the work stops and no
money moves. Texts in zh and en live beside this file, one table a room (`texts/<room>.toml`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Fact = str | int | bool | None
LARGEST = 2**53 - 1  # what canonical bytes can hold: any reader of JSON knows it exactly


@dataclass(frozen=True)
class Refusal:
    """An expected no. `code` is `room.name`; `facts` name the thing, the value, the limit."""

    code: str
    facts: Mapping[str, Fact] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """The form that is written to the record: integers, strings, flags and null only."""
        return {"code": self.code, "facts": {k: _writable(v) for k, v in self.facts.items()}}


def _writable(fact: Fact) -> Fact:
    """A number beyond what the record can hold is said in digits, not refused once more."""
    return str(fact)[:40] if type(fact) is int and abs(fact) > LARGEST else fact


class Refused(Exception):
    """Carries one or more refusals up to whoever can show them."""

    def __init__(self, *refusals: Refusal) -> None:
        self.refusals = refusals
        super().__init__("; ".join(f"{r.code} {dict(r.facts)}" for r in refusals))

    def __reduce__(self) -> tuple[type[Refused], tuple[Refusal, ...]]:
        return type(self), self.refusals  # so it comes out of a worker process as it was


class Alarm(Exception):
    """The impossible was seen. Never caught below `node`; the work stops, no money moves."""

    code = "alarm"

    def __init__(self, what: str, **facts: Fact) -> None:
        self.what, self.facts = what, facts
        super().__init__(f"{what} {facts}" if facts else what)


class DebtAlarm(Alarm):
    """Something is wrong with one debt: nothing more of it is sent before a person has looked. What
    else is owed has nothing to do with it and goes on being paid.
    """

    code = "alarm.debt"


class ReadingsDisagree(Alarm):
    """The columnar and the exact reading gave different amounts for one policy."""

    code = "alarm.readings_disagree"


class AccountsUnbalanced(Alarm):
    """An entry whose debits and credits differ."""

    code = "alarm.accounts_unbalanced"


class RecordDamaged(Alarm):
    """Bytes of the record are not what their digest says."""

    code = "alarm.record_damaged"


class SealedUnfit(RecordDamaged):
    """Bytes are those that the record names, and do not open or hold what was said of them.

    Where one member orders they are its own, and the work stops. Where several do, another has
    sealed them so: it is named, and what does not hang on them goes on.
    """


class OutsideFault(Exception):
    """Something outside the house failed; `retry` says whether trying again is safe.

    `said` tells a person more than `what`, where there is something to be done about it.
    """

    def __init__(self, what: str, *, retry: bool, said: Refusal | None = None) -> None:
        self.retry, self.said = retry, said
        super().__init__(what)
