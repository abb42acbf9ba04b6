"""Subject tokens: the same on both sides, none without the key, rotation by stated versions."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path

import pytest

from miaopei.adapters.keys import (
    add_subject_key,
    load_or_make,
    retire_subject_key,
    subject_keys,
)
from miaopei.errors import Refused
from miaopei.errors.texts import say
from miaopei.node.vault.tokens import SubjectKeys, token

GROUP = "grid/yuyao"


def by_hand(key: bytes, customer: str) -> str:
    """HMAC-SHA-256 written out, as RFC 2104 has it, by someone who only read the spec."""
    padded = key.ljust(64, b"\0")
    inner, outer = bytes(b ^ 0x36 for b in padded), bytes(b ^ 0x5C for b in padded)
    said = b"miaopei/v1/subject" + b"\0" + customer.encode()
    return hashlib.sha256(outer + hashlib.sha256(inner + said).digest()).hexdigest()


def test_a_token_is_the_keyed_hash_that_the_spec_says() -> None:
    key = bytes(range(32))
    assert token(key, "3302190000017") == by_hand(key, "3302190000017")
    assert token(key, "3302190000017") != token(key, "3302190000018")
    assert token(key, "3302190000017") != token(key[::-1], "3302190000017")


@pytest.mark.parametrize(
    "number", ["", " 33", "33 02", "３３０２", "户号", "3" * 65, "33\n", "a\0"]
)
def test_a_number_that_two_sides_could_write_differently_is_refused_and_not_repeated(
    number: str,
) -> None:
    with pytest.raises(Refused) as refused:
        token(bytes(32), number)
    assert refused.value.refusals[0].facts == {"length": len(number)}
    assert not number or number not in say(refused.value.refusals[0])


def test_both_sides_name_the_same_person_and_a_rotation_keeps_the_old_name_alive(
    tmp_path: Path,
) -> None:
    insurer, grid = tmp_path / "insurer.json", tmp_path / "grid.json"
    for path in (insurer, grid):
        load_or_make(path, path.stem)
    first = add_subject_key(grid, GROUP)
    add_subject_key(insurer, GROUP, version=1, key=first.keys[1])
    assert subject_keys(insurer, GROUP).token("17") == subject_keys(grid, GROUP).token("17")
    second = add_subject_key(grid, GROUP)
    assert (second.version, sorted(second.keys)) == (2, [1, 2])
    assert second.tokens("17") == {1: first.token("17"), 2: second.token("17")}
    with pytest.raises(Refused, match=r"subject\.version_taken"):
        add_subject_key(insurer, GROUP, version=1, key=bytes(32))
    add_subject_key(insurer, GROUP, version=2, key=second.keys[2])
    assert sorted(retire_subject_key(insurer, GROUP, 1).tokens("17")) == [2]
    with pytest.raises(Refused, match=r"subject\.last_version"):
        retire_subject_key(insurer, GROUP, 2)
    assert subject_keys(insurer, GROUP).token("17") == second.token("17")


def test_the_keys_lie_in_the_members_own_file_beside_the_others(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    before = load_or_make(path, "grid")
    made = add_subject_key(path, GROUP)
    after = load_or_make(path, "grid")
    assert after.acts.private_bytes_raw() == before.acts.private_bytes_raw()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_bytes())["subjects"] == {GROUP: {"1": made.keys[1].hex()}}
    assert made.keys[1].hex() not in repr(made)
    with pytest.raises(Refused, match=r"subject\.no_key"):
        subject_keys(path, "another")
    with pytest.raises(Refused, match=r"subject\.no_key"):
        SubjectKeys(GROUP, {1: b"short"})
    with pytest.raises(Refused, match=r"subject\.bad_group"):
        add_subject_key(path, "a group\n")
