"""Receipts that anybody may have: of cases without a payout, and of policies of open books.

A receipt opens at most one row; rows about persons are never opened here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...claims.receipt import from_bytes
from ...claims.verify import Verdict, verify
from ...claims.verify.verdict import UNREADABLE
from ...errors import Refused
from .cases import Case, case
from .desk import Desk
from .money import claims_of, settlement, settlements_of


@dataclass(frozen=True)
class Name:
    """What a receipt is about: a case, or one policy in a settlement."""

    parts: tuple[str, ...]

    @property
    def path(self) -> str:
        """As it stands in an address."""
        return "/".join(self.parts)

    @property
    def file(self) -> str:
        """A file name that says what is inside."""
        return "miaopei-receipt-" + "-".join(part[:16] for part in self.parts) + ".json"


def names_of(desk: Desk, of: Case) -> Sequence[Name]:
    """The receipts of one case: one for each policy of its settlements, or that of its refusal."""
    if desk.settings.receipts is None:
        return ()
    found = [
        Name((each.id, claim.row.policy))
        for each in settlements_of(desk, of.listing, of.value["occurrence"], of.benefit)
        for claim in claims_of(desk, each)
    ]
    if found or of.value["settlement"] or of.value["state"] in ("ready", "deciding"):
        return found
    return [Name((of.listing, of.value["occurrence"], of.benefit))]


def every(desk: Desk) -> Sequence[tuple[Case, Name]]:
    """All receipts, with the case that each is about, in the order of the record's cases."""
    found = []
    for key, _ in desk.state.range("case", ""):
        listing, occurrence, benefit = key.split("/")
        one = case(desk, listing, occurrence, benefit)
        if one is not None:
            found += [(one, name) for name in names_of(desk, one)]
    return found


def subject(desk: Desk, parts: Sequence[str]) -> tuple[Case, Name] | None:
    """What a name speaks of; None where there is no such receipt to be had."""
    if len(parts) == 2:
        of = settlement(desk, parts[0])
        if of is None:
            return None
        found = case(desk, *of.case)
    else:
        found = case(desk, *parts) if len(parts) == 3 else None
    if found is None:
        return None
    name = Name(tuple(parts))
    return (found, name) if name in names_of(desk, found) else None


def make(desk: Desk, name: Name) -> bytes | None:
    """The receipt's bytes, signed; None where it cannot be made now."""
    if desk.settings.receipts is None:
        return None

    def collect() -> bytes | None:
        assert desk.settings.receipts is not None, "asked for only where receipts are made"
        collector = desk.settings.receipts(desk.reading)
        try:
            if len(name.parts) == 3:
                return collector.case_refusal(*name.parts).to_bytes()
            of, policy = name.parts
            found = settlement(desk, of)
            claims = () if found is None else claims_of(desk, found)
            paid = any(c.value["pay_fen"] for c in claims if c.row.policy == policy)
            receipt = collector.payout if paid else collector.policy_refusal
            return receipt(of, policy).to_bytes()
        except Refused:
            return None

    return desk.once(("receipt", name.parts), collect)


@dataclass(frozen=True)
class Against:
    """What a receipt is held against, and whose word that is: given, own_key, own_genesis, or
    nothing."""

    vkey: str | None
    genesis: bytes | None
    whose: str


def against(desk: Desk, data: bytes, vkey: str | None, genesis: bytes | None) -> Against:
    """What was given, else what this site has itself for a receipt of this kind."""
    if vkey is None and genesis is None:
        if not _certified(data):
            return Against(desk.vkey, None, "own_key" if desk.vkey else "nothing")
        founding = desk.settings.genesis
        return Against(None, founding, "own_genesis" if founding else "nothing")
    return Against(vkey, genesis, "given")


def _certified(data: bytes) -> bool:
    """Whether a receipt is of a record that several members order."""
    try:
        return from_bytes(data).certificate is not None
    except (Refused, *UNREADABLE):
        return False


def held(data: bytes, by: Against) -> Verdict:
    """What holds of a receipt against a key or a genesis."""
    return verify(data, by.vkey, by.genesis)
