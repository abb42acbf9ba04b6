"""Products as filed: versions with their dates, provenance and hashes, and who lists them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...acts.facts import product_of
from ...market.listing import Listing
from ...terms.canonical import filing_hash, meaning_hash
from ...terms.filing import Product, Text, Version
from .desk import Desk

PERILS = frozenset(("earthquake", "outage"))  # perils that the pages have words of their own for


@dataclass(frozen=True)
class Listed:
    """A listing and the state of its book."""

    listing: Listing
    arrears: bool
    act: str
    book: Mapping[str, Any]


@dataclass(frozen=True)
class Filed:
    """A filed product with its listings and the act that filed it."""

    product: Product
    act: str
    position: int | None
    listings: tuple[Listed, ...]

    def hashes(self, version: Version) -> tuple[str, str]:
        """Meaning hash and filing hash of one version."""
        return meaning_hash(version.terms), filing_hash(version.terms)

    def as_json(self) -> dict[str, Any]:
        """For the API; the filing itself is served on its own."""
        return {
            "product": self.product.hash,
            "id": self.product.id,
            "name": self.product.name.as_json(),
            "peril": self.product.peril,
            "benefits": list(self.product.benefits),
            "illustrative": self.product.illustrative,
            "notes": self.product.notes.as_json(),
            "versions": [self._version(version) for version in self.product.versions],
            "listings": [listed.listing.as_json() for listed in self.listings],
            "act": self.act,
            "position": self.position,
        }

    def _version(self, version: Version) -> dict[str, Any]:
        meaning, filing = self.hashes(version)
        return {
            "number": version.number,
            "since": version.since,
            "until": version.until,
            "provenance": version.provenance.as_json(),
            "meaning_hash": meaning,
            "filing_hash": filing,
        }


def products(desk: Desk) -> tuple[Filed, ...]:
    """Every filed product, by its id, then hash."""

    def make() -> tuple[Filed, ...]:
        filings = desk.state.range("product", "")
        found = [_filed(desk, hash, entry["act"]) for hash, entry in filings]
        return tuple(sorted(found, key=lambda filed: (filed.product.id, filed.product.hash)))

    return desk.once("products", make)


def product(desk: Desk, name: str) -> Filed | None:
    """A product by its hash, or by its id where only one filing has it (else the listed one)."""
    found = [f for f in products(desk) if name in (f.product.hash, f.product.id)]
    listed = [filed for filed in found if filed.listings]
    return next(iter(listed or found), None)


def spoken(desk: Desk) -> dict[str, Text]:
    """The names of the divisions and the sources on file, by code and by id."""
    filed = [(value["code"], value["name"]) for _, value in desk.state.range("area", "")]
    filed += [(value["id"], value["name"]) for _, value in desk.state.range("source", "")]
    return {key: Text(name["zh"], name["en"]) for key, name in filed}


def perils(desk: Desk) -> frozenset[str]:
    """What the listings on record speak of."""
    return frozenset(filed.product.peril for filed in products(desk) if filed.listings)


def about(desk: Desk) -> str:
    """The peril that all listings on record speak of; "any" where none is listed, or several."""
    found = perils(desk)
    return min(found) if len(found) == 1 and found <= PERILS else "any"


def version_of(filed: Filed, number: int) -> Version | None:
    """One version by its number."""
    return next((v for v in filed.product.versions if v.number == number), None)


def listed(desk: Desk, name: str) -> Listed:
    """One listing by its id; KeyError."""
    entry = desk.state.need("listing", name)
    listing = Listing.from_json(entry["listing"])
    return Listed(listing, entry["arrears"], entry["act"], desk.state.need("book", listing.book))


def product_of_listing(desk: Desk, name: str) -> Product:
    """The product that a listing puts on the exchange; KeyError."""

    def make() -> Product:
        return product_of(desk.state, desk.state.need("listing", name)["product"])

    return desk.always(("product of", name), make)


def _filed(desk: Desk, hash: str, act: str) -> Filed:
    entries = desk.state.range("listing", "")
    mine = tuple(listed(desk, name) for name, entry in entries if entry["product"] == hash)
    return Filed(product_of(desk.state, hash), act, desk.reading.place(act), mine)
