"""Products: the list, one product with its versions and hashes, and the wording of a version."""

from __future__ import annotations

from ...terms.wording import articles, definitions
from ...terms.wording.conditions import conditions
from ...terms.words import Observed
from ..views import products
from ..views.products import Filed
from .page import Page
from .words import percent, span


def listing(page: Page) -> str:
    """Every filed product."""
    return page.html("products.html", "products", products=products.products(page.desk))


def one(page: Page) -> str | None:
    """One product."""
    filed = products.product(page.desk, page.parts["name"])
    if filed is None:
        return None
    return page.html(
        "product.html",
        "products",
        filed=filed,
        heading=_name(page, filed),
        labels_of=_labels(page, filed),
        percent=percent,
        span=lambda seconds: span(page, seconds),
    )


def wording(page: Page) -> str | None:
    """The wording of one version in the page's language."""
    filed = products.product(page.desk, page.parts["name"])
    number = page.parts["number"]
    if filed is None or not (number.isascii() and number.isdigit() and len(number) < 7):
        return None
    version = products.version_of(filed, int(number))
    if version is None:
        return None
    name, names = _name(page, filed), products.spoken(page.desk)
    capped = {each.listing.id: each.listing.occurrence_cap_fen for each in filed.listings}
    caps = {id: fen for id, fen in capped.items() if fen is not None}
    return page.html(
        "wording.html",
        "products",
        filed=filed,
        version=version,
        product_name=name,
        heading=f"{name} · {page.t('common.version', number=version.number)}",
        articles=articles(version.terms, page.language),
        conditions=conditions(filed.product, version.terms, page.language, names, caps),
        definitions=definitions(version.terms, page.language),
        hashes=filed.hashes(version),
    )


def _name(page: Page, filed: Filed) -> str:
    name = filed.product.name
    return name.zh if page.language == "zh" else name.en


def _labels(page: Page, filed: Filed) -> dict[str, str]:
    """The inputs' names in words, as the latest version that has them says."""
    found = {rule.name: rule.name for rule in filed.product.inputs}
    for version in filed.product.versions:
        for item in version.terms.inputs:
            if isinstance(item, Observed) and item.name in found:
                found[item.name] = item.zh if page.language == "zh" else item.en
    return found
