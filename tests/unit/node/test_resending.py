"""Acts on their way through the engine: sent again until they are final, and not ever faster."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from miaopei.acts.apply import ActResult
from miaopei.acts.envelope import Act
from miaopei.adapters.memory_store import MemoryStore
from miaopei.errors import OutsideFault, Refused
from miaopei.node.order import consortium
from miaopei.node.order.application import Application, Committed
from miaopei.node.order.consortium import (
    FACTS_FIRST,
    FACTS_MAX,
    FACTS_MIN,
    Consortium,
    Sent,
    Window,
)
from miaopei.node.order.parcel import read_parcel
from tests.support.consortium import START, act, genesis, newcomer, who


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def carried(answer: Callable[[bytes], Sent], patience: float) -> OutsideFault:
    """What is said where nothing comes back of what an engine answers so."""
    one = genesis(["utility"])
    application = Application(MemoryStore(), who("utility"), one, lambda: START + 100)
    orderer = Consortium(MemoryStore(), application.door, answer, patience=patience)
    with pytest.raises(OutsideFault) as fault:
        orderer.submit([newcomer(one, "x")])
    return fault.value


def test_what_waits_in_a_long_queue_is_not_sent_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else each that waits adds to what it waits for. The same bytes are offered, ever more slowly:
    an engine that holds them passes nothing on, one that has lost them takes them anew.
    """
    monkeypatch.setattr(consortium, "RESEND_SECONDS", 0.05)
    sent = list[bytes]()

    def queued(item: bytes) -> Sent:
        sent.append(item)
        return Sent.QUEUED if len(sent) == 1 else Sent.THERE

    assert carried(queued, 2.0).retry
    assert len(set(sent)) == 1
    assert 2 <= len(sent) <= 9  # after 0.05, 0.1, 0.2 and from then on 0.4 s


def test_what_an_engine_holds_for_long_goes_out_under_the_next_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The others may have dropped it, and an engine passes the same bytes on but once."""
    monkeypatch.setattr(consortium, "RESEND_SECONDS", 0.01)
    monkeypatch.setattr(consortium, "ANEW_SECONDS", 0.2)
    held, sent = set[bytes](), list[bytes]()

    def engine(item: bytes) -> Sent:
        sent.append(item)
        there = item in held
        held.add(item)
        return Sent.THERE if there else Sent.QUEUED

    assert carried(engine, 2.0).retry
    attempts = [parcel.attempt for item in sent if (parcel := read_parcel(item))]
    assert attempts == sorted(attempts)
    assert set(attempts) == set(range(1, attempts[-1] + 1))
    assert 2 <= attempts[-1] <= 10
    assert len(attempts) > attempts[-1]  # each is looked after before another number is given


def test_facts_beyond_what_comes_back_soon_are_refused_at_once_and_all_else_finds_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A load of facts neither waits for minutes nor keeps from the order what decides and pays."""
    monkeypatch.setattr(consortium, "RESEND_SECONDS", 600.0)  # each is sent once and counted
    one = genesis(["utility"])
    application = Application(MemoryStore(), who("utility"), one, lambda: START + 100)
    sent, store = list[bytes](), MemoryStore()

    def queued(item: bytes) -> Sent:
        sent.append(item)
        return Sent.QUEUED

    orderer = Consortium(store, application.door, queued, patience=60)
    many = [
        act(one, "utility", "record_facts", f"f{number}", {"facts": [{"bytes": "x" * 40_000}]})
        for number in range(16)
    ]
    fitting = FACTS_FIRST // many[0].size
    results, waiting = list[ActResult](), list[threading.Thread]()

    def send(each: Act) -> None:
        results.extend(orderer.submit([each]))

    for number, each in enumerate(many[:fitting]):
        waiting.append(threading.Thread(target=send, args=(each,)))
        waiting[-1].start()
        until(lambda n=number: len(sent) == n + 1)
    with pytest.raises(Refused) as refused:
        orderer.submit([many[fitting]])
    (refusal,) = refused.value.refusals
    assert refusal.code == "net.busy"
    assert refusal.facts["limit"] == FACTS_FIRST
    waiting.append(threading.Thread(target=send, args=(newcomer(one, "x"),)))
    waiting[-1].start()
    until(lambda: len(sent) == fitting + 1)
    said = [ActResult(each.id, ok=True, new=True) for each in (*many, newcomer(one, "x"))]
    orderer.heard(Committed(1, tuple(said), ""))
    for thread in waiting:
        thread.join(60)
    assert len(results) == fitting + 1
    until(lambda: orderer.in_flight == 0)


def test_originals_that_members_fetch_beside_the_order_take_room_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(consortium, "RESEND_SECONDS", 600.0)
    one = genesis(["utility"])
    application = Application(MemoryStore(), who("utility"), one, lambda: START + 100)
    sent = list[bytes]()

    def queued(item: bytes) -> Sent:
        sent.append(item)
        return Sent.QUEUED

    orderer = Consortium(MemoryStore(), application.door, queued, patience=60)

    def facts(ref: str, original: object) -> Act:
        body = {"facts": [{"observation": {}, "attestation": {"original": original}}, 3]}
        return act(one, "utility", "record_facts", ref, body)

    long = facts("long", {"bytes_b64": None, "length": FACTS_FIRST})
    waiting = threading.Thread(target=orderer.submit, args=([long],))
    waiting.start()
    until(lambda: len(sent) == 1)
    assert orderer.in_flight == long.size + FACTS_FIRST
    with pytest.raises(Refused) as refused:
        orderer.submit([facts("short", {"bytes_b64": "", "length": 0})])
    assert refused.value.refusals[0].code == "net.busy"
    orderer.heard(Committed(1, (ActResult(long.id, ok=True, new=True),), ""))
    waiting.join(60)
    assert orderer.in_flight == 0


def test_the_room_for_facts_grows_while_they_come_back_soon_and_shrinks_where_they_come_late() -> (
    None
):
    window = Window()
    for number in range(100):  # one a second, each back after 0.3 s, the room well used
        window.came(44_000, number, number + 0.3, window.limit)
    grown = window.limit
    assert FACTS_FIRST < grown <= FACTS_MAX
    for number in range(10):  # all sent in one second, all late: that is one reason, not ten
        window.came(44_000, 200 + number / 10, 205.0, window.limit)
    assert window.limit == grown * 3 // 4
    for number in range(100):
        window.came(44_000, 300 + 10 * number, 309 + 10 * number, window.limit)
    assert window.limit == FACTS_MIN
    window.came(44_000, 2000, 2000.3, 44_000)  # who does not need more room is given none
    assert window.limit == FACTS_MIN


def test_where_all_is_slow_from_the_start_that_is_not_taken_for_a_queue() -> None:
    """Members far apart: what counts is the time beyond the quickest."""
    window = Window()
    window.came(44_000, 0, 1.9, window.limit)
    for number in range(100):
        window.came(44_000, 10 + number, 12.5 + number, window.limit)
    assert window.limit > FACTS_FIRST


def test_a_full_engine_is_asked_at_the_same_pace_and_then_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(consortium, "PAUSE_SECONDS", 0.01)
    one, asked = genesis(["utility"]), list[bytes]()

    def full(item: bytes) -> Sent:
        asked.append(item)
        return Sent.FULL

    application = Application(MemoryStore(), who("utility"), one, lambda: START + 100)
    orderer = Consortium(MemoryStore(), application.door, full, patience=0.5)
    with pytest.raises(Refused) as refused:
        orderer.submit([newcomer(one, "x")])
    assert refused.value.refusals[0].code == "net.busy"
    assert len(asked) >= 2
