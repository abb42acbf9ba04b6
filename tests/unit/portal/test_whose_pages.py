"""Whose pages these are and who sells; words and first addresses that do not mislead."""

from __future__ import annotations

import re
import socket
import tomllib
from pathlib import Path

import httpx
import pytest
from lxml import html as parser

from miaopei import errors, portal
from miaopei.cli import service, speak
from miaopei.errors.texts import Language
from miaopei.portal.members import build
from miaopei.portal.texts import texts
from tests.support.portals import serving
from tests.support.selling import Market
from tests.unit.portal.test_buying import open_shop
from tests.unit.portal.test_members import get, standing

SANDBOX = {"bank": "sandbox"}


def said(answer: httpx.Response) -> str:
    """The words of a page."""
    assert answer.status_code == 200, answer.url
    return " ".join(parser.document_fromstring(answer.text).text_content().split())


def test_every_page_says_whose_it_is_and_a_members_says_so_at_its_head() -> None:
    market = Market()
    (name,) = [m["name"] for k, m in market.town.table("member").items() if k == "miaopei"]
    settings = portal.Settings(member="miaopei", **SANDBOX)  # type: ignore[arg-type]
    with serving(portal.app(market.town.store, settings)) as client:
        for lang, map_of in (("zh", "成员图"), ("en", "node map")):
            text = said(client.get(f"/{lang}/record"))
            assert name[lang] in text
            assert map_of not in text  # a record of one member has no map
    genesis = b'{"seats":[]}'
    settings = portal.Settings(member="regulator", genesis=genesis, **SANDBOX)  # type: ignore[arg-type]
    with serving(portal.app(market.town.store, settings)) as client:
        for lang in ("zh", "en"):
            page = parser.document_fromstring(client.get(f"/{lang}/events").text)
            assert "regulator" in page.xpath("string(//title)")
            assert page.xpath("string(//header//span[@class='whose'])") == "regulator"
            foot = page.xpath("string(//footer)")
            assert "miaopei member map" in foot
            assert "miaopei net map" in foot


def test_who_does_not_sell_says_who_does_and_shows_no_form() -> None:
    market = Market()
    seller = market.town.table("member")["miaopei"]["name"]
    settings = portal.Settings(member="regulator", **SANDBOX)  # type: ignore[arg-type]
    with serving(portal.app(market.town.store, settings)) as client:
        for lang, sold in (("zh", f"由{seller['zh']}销售"), ("en", f"sold by {seller['en']}")):
            for path in ("buy", "buy/planned_outage"):
                answer = client.get(f"/{lang}/{path}")
                assert sold in said(answer)
                assert 'class="button"' not in answer.text
                assert "<form" not in answer.text
    with open_shop(market) as shop:
        assert ">Apply</a>" in shop.client.get("/en/buy").text
        assert "sold by" not in said(shop.client.get("/en/buy"))


def test_a_policy_in_force_is_a_policy_and_is_not_to_be_paid_by_any_day() -> None:
    with open_shop(Market()) as shop:
        asked = shop.apply().json()
        waits = said(shop.client.get(f"/en/policies/{asked['id']}"))
        assert "To be paid by" in waits
        assert "Application · accepted" in waits
        held = shop.market.insure(customer="3302810000002")
        for lang, title, by in (("en", "Policy · in force", "To be paid by"),
                                ("zh", "保单 · 已生效", "缴费期限")):  # fmt: skip
            text = said(shop.client.get(f"/{lang}/policies/{held['id']}"))
            assert title in text
            assert by not in text


def test_one_word_for_a_case_in_chinese() -> None:
    found = [entry["zh"] for entry in texts().values()]
    for path in (Path(errors.__file__).parent / "texts").glob("*.toml"):
        found += [entry["zh"] for entry in tomllib.loads(path.read_text("utf-8")).values()]
    assert not [text for text in found if re.search("个案(?!件)", text)]


def test_no_sentence_puts_a_number_before_deciders_or_claims() -> None:
    """There may be one of them: '1 deciders', '1 claims'."""
    for name in ("lineage", "verify"):
        path = Path(errors.__file__).parent / "texts" / f"{name}.toml"
        table = tomllib.loads(path.read_text("utf-8"))
        english = [entry["en"] for entry in table.values()]
        assert not [t for t in english if re.search(r"\{(deciders|claims)\} (deciders|claims)", t)]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_who_asks_for_no_language_gets_the_one_of_the_command(language: Language) -> None:
    with serving(portal.app(Market().town.store, portal.Settings(language=language))) as client:
        assert client.get("/").headers["location"] == f"/{language}/"
        for asked in ("zh", "en"):
            answer = client.get("/", headers={"Accept-Language": asked})
            assert answer.headers["location"] == f"/{asked}/"
    app = build(standing, language)
    assert get(app, "/").headers["location"] == f"/{language}/members"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_port_in_use_is_all_that_is_said(
    language: Language, capsys: pytest.CaptureFixture[str]
) -> None:
    async def never(*_: object) -> None:
        raise AssertionError("nothing is served")

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert service._listen(never, port, speak.Speaker(language)) == 3
    told = capsys.readouterr()
    assert told.out == ""
    (line,) = told.err.splitlines()
    assert line == speak.Speaker(language).text("port_in_use", port=port, next=port + 1)
