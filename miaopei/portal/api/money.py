"""Settlements, payouts and accounts."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from ..problems import Problem
from ..views import accounts, money
from ..views.desk import Desk
from . import models
from .answers import Cursor, Limit, Sixty, after, cut, documented


def add(router: APIRouter, marked: Any, plain: Any) -> None:
    """The operations of this file."""

    @router.get("/settlements", responses=documented(400), tags=["money"])
    def settlements(
        desk: Desk = marked, cursor: Cursor = None, limit: Limit = 50
    ) -> models.Listed[models.Settlement]:
        """Every settlement, by id."""
        rows = desk.reading.range("settlement", after(cursor), None, limit + 1)
        keys, following = cut([key for key, _ in rows], limit)
        found = (money.settlement(desk, key) for key in keys)
        items = [models.Settlement(**each.as_json()) for each in found if each is not None]
        return models.Listed(items=items, next=following)

    @router.get("/settlements/{id}", responses=documented(400, 404), tags=["money"])
    def settlement(id: Sixty, desk: Desk = marked) -> models.Settlement:
        """One settlement, and how much of it the bank has confirmed."""
        return models.Settlement(**_settlement(desk, id).as_json())

    @router.get(
        "/settlements/{id}/payouts", responses=documented(400, 404, fresh=False), tags=["money"]
    )
    def payouts(id: Sixty, desk: Desk = plain) -> models.Listed[models.Payout]:
        """Single payouts with the bank's references: of open books only, else none."""
        found = money.payouts(desk, _settlement(desk, id))
        items = [models.Payout(**payout.as_json()) for payout in found]
        return models.Listed(items=items, next=None)

    @router.get("/accounts", responses=documented(400), tags=["money"])
    def trial_balance(desk: Desk = marked) -> models.Listed[models.Owner]:
        """The trial balance of every owner."""
        owners = accounts.accounts(desk).owners
        items = [models.Owner(**owned.as_json()) for owned in owners]
        return models.Listed(items=items, next=None)


def _settlement(desk: Desk, id: str) -> money.Settlement:
    found = money.settlement(desk, id)
    if found is None:
        raise Problem("not_found", what=id)
    return found
