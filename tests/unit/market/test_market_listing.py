"""Which listings may stand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from miaopei.errors import Refused
from miaopei.market.listing import Listing, Overpaid
from miaopei.market.placement import whole

OPERATORS = {"insurer": "A", "notary": "B", "regulator": "C", "twin": "A", "solo": "S", "x": "X"}

CONSORTIUM = Listing(
    id="dali-2015",
    product="yunnan_dali",
    book="dali-2015",
    placement=whole("insurer"),
    payer="insurer",
    standby_payer="notary",
    deciders=("insurer", "notary", "regulator"),
    k=2,
    kept_or_receivable=Overpaid.KEPT,
    occurrence_cap_fen=None,
    solo=False,
)
SOLO = replace(CONSORTIUM, standby_payer=None, deciders=("solo",), k=1, solo=True)


def faults(listing: Listing) -> list[str]:
    return [refusal.code for refusal in listing.check(OPERATORS)]


def test_two_of_carrier_notary_and_regulator_stand_and_so_does_one_alone_in_solo() -> None:
    assert faults(CONSORTIUM) == []
    assert faults(SOLO) == []


@pytest.mark.parametrize(
    ("listing", "expected"),
    [
        (replace(CONSORTIUM, k=0), ["market.k_out_of_range", "market.k_no_majority"]),
        (replace(CONSORTIUM, k=4), ["market.k_out_of_range"]),
        (replace(CONSORTIUM, k=1), ["market.k_no_majority"]),
        (replace(CONSORTIUM, deciders=("insurer", "notary")), ["market.too_few_deciders"]),
        (
            replace(CONSORTIUM, deciders=("insurer", "notary", "regulator", "x")),
            ["market.k_no_majority"],
        ),
        (replace(CONSORTIUM, deciders=("insurer", "twin", "notary")), ["market.same_operator"]),
        (replace(CONSORTIUM, deciders=("insurer", "insurer", "notary")), ["market.decider_twice"]),
        (replace(CONSORTIUM, deciders=("insurer", "ghost", "notary")), ["market.member_unknown"]),
        (replace(CONSORTIUM, payer="ghost"), ["market.member_unknown"]),
        (replace(CONSORTIUM, placement=whole("ghost")), ["market.member_unknown"]),
        (replace(CONSORTIUM, standby_payer="insurer"), ["market.standby_is_payer"]),
        (replace(CONSORTIUM, takeover_seconds=0), ["market.bad_takeover"]),
        (replace(CONSORTIUM, standby_payer=None, takeover_seconds=60), ["market.bad_takeover"]),
        (replace(CONSORTIUM, occurrence_cap_fen=0), ["market.cap_not_positive"]),
        (replace(CONSORTIUM, book="", id=""), ["market.listing_empty", "market.listing_empty"]),
        (replace(SOLO, k=2, deciders=("solo", "x")), ["market.solo_decides_alone"]),
        (replace(SOLO, deciders=()), ["market.k_out_of_range", "market.solo_decides_alone"]),
        (replace(SOLO, solo=False), ["market.too_few_deciders"]),
    ],
)
def test_what_may_not_stand(listing: Listing, expected: list[str]) -> None:
    assert faults(listing) == expected


def test_json_goes_there_and_back_and_nothing_else_is_read() -> None:
    for listing in (CONSORTIUM, replace(SOLO, occurrence_cap_fen=5)):
        assert Listing.from_json(listing.as_json()) == listing
    value = CONSORTIUM.as_json()
    for change, field in (
        ({"k": True}, "k"),
        ({"kept_or_receivable": "lost"}, "kept_or_receivable"),
        ({"deciders": [1]}, "deciders"),
        ({"more": 1}, "more"),
        ({"payer": None}, "payer"),
    ):
        with pytest.raises(Refused) as error:
            Listing.from_json(value | change)
        assert [r.facts["field"] for r in error.value.refusals] == [field]
    del value["solo"]
    with pytest.raises(Refused, match="missing"):
        Listing.from_json(value)
