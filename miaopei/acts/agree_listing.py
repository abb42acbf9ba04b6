"""`list_product` from rule set 4 on: where members have seats, a listing binds who has agreed.

Body and effect are those of `list_product`. An operator or a carrier proposes it, and each that it
would bind says the same body: who pays, who stands by, who decides, and the carriers that can send
acts. The word of the last of them lists it. A record without seats goes on as before.
Source: docs/specs/consortium.md, section 13.
"""

from __future__ import annotations

from ..market.listing import Listing
from . import approvals, list_product
from .admit_member import KNOWN_ROLES
from .base import Moment, Outcome
from .envelope import Act
from .state import State

KIND = list_product.KIND
ROLES = KNOWN_ROLES  # whoever the listing would bind, and else an operator or a carrier: see below


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused as `list_product`, and for who is neither asked nor may propose."""
    if not approvals.seated(state):
        approvals.check_role(state, act, list_product.ROLES)
        return list_product.apply(state, act, now)
    listing, filed = list_product.checked(state, act, now)
    needs = parties(state, listing)
    if act.by not in needs:
        approvals.check_role(state, act, list_product.ROLES)
    because, outcome = approvals.agree(state, act, now, needs)
    if because:
        list_product.put(state, act, listing, filed)
    return outcome


def parties(state: State, listing: Listing) -> set[str]:
    """Who must agree before a listing stands: a carrier that no key speaks for cannot be asked."""
    carriers = {share.carrier for share in listing.placement.shares}
    standby = set() if listing.standby_payer is None else {listing.standby_payer}
    asked = {name for name in carriers if state.need("member", name)["keys"]}
    return {listing.payer, *standby, *listing.deciders, *asked}
