"""The log of uses: every reading of personal data, first here, then together on the record.

A use is written in the transaction that reads, under a number; an act brings many as one sealed
blob (`acts/log_uses`). Source: docs/specs/persons.md, section 4.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ...acts.blobs import USES
from ...acts.log_uses import logged
from ...acts.state import State
from ...measures.identity import read_canonical
from ..node import Node
from ..ports import Identity, Reading, Writing
from .blobs import open_blob, seal_values
from .sealing import unframe

AT_ONCE = 5_000  # uses of one act


@dataclass(frozen=True)
class Use:
    """Somebody has read data of a person. `caller` says who, in the words of the member.

    Units   at: UTC seconds. `what`: shown, exported, paid ...; `fields` sorted names, no values.
    """

    at: int
    subject: str
    purpose: str
    grantee: str
    role: str
    caller: str
    what: str
    fields: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The form that is kept, and stands in the sealed blob with `v`, number and salt."""
        return {**asdict(self), "fields": list(self.fields)}


def note(block: Writing, uses: Iterable[Use]) -> None:
    """Write uses down with the reading itself, to be recorded by the next act."""
    block.put_uses(use.as_json() for use in uses)


class Logger:
    """Brings the uses of this member to the record."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def run(self) -> int:
        """Log what is not on the record yet; how many uses were.

        A stop between act and clearing is seen by the number that the record holds.
        Errors   Refused act.*.
        """
        done = 0
        with self.node.store.reading() as reading:
            if not reading.uses():
                return done
        while True:
            with self.node.store.writing() as block:
                last = logged(State(block), self.node.identity.member)
                block.drop_uses(last)
                lines = block.uses()[:AT_ONCE]
                if not lines:
                    return done
                body = self._body(block, lines)
            self.node.accept("log_uses", f"uses-{lines[0][0]}", body)
            done += len(lines)

    def _body(self, block: Writing, lines: Sequence[tuple[int, dict[str, Any]]]) -> dict[str, Any]:
        salted = [
            {"v": 1, "number": number, "salt": self.node.random(32).hex(), **line}
            for number, line in lines
        ]
        sealed = seal_values(block, self.node, salted, "use", USES)
        counts = Counter(str(line["purpose"]) for _, line in lines)
        purposes = [{"purpose": name, "uses": count} for name, count in sorted(counts.items())]
        return {"first": lines[0][0], "uses": sealed, "purposes": purposes}


def recorded(reading: Reading, identity: Identity, subject: str | None = None) -> Iterator[Any]:
    """Uses that stand on the record, in order, with the act that brought each; those of one person.

    Errors   RecordDamaged (alarm) where a blob is missing or altered.
    """
    for _, said in State(reading).range("used", f"{identity.member}/"):
        for data in unframe(open_blob(reading, said["uses"]["blob"], identity)):
            row = read_canonical(data)
            if subject is None or row["subject"] == subject:
                yield {**row, "act": said["act"]}
