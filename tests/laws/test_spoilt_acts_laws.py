"""Every act of a drawn history, spoilt anywhere, on the record as it stood before it.

`test_acts_laws` spoils acts on records that much has happened to; here each finds the very state
that its good form is taken on, so that what it would do then is reached, and what ripens after it.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from miaopei.acts import apply, cases, settling, sold
from miaopei.acts.base import Moment, Outcome
from miaopei.acts.envelope import Act
from miaopei.acts.rule_sets import RULES
from miaopei.acts.state import State
from miaopei.adapters.memory_store import MemoryStore
from miaopei.errors import Refused
from miaopei.measures.identity import canonical
from tests.support.histories import Block, blocks, contents, keep, make, replay

TRIES = 70  # of each kind of act
FAR = 10**8  # seconds until what an act left behind has ripened
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**53 - 1, 1 - 2**53, 10**12, "", "x", "é", " ", "a" * 300, "\x00",
    "/", "0" * 64, "f" * 64, [], {}, [[]], [None], [{}], {"a": 1}, [1, 2], "1970-01-01", {"v": 1},
    "99999-99-99", ["x"] * 3, "-1", "1e9",
)  # fmt: skip


def spoilt(body: dict[str, Any], random: Random) -> dict[str, Any]:
    """The body with one place, or two, taken away or filled with something odd."""
    body = copy.deepcopy(body)
    for _ in range(random.choice((1, 1, 1, 1, 2))):
        holder, last = random.choice(list(places(body)) or [(body, "x")])
        if random.random() < 0.15 and last in (holder if isinstance(holder, dict) else ()):
            del holder[last]
        else:
            holder[last] = copy.deepcopy(random.choice(ODD))
    return body


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place inside a body: what holds it, and where."""
    if isinstance(value, dict):
        for key in value:
            yield value, key
            yield from places(value[key])
    elif isinstance(value, list):
        for index in range(min(len(value), 6)):
            yield value, index
            yield from places(value[index])


def tried(state: State, act: Act, now: Moment) -> apply.ActResult:
    """What becomes of an act, and of what ripens after it, now and much later; nothing stays."""
    mark = state.mark()
    result, leaves = apply._one(state, act, now)
    assert all(len(leaf) <= apply.LEAF_BYTES_MAX for _, leaf in leaves)
    for ripe in (now, replace(now, time=now.time + FAR)):
        for room in (cases, sold, settling):
            room.ripen(state, Outcome(), replace(ripe, by="time"))
    state.undo(mark)
    return result


@pytest.mark.parametrize("seed", [38])
def test_no_spoilt_act_finds_the_rules_without_an_answer(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken, or refused by a name that fits it: never as what nobody has thought of."""
    monkeypatch.setattr(apply, "signature_holds", lambda _act: True)  # as if its sender had
    leaves, _, _ = contents(make(seed, 60).store)
    history, random = list(blocks(leaves)), Random(seed)
    kinds = Counter(act.kind for block in history for act in block.acts)
    store, done = MemoryStore(), Counter[bool]()
    replay(store, leaves[:1])
    for each in history:
        with store.writing() as block:
            state = State(block)
            for act in each.acts:
                for number in range(-(-TRIES // kinds[act.kind])):
                    done[_try(state, act, each, number, random)] += 1
            previous = block.head().root.hex()
            made = apply.apply_block(
                state, each.acts, height=each.height, at=each.time, previous=previous
            )
            keep(block, state, made.leaves, each.height, each.time)
    assert done[True] > 100
    assert done[False] > 500


def _try(state: State, act: Act, at: Block, number: int, random: Random) -> bool:
    body = spoilt(act.body, random)
    try:
        canonical(body)
    except Refused:
        return False  # it can be nobody's act
    wild = replace(act, ref=f"{act.ref} {number}", body=body)
    result = tried(state, wild, Moment(at.height, at.time, RULES, wild.id))
    codes = {refusal.code for refusal in result.refusals}
    assert "act.cannot_be_applied" not in codes, (act.kind, canonical(body)[:2_000])
    return result.ok
