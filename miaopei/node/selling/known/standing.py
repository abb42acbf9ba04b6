"""What stands already of a customer who is applied for, and who may hear of it.

Whether a number is covered, where it hangs and whether its person was erased are nobody's business
but theirs and their agent's. Source: docs/specs/policies.md, section 2.
"""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ....acts.sold import held, stands
from ....acts.state import State
from ....measures.identity import content_id
from ....policies.row import PolicyRow, Transaction
from ...ports import Reading
from ..keeping import name_of
from .plain import plain

SHOWN = ("id_number", "phone")  # what shows that somebody is the policyholder
Span = tuple[int, int]


@dataclass(frozen=True)
class Standing:
    """Cover of a customer that meets what is asked for, by policy; other policies they hold; those
    of the cover that are no sold policy of the token that is current; whether they were erased."""

    covered: Mapping[str, Span]
    others: frozenset[str]
    unseen: frozenset[str]
    erased: bool

    def may_hear(self, reading: Reading, person: Mapping[str, str]) -> bool:
        """Whether the applicant shows that all of it is their own."""
        numbers = self.others | set(self.covered)
        return bool(numbers) and all(is_holder(reading, each, person) for each in numbers)

    def span(self) -> list[int] | None:
        """Cover that the rules would not see by themselves."""
        found = [self.covered[number] for number in sorted(self.unseen)]
        return [min(s for s, _ in found), max(u for _, u in found)] if found else None


def standing(
    reading: Reading,
    state: State,
    listing: str,
    tokens: Sequence[str],
    span: Span,
    person: Mapping[str, str],
) -> Standing:
    """By the applications that stand and by the rows of the listing's book, brought in or sold.

    What is not paid keeps nobody out but who applied for it: a stranger's is as though it were not.
    """
    covered: dict[str, Span] = {}
    seen = set[str]()
    for token in tokens:
        for key, value in state.range("holder", f"{listing}/{mark_of(listing, token)}/"):
            number, other = key.rpartition("/")[2], (value["since"], value["until"])
            firm = not held(value)
            if meets(other, span) and (
                firm or (stands(value, reading.head().time) and is_holder(reading, number, person))
            ):
                covered[number] = other
                if firm and token == tokens[-1]:
                    seen.add(number)
    book = state.need("listing", listing)["listing"]["book"]
    size = state.need("book", book)["size"]
    rows: dict[str, list[PolicyRow]] = defaultdict(list)
    for recorded in reading.rows_of(book, size, [], tokens) if tokens else ():
        rows[recorded.row.policy].append(recorded.row)
    for number, of in rows.items():
        for other in in_force(of):
            if number not in covered and meets(other, span):
                covered[number] = other
    gone = bool(tokens) and state.has("erased", tokens[-1])
    return Standing(covered, frozenset(rows), frozenset(set(covered) - seen), gone)


def in_force(rows: Sequence[PolicyRow]) -> list[Span]:
    """When one policy is in force: of rows that span an instant the last recorded counts."""
    edges = sorted({edge for row in rows for edge in (row.since, row.until)})
    found: list[Span] = []
    for start, end in pairwise(edges):
        last = [row for row in rows if row.since <= start < row.until][-1:]
        if last and last[0].transaction is not Transaction.CANCEL:
            found.append((start, end))
    return found


def meets(one: Span, other: Span) -> bool:
    """Whether two spans overlap."""
    return max(one[0], other[0]) < min(one[1], other[1])


def mark_of(listing: str, token: str) -> str:
    """The mark of a holder on the record: a person is the same under one listing and no other."""
    return content_id("holder", [listing, token])


def is_holder(reading: Reading, policy: str, shown: Mapping[str, str]) -> bool:
    """Whether somebody gives the number and phone that the policyholder gave."""
    name = name_of(policy)
    kept = reading.payees([name]).get(name)
    if kept is None or set(SHOWN) - kept.keys() or set(SHOWN) - shown.keys():
        return False
    pairs = [(plain(kept[n]).encode(), plain(shown[n]).encode()) for n in SHOWN]
    fits = [hmac.compare_digest(*pair) and pair[0] != b"" for pair in pairs]
    return all(fits)


def is_named(reading: Reading, policy: str, name: str) -> bool:
    """Whether a name is the one that is on file for the policyholder, or none is."""
    kept = reading.payees([name_of(policy)]).get(name_of(policy), {}).get("name", "")
    return plain(kept) in {"", plain(name)}
