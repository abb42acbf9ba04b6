"""The pages of invoices: all of them, and one as a document whose lines open to their calls."""

from __future__ import annotations

from ..pages.page import Page
from ..views.products import product_of_listing
from . import views


def listing(page: Page) -> str:
    """All invoices."""
    found = [(each, _cover(page, each)) for each in views.invoices(page.desk)]
    return page.html("invoices.html", "accounts", found=found)


def one(page: Page) -> str | None:
    """One invoice."""
    name = "/".join(page.parts[part] for part in ("listing", "carrier", "month"))
    found = views.invoice(page.desk, name)
    if found is None:
        return None
    return page.html("invoice.html", "accounts", invoice=found, cover=_cover(page, found))


def _cover(page: Page, invoice: views.Invoice) -> str:
    """The name of the product whose listing the data were called for."""
    name = product_of_listing(page.desk, invoice.value["listing"]).name
    return name.zh if page.language == "zh" else name.en
