"""How far the record was told to a second ledger, as its outbox says: for the page and the API.

No chain is asked: a page never waits for one. What `miaopei anchor check` finds is not here.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from ...errors import Refusal
from ...errors.texts import say
from ..api import models
from ..api.answers import documented
from ..views.desk import Desk


def add(router: APIRouter, plain: Any) -> None:
    """The operation of this room."""

    @router.get("/anchors", responses=documented(fresh=False), tags=["record"])
    def anchors(desk: Desk = plain) -> models.Anchors:
        """How far this record is anchored on a second ledger; null where it is not."""
        found = anchored(desk)
        return models.Anchors(anchored=None if found is None else models.Anchored(**found))


def anchored(desk: Desk) -> dict[str, Any] | None:
    """The largest anchored size, how far it is behind, what waits and what is wrong."""
    told = desk.settings.anchored()
    if told is None:
        return None
    trouble, said = told["trouble"], None
    if trouble is not None:
        refusal = Refusal(trouble["code"], trouble["facts"])
        said = {"zh": say(refusal, "zh"), "en": say(refusal, "en")}
    lag = max(0, desk.head.size - told["size"])
    named = {name: told[name] for name in ("size", "entry", "height", "waiting")}
    return {**named, "lag": lag, "trouble": said}
