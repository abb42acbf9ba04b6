"""How far masses are, for whoever looks on from outside: list and stream, from real runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import numpy as np
import pytest

from miaopei.claims.case import words_at
from miaopei.errors import ReadingsDisagree
from miaopei.measures.identity import canonical
from miaopei.node.effects import orders, payer
from miaopei.node.effects.decider import Decider
from miaopei.node.effects.payer import Payer
from miaopei.node.mass import run as mass
from miaopei.node.mass.watching import masses
from miaopei.portal.api.masses import events
from miaopei.portal.build import build
from miaopei.portal.settings import Settings
from miaopei.portal.views.desk import Desks
from miaopei.terms.columnar import settle_many
from tests.support.facts import quake
from tests.support.products import hills
from tests.support.rails import PaperBank
from tests.support.town import CARRIERS, ONE_CARRIER, Town

NIGHT, READ = "2016-05-18 00:48:48", "2016-05-18 01:00:00"
POLICIES = 300


def seen(town: Town) -> list[tuple[str, int, int | None]]:
    with town.node.reading() as (reading, state):
        return [(each.step, each.done, each.of) for each in masses(reading, state)]


async def first_of(stream: AsyncIterator[str]) -> str:
    return await anext(stream)


async def rest_of(stream: AsyncIterator[str]) -> list[str]:
    return [line async for line in stream]


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
    assert asyncio.run(rest_of(events(desks))) == ["event: idle\ndata: {}\n\n"]
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
    with asyncio.Runner() as loop:
        stream = events(desks, pause=0.0, longest=60.0)
        first = loop.run(first_of(stream))
        assert first.startswith("event: mass\n")
        told = json.loads(first.partition("data: ")[2])
        assert (told["listing"], told["step"], told["of"]) == (book, "pay", due)
        Payer(town.node, PaperBank()).run()
        assert loop.run(rest_of(stream))[-1] == "event: idle\ndata: {}\n\n"


def test_a_mass_of_a_later_round_is_seen_too() -> None:
    """What is done in a round stands under that round; the first one's note is another's."""
    town = Town().set_up()
    book = town.list_product(hills(), placement=ONE_CARRIER)
    town.issue([town.policy(book)])
    town.tell(quake(NIGHT, "5.6"), at=READ)
    trigger = town.table("book")[book]["open"]
    note = {"chunks": [[0, 1]], "chunk": 400, "claims": 1_000}
    with town.store.writing() as block:
        block.put("round", trigger, canonical({"number": 2}))
        counter = town.table("book")[book]["counter"]
        block.put_progress(f"mass/{words_at(trigger, counter, 2)}miaopei", canonical(note))
    assert seen(town) == [("leaves", 400, 1_000)]


@pytest.mark.parametrize("open_book", [True, False])
def test_where_the_readings_part_the_page_of_the_case_says_so(open_book: bool) -> None:
    """An open book with the policy and both traces; of another only that it is so."""
    town = Town().set_up()
    book = town.list_product(hills(units=True), placement=ONE_CARRIER)
    rows = town.issue([town.policy(book, shares=n) for n in (3, 7)])
    town.tell(quake(NIGHT, "5.6"), at=READ)

    def wrong(*given: Any) -> Any:
        column = settle_many(*given)
        return np.where(np.asarray(given[3]["shares"]) == 7, column + 1, column)

    with pytest.raises(ReadingsDisagree):
        Decider(town.node, settle_many=wrong).run()
    books = frozenset([book] if open_book else [])
    settings = Settings(receipts=lambda _: None, open_books=books)  # type: ignore[arg-type,return-value]
    case = town.case(book)
    path = f"cases/{book}/{case['occurrence']}/house"
    transport = httpx.ASGITransport(build(town.store, settings))

    def page(language: str) -> str:
        async def get() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1"
            ) as client:
                return await client.get(f"/{language}/{path}")

        answer = asyncio.run(get())
        assert answer.status_code == 200
        return answer.text

    for language in ("zh", "en"):
        text = page(language)
        assert 'role="alert"' in text
        assert (rows[1].policy in text) is open_book
        assert ("by_shares=700000" in text) is open_book
    town.decider.run()
    assert 'role="alert"' not in page("en")
