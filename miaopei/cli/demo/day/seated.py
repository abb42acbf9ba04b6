"""What a member of several does on the day, asked for over its control socket.

The utility's takes the messages, sends the notices, runs the claim model and bills; the insurer's
issues, pays and pays the invoice. Deciding is everybody's duty as ever, and no step of this.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ....adapters.grid import connections
from ....adapters.grid.push.door import Door
from ....adapters.grid.push.running import opened
from ....adapters.grid.push.trust import Trusted
from ....adapters.grid.sms import SmsOverHttp
from ....adapters.keys import add_subject_key, subject_keys
from ....adapters.sandbox_bank.control import BankControl
from ....errors import OutsideFault, Refused
from ....node import scheme
from ....node.effects.keeper import opened_upto
from ....node.effects.notices import Notifier, confirm, counts
from ....node.vault.tokens import SubjectKeys
from ....wiring.consortium import KEYS_FILE, Seated
from ...net.control import Command, Tell, until
from ...place import Place
from . import billing, yuyao
from .insuring import GROUP, insure, names_by
from .listening import Listener
from .scenes import paid_of
from .solo import SCHEME, receipt_of
from .timed import TimedRail

READ_SECONDS, LOOK_SECONDS = 120.0, 0.05
Json = dict[str, Any]


class Day:
    """What is open in a member's process while it takes messages."""

    def __init__(self, seated: Seated) -> None:
        self.seated, self.node = seated, seated.member.node
        self._open = ExitStack()
        self._parts: tuple[Listener, Notifier] | None = None

    def listen(self, _: Tell, asked: Json) -> Json:
        """Open the door for the systems named; its address, and the key that makes tokens.

        The insurer is handed that key as a person would hand it over: it never stands on a record.
        """
        self.stop()
        path = self.seated.folder / KEYS_FILE
        keys = _shared(path)
        town, names = yuyao.town(asked["customers"]), names_by(keys)
        with self.node.store.writing() as block:
            connections.keep(block, yuyao.connections(town), names)
        listener = Listener(self.node, names)
        trusted = {name: Trusted(tuple(each), url) for name, (each, url) in asked["trust"].items()}
        door = Door(listener.intake, listener.trust(trusted), self.node.time, listener.after)
        self._parts = listener, Notifier(self.node, SmsOverHttp(asked["sms"]))
        address = self._open.enter_context(opened(door))
        return {"door": address, "keys": {v: key.hex() for v, key in keys.keys.items()}}

    def stop(self, *_: Any) -> None:
        """Close the door."""
        self._open.close()
        self._parts = None

    def notify(self, *_: Any) -> int:
        """A round of notices; how many have changed."""
        return self._opened()[1].run()

    def line(self, *_: Any) -> Json:
        """What was taken and sent."""
        listener = self._opened()[0]
        line = listener.line()
        with self.node.store.reading() as reading:
            notices = counts(reading)
        missing, lost = len(line.missing), len(line.lost)
        told = {"notices": notices, "missing": missing, "lost": lost}
        return told | {"confirmed": listener.confirmed}

    def _opened(self) -> tuple[Listener, Notifier]:
        if self._parts is None:
            raise OutsideFault("this member has begun anew since the day began", retry=False)
        return self._parts


def days(seated: Seated) -> Mapping[str, Command]:
    """The steps of the day that one member can carry out."""
    node, member = seated.member.node, seated.member
    day = Day(seated)

    def pass_time(_: Tell, asked: Json) -> int:
        node.pass_time(asked["at"])
        return node.time()

    def issue_town(_: Tell, asked: Json) -> int:
        """Accounts, policies, consents and the claim model; payments are timed from here on."""
        if seated.told.bank is None or member.payer is None:
            raise OutsideFault("this member has no bank", retry=False)
        if not isinstance(member.payer.rail, TimedRail):
            member.payer.rail = TimedRail(member.payer.rail)
        path, town = seated.folder / KEYS_FILE, yuyao.town(asked["customers"])
        for version, key in asked["keys"].items():
            add_subject_key(path, GROUP, version=int(version), key=bytes.fromhex(key))
        names = names_by(subject_keys(path, GROUP))
        bank = BankControl(seated.told.bank)
        scheme.issue_all(node, scheme.load(SCHEME), bank)
        issued = insure(node, bank, town, names)
        billing.file(node, [names(c.number)[-1] for c in town if c.insured])
        return issued

    def paid(*_: Any) -> Json:
        """What this member has paid of the day."""
        rail = None if member.payer is None else member.payer.rail
        accepted = list(rail.accepted.values()) if isinstance(rail, TimedRail) else []
        with node.reading() as (reading, state):
            return paid_of(reading, state, billing.LISTING) | {"accepted": accepted}

    def measure(*_: Any) -> Json:
        _until_read(seated)
        return billing.measure(node)

    def receipt(*_: Any) -> Json:
        payout, data = receipt_of(member)
        place = Place(seated.folder.resolve())
        return {"payout": payout, "path": str(place.keep_receipt(yuyao.NUMBER, data))}

    return {
        "pass_time": pass_time,
        "day_listen": day.listen,
        "day_stop": day.stop,
        "day_rates": lambda *_: billing.agree(node),
        "day_issue": issue_town,
        "day_notify": day.notify,
        "day_confirm": lambda *_: confirm(node),
        "day_line": day.line,
        "day_paid": paid,
        "day_measure": measure,
        "day_invoice": lambda *_: billing.issue(node),
        "day_pay": lambda *_: billing.pay(node),
        "day_billed": lambda *_: billing.told(node),
        "day_receipt": receipt,
    }


def _shared(path: Path) -> SubjectKeys:
    """The keys that make tokens of this group, made at first use."""
    try:
        return subject_keys(path, GROUP)
    except Refused:
        return add_subject_key(path, GROUP)


def _until_read(seated: Seated) -> None:
    """Until the book that we were granted is opened here.

    Errors   OutsideFault (retry) where it does not come.
    """

    def opened() -> bool:
        with seated.member.node.reading() as (reading, state):
            size = int(state.need("book", billing.LISTING)["size"])
            return opened_upto(reading, billing.LISTING).rows >= size

    until(opened, READ_SECONDS, "the granted book has not come", LOOK_SECONDS)
