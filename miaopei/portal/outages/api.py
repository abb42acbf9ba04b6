"""Outages for programs: as a list, and as a stream of events for whoever follows the day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from .. import streams
from ..api.answers import documented
from ..api.models import Listed
from ..views.desk import Desk, Desks
from . import models, story

MOST = 20  # the newest outages that are told
ABOUT = "Events `outage`: an Outage as JSON, at first and whenever it has come further."


def add(router: APIRouter, desks: Desks, plain: Any) -> None:
    """The operations of this file."""

    @router.get("/outages", responses=documented(fresh=False), tags=["events"])
    def outages(desk: Desk = plain) -> Listed[models.Outage]:
        """The newest planned outages, each with how far its day has come."""
        found = [models.Outage(**each.as_json()) for each in story.latest(desk, MOST)]
        return Listed(items=found, next=None)

    @router.get(
        "/outages/events",
        response_class=StreamingResponse,
        responses={**documented(fresh=False), **streams.told("outage", ABOUT)},
        tags=["events"],
    )
    def stream(request: Request) -> StreamingResponse:
        """Server-sent events: each outage, at first and whenever a step of it has moved."""
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
            return {each.event.id: each.as_json() for each in story.latest(desk, MOST)}

    return streams.changes(look, "outage", ends=False, over=over, pause=pause, longest=longest)
