"""Occurrences and cases."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from ..problems import Problem
from ..views import cases, events
from ..views.desk import Desk
from . import models
from .answers import Cursor, Limit, Named, Sixty, after, cut, documented


def add(router: APIRouter, marked: Any) -> None:
    """The operations of this file."""
    _occurrences(router, marked)
    _cases(router, marked)


def _occurrences(router: APIRouter, marked: Any) -> None:
    """What happened, and what was said of it."""

    @router.get("/occurrences", responses=documented(400), tags=["events"])
    def occurrences(
        desk: Desk = marked, cursor: Cursor = None, limit: Limit = 50
    ) -> models.Listed[models.Occurrence]:
        """Every occurrence, by grouping rule, then time."""
        rows = desk.reading.range("occurrence", after(cursor), None, limit + 1)
        keys, following = cut([key for key, _ in rows], limit)
        found = (events.event(desk, key.rpartition("/")[2]) for key in keys)
        items = [models.Occurrence(**each.summary()) for each in found if each is not None]
        return models.Listed(items=items, next=following)

    @router.get("/occurrences/{id}", responses=documented(400, 404), tags=["events"])
    def occurrence(id: Sixty, desk: Desk = marked) -> models.WholeOccurrence:
        """One occurrence with every observation, revision and report, and which one counted."""
        event = events.event(desk, id)
        if event is None:
            raise Problem("not_found", what=id)
        value = event.as_json()
        for part, seen in (("shocks", event.shocks), ("reports", event.reports)):
            value[part] = [
                models.Observation(**each.as_json(), attested=events.attested(desk, each))
                for each in seen
            ]
        value["cases"] = [models.Case(**each.as_json()) for each in event.cases]
        return models.WholeOccurrence(**value)


def _cases(router: APIRouter, marked: Any) -> None:
    """Where each benefit stands."""
    this = marked.of("case", "{listing}/{occurrence}/{benefit}")

    @router.get("/cases", responses=documented(400), tags=["events"])
    def every_case(
        desk: Desk = marked,
        cursor: Cursor = None,
        limit: Limit = 50,
        listing: Annotated[
            str | None, Query(pattern=r"^[a-z0-9_.-]{1,60}$", description="Of this listing.")
        ] = None,
        state: Annotated[
            str | None, Query(pattern=r"^[a-z_]{1,40}$", description="In this state.")
        ] = None,
    ) -> models.Listed[models.Case]:
        """Every case, by listing and occurrence: what settled, what waits, and why."""
        found = []
        for key, value in desk.state.between("case", after(cursor), "\x7f"):
            if listing in (None, value["listing"]) and state in (None, value["state"]):
                found.append(key)
            if len(found) > limit:
                break
        keys, following = cut(found, limit)
        each = (cases.case(desk, *key.split("/")) for key in keys)
        items = [models.Case(**case.as_json()) for case in each if case is not None]
        return models.Listed(items=items, next=following)

    @router.get(
        "/cases/{listing}/{occurrence}/{benefit}", responses=documented(400, 404), tags=["events"]
    )
    def one_case(
        listing: Named, occurrence: Sixty, benefit: Named, desk: Desk = this
    ) -> models.Case:
        """One case with the facts it has found."""
        case = cases.case(desk, listing, occurrence, benefit)
        if case is None:
            raise Problem("not_found", what=f"{listing}/{occurrence[:16]}/{benefit}")
        return models.Case(**case.as_json())
