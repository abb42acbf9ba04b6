"""Erasure: what a holder still has of a person is destroyed, and the record stays as it is.

The act names the person; here go their key, the keys of their rows, and what was opened with them.
What the act says of others binds nobody: each member looks at its own rows, at what is open and
owed by them, and at how long the law has it keep them. What is bound is kept until then, and it
says why. A list beside the member's keys outlives backups, so that a restored member forgets them
before it serves. Source: docs/specs/persons.md, section 5.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from ...acts.blobs import ROWS
from ...acts.envelope import Act, from_json
from ...acts.erase import ENDED
from ...acts.seats import seated
from ...acts.state import State
from ...errors import Fact, Refusal, Refused, SealedUnfit
from ...measures.identity import canonical, read_canonical
from ...measures.instant import HOUR, utc_text
from ...policies.book import Recorded
from ...policies.retention import kept_until
from ...policies.row import erased_row, row_from_json
from ..mass.schedules import SCHEDULE
from ..node import Node
from ..ports import Identity, Reading, Writing
from ..selling.keeping import forget_number, forget_subject
from .blobs import mark_gone, opens, rows_that_open
from .rowkeys import GONE, READER, destroyed

FINAL = ("paid", "closed", "replaced")  # instructions after which nothing more is sent


class Books(Protocol):
    """Who holds columns of books that must be made again: `node.mass.schedules.Schedules`."""

    def forget(self, block: Writing, state: State, book: str) -> None: ...


class List(Protocol):
    """Erasures as kept beside the member's keys, in no backup: subject -> the act that says so."""

    def add(self, subject: str, act: Mapping[str, Any]) -> None: ...
    def entries(self) -> Mapping[str, Mapping[str, Any]]: ...


class Eraser:
    """Carries out on this member what acts of erasure ask."""

    def __init__(self, node: Node, books: Books | None = None, kept: List | None = None) -> None:
        self.node, self._books, self._kept = node, books, kept

    def run(self) -> int:
        """Destroy what is due and nothing binds us to keep; how many persons were erased.

        An erasure that the record does not hold any more (it was restored) is said again first.
        """
        with self.node.reading() as (reading, state):
            due = [
                (subject, said["act"])
                for subject, said in state.range("erased", "")
                if reading.progress(f"erased/{subject}") is None
                and _look_at(reading, subject) <= reading.head().time
            ]
            again = [] if self._kept is None else list(_lost(state, self._kept.entries()))
        if again:
            self.node.submit(again)
        return sum(self._erase(subject, act) for subject, act in due)

    def _erase(self, subject: str, act: str) -> bool:
        with self.node.store.writing() as block:
            state = State(block)
            if (held := _held_back(block, state, subject, self.node.identity)) is not None:
                block.put_progress(_kept(subject), canonical(held))
                return False
            if self._kept is not None:
                place = block.place(act)
                leaf = None if place is None else json.loads(block.leaf(place))
                self._kept.add(subject, {} if leaf is None else leaf["act"])
            for book in destroy(block, state, subject, self.node.identity):
                if self._books is not None:
                    self._books.forget(block, state, book)
            block.put_progress(f"erased/{subject}", b"1")
            block.put_progress(_kept(subject), None)
        return True


def pending(reading: Reading, state: State) -> Iterator[Refusal]:
    """Who stands erased on the record and is kept here as yet: until when, and why."""
    for subject, _ in state.range("erased", ""):
        if (kept := reading.progress(_kept(subject))) is not None:
            said = read_canonical(kept)
            yield Refusal(said["code"], said["facts"])


def replay(block: Writing, identity: Identity, kept: Iterable[str]) -> list[str]:
    """Erase anew what a backup brought back: all that the list says, and of the record's what
    nothing binds us to keep; who they are.
    """
    state = State(block)
    said = {subject for subject, _ in state.range("erased", "")} - set(kept := set(kept))
    free = {one for one in said if _held_back(block, state, one, identity) is None}
    subjects = sorted(kept | free)
    for subject in subjects:
        for book in destroy(block, state, subject, identity):
            block.put_progress(f"{SCHEDULE}{book}", None)
        block.put_progress(f"erased/{subject}", b"1")
    return subjects


def destroy(block: Writing, state: State, subject: str, identity: Identity) -> set[str]:
    """Destroy the keys of a person and of their rows, and what was opened; the books it touched."""
    books, names = set[str](), {subject}
    for _, batch in list(state.range("batch", "")):
        name = batch["rows"]["blob"]
        slots = block.wrapped(name, READER)
        if slots is None or batch["rows"]["media"] != ROWS:
            continue
        indexes, opened = _rows_of(block, batch, subject, identity)
        for index in indexes:
            slots = destroyed(slots, index)
        if indexes:
            block.put_wrap(name, READER, slots)
            mark_gone(block, name, indexes)
            books.add(batch["book"])
            names |= _strike(block, opened)
    for name in list(names):
        linked = block.payee_of(name)
        names |= set() if linked is None else {linked}
    for name in list(names):  # what they asked to buy named them as well
        names |= set(forget_subject(block, name))
        for paid in block.subjects_of(name):
            forget_number(block, paid.removeprefix("policy/"))
    for name in names:
        forget_number(block, name.removeprefix("policy/"))
        block.erase_person(name)
    return {book for book in books if state.need("book", book)["size"]}


def bound(reading: Reading, state: State, subject: str, identity: Identity) -> int:
    """Until when our own rows bind us to keep a person; what is open still is refused.

    Errors   Refused persons.claim_open with the case and its date.
    """
    rows = _kept_rows(reading, state, subject, identity)
    policies = {recorded.row.policy for recorded in rows}
    for key, case in state.range("case", ""):
        book = state.need("listing", case["listing"])["listing"]["book"]
        spans = [r.row for r in rows if r.row.book == book]
        instant = case["instant"]
        if case["state"] not in ENDED and any(
            instant is None or row.since <= instant < row.until for row in spans
        ):
            raise _open_claim(subject, key, case["state"], case["until"])
        held = _held(reading, case, policies) if spans else None
        if held is not None:
            raise _open_claim(subject, key, "held", None)
    for debt, payment in state.range("payment", ""):
        if payment["executed_fen"] < payment["due_fen"] and _unpaid(
            reading, state, debt, payment["kind"], policies, subject
        ):
            raise _open_claim(subject, debt[:16], "unpaid", None)
    return kept_until(recorded.row for recorded in rows)


def _held_back(
    reading: Reading, state: State, subject: str, identity: Identity
) -> dict[str, Any] | None:
    """What binds us to keep a person still, and when to look again; None where nothing does."""
    now = reading.head().time
    try:
        until = bound(reading, state, subject, identity)
    except Refused as refused:
        (first, *_) = refused.refusals
        return {"code": first.code, "facts": dict(first.facts), "look": now + HOUR}
    ground, said = "own_rows", state.get("retained", f"{subject}/{identity.member}")
    if said is not None and said["until"] > until:
        until, ground = said["until"], said["ground"]
    if until <= now:
        return None
    facts = {"person": subject, "until": utc_text(until), "who": identity.member}
    # What was said may be taken back at any time; rows do not change.
    look = until if ground == "own_rows" else min(until, now + HOUR)
    return {"code": "persons.retained", "facts": {**facts, "ground": ground}, "look": look}


def _look_at(reading: Reading, subject: str) -> int:
    """When what was kept is looked at again; at once where nothing was."""
    kept = reading.progress(_kept(subject))
    return 0 if kept is None else int(read_canonical(kept)["look"])


def _kept(subject: str) -> str:
    return f"erasure/{subject}"


def _kept_rows(reading: Reading, state: State, subject: str, identity: Identity) -> list[Recorded]:
    """Rows about a person or their policies, also those that we may open and have not yet."""
    names = [subject, *reading.subjects_of(subject)]
    policies = [name.removeprefix("policy/") for name in names if name.startswith("policy/")]
    found = [
        recorded
        for book, entry in state.range("book", "")
        for recorded in reading.rows_of(book, entry["size"], policies, [subject])
    ]
    marks = [f'"{name}"'.encode() for name in (subject, *policies)]
    for _, batch in state.range("batch", ""):
        name, first = batch["rows"]["blob"], batch["first"]
        opened = first is not None and reading.rows_between(batch["book"], first, first + 1)
        if opened or batch["rows"]["media"] != ROWS or not opens(reading, name, identity):
            continue
        rows = (row for row in _bytes_of(reading, name, identity) if any(m in row for m in marks))
        found += [
            Recorded(at, 0, row_from_json(read_canonical(row)))
            for at, row in enumerate(rows)
            if not row.startswith(GONE)
        ]
    return found


def _held(reading: Reading, case: Mapping[str, Any], policies: set[str]) -> str | None:
    if not case["settlement"] or not case["trigger"]:
        return None
    found = (c for c in reading.claims(case["trigger"]) if c["policy"] in policies)
    return next((str(c["policy"]) for c in found if c["state"] == "held"), None)


def _unpaid(
    reading: Reading, state: State, debt: str, kind: str, policies: set[str], subject: str
) -> bool:
    """Whether a debt owes a person something that no final answer of the bank has ended."""
    orders = [
        row
        for row in reading.instructions(debt)
        if row.get("policy") in policies or subject in row.values()
    ]
    if any(row["state"] not in FINAL for row in orders):
        return True
    if kind != "settlement":
        return False
    trigger = state.need("settlement", debt)["settlement"]["trigger"]
    owed = {c["policy"] for c in reading.claims(trigger) if c["pay_fen"]} & policies
    return bool(owed - {row["policy"] for row in orders})


def _rows_of(
    block: Writing, batch: Mapping[str, Any], subject: str, identity: Identity
) -> tuple[list[int], Sequence[Recorded]]:
    """The places, within a batch, of its rows about a person, and those rows where it is opened."""
    first, count = batch["first"], batch["rows"]["count"]
    if first is not None and block.rows_between(batch["book"], first, first + 1):
        found = block.rows_of(batch["book"], first + count, [], [subject])
        opened = [r for r in found if r.position >= first]
        return [r.position - first for r in opened], opened
    name = batch["rows"]["blob"]
    if not opens(block, name, identity):
        return [], ()
    token = f'"subject":"{subject}"'.encode()  # not opened here yet
    rows = _bytes_of(block, name, identity)
    return [at for at, row in enumerate(rows) if token in row], ()


def _bytes_of(reading: Reading, name: str, identity: Identity) -> Sequence[bytes]:
    """The rows of a batch that is not opened here; none of what another sealed badly."""
    try:
        return rows_that_open(reading, name, identity)
    except SealedUnfit:
        if not seated(State(reading)):
            raise  # nobody else's bytes
        return ()


def _strike(block: Writing, opened: Sequence[Recorded]) -> set[str]:
    """Leave of opened rows what proves that they were; the names under which they were paid."""
    for found in opened:
        row = found.row
        left = erased_row(row.book, row.policy, row.commitment().hex())
        block.put_rows([Recorded(found.position, found.recorded_at, left)])
    return {f"policy/{found.row.policy}" for found in opened}


def _lost(state: State, entries: Mapping[str, Mapping[str, Any]]) -> Iterator[Act]:
    """Erasures that were carried out here and that the record does not hold."""
    for subject, act in sorted(entries.items()):
        if act and not state.has("erased", subject):
            yield from_json(act)


def _open_claim(subject: str, case: str, why: str, until: int | None) -> Refused:
    facts: dict[str, Fact] = {"person": subject, "case": case[:200], "state": why}
    return Refused(
        Refusal(
            "persons.claim_open", {**facts, "until": None if until is None else utc_text(until)}
        )
    )
