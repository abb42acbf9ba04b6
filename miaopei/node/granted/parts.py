"""What of a book a reader must be able to open, piece by piece in the order of the record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...acts.state import State
from ...claims.case import words_at
from ...measures.identity import canonical, read_canonical
from ..ports import Reading, Writing


@dataclass(frozen=True)
class Upto:
    """How far one has come in a book: rows, settlements (the counter of the last)."""

    rows: int = 0
    counter: int = 0

    @classmethod
    def kept(cls, reading: Reading, name: str) -> Upto:
        """As it was written down under a name. Errors   RecordDamaged (alarm)."""
        kept = reading.progress(name)
        return cls() if kept is None else cls(**read_canonical(kept))

    def keep(self, block: Writing, name: str) -> None:
        """Write it down."""
        block.put_progress(name, canonical({"rows": self.rows, "counter": self.counter}))


@dataclass(frozen=True)
class Part:
    """The blobs of one batch in force, or of one settlement, and how far one is with them.

    Of a settlement any one of `either` will do, the sealed claims of deciders that were equal, and
    all of `blobs`, the lists that its facts name.
    """

    upto: Upto
    blobs: tuple[str, ...] = ()
    either: tuple[str, ...] = ()


def parts_of(state: State, book: str, upto: Upto) -> Iterator[Part]:
    """All of a book after `upto`: its batches in force first, then its settlements."""
    last, end = upto, f"{book}/{10**12 - 1:012d}"
    for _, batch_id in state.between("in_force", f"{book}/{upto.rows:012d}", end):
        batch = state.need("batch", batch_id)
        last = Upto(batch["first"] + batch["rows"]["count"], last.counter)
        yield Part(last, (batch["rows"]["blob"],))
    for key, settlement in state.between("settled", f"{book}/{upto.counter + 1:012d}", end):
        said = state.need("settlement", settlement)["settlement"]
        last = Upto(last.rows, int(key.rpartition("/")[2]))
        lists = lists_of(state.need("trigger", said["trigger"]))
        yield Part(last, tuple(lists), tuple(blob for _, blob in claims_of(state, said)))


def claims_of(state: State, settlement: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The deciders that were equal, and the claims that each sealed; any of them will do."""
    trigger, counter = settlement["trigger"], settlement["counter"]
    for member in settlement["deciders"]:
        key = words_at(trigger, counter, settlement.get("round", 1)) + member
        said = state.get("decision", key)
        if said is not None:
            yield member, said["claims"]["blob"]


def lists_of(trigger: Mapping[str, Any]) -> list[str]:
    """The sealed lists that a trigger's facts were read from."""
    return [
        entry["list"]["blob"]
        for fact in trigger["facts"].values()
        for entry in fact.get("detail", {}).get("lists") or ()
        if entry["list"] is not None
    ]


def shown_of(state: State, listing: str) -> Iterator[str]:
    """The steps that deciders have shown of policies of a listing on which they differed."""
    for _, value in state.range("difference", ""):
        if state.need("trigger", value["trigger"])["listing"] == listing:
            yield from (said["trace"]["blob"] for said in value["shown"].values())
