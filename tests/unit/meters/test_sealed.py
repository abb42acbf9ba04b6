"""Batches are sealed from the concentrator to this member: nothing of them can be read between.

Two hundred known customers' readings lie at the broker while the member is away; every file of the
broker is searched. Rows O-08, C-03.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from miaopei.adapters.meters import broker, sealed
from miaopei.adapters.sandbox_grid.speech import sealed_for
from miaopei.errors import Refused
from miaopei.measures import suites
from miaopei.measures.suites import in_use
from tests.journey.test_plaintext import PERSONS, files, found_in, person
from tests.support import sayings as s
from tests.unit.meters.conftest import Field, grid, until
from tests.unit.meters.test_outages import KEY, OFF, PEOPLE, Side, off, side, signed

__all__ = ["grid", "side"]
METERS = [person(number)["meter"] for number in range(PERSONS)]


def said() -> list[tuple[str, str, int]]:
    return [(each, "off", int(time.time()) - 1) for each in METERS]


def knows_them(meadow: Field) -> None:
    of = {**meadow.known.readers.of, **{s.token(each): ((0, "c1"),) for each in METERS}}
    meadow.known = replace(meadow.known, readers=replace(meadow.known.readers, of=of))
    meadow.meters.known = meadow.known


def hits(folder: Path) -> list[str]:
    return [where for where, data in files(folder, folder / "none") if found_in(data)]


def test_nobody_is_read_on_the_brokers_disk_while_the_member_is_away(
    meadow: Field, tmp_path: Path
) -> None:
    """And the search would find them: a batch that is not sealed lies there in plain."""
    knows_them(meadow)
    clients = tmp_path / "clients"
    with broker.running(meadow.folder, meadow.port):
        with meadow.listener() as listener:
            meadow.sandbox.connect(["c1"], "127.0.0.1", meadow.port, clients)
            until(lambda: listener.connected and meadow.kept().online)
        meadow.sandbox.read("c1", said())
        until(lambda: meadow.sandbox.about()["waiting"] == 0)  # the broker has it
    queues = broker.kept(meadow.folder)
    assert (queues / "mosquitto.db").stat().st_size > 5_000
    assert hits(queues.parent) == hits(meadow.folder) == []
    meadow.sandbox.misbehave("unsealed", uses=1)
    with broker.running(meadow.folder, meadow.port):
        meadow.sandbox.read("c1", said())
        until(lambda: meadow.sandbox.about()["waiting"] == 0)
    assert hits(queues.parent) == [str(queues / "mosquitto.db")]
    with broker.running(meadow.folder, meadow.port), meadow.listener():
        until(lambda: meadow.device()["refused"] == 1)
        assert meadow.device()["why"] == "grid.unsealed"
        until(lambda: meadow.whole("c1", 2))  # asked for again, and said sealed
    assert meadow.readings() == 2 * PERSONS


def test_unsealed_is_taken_of_those_alone_that_the_operator_names(side: Side) -> None:
    said = {"kind": "batch", "sequence": 1, "sent_at": OFF, "readings": off(*PEOPLE)}
    side.known = side.meters.known = replace(side.known, unsealed=frozenset())
    taken = side.take(signed(said), OFF)
    assert [refusal.code for _, refusal in taken.refused] == ["grid.unsealed"]
    assert side.take(seal(side, signed(said)), OFF).batches == 1
    side.known = side.meters.known = replace(side.known, unsealed=frozenset({"c1"}))
    assert side.take(signed({**said, "sequence": 2}), OFF).batches == 1


def seal(side: Side, payload: bytes) -> bytes:
    return sealed.sealed(payload, box_of(side), os.urandom)


def box_of(side: Side) -> bytes:
    return side.grid.town.node.identity.box.public_key().public_bytes_raw()


def altered(payload: bytes) -> Iterator[bytes]:
    head = len(sealed.MAGIC)
    yield payload[:-1] + bytes([payload[-1] ^ 1])  # what is sealed
    yield payload[: head + 2] + bytes([payload[head + 2] ^ 1]) + payload[head + 3 :]  # the key
    yield payload[:head] + b"\xff\xff" + payload[head + 2 :]
    yield payload[: head + 1]
    yield sealed.MAGIC
    yield payload[:-20]


def test_what_is_altered_or_for_another_is_refused_by_name_and_may_come_again(side: Side) -> None:
    good = seal(
        side, signed({"kind": "batch", "sequence": 1, "sent_at": OFF, "readings": off(*PEOPLE)})
    )
    stranger = X25519PrivateKey.generate().public_key().public_bytes_raw()
    for bad in (*altered(good), sealed.sealed(b"x", stranger, os.urandom)):
        assert [r.code for _, r in side.take(bad, OFF).refused] == ["grid.not_for_us"]
    forged = signed({"kind": "batch", "sequence": 1, "sent_at": OFF, "readings": []}, KEY)
    forged = b"0" * 128 + forged[128:]
    assert [r.code for _, r in side.take(seal(side, forged), OFF).refused] == ["grid.forged"]
    assert side.take(good, OFF).batches == 1
    again = seal(side, sealed.opened(good, [side.grid.town.node.identity.box]))
    assert again != good
    assert side.take(again, OFF).known == 1, "sealed anew it is the same batch"


def test_an_earlier_box_still_opens_what_was_sealed_for_it(side: Side) -> None:
    node, said = side.grid.town.node, {"kind": "batch", "sequence": 1, "sent_at": OFF}
    payload = seal(side, signed({**said, "readings": off(*PEOPLE)}))
    boxes = node.identity.box, X25519PrivateKey.generate()
    node.identity = replace(node.identity, box=boxes[1], boxes=(boxes[0],))
    assert side.take(payload, OFF).batches == 1


@pytest.mark.parametrize("name", ["intl", "gm"])
def test_the_sandbox_seals_by_code_of_its_own_and_we_open_it(name: str) -> None:
    """Both suites; what was sealed under one is nobody's under the other."""
    before = in_use.suite
    suites.use(suites.named(name))
    try:
        suite = in_use.suite
        box = suite.box(suite.new_box(os.urandom))
        public = box.public_key().public_bytes_raw().hex()
        made = sealed_for({"suite": name, "box": public}, b"payload")
        assert sealed.is_sealed(made)
        assert sealed.opened(made, [box]) == b"payload"
        assert b"payload" not in made
        with pytest.raises(Refused, match=r"grid\.not_for_us"):
            sealed.opened(made, [suite.box(suite.new_box(os.urandom))])
    finally:
        suites.use(before)
