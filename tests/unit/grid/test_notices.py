"""O-02: one notice a customer in scope, insured or not; none for an unchanged plan; sent once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from miaopei.errors import OutsideFault
from miaopei.node.effects.notices import ATTEMPTS, Notifier, Said, Text, counts
from tests.support import sayings as s
from tests.unit.grid.conftest import Grid


class Paper:
    """A gateway on paper: what it says of each id, and how often it was sent what."""

    def __init__(self, *plan: str) -> None:
        self.plan = list(plan)  # what each sending ends as; "delivered" once it is used up
        self.sent: list[str] = []
        self.said: dict[str, str] = {}
        self.silent = False

    def send(self, texts: Sequence[Text]) -> list[Said]:
        if self.silent:
            raise OutsideFault("silent", retry=True)
        for text in texts:
            if text.id not in self.said:
                self.sent.append(text.token)
                self.said[text.id] = self.plan.pop(0) if self.plan else "delivered"
        refused = [t.id for t in texts if self.said[t.id] == "refused"]
        return [Said(t.id, "refused" if t.id in refused else "accepted") for t in texts]

    def ask(self, ids: Sequence[str]) -> list[Said]:
        return [Said(i, self.said.get(i, "unknown")) for i in ids]


def stand(grid: Grid) -> dict[str, int]:
    with grid.town.store.reading() as reading:
        return counts(reading)


def test_one_a_customer_in_scope_insured_or_not(grid: Grid) -> None:
    grid.insure("0571001")
    customers = [f"0571{n:04d}" for n in range(1, 1_203)]
    grid.take(s.message(1, plans=[s.plan(customers)]))
    gateway = Paper()
    notifier = Notifier(grid.town.node, gateway)
    assert notifier.run() == 1_202
    assert notifier.run() == 1_202
    assert notifier.run() == 0
    assert sorted(gateway.sent) == sorted(map(s.token, customers))
    assert stand(grid) == {"delivered": 1_202}


@pytest.mark.parametrize(
    ("change", "notices"),
    [
        ({}, 0),
        ({"cause": 2}, 0),
        ({"on_planned": "2021-06-01T19:00:00+08:00"}, 2),
        ({"off_planned": "2021-06-01T09:00:00+08:00"}, 2),
        ({"state": "cancelled"}, 2),
    ],
)
def test_unchanged_plan_none_revised_plan_a_new_one(
    grid: Grid, change: dict[str, str], notices: int
) -> None:
    grid.take(s.message(1, plans=[s.plan(["0571001", "0571002"])]))
    revised = s.plan(["0571001", "0571002"], revision=1, **change)
    taken = grid.take(s.message(2, plans=[revised]))
    assert (taken.recorded, taken.notices) == (1, notices)
    assert stand(grid) == {"new": 2 + notices}


def test_a_wider_scope_is_a_new_notice(grid: Grid) -> None:
    grid.take(s.message(1, plans=[s.plan(["0571001"])]))
    taken = grid.take(s.message(2, plans=[s.plan(["0571001", "0571002"], revision=1)]))
    assert taken.notices == 2


def test_accepted_and_then_failed_is_sent_again_and_given_up_in_the_end(grid: Grid) -> None:
    grid.take(s.message(1, plans=[s.plan(["0571001"])]))
    gateway = Paper(*["failed"] * ATTEMPTS)
    notifier = Notifier(grid.town.node, gateway)
    for _ in range(10):
        notifier.run()
    assert gateway.sent == [s.token("0571001")] * ATTEMPTS
    assert stand(grid) == {"undeliverable": 1}


def test_accepted_failed_once_then_delivered(grid: Grid) -> None:
    grid.take(s.message(1, plans=[s.plan(["0571001"])]))
    notifier = Notifier(grid.town.node, Paper("failed"))
    for _ in range(4):
        notifier.run()
    assert stand(grid) == {"delivered": 1}


def test_who_has_no_phone_is_undeliverable_and_holds_up_nobody(grid: Grid) -> None:
    grid.take(s.message(1, plans=[s.plan(["0571001", "0571002"])]))
    notifier = Notifier(grid.town.node, Paper("refused"))
    notifier.run()
    notifier.run()
    assert stand(grid) == {"undeliverable": 1, "delivered": 1}


def test_a_silent_gateway_keeps_the_outbox_and_is_asked_again(grid: Grid) -> None:
    grid.take(s.message(1, plans=[s.plan(["0571001"])]))
    gateway = Paper()
    gateway.silent = True
    notifier = Notifier(grid.town.node, gateway)
    assert notifier.run() == 0
    assert stand(grid) == {"new": 1}
    gateway.silent = False
    notifier.run()
    notifier.run()
    assert (gateway.sent, stand(grid)) == ([s.token("0571001")], {"delivered": 1})


def test_the_sentence_names_the_outage_and_no_customer(grid: Grid) -> None:
    texts: list[Text] = []

    class Reading(Paper):
        def send(self, given: Sequence[Text]) -> list[Said]:
            texts.extend(given)
            return super().send(given)

    grid.take(s.message(1, plans=[s.plan(["0571001"])]))
    Notifier(grid.town.node, Reading()).run()
    assert texts[0].zh == (
        "停电通知：余姚 10kV 城东线计划于2021-06-01 08:00停电，2021-06-01 18:00复电（北京时间）。"
        f"编号{s.NUMBER}，第1版。"
    )
    assert "0571001" not in texts[0].zh + texts[0].en
