"""A stranger's page whose name is pointed at this machine reads nothing here and sends nothing."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from miaopei import portal, settings
from miaopei.adapters.sandbox_grid.starter import start
from miaopei.portal.members import build as node_map
from tests.support.portals import serving
from tests.unit.grid.conftest import grid
from tests.unit.grid.test_push import client as door
from tests.unit.portal.test_buying import Served, body
from tests.unit.portal.test_buying import a_shop as shop

__all__ = ["door", "grid", "shop"]
EVIL = "rebound.example"
CALLS = (
    ("GET", "/"), ("GET", "/en/"), ("HEAD", "/en/"), ("GET", "/zh/accounts"),
    ("GET", "/en/buy/planned_outage"), ("POST", "/en/buy/planned_outage"),
    ("GET", "/api/v1/record"), ("GET", "/api/v1/openapi.json"), ("POST", "/api/v1/applications"),
    ("GET", "/api/v1/outages/events"), ("GET", "/log/checkpoint"), ("GET", "/static/site.css"),
    ("GET", "/en/none"),
)  # fmt: skip


def as_if(client: httpx.Client, host: str, method: str, path: str, **more: Any) -> httpx.Response:
    """What a browser sends that believes the page to be of its own site."""
    headers = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    return client.request(method, path, headers=headers | more.pop("headers", {}), **more)


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_under_another_name_nothing_is_answered(shop: Served, method: str, path: str) -> None:
    port = shop.client.base_url.port
    for host in (f"{EVIL}:{port}", EVIL, f"127.0.0.1.{EVIL}:{port}", f"localhost.{EVIL}", "[::2]"):
        answer = as_if(shop.client, host, method, path)
        assert answer.status_code == 421, host
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        if path.startswith("/api/"):
            problem = answer.json()
            assert problem["code"] == "portal.other_host"
            assert "MIAOPEI_HOSTS" in problem["problems"][0]["texts"]["zh"]
        assert EVIL not in answer.text


def test_a_form_and_a_call_under_another_name_take_no_application(shop: Served) -> None:
    """Origin and Host agree, which was all that was asked before."""
    headers = {"Idempotency-Key": "k-1"}
    call = ("POST", "/api/v1/applications")
    assert as_if(shop.client, EVIL, *call, json=body(), headers=headers).status_code == 421
    assert shop.market.town.table("application") == {}
    port = shop.client.base_url.port
    good = as_if(shop.client, f"127.0.0.1:{port}", *call, json=body(), headers=headers)
    assert good.status_code == 201


def test_under_this_machines_names_it_answers(shop: Served) -> None:
    port = shop.client.base_url.port
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", "LOCALHOST.", f"[::1]:{port}", "[::1]"):
        assert as_if(shop.client, host, "GET", "/en/").status_code == 200, host


def test_who_names_no_host_is_not_answered(shop: Served) -> None:
    with socket.create_connection(("127.0.0.1", shop.client.base_url.port or 0), 120) as wire:
        wire.sendall(b"GET /en/ HTTP/1.0\r\n\r\n")
        assert b" 421 " in wire.makefile("rb").readline()


def test_names_that_the_operator_gives_are_answered_too(
    shop: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIAOPEI_HOSTS", " Insurer.example,, 10.0.0.7 ")
    with serving(portal.app(shop.market.town.store)) as client:
        for host, status in (("insurer.example", 200), ("10.0.0.7:80", 200), (EVIL, 421)):
            assert as_if(client, host, "GET", "/en/").status_code == status, host


@pytest.mark.parametrize(
    ("host", "ours"),
    [("[::1]", True), ("127.0.0.1:x", False), ("", False), (":80", False), ("[127.0.0.1", False)],
)  # fmt: skip
def test_what_is_no_host_is_none_of_ours(host: str, ours: bool) -> None:
    assert settings.names_us(host, settings.LOOPBACK) is ours


def test_the_door_of_feeds_answers_under_its_own_names_only(door: httpx.Client) -> None:
    for path in ("/grid/grid.command/messages", "/elsewhere"):
        answer = door.post(path, content=b"{}", headers={"Host": EVIL})
        assert (answer.status_code, answer.json()["code"]) == (421, "grid.other_host")
        assert door.post(path, content=b"{}", headers={"Host": "127.0.0.1"}).status_code != 421


def test_so_do_the_map_of_members_and_the_sandboxes(tmp_path: Any) -> None:
    def now() -> Mapping[str, Any]:
        return {"name": "net", "members": [], "compared_at": 0, "goes_on": True}

    with serving(node_map(now)) as client:  # type: ignore[arg-type] # any application will do
        assert client.get("/api/v1/members").status_code == 200
        for path in ("/", "/en/members", "/api/v1/members"):
            assert client.get(path, headers={"Host": EVIL}).status_code == 421
    with start("sms", tmp_path) as sandbox:
        assert httpx.get(sandbox.address, trust_env=False).status_code == 200
        answer = httpx.get(sandbox.address, headers={"Host": EVIL}, trust_env=False)
        assert (answer.status_code, json.loads(answer.text)["sandbox"]) == (421, True)
