"""What is asked for, what is known when it is answered, and the reasons that an answer gives.

Nothing here is personal: who applies is a mark, and what was looked up about a person is a word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ..errors import Refusal


class Verdict(StrEnum):
    """An underwriting answer; of several reasons the gravest decides."""

    ACCEPTED = "accepted"
    REFERRED = "referred"  # a person answers
    REFUSED = "refused"


class Connection(StrEnum):
    """What the utility's connections say of the feeder that an applicant names."""

    SAME = "same"
    DIFFERS = "differs"
    UNKNOWN = "unknown"  # no such customer in them
    NOT_ASKED = "not_asked"  # this member has no connections


@dataclass(frozen=True)
class Span:
    """Cover that stands or has been accepted: [since, until) in UTC seconds, and its amount."""

    since: int
    until: int
    fen: int = 0

    def meets(self, since: int, until: int) -> bool:
        """Whether the two overlap."""
        return max(self.since, since) < min(self.until, until)


@dataclass(frozen=True)
class Asked:
    """An application as it stands in its act. Half-open [since, until), UTC seconds.

    `holder` marks the subject (None: the policy is about no person), `facts` are answers to the
    offer's questions, `declared` the integers that the terms read.
    """

    since: int
    until: int
    facts: Mapping[str, str]
    declared: Mapping[str, int]
    holder: str | None = None
    feeder: str | None = None


@dataclass(frozen=True)
class Known:
    """What record and look-ups say at the moment of the answer.

    `covered`: cover of the same holder under this listing; `nearby`: other cover on the same
    feeder; `sanctions`: what of the applicant stands on the list (`id`, `name`); `silent`: sources
    that say nothing at present; `announced`: how many outages are announced that name the customer
    and begin within the cover; `beside`: other listings under which the customer is covered.
    """

    now: int
    covered: Sequence[Span] = ()
    nearby: Sequence[Span] = ()
    sanctions: Sequence[str] = ()
    silent: Sequence[str] = ()
    connection: Connection = Connection.NOT_ASKED
    announced: int = 0
    beside: Sequence[str] = ()


@dataclass(frozen=True)
class Reason:
    """Why an application is not simply accepted: a coded reason and what it comes to."""

    refusal: Refusal
    verdict: Verdict

    def as_json(self) -> dict[str, Any]:
        """The form that stands in the record."""
        return {**self.refusal.as_json(), "verdict": str(self.verdict)}


@dataclass(frozen=True)
class Step:
    """One step of a premium: what was applied, and what it came to after it, in fen."""

    name: str
    fen: int
    ppm: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The form that stands in the record."""
        return {"name": self.name, "ppm": self.ppm, "fen": self.fen}


@dataclass(frozen=True)
class Answer:
    """The verdict, every reason, and the premium where one can be named."""

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    premium_fen: int = 0
    steps: tuple[Step, ...] = field(default=())
