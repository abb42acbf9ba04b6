"""`file_claim_model`: a carrier's claim model, to run beside the data of a provider.

Body: {listing, carrier, id, version, benefit, terms}; from rule set 4 on a carrier that wants runs
for several purposes adds {purposes}: a model runs once for a trigger, or once for each of them. The
model is terms as JSON, checked as every product's are and named by its hash; never code. What it
reads are facts that the listing's product has, defined alike. It yields a measure; amounts are
decided by the listing's deciders only.
"""

from __future__ import annotations

from ..errors import Refused
from ..measures.identity import content_id
from ..terms import canonical
from ..terms.check import check
from ..terms.words import Observed
from .base import Made, Moment, Outcome, check_carriers, check_id, fields, known, refuse
from .consents import check_scope
from .envelope import Act
from .facts import product_of
from .metered import ONCE_SINCE, contract, must_act_for
from .state import State

KIND = "file_claim_model"
ROLES = frozenset({"carrier", "operator"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused with every fault of the terms, for a version that is taken, and other facts."""
    body, purposes = act.body, None
    if now.rules >= ONCE_SINCE and "purposes" in body:
        (purposes,) = fields({"purposes": body["purposes"]}, purposes=list)
        check_scope(purposes, "purposes")
        body = {name: part for name, part in body.items() if name != "purposes"}
    listing, carrier, name, version, benefit, value = fields(
        body, listing=str, carrier=str, id=str, version=int, benefit=str, terms=dict
    )
    listed = known(state, "listing", listing, "act.listing_not_known")
    check_carriers(listed["listing"], [carrier])
    must_act_for(state, act, carrier)
    check_id("id", name)
    terms = canonical.from_json(value)
    if faults := check(terms):
        raise Refused(*faults)
    terms.benefit(benefit)
    had = {
        of.name: of
        for each in product_of(state, listed["product"]).versions
        for of in each.terms.inputs
        if isinstance(of, Observed)
    }
    for of in terms.inputs:
        if isinstance(of, Observed) and had.get(of.name) != of:
            raise refuse("metering.model_reads", name=of.name, listing=listing)
    key = f"{contract(listing, carrier)}/{name}/{version:06d}"
    if version < 1 or state.has("model_version", key):
        raise refuse("metering.model_known", id=name, version=version)
    model = {"v": 1, "listing": listing, "carrier": carrier, "id": name, "version": version}
    model |= {"benefit": benefit, "terms": value}
    if purposes is not None:
        model["purposes"] = purposes
    hashed = content_id("claim_model", model)
    state.put("model_version", key, {"model": hashed, "at": now.time})
    state.put("model", hashed, model)
    short = {**model, "terms": content_id("terms", value), "at": now.time}
    return Outcome([Made("claim_model", hashed, short, (act.id,))])
