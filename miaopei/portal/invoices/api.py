"""Invoices for programs: as a list, and their lines as CSV."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from ..api.answers import documented
from ..api.models import Fen, Instant, Listed, Shape
from ..views.desk import Desk, Desks
from . import views

Month = Annotated[str, Field(description="A month in Beijing.", examples=["2026-05"])]


class Line(Shape):
    """One line of an invoice."""

    number: int
    item: Literal["users", "records", "rent"]
    model: str = Field(description="The claim model's hash; empty for rent.")
    month: Month
    calls: int
    quantity: int
    rate_fen: Fen
    amount_fen: Fen


class Invoice(Shape):
    """What a carrier owes a provider for a month, and how far it is paid."""

    invoice: str = Field(description="LISTING/CARRIER/MONTH.")
    listing: str
    carrier: str
    provider: str
    month: Month
    at: Instant
    total_fen: Fen
    credited_fen: Fen
    net_fen: Fen
    paid_fen: Fen
    set_off_fen: int = Field(description="Met by what was overpaid elsewhere; below zero: gave it.")
    left_fen: int = Field(description="Not ordered yet; below zero: credited after payment.")
    held_fen: Fen
    state: Literal["open", "held", "ordered", "paid"]
    lines: list[Line]


def add(router: APIRouter, desks: Desks, plain: Any) -> None:
    """The operations of this file."""

    @router.get("/invoices", responses=documented(fresh=False), tags=["money"])
    def invoices(desk: Desk = plain) -> Listed[Invoice]:
        """Every invoice for data calls and compute, with what is paid, held back and left."""
        found = [Invoice(**each.as_json()) for each in views.invoices(desk)]
        return Listed(items=found, next=None)

    @router.get(
        "/invoices/csv",
        response_class=Response,
        responses={
            **documented(fresh=False),
            200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "CSV."},
        },
        tags=["money"],
    )
    def lines() -> Response:
        """The lines of every invoice as CSV: quantities as integers, money in fen."""
        with desks.open() as desk:
            text = views.as_csv(desk)
        named = {"Content-Disposition": 'attachment; filename="invoices.csv"'}
        return Response(text, media_type="text/csv", headers={**named, "Cache-Control": "no-store"})
