"""A recorded history of each rule set is applied again by today's code, to the same leaves.

The files are frozen: they were written once by `make` and are never written again. A leaf holds the
root before its block and the digest of the block's writes, so equal leaves are equal roots.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from miaopei.acts.apply import apply_block, begin
from miaopei.acts.envelope import from_json
from miaopei.acts.rule_sets import KINDS, RULE_SETS
from miaopei.acts.state import State
from miaopei.adapters.memory_store import MemoryStore
from miaopei.ledger.merkle import Frontier, leaf_hash

HISTORIES = sorted(Path(__file__).parent.glob("rules-*.jsonl.gz"))


# Whose refusals of ordered acts stand in the record.
SEATED = ("rules-5-seats.jsonl.gz", "rules-6-seats.jsonl.gz")


def leaves_of(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).splitlines()


@pytest.mark.parametrize("path", HISTORIES, ids=lambda p: p.name)
def test_the_same_acts_give_the_same_leaves(path):
    wanted = leaves_of(path)
    store = MemoryStore()
    again: list[bytes] = []
    acts, block_at = [], 0
    for leaf in wanted:
        value = json.loads(leaf)
        if value["leaf"] == "act":
            acts.append(from_json(value["act"]))
        if value["leaf"] not in ("genesis", "block"):
            continue
        with store.writing() as block:
            state = State(block)
            if value["leaf"] == "genesis":
                made = [begin(state, value["value"])]
            else:
                root = Frontier().extend(map(leaf_hash, again)).root().hex()
                made = list(
                    apply_block(
                        state,
                        acts,
                        height=value["height"],
                        at=value["time"],
                        previous=root,
                        keep_refused=path.name in SEATED,
                    ).leaves
                )
            for table, key, data in state.writes():
                if data is None:
                    block.delete(table, key)
                else:
                    block.put(table, key, data)
        assert made == wanted[block_at : block_at + len(made)], f"block before leaf {block_at}"
        again += made
        block_at, acts = len(again), []
    assert again == wanted


KINDS_OF_RULES_1 = frozenset(
    [
        "admit_batch",
        "admit_member",
        "allot",
        "confirm_payments",
        "decide",
        "file_area",
        "file_product",
        "hold_batch",
        "list_product",
        "record_facts",
        "register_source",
        "resolve",
        "time",
    ]
)


def test_the_second_history_holds_every_kind_of_act_of_its_time():
    leaves = map(json.loads, leaves_of(HISTORIES[1]))
    kinds = {leaf["act"]["kind"] for leaf in leaves if leaf["leaf"] == "act"}
    # In one member's record no round is opened and no difference shown.
    assert set(RULE_SETS[2]) - kinds <= {"open_round", "show_difference"}
    assert set(RULE_SETS[1]) <= kinds


def test_the_third_history_holds_every_kind_of_act_of_its_time():
    leaves = map(json.loads, leaves_of(HISTORIES[2]))
    kinds = {leaf["act"]["kind"] for leaf in leaves if leaf["leaf"] == "act"}
    several = {"convene", "open_round", "show_difference"}
    seated = {"seat_member", "unseat_member", "rotate_keys", "pause_listing", "resume_listing"}
    assert set(RULE_SETS[3]) - kinds <= several | seated
    assert {"pay_invoice", "raise_rules"} <= kinds


def test_the_fourth_history_holds_every_kind_of_act_of_its_time():
    leaves = map(json.loads, leaves_of(HISTORIES[3]))
    kinds = {leaf["act"]["kind"] for leaf in leaves if leaf["leaf"] == "act"}
    seated = {"seat_member", "unseat_member", "rotate_keys", "pause_listing", "resume_listing"}
    assert set(RULE_SETS[4]) - kinds == seated | {"convene"}


@pytest.mark.parametrize("rules", [5, 6])
def test_the_fifth_and_sixth_histories_hold_every_kind_of_act_of_their_time(rules):
    paths = [path for path in HISTORIES if path.name.startswith(f"rules-{rules}")]
    leaves = [json.loads(leaf) for path in paths for leaf in leaves_of(path)]
    kinds = {leaf["act"]["kind"] for leaf in leaves if leaf["leaf"] == "act"}
    assert len(paths) == 2
    assert {leaf["rules"] for leaf in leaves if leaf["leaf"] == "block"} == {rules}
    assert set(RULE_SETS[rules]) - kinds == {"convene"}


def test_the_sixth_holds_a_word_said_again_and_a_height_that_no_later_raise_replaces():
    """What rule set 6 brought, and what 7 has changed: it stays as it was where it ran."""
    (path,) = (path for path in HISTORIES if path.name == "rules-6-seats.jsonl.gz")
    acts = [leaf for leaf in map(json.loads, leaves_of(path)) if leaf["leaf"] == "act"]
    wishes = [(leaf["act"]["kind"], json.dumps(leaf["act"]["body"])) for leaf in acts]
    words = Counter(zip(wishes, (leaf["act"]["by"] for leaf in acts), strict=True))
    last = acts[-1]
    assert last["result"]["ok"]
    assert words[wishes[-1], last["act"]["by"]] == 2
    raised = [leaf for leaf in acts if leaf["act"]["kind"] == "raise_rules"]
    assert raised[0]["act"]["body"] == {"rules": 7, "height": 10**9}
    (refused,) = raised[-1]["result"]["refusals"]
    assert (raised[-1]["act"]["body"]["rules"], refused["code"]) == (7, "act.rules_not_next")


def test_the_first_history_holds_every_kind_of_act_of_its_time():
    leaves = map(json.loads, leaves_of(HISTORIES[0]))
    kinds = {leaf["act"]["kind"] for leaf in leaves if leaf["leaf"] == "act"}
    assert kinds == KINDS_OF_RULES_1 <= set(KINDS)
