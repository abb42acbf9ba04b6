"""What an audit reports: a fault in one file, a finding in the log, the outcome."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ...errors import Fact, Refusal


class Field(StrEnum):
    """The part of a file in which a fault lies; with `audit_` in front, its code."""

    MISSING = "missing"
    LENGTH = "length"
    HASH = "hash"
    ENTRY = "entry"
    ENTRY_LENGTH = "entry_length"
    UNDECIDED = "undecided"
    REWRITTEN = "rewritten"
    STRAY = "stray"
    CUT = "cut"
    TEXT = "text"
    ORIGIN = "origin"
    SIZE = "size"
    ROOT = "root"
    EXTENSION = "extension"
    SIGNATURE = "signature"
    UNSIGNED = "unsigned"


@dataclass(frozen=True)
class Fault:
    """One fault in one file. `position` counts hashes or entries from the start of the file."""

    field: Field
    position: int | None = None
    offset: int | None = None
    bit: int | None = None


@dataclass(frozen=True)
class Finding:
    """One difference: in which file, which part, which entry or hash, at which byte and bit.

    Shapes   position: for a bundle the entry's index in the log, for a tile the hash's place in the
             file. offset: from the start of the file. bit: 0 is the least significant. agrees: the
             other file of a disagreement, where that one leads to the signed root.
    """

    file: str
    field: Field
    position: int | None = None
    offset: int | None = None
    bit: int | None = None
    agrees: str | None = None

    def as_json(self) -> dict[str, Fact]:
        return {
            "file": self.file,
            "field": str(self.field),
            "position": self.position,
            "offset": self.offset,
            "bit": self.bit,
            "agrees": self.agrees,
        }

    def refusal(self) -> Refusal:
        """For `errors.texts.say`; `_alone` where no other file tells the right thing."""
        alone = "_alone" if self.agrees is None and self.field in _BESIDE else ""
        facts = {name: value for name, value in self.as_json().items() if value is not None}
        return Refusal(f"ledger.audit_{self.field}{alone}", facts)


@dataclass(frozen=True)
class Outcome:
    """What an audit saw: the head claimed, the root rebuilt from the entries, every difference."""

    size: int | None
    root: bytes | None
    signed: bool
    findings: tuple[Finding, ...]


_BESIDE = {Field.HASH, Field.ENTRY, Field.ENTRY_LENGTH}
