"""Telling each block as a member commits it, with the moment: what the others' delays show by."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from ....node.order.application import Committed
from ....wiring.consortium import Seated
from ..control import Command, Tell

LONGEST_SECONDS = 1800.0  # that somebody is told who has gone away meanwhile


def answers(seated: Seated) -> Mapping[str, Command]:
    """`follow` tells every block until `followed` is said."""
    ends = set[threading.Event]()

    def follow(tell: Tell, asked: dict[str, Any]) -> None:
        over = threading.Event()

        def heard(block: Committed) -> None:
            tell(told(seated, block, time.monotonic()))

        ends.add(over)
        seated.followers.add(heard)
        tell(None)  # from here on
        try:
            over.wait(min(float(asked["lasting"]), LONGEST_SECONDS))
        finally:
            seated.followers.discard(heard)
            ends.discard(over)

    def followed(*_: Any) -> None:
        for over in list(ends):
            over.set()

    return {"follow": follow, "followed": followed}


def told(seated: Seated, block: Committed, at: float) -> dict[str, Any]:
    """One block. Units   `at`: seconds of this machine's monotonic clock, the same for all its
    processes; `size`: entries of the record after it; `certified`: entries whose root is.
    """
    application = seated.application
    return {
        "at": at,
        "height": block.height,
        "acts": len(block.results),
        "size": application.head.size,
        "certified": application.certified,
    }
