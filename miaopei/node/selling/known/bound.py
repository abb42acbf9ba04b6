"""What is kept of policyholders, held against what the record is bound to: for the audit.

An application's act holds a salted commitment to each field that it brought, a `change_account` act
to the account from then on; the last of a policy counts. What was imported and never changed has
none on the record, and is not compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ....acts.change_account import BOUND, SINCE
from ....measures.identity import canonical, read_canonical
from ...ports import Reading, Writing
from ..keeping import name_of
from .accounts import differing_fields

AT_ONCE = 1_000  # persons opened together


def differing(
    reading: Reading, values: Sequence[Any], member: str
) -> Iterator[tuple[int, str, list[str]]]:
    """Policyholders that a member keeps otherwise than it is bound to: position, policy, fields.

    Whoever is gone is not compared. Errors   RecordDamaged (alarm) as `Reading.persons`.
    """
    taken, acted = _bound(values, member)
    numbers, older = list(taken), _is_older(values)
    for start in range(0, len(numbers), AT_ONCE):
        part = numbers[start : start + AT_ONCE]
        persons = reading.paid_persons([name_of(number) for number in part])
        for number in part:
            person = persons.get(name_of(number))
            if person is None:
                continue
            position, said = taken[number]
            passed = corrected(reading, number) if older else frozenset()
            passed -= frozenset(BOUND if number in acted else ())
            wrong = [name for name in differing_fields(person, said) if name not in passed]
            if wrong:
                yield position, number, wrong


def correct(block: Writing, number: str, fields: Mapping[str, str]) -> None:
    """Note on a record of older rules that an operator put other values down: it is not bound to
    them. Where the record has been bound to accounts from its beginning no such note counts.
    """
    names = sorted({*corrected(block, number), *fields})
    block.put_progress(f"selling/corrected/{number}", canonical(names))


def corrected(reading: Reading, number: str) -> frozenset[str]:
    """The fields of a policyholder that an operator has put down anew."""
    kept = reading.progress(f"selling/corrected/{number}")
    return frozenset() if kept is None else frozenset(read_canonical(kept))


def _is_older(values: Sequence[Any]) -> bool:
    match values[:1]:
        case [{"leaf": "genesis", "value": {"rules": int(rules)}}]:
            return rules < SINCE
    return False


def _bound(
    values: Sequence[Any], member: str
) -> tuple[dict[str, tuple[int, dict[str, str]]], set[str]]:
    """Policy -> the last act that binds it, and all that it is bound to; those whose account was
    changed by an act."""
    found, acted = dict[str, tuple[int, dict[str, str]]](), set[str]()
    for position, value in enumerate(values):
        match value:
            case {
                "leaf": "act",
                "act": {"kind": kind, "by": by, "body": {"commitments": dict(said)} as body},
                "result": {"ok": True},
            } if by == member:
                if kind == "take_application":
                    found[str(body["application"])] = position, said
                elif kind == "change_account":
                    number = str(body["policy"])
                    before = found.get(number, (0, {}))[1]
                    found[number] = position, {**before, **said}
                    acted.add(number)
    return found, acted
