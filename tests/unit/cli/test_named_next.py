"""Hints that name what there is, and the record that was asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from miaopei import settings
from miaopei.cli.main import main
from miaopei.cli.net.granting.asked import _check
from miaopei.cli.place import Place
from miaopei.cli.proof.receipt import knows_policies
from miaopei.errors import Refused
from miaopei.node.proof.trail import StoreTrail
from miaopei.reports.lineage import why
from tests.unit.claims.replayed import DALI, IDENTITY, YUXI, situations

UNHURT = "e" * 32  # a policy that no settlement speaks of


def test_a_policy_of_which_nothing_was_decided_is_not_called_unknown(tmp_path: Path) -> None:
    with situations().node.reading() as (reading, state):
        trail = StoreTrail(reading, state, IDENTITY)
        with (
            pytest.raises(Refused) as refused,
            knows_policies(Place(tmp_path), reading, state, UNHURT),
        ):
            why(trail, UNHURT)
        (refusal,) = refused.value.refusals
        assert refusal.code == "cli.policy_not_decided"
        assert refusal.facts["where"] == f" --data {tmp_path}"
        with (
            pytest.raises(Refused) as refused,
            knows_policies(Place(tmp_path), reading, state, "0" * 32),
        ):
            why(trail, "0" * 32)
        assert refused.value.refusals[0].code == "lineage.unknown"


def test_the_folder_is_named_where_it_is_not_the_usual_one(tmp_path: Path) -> None:
    assert Place(tmp_path / "a b").said == f" --data '{tmp_path}/a b'"
    assert not Place(settings.data_folder()).said


def test_the_versions_that_there_are_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["terms", "show", "yunnan_dali", "--version", "9", "--lang", "en"]) == 1
    assert "has no version 9; there are: 1, 2." in capsys.readouterr().err


def test_the_listings_that_there_are_are_named() -> None:
    with situations().node.reading() as (_, state), pytest.raises(Refused) as refused:
        _check(state, "a", "b", "yunnan_dal")
    (refusal,) = refused.value.refusals
    assert refusal.code == "net.no_listing"
    assert set(str(refusal.facts["known"]).split(", ")) >= {DALI, YUXI}
