"""What anchoring needs of the outside: the other ledger, and a place that outlives a kill.

Another kind of chain is another `Anchor`, and nothing else changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ...errors import Alarm, Refusal


@dataclass(frozen=True)
class Point:
    """A checkpoint as far as the other ledger is told it: a size and the root at it."""

    size: int
    root: bytes


@dataclass(frozen=True)
class AnchorHead:
    """Where the other ledger stands: its own height, how many anchors, the largest size of any
    writer, and that of our own key (of any, where one head is everybody's; 0 without a key).
    """

    height: int
    count: int
    last: int
    ours: int


SIGNED = "signed"


@dataclass(frozen=True)
class Anchored:
    """An anchor as the other ledger holds it.

    `by` is the key that wrote it, `height` and `entry` say where it stands there. `faults` say what
    the other ledger contradicts itself in; SIGNED alone, that no signature of `by` bears it out,
    stands on an honest one too, where `by` has sent what we cannot read.
    """

    point: Point
    by: str
    height: int
    entry: str
    faults: tuple[str, ...] = ()


Keep = Callable[[bytes], None]


class Anchor(Protocol):
    """The other ledger. Silence raises OutsideFault(retry=True).

    Errors   Refused anchor.* where it is not the one that was agreed on.
    """

    @property
    def us(self) -> str | None:
        """The key that we write with; None where there is none."""
        ...

    def head(self) -> AnchorHead: ...

    def stands(self, point: Point) -> bool:
        """Whether this very checkpoint is there, whoever wrote it."""
        ...

    def put(self, point: Point, kept: bytes | None, keep: Keep) -> Anchored:
        """Anchor a checkpoint; done when it is final there, also where it was there before.

        `keep` is given what must outlive a kill before anything is sent; `kept` is the last of it.
        Errors   Refused anchor.smaller_size, other_root, not_a_writer, other_origin.
        """
        ...

    def read(self, since: int) -> Sequence[Anchored]:
        """Every anchor from its height `since` on, in order."""
        ...

    def time_at(self, height: int) -> int:
        """When its block of a height was made, by its own clock. Unit: seconds since 1970."""
        ...


class SideAltered(Alarm):
    """Record and anchors are not one: `finding` says which side, and at which size."""

    code = "alarm.side_altered"

    def __init__(self, finding: Refusal) -> None:
        self.finding = finding
        super().__init__(finding.code, **finding.facts)


class State(StrEnum):
    """How a checkpoint in the outbox stands."""

    WAITING = "waiting"
    ANCHORED = "anchored"
    COVERED = "covered"  # another's anchor of a larger size agrees with our log


@dataclass(frozen=True)
class Noted:
    """A checkpoint in the outbox; `height` and `entry` once it is anchored."""

    point: Point
    state: State
    height: int | None
    entry: str | None


class Outbox(Protocol):
    """What is to be anchored and what was: written before it is sent, never in the record."""

    def last(self) -> int:
        """The largest size that was ever noted; 0 where none was."""
        ...

    def add(self, point: Point) -> None: ...

    def waiting(self) -> Sequence[Point]:
        """Those not anchored yet, smallest first."""
        ...

    def kept(self, size: int) -> bytes | None: ...

    def keep(self, size: int, data: bytes) -> None: ...

    def anchored(self, done: Anchored) -> None: ...

    def covered(self, size: int) -> None: ...

    def again(self, after: int) -> int:
        """What the other ledger has lost from a size on waits again; how many."""
        ...

    def agreed(self) -> int:
        """The largest size at which an anchor of anybody agreed with our log; 0 where none did."""
        ...

    def set_agreed(self, size: int) -> None: ...

    def noted(self) -> Sequence[Noted]:
        """All of it, smallest first."""
        ...

    def compared(self) -> int:
        """The other ledger's height up to which its anchors were compared with our log."""
        ...

    def set_compared(self, height: int) -> None: ...

    def apart(self) -> Sequence[Anchored]:
        """The anchors up to that height that did not agree with our log, or were beyond it."""
        ...

    def set_apart(self, anchors: Sequence[Anchored]) -> None: ...

    def set_trouble(self, trouble: Refusal | None) -> None:
        """What keeps checkpoints from being anchored, for whoever looks."""
        ...
