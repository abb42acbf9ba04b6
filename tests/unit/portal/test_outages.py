"""The page that follows an outage: every step told as it comes, also without a script."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from lxml.html import HtmlElement, document_fromstring
from starlette.requests import Request

from miaopei.measures.instant import DAY
from miaopei.portal import streams
from miaopei.portal.build import build
from miaopei.portal.outages.api import events
from miaopei.portal.outages.story import Outage, Stand, latest
from miaopei.portal.problems import Problem
from miaopei.portal.settings import Settings
from miaopei.portal.views.desk import Desks
from tests.support import grid
from tests.support.products import AREA, area, hills
from tests.support.rails import PaperBank
from tests.support.town import CARRIERS, ONE_CARRIER, Town, good

SCOPE = ("a", "b", "c")
LATE, IN_TIME = "2021-06-01 19:30:00", "2021-06-01 17:00:00"
AGREE = {"a": LATE, "b": LATE, "c": IN_TIME}


class Followed:
    """A town with an outage, its bank, and its pages."""

    def __init__(self) -> None:
        self.bank = PaperBank()
        self.town = Town(rail=self.bank).set_up(())
        grid.register(self.town)
        self.listing = self.town.list_product(grid.PRODUCT, placement=ONE_CARRIER)
        self.town.accounts({f"carrier/{CARRIERS[0]}": "C"})
        self.town.at("2021-05-01 00:00:00")
        self.policies = grid.insure(self.town, self.listing, ["a", "b", "z"])
        self.settings = Settings(receipts=lambda _: None, bank="sandbox")  # type: ignore[arg-type,return-value]
        self.app = build(self.town.store, self.settings)

    def plan(self, at: str = "2021-05-29 09:00:05", **more: Any) -> None:
        good(self.town.tell(grid.plan(self.town, SCOPE, **more), at=at))

    def back(self, at: str, times: dict[str, str | None], **more: Any) -> None:
        good(self.town.tell(grid.back(self.town, times, **more), at=at))

    def story(self) -> Outage:
        with Desks(self.town.store, self.settings).open() as desk:
            return latest(desk, 1)[0]

    def stands(self) -> dict[str, Stand]:
        """Each step; those of power back by their source."""
        return {
            step.name if step.source is None else f"{step.name}/{step.source}": step.stand
            for step in self.story().all_steps
        }

    def get(self, path: str) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1"
            ) as client:
                return await client.get(path)

        return asyncio.run(asked())

    def page(self, language: str = "en") -> HtmlElement:
        answer = self.get(f"/{language}/outages")
        assert answer.status_code == 200
        return document_fromstring(answer.text)


@pytest.fixture
def day() -> Followed:
    return Followed()


def said(page: HtmlElement) -> str:
    """The sentence of this moment."""
    return str(page.xpath("string(//p[@class='big'])"))


def test_before_any_plan_the_page_is_there_and_waits(day: Followed) -> None:
    for language in ("zh", "en"):
        page = day.page(language)
        assert page.xpath("//*[@id='live']/@data-events") == ["/api/v1/outages/events"]
        assert not page.xpath("//*[@class='day']")
    assert day.get("/api/v1/outages").json() == {"items": [], "next": None}


def test_each_step_of_the_day_is_told_as_it_comes(day: Followed) -> None:
    day.plan()
    stands = day.stands()
    assert (stands["plan"], stands["off"], stands["agree"], stands["pay"]) == (
        Stand.DONE, Stand.NEXT, Stand.NEXT, Stand.NEXT,
    )  # fmt: skip
    day.town.at("2021-06-01 08:30:00")
    assert day.stands()["off"] is Stand.WAITING, "the planned time has come, nobody says so"
    day.back("2021-06-01 09:00:00", dict.fromkeys(SCOPE))
    stands = day.stands()
    assert stands["off"] is Stand.DONE
    assert stands[f"back/{grid.COMMAND}"] is Stand.NOW
    assert stands[f"back/{grid.METERS}"] is Stand.WAITING
    day.back("2021-06-01 19:40:00", AGREE, revision=1)
    stands = day.stands()
    assert stands[f"back/{grid.COMMAND}"] is Stand.DONE
    assert stands["agree"] is Stand.WAITING, "one source alone waits"
    assert day.story().as_json()["covers"][0]["reason"] == "too_few_operators"
    day.back("2021-06-01 19:41:00", AGREE, source=grid.METERS)
    stands = day.stands()
    assert (stands["agree"], stands["decide"], stands["pay"]) == (
        Stand.DONE, Stand.NOW, Stand.NEXT,
    )  # fmt: skip
    day.bank.silent = True
    day.town.work()
    assert (day.stands()["decide"], day.stands()["pay"]) == (Stand.DONE, Stand.NOW)
    day.bank.silent = False
    day.town.work()
    outage = day.story()
    assert day.stands()["pay"] is Stand.DONE
    pay = outage.covers[0].steps[-1]
    assert pay.done == pay.of == day.bank.paid_fen() > 0
    due = sum(fen for account, fen in day.bank.paid_to().items())
    assert f"{due // 100:,}.{due % 100:02d}" in said(day.page("en"))


def test_sources_apart_are_shown_with_both_values_then_held(day: Followed) -> None:
    day.plan()
    day.back("2021-06-01 19:40:00", AGREE)
    apart = dict.fromkeys(SCOPE, "2021-06-01 20:00:00")
    day.back("2021-06-01 20:10:00", apart, source=grid.METERS)
    assert day.stands()["agree"] is Stand.WAITING
    for language, words in (("en", "differ"), ("zh", "超过合同允许的范围")):
        page = day.page(language)
        assert words in said(page)
        shown = page.xpath("string(//section[contains(@class, 'now')]//dl)")
        assert "2021-06-01 19:30:00" in shown
        assert "2021-06-01 20:00:00" in shown
    day.town.at(day.town.now + 2 * DAY)
    assert day.stands()["agree"] is Stand.HELD
    assert "miaopei resolve" in day.page("en").xpath("string(//section[contains(@class, 'now')])")
    assert "2021-06-01 20:00:00" in day.page("zh").xpath("string(//dl)")


def test_a_cancelled_plan_ends_the_day(day: Followed) -> None:
    day.plan()
    day.plan(at="2021-05-30 09:00:05", revision=1, published="2021-05-30 09:00:00",
             state="cancelled")  # fmt: skip
    stands = day.stands()
    assert (stands["plan"], stands["agree"]) == (Stand.ENDED, Stand.ENDED)
    assert "cancelled" in said(day.page("en"))
    assert "取消" in said(day.page("zh"))


def test_the_page_is_whole_without_a_script_and_asks_nobody_else(day: Followed) -> None:
    day.plan()
    day.back("2021-06-01 19:40:00", AGREE)
    answer = day.get("/en/outages")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "connect-src 'self'" in policy
    assert "default-src 'none'" in policy
    page = document_fromstring(answer.text)
    assert page.xpath("//script/@src") == ["/static/follow.js"]
    assert not page.xpath("//script[not(@src)] | //style | //@style | //@onclick")
    assert page.xpath("string(//noscript)")
    assert len(page.xpath("//svg[@role='img']")) == 2, "wide and narrow"
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    for other in ("zh", "en"):
        shown = day.page(other).xpath("string(//body)")
        assert "outages." not in shown
        assert "{" not in shown
    script = day.get("/static/follow.js")
    assert script.status_code == 200
    assert "http" not in script.text


def test_nothing_of_a_person_is_on_it(day: Followed) -> None:
    day.plan()
    day.back("2021-06-01 19:40:00", AGREE)
    day.back("2021-06-01 19:41:00", AGREE, source=grid.METERS)
    day.town.work()
    texts = [day.get(path).text for path in ("/zh/outages", "/en/outages", "/api/v1/outages")]
    for text in texts:
        assert not [c for c in ("a", "b", "c", "z") if grid.token(c) in text]
        assert not [number for number in day.policies.values() if number in text]


def test_every_other_page_knows_an_outage(day: Followed) -> None:
    day.plan()
    day.back("2021-06-01 19:40:00", AGREE)
    day.back("2021-06-01 19:41:00", AGREE, source=grid.METERS)
    day.town.work()
    occurrence = day.story().event.id
    moved = day.get(f"/en/events/{occurrence}")
    assert (moved.status_code, moved.headers["location"]) == (303, f"/en/outages/{occurrence}")
    for path in ("", "events", f"outages/{occurrence}", f"cases/{day.listing}/{occurrence}/delay"):
        for language in ("zh", "en"):
            answer = day.get(f"/{language}/{path}")
            assert answer.status_code == 200, path
            if path:
                assert grid.NUMBER in answer.text, path
    assert day.get("/en/outages/" + "0" * 64).status_code == 404


def test_the_first_page_speaks_of_outages_on_a_record_of_outages(day: Followed) -> None:
    def first(language: str) -> HtmlElement:
        answer = day.get(f"/{language}/")
        assert answer.status_code == 200
        assert not re.search("地震|震|earthquake|epicentre|magnitude", answer.text, re.IGNORECASE)
        return document_fromstring(answer.text)

    assert first("zh").xpath("string(//h1)") == "复电晚于计划，款项自动到账"
    assert not first("en").xpath("//table[@aria-labelledby='outages']"), "nothing is planned yet"
    day.plan()
    (row,) = first("en").xpath("//table[@aria-labelledby='outages']//tbody/tr")
    assert "3 customers in scope" in row.text_content()
    assert row.xpath("string(.//span[contains(@class, 'state')])") == "Awaiting report"
    assert len(first("en").xpath("//table[@aria-labelledby='waits']//tbody/tr")) == 1
    day.back("2021-06-01 19:40:00", AGREE)
    day.back("2021-06-01 19:41:00", AGREE, source=grid.METERS)
    day.town.work()
    paid = day.bank.paid_fen()
    page = first("en")
    (row,) = page.xpath("//table[@aria-labelledby='outages']//tbody/tr")
    cells = [" ".join(cell.text_content().split()) for cell in row.xpath("./td")]
    assert cells[0] == "2021-06-01"
    assert cells[5] == "2 of 3"
    assert cells[6] == f"{paid // 100:,}"
    assert cells[7] == "Paid in full"
    glance = page.xpath("//section[@class='glance']//dd")
    assert [each.text_content().split()[0] for each in glance[:3]] == [cells[6], "1", "0"]
    for address in row.xpath(".//a/@href"):
        assert day.get(address).status_code == 200
    for language, word in (("zh", "停电编号"), ("en", "Outage")):
        listed = document_fromstring(day.get(f"/{language}/events").text)
        assert listed.xpath("string(//th[2])") == word
        assert not re.search("震|magnitude", listed.text_content(), re.IGNORECASE)


def test_a_record_of_both_lines_speaks_of_events(day: Followed) -> None:
    day.plan()
    good(day.town.node.submit([day.town.act("file_area", area(AREA))]))
    day.town.list_product(hills())
    titles = {"zh": "约定的事件发生，款项自动到账", "en": "A covered event pays by itself"}
    for language, title in titles.items():
        page = document_fromstring(day.get(f"/{language}/").text)
        assert page.xpath("string(//h1)") == title
        headings = set(page.xpath("//section/@aria-labelledby"))
        assert {"outages", "paid", "unpaid"} <= headings


def test_the_first_page_tells_why_an_outage_pays_nothing(day: Followed) -> None:
    day.plan()
    day.plan(at="2021-05-30 09:00:05", revision=1, published="2021-05-30 09:00:00",
             state="cancelled")  # fmt: skip
    page = document_fromstring(day.get("/en/").text)
    (row,) = page.xpath("//table[@aria-labelledby='outages']//tbody/tr")
    last = row.xpath("./td")[-1].text_content()
    assert "cancelled" in last
    assert row.xpath("string(./td[7])").strip() == "0"
    style = day.get("/static/style.css").text
    assert "td.text .state + .sub { white-space: normal; }" in style, "a reason is a sentence"


def test_every_link_leads_on_and_no_code_stands_for_a_word(day: Followed) -> None:
    day.plan()
    day.back("2021-06-01 19:40:00", AGREE)
    day.back("2021-06-01 19:41:00", AGREE, source=grid.METERS)
    day.town.work()
    todo, seen = ["/zh/", "/en/", "/zh/invoices", "/en/sources"], set[str]()
    while todo:
        path = todo.pop(0)
        if path in seen or not path.startswith(("/zh/", "/en/")):
            continue
        seen.add(path)
        answer = day.get(path)
        if answer.status_code == 303:
            todo.append(answer.headers["location"])
            continue
        assert answer.status_code == 200, path
        page = document_fromstring(answer.text)
        todo += [str(each).partition("#")[0] for each in page.xpath("//a/@href")]
        for aside in page.xpath("//aside | //nav | //section"):
            assert aside.get("aria-label") or aside.get("aria-labelledby"), path
        for cell in page.xpath("//td//text()"):  # kinds of facts and how they were chosen
            assert cell.strip() not in ("plan", "restoration", "outage", "reading"), path
    kinds = {path[3:].partition("/")[2].partition("/")[0] for path in seen}
    assert {"cases", "outages", "why", "products", "buy", "record", "sources"} <= kinds


async def read(stream: AsyncIterator[str], until: Callable[[dict[str, Any]], bool]) -> list[Any]:
    """What a stream tells until it tells something."""
    found = []
    async for line in stream:
        assert line.startswith("event: outage\n")
        found.append(json.loads(re.search("data: (.*)", line)[1]))  # type: ignore[index]
        if until(found[-1]):
            break
    return found


def test_the_stream_tells_each_change_and_nothing_twice(day: Followed) -> None:
    desks = Desks(day.town.store, day.settings)

    def pays(told: dict[str, Any]) -> bool:
        return bool(told["covers"][0]["steps"][-1]["stand"] == "done")

    async def followed() -> list[Any]:
        stream = events(desks, pause=0.01, longest=300.0)
        reading = asyncio.create_task(read(stream, pays))
        for step in (
            day.plan,
            lambda: day.back("2021-06-01 19:40:00", AGREE),
            lambda: day.back("2021-06-01 19:41:00", AGREE, source=grid.METERS),
            day.town.work,
        ):
            await asyncio.to_thread(step)
            await asyncio.sleep(0.2)
        return await asyncio.wait_for(reading, 120)

    told = asyncio.run(followed())
    assert len(told) >= 2
    assert all(one != other for one, other in pairwise(told))
    assert told[-1] == json.loads(json.dumps(day.story().as_json()))


def test_streams_that_are_kept_open_keep_nobody_from_the_pages() -> None:
    """Beyond the bound a stream is refused with a time to ask again; an ended one makes room."""

    async def forever() -> AsyncIterator[str]:
        while True:
            yield "event: x\ndata: {}\n\n"

    async def tried() -> None:
        request = Request({"type": "http", "app": FastAPI(), "headers": []})
        opened = [streams.answer(request, forever()) for _ in range(streams.MOST_OPEN)]
        bodies = [answer.body_iterator for answer in opened]
        for body in bodies:
            await anext(body)  # type: ignore[arg-type]
        with pytest.raises(Problem) as refused:
            streams.answer(request, forever())
        assert refused.value.refusal.facts["seconds"] == streams.AGAIN
        await bodies[0].aclose()  # type: ignore[union-attr]
        assert streams.answer(request, forever()).status_code == 200

    asyncio.run(tried())


def test_a_stream_ends_with_its_server(day: Followed) -> None:
    day.plan()

    async def whole() -> list[str]:
        lines = events(Desks(day.town.store, day.settings), lambda: True, pause=0.0)
        return [line async for line in lines]

    assert len(asyncio.run(whole())) == 1
