"""Who hangs on which transformer and feeder: what a plan's scope is resolved with.

The utility hands it over as CSV (`feeder,transformer,customer`); kept are tokens, never numbers, in
this member's own tables. A new file for a feeder takes the place of the one before.
Source: docs/specs/outage.md, section 5.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...measures.identity import canonical, content_id, read_canonical
from ...node.ports import Reading, Writing
from .message import LARGEST, MOST_CUSTOMERS, Scope, no

HEADER = ("feeder", "transformer", "customer")
INDEX = "grid/transformers"
Names = Callable[[str], Sequence[str]]  # a customer's tokens under each live key, the current last
Tokens = tuple[str, ...]


@dataclass(frozen=True)
class Kept:
    """What a file of connections brought."""

    feeders: int
    transformers: int
    customers: int


def is_connections(data: bytes) -> bool:
    """Whether a file is one, by its header."""
    first = data.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0].strip()
    return first == ",".join(HEADER).encode("ascii")


def keep(block: Writing, data: bytes, names: Names) -> Kept:
    """Take a file in, whole or not at all.

    Errors   Refused grid.too_large, grid.not_text, grid.bad_line, grid.customer_moved,
             grid.transformer_moved, subject.bad_number.
    """
    feeders: dict[str, dict[str, list[list[str]]]] = {}
    seen: set[str] = set()
    for line, (feeder, transformer, customer) in _lines(data):
        if customer in seen:
            raise no("customer_moved", line=line)
        seen.add(customer)
        if len(seen) > MOST_CUSTOMERS:
            raise no("too_many_connections", limit=MOST_CUSTOMERS)
        feeders.setdefault(feeder, {}).setdefault(transformer, []).append(list(names(customer)))
    index = _index(block)
    for feeder, transformers in feeders.items():
        for transformer in [t for t, f in index.items() if f == feeder]:
            del index[transformer]
        for transformer in transformers:
            if index.setdefault(transformer, feeder) != feeder:
                raise no("transformer_moved", transformer=transformer[:40], feeder=feeder[:40])
        block.put_progress(_name(feeder), canonical(transformers))
    block.put_progress(INDEX, canonical(index))
    return Kept(len(feeders), sum(map(len, feeders.values())), len(seen))


def resolve(reading: Reading, scope: Scope, names: Names) -> list[Tokens]:
    """The customers in scope, each once, as tokens under every live key.

    Errors   Refused grid.unknown_feeder, grid.unknown_transformer, grid.too_many_customers,
             subject.bad_number.
    """
    index = _index(reading)
    found: dict[str, Tokens] = {}
    wanted: dict[str, set[str] | None] = dict.fromkeys(scope.feeders)
    known = set(index.values())
    for feeder in scope.feeders:
        if feeder not in known:
            raise no("unknown_feeder", feeder=feeder[:60])
    for transformer in scope.transformers:
        if transformer not in index:
            raise no("unknown_transformer", transformer=transformer[:60])
        some = wanted.setdefault(index[transformer], set())
        if some is not None:
            some.add(transformer)
    for feeder, only in wanted.items():
        for transformer, customers in _kept(reading, feeder).items():
            if only is None or transformer in only:
                found.update((tokens[-1], tuple(tokens)) for tokens in customers)
    for customer in scope.customers:
        tokens = tuple(names(customer))
        found[tokens[-1]] = tokens
    if len(found) > MOST_CUSTOMERS:
        raise no("too_many_customers", outage="", count=len(found), limit=MOST_CUSTOMERS)
    return list(found.values())


def count(reading: Reading) -> int:
    """The customers of all feeders that are kept."""
    feeders = set(_index(reading).values())
    return sum(len(people) for feeder in feeders for people in _kept(reading, feeder).values())


def connection_of(reading: Reading, tokens: Sequence[str], feeder: str) -> str:
    """Whether a customer hangs on the feeder that is named: same, differs, unknown, not_asked."""
    feeders = set(_index(reading).values())
    if not feeders:
        return "not_asked"
    wanted = set(tokens)

    def on(name: str) -> bool:
        customers = (each for some in _kept(reading, name).values() for each in some)
        return any(wanted & set(customer) for customer in customers)

    if feeder in feeders and on(feeder):
        return "same"
    return "differs" if any(on(name) for name in feeders - {feeder}) else "unknown"


def csv_rows(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """The rows of an operator's CSV file with their numbers from 1, its header among them.

    Errors   Refused grid.too_large, grid.not_text, grid.bad_line.
    """
    if len(data) > LARGEST:
        raise no("too_large", length=len(data), limit=LARGEST)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise no("not_text", wanted="UTF-8") from None
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        yield from enumerate(rows, 1)
    except csv.Error:
        raise no("bad_line", line=rows.line_num) from None


def _lines(data: bytes) -> Iterator[tuple[int, tuple[str, str, str]]]:
    for line, row in csv_rows(data):
        if line == 1 and tuple(row) == HEADER:
            continue
        if len(row) != len(HEADER) or not all(0 < len(cell) <= 64 for cell in row):
            raise no("bad_line", line=line)
        yield line, (row[0], row[1], row[2])


def _index(reading: Reading) -> dict[str, str]:
    kept = reading.progress(INDEX)
    return {} if kept is None else dict(read_canonical(kept))


def _kept(reading: Reading, feeder: str) -> Mapping[str, Sequence[Sequence[str]]]:
    kept = reading.progress(_name(feeder))
    return {} if kept is None else dict(read_canonical(kept))


def _name(feeder: str) -> str:
    return f"grid/feeder/{content_id('feeder', feeder)[:32]}"
