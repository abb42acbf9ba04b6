"""How deep an act may be: what is taken at the door can be written into every leaf that follows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from miaopei.acts.apply import apply_block
from miaopei.acts.envelope import ACT_DEEPEST, DOMAIN, Act, from_json
from miaopei.acts.state import State
from miaopei.errors import Refused
from miaopei.measures.identity import DEEPEST, canonical, depth_of
from miaopei.node.order.parcel import Parcel, read_parcel
from miaopei.terms.check import check_json
from miaopei.terms.words import Least
from tests.support.products import hills
from tests.support.town import Town

OWN = 3  # of the act, its body and the list of facts


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def raw(town: Town, depth: int) -> dict[str, Any]:
    """A well signed act of so many lists and objects within one another, by hand."""
    act = town.act("record_facts", {"facts": []})
    value = {**act.as_json(), "body": {"facts": nested(depth - 2)}}
    value.pop("sig")
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    signature = town.node.identity.acts.sign(DOMAIN + text.encode())
    return {**value, "sig": signature.hex()}


def item(value: dict[str, Any]) -> bytes:
    """The act as its sender's engine would put it before the others."""
    whole = {"acts": [value], "attempt": 1}
    return json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_the_deepest_act_of_all_is_refused_by_its_kind_and_stands_in_its_leaf() -> None:
    town = Town().set_up()
    parcel = read_parcel(item(raw(town, ACT_DEEPEST)))
    assert parcel is not None
    assert Parcel(1, parcel.acts).to_bytes() == item(raw(town, ACT_DEEPEST))
    with town.store.reading() as reading:
        made = apply_block(
            State(reading), parcel.acts, height=9, at=town.now, previous="0" * 64,
            keep_refused=True,
        )  # fmt: skip
    assert [r.code for r in made.results[0].refusals] == ["act.bad_body"]
    assert depth_of(made.leaves[0]) == ACT_DEEPEST + 1


@pytest.mark.parametrize("depth", [ACT_DEEPEST + 1, 200, 500, 800, 970, 20_000])
def test_what_is_deeper_passes_no_door(depth: int) -> None:
    """970 was read by the door and not written by the block, and ended every member for good."""
    town = Town().set_up()
    try:
        value = raw(town, depth)
    except RecursionError:  # not even written by the library that an attacker has
        bytes_ = item(raw(town, ACT_DEEPEST)).replace(
            json.dumps(nested(ACT_DEEPEST - 2)).encode(), b"[" * depth + b"]" * depth
        )
    else:
        bytes_ = item(value)
        with pytest.raises(Refused) as refused:
            from_json(value)
        assert [r.code for r in refused.value.refusals] == ["identity.too_deep"]
    assert depth_of(bytes_) >= depth
    assert read_parcel(bytes_) is None


def test_nobody_signs_what_is_deeper() -> None:
    town = Town().set_up()
    with pytest.raises(Refused) as refused:
        town.act("record_facts", {"facts": nested(ACT_DEEPEST - 1)})
    assert refused.value.refusals[0].facts == {"limit": ACT_DEEPEST}


def test_terms_as_deep_as_they_may_be_are_filed() -> None:
    """The limit of acts is beyond that of terms."""
    product = hills()
    (first, *_) = product.versions
    (benefit, *_) = first.terms.benefits
    body, plain = benefit.body, benefit.body
    while True:
        deeper = replace(benefit, body=Least((body, plain)))
        version = replace(first, terms=replace(first.terms, benefits=(deeper,)))
        wanted = replace(product, versions=(version,))
        if codes := [refusal.code for refusal in check_json(wanted.as_json())]:
            break
        product, body = wanted, deeper.body
    assert codes == ["terms.too_large"]
    act = Act("0" * 64, "file_product", "me", "0" * 64, "r", {"product": product.as_json()})
    assert depth_of(act.signed_bytes) < ACT_DEEPEST < DEEPEST
    assert canonical(act.as_json())
