"""Masses under way: as a list, and as a stream of events for whoever waits for one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from ...node.mass.watching import masses
from .. import streams
from ..views.desk import Desk, Desks
from . import models
from .answers import documented

ABOUT = "Events `mass` (a Mass as JSON) and, when none is left, `idle` ({})."


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
        responses={**documented(fresh=False), **streams.told("mass", ABOUT, "idle")},
        tags=["events"],
    )
    def stream(request: Request) -> StreamingResponse:
        """Server-sent events: each mass whenever it has come further, until none is left."""
        return streams.answer(request, events(desks, streams.over_of(request)))


def events(
    desks: Desks,
    over: streams.Over = lambda: False,
    *,
    pause: float = streams.PAUSE,
    longest: float = streams.LONGEST,
) -> AsyncIterator[str]:
    """The lines of the stream."""

    def look() -> dict[str, dict[str, Any]]:
        with desks.open() as desk:
            return {each.id: asdict(each) for each in masses(desk.reading, desk.state)}

    return streams.changes(look, "mass", ends=True, over=over, pause=pause, longest=longest)
