"""A filing: versions in time, evidence rules, and its JSON form."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from miaopei.errors import Refused
from miaopei.measures.identity import content_id
from miaopei.measures.instant import from_beijing
from miaopei.products.shelf import shelf
from miaopei.terms.filing import Product, Revision

DALI = shelf().find("yunnan_dali")


def test_the_version_is_chosen_to_the_second() -> None:
    """Half-open in Beijing time: the first contract ends where the second begins."""
    changes = from_beijing("2018-08-20")
    at = DALI.version_at
    assert at(from_beijing("2015-08-20") - 1) is None
    assert at(from_beijing("2015-08-20")) is DALI.version(1)
    assert at(changes - 1) is DALI.version(1)
    assert at(changes) is DALI.version(2)
    assert at(2**40) is DALI.version(2)
    assert from_beijing("2018-08-20") == 1_534_694_400  # 2018-08-19T16:00Z


def test_a_start_that_is_not_known_is_never_in_force() -> None:
    loose = replace(DALI, versions=(replace(DALI.version(1), since=None),))
    assert loose.version_at(from_beijing("2017-01-01")) is None


def test_json_form_and_back() -> None:
    value = DALI.as_json()
    assert set(value) == {
        "format", "id", "name", "peril", "versions", "grouping", "area", "inputs", "benefits",
        "illustrative", "notes", "policy_period",
    }  # fmt: skip
    again = Product.from_json(json.loads(json.dumps(value)))
    assert again == DALI
    assert again.hash == DALI.hash == content_id("product", value)
    assert Product.from_bytes(DALI.to_bytes()) == DALI


def test_the_json_form_shares_nothing_with_the_value() -> None:
    value = DALI.as_json()
    value["area"]["own"].append("530100")
    value["grouping"]["counted_types"].clear()
    assert DALI.as_json()["area"]["own"] == ["532900"]
    assert DALI.as_json()["grouping"]["counted_types"] == ["Ms", "M"]


def test_rules_of_evidence_of_the_yunnan_covers() -> None:
    magnitude = DALI.rule("magnitude")
    assert (magnitude.sources, magnitude.fallback) == (("cenc.rapid",), ("cenc.catalogue",))
    assert (magnitude.operators, magnitude.freeze_seconds) == (1, 12 * 3600)
    assert magnitude.revision is Revision.FIRST_SETTLES
    for name in ("loss_area", "loss_total", "death_count"):
        assert DALI.rule(name).close_after_seconds == 180 * 86_400
        assert DALI.rule(name).revision is Revision.REVISION_COUNTS
    assert dict(DALI.rule("loss_total").params) == {"item": "civil_houses"}


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda: DALI.version(3), "terms.no_version"),
        (lambda: DALI.rule("depth"), "terms.no_rule"),
        (lambda: DALI.version(1).terms.benefit("flood"), "terms.no_benefit"),
    ],
)
def test_what_is_not_there_is_refused(ask: object, code: str) -> None:
    with pytest.raises(Refused) as refused:
        ask()  # type: ignore[operator]
    assert refused.value.refusals[0].code == code
