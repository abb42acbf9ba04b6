"""`miaopei demo`: the whole way once, from the bytes of a bulletin to a paid prefecture and proof.

A real PostgreSQL, a bank in a process of its own, and the real catalogue of 2015 to 2021 on the
path that live data take. Only the clock is a replay's, and everything says so.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ...adapters.sandbox_bank.starter import RunningBank
from ...measures.instant import DAY, from_beijing
from ...measures.suites import DEFAULT
from ...node import scheme
from ...node.node import genesis_value
from ...node.replay import replay
from ...node.reserved import held_of
from ...products.shelf import shelf
from ...settings import Language
from ...terms.filing import Product
from ...wiring import Member
from .. import speak
from ..place import Place, as_lines, write_whole
from . import history, output, show

SCHEME = "yunnan"
BEGINS, ENDS_AFTER = "2015-01-01", 181 * DAY  # after the last deadline of the last occurrence
OPERATOR = {"zh": "秒赔演示运营方", "en": "Miaopei demonstration operator"}


def run(
    place: Place,
    *,
    once: bool,
    json_file: Path | None,
    language: Language,
    port: int,
    suite: str | None = None,
) -> int:
    """The demonstration. Everything it starts is stopped at its end, however that comes."""
    speaker = speak.Speaker(language)
    started = time.monotonic()
    place.make()
    with place.alone(), ExitStack() as started_here:
        member, bank = begun(started_here, place, speaker, suite)
        value = scheme.load(SCHEME)
        if json_file != Path("-"):
            introduce(value, speaker)
        found(member, place)
        scheme.apply(member.node, value, shelf(), bank.control)
        member.work()
        for line in play(member, speaker):
            if json_file != Path("-"):
                speak.out(line)
        register = output.write_all(place, member)
        rows = [row.as_json() for row in register.rows]
        if json_file == Path("-"):
            sys.stdout.write(as_lines(rows).decode("utf-8"))
            return 0
        if json_file is not None:
            write_whole(json_file, as_lines(rows))
        speak.out("")
        show.registered(register, speaker)
        show.unpaid(register, speaker)
        show.whereabouts(register, str(place.folder), speaker)
        seconds = f"{time.monotonic() - started:.1f}"
        speak.note(speaker.text("demo_done", seconds=seconds))
        if once:
            return 0
        from ..service import serve_member

        return serve_member(member, speaker, port)


def introduce(value: dict[str, Any], speaker: speak.Speaker) -> None:
    """What is about to be shown: labels first, then the products in words."""
    speak.out(speaker.pick(value["name"]["zh"], value["name"]["en"]))
    for label in value["labels"][speaker.language]:
        speak.out(f"  ! {label}")
    speak.out(f"  ! {speaker.text('assumed_arrivals')}")
    speak.out("")
    show.products(shelf(), value["products"], speaker)


def begun(
    here: ExitStack, place: Place, speaker: speak.Speaker, suite: str | None
) -> tuple[Member, RunningBank]:
    """A member over a database that was emptied, and the sandbox bank, until `here` ends."""
    speak.note(speaker.text("demo_starting", folder=str(place.folder)))
    address = here.enter_context(place.database())
    place.clear(address)
    place.choose(suite or DEFAULT)
    bank = here.enter_context(place.bank())
    return here.enter_context(place.member(address, bank.address)), bank


def found(
    member: Member,
    place: Place,
    name: str = "miaopei demo",
    begins: str = BEGINS,
    labels: Any = None,
) -> None:
    """Begin a replay record whose time starts before any policy is issued.

    `labels`: what its pages must say first, where that is not what they say of every replay.

    Its origin is its own: two demonstrations are two logs, never two histories of one.
    """
    origin = f"miaopei.invalid/demo/{member.node.random(6).hex()}"
    genesis = genesis_value(
        name,
        member.node.identity,
        clock="replay",
        time=from_beijing(begins),
        origin=origin,
        member_name=OPERATOR,
    )
    member.node.found(genesis)
    about = {"origin": origin, "clock": "replay"} | ({"labels": labels} if labels else {})
    write_whole(place.folder / "record.json", as_lines(about))


def play(member: Member, speaker: speak.Speaker) -> Iterator[str]:
    """Replay the history; a line for each decision as it falls, a progress bar beside."""
    arrivals = history.arrivals(history.shipped_readings())
    until = max(arrival.at for arrival in arrivals) + ENDS_AFTER
    tail = Tail(member, speaker)
    with speak.bar() as progress:
        task = progress.add_task(speaker.text("replaying"), total=len(arrivals))
        for step in replay(member.node, arrivals, until, member.work):
            progress.update(task, advance=step.rows)
            yield from tail.lines()
    yield from tail.lines()


class Tail:
    """Reads the end of the log for cases that have ended."""

    def __init__(self, member: Member, speaker: speak.Speaker) -> None:
        self._member, self._speaker = member, speaker
        self._told: set[tuple[str, str, str]] = set()
        with member.node.reading() as (reading, state):
            self._read = reading.head().size
            self._products = {
                listing: Product.from_json(state.need("product", entry["product"])["product"])
                for listing, entry in state.range("listing", "")
            }

    def _benefit(self, case: dict[str, Any]) -> str:
        return self._products[case["listing"]].benefits[0]

    def lines(self) -> Iterator[str]:
        """One line for each case that ended since the last call."""
        with self._member.node.store.reading() as reading:
            size = reading.head().size
            leaves = [json.loads(leaf) for leaf in reading.leaves(self._read, size)]
            held = {
                leaf["id"]: [fen for _, fen in held_of(reading, leaf["value"]["trigger"])]
                for leaf in leaves
                if leaf["leaf"] == "made" and leaf["what"] == "settlement"
                if leaf["value"]["totals"]["held"]
            }
        self._read = size
        times = {leaf["height"]: leaf["time"] for leaf in leaves if leaf["leaf"] == "block"}
        pay: dict[str, int] = {}
        for leaf in leaves:
            if leaf["leaf"] != "made":
                continue
            if leaf["what"] == "settlement":
                pay[leaf["id"]] = leaf["value"]["totals"]["pay_fen"]
            if leaf["what"] == "case":
                case, settlement = leaf["value"], leaf["value"]["settlement"]
                key = (case["listing"], case["occurrence"], settlement or case["state"])
                if key in self._told or case["benefit"] != self._benefit(case):
                    continue  # told before; only its facts or deadline have changed
                self._told.add(key)
                leaf["pay_fen"], leaf["held_fen"] = pay.get(settlement, 0), held.get(settlement)
                at = times[leaf["height"]]
                line = show.decision_line(leaf, self._products, at, self._speaker)
                if line is not None:
                    yield line
