"""Shares in which a policy is carried: hand-worked splits, and what is refused."""

from __future__ import annotations

import pytest

from miaopei.errors import Refused
from miaopei.market.examples import DALI_CARRIERS, DALI_CO_INSURANCE
from miaopei.market.participant import Participant, Role
from miaopei.market.placement import Placement, Share, whole


def shares(*ppm: int) -> Placement:
    return Placement(tuple(Share(f"c{i}", p) for i, p in enumerate(ppm)), illustrative=True)


def refusals(error: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [refusal.code for refusal in error.value.refusals]


def test_the_last_fen_goes_to_the_largest_remainder() -> None:
    # 10 fen at 45.5, 45.4 and 9.1 %: floors 4, 4, 0; remainders .55, .54, .91.
    assert shares(455_000, 454_000, 91_000).split(10) == {"c0": 5, "c1": 4, "c2": 1}


def test_ties_go_to_the_carrier_that_stands_earlier() -> None:
    assert shares(250_000, 250_000, 250_000, 250_000).split(2) == {
        "c0": 1,
        "c1": 1,
        "c2": 0,
        "c3": 0,
    }


def test_below_zero_is_split_as_its_opposite() -> None:
    placement = shares(455_000, 454_000, 91_000)
    assert placement.split(-10) == {name: -fen for name, fen in placement.split(10).items()}


def test_the_dali_example_is_five_real_names_with_made_up_shares_and_says_so() -> None:
    assert DALI_CO_INSURANCE.illustrative
    assert len(DALI_CARRIERS) == 5
    assert [c.id for c in DALI_CARRIERS] == [s.carrier for s in DALI_CO_INSURANCE.shares]
    assert all(c.illustrative and "示例" in c.zh and "example" in c.en for c in DALI_CARRIERS)
    assert (DALI_CO_INSURANCE.lead, len(DALI_CO_INSURANCE.followers)) == ("chengtai", 4)
    # 753.760 万元 by hand: remainders .12, .88, .28, .56, .16 of a fen; two are left over.
    assert DALI_CO_INSURANCE.split(753_760_000) == {
        "chengtai": 251_256_097,
        "picc": 200_999_903,
        "pingan": 150_754_261,
        "continent": 100_499_575,
        "united": 50_250_164,
    }


def test_all_faults_of_a_placement_are_named_at_once() -> None:
    with pytest.raises(Refused) as error:
        Placement((Share("a", 0), Share("a", 1_000_000), Share("", 5)), illustrative=False)
    assert refusals(error) == ["market.share_bad", "market.share_bad", "market.share_twice"]


@pytest.mark.parametrize("ppm", [(999_999,), (500_000, 500_001), ()])
def test_shares_that_do_not_make_a_whole_are_refused(ppm: tuple[int, ...]) -> None:
    with pytest.raises(Refused) as error:
        shares(*ppm)
    assert refusals(error) == ["market.share_sum"]


def test_json_goes_there_and_back() -> None:
    assert Placement.from_json(DALI_CO_INSURANCE.as_json()) == DALI_CO_INSURANCE
    assert whole("a").split(7) == {"a": 7}
    for participant in DALI_CARRIERS:
        assert Participant.from_json(participant.as_json()) == participant
    with pytest.raises(Refused) as error:
        Placement.from_json({"shares": [{"carrier": "a", "ppm": 1e6}], "illustrative": True})
    assert refusals(error) == ["market.bad_field"]


def test_a_participant_needs_known_roles_once_each_and_two_names() -> None:
    good = DALI_CARRIERS[0].as_json()
    changes: tuple[dict[str, object], ...] = (
        {"roles": ["king"]}, {"roles": []}, {"zh": ""}, {"roles": ["bank", "bank"]},
    )  # fmt: skip
    for change in changes:
        with pytest.raises(Refused) as error:
            Participant.from_json(good | change)
        assert refusals(error) == ["market.bad_participant"]
    both = Participant.from_json(good | {"roles": ["carrier", "operator"]})
    assert both.roles == (Role.CARRIER, Role.OPERATOR)
