"""Where rates, models, calls and invoices stand in the state, read and written by several acts.

A contract is a listing and a carrier: "LISTING/CARRIER". Source: docs/specs/metering.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..accounts.metering.usage import Rates, Usage
from .base import has_role, refuse
from .envelope import Act
from .state import State

ONCE_SINCE = 4  # the rule set from which a run is not billed again under another number


def contract(listing: str, carrier: str) -> str:
    """The key of what a carrier and the data providers of a listing have agreed."""
    return f"{listing}/{carrier}"


def rates_of(state: State, of: str) -> list[Rates]:
    """All rates agreed under a contract, by the month they begin."""
    names = ("since", "user_fen", "record_fen", "rent_fen")
    return [Rates(**{n: said[n] for n in names}) for _, said in state.range("rates", f"{of}/")]


def usage_from(said: dict[str, Any]) -> Usage:
    """A call as it stands in the record."""
    return Usage(said["run"], said["model"], said["users"], said["records"], said["at"])


def unbilled(state: State, of: str, month: str) -> Iterator[Usage]:
    """Calls up to a month's end that no invoice has counted, the oldest month first."""
    for key, _ in state.between("unbilled", f"{of}/", f"{of}/{month}/\x7f"):
        yield usage_from(state.need("usage", key.rpartition("/")[2]))


def calls_of(state: State, invoice: str) -> dict[str, dict[str, Any]]:
    """The calls that an invoice counts, by run, those made void among them."""
    runs = (key.rpartition("/")[2] for key, _ in state.range("billed", f"{invoice}/"))
    return {run: state.need("usage", run) for run in runs}


def must_act_for(state: State, act: Act, who: str) -> None:
    """Oneself, or the operator for those who have no keys of their own.

    Errors   Refused metering.not_yours.
    """
    if act.by != who and not has_role(state, act.by, ["operator"]):
        raise refuse("metering.not_yours", by=act.by, who=who[:60])
