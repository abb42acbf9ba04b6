"""Sources and devices: who is heard at this moment."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from ..grid import sources
from ..views.desk import Desk
from . import models
from .answers import documented


def add(router: APIRouter, plain: Any) -> None:
    """The operation of this file."""

    @router.get("/sources", responses=documented(fresh=False), tags=["record"])
    def every_source(desk: Desk = plain) -> models.Sources:
        """Each source, heard or silent by the record, and the concentrators that we listen to."""
        return models.Sources(
            sources=[
                models.Source(
                    id=one.id,
                    name=models.TwoTexts(**one.entry["name"]),
                    operator=one.entry["operator"],
                    kinds=one.entry["kinds"],
                    counted=one.entry["counted"],
                    hearing=one.hearing,  # type: ignore[arg-type] # one of the three words
                    since=one.since,
                    why=one.why,
                )
                for one in sources.sources(desk)
            ],
            devices=[models.Device(**row) for row in sources.devices(desk)],
        )
