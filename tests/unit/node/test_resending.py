"""Acts on their way through the engine: sent again until they are final, and not ever faster."""

from __future__ import annotations

import pytest

from miaopei.adapters.memory_store import MemoryStore
from miaopei.errors import OutsideFault, Refused
from miaopei.node.order import consortium
from miaopei.node.order.application import Application
from miaopei.node.order.consortium import Consortium, Sent
from miaopei.node.order.parcel import read_parcel
from tests.support.consortium import START, genesis, newcomer, who


def test_what_waits_in_a_long_queue_is_not_sent_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else each that waits adds to what it waits for: 40 attempts in the same time before."""
    monkeypatch.setattr(consortium, "RESEND_SECONDS", 0.05)
    sent = list[bytes]()

    def queued(item: bytes) -> Sent:
        sent.append(item)
        return Sent.QUEUED

    one = genesis(["utility"])
    application = Application(MemoryStore(), who("utility"), one, lambda: START + 100)
    orderer = Consortium(MemoryStore(), application.door, queued, patience=2.0)
    with pytest.raises(OutsideFault) as fault:
        orderer.submit([newcomer(one, "x")])
    assert fault.value.retry
    parcels = [read_parcel(item) for item in sent]
    assert [parcel.attempt for parcel in parcels if parcel] == list(range(1, len(sent) + 1))
    assert 2 <= len(sent) <= 8  # after 0.05, 0.1, 0.2 and from then on 0.4 s


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
