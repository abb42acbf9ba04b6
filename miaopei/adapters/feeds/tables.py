"""CSV files as they come: any of UTF-8, UTF-8 with BOM or GBK, with a torn end, line by line.

Each physical line is one row, so a broken line never swallows its neighbours, and the bytes of each
row are at hand for its attestation.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ...errors import Refusal, Refused
from ...evidence.observation import Observation
from .reading import LARGEST_LINE, MOST_ROWS, TROUBLE, Given, Row, no, plain, refusals_of

BOM = b"\xef\xbb\xbf"
ReadRow = Callable[[Mapping[str, str], Given], Observation]


@dataclass(frozen=True)
class Line:
    """One physical line: its number, its bytes with their line end, and whether it may be torn."""

    number: int
    data: bytes
    last: bool

    @property
    def text(self) -> bytes:
        """The bytes without BOM and line end."""
        data = self.data.removeprefix(BOM) if self.number == 1 else self.data
        return data.rstrip(b"\r\n")


@dataclass(frozen=True)
class Table:
    """A header, the lines under it, and the encoding all are read in."""

    header: tuple[str, ...]
    lines: tuple[Line, ...]
    encoding: str

    def fields(self, line: Line) -> Mapping[str, str]:
        """Column name -> text of one line.

        Errors   Refused feed.torn_line, feed.bad_text, feed.bad_columns, feed.bad_row.
        """
        try:
            cells = _cells(line, self.encoding)
            if len(cells) != len(self.header):
                raise no("bad_columns", found=len(cells), wanted=len(self.header))
        except Refused:
            if line.last:
                raise no("torn_line", line=line.number) from None
            raise
        return dict(zip(self.header, (plain(cell) for cell in cells), strict=True))


def table(data: bytes) -> Table | None:
    """The file as a table; None where even its first line is not text."""
    lines = _whole_lines(data)
    if not lines:
        return None
    encoding = _encoding(lines)
    try:
        header = _cells(lines[0], encoding)
    except Refused:
        return None
    names = tuple(plain(name) for name in header)
    if len(set(names)) != len(names):
        return None
    return Table(names, tuple(lines[1:]), encoding)


def rows(found: Table, read_row: ReadRow, given: Given) -> tuple[Row, ...]:
    """Each line as an observation or its refusals; stops, by name, after very many."""
    result = []
    for line in found.lines[:MOST_ROWS]:
        part = f"line {line.number}"
        try:
            seen = read_row(found.fields(line), given)
        except TROUBLE as error:
            result.append(Row(line.number, part, line.data, None, refusals_of(error)))
        else:
            result.append(Row(line.number, part, line.data, seen))
    return (*result, *_cut(found.lines[MOST_ROWS:]))


def _cut(lines: Iterable[Line]) -> tuple[Row, ...]:
    first = next(iter(lines), None)
    if first is None:
        return ()
    refusal = Refusal("feed.too_many_rows", {"limit": MOST_ROWS, "line": first.number})
    return (Row(first.number, f"line {first.number}", b"", None, (refusal,)),)


def _whole_lines(data: bytes) -> list[Line]:
    pieces = data.split(b"\n")
    ended = [piece + b"\n" for piece in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])
    return [
        Line(number, piece, last=number == len(ended) and not piece.endswith(b"\n"))
        for number, piece in enumerate(ended, start=1)
        if piece.strip()
    ]


def _encoding(lines: list[Line]) -> str:
    """UTF-8 where any line that is not ASCII reads as UTF-8, else GBK in its widest form."""
    if lines[0].data.startswith(BOM):
        return "utf-8"
    marked = [line.text for line in lines if not line.text.isascii()]
    return "utf-8" if not marked or any(_reads(text, "utf-8") for text in marked) else "gb18030"


def _reads(text: bytes, encoding: str) -> bool:
    try:
        text.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _cells(line: Line, encoding: str) -> list[str]:
    if len(line.data) > LARGEST_LINE:
        raise no("line_too_long", length=len(line.data), limit=LARGEST_LINE)
    try:
        text = line.text.decode(encoding)
    except UnicodeDecodeError:
        raise no("bad_text", encoding=encoding) from None
    try:
        return next(csv.reader([text], strict=True))
    except (csv.Error, StopIteration) as error:
        raise no("bad_row", why=str(error)[:120]) from None
