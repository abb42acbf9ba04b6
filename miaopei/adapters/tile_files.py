"""The log as static files in a folder: written after commit, made again at will.

PostgreSQL is the truth; these files are its public copy in the layout of `ledger.tiles`. Every file
is written aside, made durable and renamed into place, the checkpoint last, so that a reader never
sees a checkpoint without the files it needs, wherever the writer was stopped.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

from ..errors import Fact, OutsideFault, RecordDamaged, Refusal, Refused
from ..ledger.checkpoint import Checkpoint, parse
from ..ledger.merkle import Frontier, leaf_hash, root_of
from ..ledger.tiles import (
    CHECKPOINT,
    HEIGHT,
    WIDTH,
    Tile,
    encode_bundle,
    frontier_at,
    hashes_of,
    read_path,
    right_edge,
    tile_bytes,
)

_ASIDE = ".writing"
_PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EAGAIN, errno.ENFILE, errno.EMFILE}
Rows = list[list[bytes]]


class Source(Protocol):
    """Where the entries come from: a store at one certified size."""

    @property
    def size(self) -> int:
        """Number of entries up to which the files are written."""

    @property
    def checkpoint(self) -> str:
        """The signed checkpoint of exactly that size."""

    def entries(self, start: int, end: int) -> Iterable[bytes]:
        """Entries [start, end) in order; asked for more than once."""


@dataclass(frozen=True)
class Written:
    """What a run did: the size now served, and how many files it wrote or repaired."""

    size: int
    files: int


def write(
    folder: Path, source: Source, *, whole: bool = False, published: Iterable[int] = ()
) -> Written:
    """Bring the files of a folder up to the source's size.

    Starts from the size that the folder already serves, if its files bear that out, else from
    nothing; `whole` compares every file and repairs those that are missing or differ. `published`
    names earlier sizes whose checkpoints others hold: their partial tiles are written as well
    where the full tile does not exist yet. Nothing is removed; the same source gives the same
    bytes.
    Errors   Refused ledger.folder_other_log, ledger.folder_longer; RecordDamaged when the entries
             do not hash to the checkpoint; OutsideFault (retry: disk full, a second writer).
    """
    head = parse(source.checkpoint)
    if head.size != source.size:
        raise RecordDamaged("checkpoint of another size", told=head.size, size=source.size)
    try:
        with _alone(folder):
            rows = _begin(folder, source, head, whole=whole)
            work = _Work(folder, source, rows)
            work.run(sorted(set(published)))
            work.put(CHECKPOINT, source.checkpoint.encode("utf-8"))
            work.settle()
            return Written(head.size, work.files)
    except OSError as error:
        raise _fault(error) from error


def reader(folder: Path) -> Callable[[str], bytes | None]:
    """Read the log's files by path, None for what is not there or no path of a log.

    Errors   OutsideFault when the disk refuses.
    """

    def read(path: str) -> bytes | None:
        if path != CHECKPOINT and read_path(path) is None:
            return None
        try:
            return (folder / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise _fault(error) from error

    return read


def names(folder: Path) -> list[str]:
    """All files in the folder as paths of the log, sorted, without what is being written."""
    found = (path for path in folder.rglob("*") if path.is_file())
    parts = (path.relative_to(folder).parts for path in found)
    return sorted("/".join(each) for each in parts if each[0] != _ASIDE)


@dataclass
class _Work:
    """One run of writing: from the right edge that is already there to the source's size."""

    folder: Path
    source: Source
    rows: Rows
    files: int = 0
    touched: set[Path] = field(default_factory=set)

    def run(self, published: Iterable[int]) -> None:
        """Write every bundle and tile that the growth calls for."""
        size = self.source.size
        start = _size(self.rows)
        base = start - start % WIDTH
        if self.rows:
            self.rows[0] = []  # The entries of the last bundle come again, and their hashes too.
        coming = iter(self.source.entries(base, size))
        last: list[bytes] = []
        for index in range(base // WIDTH, -(-size // WIDTH)):
            last = list(islice(coming, WIDTH))
            self.put(Tile(None, index, len(last)).path, encode_bundle(last))
            for entry in last:
                self._add(0, leaf_hash(entry), index)
        self._partial(size, last)
        for earlier in published:
            if 0 < earlier < size:
                self._partial(earlier, last)

    def put(self, path: str, data: bytes) -> None:
        """Make one file hold these bytes, at once or not at all."""
        target = self.folder / path
        with suppress(FileNotFoundError, NotADirectoryError):
            if target.read_bytes() == data:
                return
        self._make_folder(target.parent)
        aside = self.folder / _ASIDE / "file"
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path == CHECKPOINT:
            self.settle()
        aside.replace(target)
        self.touched.add(target.parent)
        self.files += 1

    def settle(self) -> None:
        """Make the names of the files written so far durable."""
        for path in sorted(self.touched):
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        self.touched.clear()

    def _add(self, level: int, node: bytes, index: int) -> None:
        """Add a hash to the open tile of a level; a full tile is written and hashed upwards."""
        if level == len(self.rows):
            self.rows.append([])
        row = self.rows[level]
        row.append(node)
        if len(row) == WIDTH:
            self.put(Tile(level, index).path, tile_bytes(row))
            self.rows[level] = []
            self._add(level + 1, root_of(row), index // WIDTH)

    def _partial(self, size: int, last: list[bytes]) -> None:
        """The partial files of a size, as far as their full files do not exist yet."""
        end = self.source.size
        width = size % WIDTH
        if width and size // WIDTH == end // WIDTH:
            self.put(Tile(None, size // WIDTH, width).path, encode_bundle(last[:width]))
        for tile in right_edge(size):
            level = tile.level or 0
            if tile.index == (end >> HEIGHT * level) // WIDTH:
                self.put(tile.path, tile_bytes(self.rows[level][: tile.width]))

    def _make_folder(self, path: Path) -> None:
        if not path.is_dir():
            self._make_folder(path.parent)
            path.mkdir(exist_ok=True)
            self.touched.add(path.parent)


def _begin(folder: Path, source: Source, head: Checkpoint, *, whole: bool) -> Rows:
    """The right edge to start from, after checking that the entries lead to the checkpoint.

    Nothing is written before this has gone well: a folder that serves another log is refused.
    """
    served = _served(folder)
    if served is not None and served.origin != head.origin:
        raise _refused("ledger.folder_other_log", folder, served, head)
    if served is not None and served.size > head.size:
        raise _refused("ledger.folder_longer", folder, served, head)
    rows = [] if served is None or whole else _edge(folder, served)
    start = frontier_at(rows)
    if start.size and _extended(start, source, head.size).root() == head.root:
        return rows
    middle = _extended(Frontier(), source, 0 if served is None else served.size)
    if _extended(middle, source, head.size).root() != head.root:
        raise RecordDamaged("entries do not hash to the checkpoint's root", size=head.size)
    if served is not None and middle.root() != served.root:
        raise _refused("ledger.folder_other_log", folder, served, head)
    return []


def _served(folder: Path) -> Checkpoint | None:
    """The checkpoint that the folder serves, None if it has none that can be read."""
    data = reader(folder)(CHECKPOINT)
    try:
        return parse(data) if data is not None else None
    except Refused:
        return None


def _edge(folder: Path, served: Checkpoint) -> Rows:
    """The hashes of the right-edge tiles of the served size; none if they do not bear it out."""
    read = reader(folder)
    rows: Rows = []
    for tile in right_edge(served.size):
        data = read(tile.path)
        if data is None or len(data) != tile.width * 32:
            return []
        level = tile.level or 0
        rows.extend([] for _ in range(level + 1 - len(rows)))
        rows[level] = hashes_of(data)
    return rows if frontier_at(rows).root() == served.root else []


def _extended(frontier: Frontier, source: Source, end: int) -> Frontier:
    return frontier.extend(leaf_hash(each) for each in source.entries(frontier.size, end))


def _size(rows: Rows) -> int:
    return sum(len(row) << HEIGHT * level for level, row in enumerate(rows))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's writing lock; what an earlier run left half-written is overwritten."""
    aside = folder / _ASIDE
    aside.mkdir(parents=True, exist_ok=True)
    handle = os.open(aside, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutsideFault("another process writes these log files", retry=True) from None
        try:
            yield
        finally:
            (aside / "file").unlink(missing_ok=True)
    finally:
        os.close(handle)


def _refused(code: str, folder: Path, served: Checkpoint, head: Checkpoint) -> Refused:
    facts: dict[str, Fact] = {"folder": str(folder), "there": served.origin}
    return Refused(Refusal(code, {**facts, "size": served.size, "ours": head.size}))


def _fault(error: OSError) -> OutsideFault:
    what = f"the log's files: {error.strerror or error}"
    return OutsideFault(what, retry=error.errno in _PASSING)
