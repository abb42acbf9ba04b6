"""The HTTP API under /api/v1: the same views as the pages, as JSON with ids, marks and cursors."""

from __future__ import annotations

from fastapi import APIRouter

from .. import anchors
from ..buying import api as buying
from ..invoices import api as invoices
from ..outages import api as outages
from ..views.desk import Desks
from . import events, masses, money, proof, record, sources
from .reads import Asks, Reads, Short

PREFIX = "/api/v1"


def router(desks: Desks, salt: str) -> APIRouter:
    """Every operation. `salt` tells one running program's marks from another's."""
    found = Reads(desks, salt, PREFIX)
    marked, plain = Asks(marked=True), Asks(marked=False)
    record.add(found, marked, plain)
    anchors.add(found, plain)
    sources.add(found, plain)
    events.add(found, marked)
    masses.add(found, desks, plain)
    outages.add(found, desks, plain)
    invoices.add(found, desks, plain)
    money.add(found, marked, plain)
    proof.add(found, desks, marked, plain)
    buying.add(found, desks, plain)
    found.routes.sort(key=lambda route: not isinstance(route, Short))  # the first tried come first
    return found
