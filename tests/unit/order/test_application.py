"""The record as the engine's application: one transaction a block, time by its rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miaopei.acts.envelope import Act
from miaopei.adapters import postgres_columns
from miaopei.adapters.memory_store import MemoryStore
from miaopei.adapters.postgres.store import PostgresStore
from miaopei.errors import Alarm, Refused
from miaopei.ledger import checkpoint
from miaopei.measures.identity import read_canonical
from miaopei.measures.suites import named, within
from miaopei.node.node import Node
from miaopei.node.order import door
from miaopei.node.order.application import Application, Committed
from miaopei.node.order.consortium import Consortium
from miaopei.node.order.door import AT_ONCE, REFUSED_BYTES
from miaopei.node.order.keep import found
from miaopei.node.order.parcel import Parcel, parcels, read_parcel, read_time, time_item
from miaopei.node.ports import Head, Identity, Store
from miaopei.node.proof.inspect import inspect
from tests.support import servers
from tests.support.consortium import START, act, block, genesis, key, newcomer, public, who

AHEAD = 10  # seconds that a block's time may be ahead of a voter's clock: consortium.md, "Time"
GENESIS = genesis()
REPLAY = genesis(clock="replay")


def application(
    member: str = "utility",
    value: dict[str, Any] | None = None,
    *,
    store: Store | None = None,
    clock: Callable[[], int] = lambda: START,
    heard: Callable[[Committed], None] = lambda _: None,
) -> Application:
    made = Application(store or MemoryStore(), who(member), value or GENESIS, clock, heard)
    made.begin(made.chain_id)
    return made


def run(app: Application, *blocks: list[bytes]) -> list[str]:
    """Finalise and commit blocks; the root after each."""
    roots = []
    for items in blocks:
        root, _ = app.finalize(app.head.height + 1, items)
        app.commit()
        assert app.head.root == root
        roots.append(root.hex())
    return roots


def leaves(store: Store) -> list[Any]:
    with store.reading() as reading:
        return [read_canonical(leaf) for leaf in reading.leaves(0, reading.head().size)]


def beside(member: str, store: Store, change: Callable[[Head], Head] = lambda h: h) -> list[str]:
    """What an audit finds beside the log, where the head that is stored were another one."""
    node = Node(store, who(member), lambda: START, bytes)
    with store.reading() as reading, patch.object(reading, "head", lambda: change(kept)):
        kept = type(reading).head(reading)
        return [refusal.code for refusal in inspect(reading, node)]


# Same bytes ---------------------------------------------------------------------------------------


def test_every_member_comes_to_the_same_root_on_memory_and_on_postgresql() -> None:
    blocks = [
        block(START + 1, newcomer(GENESIS, "a"), newcomer(GENESIS, "b", "notary")),
        block(START + 1),
        block(START + 9, newcomer(GENESIS, "a"), newcomer(GENESIS, "a", "insurer")),
    ]
    dsn = servers.database()
    kept = PostgresStore(dsn)
    try:
        roots = {
            name: run(application(name, store=store), *blocks)
            for name, store in (("utility", MemoryStore()), ("notary", kept))
        }
    finally:
        kept.close()
        servers.drop(dsn)
    assert roots["utility"] == roots["notary"]
    assert len(set(roots["utility"])) == 2  # the block in which only time passed changes nothing


def test_members_of_suite_gm_come_to_the_same_root_and_sign_it_with_keys_of_that_suite() -> None:
    with within(named("gm")):
        value, store = genesis(), MemoryStore()
        items = block(START + 1, newcomer(value, "a"), newcomer(value, "b", "notary"))
        blocks = [items, block(START + 1)]
        roots = run(application("notary", value, store=store), *blocks)
        assert roots == run(application("insurer", value), *blocks)
        with store.reading() as reading:
            text = reading.checkpoint()
        vkey = checkpoint.verifier_key(value["origin"], who("notary").log)
        assert checkpoint.verify(text, vkey).root.hex() == roots[-1]
        mixed = {**value, "seats": [{**value["seats"][0], "log": public("utility", "log")}]}
        with pytest.raises(Refused) as refused:
            application(value=mixed)
        assert refused.value.refusals[0].code == "act.bad_seat"
    with pytest.raises(Refused):
        application(value=value)


def test_a_crash_between_computing_and_committing_leaves_nothing_and_gives_the_same_bytes() -> None:
    store = MemoryStore()
    app = application(store=store)
    items = block(START + 1, newcomer(GENESIS, "a"))
    first, _ = app.finalize(1, items)
    before = leaves(store)
    app.info()  # a new engine connects: what was computed is forgotten
    again = Application(store, who("utility"), GENESIS, lambda: START)
    assert (leaves(store), again.info().height) == (before, 0)
    second, _ = again.finalize(1, items)
    again.commit()
    assert first == second
    with pytest.raises(Alarm):
        again.commit()
    with pytest.raises(Alarm):
        again.finalize(7, items)


def test_refused_acts_stay_on_the_record_and_the_same_act_is_applied_once() -> None:
    told: list[Committed] = []
    store = MemoryStore()
    app = application(store=store, heard=told.append)
    good, taken = newcomer(GENESIS, "a"), newcomer(GENESIS, "a", "notary")
    run(app, block(START, good, taken), block(START, good, attempt=2))
    results = [[(r.ok, r.new) for r in made.results] for made in told]
    assert results == [[(True, True), (False, True)], [(True, False)]]
    acts = [leaf for leaf in leaves(store) if leaf["leaf"] == "act"]
    assert [leaf["act"]["by"] for leaf in acts] == ["utility", "notary"]
    assert acts[1]["result"]["refusals"][0]["code"] == "act.member_taken"


def test_a_result_is_certified_by_the_block_after_it_and_each_member_signs_with_its_own_key() -> (
    None
):
    store = MemoryStore()
    app = application("notary", store=store)
    run(app, block(START, newcomer(GENESIS, "a")))
    assert (app.certified, app.head.size) == (1, 3)
    assert beside("notary", store) == []  # nothing is wrong with a block that waits for the next
    assert beside("notary", store, lambda head: replace(head, size=2)) == ["inspect.head_altered"]
    assert beside("notary", store, lambda head: replace(head, size=9)) == ["inspect.head_altered"]
    run(app, block(START))
    assert app.certified == 3
    with store.reading() as reading:
        text = reading.checkpoint()
    vkey = checkpoint.verifier_key(GENESIS["origin"], who("notary").log)
    head = checkpoint.verify(text, vkey)
    assert (head.size, head.root) == (3, app.head.root)


def test_an_engine_of_another_record_is_refused() -> None:
    app = Application(MemoryStore(), who("utility"), GENESIS, lambda: START)
    with pytest.raises(Alarm, match="another record"):
        app.begin("miaopei-0")
    store = MemoryStore()
    found(store, REPLAY, who("utility").log)
    with pytest.raises(Refused, match="other_genesis"):
        application(store=store)


# Time ---------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(
    before=st.integers(START, START + 100),
    told=st.integers(START - 200, START + 300),
    clock=st.integers(START - 100, START + 200),
    later=st.integers(0, 10_000),
)
def test_a_vote_on_time_can_only_turn_into_consent(
    before: int, told: int, clock: int, later: int
) -> None:
    now = [clock]
    app = application(clock=lambda: now[0])
    run(app, block(before))
    said = app.vote(block(told))
    assert said == (told >= before and (told == before or told <= clock + AHEAD))
    now[0] = clock + later
    assert app.vote(block(told)) or not said
    assert app.vote(app.propose([], 1_000_000))  # an honest proposal is always taken


def test_a_clock_may_be_ten_seconds_ahead_of_a_voters() -> None:
    app = application()
    assert app.vote(block(START + AHEAD))
    assert not app.vote(block(START + AHEAD + 1))


def test_a_block_locked_before_a_long_halt_is_taken_after_it_and_time_never_goes_back() -> None:
    now = [START + 5]
    app = application(clock=lambda: now[0])
    locked = app.propose(block(None, newcomer(GENESIS, "a")), 1_000_000)
    now[0] += 100 * AHEAD
    assert app.vote(locked)
    run(app, locked)
    assert app.head.time == START + 5
    assert not app.vote(block(START + 4))
    now[0] = START - 50  # our own clock is set back
    assert read_time(app.propose([], 1_000)[0]) == START + 5


def test_blocks_that_no_honest_proposer_makes_are_voted_down() -> None:
    app = application()
    assert not app.vote([])
    assert not app.vote(block(None, newcomer(GENESIS, "a")))
    assert not app.vote([*block(START), time_item(START)])
    replayed = application("cloud", REPLAY)
    assert replayed.vote([])
    assert not replayed.vote(block(START))


def test_a_replays_time_is_that_of_the_replay_source_alone() -> None:
    store = MemoryStore()
    app = application("cloud", REPLAY, store=store)
    tick = act(REPLAY, "cloud", "time", "t", {"time": START + 50})
    false = act(REPLAY, "notary", "time", "t", {"time": START + 5_000})
    assert app.propose([], 1_000) == []
    run(app, block(None, tick, newcomer(REPLAY, "a"), false))
    assert app.head.time == START + 50


# What travels -------------------------------------------------------------------------------------


def test_proposals_keep_within_the_engines_limit_and_drop_what_is_no_parcel() -> None:
    app = application()
    items = [Parcel(1, (newcomer(GENESIS, f"m{i}"),)).to_bytes() for i in range(20)]
    made = app.propose([b"noise", *items], 3_000)
    assert 0 < len(made) < 20
    assert sum(len(item) + 8 for item in made) <= 3_000 + 8
    assert made[1:] == items[: len(made) - 1]


@settings(max_examples=30)
@given(st.binary(max_size=200))
def test_bytes_that_are_no_parcel_change_nothing(data: bytes) -> None:
    assert read_parcel(data) is None or Parcel(*_parts(read_parcel(data))).to_bytes() == data
    app = application()
    root = app.head.root
    again, codes = app.finalize(1, [time_item(START), data])
    assert (again, codes) == (root, [0, 1]) or read_parcel(data) is not None


def _parts(parcel: Parcel | None) -> tuple[int, tuple[Act, ...]]:
    assert parcel is not None
    return parcel.attempt, parcel.acts


def test_many_acts_travel_in_parcels_that_the_door_takes() -> None:
    acts = [newcomer(GENESIS, f"m{i}") for i in range(1_500)]
    made = parcels(acts)
    assert [a for part in made for a in part] == acts
    assert all(read_parcel(Parcel(1, part).to_bytes()) == Parcel(1, part) for part in made)


def test_the_door_lets_in_only_what_a_member_has_signed() -> None:
    app = application()
    good = newcomer(GENESIS, "a")
    assert app.check(Parcel(1, (good,)).to_bytes()) is None
    said = app.check(Parcel(1, (newcomer(REPLAY, "a"),)).to_bytes())
    assert said is not None
    assert said.code == "act.other_chain"
    assert app.check(b"noise") is not None
    stranger = act(GENESIS, "utility", "decide", "d", {})
    forged = Act(stranger.chain, "decide", "stranger", stranger.key, "d", {}, stranger.sig)
    assert app.check(Parcel(1, (forged,)).to_bytes()) is not None


# Keys of the log ----------------------------------------------------------------------------------


def test_a_key_out_of_force_signs_nothing_and_its_successor_signs_what_it_missed() -> None:
    """Which key may have signed which size follows from the leaves."""
    old, dsn = who("utility"), servers.database()
    fresh = replace(old, log=key("utility", "a later log"))
    change = {"keys": {"log": public("utility", "a later log")}}
    rotated = act(GENESIS, "utility", "rotate_keys", "rotate", change)
    store = PostgresStore(dsn)
    try:
        app = application(store=store)
        run(app, block(START, newcomer(GENESIS, "before")), block(START, rotated))
        last = app.head.size
        run(app, block(START, newcomer(GENESIS, "after")), block(START, newcomer(GENESIS, "then")))
        assert max(signed_by(store, old)) < last  # the block that put it out of force is not its
        assert differences(store, old) == []
        app = Application(store, fresh, GENESIS, lambda: START)
        app.info()
        run(app, block(START))
        assert differences(store, fresh) == differences(store, old) == []
        assert min(signed_by(store, fresh)) == last
        assert len(signed_by(store, fresh)) == 3
        forged = checkpoint.sign("example.org/six", app.head.size, app.head.root, old.log)
        with store.writing() as writing:
            writing.save_checkpoint(app.head.size, forged)
        assert differences(store, fresh) == ["ledger.checkpoint_unsigned"]
    finally:
        store.close()
        servers.drop(dsn)


def differences(store: PostgresStore, me: Identity) -> list[object]:
    """What the columns of a store do not bear out, by the key that a member has now."""
    vkey = checkpoint.verifier_key("example.org/six", me.log)
    with store.reading() as reading:
        return [each.facts.get("why") for each in postgres_columns.compare(reading, vkey)]


def signed_by(store: PostgresStore, me: Identity) -> list[int]:
    """The sizes under whose checkpoint a member's key stands."""
    vkey = checkpoint.read_verifier_key(checkpoint.verifier_key("example.org/six", me.log))
    with store.reading() as reading:
        kept = reading.execute("select size, text from own.checkpoint order by size")
    lines = {size: checkpoint.parse(text).signatures for size, text in kept}
    return [size for size, by in lines.items() if vkey.key_id in {line.key_id for line in by}]


# Not too much of one member -----------------------------------------------------------------------
def test_who_floods_with_refused_acts_is_told_to_wait_and_nobody_else_is() -> None:
    """The flood ends at every door by what its acts have come to; replayed acts cost nothing."""
    now = START
    store = MemoryStore()
    app = application(store=store, clock=lambda: now)
    orderer = Consortium(store, app.door, lambda item: pytest.fail("nothing goes out"))
    bad = [act(GENESIS, "notary", "admit_member", f"bad-{i}", {"id": ""}) for i in range(200)]
    let_in = 0
    for one in bad:
        item = Parcel(1, (one,)).to_bytes()
        said = app.check(item)
        if said is None:
            run(app, [time_item(now), item])
            let_in += 1
    assert let_in == AT_ONCE // REFUSED_BYTES + 1
    assert said is not None
    assert (said.code, said.facts["member"]) == ("net.too_fast", "notary")
    last = len(leaves(store))
    fresh = act(GENESIS, "notary", "admit_member", "good", newcomer(GENESIS, "good").body)
    with pytest.raises(Refused) as refused:
        orderer.submit([fresh])
    assert refused.value.refusals[0].code == "net.too_fast"
    assert app.check(Parcel(1, (newcomer(GENESIS, "a"),)).to_bytes()) is None, "others go on"
    run(app, [time_item(now), Parcel(2, tuple(bad[:30])).to_bytes()])
    assert len(leaves(store)) == last, "the same acts again leave nothing"
    seconds = refused.value.refusals[0].facts["seconds"]
    assert isinstance(seconds, int)
    now += seconds
    assert app.check(Parcel(1, (fresh,)).to_bytes()) is None, "and after the wait it is taken"


def test_whoever_sends_anothers_acts_again_uses_up_nothing_of_what_that_one_may_send() -> None:
    app = application()
    items = [Parcel(n, (newcomer(GENESIS, "a"),)).to_bytes() for n in range(1, 20)]
    with patch.object(door, "AT_ONCE", 2_000):
        run(app, *([time_item(START), item] for item in items))
        assert app.check(Parcel(1, (newcomer(GENESIS, "b"),)).to_bytes()) is None


def test_what_is_caught_up_with_weighs_nothing_by_now() -> None:
    """A member that was away reads hours of acts in a minute, and shuts its door on nobody."""
    app = application(clock=lambda: START + 3_600)
    with patch.object(door, "AT_ONCE", 0), patch.object(door, "BYTES_A_SECOND", 10):
        run(app, *(block(START + n, newcomer(GENESIS, f"m{n}")) for n in range(5)))
        assert app.check(Parcel(1, (newcomer(GENESIS, "b"),)).to_bytes()) is None
        run(app, block(START + 3_600, newcomer(GENESIS, "m")))
        assert app.check(Parcel(1, (newcomer(GENESIS, "b"),)).to_bytes()) is not None
