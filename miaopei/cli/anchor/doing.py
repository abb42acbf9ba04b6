"""Anchoring, and looking at what is anchored."""

from __future__ import annotations

import time
from typing import Any

from ...adapters.anchor import outbox, told
from ...errors import OutsideFault, Refusal, Refused
from ...ledger import checkpoint, proof
from ...node.anchoring.comparing import ALARMS, Comparison, compare
from ...node.anchoring.port import Point, SideAltered
from ...node.anchoring.worker import Anchorer, Pace
from ...node.ports import Reading
from ...settings import Language
from ...wiring.anchoring import Joined, joined
from .. import speak
from ..place import Place
from .record import Record, record
from .setting_up import said

GOOD, LACKS, ALTERED = 0, 1, 4
SHORTEST_LOOK, LONGEST_LOOK = 0.2, 15.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0


def start(place: Place, pace: Pace, *, once: bool, language: Language) -> int:
    """Anchor until told to stop; `once`: until nothing waits.

    A chain that is away is tried again. 4 where a side was altered: a person must look.
    """
    with (
        outbox.alone(place.folder),
        record(place) as found,
        joined(place.folder, writes=True) as other,
    ):
        facts: dict[str, str | int] = {"contract": other.chain.told.contract}
        facts |= {"seconds": f"{pace.seconds:g}", "entries": pace.entries}
        speak.note(said("started", language, **facts))
        worker = other.worker(found.store, pace, alone=found.alone)
        try:
            return _loop(worker, other, place, pace, once=once, language=language)
        except SideAltered as alarm:
            speak.refuse([alarm.finding], language)
            return ALTERED
        except KeyboardInterrupt:
            return GOOD


def _loop(
    worker: Anchorer, other: Joined, place: Place, pace: Pace, *, once: bool, language: Language
) -> int:
    """Ends only `once`; what others have signed falsely is told and stops nothing."""
    told: set[str] = set()
    look, pause, silent = min(max(pace.seconds / 10, SHORTEST_LOOK), LONGEST_LOOK), FIRST_PAUSE, ""
    while True:
        try:
            done = worker.run()
        except OutsideFault as fault:
            if once:
                raise
            if str(fault) != silent:
                speak.note(said("silent", language, why=str(fault)))
            silent = str(fault)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            continue
        pause, silent = FIRST_PAUSE, ""
        if done.again:
            speak.note(said("sent_again", language, count=done.again))
        if done.anchored and (now := outbox.standing(place.folder)):
            speak.out(said("sent", language, **{n: now[n] for n in ("size", "height", "entry")}))
        alarms = [each for each in done.told if each.code in ALARMS]
        speak.refuse([each for each in alarms if str(each.facts["entry"]) not in told], language)
        told |= {str(each.facts["entry"]) for each in alarms}
        if once and (alarms or not other.outbox.waiting()):
            return ALTERED if alarms else GOOD
        time.sleep(look)


def status(place: Place, *, as_json: bool, language: Language) -> int:
    """How far it is anchored: 0 good, 1 something waits or is away, 4 a side was altered."""
    with record(place) as found, joined(place.folder, writes=False) as other:
        with found.store.reading() as reading:
            size = checkpoint.parse(reading.checkpoint()).size
            seen = _there(other, reading, size)
        waiting, agreed = len(other.outbox.waiting()), other.outbox.agreed()
        now = outbox.standing(place.folder) or {}
    best = max(agreed, int(now.get("size") or 0))
    anchored = seen.pop("last") or best
    shown: dict[str, Any] = {
        "contract": other.chain.told.contract,
        "chain": other.chain.told.chain,
        "anchored": anchored,
        "certified": size,
        "lag": max(0, size - anchored),
        "waiting": waiting,
        "trouble": now.get("trouble"),
        **seen,
    }
    trouble = shown["trouble"]
    if as_json:
        speak.show_json(shown)
    else:
        names = ("contract", "anchored", "lag", "waiting")
        facts = {name: shown[name] for name in names} | {"size": size}
        if shown["height"] is None:
            speak.out(said("stands_away", language, **facts))
        else:
            facts |= {"height": shown["height"], "writers": len(shown["writers"])}
            speak.out(said("stands", language, **facts))
        if trouble is not None:
            speak.refuse([Refusal(trouble["code"], trouble["facts"])], language)
    if trouble is not None and trouble["code"] in ALARMS:
        return ALTERED
    return LACKS if waiting or trouble is not None else GOOD


def _there(other: Joined, reading: Reading, size: int) -> dict[str, Any]:
    """What the other ledger says of itself: `last` is the size anchored there, 0 where it is none
    of our log's. Where it is away, that is its trouble, and of the rest nothing is known.
    """
    try:
        head, writers = other.chain.head(), other.chain.writers()
        root = proof.root_at(head.last, reading.node) if 0 < head.last <= size else b""
        # What nobody has anchors nothing, neither a size nor a root.
        there = bool(root) and other.chain.stands(Point(head.last, root))
    except OutsideFault as fault:
        silent = Refusal("anchor.silent", {"why": str(fault)[:200]}).as_json()
        return {"last": 0, "height": None, "anchors": None, "writers": None, "trouble": silent}
    seen = {"height": head.height, "anchors": head.count, "writers": list(writers)}
    return {"last": head.last if there else 0, **seen}


def check(place: Place, *, as_json: bool, language: Language) -> int:
    """Compare both sides whole: 0 equal, 1 the chain lacks something, 4 a side was altered."""
    with record(place) as found, joined(place.folder, writes=False) as other:
        try:
            seen = _compared(found, other)
        except Refused as refused:  # the chain or the contract is not the one agreed on
            seen = Comparison(0, 0, 0, 0, refused.refusals)
    if as_json:
        speak.show_json(as_value(seen, other.chain.told))
    else:
        facts = {"count": seen.count, "agreed": seen.agreed, "last": seen.last, "size": seen.size}
        speak.out(said("differs" if seen.altered else "agrees", language, **facts))
        speak.refuse(seen.findings, language)
    return ALTERED if seen.altered else LACKS if seen.findings else GOOD


def _compared(found: Record, other: Joined) -> Comparison:
    head = other.chain.head()
    anchors = other.chain.read(0)
    noted = other.outbox.noted()
    with found.store.reading() as reading:
        return compare(
            reading,
            head,
            anchors,
            noted,
            catching_up=not found.alone,
            time_at=other.chain.time_at,
        )


def as_value(seen: Comparison, known: told.Told) -> dict[str, Any]:
    """For --json."""
    return {
        "contract": known.contract,
        "origin": known.origin,
        "size": seen.size,
        "anchors": seen.count,
        "agreed": seen.agreed,
        "last": seen.last,
        "waiting": seen.waiting,
        "altered": seen.altered,
        "findings": [finding.as_json() for finding in seen.findings],
    }
