"""The seat file: what a member hands to the others. Names, roles, public keys, where it is reached.

It is signed by the key of the member's acts, so that nobody alters it on its way; whose key that is
the members tell each other (a founding by its digest, a later one by the record).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ....acts.admit_member import put_member
from ....acts.base import check_points, fields
from ....acts.rule_sets import RULES
from ....acts.seats import KEYS, put_seat
from ....acts.state import State
from ....adapters.memory_store import MemoryStore
from ....adapters.peers.certificate import key_of
from ....errors import Refused
from ....measures.identity import canonical
from ....measures.suites import in_use
from ....node.order.founding import Founder
from ....node.ports import Identity
from ..life.voting import UNTIL_SECONDS
from ..make import Known
from ..plan import Seat, no

DOMAIN = b"miaopei/seat/1\0"
KINDS = {
    "v": int, "suite": str, "rules": int, "time": int, "member": dict, "seat": dict,
    "engine": str, "blobs": str, "certificate": str, "sig": str,
}  # fmt: skip
LARGEST = 20_000  # bytes
ADDRESS = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?):([1-9][0-9]{0,4})")
Json = dict[str, Any]


@dataclass(frozen=True)
class SeatFile:
    """One member's. `member` is its entry on the record, `seat` the seat that it wishes, `rules`
    the newest rule set of its software; `engine` and `blobs` are host:port."""

    suite: str
    rules: int
    time: int
    member: Json
    seat: Json
    engine: str
    blobs: str
    certificate: str
    sig: str = ""

    @property
    def id(self) -> str:
        """The member's id."""
        return str(self.member["id"])

    @property
    def key(self) -> str:
        """The key of its acts, by which the file is signed."""
        return str(self.member["keys"][0]["key"])

    @property
    def place(self) -> Seat:
        """The member in a plan."""
        name = self.member["name"]
        return Seat(self.id, name["zh"], name["en"], self.engine, self.blobs)

    @property
    def known(self) -> Known:
        """The member as others are told of it."""
        return Known(self.id, self.engine, self.blobs, self.seat["node"], self.certificate)

    @property
    def founder(self) -> Founder:
        """The member as a genesis names it."""
        seat = {name: self.seat[name] for name in (*KEYS, "power")}
        roles = tuple(self.member["roles"])
        return Founder(self.id, self.member["name"], roles, acts=self.key, **seat)

    @property
    def wish(self) -> Json:
        """The body of `seat_member` by which the others want it: the same from whoever sends it."""
        return {**self.seat, "until": self.time + UNTIL_SECONDS}

    def unsigned(self) -> Json:
        """What is signed."""
        return {"v": 1, **{name: part for name, part in vars(self).items() if name != "sig"}}

    def signed(self, identity: Identity) -> SeatFile:
        """Signed by its member."""
        return replace(self, sig=identity.acts.sign(DOMAIN + canonical(self.unsigned())).hex())

    @property
    def holds(self) -> bool:
        """Whether its member has signed it."""
        key, signature = bytes.fromhex(self.key), bytes.fromhex(self.sig)
        return in_use.suite.verify(key, signature, DOMAIN + canonical(self.unsigned()))

    def to_bytes(self) -> bytes:
        """As it is handed over."""
        value = {**self.unsigned(), "sig": self.sig}
        return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode("utf-8")


def read(path: Path) -> SeatFile:
    """The seat file at a path, every part of it looked at. Its suite must be the one in use.

    Errors   Refused net.seat_file with what is wrong, net.seat_file_altered, net.seat_file_suite.
    """
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(LARGEST + 1))
        if not isinstance(value, dict):
            raise TypeError("no object")
        fields(value, **KINDS)
        made = SeatFile(**{name: part for name, part in value.items() if name != "v"})
        who, suite = made.id[:60], made.suite[:20]
        holds = value["v"] == 1 and (suite != in_use.suite.name or made.holds)
    except (OSError, ValueError, TypeError, LookupError, RecursionError, Refused) as error:
        raise _wrong(path, str(error)) from None
    if suite != in_use.suite.name:
        raise no("seat_file_suite", path=path.name, suite=suite, here=in_use.suite.name)
    if not holds:
        raise no("seat_file_altered", path=path.name, member=who)
    _check(path, made)
    return made


def check_address(text: str) -> None:
    """Errors   Refused net.bad_address for what is not host:port."""
    found = ADDRESS.fullmatch(text)
    if found is None or int(found[2]) > 65535:
        raise no("bad_address", address=text[:80])


def check_entry(member: Json, seat: Json | None = None) -> None:
    """Whether a record could take this member and this seat, as far as one of them shows it.

    Errors   Refused act.*.
    """
    with MemoryStore().writing() as block:
        state = State(block)
        put_member(state, member)
        check_points("keys", member["keys"], RULES)
        if seat is not None:
            put_seat(state, seat, RULES)


def _check(path: Path, made: SeatFile) -> None:
    """What a signature does not show: that all of it fits together."""
    check_entry(made.member, made.seat)
    for address in (made.engine, made.blobs):
        check_address(address)
    try:
        der = x509.load_pem_x509_certificate(made.certificate.encode()).public_bytes(Encoding.DER)
    except ValueError as error:
        raise _wrong(path, f"certificate: {error}") from None
    whose = (made.id, made.member["operator"], len(made.member["keys"]))
    if whose != (made.seat["member"], made.id, 1) or key_of(der) != made.seat["peer"]:
        raise _wrong(path, "member, seat and certificate are not of one")
    if made.rules < 1 or made.time < 0:
        raise _wrong(path, "rules, time")


def of(member: Json, seat: Json, place: Seat, shown: str, now: int) -> SeatFile:
    """A member's own, as it stands now."""
    return SeatFile(in_use.suite.name, RULES, now, member, seat, place.engine, place.blobs, shown)


def _wrong(path: Path, why: str) -> Refused:
    return no("seat_file", path=path.name, why=why[:200])
