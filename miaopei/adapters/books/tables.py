"""Tables of text: CSV and Parquet files as rows of cells, with the number of each row.

What the cells mean is in `reading`. Parquet needs the extra `import` (pyarrow).
"""

from __future__ import annotations

import csv
import hashlib
from codecs import getincrementaldecoder
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ...errors import Refusal, Refused

PARQUET = b"PAR1"
TORN = "\n"  # no column: of a row that is no row, how many cells it has, or "" where none are told
AT_ONCE = 65_536  # rows of a Parquet file read at a time


@dataclass(frozen=True)
class Table:
    """A file: its columns, about how many rows it has, its digest."""

    path: Path
    columns: tuple[str, ...]
    count: int
    digest: str
    encoding: str | None  # of a CSV; None is Parquet

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Each row with the number of its line in the file; cells, or TORN and nothing else."""
        return self._csv(self.encoding) if self.encoding else self._parquet()

    def _csv(self, encoding: str) -> Iterator[tuple[int, dict[str, str]]]:
        """One line is one row: an open quotation mark never draws the next row into its own."""
        with self.path.open(encoding=encoding, newline="") as file:
            lines = ((n, line) for n, line in enumerate(file, 1) if line.strip("\r\n"))
            next(lines, None)
            wanted = len(self.columns)
            for number, line in lines:
                cells = _cells(line)
                if cells is None or len(cells) != wanted:
                    yield number, {TORN: "" if cells is None else str(len(cells))}
                else:
                    yield number, dict(zip(self.columns, cells, strict=True))

    def _parquet(self) -> Iterator[tuple[int, dict[str, str]]]:
        number = 1
        for batch in _pyarrow().ParquetFile(self.path).iter_batches(AT_ONCE):
            for row in batch.to_pylist():
                number += 1
                yield number, {name: _text(value) for name, value in row.items()}


def open_table(path: Path) -> Table:
    """Look at a file: what it is, by its content, its columns and its length.

    Errors   Refused import.no_table, import.no_heading, import.no_text, import.no_parquet.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            if file.read(len(PARQUET)) == PARQUET:
                found = _pyarrow().ParquetFile(path)
                columns = tuple(found.schema_arrow.names)
                return Table(path, columns, found.metadata.num_rows, digest, None)
        encoding, lines = _encoding(path)
        with path.open(encoding=encoding, newline="") as text:
            heading = _cells(next((line for line in text if line.strip("\r\n")), ""))
    except OSError as error:
        raise _no(path, str(error.strerror)) from None
    if heading is None or len(heading) < 2 or len(set(heading)) != len(heading):
        raise Refused(Refusal("import.no_heading", {"file": path.name[:80]}))
    return Table(path, tuple(heading), max(lines - 1, 0), digest, encoding)


def _cells(line: str) -> list[str] | None:
    """The cells of one line; None where a quotation mark is left open or stands where none may."""
    if '"' not in line:
        return line.rstrip("\r\n").split(",")
    try:
        return next(csv.reader([line], strict=True))
    except csv.Error:
        return None


def _encoding(path: Path) -> tuple[str, int]:
    """UTF-8, with or without a mark, or else GB 18030, which spreadsheets in China write; and how
    many lines there are. The whole file is looked at, and nothing in it is replaced.
    """
    for encoding in ("utf-8", "gb18030"):
        decoder, lines = getincrementaldecoder(encoding)(), 0
        with path.open("rb") as file, suppress(UnicodeDecodeError):
            for block in iter(partial(file.read, 1 << 20), b""):
                decoder.decode(block)
                lines += block.count(b"\n")
            decoder.decode(b"", final=True)
            return "utf-8-sig" if encoding == "utf-8" else encoding, lines
    raise Refused(Refusal("import.no_text", {"file": path.name[:80]}))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _pyarrow() -> Any:
    try:
        from pyarrow import parquet  # type: ignore[import-untyped]  # it has no types
    except ImportError:
        raise Refused(Refusal("import.no_parquet")) from None
    return parquet


def _no(path: Path, why: str) -> Refused:
    return Refused(Refusal("import.no_table", {"file": path.name[:80], "why": why[:80]}))
