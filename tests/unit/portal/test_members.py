"""The node map: members, roles, height, last digest, lag, up or down, and who lies."""

from __future__ import annotations

import asyncio
import tomllib
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import html

from miaopei import errors
from miaopei.cli.net.plan import roles
from miaopei.portal.members import build
from tests.support.consortium import SIX, genesis

ROOT = "ab" * 32
NET_TEXTS = Path(errors.__file__).parent / "texts" / "net.toml"


def row(member: str, verdict: str = "agrees", **more: Any) -> dict[str, Any]:
    """A member's row as `net status` gives it, with roles and votes."""
    known = roles(genesis())
    return {
        "member": member, "zh": f"成员{member}", "en": member, "up": True, "height": 40,
        "size": 300, "root": ROOT, "lag": 0, "certified": 39, "missing": 0, "restarts": 0,
        "trouble": None, "verdict": verdict, "roles": known[member], "power": 10, **more,
    }  # fmt: skip


def standing() -> dict[str, Any]:
    """Six members: one lies, one is down, one is behind."""
    lost = {"up": False, "height": None, "root": None, "lag": None, "size": None}
    members = [
        row("utility"), row("insurer", "differs", root="cd" * 32), row("agent", "down", **lost),
        row("regulator", "behind", height=20, lag=20), row("cloud"), row("notary"),
    ]  # fmt: skip
    return {"name": "six", "members": members, "compared_at": 20, "goes_on": False}


def get(app: Any, path: str, language: str = "") -> httpx.Response:
    """One answer of the application."""

    async def asked() -> httpx.Response:
        headers = {"accept-language": language} if language else {}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(asked())


@pytest.fixture
def app() -> Any:
    return build(standing)


def test_the_api_gives_every_member_as_it_stands(app: Any) -> None:
    answer = get(app, "/api/v1/members")
    assert answer.json() == standing()
    assert answer.headers["cache-control"] == "no-store"
    assert [each["member"] for each in answer.json()["members"]] == list(SIX)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_shows_each_member_and_names_the_liar(app: Any, language: str) -> None:
    answer = get(app, f"/{language}/members")
    page = html.fromstring(answer.content)
    nodes = page.xpath("//li[contains(@class, 'node')]")
    assert len(nodes) == len(SIX)
    for node, wanted in zip(nodes, standing()["members"], strict=True):
        text = " ".join(node.text_content().split())
        assert wanted["verdict"] in node.get("class").split()
        assert wanted[language] in text
        assert (wanted["root"] or "—")[:16] in text
        assert str(wanted["height"] if wanted["height"] is not None else "—") in text
    (wrong,) = page.xpath("//p[@class='wrong']")
    assert standing()["members"][1][language] in wrong.text_content()
    assert page.xpath("//meta[@http-equiv='refresh']/@content") == ["3"]
    assert not page.xpath("//script | //style | //@style")
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_record_that_goes_on_beside_a_liar_is_not_called_sound() -> None:
    page = html.fromstring(
        get(build(lambda: {**standing(), "goes_on": True}), "/en/members").content
    )
    (box,) = page.xpath("//section[@aria-labelledby='standing']")
    assert "holds-not" in box.get("class")
    assert "not every member tells the same root" in box.text_content()


def test_it_is_asked_anew_each_time() -> None:
    asked: list[int] = []

    def now() -> dict[str, Any]:
        asked.append(1)
        return {**standing(), "compared_at": len(asked)}

    app = build(now)
    assert [get(app, "/api/v1/members").json()["compared_at"] for _ in range(3)] == [1, 2, 3]


def test_the_first_address_leads_to_the_reader_s_language(app: Any) -> None:
    for asked, wanted in (("en", "/en/members"), ("zh-CN", "/zh/members")):
        answer = get(app, "/", asked)
        assert (answer.status_code, answer.headers["location"]) == (303, wanted)
    for language in ("zh", "en"):
        assert get(app, f"/{language}/").headers["location"] == f"/{language}/members"
    assert get(app, "/static/style.css").status_code == 200
    assert get(app, "/static/__init__.py").status_code == 404


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_has_a_word_for_whatever_the_command_says(language: str) -> None:
    """A member on a machine of its own sees others that are silent or in another genesis too."""
    said = tomllib.loads(NET_TEXTS.read_text("utf-8"))
    verdicts = [key.removeprefix("verdict_") for key in said if key.startswith("verdict_")]
    assert {"silent", "other_genesis", "agrees"} <= set(verdicts)
    for verdict in verdicts:
        found = {**standing(), "members": [row("cloud", verdict)]}
        answer = get(build(lambda found=found: found), f"/{language}/members")  # type: ignore[misc]
        assert answer.status_code == 200, verdict
