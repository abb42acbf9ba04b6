"""Shapes of the API's answers about outages."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..api.models import Id, Shape

Stand = Literal["next", "now", "waiting", "held", "done", "ended"]


class Step(Shape):
    """One step of the day of an outage."""

    name: Literal["plan", "notices", "off", "back", "agree", "decide", "pay"]
    stand: Stand = Field(description="How far it has come.")
    at: int | None = Field(description="UTC seconds; null where there is no one instant.")
    done: int | None = Field(description="Notices delivered, claims, or fen confirmed, by step.")
    of: int | None = Field(description="Of how many; null where nothing is counted.")
    source: str | None = Field(description="Of `back`: which system.")


class Cover(Shape):
    """What one cover makes of the outage."""

    listing: str
    benefit: str
    state: str
    reason: str
    steps: list[Step]


class Outage(Shape):
    """An outage and how far its day has come."""

    occurrence: Id
    number: str = Field(description="The outage number of the command system.")
    steps: list[Step]
    covers: list[Cover]
