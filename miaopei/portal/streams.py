"""Server-sent events of what changes: one way for every page and program that waits for something.

Each look is a snapshot of its own, and only it takes a thread; who waits costs nothing.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from .problems import Problem

PAUSE = 1.0  # seconds between two looks
MOST_OPEN = 40  # streams at a time; each holds a connection, of which a server has a few hundred
AGAIN = 10  # seconds until whoever finds them all taken asks again
LONGEST = 600.0  # seconds; whoever still waits asks again, as a browser does by itself
IDLE = "event: idle\ndata: {}\n\n"
Look = Callable[[], Mapping[str, Any]]
Over = Callable[[], bool]


def over_of(request: Request) -> Over:
    """Whether the server is about to end, where whoever runs it says so (`app.state.over`)."""
    found: Over = getattr(request.app.state, "over", lambda: False)
    return found


async def changes(
    look: Look,
    event: str,
    *,
    ends: bool,
    over: Over = lambda: False,
    pause: float = PAUSE,
    longest: float = LONGEST,
) -> AsyncIterator[str]:
    """The lines of a stream: each thing that `look` names, at first and whenever it is different.

    `ends`: with the event `idle` as soon as nothing is left to be looked at. Else until `longest`
    has passed, or the server is `over`.
    """
    told: dict[str, Any] = {}
    until = time.monotonic() + longest
    while True:
        found = await run_in_threadpool(look)
        for key, value in found.items():
            if told.get(key) != value:
                told[key] = value
                yield f"event: {event}\ndata: {json.dumps(value)}\n\n"
        if ends and not found:
            yield IDLE
            return
        if time.monotonic() > until or over():
            return
        await asyncio.sleep(pause)


def answer(request: Request, lines: AsyncIterator[str]) -> StreamingResponse:
    """The stream as an answer.

    Errors   Problem too_many where as many are open as one process keeps: pages and calls go on.
    """
    state = request.app.state
    if getattr(state, "streams", 0) >= MOST_OPEN:
        raise Problem("too_many", seconds=AGAIN)
    headers = {"Cache-Control": "no-store"}
    kept = _counted(state, lines)
    return StreamingResponse(kept, media_type="text/event-stream", headers=headers)


async def _counted(state: Any, lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """The lines, counted among the open streams from the first to the last."""
    state.streams = getattr(state, "streams", 0) + 1
    try:
        async for line in lines:
            yield line
    finally:
        state.streams -= 1


def told(event: str, about: str, *more: str) -> dict[int | str, dict[str, Any]]:
    """How the schema tells of a stream."""
    shape = {
        "type": "object",
        "properties": {
            "event": {"enum": [event, *more]},
            "data": {"type": "string", "description": about},
        },
        "required": ["event", "data"],
    }
    return {200: {"content": {"text/event-stream": {"schema": shape}}, "description": about}}
