"""`list_product` from rule set 4 on: where members have seats, a listing binds who has agreed.

Body and effect are those of `list_product`. An operator or a carrier proposes it, and each that it
would bind says the same body: who pays, who stands by, who decides, and the carriers that can send
acts. The word of the last of them lists it. A record without seats goes on as before.

From rule set 5 on nobody lists in the name of carriers that cannot speak without a real member that
answers for it: unless the payer or a carrier that has keys sits among the members, more than two
thirds of the votes must want it too.
Source: docs/specs/consortium.md, section 13.
"""

from __future__ import annotations

from ...market.listing import Listing
from .. import approvals, list_product
from ..base import KNOWN_ROLES, Moment, Outcome
from ..envelope import Act
from ..seats import TABLE as SEAT
from ..seats import seated
from ..state import State

KIND = list_product.KIND
ROLES = KNOWN_ROLES  # whoever the listing would bind, and else an operator or a carrier: see below


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused as `list_product`, and for who is neither asked nor may propose."""
    if not seated(state):
        approvals.check_role(state, act, list_product.ROLES)
        return list_product.apply(state, act, now)
    listing, filed = list_product.checked(state, act, now)
    needs = parties(state, listing)
    votes = now.rules >= approvals.RESERVED_SINCE and nobody_answers(state, listing)
    if act.by not in needs and not (votes and (state.get(SEAT, act.by) or {"power": 0})["power"]):
        approvals.check_role(state, act, list_product.ROLES)
    because, outcome = approvals.agree(state, act, now, needs, votes=votes)
    if because:
        list_product.put(state, act, listing, filed)
    return outcome


def nobody_answers(state: State, listing: Listing) -> bool:
    """Whether carriers stand in it that no key speaks for, and neither its payer nor a carrier
    with keys has a seat.
    """
    carriers = {share.carrier for share in listing.placement.shares}
    keyed = {name for name in carriers if state.need("member", name)["keys"]}
    answers = any(state.has(SEAT, name) for name in {listing.payer, *keyed})
    return bool(carriers - keyed) and not answers


def parties(state: State, listing: Listing) -> set[str]:
    """Who must agree before a listing stands: a carrier that no key speaks for cannot be asked."""
    carriers = {share.carrier for share in listing.placement.shares}
    standby = set() if listing.standby_payer is None else {listing.standby_payer}
    asked = {name for name in carriers if state.need("member", name)["keys"]}
    return {listing.payer, *standby, *listing.deciders, *asked}
