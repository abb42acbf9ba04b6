"""Tables of text: CSV and Parquet files as rows of cells, with the number of each row.

What the cells mean is in `reading`. Parquet needs the extra `import` (pyarrow).
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import Refusal, Refused

PARQUET = b"PAR1"
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
        """Each row with its number in the file; the first row under the heading is 2."""
        return self._csv(self.encoding) if self.encoding else self._parquet()

    def _csv(self, encoding: str) -> Iterator[tuple[int, dict[str, str]]]:
        with self.path.open(encoding=encoding, newline="", errors="replace") as file:
            lines = (line for line in csv.reader(file) if line)  # an empty line is no row
            columns = next(lines, [])
            for number, line in enumerate(lines, 2):
                short = len(columns) - len(line)
                yield number, dict(zip(columns, [*line, *[""] * short], strict=False))

    def _parquet(self) -> Iterator[tuple[int, dict[str, str]]]:
        number = 1
        for batch in _pyarrow().ParquetFile(self.path).iter_batches(AT_ONCE):
            for row in batch.to_pylist():
                number += 1
                yield number, {name: _text(value) for name, value in row.items()}


def open_table(path: Path) -> Table:
    """Look at a file: what it is, by its content, its columns and its length.

    Errors   Refused import.no_table, import.no_parquet.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            start = file.read(1 << 16)
            if start.startswith(PARQUET):
                found = _pyarrow().ParquetFile(path)
                columns = tuple(found.schema_arrow.names)
                return Table(path, columns, found.metadata.num_rows, digest, None)
            file.seek(0)
            lines = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    except OSError as error:
        raise _no(path, str(error.strerror)) from None
    encoding = _encoding(start)
    heading = next(csv.reader(start.decode(encoding, "replace").splitlines()), [])
    if len(heading) < 2 or len(set(heading)) != len(heading):
        raise _no(path, "the first line does not name the columns, each once")
    return Table(path, tuple(heading), max(lines - 1, 0), digest, encoding)


def _encoding(start: bytes) -> str:
    """UTF-8, with or without a mark, or else GB 18030, which spreadsheets in China write."""
    try:
        start[: start.rfind(b"\n") + 1 or None].decode("utf-8")
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8-sig"


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
