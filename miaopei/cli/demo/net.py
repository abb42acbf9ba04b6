"""`miaopei net demo DIR`: the first journey on several members, who pay what one member pays.

The government cloud sets up, moves the time and brings the facts; insurer, regulator and notary
decide on their own copies, two equal ones settle; the insurer pays. The net is brought up for it
where it is down, and stopped again.
"""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...errors import OutsideFault
from ...settings import Language
from .. import speak
from ..net import control, running
from ..net.beside.place import place_of
from ..net.plan import DECIDERS, ISSUER, PAYER, SOURCE, Net, no, sentence
from ..place import as_lines
from . import output, show

SCHEME = "yunnan"
STEP_SECONDS, LOOK_SECONDS = 600.0, 0.05


def run(folder: Path, *, until: int | None, as_json: bool, language: Language) -> int:
    """The demonstration; rows of the register as JSON, or as a person reads them."""
    net = Net.of(folder)
    if net.genesis["clock"] != "replay":
        raise no("live", folder=str(net.folder))
    with brought_up(net, language):
        rows = play(net, until=until, as_json=as_json, language=language)
        if not as_json:
            tell(net, rows, speak.Speaker(language))
    if as_json:
        sys.stdout.write(as_lines(rows).decode("utf-8"))
    return 0


def tell(net: Net, rows: Sequence[dict[str, Any]], speaker: speak.Speaker) -> None:
    """The paying member's register, and how one of its receipts is checked."""
    place = place_of(net.at(PAYER), None)
    assert place is not None, "a member's folder"
    receipts = {f"{row['listing']}/{row['occurrence']}": row["receipt"] for row in rows}
    known = {key: path for key, path in receipts.items() if path is not None}
    with place.record() as member:
        found = output.register_of(member, known)
    speak.out("")
    show.registered(found, speaker)
    show.unpaid(found, speaker)
    if known:
        paid = [row["receipt"] for row in rows if row["receipt"] and row["payout_fen"]]
        facts = {"receipt": [*known.values(), *paid][-1], "by": place.checked_by}
        speak.out(speaker.text("next_verify", program=speak.program(), **facts))


@contextmanager
def brought_up(net: Net, language: Language) -> Iterator[None]:
    """The net up: brought up where it is down, and then stopped again."""
    was_up = control.there(net.folder)
    if not was_up:
        running.up(net.folder, detach=True, language=language)
    try:
        yield
    finally:
        if not was_up:
            running.down(net.folder, None, language=language)
            facts = {"program": speak.program(), "folder": shlex.quote(str(net.folder))}
            speak.note(sentence("looked_at", language, member=PAYER, **facts))


def play(net: Net, *, until: int | None, as_json: bool, language: Language) -> list[dict[str, Any]]:
    """Set up, issue, replay from where the record stands; the rows of the payer's register."""
    started = time.monotonic()
    source, issuer, payer = (net.at(member) for member in (SOURCE, ISSUER, PAYER))
    control.call(source, "set_up", scheme=SCHEME, seconds=STEP_SECONDS)
    bound = list(dict.fromkeys((PAYER, *DECIDERS)))
    seen(net, SOURCE, bound)
    for member in bound:  # a listing binds who has agreed
        control.call(net.at(member), "agree_scheme", scheme=SCHEME, seconds=STEP_SECONDS)
    seen(net, bound[-1], [ISSUER])
    control.call(issuer, "issue", scheme=SCHEME, seconds=STEP_SECONDS)
    control.call(source, "quiet", seconds=STEP_SECONDS)

    asked = {"until": until, "language": language}
    with speak.bar() as progress:
        task = progress.add_task(speak.Speaker(language).text("replaying"), total=None)

        def tell(said: dict[str, Any]) -> None:
            progress.update(task, completed=said["rows"], total=said["of"])
            for line in said["lines"]:
                if not as_json:
                    speak.out(line)

        played = control.call(source, "play", tell=tell, seconds=STEP_SECONDS, **asked)
    rows: list[dict[str, Any]] = control.call(payer, "write", seconds=STEP_SECONDS)
    seconds = f"{time.monotonic() - started:.0f}"
    facts = {"rows": played, "seconds": seconds, "folder": str(payer / "receipts")}
    speak.note(sentence("played", language, **facts))
    return rows


def seen(net: Net, by: str, members: Sequence[str]) -> None:
    """Wait until members have come as far as one of them: what it said last is known to them.

    Errors   OutsideFault (retry) where one does not come.
    """
    height = control.call(net.at(by), "status", seconds=STEP_SECONDS)["height"]
    began = time.monotonic()
    for member in members:
        while control.call(net.at(member), "status", seconds=STEP_SECONDS)["height"] < height:
            if time.monotonic() > began + STEP_SECONDS:
                raise OutsideFault(f"{member} does not come to block {height}", retry=True)
            time.sleep(LOOK_SECONDS)
