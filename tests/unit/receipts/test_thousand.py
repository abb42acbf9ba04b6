"""1,000 forged or truncated receipts: none holds, none crashes, each is a refusal that says why."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from miaopei.claims.verify import explain
from miaopei.errors import Refused
from miaopei.ledger import certificate, checkpoint, quorum
from miaopei.measures.identity import canonical, content_id
from tests.unit.receipts.certified import certified
from tests.unit.receipts.gathered import Held, gathered, quakes
from tests.unit.receipts.go_program import build, failed
from tests.unit.receipts.spoiling import SORTS, spoilt

COUNT = 1_000
FLIPS = int(os.environ.get("MIAOPEI_FLIPS", "1000"))  # the long run: 10,000


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
        lacking = {"NOT CHECKED: g", "尚未核"}
        assert said in ({"DOES NOT HOLD:", "不成立"}, {"NO RECEIPT FIL", "不是回"}, lacking)
        assert said != lacking or held.name.startswith("held_against"), held.name
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


def test_every_flipped_bit_of_a_certificate_is_found() -> None:
    """A bit of any header, signature, time, key or weight: it certifies this root no more."""
    receipt, genesis = certified(quakes()["house no_terms_in_force"])
    value, root = json.loads(genesis), checkpoint.parse(receipt.checkpoint).root
    name, first = quorum.engine_name(content_id("chain", value)), certificate.founders(value)
    good, draw = canonical(receipt.certificate), random.Random(38)

    def certifies(shown: Any) -> bool:
        try:
            return quorum.check(certificate.from_json(shown), name, first).root == root
        except Refused:
            return False

    assert certifies(json.loads(good))
    for _ in range(FLIPS):
        shown = json.loads(good)
        holder, place = draw.choice(list(_leaves(shown)))
        holder[place] = _flipped(holder[place], draw)
        assert not certifies(shown), place


def _leaves(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every number and text in a value: the holder and its name in it."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, item in inner:
        if isinstance(item, dict | list):
            yield from _leaves(item)
        elif item is not None:
            yield value, name


def _flipped(value: int | str, draw: random.Random) -> int | str:
    """One bit of a number, or of the bytes that a text of hex stands for."""
    if isinstance(value, int):
        return value ^ (1 << draw.randrange(31))
    if not value:
        return "01"
    if set(value) <= set("0123456789abcdef"):
        data = bytearray.fromhex(value)
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        return data.hex()
    at = draw.randrange(len(value))
    return value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :]
