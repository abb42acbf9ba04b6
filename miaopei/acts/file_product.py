"""`file_product`: a product with every version of its terms, as filed. Filed values never change.

Body: {product: the JSON of a Product}. Its content id is what listings name.
"""

from __future__ import annotations

from ..errors import Refused
from ..evidence import filing
from ..terms.filing import Product
from .base import Moment, Outcome, fields, refuse
from .envelope import Act
from .state import State

KIND = "file_product"
ROLES = frozenset({"operator", "carrier"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused with every fault of terms and evidence rules at once, and where it is filed already.

    What evidence could not read later would be refused in every block: it must not be filed.
    """
    (value,) = fields(act.body, product=dict)
    product = Product.from_json(value)
    if refusals := [*product.check(), *filing.check(value)]:
        raise Refused(*refusals)
    if state.has("product", product.hash):
        raise refuse("act.product_taken", id=product.id, hash=product.hash)
    state.put("product", product.hash, {"product": product.as_json(), "act": act.id})
    return Outcome()
