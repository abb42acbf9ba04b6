"""Every page in both languages: it answers, it is sound HTML, it says what it must."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest
from lxml import html as parser

from miaopei.measures.instant import from_beijing
from miaopei.portal.texts import texts

from .conftest import Played

# Printed in Tables 2 and 4 of doi 10.11899/zzfy20210303, in 万元.
PAID = {
    "2015-10-30": ("753.760", "16.83"),
    "2016-05-18": ("2,800.000", "29.17"),
    "2017-03-27": ("2,800.000", "20.30"),
    "2018-08-13": ("1,600.000", "3.84"),
    "2018-09-08": ("16.129", "3.16"),
    "2021-05-21": ("4,000.000", "2.03"),
}
KEY = re.compile(
    rf"\b(?:{'|'.join(sorted({k.partition('.')[0] for k in texts()}))})\.[a-z_]{{3,}}\b"
)


CHINESE = re.compile(r"[\u4e00-\u9fff]")
OF_A_KIND = 8  # pages of one kind that are looked at, the first that are met


def walk(client: httpx.Client) -> Iterator[tuple[str, str]]:
    """Pages of every kind that can be reached, in both languages; anything but 200 fails."""
    todo, seen, kinds = ["/zh/"], set(), Counter[str]()
    while todo:
        path = todo.pop(0)
        kind = re.sub(r"[0-9a-f]{32,}", "ID", path)
        if path in seen or not path.startswith("/zh") or kinds[kind] == OF_A_KIND:
            continue
        seen.add(path)
        kinds[kind] += 1
        answer = client.get(path)
        assert answer.status_code == 200, path
        yield path, answer.text
        todo += re.findall(r'href="(/[^"#?]*)', answer.text)
        english = client.get(f"/en{path[3:]}")
        assert english.status_code == 200, path
        yield f"/en{path[3:]}", english.text


@pytest.fixture(scope="module")
def pages(client: httpx.Client) -> dict[str, str]:
    """Pages of the whole record."""
    return dict(walk(client))


@pytest.fixture(scope="module")
def waiting_pages(waiting_client: httpx.Client) -> dict[str, str]:
    """Pages of the record in which things wait."""
    return dict(walk(waiting_client))


def test_pages_of_every_kind_are_reached(pages: dict[str, str]) -> None:
    rest = {path[3:] for path in pages}
    kinds = {re.sub(r"[0-9a-f]{32,}", "ID", path.partition("?")[0]) for path in rest}
    assert len(rest) > 50
    assert {"/", "/events", "/products", "/receipts", "/accounts", "/record", "/verify"} <= kinds
    assert "/cases/yunnan_dali/ID/house" in kinds
    assert "/receipts/ID/ID" in kinds


def test_pages_are_sound(pages: dict[str, str], waiting_pages: dict[str, str]) -> None:
    for path, text in (*pages.items(), *waiting_pages.items()):
        page = parser.document_fromstring(text)
        assert page.get("lang") == ("zh-CN" if path.startswith("/zh") else "en"), path
        assert len(page.xpath("//h1")) == 1, path
        assert page.xpath("string(//title)").strip(), path
        unnamed = "//table[not(@aria-label) and not(@aria-labelledby)]"
        assert not page.xpath(unnamed), path
        ids = page.xpath("//@id")
        assert len(ids) == len(set(ids)), path
        for name in ("aria-labelledby",):
            assert set(page.xpath(f"//@{name}")) <= set(ids), path
        for field in page.xpath("//input | //textarea"):
            assert page.xpath(f"//label[@for='{field.get('id')}']"), path
        for drawing in page.xpath("//svg[not(@aria-hidden)]"):
            assert drawing.get("role") == "img", path
            assert drawing.get("aria-label"), path
        assert not page.xpath("//script | //style | //@style | //@onclick | //iframe"), path
        assert not page.xpath("//img | //link[starts-with(@href, 'http')]"), path
        assert all(page.xpath(f"//{part}") for part in ("main", "nav", "header", "footer")), path
        for table in page.xpath("//table[contains(@class, 'cards')]"):
            heads = len(table.xpath(".//th"))
            assert all(len(row.xpath("./td")) == heads for row in table.xpath(".//tbody/tr")), path


def test_every_text_is_translated(pages: dict[str, str], waiting_pages: dict[str, str]) -> None:
    for path, text in (*pages.items(), *waiting_pages.items()):
        shown = parser.document_fromstring(text).xpath("string(//body)")
        assert not KEY.search(re.sub(r"miaopei\.\S+", "", shown)), (path, KEY.search(shown))
        assert "{" not in shown, path
        assert "Undefined" not in shown, path


def test_english_pages_hold_chinese_only_as_printed(pages: dict[str, str]) -> None:
    """What a source printed in Chinese stays; our own words are English."""
    for path, text in pages.items():
        if path.startswith("/en") and "/why" not in path:
            page = parser.document_fromstring(text)
            for said in page.xpath("//h2//text() | //th//text() | //dt//text() | //nav//text()"):
                own = said.replace("中文", "").replace("万元", "")
                assert not CHINESE.search(own), (path, said)


def test_every_page_says_replay_and_sandbox(pages: dict[str, str]) -> None:
    for path, text in pages.items():
        words = ("回放", "沙箱") if path.startswith("/zh") else ("Replay", "Sandbox")
        notice = parser.document_fromstring(text).xpath("string(//aside[@class='notice'])")
        assert all(word in notice for word in words), path


def test_the_language_switch_keeps_the_page(pages: dict[str, str]) -> None:
    for path, text in pages.items():
        address = parser.document_fromstring(text).xpath("//a[@class='switch']/@href")[0]
        assert address[3:] == path[3:]
        assert address[1:3] != path[1:3]


def test_the_register_is_the_published_one(pages: dict[str, str]) -> None:
    table = parser.document_fromstring(pages["/zh/"]).xpath("//table[@aria-labelledby='paid']")[0]
    found = {}
    for row in table.xpath(".//tbody/tr"):
        cells = [" ".join(cell.xpath(".//text()")).strip() for cell in row.xpath("./td")]
        found[cells[0]] = (cells[5], cells[6].removesuffix("%"))
        assert cells[8] == "已付清"
    assert found == PAID


def test_english_amounts_are_in_yuan(pages: dict[str, str]) -> None:
    assert "7,537,600" in pages["/en/"]
    assert "161,290" in pages["/en/"]


def test_a_product_says_how_weak_its_second_version_is(pages: dict[str, str]) -> None:
    zh = next(
        p for p in pages if re.fullmatch(r"/zh/products/[0-9a-f]{64}", p) and "大理" in pages[p]
    )
    assert "依据薄弱" in pages[zh]
    assert "Weak." in pages[zh.replace("/zh/", "/en/")]
    second = pages[zh + "/2"]
    assert "依据薄弱" in second
    assert "4,000万元" in second
    assert "以中文文本为准" in second


def test_wording_carries_a_source_for_every_table(pages: dict[str, str]) -> None:
    for path, text in pages.items():
        if re.fullmatch(r"/en/products/[0-9a-f]{64}/\d", path):
            for clause in parser.document_fromstring(text).xpath("//article[@class='clause']"):
                if clause.xpath(".//table"):
                    assert "Source:" in clause.xpath("string()"), path


def test_an_event_shows_every_observation_and_which_counted(pages: dict[str, str]) -> None:
    """2016-05-18: the official rapid report (5.0) decides, the catalogue's 5.1 is shown."""
    path = next(
        p for p, t in pages.items() if p.startswith("/en/events/") and "2016-05-18</h1>" in t
    )
    page = parser.document_fromstring(pages[path])
    rows = {
        row.xpath("string(./td[1])").strip(): row.xpath("string()")
        for row in page.xpath("//table[@aria-label='What each source said']/tbody/tr")
    }
    assert "counted: it decided" in rows["CENC official rapid report"]
    assert "5.0" in rows["CENC official rapid report"]
    assert "shown" in rows["CENC reviewed catalogue"]
    assert "5.1" in rows["CENC reviewed catalogue"]


def test_a_plot_is_of_cells_points_and_names_never_of_borders(pages: dict[str, str]) -> None:
    """Every shape is a closed cell of five to ten corners, but for an arrow's head."""
    seen = 0
    for path, text in pages.items():
        if "/events/" in path:
            page = parser.document_fromstring(text)
            for shape in page.xpath("//svg[contains(@class, 'plot')]//path"):
                assert shape.get("class").startswith("cells "), path
                for cell in filter(None, shape.get("d").split("M")):
                    assert re.fullmatch(r"[-0-9.e ]+l[-0-9.e ]+z", cell), cell
                    assert 4 <= len(cell[:-1].split("l")[1].split()) / 2 <= 9
                    seen += 1
            assert all(p.get("class") == "epicentre" for p in page.xpath("//svg//polygon")), path
            assert not page.xpath("//svg//polyline"), path
    assert seen > 1_000


def test_an_event_is_named_after_the_shock_that_was_paid(
    client: httpx.Client, pages: dict[str, str]
) -> None:
    """Yangbi: M 5.6 at 21:21 decided for those who were not paid, the M 6.4 of 21:48 was paid."""
    (event,) = [
        each for each in client.get("/api/v1/occurrences", params={"limit": 200}).json()["items"]
        if any(c["listing"] == "yunnan_dali" and c["state"] == "settled" for c in each["cases"])
        and each["main"]["origin"] // 86_400 == from_beijing("2021-05-21 21:48:35") // 86_400
    ]  # fmt: skip
    assert event["main"]["magnitude_tenths"] == 64
    assert event["main"]["origin"] == from_beijing("2021-05-21 21:48:35")
    at = event["occurrence"]
    for lang, title in (("zh", "6.4 级"), ("en", "M 6.4")):
        page = parser.document_fromstring(pages[f"/{lang}/events/{at}"])
        assert title in page.xpath("string(//title)")
        assert title in page.xpath("string(//h1)")
        (decided, *_) = page.xpath("//figure//*[local-name()='text' and @class='strong']")
        assert decided.text_content().startswith("6.4")
        other = client.get(f"/{lang}/cases/yunnan_yuxi/{at}/house").text
        assert "2021-05-21 21:21:26" in other
        assert "2021-05-21 21:48:35" in other
        case = parser.document_fromstring(pages[f"/{lang}/cases/yunnan_dali/{at}/house"])
        assert "21:21:26" not in case.text_content()
        assert title in case.xpath("string(//p[@class='crumb'])")
        for path in (f"/{lang}/receipts", f"/{lang}/events"):
            rows = parser.document_fromstring(pages[path]).xpath("//tbody/tr")
            ours = [row.text_content() for row in rows if at in str(parser.tostring(row))]
            assert ours
            assert not [row for row in ours if "5.6" in row]
            assert all("6.4" in row for row in ours)


def test_one_glance_at_an_event_says_inside_surrounding_or_outside(pages: dict[str, str]) -> None:
    """Yangbi 2021 lies in Dali's own area and outside Yuxi's; each product has its own picture."""
    for language, said in (
        ("zh", ["在本地区内", "不在本地区，也不在周边地区"]),
        ("en", ["Inside the insured area", "Outside: neither insured nor surrounding"]),
    ):
        text = next(
            t for p, t in pages.items()
            if p.startswith(f"/{language}/events/") and "2021-05-21" in t and "6.4" in t
        )  # fmt: skip
        page = parser.document_fromstring(text)
        lines = page.xpath("//p[contains(@class, 'verdict-line')]")
        assert [line.text_content().strip() for line in lines] == said
        assert [line.get("class").split()[-1] for line in lines] == ["role-own", "role-outside"]
        assert len(page.xpath("//article[@class='map']//svg")) == 2


def test_a_settled_case_shows_trace_shares_and_bank_references(pages: dict[str, str]) -> None:
    path = next(p for p, t in pages.items() if p.startswith("/zh/cases/") and "2021-05-21" in t
                and "yunnan_dali" in p and p.endswith("/house") and "已付清" in t)  # fmt: skip
    page = parser.document_fromstring(pages[path])
    said = page.xpath("string(//main)")
    assert "主震震级 6.4级" in said
    shares = page.xpath("//table[@aria-label='承保人份额']//tr[@class='sum']")[0].xpath("string()")
    assert shares.count("40,000,000.00") == 2
    payouts = page.xpath("//table[@aria-label='逐笔付款']/tbody/tr")
    assert len(payouts) == 5
    assert all("REF" in row.xpath("string()") for row in payouts)
    assert "虚构" in said


def test_settled_is_never_shown_as_paid(waiting_pages: dict[str, str]) -> None:
    """Tonghai, 2018-08-13, is settled; the bank has been silent since."""
    table = parser.document_fromstring(waiting_pages["/en/"]).xpath(
        "//table[@aria-labelledby='paid']"
    )[0]
    rows = {row.xpath("string(./td[1])").strip(): row for row in table.xpath(".//tbody/tr")}
    assert "Settled, not yet paid" in rows["2018-08-13"].xpath("string()")
    assert "Paid in full" in rows["2017-03-27"].xpath("string()")
    glance = parser.document_fromstring(waiting_pages["/en/"]).xpath(
        "string(//section[@class='glance'])"
    )
    assert "Events paid in full3" in "".join(glance.split("\n"))
    path = rows["2018-08-13"].xpath(".//a[contains(@href, '/cases/')]/@href")[0]
    case = parser.document_fromstring(waiting_pages[path]).xpath("string(//main)")
    assert "no answer yet" in case
    assert "paid by the bank" not in case


def test_what_waits_says_why_until_when_and_who(waiting_pages: dict[str, str]) -> None:
    """Mojiang, 2018-09-08: both house cases wait 180 days for a loss report."""
    table = parser.document_fromstring(waiting_pages["/en/"]).xpath(
        "//table[@aria-labelledby='waits']"
    )[0]
    rows = [row.xpath("string()") for row in table.xpath(".//tbody/tr")]
    waits = [row for row in rows if "Awaiting report" in row and "2018-09-08" in row]
    assert len(waits) == 2
    assert all("2019-03-07 10:31" in row for row in waits)
    assert all("National earthquake loss assessment" in row for row in waits)


def test_money_still_due_is_not_in_the_sum_of_what_was_paid(
    pages: dict[str, str], waiting_pages: dict[str, str]
) -> None:
    """753.760 + 2,800 + 2,800 + 1,600 + 16.129 + 4,000; without the last three while they wait."""
    total = "//section[@class='glance']//dd[@class='big']"
    whole = parser.document_fromstring(pages["/zh/"]).xpath(f"string({total})")
    assert whole.split() == ["11,969.889", "万元"]
    part = parser.document_fromstring(waiting_pages["/zh/"]).xpath(f"string({total})")
    assert part.split() == ["6,353.760", "万元"]


def test_the_list_of_events_and_the_accounts(pages: dict[str, str]) -> None:
    rows = parser.document_fromstring(pages["/en/events"]).xpath("//tbody/tr")
    assert len(rows) == 18
    accounts = parser.document_fromstring(pages["/en/accounts"]).xpath("string(//main)")
    assert "119,698,890.00" in accounts  # claims incurred by all carriers together
    assert "Chengtai" in accounts


def test_settlements_lead_to_their_case(client: httpx.Client, played: Played) -> None:
    with played.node.reading() as (_, state):
        ids = [key for key, _ in state.range("settlement", "")]
    for id in ids:
        answer = client.get(f"/en/settlements/{id}", follow_redirects=False)
        assert answer.status_code == 303
        assert client.get(answer.headers["location"]).status_code == 200


def test_the_first_page_follows_the_readers_language(client: httpx.Client) -> None:
    for header, wanted in (
        ("en-GB,en;q=0.9", "/en/"),
        ("zh-CN,zh;q=0.8,en;q=0.5", "/zh/"),
        ("fr;q=0.9,en;q=0.2", "/en/"),
        ("de", "/zh/"),
        ("en;q=nonsense", "/zh/"),
    ):
        answer = client.get("/", headers={"accept-language": header}, follow_redirects=False)
        assert answer.status_code == 307
        assert answer.headers["location"] == wanted
