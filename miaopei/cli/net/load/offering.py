"""A load that one running member offers: acts in parcels, readings in signed batches at a rate."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ....errors import OutsideFault, Refused
from ....evidence.observation import Observation
from ....measures.suites import public_hex
from ....node.gateway import INLINE_MAX, Row, record
from ....node.node import Node
from ....wiring.consortium import Seated
from ..control import Command, Tell

NOBODY = {"name": {"zh": "参与者", "en": "participant"}, "roles": [], "keys": []}
BATCH, AN_ACT, SENDING = 40, 280, 64  # readings a fact, an act at least; acts that wait at once
TELL_SECONDS, RECENT = 10.0, 200  # between words on how it goes; acts whose delay they tell


def answers(seated: Seated) -> Mapping[str, Command]:
    """`load` and `readings` offer acts; `holds` says how many blobs are here."""
    node = seated.member.node

    def load(_: Tell, asked: dict[str, Any]) -> int:
        """Put participants on the record, some in each parcel; how many milliseconds it took."""
        acts = [
            node.act("admit_member", name, {**NOBODY, "id": name, "operator": name})
            for name in (f"{asked['tag']}-{number}" for number in range(asked["count"]))
        ]
        began = time.monotonic()
        for start in range(0, len(acts), asked["parcel"]):
            node.submit(acts[start : start + asked["parcel"]])
        return round(1000 * (time.monotonic() - began))

    def readings(tell: Tell, asked: dict[str, Any]) -> dict[str, Any]:
        source = f"load.{seated.told.member}"
        batch, an_act = asked.get("batch", BATCH), asked.get("an_act", AN_ACT)
        offer = (asked["tag"], asked["rate"], asked["lasting"], batch, an_act)
        return offered(node, source, *offer, tell=tell)

    def holds(_: Tell, asked: dict[str, Any]) -> int:
        """How many of these blobs this member has."""
        with node.reading() as (reading, _state):
            return sum(reading.blob(name) is not None for name in asked["blobs"])

    return {"holds": holds, "load": load, "readings": readings}


def offered(
    node: Node,
    source: str,
    tag: str,
    rate: float,
    lasting: float,
    batch: int = BATCH,
    an_act: int = AN_ACT,
    tell: Tell = lambda _: None,
) -> dict[str, Any]:
    """Readings of 100 bytes in signed batches, offered at a rate for so many seconds.

    `batch` of them make the original of one attested fact: forty stand inside it and go through the
    order, more lie in a blob, whose digest is signed and which every member fetches. Every member
    checks what was signed. What is refused because we are busy is not sent again. Now and then
    `tell` is told how it goes.
    Units   readings; seconds from the moment an act was due to the block that held it.
    """
    with node.reading() as (_, state):
        known = state.has("source", source)
    if lasting and not known:
        node.accept("register_source", source, _meter(node, source))
    facts = max(1, an_act // batch)
    gap, start = facts * batch / rate, time.monotonic()
    made = _Made(facts * batch, start)

    def send(number: int) -> None:
        rows = [_batch(source, f"{tag}/{number}/{part}", batch) for part in range(facts)]
        try:
            results = record(node, rows, int(time.time()))
        except Refused:
            made.came(number * gap, "refused")
        except OutsideFault:
            made.came(number * gap, "lost")
        else:
            good = all(result.ok and not result.notes for result in results)
            made.came(number * gap, "final" if good else "lost", rows)

    with ThreadPoolExecutor(SENDING) as line:
        told = start
        for number in range(int(lasting / gap)):
            time.sleep(max(0.0, start + number * gap - time.monotonic()))
            line.submit(send, number)
            if time.monotonic() > told + TELL_SECONDS:
                told = time.monotonic()
                tell(made.so_far())
    done = made.so_far()
    with node.reading() as (_, state):
        recorded = state.get("counter", "observation") or 0
    at_end = {"due": made.due, "taken": made.taken, "blobs": made.blobs, "recorded": recorded}
    return {**done, **at_end}


class _Made:
    """What has become of a load so far; its acts come in from many threads."""

    def __init__(self, whole: int, start: float) -> None:
        self._whole, self._start, self._lock = whole, start, threading.Lock()
        self.due, self.taken = list[float](), list[float]()
        self.blobs = list[str]()
        self._count = {"final": 0, "refused": 0, "lost": 0}

    def came(self, due: float, what: str, rows: Sequence[Row] = ()) -> None:
        """An act that was due so long after the begin was final, refused or lost."""
        with self._lock:
            self._count[what] += self._whole
            if what == "final":
                self.due.append(due)
                self.taken.append(time.monotonic() - self._start - due)
                self.blobs += [r.file_digest for r in rows if len(r.data) > INLINE_MAX]

    def so_far(self) -> dict[str, Any]:
        """Readings by what became of them, seconds since the begin, and the delay of late ones."""
        with self._lock:
            late, counts = sorted(self.taken[-RECENT:]), dict(self._count)
        p99 = late[-1 - len(late) // 100] if late else 0.0
        return {**counts, "seconds": time.monotonic() - self._start, "p99": p99}


def _meter(node: Node, source: str) -> dict[str, Any]:
    """The entry of a source whose batches we sign."""
    key = public_hex(node.identity.acts)
    return {
        "id": source,
        "operator": source,
        "name": {"zh": "测速", "en": "load"},
        "kinds": ["reading"],
        "counted": True,
        "keys": [{"key": key, "since": 0, "until": None}],
        "box": None,
    }


def _batch(source: str, key: str, count: int) -> Row:
    """So many lines of 100 bytes, as one fact that says how many they are."""
    data = "".join(f"{os.urandom(49).hex()}.\n" for _ in range(count)).encode()
    now = int(time.time())
    values = {"at": now, "name": "load", "value": count, "unit": "readings", "published_at": None}
    observation = Observation("reading", source, key, 0, "final", values)
    return Row(observation, data, "text/csv", hashlib.sha256(data).hexdigest(), "all")
