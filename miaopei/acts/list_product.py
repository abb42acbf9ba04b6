"""`list_product`: puts a filed product on the exchange: who carries, decides and pays.

Body: {listing: the JSON of a market Listing, product: hash of the filing, arrears: flag}. Opens the
listing's book and its line of triggers.
"""

from __future__ import annotations

from typing import Any

from ..errors import Refused
from ..evidence.shocks import each_decides
from ..ledger.merkle import Frontier
from ..market.listing import TIMES, Listing, Overpaid
from ..measures.identity import content_id
from .base import Moment, Outcome, check_id, fields, known, refuse
from .envelope import Act
from .rounds import BOUNDED_SINCE, SINCE
from .state import State

KIND = "list_product"
ROLES = frozenset({"operator", "carrier"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for a product not filed, a book taken, or a listing that does not check."""
    put(state, act, *checked(state, act, now))
    return Outcome()


def checked(state: State, act: Act, now: Moment) -> tuple[Listing, dict[str, Any]]:
    """The listing of a body that may stand, and the filing of its product.

    Errors   as `apply`.
    """
    value, product_hash, _ = fields(act.body, listing=dict, product=str, arrears=bool)
    if now.rules < SINCE and (new := [name for name in TIMES[1:] if name in value]):
        raise refuse("market.bad_field", field=new[0], why="not known")
    listing = Listing.from_json(value)
    check_id("id", listing.id)
    check_id("book", listing.book)
    filed = known(state, "product", product_hash, "act.product_not_filed")
    if listing.product != filed["product"]["id"]:
        raise refuse("act.product_differs", listed=listing.product, filed=filed["product"]["id"])
    each = each_decides(filed["product"]["grouping"])
    if each and listing.kept_or_receivable is not Overpaid.KEPT:
        raise refuse("act.nothing_asked_back", id=listing.id, product=listing.product)
    operators = {m: v["operator"] for m, v in state.range("member", "")}
    times = listing.check_times() if now.rules >= BOUNDED_SINCE else []
    if refusals := [*listing.check(operators), *times]:
        raise Refused(*refusals)
    if state.has("listing", listing.id) or state.has("book", listing.book):
        raise refuse("act.listing_taken", id=listing.id)
    return listing, filed


def put(state: State, act: Act, listing: Listing, filed: dict[str, Any]) -> None:
    """Open a listing, its book and its line of triggers."""
    rule = content_id("grouping", filed["product"]["grouping"])
    state.put(
        "listing",
        listing.id,
        {
            "listing": listing.as_json(),
            "product": act.body["product"],
            "rule": rule,
            "arrears": act.body["arrears"],
            "act": act.id,
        },
    )
    state.put("rule", f"{rule}/{listing.id}", filed["product"]["grouping"])
    state.put(
        "book",
        listing.book,
        {
            "listing": listing.id,
            "root": Frontier().root().hex(),
            "size": 0,
            "counter": 0,
            "open": None,
            "next": 0,
        },
    )
