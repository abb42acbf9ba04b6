"""How often one caller may apply: a bucket an address, so that nobody fills the door for others."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from threading import Lock
from typing import TYPE_CHECKING

from starlette.requests import Request

from ...measures.instant import DAY
from ..problems import Problem

if TYPE_CHECKING:
    from ..settings import Settings

WRONG_TRIES = 5  # a day for each policy
MOST = 10_000  # addresses remembered; who was quiet longest is forgotten


class Pace:
    """`burst` calls at once, and another one every `seconds`."""

    def __init__(
        self,
        burst: int = 20,
        seconds: int = 15,
        clock: Callable[[], float] = time.monotonic,
        most: int = MOST,
    ) -> None:
        self._most = most
        self._burst, self._seconds, self._clock = burst, seconds, clock
        self._full_at: OrderedDict[str, float] = OrderedDict()  # when a bucket is full again
        self._turn = Lock()

    def wait(self, address: str) -> int:
        """Count one call; 0 where it may go on, else the seconds until one may."""
        return self.count(_network(address))

    def count(self, who: str) -> int:
        """The same for whatever a name stands for, as a policy."""
        now = self._clock()
        with self._turn:
            full_at = max(self._full_at.get(who, now), now) + self._seconds
            late = full_at - now - self._burst * self._seconds
            if late > 0:
                return math.ceil(late)
            self._full_at[who] = full_at
            self._full_at.move_to_end(who)
            if len(self._full_at) > self._most:
                self._full_at.popitem(last=False)
            return 0

    def give_back(self, who: str) -> None:
        """A call that was counted shall not count after all."""
        with self._turn:
            if who in self._full_at:
                self._full_at[who] -= self._seconds


def tries() -> Pace:
    """How often somebody may be wrong about who holds a policy: so often at once, then once in so
    many seconds, whoever asks."""
    return Pace(WRONG_TRIES, DAY // WRONG_TRIES, most=1_000_000)


def check_pace(settings: Settings, request: Request) -> None:
    """Errors   Problem portal.too_many, with the seconds until the next call."""
    if settings.pace is None:
        return
    address = "" if request.client is None else request.client.host
    if seconds := settings.pace(address):
        raise Problem("too_many", seconds=seconds)


def check_tries(settings: Settings, policy: str) -> None:
    """Count one try to be taken for a policy's holder, whoever makes it and with whichever token;
    one that shows it is given back (`Pace.give_back`).

    Errors   Problem portal.too_many_tries, with the seconds until the next one.
    """
    if seconds := settings.tries.count(policy):
        raise Problem("too_many_tries", seconds=seconds)


def _network(address: str) -> str:
    """Whom an address stands for: of IPv6 the network that one line is given."""
    try:
        found = ip_address(address)
    except ValueError:
        return address[:60]
    return str(int(found) >> 64) if isinstance(found, IPv6Address) else str(found)
