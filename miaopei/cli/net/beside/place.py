"""The folder of a consortium's member as everyday commands see it: beside its running node.

A net on one machine is a folder DIR whose members are DIR/MEMBER; a member on a machine of its own
has a folder DIR. Nothing is started or stopped here: `miaopei net` and `miaopei member` do that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ....adapters.keys import load_or_make
from ....adapters.postgres.own.beside import BesideStore
from ....adapters.sandbox_bank.control import BankControl
from ....errors import OutsideFault, Refusal, Refused
from ....measures import suites
from ....measures.identity import read_canonical
from ....wiring import Member
from ....wiring.beside import beside
from ....wiring.consortium import GENESIS_FILE, KEYS_FILE
from ....wiring.machine import NODE_FILE, Machine
from ... import speak
from ...main import language_of
from ...place import Keys, Place
from .. import control
from ..plan import PLAN, SANDBOX, Net, no

MEMBERS = "members"


def place_of(folder: Path, dsn: str | None) -> Place | None:
    """The place of a member, where a folder is one of a consortium; None where it is none.

    Errors   Refused net.which_member for the folder of a whole net, net.no_member,
             net.not_founded, net.takes_no_database.
    """
    home, member = _home(folder)
    if home is None:
        return None
    net = Net.of(home)
    if member is None and net.own is None:
        raise no("which_member", folder=str(folder), members=", ".join(net.members))
    at = net.at(member or net.here[0])
    if not (at / NODE_FILE).exists():
        raise no("not_founded", folder=str(home))
    if dsn is not None:
        raise no("takes_no_database", folder=str(folder))
    return SeatedPlace(at, net=net)


def _home(folder: Path) -> tuple[Path | None, str | None]:
    """The folder of the net, and which member of it is meant."""
    if (folder / PLAN).exists():
        return folder, None
    if (folder.parent / PLAN).exists():
        known = folder.name in Net.of(folder.parent).members
        return (folder.parent, folder.name) if known or not folder.exists() else (None, None)
    if folder.parent.name == MEMBERS and (folder.parent.parent / PLAN).exists():
        return folder.parent.parent, folder.name
    return None, None


@dataclass(frozen=True)
class Bank:
    """The bank of a running member, as commands reach it; `address` None where it has none."""

    member: str
    address: str | None
    sandbox: bool

    @property
    def control(self) -> BankControl:
        """The sandbox's control side. Errors   Refused net.no_sandbox."""
        if self.address is None or not self.sandbox:
            raise no("no_sandbox", member=self.member)
        return BankControl(self.address)


@dataclass(frozen=True)
class SeatedPlace(Place):
    """A member's folder. Several commands may work beside one node: each act and each write of what
    is private takes its turn there.
    """

    net: Net = field(kw_only=True)
    seated = True

    @property
    def me(self) -> str:
        """The member whose folder this is."""
        return self.folder.name

    @property
    def checked_by(self) -> str:
        """With what a receipt of this record is checked."""
        return f"--genesis {self.folder / GENESIS_FILE}"

    @property
    def genesis(self) -> bytes:
        """The file that pins this record."""
        return (self.folder / GENESIS_FILE).read_bytes()

    def solo(self, word: str, instead: str | None = None) -> Place:
        """Errors   Refused net.not_on_member: always, this is no record of one member."""
        command = speak.program()
        facts = {"folder": str(self.folder), "member": self.me, "command": f"{command} {word}"}
        if instead is None:
            raise no("not_on_member", **facts)
        raise no("other_on_member", **facts, instead=f"{command} {self._words(instead)}")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody has to be."""
        yield

    @contextmanager
    def database(self) -> Iterator[str]:
        """The running member's."""
        yield Machine.of(self.folder).database

    @contextmanager
    def bank(self) -> Iterator[Any]:
        """The running member's."""
        own = self.net.own
        yield Bank(self.me, Machine.of(self.folder).bank, own is None or own.bank == SANDBOX)

    @contextmanager
    def member(
        self, address: str, bank: str | None = None, *, accept_clock: bool = False
    ) -> Iterator[Member]:
        """The member beside its node, which must be up.

        Errors   OutsideFault (retry) where it is not, with what brings it up.
        """
        del address, bank, accept_clock  # the node has the first two, and is judged by the third
        if not control.there(self.folder):
            raise self._away()
        with self._opened() as member:
            yield member

    @contextmanager
    def record(self) -> Iterator[Member]:
        """The member, to read from: its database must answer; whether it is up is said.

        Errors   OutsideFault (retry) with what brings it up.
        """
        up = control.there(self.folder)
        try:
            with BesideStore(Machine.of(self.folder).database).reading():
                pass
        except OutsideFault:
            raise self._away() from None
        if not up:
            facts = {"member": self.me, "command": self._bring_up()}
            speak.refuse([Refusal("net.reads_stopped", facts)], language_of(sys.argv[1:]))
        with self._opened() as member:
            yield member

    @contextmanager
    def keys(self, address: str | None = None) -> Iterator[Keys]:
        """Its keys and its store."""
        self._enter()
        store = BesideStore(address or Machine.of(self.folder).database)
        try:
            yield Keys(load_or_make(self.folder / KEYS_FILE, self.me), store)
        finally:
            store.close()

    @contextmanager
    def _opened(self) -> Iterator[Member]:
        self._enter()
        with beside(self.folder, self._ask) as member:
            if member.node.genesis is None:
                raise no("not_founded", folder=str(self.net.folder))
            yield member

    def _enter(self) -> None:
        genesis = read_canonical((self.folder / GENESIS_FILE).read_bytes())
        suites.use(suites.of_genesis(genesis))

    def _ask(self, word: str, *, seconds: float = control.SECONDS, **asked: Any) -> Any:
        """What the running member answers. Errors   as `control.call`, and as `member`."""
        try:
            return control.call(self.folder, word, seconds=seconds, **asked)
        except OutsideFault as fault:
            if control.there(self.folder):
                raise self._standing(fault) from fault
            raise self._away() from fault

    def _standing(self, fault: OutsideFault) -> OutsideFault:
        """The fault; where the record stands for want of members, with who they are."""
        from ..life.voting import need_votes, seats

        try:
            need_votes(
                self.net, {member: seat["power"] for member, seat in seats(self.net).items()}
            )
        except Refused as refused:
            (why,) = refused.refusals
            said = Refusal("net.stands", why.facts)
            return OutsideFault(str(fault), retry=fault.retry, said=said)
        except OutsideFault:
            return fault
        return fault

    def _away(self) -> OutsideFault:
        facts = {"member": self.me, "folder": str(self.folder), "command": self._bring_up()}
        said = Refusal("net.member_away", facts)
        return OutsideFault(f"the member {self.me} is not up", retry=True, said=said)

    def _bring_up(self) -> str:
        """The command after which it is up."""
        stands = control.there(self.net.folder)
        word = "heal DIR MEMBER" if stands else "up DIR --detach"
        if self.net.own is not None:
            return f"{speak.program()} {self._words('member up DIR --detach')}"
        return f"{speak.program()} {self._words(f'net {word}')}"

    def _words(self, command: str) -> str:
        """A command of nets with this folder and member in it; by the words of its own machine."""
        if self.net.own is not None:
            command = command.replace("net ", "member ", 1).replace(" MEMBER", "")
        words = {"DIR": str(self.net.folder), "MEMBER": self.me}
        return " ".join(words.get(word, word) for word in command.split(" "))
