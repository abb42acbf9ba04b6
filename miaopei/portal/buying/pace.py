"""How often one caller may apply: a bucket an address, so that nobody fills the door for others."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from threading import Lock

from starlette.requests import Request

from ..problems import Problem
from ..settings import Settings

MOST = 10_000  # addresses remembered; who was quiet longest is forgotten


class Pace:
    """`burst` calls at once, and another one every `seconds`."""

    def __init__(
        self, burst: int = 20, seconds: int = 15, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst, self._seconds, self._clock = burst, seconds, clock
        self._full_at: OrderedDict[str, float] = OrderedDict()  # when a bucket is full again
        self._turn = Lock()

    def wait(self, address: str) -> int:
        """Count one call; 0 where it may go on, else the seconds until one may."""
        who, now = _network(address), self._clock()
        with self._turn:
            full_at = max(self._full_at.get(who, now), now) + self._seconds
            late = full_at - now - self._burst * self._seconds
            if late > 0:
                return math.ceil(late)
            self._full_at[who] = full_at
            self._full_at.move_to_end(who)
            if len(self._full_at) > MOST:
                self._full_at.popitem(last=False)
            return 0


def check_pace(settings: Settings, request: Request) -> None:
    """Errors   Problem portal.too_many, with the seconds until the next call."""
    if settings.pace is None:
        return
    address = "" if request.client is None else request.client.host
    if seconds := settings.pace(address):
        raise Problem("too_many", seconds=seconds)


def _network(address: str) -> str:
    """Whom an address stands for: of IPv6 the network that one line is given."""
    try:
        found = ip_address(address)
    except ValueError:
        return address[:60]
    return str(int(found) >> 64) if isinstance(found, IPv6Address) else str(found)
