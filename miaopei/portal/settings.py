"""What wiring hands to the portal: snapshots to read, receipts to make, what must be told.

The portal opens no database and holds no key; it sees one member's record through these ports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..claims.receipt import Receipt
from ..node.ports import Reading
from ..node.selling.asking import Wanted
from ..reports.published import Printed
from ..settings import Language, hosts
from .buying.pace import Pace, tries

STOPS = ("stopped", "failed")
HOST, PORT = "127.0.0.1", 8420


class Snapshots(Protocol):
    """A member's store, to read (`node.ports.Store` without its writing half)."""

    def reading(self) -> AbstractContextManager[Reading]:
        """A snapshot of one moment."""


class Selling(Protocol):
    """Takes applications and changes to the record (`node.selling.shop.Shop`)."""

    def apply(self, wanted: Wanted, key: str) -> dict[str, Any]:
        """An application as it stands once it is answered; Refused selling.*, act.*."""

    def change(
        self,
        policy: str,
        transaction: str,
        at: int,
        declared: Mapping[str, int],
        channel: str,
        key: str,
    ) -> dict[str, Any]:
        """The same for a change of a policy."""

    def change_account(self, policy: str, given: Mapping[str, str], key: str) -> int:
        """The policyholder names another account {account, name}; the change's number."""

    def is_holder(self, policy: str, shown: Mapping[str, str]) -> bool:
        """Whether somebody gives what the policyholder gave."""

    def is_named(self, policy: str, name: str) -> bool:
        """Whether a name is that of the policyholder, or none is known."""


class Receipts(Protocol):
    """Makes signed receipts from one snapshot (`node.proof.receipts.Collector`)."""

    def payout(self, settlement: str, policy: str) -> Receipt:
        """What one policy is paid; Refused receipt.*."""

    def policy_refusal(self, settlement: str, policy: str) -> Receipt:
        """Why a settlement pays nothing to one policy; Refused receipt.*."""

    def case_refusal(self, listing: str, occurrence: str, benefit: str) -> Receipt:
        """Why a case pays nothing (yet); Refused receipt.*."""


@dataclass(frozen=True)
class Settings:
    """What this portal may show, and must say.

    `receipts` makes receipts from a snapshot (None: this member hands out none). `open_books` are
    the books whose single policies may be shown to anybody, because their holders are public
    bodies; of any other book only totals are shown. `bank` is the name of the bank as it stands in
    payment outcomes ("" where this member does not pay), `labels` what every reader must be told,
    `printed` figures of a publication to stand beside ours, `log` reads the log's files by path
    (None: they are made from the snapshot), `clock` gives the time of now from the record's, and
    `devices` the concentrators that this member listens to. `selling` takes applications (None:
    this portal only shows), `channels` are the channels by the SHA-256 (hex) of their tokens,
    `pace` counts a call of an address and says how many seconds it must wait (None: nobody waits),
    `tries` counts by policy who is wrong about its holder,
    `anchored` says how far a second ledger was
    told (None: none is), `collecting` says by carrier to which account premium is paid,
    `duties` what keeps the duties of this process from being done, as {how, duty, code}, and
    `hosts` are the names under which it answers.
    `member` is whose pages these are ("" is not known), `genesis` the file that pins the record of
    several members (None: a record of one), `language` what who asks for no language is shown.
    """

    receipts: Callable[[Reading], Receipts] | None = None
    member: str = ""
    genesis: bytes | None = None
    language: Language = "zh"
    open_books: frozenset[str] = frozenset()
    bank: str = ""
    labels: Mapping[Language, Sequence[str]] = field(default_factory=dict)
    printed: Mapping[tuple[str, str], Printed] = field(default_factory=dict)
    log: Callable[[str], bytes | None] | None = None
    clock: Callable[[int], int] = lambda recorded: recorded
    devices: Callable[[Reading], list[dict[str, Any]]] = lambda _reading: []
    selling: Selling | None = None
    anchored: Callable[[], Mapping[str, Any] | None] = lambda: None
    pace: Callable[[str], int] | None = None
    tries: Pace = field(default_factory=tries)
    channels: Mapping[str, str] = field(default_factory=dict)
    collecting: Mapping[str, str] = field(default_factory=dict)
    duties: Callable[[], Sequence[Mapping[str, str]]] = lambda: ()
    hosts: frozenset[str] = field(default_factory=hosts)

    @property
    def sandbox(self) -> bool:
        """Whether the bank is a sandbox: no real money moves."""
        return "sandbox" in self.bank

    @property
    def stopped(self) -> bool:
        """Whether an alarm, or a fault of ours, has stopped the duties."""
        return any(told["how"] in STOPS for told in self.duties())
