"""Masses under way: as a list, and as a stream of events for whoever waits for one."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from ...node.mass.watching import masses
from ..views.desk import Desk, Desks
from . import models
from .answers import documented

PAUSE = 1.0  # seconds between two looks
LONGEST = 600.0  # seconds; whoever still waits asks again
EVENT = {
    "type": "object",
    "properties": {
        "event": {"enum": ["mass", "idle"]},
        "data": {"type": "string", "description": "A Mass as JSON; {} where none is left."},
    },
    "required": ["event", "data"],
}
STREAM = {
    200: {
        "content": {"text/event-stream": {"schema": EVENT}},
        "description": "Events `mass` (a Mass as JSON) and, when none is left, `idle`.",
    }
}


def add(router: APIRouter, desks: Desks, plain: Any) -> None:
    """The operations of this file."""

    @router.get("/masses", responses=documented(fresh=False), tags=["events"])
    def under_way(desk: Desk = plain) -> models.Listed[models.Mass]:
        """What is being decided and paid at this moment, with how far it is."""
        found = [models.Mass(**asdict(each)) for each in masses(desk.reading, desk.state)]
        return models.Listed(items=found, next=None)

    @router.get(
        "/masses/events",
        response_class=StreamingResponse,
        responses={**documented(fresh=False), **STREAM},  # type: ignore[dict-item]  # FastAPI's own form
        tags=["events"],
    )
    def stream() -> StreamingResponse:
        """Server-sent events: each mass whenever it has come further, until none is left."""
        headers = {"Cache-Control": "no-store"}
        return StreamingResponse(events(desks), media_type="text/event-stream", headers=headers)


async def events(
    desks: Desks, pause: float = PAUSE, longest: float = LONGEST
) -> AsyncIterator[str]:
    """The lines of the stream; each look is a snapshot of its own, and only it takes a thread."""
    told: dict[str, dict[str, Any]] = {}
    until = time.monotonic() + longest
    while True:
        found = await run_in_threadpool(_look, desks)
        for mass in found:
            if told.get(mass["id"]) != mass:
                told[mass["id"]] = mass
                yield f"event: mass\ndata: {json.dumps(mass)}\n\n"
        if not found:
            yield "event: idle\ndata: {}\n\n"
            return
        if time.monotonic() > until:
            return
        await asyncio.sleep(pause)


def _look(desks: Desks) -> list[dict[str, Any]]:
    with desks.open() as desk:
        return [asdict(each) for each in masses(desk.reading, desk.state)]
