"""Our record against its anchors, and the anchors against our record: who was altered, and where.

What decides is who has signed: an anchor counts by the transaction that carries it. One that holds
together and says another root than our leaves give means that our log is not what it was; one that
contradicts itself means that the other ledger is not. Every finding names its size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ...errors import Fact, Refusal
from ...ledger.merkle import Frontier, leaf_hash
from ...measures.instant import utc_text
from ..ports import Head, Reading
from .port import Anchored, AnchorHead, Noted, State

AT_ONCE = 10_000  # leaves
ALARMS = (
    *("anchor.log_altered", "anchor.log_shorter", "anchor.log_cut", "anchor.noted_otherwise"),
    *("anchor.anchor_altered", "anchor.miscounted", "anchor.missing", "anchor.other_root"),
    "anchor.ahead_of_all",
)
# An anchor of a size was made at an hour; a record that has come this much further in time and not
# to that size never was so long, with any member. It covers what two clocks may differ.
AHEAD_SECONDS = 3600
LACKS = ("anchor.rolled_back", "anchor.waits", "anchor.not_reached")  # mended by going on


@dataclass(frozen=True)
class Comparison:
    """Both sides as they stand: how many anchors agree, the largest of them, and what does not."""

    size: int  # of our record
    count: int
    agreed: int
    last: int  # the largest size that agrees
    findings: tuple[Refusal, ...] = ()
    waiting: int = 0

    @property
    def altered(self) -> bool:
        """Whether a side is not what it was."""
        return any(finding.code not in LACKS for finding in self.findings)


@dataclass
class Against:
    """Holds anchors against our log, in the order of their sizes.

    `ours` gives the root of our log at a size, None beyond its end. `last`: the largest size at
    which both agree so far, so that a finding can say after which leaf a log was altered.
    """

    size: int
    last: int = 0
    agreed: int = 0
    findings: list[Refusal] = field(default_factory=list)

    def hold(self, anchor: Anchored, ours: bytes | None) -> None:
        """One anchor more."""
        size, theirs = anchor.point.size, anchor.point.root
        facts: dict[str, Fact] = {"size": size, "entry": anchor.entry, "by": anchor.by}
        if anchor.faults:
            self._find("anchor_altered", why=", ".join(anchor.faults), **facts)
        elif ours is None:
            self._find("log_shorter", ours=self.size, **facts)
        elif ours != theirs:
            roots: dict[str, Fact] = {"theirs": theirs.hex(), "ours": ours.hex()}
            self._find("log_altered", after=self.last, **roots, **facts)
        else:
            self.last, self.agreed = max(self.last, size), self.agreed + 1

    def _find(self, code: str, /, **facts: Fact) -> None:
        self.findings.append(Refusal(f"anchor.{code}", facts))


def compare(
    reading: Reading,
    head: AnchorHead,
    anchors: Sequence[Anchored],
    noted: Sequence[Noted],
    *,
    catching_up: bool = False,
    time_at: Callable[[int], int] | None = None,
) -> Comparison:
    """The whole of both sides; our roots are computed anew from every leaf.

    `catching_up`: this member may be behind others that anchor; what it has not reached is then
    no fault, unless `time_at` (when a height of the other ledger was made) says that nobody has.
    """
    anchors = sorted(anchors, key=lambda anchor: anchor.point.size)
    sizes = {a.point.size for a in anchors} | {n.point.size for n in noted}
    size = reading.head().size
    roots = _roots(reading, sorted(at for at in sizes if at <= size))
    against = Against(size)
    ahead = []
    for anchor in anchors:
        if catching_up and not anchor.faults and anchor.point.size > size:
            ahead.append(anchor)
            continue
        against.hold(anchor, roots.get(anchor.point.size))
    against.findings += beyond(ahead, reading.head(), time_at)
    against.findings += _counted(head, anchors)
    against.findings += _from_notes(head, anchors, noted, roots, against.last)
    waiting = sum(note.state is State.WAITING for note in noted)
    found = tuple(against.findings)
    return Comparison(size, len(anchors), against.agreed, against.last, found, waiting)


def beyond(
    ahead: Sequence[Anchored], head: Head, time_at: Callable[[int], int] | None
) -> Iterator[Refusal]:
    """What is to be said of anchors larger than our log: that we are behind, or that all are."""
    plain: list[Anchored] = []
    for anchor in ahead:
        made = None if time_at is None else time_at(anchor.height)
        if made is None or head.time <= made + AHEAD_SECONDS:
            plain.append(anchor)
            continue
        facts: dict[str, Fact] = {"size": anchor.point.size, "ours": head.size, "by": anchor.by}
        yield Refusal(
            "anchor.ahead_of_all", {**facts, "made": utc_text(made), "entry": anchor.entry}
        )
    if plain:
        most = max(anchor.point.size for anchor in plain)
        yield Refusal("anchor.not_reached", {"size": most, "ours": head.size})


def _roots(reading: Reading, sizes: Sequence[int]) -> dict[int, bytes]:
    """The roots of our log at these sizes, from its leaves."""
    found, frontier, at = {}, Frontier(), 0
    for size in sizes:
        while at < size:
            end = min(size, at + AT_ONCE)
            frontier = frontier.extend(leaf_hash(leaf) for leaf in reading.leaves(at, end))
            at = end
        found[size] = frontier.root()
    return found


def _counted(head: AnchorHead, anchors: Sequence[Anchored]) -> Iterator[Refusal]:
    """The contract's own count against what was shown of it."""
    last = max((anchor.point.size for anchor in anchors), default=0)
    if (head.count, head.last) != (len(anchors), last):
        facts: dict[str, Fact] = {"count": head.count, "shown": len(anchors)}
        yield Refusal("anchor.miscounted", {**facts, "size": head.last, "last": last})


def _from_notes(
    head: AnchorHead,
    anchors: Sequence[Anchored],
    noted: Sequence[Noted],
    roots: dict[int, bytes],
    agreed: int,
) -> Iterator[Refusal]:
    """What we have noted as anchored, against both sides. What others have anchored beyond our own
    head hides no loss, but for what agrees with our log: the larger root holds the smaller log.
    """
    there = {anchor.point for anchor in anchors}
    lost = [
        note.point.size
        for note in noted
        if note.state is State.ANCHORED and note.point not in there
    ]
    gone = [size for size in lost if size > max(head.ours, agreed)]
    if gone:
        facts: dict[str, Fact] = {
            "size": gone[0],
            "last": max(head.ours, agreed),
            "count": len(gone),
        }
        yield Refusal("anchor.rolled_back", facts)
    for note in noted:
        size, root = note.point.size, note.point.root
        if size in lost and size <= head.ours:
            yield Refusal("anchor.missing", {"size": size, "entry": note.entry, "last": head.last})
        if note.point not in there and roots.get(size, root) != root:
            ours: dict[str, Fact] = {"ours": roots[size].hex(), "noted": root.hex()}
            yield Refusal("anchor.noted_otherwise", {"size": size, **ours})
    waiting = [note.point.size for note in noted if note.state is State.WAITING]
    if waiting:
        yield Refusal("anchor.waits", {"size": waiting[0], "count": len(waiting)})
