"""What pages and API show of a second ledger: the outbox's word, never a chain's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import html

from miaopei import portal
from miaopei.adapters.anchor import outbox
from miaopei.adapters.anchor.outbox import OutboxFile
from miaopei.errors import Refusal
from miaopei.node.anchoring.port import Anchored, Point
from miaopei.portal.members import build
from tests.support.anchoring import grow
from tests.support.portals import serving
from tests.support.town import Town
from tests.unit.portal.test_members import get, row, standing

ENTRY = "0x" + "ab" * 32
SILENT = Refusal("anchor.silent", {"why": "nobody there"})


@pytest.fixture
def file(tmp_path: Path) -> Iterator[OutboxFile]:
    """An outbox in which two are anchored and one waits."""
    made = OutboxFile(tmp_path, "chain/contract")
    for size in (1, 2, 3):
        made.add(Point(size, bytes([size]) * 32))
    for size in (1, 2):
        made.anchored(Anchored(Point(size, bytes([size]) * 32), "0x", 10 + size, ENTRY))
    yield made
    made.close()


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    """The pages of a record over that outbox."""
    town = Town()
    grow(town, "one", "two", "three", "four")
    settings = replace(portal.Settings(), anchored=lambda: outbox.standing(tmp_path))
    with serving(portal.app(town.store, settings)) as made:
        yield made


def test_the_api_gives_the_last_anchored_size_the_lag_and_what_is_wrong(
    client: httpx.Client, file: OutboxFile
) -> None:
    size = client.get("/api/v1/record").json()["size"]
    wanted: dict[str, Any] = {"size": 2, "lag": size - 2, "waiting": 1, "entry": ENTRY}
    told = client.get("/api/v1/anchors").json()["anchored"]
    assert told == {**wanted, "height": 12, "trouble": None}
    file.set_trouble(SILENT)
    told = client.get("/api/v1/anchors").json()["anchored"]
    assert "nobody there" in told["trouble"]["en"]
    assert "nobody there" in told["trouble"]["zh"]


def test_a_record_that_is_anchored_nowhere_says_nothing_of_it(client: httpx.Client) -> None:
    assert client.get("/api/v1/anchors").json() == {"anchored": None}
    page = html.fromstring(client.get("/en/record").content)
    assert page.xpath("//section[@aria-labelledby='anchored']") == []


@pytest.mark.parametrize(("language", "title"), [("zh", "另一条链"), ("en", "second ledger")])
def test_the_page_of_the_record_shows_it_and_is_made_anew_each_time(
    client: httpx.Client, file: OutboxFile, language: str, title: str
) -> None:
    answer = client.get(f"/{language}/record")
    assert answer.headers["cache-control"] == "no-store"
    (section,) = html.fromstring(answer.content).xpath("//section[@aria-labelledby='anchored']")
    assert title in section.text_content()
    assert [each.text_content() for each in section.xpath(".//dd")][::3] == ["2", ENTRY]
    file.set_trouble(SILENT)
    (section,) = html.fromstring(client.get(f"/{language}/record").content).xpath(
        "//section[@aria-labelledby='anchored']"
    )
    assert "nobody there" in section.text_content()


def test_the_node_map_shows_how_far_each_member_has_anchored() -> None:
    told = {"size": 290, "waiting": 2, "entry": ENTRY, "height": 4, "trouble": None}
    wrong = {**told, "trouble": SILENT.as_json()}
    members = [row("utility", anchored=told), row("insurer", anchored=wrong), row("agent")]
    app = build(lambda: {**standing(), "members": members})
    nodes = html.fromstring(get(app, "/en/members").content).xpath("//li")
    said = [" ".join(node.text_content().split()) for node in nodes]
    assert ["anchored up to size 290, 2 waiting" in text for text in said] == [True, True, False]
    assert ["does not answer" in text for text in said] == [False, True, False]
