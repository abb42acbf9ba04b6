"""Which concentrator reads which customer, since when: the operator's register, by subject tokens.

A concentrator is believed about its own customers only, each reading by who read the customer at
the reading's own time. The register comes as CSV (`concentrator,customer,since`); kept are tokens,
never numbers. Source: docs/specs/outage.md, section 11.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from ....errors import Refusal, Refused
from ....measures.instant import from_utc_text
from ...grid.connections import Names, csv_rows
from ...grid.message import MOST_CUSTOMERS, no
from ...keys import write_secret
from ..speech import Batch

FILE = "readers.json"
HEADER = ("concentrator", "customer", "since")
ALWAYS = 0  # `since` of a row that names no instant
NOBODY = ""  # in place of a concentrator: from then on nobody reads the customer
SHOWN = 10  # refused lines that are named
Since = tuple[int, str]  # from that second on, this concentrator


@dataclass(frozen=True)
class Readers:
    """Subject token -> who reads it since when, rising; a customer stands under each live token."""

    of: Mapping[str, tuple[Since, ...]] = field(default_factory=dict, repr=False)

    def reader(self, tokens: Sequence[str], at: int) -> str:
        """Who reads a customer at an instant; NOBODY where the register names nobody."""
        for token in tokens:
            since = self.of.get(token)
            if since is not None:
                place = bisect_right(since, at, key=lambda each: each[0])
                return since[place - 1][1] if place else NOBODY
        return NOBODY

    def own(self, batch: Batch, names: Names) -> Batch:
        """The batch with what it says of its own customers; the others are counted `foreign`."""
        mine = []
        for reading in batch.readings:
            with suppress(Refused):  # what is no customer number is nobody's
                if self.reader(names(reading.customer), reading.at) == batch.concentrator:
                    mine.append(reading)
        return replace(batch, readings=tuple(mine), foreign=len(batch.readings) - len(mine))


@dataclass(frozen=True)
class Bound:
    """What a file brought."""

    customers: int
    concentrators: int


def load(folder: Path) -> Readers:
    """The register that lies there; an empty one binds nobody. Errors   Refused grid.bad_trust."""
    path = folder / FILE
    if not path.exists():
        return Readers()
    try:
        kept = json.loads(path.read_text("utf-8"))["readers"]
        return Readers({t: tuple((int(at), str(who)) for at, who in kept[t]) for t in kept})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise no("bad_trust", path=str(path), why=type(error).__name__) from None


def bind(
    readers: Readers, data: bytes, names: Names, known: Mapping[str, object]
) -> tuple[Readers, Bound]:
    """The register with a file's rows in it, whole or not at all.

    A row says who reads its customer from its instant on; what was known of later times gives way,
    what was known of earlier ones stays.
    Errors   Refused grid.too_large, grid.not_text, and by line grid.bad_line, grid.bound_twice,
             grid.unknown_concentrator, subject.bad_number.
    """
    rows: dict[tuple[str, ...], dict[int, str]] = {}
    refused: list[Refusal] = []
    for line, row in _lines(data):
        try:
            if isinstance(row, Refusal):
                raise Refused(row)
            name, customer, since = row
            if name != NOBODY and name not in known:
                raise no("unknown_concentrator", concentrator=name[:60])
            said = rows.setdefault(tuple(names(customer)), {})
            if said.setdefault(since, name) != name:
                raise no("bound_twice", line=line, one=said[since] or "-", other=name or "-")
        except Refused as error:
            refused += error.refusals
    if len(rows) > MOST_CUSTOMERS:
        raise no("too_many_connections", limit=MOST_CUSTOMERS)
    if refused:
        raise Refused(*refused[:SHOWN])
    of = dict(readers.of)
    for tokens, said in rows.items():
        before = next((of[token] for token in tokens if token in of), ())
        kept = [each for each in before if each[0] < min(said)]
        of.update(dict.fromkeys(tokens, (*kept, *sorted(said.items()))))
    named = {name for said in rows.values() for name in said.values()} - {NOBODY}
    return Readers(of), Bound(len(rows), len(named))


def keep(folder: Path, readers: Readers) -> None:
    """Write the register at once or not at all; its owner's alone."""
    write_secret(folder / FILE, {"readers": dict(sorted(readers.of.items()))})


def _lines(data: bytes) -> Iterator[tuple[int, tuple[str, str, int] | Refusal]]:
    for line, row in csv_rows(data):
        if line > 1:
            yield line, _row(line, row)
        elif tuple(row) != HEADER:
            raise no("bad_line", line=line)


def _row(line: int, row: Sequence[str]) -> tuple[str, str, int] | Refusal:
    bad = Refusal("grid.bad_line", {"line": line})
    if len(row) != len(HEADER) or not 0 < len(row[1]) <= 64 or len(row[0]) > 60:
        return bad
    try:
        return row[0], row[1], from_utc_text(row[2]) if row[2] else ALWAYS
    except Refused:
        return bad
