"""A fact accepted to payment orders written, on real members: three named deciders, two equal ones
settle, the payer orders. One quake: a second one within days belongs to the same occurrence, and
none before the sale is covered.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import psycopg

from miaopei.adapters.sandbox_bank.control import BankControl
from miaopei.cli.net import control
from miaopei.cli.net.plan import DECIDERS, ISSUER, PAYER, SOURCE, Net
from miaopei.measures.instant import DAY
from miaopei.node import scheme
from miaopei.wiring.machine import Machine

from ..journey import row
from ..wanted import Wanted
from ..world import quake
from .running import busy, level, say, share

SCHEME, LISTING = "yunnan", "yunnan_dali"
POLICIES, AIM, FUNDS = 1_000, 3.0, 10**15  # seconds; fen of each carrier, enough for all of it
SECONDS, NONE_SECONDS = 300.0, 60.0
STILL = 3.0  # without a further order: they are all there


def run(net: Net, _: Wanted) -> Iterator[dict[str, Any]]:
    """Every order's delay; a net on which such a quake was paid already gives no rows."""
    set_up(net)
    sell(net, POLICIES)
    level(net)
    at = busy()
    say(f"a quake over {POLICIES:,} policies")
    with psycopg.connect(Machine.of(net.at(PAYER)).database, autocommit=True) as payer:
        taken = _one(net, payer)
    if not taken:
        say("nothing was ordered: these members have had a quake in these days")
        return
    work = (
        f"fact accepted to payment order, two of three deciders equal, {POLICIES:,} policies,"
        f" one quake, {len(taken):,} orders{at}"
    )
    for percent in (50, 95, 99):
        value = share(taken, percent)
        aim, met = ("3", value <= AIM) if percent == 95 else ("", None)
        yield row(f"C3.p{percent}", f"{work}, p{percent}", value, "s", aim, met=met)
    yield row("C3.last", f"{work}, the last", max(taken), "s")


def set_up(net: Net) -> None:
    """The scheme's parties, sources, product and listing, agreed to by all whom it binds; again
    changes nothing."""
    value, seconds = scheme.load(SCHEME), {"seconds": SECONDS}
    names = {each["id"]: each["name"]["zh"] for each in value["members"]}
    bank = control.call(net.folder, "status")["bank"]
    BankControl(bank).open_accounts(
        (part["account"], names[part["carrier"]], FUNDS) for part in value["carrier_accounts"]
    )
    control.call(net.at(SOURCE), "set_up", scheme=SCHEME, **seconds)
    level(net)
    for member in dict.fromkeys((PAYER, *DECIDERS)):
        control.call(net.at(member), "agree_scheme", scheme=SCHEME, **seconds)
    level(net)
    control.call(net.at(ISSUER), "issue", scheme=SCHEME, **seconds)


def sell(net: Net, count: int) -> None:
    """So many further policies, in force for the time of the quakes."""
    now, tag = int(time.time()), os.urandom(3).hex()
    asked = {"listing": LISTING, "count": count, "since": now - 100 * DAY, "until": now + 100 * DAY}
    control.call(net.at(ISSUER), "insure", tag=tag, seconds=SECONDS, **asked)
    control.call(net.at(SOURCE), "quiet", seconds=SECONDS)


def shake(net: Net) -> float:
    """A quake's report on the record; the moment at which it was final where it came in."""
    time.sleep(2.0)  # it lies after the sale by the second
    told = quake(int(time.time()))
    fact = {"observation": asdict(told.observation), "data": told.data.decode("utf-8"),
            "media": told.media, "part": told.part}  # fmt: skip
    return float(control.call(net.at(SOURCE), "facts", facts=[fact], seconds=SECONDS))


def _one(net: Net, payer: psycopg.Connection[Any]) -> list[float]:
    """Seconds from the fact to each order as it is seen written, until no more come."""
    before = _orders(payer)
    accepted, taken = shake(net), list[float]()
    moved = time.monotonic()
    while time.monotonic() < (moved + STILL if taken else accepted + NONE_SECONDS):
        count = _orders(payer) - before
        now = time.monotonic()
        if count > len(taken):
            taken += [now - accepted] * (count - len(taken))
            moved = now
        time.sleep(0.01)
    control.call(net.at(SOURCE), "quiet", seconds=SECONDS)
    return taken


def _orders(payer: psycopg.Connection[Any]) -> int:
    (count,) = payer.execute("select count(*) from own.instruction").fetchone() or (0,)
    return int(count)
