"""What is kept of applicants, held against what the record is bound to: for the audit.

The act of an application holds a salted commitment to each field that it brought. What was imported
or put down by `payee` has none on the record, and is not compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ....measures.identity import canonical, read_canonical
from ...ports import Reading, Writing
from ..keeping import name_of

AT_ONCE = 1_000  # persons opened together


def differing(
    reading: Reading, values: Sequence[Any], member: str
) -> Iterator[tuple[int, str, list[str]]]:
    """Applications that a member took whose person is another now: position, number, fields.

    Whoever is gone is not compared. Errors   RecordDamaged (alarm) as `Reading.persons`.
    """
    taken = list(_taken(values, member))
    for start in range(0, len(taken), AT_ONCE):
        part = taken[start : start + AT_ONCE]
        names = {n: reading.payee_of(name_of(n)) or name_of(n) for _, n, _ in part}
        persons = reading.persons(list(dict.fromkeys(names.values())))
        for position, number, said in part:
            person = persons.get(names[number])
            if person is None:
                continue
            mended = corrected(reading, number)
            wrong = [
                name
                for name in sorted(said)
                if name not in mended
                and (name not in person.fields or person.commitment(name) != said[name])
            ]
            if wrong:
                yield position, number, wrong


def correct(block: Writing, number: str, fields: Mapping[str, str]) -> None:
    """Note that an operator put other values down: the record is not bound to these."""
    names = sorted({*corrected(block, number), *fields})
    block.put_progress(f"selling/corrected/{number}", canonical(names))


def corrected(reading: Reading, number: str) -> frozenset[str]:
    """The fields of a policyholder that an operator has put down anew."""
    kept = reading.progress(f"selling/corrected/{number}")
    return frozenset() if kept is None else frozenset(read_canonical(kept))


def _taken(values: Sequence[Any], member: str) -> Iterator[tuple[int, str, Mapping[str, str]]]:
    for position, value in enumerate(values):
        match value:
            case {
                "leaf": "act",
                "act": {
                    "kind": "take_application",
                    "by": by,
                    "body": {"application": str(number), "commitments": dict(said)},
                },
                "result": {"ok": True},
            } if by == member:
                yield position, number, said
