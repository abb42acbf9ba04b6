"""Calling data of a person at a source outside: consent is asked first, and every call is a use.

The use stands on the record before the source is asked, also one that is refused; nothing of the
answer is kept here.
Source: docs/specs/persons.md, section 7; rows X-05, C-10.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ...acts.consents import allowed, check_subject
from ...acts.state import State
from ...errors import Refusal, Refused
from ..node import Node
from ..vault.uses import Logger, Use, note
from .kinds import kind_of


@dataclass(frozen=True)
class Asked:
    """Whose data of which kind, what for, by whom. Units   since, until: UTC seconds."""

    kind: str
    subject: str
    purpose: str
    role: str
    caller: str
    since: int
    until: int


class Source(Protocol):
    """Who holds such data. Silence raises OutsideFault(retry=True)."""

    def fetch(self, kind: str, subject: str, since: int, until: int) -> Sequence[Any]:
        """The rows as they came."""


@dataclass(frozen=True)
class Answer:
    """Rows that have their shape, and why others of the same answer do not."""

    rows: tuple[Mapping[str, Any], ...]
    refused: tuple[Refusal, ...]


def call(node: Node, source: Source, asked: Asked, now: int) -> Answer:
    """The data, where their person has consented that this member uses them for this.

    Units   now: UTC seconds, the caller's own time; the record's is taken where it is later.
    Errors   Refused permitted.*, consent.*; OutsideFault of the source.
    """
    kind = kind_of(asked.kind)
    check_subject(asked.subject)
    if not 0 <= asked.since < asked.until:
        raise Refused(Refusal("permitted.bad_span", {}))
    me = node.identity.member
    with node.store.writing() as block:
        at = max(block.head().time, now)
        no = allowed(State(block), asked.subject, asked.purpose, me, at, (kind.id,))
        what, fields = ("called", (kind.id,)) if no is None else ("refused", ())
        use = Use(at, asked.subject, asked.purpose, me, asked.role, asked.caller, what, fields)
        note(block, [use])
    Logger(node).run()
    if no is not None:
        raise Refused(no)
    rows = source.fetch(kind.id, asked.subject, asked.since, asked.until)
    good, refused = kind.read(rows, asked.since, asked.until)
    return Answer(tuple(good), tuple(refused))
