"""A user's own event losses (CSV): event, year, policy, loss; and the policies' limits.

All lines are read before anything is refused, so that a table is mended in one go.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ...errors import Fact, Refusal, Refused
from ...measures.money import fen_of
from ...pricing.events import MOST_LOSS, Occurrences, Touched
from ...pricing.years import Book

LOSSES = ("event", "year", "policy", "loss")
LIMITS = ("policy", "occurrence_limit", "year_limit")
SHOWN = 20  # refusals of one file that are told
LONGEST = 4096


def read_losses(path: Path, years: int, limits: Path | None) -> tuple[Occurrences, Book]:
    """Occurrences that touch single policies, in order of year and first line, and the book.

    Amounts are yuan with at most two decimals. Years are numbered from 1; `years` says how many
    there are, since a year without an event is not in the table.
    Errors   Refused pricing.table_* naming each line; at most 20 are told.
    """
    faults: list[Refusal] = []
    policies, own = _limits(limits, faults) if limits is not None else ({}, [])
    year_of: dict[str, int] = {}
    pairs: dict[str, dict[int, int]] = {}
    for line, cells in _rows(path, LOSSES, faults):
        event, policy = cells[0], cells[2]
        year, loss = _year(cells[1], years, line, faults), _yuan(cells[3], "loss", line, faults)
        if limits is None and policy:
            policies.setdefault(policy, len(policies))
        if not event or policy not in policies:
            what = "policy" if event else "event"
            faults.append(_no("unknown", line, name=what, value=cells[2 if event else 0][:40]))
            continue
        if year is None or loss is None:
            continue
        if year_of.setdefault(event, year) != year:
            faults.append(_no("two_years", line, event=event[:40], one=year_of[event], other=year))
        elif policies[policy] in pairs.setdefault(event, {}):
            faults.append(_no("twice", line, event=event[:40], policy=policy[:40]))
        else:
            pairs[event][policies[policy]] = loss
    if not pairs and not faults:
        faults.append(_no("empty", 1, file=path.name))
    if faults:
        raise Refused(*faults[:SHOWN])
    return _set(year_of, pairs, years), _book(len(policies), own)


def _set(year_of: dict[str, int], pairs: dict[str, dict[int, int]], years: int) -> Occurrences:
    order = sorted(pairs, key=lambda event: year_of[event])  # stable: lines of a year in order
    counts = [len(pairs[event]) for event in order]
    first = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    policy = np.array([p for event in order for p in sorted(pairs[event])], dtype=np.int64)
    loss = np.array([pairs[e][p] for e in order for p in sorted(pairs[e])], dtype=np.int64)
    year = np.array([year_of[event] - 1 for event in order], dtype=np.int64)
    return Occurrences(years, year, {}, Touched(first, policy, {"loss": loss}))


def _book(policies: int, own: Sequence[tuple[int, int]]) -> Book:
    table = np.array(own or [(MOST_LOSS, MOST_LOSS)] * policies, dtype=np.int64)
    return Book(policies, {"occurrence_limit": table[:, 0], "year_limit": table[:, 1]})


def _limits(path: Path, faults: list[Refusal]) -> tuple[dict[str, int], list[tuple[int, int]]]:
    """Policy -> its row, and both limits; an empty cell is no limit."""
    rows: dict[str, int] = {}
    found: list[tuple[int, int]] = []
    for line, cells in _rows(path, LIMITS, faults):
        if not cells[0] or cells[0] in rows:
            faults.append(_no("unknown", line, name="policy", value=cells[0][:40]))
            continue
        rows[cells[0]] = len(rows)
        each = [
            _yuan(text, name, line, faults) if text else MOST_LOSS
            for name, text in zip(LIMITS[1:], cells[1:], strict=True)
        ]
        found.append((each[0] or 0, each[1] or 0))
    return rows, found


def _rows(
    path: Path, columns: Sequence[str], faults: list[Refusal]
) -> Iterator[tuple[int, list[str]]]:
    """Each line's cells in the order of `columns`; the last line must end, or may be cut short."""
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        faults.append(_no("encoding", 1 + data[: error.start].count(b"\n"), file=path.name))
        return
    lines = text.split("\n")
    torn = bool(lines and lines[-1].strip())
    header = [cell.strip() for cell in lines[0].split(",")]
    if any(name not in header for name in columns):
        faults.append(_no("columns", 1, file=path.name, wanted=", ".join(columns)))
        return
    places = [header.index(name) for name in columns]
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        try:
            cells = next(csv.reader([line[:LONGEST]], strict=True))
        except (csv.Error, StopIteration):
            cells = []
        if len(cells) != len(header) or (torn and number == len(lines)):
            faults.append(_no("torn", number, found=len(cells), wanted=len(header)))
            continue
        yield number, [cells[place].strip() for place in places]


def _year(text: str, years: int, line: int, faults: list[Refusal]) -> int | None:
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:12]) <= years:
        faults.append(_no("year", line, value=text[:40], limit=years))
        return None
    return int(text)


def _yuan(text: str, name: str, line: int, faults: list[Refusal]) -> int | None:
    """Yuan with at most two decimals -> fen; less than zero, or finer, is refused."""
    try:
        fen = fen_of(text)
    except Refused:
        fen = -1
    if not 0 <= fen <= MOST_LOSS:
        limit = f"{MOST_LOSS // 100:,}"
        faults.append(_no("amount", line, name=name, value=text[:40], limit=limit))
        return None
    return fen


def _no(code: str, line: int, **facts: Fact) -> Refusal:
    return Refusal(f"pricing.table_{code}", {"line": line, **facts})
