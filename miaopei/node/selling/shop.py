"""One member's shop: what a page, a program or a clerk may ask of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import RLock

from ...acts.state import State
from ...errors import Refusal, Refused
from . import taking
from .asking import Desk, Wanted, check_account
from .known import accounts
from .known.standing import is_holder, is_named
from .taking import Application, key_name


def pays(state: State, listing: str, member: str) -> bool:
    """Whether a member pays a listing: it keeps whom it sold to, and where they are paid."""
    entry = state.get("listing", listing)
    return entry is not None and entry["listing"]["payer"] == member


@dataclass(frozen=True)
class Shop:
    """Takes applications and changes, one at a time: an act stands on what was before it.

    Errors   Refused selling.sold_elsewhere for a listing that another member pays;
             selling.stopped once this member's duties are `stopped`: what it took would
             neither be collected nor brought in force.
    """

    desk: Desk
    turn: RLock
    stopped: Callable[[], bool] = lambda: False

    def _demand(self) -> None:
        if self.stopped():
            raise Refused(Refusal("selling.stopped"))

    def demand_ours(self, listing: str) -> None:
        """Errors   Refused selling.sold_elsewhere: who pays would not know where."""
        node = self.desk.node
        with node.reading() as (_, state):
            entry = state.get("listing", listing)
            if entry is None or pays(state, listing, node.identity.member):
                return
        facts = {"listing": listing, "payer": str(entry["listing"]["payer"])}
        raise Refused(Refusal("selling.sold_elsewhere", facts))

    def apply(self, wanted: Wanted, key: str) -> Application:
        """As `taking.apply`."""
        self._demand()
        self.demand_ours(wanted.listing)
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
        self._demand()
        with self.turn:
            return taking.change(
                self.desk, policy, transaction, at, declared, channel, key, agent=agent
            )

    def change_account(self, policy: str, given: Mapping[str, str], key: str) -> int:
        """As `accounts.change`, for the policyholder, who has shown who they are."""
        check_account(given)
        with self.turn:
            name = key_name("holder", key)
            return accounts.change(self.desk.node, policy, given, accounts.Asked(), name)

    def is_holder(self, policy: str, shown: Mapping[str, str]) -> bool:
        """Whether somebody gives the number and phone that the policyholder gave."""
        with self.desk.node.store.reading() as reading:
            return is_holder(reading, policy, shown)

    def is_named(self, policy: str, name: str) -> bool:
        """Whether a name is that of the policyholder, or none is known."""
        with self.desk.node.store.reading() as reading:
            return is_named(reading, policy, name)
