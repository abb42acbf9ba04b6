"""How far masses are, for whoever looks on from outside: list and stream, from real runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from miaopei.node.effects import orders, payer
from miaopei.node.effects.payer import Payer
from miaopei.node.mass import run as mass
from miaopei.node.mass.watching import masses
from miaopei.portal.api.masses import events
from miaopei.portal.settings import Settings
from miaopei.portal.views.desk import Desks
from tests.support.facts import quake
from tests.support.products import hills
from tests.support.rails import PaperBank
from tests.support.town import CARRIERS, ONE_CARRIER, Town

NIGHT, READ = "2016-05-18 00:48:48", "2016-05-18 01:00:00"
POLICIES = 300


def seen(town: Town) -> list[tuple[str, int, int | None]]:
    with town.node.reading() as (reading, state):
        return [(each.step, each.done, each.of) for each in masses(reading, state)]


def test_each_step_of_a_mass_is_seen_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mass, "CHUNK", mass.PAGE)
    monkeypatch.setattr(mass, "LARGE", 1)
    monkeypatch.setattr(orders, "CHUNK", mass.PAGE)
    monkeypatch.setattr(payer, "AT_ONCE", 100)
    town = Town(rail=PaperBank()).set_up()
    book = town.list_product(hills(units=True), placement=ONE_CARRIER)
    town.accounts({f"carrier/{CARRIERS[0]}": "C"})
    town.issue([town.policy(book, shares=1 + i % 100) for i in range(POLICIES)])
    desks = Desks(town.store, Settings(receipts=lambda _: None))  # type: ignore[arg-type,return-value]
    assert list(events(desks)) == ["event: idle\ndata: {}\n\n"]
    town.tell(quake(NIGHT, "5.6"), at=READ)
    assert seen(town) == [("decide", 0, None)]

    found: list[Any] = []

    def look(what: str, *_: Any) -> None:
        if what in ("leaves", "orders"):
            found.extend(seen(town))

    town.decider.tell = look
    town.decider.run()
    assert town.payer is not None
    town.payer.tell = look
    town.payer.prepare()
    due = sum(min(100_000 * (1 + i % 100), 300_000_000) for i in range(POLICIES))
    assert ("leaves", 0, POLICIES) in found or ("leaves", POLICIES, POLICIES) in found
    assert ("orders", 100, None) in found
    assert ("pay", 0, due) in found
    stream = events(desks, pause=0.0, longest=60.0)
    first = next(stream)
    assert first.startswith("event: mass\n")
    told = json.loads(first.partition("data: ")[2])
    assert (told["listing"], told["step"], told["of"]) == (book, "pay", due)
    Payer(town.node, PaperBank()).run()
    assert list(stream)[-1] == "event: idle\ndata: {}\n\n"
