"""Applying acts: the same bytes anywhere, nothing but refusals for nonsense, no order that matters.

Histories are drawn in `tests.support.histories`.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from miaopei.acts.apply import apply_block
from miaopei.acts.facts import facts_between
from miaopei.acts.rule_sets import KINDS
from miaopei.acts.state import State
from miaopei.adapters.memory_store import MemoryStore
from miaopei.evidence.grouping import group
from miaopei.measures.instant import DAY, HOUR, beijing_text, from_beijing
from miaopei.measures.money import wan
from miaopei.node.gateway import Row
from tests.support import servers
from tests.support.consortium import SIX
from tests.support.convening import acts as handing_over
from tests.support.convening import hand_over
from tests.support.facts import catalogue, quake
from tests.support.histories import blocks, contents, make, replay
from tests.support.products import GROUPING, STEPS, hills
from tests.support.seating import Six, lived
from tests.support.town import ONE_CARRIER, Town

ROOT = Path(__file__).parents[2]
HISTORIES = 5
# Acts that only a record with seats can take; the histories of one member hold all others.
SEATED = {
    *("change_key", "seat_member", "unseat_member", "rotate_keys"),
    *("pause_listing", "resume_listing", "withdraw_approval"),
}
LAST = {"convene"}  # after which one member orders no more


@cache
def history(seed: int) -> Town:
    """A town that much has happened to."""
    return make(seed, 100)


# The same bytes ---------------------------------------------------------------------------------


@cache
def seated() -> Six:
    """A consortium in which members came and went."""
    return lived()


def test_histories_hold_every_kind_of_act_and_of_record() -> None:
    """Else the laws below would say less than they seem to."""
    seen: Counter[str] = Counter()
    for seed in range(HISTORIES):
        for leaf in history(seed).leaves():
            value = json.loads(leaf)
            seen[value["act"]["kind"] if value["leaf"] == "act" else value.get("what", "")] += 1
    taken = {act.kind for block in blocks(seated().leaves()) for act in block.acts}
    ended = Town(name="ended").set_up()
    hand_over(ended)
    taken |= {act.kind for block in blocks(ended.leaves()) for act in block.acts}
    assert set(KINDS) <= set(seen) | taken
    assert set(KINDS) - set(seen) == SEATED | LAST
    assert {"case", "trigger", "settlement", "entry"} <= set(seen)
    states = {c["state"] for seed in range(HISTORIES) for c in history(seed).table("case").values()}
    assert len(states) >= 5


def test_the_same_acts_give_the_same_bytes_in_any_process_and_on_any_store(tmp_path: Path) -> None:
    """Other hash seeds, time zones and locales; memory and PostgreSQL; every leaf, row and root."""
    for seed in range(HISTORIES):
        (tmp_path / f"{seed}.leaves").write_bytes(b"\n".join(history(seed).leaves()))
    databases = [servers.database() for _ in range(HISTORIES)]
    first = {"PYTHONHASHSEED": "1", "TZ": "Asia/Shanghai", "LC_ALL": "zh_CN.UTF-8"}
    second = {"PYTHONHASHSEED": "77", "TZ": "America/St_Johns", "LC_ALL": "C", "PYTHONUTF8": "0"}
    one = lived_again(tmp_path, [], first)
    two = lived_again(tmp_path, databases, second)
    assert one == two
    assert len(one) == HISTORIES
    for seed, (same, rows, _, _, root) in enumerate(one):
        leaves, state, ours = contents(history(seed).store)
        assert (same, rows, root) == (True, len(state), ours)
        assert leaves
    for dsn in databases:
        servers.drop(dsn)


def lived_again(folder: Path, databases: list[str], given: dict[str, str]) -> list[Any]:
    """What another process says of all histories."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.replaying", str(folder), *databases],
        cwd=ROOT,
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@given(seed=st.integers(0, 10_000))
@settings(max_examples=12)
def test_a_record_is_rebuilt_from_its_leaves_alone(seed: int) -> None:
    """Every leaf and every row of the state, and journal and limits in order beside."""
    town = make(seed, 50)
    fresh = MemoryStore()
    replay(fresh, town.leaves())
    assert contents(fresh) == contents(town.store)
    town.balance()
    for payment in town.table("payment").values():
        assert payment["due_fen"] - payment["executed_fen"] == sum(payment["open_fen"].values())


def test_another_order_of_acts_in_one_block_is_another_block() -> None:
    """The law above would hold for a root that covered nothing; this one shows that it does."""
    leaves = history(0).leaves()
    each = next(block for block in blocks(leaves) if len(block.acts) > 5)
    store = MemoryStore()
    replay(store, leaves[:1])
    made = []
    with store.reading() as reading:
        for acts in (each.acts, [*each.acts[1:], each.acts[0]]):
            state, previous = State(reading), reading.head().root.hex()
            made.append(apply_block(state, acts, height=1, at=each.time, previous=previous))
    assert made[0].leaves != made[1].leaves


# Nonsense ---------------------------------------------------------------------------------------

NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1)
WILD = st.one_of(
    st.none(),
    st.booleans(),
    NUMBERS,
    st.sampled_from(["", "a", "a/b", "\0", "大理", "x" * 300, "0" * 64, "f" * 32, "miaopei"]),
    st.lists(st.none() | st.integers(0, 3) | st.just("a") | st.just([]) | st.just({}), max_size=3),
    st.dictionaries(st.sampled_from(["a", "key", "carrier", "zh"]), NUMBERS | st.none()),
)


@cache
def samples() -> dict[str, list[dict[str, Any]]]:
    """Bodies of every kind of act, as a history has them."""
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for seed in range(HISTORIES):
        for block in blocks(history(seed).leaves()):
            for act in block.acts:
                if len(found[act.kind]) < 6:
                    found[act.kind].append(act.body)
    for block in blocks(seated().leaves()):
        for act in block.acts:
            if act.kind in SEATED and act.body not in found[act.kind]:
                found[act.kind].append(act.body)
    for act in handing_over(history(1)):
        if act.kind in LAST:
            found[act.kind].append(act.body)
    return found


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place inside a body."""
    if path:
        yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for index in range(min(len(value), 4)):
            yield from places(value[index], (*path, index))


def spoilt(body: dict[str, Any], path: tuple[Any, ...], how: str, wild: Any) -> dict[str, Any]:
    """The body with one place replaced, taken away, doubled, or with something beside it."""
    body = copy.deepcopy(body)
    holder: Any = body
    for step in path[:-1]:
        holder = holder[step]
    last = path[-1]
    if how == "remove":
        del holder[last]
    elif how == "double" and isinstance(holder, list):
        holder.append(holder[last])
    elif how == "beside" and isinstance(holder, dict):
        holder["beside"] = wild
    else:
        holder[last] = wild
    return body


@cache
def busy() -> Town:
    """A town with an open trigger, an unpaid debt, a batch not in force and a case that is held."""
    town = history(1)
    rows = [town.policy("hills")]
    town.node.submit([town.batch(rows)])
    town.tell(quake(beijing_text(town.now), "6.1"))
    return town


@given(kind=st.sampled_from(sorted(KINDS)), data=st.data())
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
def test_nonsense_in_a_body_is_refused_and_never_stops_the_record(
    kind: str, data: st.DataObject
) -> None:
    """Any place of any body, anything in it: refused by code with nothing written, or taken."""
    town: Town | Six = seated() if kind in SEATED else busy()
    body = data.draw(st.sampled_from(samples()[kind]))
    path = data.draw(st.sampled_from(list(places(body))))
    how = data.draw(st.sampled_from(["replace", "replace", "remove", "double", "beside"]))
    wild = spoilt(body, path, how, data.draw(WILD))
    if isinstance(town, Six):
        act = town.act(data.draw(st.sampled_from(SIX)), kind, wild)
    else:
        act = town.act(kind, wild, f"{data.draw(st.integers())}")
    with town.store.reading() as reading:
        state = State(reading)
        made = apply_block(
            state, [act], height=10**6, at=town.now, previous="0" * 64, keep_refused=True
        )
        (result,) = made.results
        if not result.ok:
            assert result.refusals
            assert all("." in refusal.code for refusal in result.refusals)
            # what ripens meanwhile is not the act's doing; that it is refused for good is
            ripe = State(reading)
            apply_block(ripe, [], height=10**6, at=town.now, previous="0" * 64)
            writes = state.writes()
            assert ("refused", act.id) in [(table, key) for table, key, _ in writes]
            assert [each for each in writes if each[:2] != ("refused", act.id)] == ripe.writes()
    assert all(len(leaf) <= 65_535 for leaf in made.leaves)


# Order ------------------------------------------------------------------------------------------

SOURCES = ("cenc.rapid", "cenc.catalogue", "other.rapid", "usgs.comcat")


@st.composite
def swarms(draw: st.DrawFn) -> list[Row]:
    """Shocks along a fault, hours to days apart, by several sources, with revisions."""
    rows, at = [], from_beijing("2016-01-10")
    for number in range(draw(st.integers(2, 9))):
        at += draw(st.integers(1, 90)) * HOUR
        lat = f"{25.30 + 0.15 * draw(st.integers(0, 4)):.2f}"
        spot = (lat, "99.90", "云南漾濞")
        for source in draw(st.lists(st.sampled_from(SOURCES), min_size=1, max_size=3, unique=True)):
            for revision in range(draw(st.integers(1, 2))):
                tenths = draw(st.integers(46, 56))
                rows.append(
                    quake(
                        beijing_text(at),
                        f"{tenths // 10}.{tenths % 10}",
                        spot,
                        source=source,
                        key=f"{number}",
                        revision=revision,
                        seconds=draw(st.integers(-3, 3)),
                    )
                )
    return rows


def told_in_parts(town: Town, rows: Sequence[Row], random: Random, *, work: bool = False) -> None:
    """The rows in any order and in any grouping into acts, within an hour of the record's time."""
    order = list(rows)
    random.shuffle(order)
    while order:
        count = random.randint(1, len(order))
        part, order = order[:count], order[count:]
        town.tell(*part)
        town.at(town.now + random.randint(0, 3_500 // len(rows)))
        if work and random.random() < 0.5:
            town.work()


@given(rows=swarms(), seed=st.integers(0, 10**6))
@settings(max_examples=60)
def test_facts_recorded_one_by_one_group_as_if_all_had_come_at_once(
    rows: list[Row], seed: int
) -> None:
    """Long chains of sequences, each of which decides where the next begins; nothing is lost."""
    town = Town().set_up()
    listing = town.list_product(hills(sources=("third.rapid",)))  # nothing settles, all waits
    town.at("2016-03-01")
    told_in_parts(town, rows, Random(seed))
    with town.state() as state:
        wanted = group(facts_between(state, 0, 2 * 10**9), GROUPING)
    kept = sorted(town.table("occurrence").values(), key=lambda o: (o["origin"], o["id"]))
    assert kept == [occurrence.as_json() for occurrence in wanted]
    live = {o.id for o in wanted}
    cases = town.cases(listing)
    assert {c["occurrence"] for c in cases if c["reason"] != "part_of_an_earlier_sequence"} == live
    assert live <= {c["occurrence"] for c in cases}
    assert all(c["reason"] == "part_of_an_earlier_sequence" for c in cases
               if c["occurrence"] not in live)  # fmt: skip


@st.composite
def sequences(draw: st.DrawFn) -> list[list[list[Row]]]:
    """Sequences ten days apart, each of shocks near one another, each shock with all its facts."""
    found, at = [], from_beijing("2016-02-01")
    for _ in range(draw(st.integers(1, 3))):
        at += 10 * DAY
        sequence = []
        for number in range(draw(st.integers(1, 3))):
            when = beijing_text(at + number * 20 * HOUR + draw(st.integers(0, 3_600)))
            tenths = draw(st.integers(50, 69))
            raw = f"{tenths // 10}.{tenths % 10}"
            other = f"{tenths // 10}.{(tenths + draw(st.integers(0, 3))) % 10}"
            facts = [
                quake(when, raw),
                catalogue(when, other, seconds=draw(st.integers(-2, 2))),
                quake(when, "7.5", source="usgs.comcat"),
            ]
            sequence.append(facts[: draw(st.integers(1, 3))])
        found.append(sequence)
    return found


def band(tenths: int) -> int:
    """What the made-up table pays."""
    return next(fen for low, fen in reversed(STEPS) if tenths >= low and fen is not None)


def due(sequence: list[list[Row]]) -> int:
    """What a sequence owes a policy: the band of the highest official magnitude."""
    return max(band(shock[0].observation.values["magnitude_tenths"]) for shock in sequence)


@given(given=sequences(), seed=st.integers(0, 10**6), work=st.booleans())
@settings(max_examples=60)
def test_the_order_and_grouping_of_facts_never_change_a_payout(
    given: list[list[list[Row]]], seed: int, work: bool
) -> None:
    """Read in within one hour, decided meanwhile or after: each sequence pays by its main shock."""
    town = Town().set_up()
    listing = town.list_product(hills(year_fen=wan(90_000)), placement=ONE_CARRIER)
    town.issue([town.policy(listing)])
    town.at("2016-04-01")
    rows = [row for sequence in given for shock in sequence for row in shock]
    told_in_parts(town, rows, Random(seed), work=work)
    town.at("2016-06-01")
    town.work()
    paid: Counter[str] = Counter()
    for settlement in town.settlements(listing):
        trigger = town.table("trigger", settlement["trigger"])[settlement["trigger"]]
        paid[trigger["occurrence"]] += settlement["totals"]["pay_fen"]
    assert sorted(paid.values()) == sorted(due(sequence) for sequence in given)
    assert {c["state"] for c in town.cases(listing)} <= {"settled", "not_covered"}


@given(given=sequences(), seed=st.integers(0, 10**6))
@settings(max_examples=30)
def test_under_a_yearly_limit_the_sum_is_the_same_in_any_order(
    given: list[list[list[Row]]], seed: int
) -> None:
    town = Town().set_up()
    listing = town.list_product(hills(year_fen=wan(900)), placement=ONE_CARRIER)
    town.issue([town.policy(listing)])
    town.at("2016-04-01")
    rows = [row for sequence in given for shock in sequence for row in shock]
    told_in_parts(town, rows, Random(seed), work=True)
    town.work()
    assert town.paid_fen(listing) == min(wan(900), sum(due(sequence) for sequence in given))
