"""`file_offer`: how a listing is sold from now on. Body: {offer: the JSON of an Offer}.

Versions are numbered from 1. Policies that were sold keep the version they were sold on.
"""

from __future__ import annotations

import json
from functools import lru_cache

from ..terms.words import Declared
from ..underwriting.offer import Offer
from .base import Moment, Outcome, check_carriers, fields, known, refuse
from .envelope import Act
from .facts import product_of
from .state import State

KIND = "file_offer"
ROLES = frozenset({"operator", "carrier"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for a listing not known, a number out of turn, and figures that its terms lack."""
    (value,) = fields(act.body, offer=dict)
    offer = Offer.from_json(value)
    listed = known(state, "listing", offer.listing, "act.listing_not_known")
    check_carriers(listed["listing"], [offer.collector])
    before = sum(1 for _ in state.raw("offer", f"{offer.listing}/"))
    if offer.number != before + 1:
        raise refuse("act.offer_number", number=offer.number, wanted=before + 1)
    for other in offer.related:
        known(state, "listing", other, "act.listing_not_known")
    product = product_of(state, listed["product"])
    inputs = [of for version in product.versions for of in version.terms.inputs]
    wanted = {of.name: of for of in inputs if isinstance(of, Declared)}
    ranges = offer.declared()
    reinstated = set() if offer.changes.reinstate is None else {offer.changes.reinstate}
    for name in sorted(set(wanted) ^ (set(ranges) | reinstated)):
        raise refuse("act.offer_figures", name=name[:40], terms=", ".join(sorted(wanted)))
    for name, span in ranges.items():
        low, high = wanted[name].low, wanted[name].high
        if not low <= span.low <= span.high <= high:
            raise refuse("act.offer_range", name=name, low=low, high=high)
    entry = {"offer": offer.as_json(), "hash": offer.hash, "act": act.id}
    state.put("offer", f"{offer.listing}/{offer.number:06d}", entry)
    return Outcome()


@lru_cache(maxsize=64)
def _offer(filed: bytes) -> Offer:
    return Offer.from_json(json.loads(filed)["offer"])


def offer_of(state: State, listing: str, number: int) -> Offer:
    """One version of how a listing is or was sold; the same bytes are read once.

    Errors   Refused act.offer_not_known.
    """
    key = f"{listing}/{number:06d}"
    found = next(state.raw("offer", key), None)
    if found is None or found[0] != key:
        raise refuse("act.offer_not_known", id=key)
    return _offer(found[1])


def current_offer(state: State, listing: str) -> Offer:
    """The version that is sold now.

    Errors   Refused act.offer_not_known where the listing is not on sale.
    """
    filed = [value for _, value in state.raw("offer", f"{listing}/")]
    if not filed:
        raise refuse("act.offer_not_known", id=listing[:60])
    return _offer(filed[-1])


def on_sale(state: State) -> dict[str, Offer]:
    """The current offer of every listing that has one, in byte order of the listings."""
    last = {key.partition("/")[0]: value for key, value in state.raw("offer")}
    return {listing: _offer(filed) for listing, filed in sorted(last.items())}
