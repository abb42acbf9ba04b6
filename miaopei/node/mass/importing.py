"""Importing: policies read elsewhere are issued in batches, held and in force before the next.

A batch is named by the file's digest and its place in it, and written down with its act before it
is sent; a run that was stopped goes on with the batch where it was, and issues nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from ...errors import Refusal
from ..effects.decider import Decider
from ..node import Node
from ..scheme import Wanted, issue

AT_ONCE = 100_000  # policies in one batch

Row = tuple[Wanted | None, list[Refusal]]


@dataclass
class Imported:
    """What came of a file: rows read, policies issued now, and rows that were refused."""

    rows: int = 0
    issued: int = 0
    refused: int = 0


def import_policies(
    node: Node,
    decider: Decider,
    book: str,
    name: str,
    rows: Iterable[Row],
    refuse: Callable[[list[Refusal]], None],
    tell: Callable[[int], None],
    held: Callable[[], object] | None = None,
) -> Imported:
    """Issue what can be issued; the reasons of every other row go to `refuse`.

    `name` is the same for the same file. `tell` hears how many rows have been dealt with. `held`
    waits until the deciders hold what was issued, where that is not done by us alone.
    Errors   Refused with what the record says against a batch, which no other row can mend.
    """
    done = Imported()
    for number, batch in enumerate(_batches(iter(rows))):
        wanted = [row for row, _ in batch if row is not None]
        for _, faults in batch:
            if faults:
                done.refused += 1
                refuse(faults)
        done.issued += issue(node, book, wanted, f"import/{book}/{name}/{number}", decider.spread)
        (held or decider.run)()
        done.rows += len(batch)
        tell(done.rows)
    return done


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, AT_ONCE)):
        yield batch
