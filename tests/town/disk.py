"""A disk that dies: a member's store that crashes its process at chosen writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from miaopei.adapters.memory_store import MemoryBlock, MemoryStore

HOW = ("before", "unfinished", "after")  # of a transaction: not begun, not kept, kept


class Crash(BaseException):
    """The process is gone; nothing of ours may catch it."""


class Disk(MemoryStore):
    """The memory store, whose n-th write kills whoever writes."""

    def __init__(self, kept: MemoryStore | None = None) -> None:
        super().__init__()
        if kept is not None:
            self._tables = kept._tables.copy()
        self.writes = 0
        self.dies: dict[int, str] = {}

    @contextmanager
    def writing(self) -> Iterator[MemoryBlock]:
        self.writes += 1
        how = self.dies.pop(self.writes, None)
        if how == "before":
            raise Crash
        with super().writing() as block:
            yield block
            if how == "unfinished":
                raise Crash
        if how == "after":
            raise Crash
