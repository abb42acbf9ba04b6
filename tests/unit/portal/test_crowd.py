"""Many who ask at once share a snapshot, and nobody is told less than stood when they asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from starlette.responses import Response

from miaopei.adapters.memory_store import MemoryStore
from miaopei.errors import OutsideFault
from miaopei.node.ports import Reading
from miaopei.portal.crowd import MOST, Crowd
from miaopei.portal.problems import Problem
from miaopei.portal.settings import Settings
from miaopei.portal.views.desk import Desk, Desks


class Counted:
    """A store that counts its snapshots, does something before each, and fails while it is away."""

    def __init__(self) -> None:
        self.store, self.opened = MemoryStore(), 0
        self.before: Callable[[], None] = lambda: None
        self.away = False

    def write(self, key: str, value: bytes) -> None:
        """Something new on the record."""
        with self.store.writing() as block:
            block.put("case", key, value)

    def reading(self) -> AbstractContextManager[Reading]:
        """As the port asks."""
        return self._reading()

    @contextmanager
    def _reading(self) -> Iterator[Reading]:
        self.opened += 1
        self.before()
        if self.away:
            raise OutsideFault("away", retry=True)
        with self.store.reading() as reading:
            yield reading


def told(key: str) -> Callable[[Desk], Response]:
    """Answers the value at a key."""

    def make(desk: Desk) -> Response:
        value = desk.reading.get("case", key)
        if value is None:
            raise Problem("not_found", what=key)
        return Response(value)

    return make


def test_calls_that_wait_together_are_answered_of_few_snapshots_each_with_its_own_answer() -> None:
    store = Counted()
    calls = 3 * MOST
    for number in range(calls):
        store.write(f"k{number}", b"%d" % number)

    async def ask() -> list[bytes]:
        crowd = Crowd(Desks(store, Settings()))
        asked = [crowd.answer(("case", f"k{n}"), told(f"k{n}")) for n in range(calls)]
        return [bytes(answer.body) for answer in await asyncio.gather(*asked)]

    assert asyncio.run(ask()) == [b"%d" % number for number in range(calls)]
    assert store.opened == 3


def test_who_asks_after_a_write_sees_it_even_while_others_are_answered() -> None:
    store = Counted()
    store.write("first", b"1")

    async def ask() -> tuple[bytes, bytes]:
        crowd = Crowd(Desks(store, Settings()))
        loop = asyncio.get_running_loop()
        written = asyncio.Event()

        def write_once() -> None:
            store.before = lambda: None
            store.write("second", b"2")
            loop.call_soon_threadsafe(written.set)

        store.before = write_once
        first = asyncio.create_task(crowd.answer(("case", "first"), told("first")))
        await written.wait()
        second = await crowd.answer(("case", "second"), told("second"))
        return bytes((await first).body), bytes(second.body)

    assert asyncio.run(ask()) == (b"1", b"2")


def test_one_that_fails_or_goes_away_hinders_nobody() -> None:
    store = Counted()
    store.write("here", b"1")

    async def ask() -> list[Response | BaseException]:
        crowd = Crowd(Desks(store, Settings()))
        keys = ("here", "nowhere", "here", "here")
        tasks = [asyncio.create_task(crowd.answer(("case", k), told(k))) for k in keys]
        await asyncio.sleep(0)
        tasks[2].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, missing, gone, last = asyncio.run(ask())
    assert isinstance(first, Response)
    assert isinstance(last, Response)
    assert isinstance(missing, Problem)
    assert isinstance(gone, asyncio.CancelledError)


def test_a_store_that_is_away_is_told_to_all_of_them_and_asked_again_next_time() -> None:
    store = Counted()
    store.write("here", b"1")

    async def ask() -> list[Response | BaseException]:
        crowd = Crowd(Desks(store, Settings()))
        store.away = True
        both = [crowd.answer(("case", "here"), told("here")) for _ in range(2)]
        found = await asyncio.gather(*both, return_exceptions=True)
        store.away = False
        return [*found, await crowd.answer(("case", "here"), told("here"))]

    first, second, third = asyncio.run(ask())
    assert isinstance(first, OutsideFault)
    assert isinstance(second, OutsideFault)
    assert isinstance(third, Response)
    assert third.body == b"1"
