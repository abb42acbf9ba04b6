"""Columns of books as files beside the database: opened in milliseconds, refused when altered.

One folder a book, one file a column, rows one after another and nothing else, so that a file is
mapped into memory as it lies. A list beside them says, for each 65,536 rows of each column, the
SHA-256 of its bytes; the digest of that list stands in `own.progress`. `open` looks at the list and
at the lengths, `check` reads every byte. Files are a copy: what is refused is made again from rows.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Fact, Refusal, Refused
from ..measures.identity import canonical, digest
from ..policies.schedule import Schedule, schedule_of

CHUNK = 65_536  # rows under one digest
KEPT = 2  # lists that stay: that of a transaction under way, and the one before it


class Files:
    """See `node.ports.ScheduleFiles`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, book: str, size: int, digest: str) -> Schedule:
        """The columns of a book, mapped; nothing but the list and the lengths is read.

        Errors   Refused schedule.missing, schedule.altered, schedule.cut.
        """
        said = self._list(book, size, digest)
        columns: dict[str, NDArray[Any]] = {}
        for name, (kind, width) in said["columns"].items():
            path = self._path(book, name)
            shape = (size,) if width == 1 else (size, width)
            needed = size * width * np.dtype(kind).itemsize
            have = path.stat().st_size if path.exists() else 0
            if have < needed:
                raise _no("cut", book=book, column=name, bytes=have, needed=needed)
            columns[name] = np.memmap(path, kind, "r", shape=shape)
        return schedule_of(book, columns)

    def check(self, book: str, size: int, digest: str) -> Schedule:
        """Read every byte below a size and hold it against the list; the very columns looked at.

        Errors   as `open`, and Refused schedule.altered naming column and first row.
        """
        said = self._list(book, size, digest)
        schedule = self.open(book, size, digest)
        with ThreadPoolExecutor(os.cpu_count()) as cores:  # hashing lets go of the interpreter
            for name, column in schedule.columns().items():
                wanted = said["chunks"][name]
                found = cores.map(partial(_digest, column, size=size), range(len(wanted)))
                for number, (one, other) in enumerate(zip(found, wanted, strict=True)):
                    if one != other:
                        raise _no("altered", book=book, column=name, row=number * CHUNK)
        return schedule

    def write(self, schedule: Schedule, start: int) -> str:
        """Write the rows from `start` on; the digest of the list that now describes the whole.

        A file made anew is put in place whole: who has the old one mapped keeps that.
        Errors   Refused schedule.altered where rows before `start`, of a part whose digest is made
                 anew, are not what the list said.
        """
        folder = self._folder / schedule.book
        folder.mkdir(parents=True, exist_ok=True)
        columns = schedule.columns()
        before = self._before(schedule.book, start, columns)
        for name, said in (before or {}).items():
            part = start // CHUNK
            if start % CHUNK and _digest(columns[name], part, start) != said[part]:
                raise _no("altered", book=schedule.book, column=name, row=part * CHUNK)
        chunks: dict[str, list[str]] = {}
        for name, column in columns.items():
            path = self._path(schedule.book, name)
            begin = start if path.exists() else 0
            raw = np.ascontiguousarray(column[begin:])
            aside = path if begin else path.with_suffix(".part")
            with aside.open("r+b" if begin else "wb") as file:
                file.seek(begin * _bytes_a_row(column))
                file.write(raw.tobytes())
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
            whole = before[name][: start // CHUNK] if before else []
            last = -(-schedule.size // CHUNK)
            more = [_digest(column, at, schedule.size) for at in range(len(whole), last)]
            chunks[name] = [*whole, *more]
        shapes = {n: [c.dtype.str, 1 if c.ndim == 1 else c.shape[1]] for n, c in columns.items()}
        body = {"v": 1, "book": schedule.book, "size": schedule.size}
        data = canonical({**body, "columns": shapes, "chunks": chunks})
        self._put_list(schedule.book, schedule.size, data)
        return digest(data)

    def _list(self, book: str, size: int, wanted: str) -> dict[str, Any]:
        path = self._folder / book / f"{size}.list"
        if not path.is_file():
            raise _no("missing", book=book, size=size)
        data = path.read_bytes()
        if digest(data) != wanted:
            raise _no("altered", book=book, column="the list of digests", row=0)
        said: dict[str, Any] = json.loads(data)
        return said

    def _before(
        self, book: str, start: int, columns: Mapping[str, NDArray[Any]]
    ) -> dict[str, list[str]] | None:
        """The digests of the list that ends at `start`, where there is one of the same columns."""
        path = self._folder / book / f"{start}.list"
        if not path.is_file():
            return None
        chunks: dict[str, list[str]] = json.loads(path.read_bytes())["chunks"]
        return chunks if chunks.keys() == columns.keys() else None

    def _put_list(self, book: str, size: int, data: bytes) -> None:
        folder = self._folder / book
        aside, path = folder / ".list", folder / f"{size}.list"
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        lists = sorted(folder.glob("[0-9]*.list"), key=lambda p: int(p.stem))
        for old in [p for p in lists if p != path][: -(KEPT - 1)]:
            old.unlink()

    def _path(self, book: str, name: str) -> Path:
        return self._folder / book / f"{name}.column"


def _digest(column: NDArray[Any], number: int, size: int) -> str:
    part = column[number * CHUNK : min((number + 1) * CHUNK, size)]
    return sha256(np.ascontiguousarray(part).view(np.uint8).reshape(-1).data).hexdigest()


def _bytes_a_row(column: NDArray[Any]) -> int:
    return column.itemsize * (1 if column.ndim == 1 else column.shape[1])


def _no(code: str, /, **facts: Fact) -> Refused:
    return Refused(Refusal(f"schedule.{code}", facts))
