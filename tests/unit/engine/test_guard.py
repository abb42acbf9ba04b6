"""That no engine goes by an older copy of what it has signed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from miaopei.adapters.engine.files.guard import MARK, Guard
from miaopei.errors import Refused

OURS, THEIRS = "ab" * 20, "cd" * 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A member's folder, its engine having signed nothing yet."""
    for part in ("config", "data"):
        (tmp_path / "engine" / part).mkdir(parents=True)
    key(tmp_path, OURS)
    signed(tmp_path, 0)
    return tmp_path


def key(folder: Path, address: str) -> None:
    text = json.dumps({"address": address.upper(), "priv_key": {}})
    (folder / "engine" / "config" / "priv_validator_key.json").write_text(text)


def signed(folder: Path, height: int) -> None:
    text = json.dumps({"height": str(height), "round": 0, "step": 3})
    (folder / "engine" / "data" / "priv_validator_state.json").write_text(text)


def code(folder: Path) -> str:
    with pytest.raises(Refused) as refused:
        Guard(folder)
    return refused.value.refusals[0].code


def test_what_the_file_knows_is_no_matter_and_what_it_does_not_is(folder: Path) -> None:
    guard = Guard(folder)
    guard.seen(5, frozenset({THEIRS}))
    signed(folder, 7)
    for height in (6, 7):
        guard.seen(height, frozenset({OURS, THEIRS}))
    with pytest.raises(Refused) as refused:
        guard.seen(8, frozenset({OURS}))
    assert refused.value.refusals[0].code == "engine.older_sign_state"
    assert refused.value.refusals[0].facts["signed"] == 8


def test_the_mark_tells_after_a_restart_also_where_no_block_does(folder: Path) -> None:
    signed(folder, 9)
    Guard(folder).seen(9, frozenset({OURS}))
    signed(folder, 4)
    assert code(folder) == "engine.older_sign_state"
    signed(folder, 12)
    Guard(folder)
    key(folder, THEIRS)  # a new key has signed nothing
    signed(folder, 0)
    Guard(folder)


@pytest.mark.parametrize(
    "name", ["data/priv_validator_state.json", "config/priv_validator_key.json"]
)
@pytest.mark.parametrize("text", [None, "", "{}", "[]"])
def test_a_file_that_is_missing_or_torn_is_named(folder: Path, name: str, text: str | None) -> None:
    path = folder / "engine" / name
    path.unlink() if text is None else path.write_text(text)
    assert code(folder) == "engine.no_sign_state"
    assert not (folder / MARK).exists()
