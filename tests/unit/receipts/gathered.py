"""Good receipts of every kind that can be made without engines, and what each is held against."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from miaopei.claims.receipt import Receipt
from miaopei.claims.verify import Verdict, verify
from miaopei.node.proof.receipts import Collector
from tests.support.grid import METERS, back, grid_town, insure, plan
from tests.support.town import good
from tests.unit.claims.forging import ended, forged, leaf
from tests.unit.claims.made import invented, refused, replayed
from tests.unit.claims.replayed import IDENTITY, World, outages, three
from tests.unit.receipts import certified as certifying
from tests.unit.receipts.certified import certified

IN_SCOPE = {
    "a": "2021-06-01 19:30:00",
    "b": "2021-06-01 18:00:59",
    "d": "2021-06-01 20:00:00",
}


@dataclass(frozen=True)
class Held:
    """A file, and what a stranger got elsewhere: the log's key, or a consortium's genesis file."""

    name: str
    data: bytes
    vkey: str | None = None
    genesis: bytes | None = None

    def verdict(self) -> Verdict:
        """What our own checking says of it."""
        return verify(self.data, self.vkey, self.genesis)


def solo(name: str, receipt: Receipt) -> Held:
    """A receipt with its own log's key, as if got elsewhere."""
    return Held(name, receipt.to_bytes(), receipt.vkey)


@cache
def quakes() -> dict[str, Receipt]:
    """Printed payouts (own area by magnitude, surrounding by report), and every kind of refusal."""
    found = {f"printed {number}": receipt for number, receipt in enumerate(replayed())}
    return {**found, **invented(), **refused()}


@cache
def gathered() -> tuple[Held, ...]:
    """All of them."""
    found = [solo(name, receipt) for name, receipt in quakes().items()]
    found += [solo(f"declared {n}", r) for n, r in enumerate(_settled(outages()))]
    found += [solo(f"three {n}", r) for n, r in enumerate(_settled(three()))]
    found += _listed()
    found += [solo(f"dated {n}", forged(quakes()[n], ended)) for n in ("printed 0", "roles_differ")]
    for name in ("printed 0", "printed 3", "exhausted 1", "house outside_area"):
        receipt, genesis = certified(quakes()[name])
        found.append(Held(f"consortium {name}", receipt.to_bytes(), None, genesis))
    return tuple(found)


@cache
def put_off() -> Held:
    """The end of one act altered after it was signed, all else made to fit."""

    def later(value: Any) -> None:
        leaf(value, "facts")["act"].update(until=2**41)

    return solo("put off", forged(quakes()["printed 0"], ended, later))


@cache
def signed_by(count: int) -> Held:
    """A receipt of six members of equal weight, of whom so many have signed the block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certifying, "FIVE", count)
        receipt, genesis = certifying.certified(quakes()["printed 0"], joins=None)
    return Held(f"signed by {count}", receipt.to_bytes(), None, genesis)


def _settled(made: World) -> list[Receipt]:
    """Every claim of every settlement: paid, or refused."""
    found = []
    with made.node.reading() as (reading, state):
        collector = Collector(reading, IDENTITY)
        for id, entry in state.range("settlement", ""):
            for claim in reading.claims(entry["settlement"]["trigger"]):
                make = collector.payout if claim["pay_fen"] else collector.policy_refusal
                found.append(make(id, claim["policy"]))
    return found


def _listed() -> list[Held]:
    """An outage with lists: late, in time, out of scope, and one of whom two systems disagree."""
    town, listing = grid_town()
    policies = insure(town, listing, [*IN_SCOPE, "e"])
    town.at("2021-05-31 08:00:00")
    good(town.tell(plan(town, list(IN_SCOPE))))
    town.at("2021-06-01 21:00:00")
    meters = {**IN_SCOPE, "d": "2021-06-01 18:20:00", "not insured": IN_SCOPE["d"]}
    good(town.tell(back(town, IN_SCOPE), back(town, meters, source=METERS)))
    town.work()
    (settlement,) = town.settlements(listing)
    found = []
    with town.store.reading() as reading:
        collector = Collector(reading, town.me)
        for who in (*IN_SCOPE, "e"):
            make = collector.payout if who == "a" else collector.policy_refusal
            found.append(solo(f"outage {who}", make(settlement["id"], policies[who])))
    return found
