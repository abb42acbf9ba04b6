"""Many who ask at once: whoever waits at the same moment is answered of one snapshot, in one go.

A thread and a snapshot for each call would cost four words with the database a call, and threads
that take the interpreter from each other at every one. Here the calls that came while the last ones
were answered are the next to be answered together. The snapshot is taken after the last of them
came, so that nobody is told less than stood on the record when they asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from .views.desk import Desk, Desks

MOST = 256  # calls answered together; the first of them waits for the last
Answer = Callable[[Desk], Response]


@dataclass(frozen=True)
class Asked:
    """One call: the row of the state that it is about, and how it is answered."""

    row: tuple[str, str]
    make: Answer
    told: asyncio.Future[Response]


class Crowd:
    """Only for answers that are made quickly: each waits for those that came with it."""

    def __init__(self, desks: Desks) -> None:
        self._desks = desks
        self._waiting: list[Asked] = []
        self._work: asyncio.Task[None] | None = None

    async def answer(self, row: tuple[str, str], make: Answer) -> Response:
        """What `make` answers of a snapshot that has the row at hand.

        Errors   what `make` raises; of the store, for all that were asked together.
        """
        asked = Asked(row, make, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._until_nobody_waits())
        return await asked.told

    async def _until_nobody_waits(self) -> None:
        while self._waiting:
            together, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            try:
                found = await run_in_threadpool(self._answers, together)
            except Exception as error:  # noqa: BLE001  # told to each of them
                found = [error] * len(together)
            for asked, answer in zip(together, found, strict=True):
                if asked.told.done():  # whoever asked has gone
                    continue
                if isinstance(answer, Exception):
                    asked.told.set_exception(answer)
                else:
                    asked.told.set_result(answer)

    def _answers(self, together: Sequence[Asked]) -> list[Response | Exception]:
        with self._desks.open() as desk:
            desk.state.prefetch(asked.row for asked in together)
            return [_answered(asked, desk) for asked in together]


def _answered(asked: Asked, desk: Desk) -> Response | Exception:
    try:
        return asked.make(desk)
    except Exception as error:  # noqa: BLE001  # told to the one who asked
        return error
