"""1,000 forged or truncated receipts: none holds, none crashes, each is a refusal that says why."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from miaopei.claims.verify import explain
from tests.unit.receipts.gathered import Held, gathered
from tests.unit.receipts.go_program import build, failed
from tests.unit.receipts.spoiling import SORTS, spoilt

COUNT = 1_000
pytestmark = pytest.mark.timeout(600)  # the first build downloads a module


@cache
def thousand() -> list[Held]:
    return spoilt(COUNT, seed=20210521)


def test_a_thousand_spoilt_receipts_are_a_thousand_refusals() -> None:
    sorts: Counter[str] = Counter()
    for held in thousand():
        verdict = held.verdict()
        assert not verdict.holds, held.name
        assert verdict.failed
        first = next(check for check in verdict.checks if not check.ok)
        assert first.why is not None
        said = {explain(verdict, "en")[0][:14], explain(verdict, "zh")[0][:3]}
        assert said == {"DOES NOT HOLD:", "不成立"}
        sorts[held.name.split(" ")[0]] += 1
    assert set(sorts) == {*SORTS, "held_against", "certificate"}
    assert sorts.total() == COUNT
    assert min(sorts.values()) >= COUNT // len(sorts)


def test_another_program_refuses_each_of_them_too(tmp_path: Path) -> None:
    found = failed(build(tmp_path), thousand(), tmp_path)
    assert all(found), [h.name for h, names in zip(thousand(), found, strict=True) if not names]


def test_what_they_were_made_from_holds() -> None:
    for held in gathered():
        assert held.verdict().holds, (held.name, held.verdict().failed)
