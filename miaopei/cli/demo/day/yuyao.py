"""A made-up Yuyao for the outage demonstration: feeders, customers, policies and one day's times.

Everything follows from the numbers of the customers, so that each run plays the same day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ....adapters.grid.connections import Names
from ....errors import Refusal, Refused
from ....measures.instant import beijing_text, from_beijing

FEEDERS = (("F1", "余姚 10kV 城东线"), ("F2", "余姚 10kV 城西线"), ("F3", "余姚 10kV 泗门线"))
DEDICATED, PUBLIC, HOUSES = 400, 160, 10  # a feeder: own transformers, shared ones, customers each
LAST_DEDICATED, LAST_PUBLIC = 260, 74  # of the third feeder, which is in scope in part
UNINSURED, EXPIRED = 10, 30  # of each feeder's first in scope; of the first feeder's next
OUTSIDE = 40  # insured and not in scope
IN_SCOPE, FEWEST = 5_000, 100  # customers in scope; of the smallest town
NUMBER = "YY-20260520-001"
PUBLISHED, OFF, ON = "2026-05-17 09:00:00", "2026-05-20 08:00:00", "2026-05-20 18:00:00"
POLICY_SINCE, POLICY_UNTIL, EXPIRED_UNTIL = "2026-01-05", "2027-01-05", "2026-05-01"
CAUSE = 1
HEADER = "customer,feeder,transformer,in_scope,insured,since,until,planned,command_on,meter_on\n"


@dataclass(frozen=True)
class Customer:
    """One customer: its number, where it hangs, and how the day goes for it."""

    number: str
    feeder: str
    transformer: str
    in_scope: bool
    insured: bool
    until: str  # of its policy
    back: int  # UTC seconds, by the command system
    back_by_meter: int

    def line(self) -> str:
        """For the file of the day, which anybody may count."""
        policy = (POLICY_SINCE, self.until) if self.insured else ("", "")
        cells = (
            *(self.number, self.feeder, self.transformer, int(self.in_scope), int(self.insured)),
            *(*policy, ON, beijing_text(self.back), beijing_text(self.back_by_meter)),
        )
        return ",".join(map(str, cells)) + "\n"


def town(in_scope: int = IN_SCOPE) -> list[Customer]:
    """The 6,000 customers of three feeders, 5,000 of them in scope; or a smaller town.

    In a smaller one exactly `in_scope` of them are left, evenly taken from all that are in scope,
    and as great a part of the others.
    Errors   Refused cli.town_size.
    """
    if not FEWEST <= in_scope <= IN_SCOPE:
        facts = {"customers": in_scope, "fewest": FEWEST, "most": IN_SCOPE}
        raise Refused(Refusal("cli.town_size", facts))
    left: list[Customer] = []
    seen = {True: 0, False: 0}
    for customer in (customer for feeder, _ in FEEDERS for customer in _feeder(feeder)):
        seen[customer.in_scope] += 1
        place = seen[customer.in_scope]
        if place * in_scope // IN_SCOPE != (place - 1) * in_scope // IN_SCOPE:
            left.append(customer)
    return left


def connections(customers: Sequence[Customer]) -> bytes:
    """Who hangs where, as the utility hands it over."""
    rows = "".join(f"{c.feeder},{c.transformer},{c.number}\n" for c in customers)
    return f"feeder,transformer,customer\n{rows}".encode()


def phones(customers: Sequence[Customer], names: Names) -> list[tuple[str, str]]:
    """Who has which phone, by token, as the SMS gateway knows it."""
    return [(names(c.number)[-1], f"1390574{i:04d}") for i, c in enumerate(customers)]


def day_file(customers: Sequence[Customer]) -> bytes:
    """The day as anybody may count it."""
    return (HEADER + "".join(c.line() for c in customers)).encode("utf-8")


def plan(customers: Sequence[Customer], revision: int) -> dict[str, Any]:
    """The plan: two feeders whole, of the third some transformers."""
    last = {c.transformer for c in customers if c.in_scope and c.feeder == FEEDERS[2][0]}
    return {
        "number": NUMBER,
        "revision": revision,
        "state": "planned",
        "published_at": zoned(from_beijing(PUBLISHED) + 3600 * revision),
        "off_planned": zoned(from_beijing(OFF)),
        "on_planned": zoned(from_beijing(ON)),
        "cause": CAUSE,
        "feeder": "、".join(name for _, name in FEEDERS),
        "replaces": [],
        "scope": {
            "feeders": [FEEDERS[0][0], FEEDERS[1][0]],
            "transformers": sorted(last),
            "customers": [],
        },
    }


def cut_off() -> dict[str, Any]:
    """The command system's first report: power is off, and nobody is back."""
    off = from_beijing(OFF)
    return {
        "number": NUMBER,
        "revision": 0,
        "published_at": zoned(off + 60),
        "first_off": zoned(off),
        "last_on": None,
        "complete": False,
        "cause": None,
    }


def restoration(
    customers: Sequence[Customer], revision: int, *, by_meter: bool, ahead: int = 0
) -> dict[str, Any]:
    """The report of one system: everybody in scope with a time of its own.

    `ahead` seconds: by so much the clock of one customer's meter, the last to be back, is wrong.
    """
    times = [(c.number, c.back_by_meter if by_meter else c.back) for c in customers if c.in_scope]
    last = max(on for _, on in times)
    times = [(number, on + (ahead if on == last else 0)) for number, on in times]
    last += ahead
    off = zoned(from_beijing(OFF))
    return {
        "number": NUMBER,
        "revision": revision,
        "published_at": zoned(last + 60),
        "first_off": off,
        "last_on": zoned(last),
        "complete": True,
        "cause": None,
        "customers": [{"customer": n, "off": off, "on": zoned(on)} for n, on in times],
    }


def zoned(seconds: int) -> str:
    """UTC seconds as text with Beijing's offset."""
    return beijing_text(seconds).replace(" ", "T") + "+08:00"


def _feeder(feeder: str) -> Iterator[Customer]:
    last = feeder == FEEDERS[2][0]
    for place in range(DEDICATED):
        in_scope = not last or place < LAST_DEDICATED
        insured = place >= UNINSURED if in_scope else place < LAST_DEDICATED + OUTSIDE
        expired = feeder == FEEDERS[0][0] and UNINSURED <= place < UNINSURED + EXPIRED
        until = EXPIRED_UNTIL if expired else POLICY_UNTIL
        yield _customer(feeder, f"{feeder}-D{place:03d}", 0, in_scope, insured, until)
    for place in range(PUBLIC):
        for house in range(HOUSES):
            in_scope = not last or place < LAST_PUBLIC
            transformer = f"{feeder}-P{place:03d}"
            yield _customer(feeder, transformer, house, in_scope, False, "")


def _customer(
    feeder: str, transformer: str, house: int, in_scope: bool, insured: bool, until: str
) -> Customer:
    """The first feeder is back in time; of the others each customer in its own minute."""
    chance = hashlib.sha256(f"{transformer}/{house}".encode()).digest()
    number = f"330281{int(feeder[1:])}{int.from_bytes(chance[:6], 'big') % 10**9:09d}"
    late = -15 if feeder == FEEDERS[0][0] else int.from_bytes(chance[6:8], "big") % 240 - 60
    back = from_beijing(ON) + 60 * late
    by_meter = back + chance[8] % 120
    return Customer(number, feeder, transformer, in_scope, insured, until, back, by_meter)
