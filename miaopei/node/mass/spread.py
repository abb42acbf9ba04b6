"""Pure work over many parts, carried out in worker processes: a mass uses every core.

Workers know nothing of the record: they get values and give values back (those that seal persons
read the master key where it lies). A worker that dies takes the run with it as an alarm, and the
run is done again.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from typing import Any

from ...errors import Alarm
from ...measures.suites import in_use, named, use

DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux
AHEAD = 2  # parts a worker that wait, so that none is idle and little is held


class Workers:
    """A `confirm.Spread` over processes, which start at the second part and stay until `close`."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool: ProcessPoolExecutor | None = None

    def __call__(self, work: Callable[..., Any], parts: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        """The answers in the order of the parts; a single part is done here."""
        rest = iter(parts)
        first = list(islice(rest, 2))
        if self._count < 2 or len(first) < 2:
            return (work(*part) for part in chain(first, rest))
        return self._spread(work, chain(first, rest))

    def _spread(self, work: Callable[..., Any], parts: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(
                self._count, mp_context=context, initializer=_begin, initargs=(in_use.suite.name,)
            )
        waiting = deque[Future[Any]]()
        try:
            for part in parts:
                waiting.append(self._pool.submit(work, *part))
                if len(waiting) > AHEAD * self._count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as broken:
            self._pool = None
            raise Alarm("a worker process of the mass run has died") from broken

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def _begin(suite: str) -> None:
    """A worker goes by its member's suite, and ends where its member is killed."""
    use(named(suite))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL)
