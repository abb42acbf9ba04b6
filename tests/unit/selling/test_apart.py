"""One customer holds one cover of the same loss at a time, whatever listing it was sold under."""

from __future__ import annotations

import json
from importlib.resources import files

from miaopei.node.selling.asking import Desk
from miaopei.products import planned_outage_plus
from tests.support.grid import token
from tests.support.selling import TWO, Market, offer_form

CUSTOMER = "3302810000001"


def test_a_customer_of_one_outage_cover_is_not_sold_the_other_for_the_same_time() -> None:
    market = Market()
    market.desk = Desk(market.town.node, lambda number: [token(number)])
    market.insure(CUSTOMER)
    other = market.town.list_product(planned_outage_plus.PRODUCT, placement=TWO)
    form = offer_form()
    rules = [{**r, "listings": [market.listing]} if r["rule"] == "apart" else r
             for r in form["rules"]]  # fmt: skip
    shipped = files("miaopei") / "data" / "offers" / "planned_outage_plus.json"
    form |= {"changes": json.loads(shipped.read_bytes())["changes"]}
    plus = {**form, "listing": other, "number": 1, "rules": rules}
    market.town.node.accept("file_offer", "offer-plus", {"offer": plus})
    asked = market.apply(CUSTOMER, key="plus", listing=other)
    assert asked["state"] == "refused"
    assert [r["code"] for r in asked["reasons"]] == ["underwriting.covered_beside"]
    later = market.apply("3302810000002", key="plus 2", listing=other)
    assert (later["state"], later["reasons"]) == ("accepted", [])
