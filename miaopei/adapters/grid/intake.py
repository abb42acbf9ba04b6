"""Taking a message: its number looked at, its parts sealed and written down, then recorded.

What is sent to the record is first written down with all that goes with it, so that a kill anywhere
sends the same act again and nothing is taken twice. Source: docs/specs/outage.md, section 5.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ...acts.apply import ActResult
from ...acts.envelope import from_json
from ...acts.facts import event_key
from ...acts.state import State
from ...errors import Refusal
from ...evidence.observation import TOLERANCE
from ...measures.identity import canonical, content_id, digest, read_canonical
from ...node.effects.notices import Notice, enqueue
from ...node.gateway import Row, acts_of
from ...node.node import Node
from ...node.ports import Writing
from ...node.vault.blobs import seal_blob
from . import cim, plain
from .connections import Names
from .facts import Rows, kind_of, mark_of, observe, persons_of
from .line import Line, Stand
from .message import LARGEST, TROUBLE, Back, Message, Plan, Said, no, refusals_of

ORIGINAL = "original"


@dataclass(frozen=True)
class Taken:
    """What became of one message."""

    source: str
    sequence: int
    known: bool  # the very message had come before
    recorded: int
    unchanged: int  # parts that had come before
    notices: int
    refusals: tuple[Refusal, ...]
    missing: tuple[int, ...]  # numbers of this source that have not come

    def as_json(self) -> dict[str, Any]:
        """The answer to who has sent it."""
        return {
            "source": self.source,
            "sequence": self.sequence,
            "known": self.known,
            "recorded": self.recorded,
            "unchanged": self.unchanged,
            "notices": self.notices,
            "refused": [refusal.as_json() for refusal in self.refusals],
            "missing": list(self.missing[:100]),
        }


def is_message(data: bytes) -> bool:
    """Whether a file is a grid message, by its content."""
    start = data[:4096]
    return cim.ENVELOPE.encode() in start or plain.FORMAT.encode() in start


def read(data: bytes) -> Message:
    """A message in either form. Errors   Refused grid.*."""
    if len(data) > LARGEST:
        raise no("too_large", length=len(data), limit=LARGEST)
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return cim.read(data) if start == b"<" else plain.read(data)


class Intake:
    """Takes messages of grid systems into one member's record."""

    def __init__(self, node: Node, names: Names) -> None:
        self.node, self._names = node, names

    def take(self, data: bytes, received_at: int, *, sender: str | None = None) -> Taken:
        """One message; `sender` is the source whose key has signed it, where one has.

        Errors   Refused grid.* where nothing of it is taken; parts are refused in the answer.
        """
        message = read(data)
        if sender not in (None, message.source):
            raise no("other_source", source=message.source, sender=str(sender)[:60])
        if message.sent_at > received_at + TOLERANCE:
            raise no("in_future", sent_at=message.sent_at, received_at=received_at, limit=TOLERANCE)
        self.resume(message.source)
        with self.node.store.writing() as block:
            taken = self._write_down(block, message, data, received_at)
        refused = self.resume(message.source)
        recorded = taken.recorded - len(refused)
        return Taken(**{**vars(taken), "recorded": recorded,
                        "refusals": (*taken.refusals, *refused)})  # fmt: skip

    def resume(self, source: str) -> tuple[Refusal, ...]:
        """Send what was written down and perhaps not sent; what the record said against it."""
        with self.node.store.reading() as reading:
            kept = reading.progress(f"grid/pending/{source}")
        if kept is None:
            return ()
        pending = read_canonical(kept)
        results = self.node.submit([from_json(act) for act in pending["acts"]])
        refused, gone = _refused(results, pending["marks"])
        with self.node.store.writing() as block:
            for name in gone:  # so that the part can come again
                block.put_progress(name, None)
            block.put_progress(f"grid/pending/{source}", None)
        return refused

    def report(
        self, source: str, said: Back, rows: Rows, originals: Sequence[bytes], media: str, now: int
    ) -> tuple[Refusal, ...]:
        """Record a report that was made here from signed readings; what the record said against it.

        `rows` are its list by token, `originals` the signed bytes it rests on. The same revision
        with the same content again changes nothing.
        """
        self.resume(source)
        with self.node.store.writing() as block:
            entry = State(block).get("source", source)
            if entry is None:
                raise no("unknown_source", source=source)
            mark = mark_of(said, rows)
            if self._said(block, source, said, mark):
                return ()
            observation = observe(block, self.node, entry, said, rows, now)
            commitments = [bytes.fromhex(digest(each)) for each in originals]
            blob = str(seal_blob(block, self.node, originals, commitments, ORIGINAL)["blob"])
            row = Row(observation, block.blob(blob) or b"", media, blob, "readings", persons=True)
            name = _said_name(source, said)
            block.put_progress(name, mark.encode())
            self._pend(block, source, [row], [name], now)
        return self.resume(source)

    def line(self, source: str) -> Line:
        """How a source's numbers stand."""
        with self.node.store.reading() as reading:
            return Line.of(reading, source)

    def lost(self, source: str, numbers: Iterable[int]) -> Line:
        """Note that the source does not have these numbers: they will not come."""
        with self.node.store.writing() as block:
            line = Line.of(block, source).without(numbers)
            line.keep(block)
        return line

    def _write_down(self, block: Writing, message: Message, data: bytes, now: int) -> Taken:
        source = State(block).get("source", message.source)
        if source is None:
            raise no("unknown_source", source=message.source)
        line = Line.of(block, message.source)
        stand = line.stand(message.sequence)
        came, whole = f"grid/came/{message.source}/{message.sequence}", digest(data)
        if stand is Stand.KNOWN:  # what was refused before may be taken now
            if (block.progress(came) or b"").decode() != whole:
                raise no("sequence_reused", source=message.source, sequence=message.sequence)
        else:
            line = line.after(message.sequence)
            line.keep(block)
            block.put_progress(came, whole.encode())
        rows: list[Row] = []
        marks: list[str] = []
        refusals = [_at(bad.place, r) for bad in message.unread for r in bad.refusals]
        unchanged = notices = 0
        original: str | None = None
        for place, said in enumerate(message.said):
            try:
                people, listed = persons_of(block, said, self._names)
                mark = mark_of(said, listed)
                if self._said(block, message.source, said, mark):
                    unchanged += 1
                    continue
                observation = observe(block, self.node, source, said, listed, now)
            except TROUBLE as error:
                refusals += [_at(place, r) for r in refusals_of(error)]
                continue
            original = original or self._sealed(block, message, data)
            sealed = block.blob(original) or b""
            part = f"part {place}"
            rows.append(Row(observation, sealed, message.media, original, part, persons=True))
            marks.append(_said_name(message.source, said))
            block.put_progress(marks[-1], mark.encode())
            if isinstance(said, Plan):
                told = [tokens[-1] for tokens in people]
                notices += enqueue(block, Notice.of(observation), told)
        self._pend(block, message.source, rows, marks, now)
        return Taken(
            source=message.source,
            sequence=message.sequence,
            known=stand is Stand.KNOWN,
            recorded=len(rows),
            unchanged=unchanged,
            notices=notices,
            refusals=tuple(refusals),
            missing=line.missing,
        )

    def _said(self, block: Writing, source: str, said: Said, mark: str) -> bool:
        """Whether this revision is on file with the same content.

        Errors   Refused grid.revision_differs where it is with another.
        """
        kept = block.progress(_said_name(source, said))
        if kept is not None and kept.decode() != mark:
            raise no("revision_differs", outage=said.number, revision=said.revision)
        return kept is not None

    def _sealed(self, block: Writing, message: Message, data: bytes) -> str:
        """The message itself, sealed for ourselves: it names persons."""
        commitments = [bytes.fromhex(content_id("original", message.sequence))]
        return str(seal_blob(block, self.node, [data], commitments, ORIGINAL)["blob"])

    def _pend(
        self, block: Writing, source: str, rows: Sequence[Row], marks: Sequence[str], now: int
    ) -> None:
        """Write down the acts, and beside each the marks of the facts that it carries."""
        if not rows:
            return
        acts = acts_of(self.node, rows, now)
        left = list(marks)
        beside = []
        for act in acts:
            count = len(act.body["facts"])
            beside.append(left[:count])
            left = left[count:]
        value = {"acts": [act.as_json() for act in acts], "marks": beside}
        block.put_progress(f"grid/pending/{source}", canonical(value))


def _at(place: int, refusal: Refusal) -> Refusal:
    return Refusal(refusal.code, {**refusal.facts, "part": place})


def _said_name(source: str, said: Said) -> str:
    return f"grid/said/{source}/{kind_of(said)}/{event_key(said.number)}/{said.revision}"


def _refused(
    results: Sequence[ActResult], marks: Sequence[Sequence[str]]
) -> tuple[tuple[Refusal, ...], list[str]]:
    """What was refused, and the marks of the facts that were."""
    refused: list[Refusal] = []
    gone: list[str] = []
    for result, names in zip(results, marks, strict=True):
        if result.refusals:
            refused += result.refusals
            gone += names
            continue
        refused += result.notes
        places = (note.facts.get("index") for note in result.notes)
        gone += [names[place] for place in places if type(place) is int]
    return tuple(refused), gone
