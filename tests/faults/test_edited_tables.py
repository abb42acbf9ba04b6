"""The paying member's own tables edited behind its back: what `audit` names, by debt and order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from miaopei.node.proof.inspect import inspect
from tests.faults.test_law_of_amounts import NIGHT, READ
from tests.support.facts import quake
from tests.support.products import hills
from tests.support.rails import PaperBank
from tests.support.town import ONE_CARRIER, Town


def town_with_a_debt(*, paid: bool) -> tuple[Town, str]:
    """Two orders, written and perhaps paid."""
    town = Town(rail=PaperBank()).set_up()
    listing = town.list_product(hills(), placement=ONE_CARRIER)
    town.issue([town.policy(listing) for _ in range(2)])
    town.accounts({f"carrier/{ONE_CARRIER.lead}": "C"})
    town.tell(quake(NIGHT, "5.6"), at=READ)
    town.decider.run()
    assert town.payer is not None
    town.payer.prepare()
    if paid:
        town.work()
    return town, str(town.settlements(listing)[0]["id"])


def found(town: Town) -> list[tuple[str, str]]:
    """Code and payout of all that does not fit."""
    with town.store.reading() as reading:
        seen = list(inspect(reading, town.node))
    return [(refusal.code, str(refusal.facts.get("payout"))) for refusal in seen]


def mark(state: str) -> Callable[[Town, str], str]:
    """An order marked by hand."""

    def edit(town: Town, debt: str) -> str:
        row = town.instructions(debt)[0]
        with town.store.writing() as block:
            block.mark_instructions([{**row, "state": state}])
        return str(row["payout"])

    return edit


@pytest.mark.parametrize("paid", [False, True])
def test_untouched_tables_show_nothing(*, paid: bool) -> None:
    town, _ = town_with_a_debt(paid=paid)
    assert found(town) == []


@pytest.mark.parametrize(
    ("paid", "edit", "code"),
    [
        (False, mark("paid"), "inspect.order_unconfirmed"),
        (False, mark("failed"), "inspect.order_unconfirmed"),
        (False, mark("closed"), "inspect.order_unconfirmed"),
        (True, mark("new"), "inspect.order_altered"),
        (True, mark("failed"), "inspect.order_altered"),
    ],
)
def test_an_order_marked_by_hand_is_named(
    *, paid: bool, edit: Callable[[Town, str], str], code: str
) -> None:
    town, debt = town_with_a_debt(paid=paid)
    payout = edit(town, debt)
    assert found(town) == [(code, payout)]


@pytest.mark.parametrize("paid", [False, True])
def test_an_order_that_is_gone_is_named(*, paid: bool) -> None:
    town, debt = town_with_a_debt(paid=paid)
    gone = town.instructions(debt)[0]["payout"]
    real = town.store.reading

    class Without:
        """A snapshot that has lost one order."""

        def __init__(self, reading: Any) -> None:
            self._reading = reading

        def __getattr__(self, name: str) -> Any:
            return getattr(self._reading, name)

        def instructions(self, of: str, states: Any = ()) -> list[Any]:
            return [r for r in self._reading.instructions(of, states) if r["payout"] != gone]

    with real() as reading:
        seen = list(inspect(Without(reading), town.node))  # type: ignore[arg-type] # as a store does
    assert [(r.code, r.facts["payout"]) for r in seen] == [("inspect.order_missing", gone)]
