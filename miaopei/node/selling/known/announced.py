"""Outages that are announced already and name a customer: nobody buys cover for what is known.

By the cases that wait for their end, and the sealed lists that this member can open.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from ....acts.base import clock_key
from ....acts.facts import product_of
from ....acts.state import State
from ....evidence.outage.lists import FIELDS, by_token
from ....terms.filing import Product
from ...effects.listed import SCOPES, open_list
from ...ports import Identity, Reading
from ...vault.blobs import opens

MOST = 64  # lists kept open
_open: OrderedDict[str, frozenset[str]] = OrderedDict()


def announced(
    reading: Reading,
    identity: Identity,
    listing: str,
    tokens: Sequence[str],
    span: tuple[int, int],
) -> int:
    """How many outages of a listing are to begin within [since, until) and name the customer."""
    state, since, until = State(reading), *span
    keys = {
        case
        for _, case in state.between("ripe", clock_key(reading.head().time, ""), "\x7f")
        if case.startswith(f"{listing}/")
    }
    wanted, found = set(tokens), set[str]()
    product = product_of(state, state.need("listing", listing)["product"])
    for key in sorted(keys):
        case = state.need("case", key)
        inside = case["instant"] is not None and since <= case["instant"] < until
        lists = _lists(case, product) if inside else ()
        if any(wanted & _tokens(reading, identity, each) for each in lists):
            found.add(case["occurrence"])
    return len(found)


def _lists(case: dict[str, Any], product: Product) -> list[dict[str, Any]]:
    """The scope of a case: references to sealed lists."""
    return [
        each["list"]
        for name, fact in case["facts"].items()
        if fact.get("detail", {}).get("lists") and product.rule(name).measure == SCOPES
        for each in fact["detail"]["lists"]
        if each["list"] is not None
    ]


def _tokens(reading: Reading, identity: Identity, reference: dict[str, Any]) -> frozenset[str]:
    """Who stands on a list; nobody where it is not ours to read."""
    name = reference["blob"]
    if name not in _open:
        if not opens(reading, name, identity):
            return frozenset()
        _open[name] = frozenset(by_token(open_list(reading, identity, reference, FIELDS[SCOPES])))
        if len(_open) > MOST:
            _open.popitem(last=False)
    return _open[name]
