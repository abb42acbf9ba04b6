"""`miaopei net demo DIR outage`: the same day on six members, each doing its own part.

The utility takes what both grid systems push, sends the notices and bills; the insurer issues and
pays; insurer, regulator and notary decide on their own copies, two equal ones settle; the cloud
moves the time, and reads no row. Only the clock is a replay's, and everything says so.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....errors import OutsideFault
from ....measures.instant import from_beijing, utc_text
from ....node import scheme
from ....node.vault.tokens import SubjectKeys
from ....settings import Language
from ... import speak
from ...net import control
from ...net.plan import DECIDERS, ISSUER, PAYER, SOURCE, Net, no, sentence
from ...net.watching import standing
from ...place import as_lines
from .. import net as earthquakes
from ..following import resting
from . import billing, yuyao
from .insuring import GROUP, names_by
from .scenes import Systems, Told, play, trusted_of
from .solo import BEGINS, SCHEME, introduce, start_systems, tell

UTILITY = "utility"
STEP_SECONDS = earthquakes.STEP_SECONDS
NEEDED = tuple(dict.fromkeys((SOURCE, UTILITY, ISSUER, PAYER, *DECIDERS)))
Json = dict[str, Any]


@dataclass
class Six:
    """Several members that each do their part of the day."""

    net: Net
    systems: Systems

    def ask(self, member: str, do: str, **asked: Any) -> Any:
        """Have a member do something."""
        return control.call(self.net.at(member), do, seconds=STEP_SECONDS, **asked)

    def then(self, member: str, do: str, *known: str, **asked: Any) -> Any:
        """Have a member do something, and wait until others know what it said."""
        done = self.ask(member, do, **asked)
        earthquakes.seen(self.net, member, known)
        return done

    def pass_time(self, at: int) -> None:
        """See `Stage`."""
        self.then(SOURCE, "pass_time", UTILITY, PAYER, at=at)

    def notify(self) -> int:
        """See `Stage`."""
        return int(self.ask(UTILITY, "day_notify"))

    def confirm(self) -> None:
        """See `Stage`."""
        self.ask(UTILITY, "day_confirm")

    def settle(self) -> None:
        """Until nobody owes the record anything more."""
        earthquakes.seen(self.net, UTILITY, [PAYER])
        self.ask(PAYER, "quiet")

    def told(self) -> Told:
        """See `Stage`."""
        return Told(**self.ask(UTILITY, "day_line"), **self.ask(PAYER, "day_paid"))

    def bill(self) -> Json:
        """The insurer lets the utility read the book for the claims; the model runs beside the
        data; the invoice is paid as every debt.
        """
        grant: Json = {"to": UTILITY, "listings": [billing.LISTING], "purpose": billing.PURPOSE}
        until = from_beijing(yuyao.POLICY_UNTIL)
        self.then(PAYER, "grant", UTILITY, **grant, until=until)
        read: Json = self.then(UTILITY, "day_measure", SOURCE)
        self.pass_time(from_beijing(billing.OVER))
        self.then(UTILITY, "day_invoice", PAYER)
        self.ask(PAYER, "day_pay")
        self.ask(PAYER, "quiet")
        billed: Json = self.ask(PAYER, "day_billed")
        return read | billed


def run(folder: Path, *, customers: int, as_json: bool, language: Language) -> int:
    """The demonstration; its figures as JSON, or as a person reads them.

    Errors   Refused net.live, net.apart_day, net.part_missing, net.day_over, cli.town_size.
    """
    net = Net.of(folder)
    if net.genesis["clock"] != "replay":
        raise no("live", folder=str(net.folder))
    if net.apart:
        raise no("apart_day", folder=str(net.folder))
    if missing := [member for member in NEEDED if member not in net.members]:
        raise no("part_missing", members=", ".join(missing))
    speaker, town = speak.Speaker(language), yuyao.town(customers)
    with earthquakes.brought_up(net, language):
        began = time.monotonic()
        _in_time(net)
        if not as_json:
            introduce(scheme.load(SCHEME), speaker)
        figures = on_six(net, town, customers)
        receipt = control.call(net.at(PAYER), "day_receipt", seconds=STEP_SECONDS)
    if as_json:
        sys.stdout.write(as_lines(figures).decode("utf-8"))
        return 0
    tell(figures, speaker)
    facts: Json = {"seconds": f"{time.monotonic() - began:.0f}", "receipt": receipt["path"]}
    facts |= {"members": len(figures["members"]), "height": figures["height"]}
    facts |= {"root": figures["root"][:16], "program": speak.program()}
    facts["genesis"] = str(net.folder / "genesis.json")
    speak.out(sentence("day_played", language, **facts))
    return 0


def _in_time(net: Net) -> None:
    """Errors   Refused net.day_over where the record's time is past the day's beginning."""
    begins = from_beijing(BEGINS)
    at = control.call(net.at(SOURCE), "status", seconds=STEP_SECONDS)["time"]
    if at > begins:
        raise no("day_over", time=utc_text(at), begins=utc_text(begins))


def on_six(net: Net, town: Sequence[yuyao.Customer], customers: int) -> Json:
    """The day from its preparation to the roots of all members."""
    with ExitStack() as here:
        command, meters, sms = start_systems(here, net.folder / "grid")
        trust = {name: [t.keys, t.url] for name, t in trusted_of(command, meters).items()}
        stage = Six(net, Systems(command, meters, sms, ""))
        stage.pass_time(from_beijing(BEGINS))
        asked: Json = {"customers": customers, "trust": trust, "sms": sms.address}
        opened = stage.ask(UTILITY, "day_listen", **asked)
        here.callback(stage.ask, UTILITY, "day_stop")
        stage.systems = Systems(command, meters, sms, opened["door"])
        _prepare(stage, customers, opened["keys"])
        made = {int(version): bytes.fromhex(key) for version, key in opened["keys"].items()}
        sms.phones(yuyao.phones(town, names_by(SubjectKeys(GROUP, made))))
        return play(stage, town, resting(0)) | _equal(stage)


def _prepare(stage: Six, customers: int, keys: Json) -> None:
    """The scheme on the record, agreed to by all that it binds; policies in force."""
    bound = tuple(dict.fromkeys((PAYER, *DECIDERS)))
    stage.then(UTILITY, "set_up", *bound, scheme=SCHEME)
    for member in bound:  # a listing binds who has agreed
        stage.ask(member, "agree_scheme", scheme=SCHEME)
    earthquakes.seen(stage.net, bound[-1], [ISSUER, UTILITY])
    stage.then(UTILITY, "day_rates", ISSUER)
    stage.then(ISSUER, "day_issue", SOURCE, customers=customers, keys=keys)
    stage.ask(ISSUER, "quiet")


def _equal(stage: Six) -> Json:
    """The height that all have come to, and the root there.

    Errors   OutsideFault where members do not come to one root.
    """
    end = time.monotonic() + STEP_SECONDS
    while time.monotonic() < end:
        found = standing(stage.net, named=False)
        same = len({(row.height, row.root) for row in found.rows}) == 1
        if same and all(row.up and row.verdict == "agrees" for row in found.rows):
            first = found.rows[0]
            roots = {row.member: row.root for row in found.rows}
            return {"height": first.height, "root": first.root, "members": roots}
        time.sleep(earthquakes.LOOK_SECONDS)
    raise OutsideFault("the members do not come to one root", retry=True)
