"""One member's shop: what a page, a program or a clerk may ask of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import RLock

from . import taking
from .asking import Desk, Wanted
from .known.standing import is_holder
from .taking import Application


@dataclass(frozen=True)
class Shop:
    """Takes applications and changes, one at a time: an act stands on what was before it."""

    desk: Desk
    turn: RLock

    def apply(self, wanted: Wanted, key: str) -> Application:
        """As `taking.apply`."""
        with self.turn:
            return taking.apply(self.desk, wanted, key)

    def change(
        self,
        policy: str,
        transaction: str,
        at: int,
        declared: Mapping[str, int],
        channel: str,
        key: str,
        *,
        agent: str | None = None,
    ) -> Application:
        """As `taking.change`."""
        with self.turn:
            return taking.change(
                self.desk, policy, transaction, at, declared, channel, key, agent=agent
            )

    def is_holder(self, policy: str, shown: Mapping[str, str]) -> bool:
        """Whether somebody gives the number and phone that the policyholder gave."""
        with self.desk.node.store.reading() as reading:
            return is_holder(reading, policy, shown)
