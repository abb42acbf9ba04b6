"""What a block adds to the log: which leaves, in which order, saying what."""

from __future__ import annotations

import hashlib
import json
from types import SimpleNamespace
from typing import Any

import pytest

from miaopei.acts.apply import apply_block
from miaopei.acts.envelope import from_json
from miaopei.acts.rule_sets import RULE_SETS, RULES
from miaopei.acts.state import State
from miaopei.errors import Alarm
from miaopei.measures.instant import HOUR, from_beijing
from tests.support.facts import catalogue, quake
from tests.support.products import hills
from tests.support.town import Town, codes

NIGHT, READ = "2016-05-18 00:48:48", "2016-05-18 01:00:00"


def values(town: Town, start: int = 0) -> list[dict[str, Any]]:
    """The leaves from a position on."""
    return [json.loads(leaf) for leaf in town.leaves()[start:]]


def a_town() -> tuple[Town, str]:
    town = Town().set_up()
    listing = town.list_product(hills())
    town.issue([town.policy(listing)])
    town.at(READ)
    return town, listing


def test_the_genesis_is_the_first_leaf_and_its_own_block() -> None:
    first, block = values(Town())[0], values(Town())[1:]
    assert set(first) == {"leaf", "value"}
    assert first["leaf"] == "genesis"
    assert block == []


def test_leaves_stand_in_the_order_of_the_specification() -> None:
    """The act, what it made, and the block's own leaf last. record.md, section 3."""
    town, _ = a_town()
    start = len(town.leaves())
    town.tell(quake(NIGHT, "5.6"))
    act, *made, block = values(town, start)
    assert set(act) == {"leaf", "height", "act", "result"}
    assert act["result"] == {"ok": True, "notes": []}
    assert [(m["leaf"], m["what"], m["value"].get("state")) for m in made] == [
        ("made", "trigger", None),
        ("made", "case", "ready"),
        ("made", "case", "deciding"),
    ]
    assert all(set(m) == {"leaf", "height", "by", "what", "id", "value", "because"} for m in made)
    assert {m["by"] for m in made} == {from_json(act["act"]).id}
    assert set(block) == {
        *("leaf", "height", "time", "rules", "acts", "leaves", "writes", "previous"),
    }
    assert (block["acts"], block["leaves"], block["rules"]) == (1, 5, RULES)
    assert block["time"] == from_beijing(READ)


def test_the_block_leaf_covers_the_root_before_and_the_digest_of_the_writes() -> None:
    town, _ = a_town()
    with town.store.reading() as reading:
        before = reading.head()
        act = town.act("admit_member", {
            "id": "x", "name": {"zh": "甲", "en": "x"}, "operator": "x", "roles": [], "keys": [],
        })  # fmt: skip
        state = State(reading)
        made = apply_block(
            state, [act], height=before.height + 1, at=before.time, previous=before.root.hex()
        )
        rows = [
            [t, k, None if v is None else hashlib.sha256(v).hexdigest()]
            for t, k, v in sorted(state.writes())
        ]
    digest = hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()
    block = json.loads(made.leaves[-1])
    assert (block["writes"], block["previous"]) == (digest, before.root.hex())
    assert {row[0] for row in rows} == {"act", "member"}


def test_a_block_in_which_only_time_passes_adds_no_leaf() -> None:
    town, _ = a_town()
    size = len(town.leaves())
    with town.store.reading() as reading:
        height = reading.head().height
    town.at("2016-06-01")
    with town.store.reading() as reading:
        head = reading.head()
    assert (head.size, head.height, head.time) == (size, height + 1, from_beijing("2016-06-01"))


def test_what_ripens_is_made_by_time() -> None:
    town, _ = a_town()
    town.tell(catalogue(NIGHT, "5.6"))
    start = len(town.leaves())
    town.at(from_beijing(NIGHT) + 12 * HOUR)
    made = [v for v in values(town, start) if v["leaf"] == "made"]
    assert [(m["by"], m["what"]) for m in made] == [
        ("time", "trigger"), ("time", "case"), ("time", "case"),
    ]  # fmt: skip


def test_a_refused_act_leaves_nothing_or_where_kept_only_its_refusal() -> None:
    """Solo: back to its sender. Among several members: a leaf with its refusals, and no write but
    that it is refused for good.
    """
    town, _ = a_town()
    act = town.act("hold_batch", {"batch": "0" * 64, "size": 1, "root": "0" * 64})
    size = len(town.leaves())
    assert codes(town.send(act)) == ["act.batch_not_known"]
    assert len(town.leaves()) == size
    with town.store.reading() as reading:
        state = State(reading)
        made = apply_block(
            state, [act], height=99, at=town.now, previous="0" * 64, keep_refused=True
        )
        assert [(table, key) for table, key, _ in state.writes()] == [("refused", act.id)]
    kept = json.loads(made.leaves[0])
    assert kept["result"] == {
        "ok": False,
        "refusals": [{"code": "act.batch_not_known", "facts": {"id": "0" * 64}}],
    }


def test_one_refused_act_of_a_block_does_not_take_the_others_with_it() -> None:
    town, listing = a_town()
    bad = town.act("decide", {})
    good_one = town.batch([town.policy(listing)])
    first, second, third = town.node.submit([bad, good_one, bad])
    assert (first.ok, second.ok, third.ok) == (False, True, False)
    assert good_one.id in town.table("batch")


class Fault(SimpleNamespace):
    """An act that has a fault of the program in it."""

    ROLES = frozenset({"operator"})

    def apply(self, state: State, _act: Any, _now: Any) -> Any:
        state.put("weather", "today", 1)
        raise self.error


@pytest.mark.parametrize("error", [KeyError("x"), OverflowError("y"), TypeError("z")])
def test_what_the_rules_have_no_answer_to_is_refused_and_the_block_goes_on(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The same bytes at every member: the leaf says nothing in the words of a library."""
    monkeypatch.setitem(RULE_SETS[RULES], "time", Fault(error=error))
    town = Town().set_up()
    start, body = len(town.leaves()), {"id": "x", "name": {"zh": "甲", "en": "x"}}
    good = town.act("admit_member", {**body, "operator": "x", "roles": [], "keys": []})
    with town.store.reading() as reading:
        state = State(reading)
        made = apply_block(
            state, [town.act("time", {}), good], height=9, at=town.now, previous="0" * 64,
            keep_refused=True,
        )  # fmt: skip
    assert [result.ok for result in made.results] == [False, True]
    said = json.loads(made.leaves[0])["result"]
    facts = {"code": "act.cannot_be_applied", "facts": {"kind": "time"}}
    assert said == {"ok": False, "refusals": [facts]}
    assert not state.has("weather", "today")
    assert len(town.leaves()) == start


@pytest.mark.parametrize("error", [MemoryError(), RecursionError(), OSError("cut"), Alarm("seen")])
def test_what_one_machine_alone_may_meet_is_no_refusal(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Else a member whose database went away would come to another record than the others."""
    monkeypatch.setitem(RULE_SETS[RULES], "time", Fault(error=error))
    town = Town().set_up()
    with town.store.reading() as reading, pytest.raises(type(error)):
        apply_block(
            State(reading), [town.act("time", {})], height=9, at=town.now, previous="0" * 64
        )
