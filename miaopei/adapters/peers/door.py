"""Who stands at the door of a server: how many connections there are room for, and who has to go.

One too many takes the place of another of the same kind that has waited longest: of those that have
shown no key yet, from where most come; of those of a seat, one that asks nothing just now. So
whoever opens many is in nobody's way but its own.
"""

from __future__ import annotations

import ipaddress
import resource
from asyncio import Task
from collections import Counter
from contextlib import suppress
from typing import Any

BARE = 128  # without a shown key, in all
EACH_SEAT = 8  # of one seat: its blobs, and what it asks beside them
FILES = 8  # one in so many of the files that may be open is for those without a shown key
SLASH_64 = 64  # bits of an IPv6 address that stand for one subscriber

One = Task[Any]


def room() -> int:
    """Connections without a shown key that there is room for."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return BARE if files == resource.RLIM_INFINITY else max(2, min(BARE, files // FILES))


def whence(address: str) -> str:
    """What counts as one address."""
    with suppress(ValueError):
        found = ipaddress.ip_address(address.partition("%")[0])
        if found.version == 6 and found.ipv4_mapped is None:
            return str(ipaddress.ip_network((int(found), SLASH_64), strict=False))
    return address


class Door:
    """The connections of one server, each the task that serves it."""

    def __init__(self) -> None:
        self._bare: dict[One, str] = {}  # who waits longest comes first, here and below
        self._seats: dict[str, dict[One, bool]] = {}  # by peer key; whether it is being answered

    def came(self, one: One, address: str) -> None:
        """A connection that has shown no key; half of the room at most is for one address."""
        most, held, where = room(), Counter(self._bare.values()), whence(address)
        crowded = where if held[where] >= max(1, most // 2) else None
        if crowded is None and len(self._bare) >= most:
            crowded = held.most_common(1)[0][0]
        if crowded is not None:
            out = next(each for each, at in self._bare.items() if at == crowded)
            del self._bare[out]
            out.cancel()
        self._bare[one] = where

    def knows(self, one: One) -> None:
        """It has shown a key, or will show none any more."""
        self._bare.pop(one, None)

    def waits(self, one: One, peer: str) -> bool:
        """It waits for a question of a seat; whether there is room for it."""
        there = self._seats.setdefault(peer, {})
        there.pop(one, None)
        if len(there) >= EACH_SEAT:
            out = next((each for each, answered in there.items() if not answered), None)
            if out is None:
                return False
            del there[out]
            out.cancel()
        there[one] = False
        return True

    def answers(self, one: One, peer: str) -> None:
        """It is being answered."""
        if one in (there := self._seats.get(peer, {})):
            there[one] = True

    def gone(self, one: One, peer: str) -> None:
        """It has ended."""
        if one in (there := self._seats.get(peer, {})):
            del there[one]
            if not there:
                del self._seats[peer]
