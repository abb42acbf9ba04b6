"""What a member does in a demonstration, asked for over its control socket.

The replay source moves the time and brings the facts; everybody else does what its duties say.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ...adapters.sandbox_bank.control import BankControl
from ...errors import OutsideFault, Refused
from ...evidence.observation import Observation
from ...ledger import checkpoint
from ...node import scheme
from ...node.gateway import INLINE_MAX, Row, record
from ...node.node import Node
from ...node.replay import replay
from ...products.shelf import shelf
from ...wiring.consortium import Seated
from .. import demo
from ..demo import history, output
from ..place import Place
from ..speak import Speaker
from .control import Command, Tell
from .plan import DECIDERS, PAYER, K

NOBODY = {"name": {"zh": "参与者", "en": "participant"}, "roles": [], "keys": []}
QUIET_SECONDS, LOOK_SECONDS = 120.0, 0.02
BATCH, AN_ACT, SENDING = 40, 280, 64  # readings a fact, an act at least; acts that wait at once


def steps(seated: Seated) -> Mapping[str, Command]:
    """The steps of a demonstration that one member can carry out."""
    node, member = seated.member.node, seated.member
    parties = scheme.Parties(PAYER, DECIDERS, K)

    def set_up(_: Tell, asked: dict[str, Any]) -> int:
        return scheme.set_up(node, scheme.load(asked["scheme"]), shelf(), parties)

    def agree_scheme(_: Tell, asked: dict[str, Any]) -> int:
        return scheme.agree(node, scheme.load(asked["scheme"]), shelf(), parties)

    def issue(_: Tell, asked: dict[str, Any]) -> int:
        """`under` issues the first listing's policies under another that stands on the record."""
        bank = None if seated.told.bank is None else BankControl(seated.told.bank)
        value = scheme.load(asked["scheme"])
        if (under := asked.get("under")) is not None:
            value = {**value, "listings": [{**value["listings"][0], "id": under}]}
        return scheme.issue_all(node, value, bank, asked.get("again", ""))

    def play(tell: Tell, asked: dict[str, Any]) -> int:
        """`since` leaves out what arrived before; with `alone` nobody's duties are waited for."""
        arrivals = history.arrivals(history.shipped_readings())
        since, alone = asked.get("since", 0), asked.get("alone", False)
        until = asked["until"] or max(arrival.at for arrival in arrivals) + demo.ENDS_AFTER
        arrivals = [arrival for arrival in arrivals if since <= arrival.at <= until]
        tail, count = demo.Tail(member, Speaker(asked["language"])), 0
        after = (lambda: None) if alone else (lambda: quiet(seated))
        for step in replay(node, arrivals, until, after):
            count += step.rows
            tell({"rows": count, "of": len(arrivals), "lines": list(tail.lines())})
        tell({"rows": count, "of": len(arrivals), "lines": list(tail.lines())})
        return count

    def register(*_: Any) -> list[dict[str, Any]]:
        return [row.as_json() for row in output.register_of(member).rows]

    def write(*_: Any) -> list[dict[str, Any]]:
        shown(seated)
        found = output.write_all(Place(seated.folder.resolve()), member)
        return [row.as_json() for row in found.rows]

    def wait(*_: Any) -> None:
        quiet(seated)

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

    def readings(_: Tell, asked: dict[str, Any]) -> dict[str, Any]:
        batch = asked.get("batch", BATCH)
        return offered(seated, asked["tag"], asked["rate"], asked["lasting"], batch)

    def holds(_: Tell, asked: dict[str, Any]) -> int:
        """How many of these blobs this member has."""
        with node.reading() as (reading, _state):
            return sum(reading.blob(name) is not None for name in asked["blobs"])

    return {
        "holds": holds,
        "load": load,
        "readings": readings,
        "set_up": set_up,
        "agree_scheme": agree_scheme,
        "issue": issue,
        "play": play,
        "register": register,
        "write": write,
        "quiet": wait,
    }


def offered(
    seated: Seated, tag: str, rate: int, lasting: float, batch: int = BATCH
) -> dict[str, Any]:
    """Readings of 100 bytes in signed batches, offered at a rate for so many seconds.

    `batch` of them make the original of one attested fact: forty stand inside it and go through the
    order, more lie in a blob, whose digest is signed and which every member fetches. Every member
    checks what was signed. What is refused because we are busy is not sent again.
    Units   readings; seconds from the moment an act was due to the block that held it.
    """
    node, source = seated.member.node, f"load.{seated.told.member}"
    with node.reading() as (_, state):
        known = state.has("source", source)
    if lasting and not known:
        node.accept("register_source", source, _meter(node, source))
    taken, refused, lost, blobs = list[float](), list[int](), list[str](), list[str]()
    facts = max(1, AN_ACT // batch)
    gap, start = facts * batch / rate, time.monotonic()

    def send(number: int) -> None:
        rows = [_batch(source, f"{tag}/{number}/{part}", batch) for part in range(facts)]
        try:
            results = record(node, rows, int(time.time()))
        except Refused:
            refused.append(number)
        except OutsideFault as fault:
            lost.append(str(fault))
        else:
            good = all(result.ok and not result.notes for result in results)
            blobs.extend(row.file_digest for row in rows if good and len(row.data) > INLINE_MAX)
            (taken.append(time.monotonic() - start - number * gap) if good else lost.append(tag))

    with ThreadPoolExecutor(SENDING) as line:
        for number in range(int(lasting / gap)):
            time.sleep(max(0.0, start + number * gap - time.monotonic()))
            line.submit(send, number)
    whole, took = facts * batch, time.monotonic() - start
    with node.reading() as (_, state):
        recorded = state.get("counter", "observation") or 0
    return {
        "final": len(taken) * whole,
        "refused": len(refused) * whole,
        "lost": len(lost) * whole,
        "seconds": took,
        "taken": taken,
        "blobs": blobs,
        "recorded": recorded,
    }


def _meter(node: Node, source: str) -> dict[str, Any]:
    """The entry of a source whose batches we sign."""
    key = node.identity.acts.public_key().public_bytes_raw().hex()
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


def shown(seated: Seated) -> None:
    """Wait until all that stands in the record now is certified, so that receipts can show it.

    Errors   OutsideFault (retry) where the engine makes no further block.
    """
    end = time.monotonic() + QUIET_SECONDS
    with seated.store.reading() as reading:
        size = reading.head().size
    while time.monotonic() < end:
        with seated.store.reading() as reading:
            if checkpoint.parse(reading.checkpoint()).size >= size:
                return
        time.sleep(LOOK_SECONDS)
    raise OutsideFault("the last block is not certified", retry=True)


def quiet(seated: Seated) -> None:
    """Wait until nobody owes the record anything: nothing to hold, to decide or to pay.

    Errors   OutsideFault (retry) naming the duty that stands.
    """
    end = time.monotonic() + QUIET_SECONDS
    while True:
        with seated.member.node.reading() as (_, state):
            first = next(state.range("duty", ""), None)
        if first is None:
            return
        if time.monotonic() > end:
            raise OutsideFault(f"a duty stands: {first[0][:60]}", retry=True)
        time.sleep(LOOK_SECONDS)
