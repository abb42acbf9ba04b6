"""The pages of invoices: all of them, and one as a document whose lines open to their calls."""

from __future__ import annotations

from ..pages.page import Page
from . import views


def listing(page: Page) -> str:
    """All invoices."""
    return page.html("invoices.html", "accounts", found=views.invoices(page.desk))


def one(page: Page) -> str | None:
    """One invoice."""
    name = "/".join(page.parts[part] for part in ("listing", "carrier", "month"))
    found = views.invoice(page.desk, name)
    if found is None:
        return None
    return page.html("invoice.html", "accounts", invoice=found)
