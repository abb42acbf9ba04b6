"""The API: cursors, marks, problems in two languages, headers, the log's files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from miaopei import portal
from miaopei.adapters import tile_files
from miaopei.ledger import checkpoint
from miaopei.measures.identity import content_id

from .conftest import Played

LISTS = ("occurrences", "cases", "settlements", "products", "receipts")


def every(client: httpx.Client, name: str, limit: int, **query: str) -> list[dict[str, Any]]:
    """A whole list, part by part."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = client.get(f"/api/v1/{name}", params={"limit": limit, **query, **cursor})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert len(body["items"]) <= limit
        found += body["items"]
        if body["next"] is None:
            return found
        cursor = {"cursor": body["next"]}


@pytest.mark.parametrize("name", LISTS)
def test_parts_of_a_list_make_the_whole(client: httpx.Client, name: str) -> None:
    whole = every(client, name, 200)
    assert whole
    assert every(client, name, 1 if len(whole) < 10 else 7) == whole


def test_filters_choose(client: httpx.Client) -> None:
    settled = every(client, "cases", 2, state="settled")
    assert {case["listing"] for case in settled} == {"yunnan_dali", "yunnan_yuxi"}
    assert len(settled) == 6
    assert len(every(client, "cases", 50, listing="yunnan_dali", state="settled")) == 4
    assert every(client, "cases", 50, listing="none") == []


def test_one_of_each_by_its_id(client: httpx.Client) -> None:
    for name, key in (("occurrences", "occurrence"), ("settlements", "settlement")):
        for item in every(client, name, 200):
            whole = client.get(f"/api/v1/{name}/{item[key]}").json()
            assert whole[key] == item[key]
    for case in every(client, "cases", 200)[:6]:
        path = f"/api/v1/cases/{case['listing']}/{case['occurrence']}/{case['benefit']}"
        assert client.get(path).json() == case


def test_a_filing_is_the_bytes_that_its_hash_covers(client: httpx.Client) -> None:
    for product in every(client, "products", 50):
        data = client.get(f"/api/v1/products/{product['product']}/filing").content
        assert content_id("product", json.loads(data)) == product["product"]
        named = client.get(f"/api/v1/products/{product['id']}").json()
        assert named == product


def test_payouts_sum_to_what_the_settlement_owes(client: httpx.Client) -> None:
    for settlement in every(client, "settlements", 50):
        paid = client.get(f"/api/v1/settlements/{settlement['settlement']}/payouts").json()["items"]
        assert sum(p["amount_fen"] for p in paid) == settlement["payment"]["due_fen"]
        assert settlement["payment"]["state"] == "whole"
        assert all(p["state"] == "paid" and p["ref"] for p in paid)
        by = settlement["payment"]["by_payer"]
        assert by == {p["carrier"]: p["amount_fen"] for p in paid}


def test_why_goes_back_to_the_bytes_and_caused_forward(client: httpx.Client) -> None:
    settlement = every(client, "settlements", 50)[0]
    path = f"/api/v1/settlements/{settlement['settlement']}/payouts"
    payout = client.get(path).json()["items"][0]
    back = client.get(f"/api/v1/why/{payout['id']}").json()
    occurrence = client.get(f"/api/v1/occurrences/{settlement['occurrence']}").json()
    said = json.dumps(back, ensure_ascii=False)
    every_decided = [s for s in occurrence["shocks"] if s["became"] == "decided"]
    decided = next(s for s in every_decided if s["observation"] in said)  # one settled this
    assert decided["attested"][0]["original_sha256"] in said
    forward = client.get(f"/api/v1/caused/{decided['observation']}").json()
    assert settlement["settlement"] in {e["settlement"] for e in forward["effects"]}
    assert forward["sums"]["executed_fen"] >= settlement["payment"]["executed_fen"]


def test_the_original_bytes_are_those_of_the_digest(client: httpx.Client, played: Played) -> None:
    """The leaf that the API points to carries the very row of the bulletin."""
    occurrence = every(client, "occurrences", 50)[0]["occurrence"]
    seen = client.get(f"/api/v1/occurrences/{occurrence}").json()["shocks"][0]
    mark = seen["attested"][0]
    with played.node.reading() as (reading, _):
        leaf = json.loads(reading.leaf(mark["position"]))
    facts = [f["attestation"]["original"] for f in leaf["act"]["body"]["facts"]]
    original = next(o for o in facts if o["sha256"] == mark["original_sha256"])
    data = __import__("base64").b64decode(original["bytes_b64"])
    assert hashlib.sha256(data).hexdigest() == mark["original_sha256"]


@pytest.mark.parametrize("path", ["/api/v1/record", "/api/v1/cases", "/zh/", "/en/events"])
def test_an_unchanged_answer_is_not_sent_again(client: httpx.Client, path: str) -> None:
    first = client.get(path)
    again = client.get(path, headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    other = client.get(path, headers={"if-none-match": 'W/"other"'})
    assert other.content == first.content


def test_a_mark_changes_with_the_record(played: Played, waiting: Played) -> None:
    with played.served() as one, waiting.served() as other:
        marks = {c.get("/api/v1/record").headers["etag"] for c in (one, other)}
    assert len(marks) == 2


def test_payments_carry_no_mark(client: httpx.Client) -> None:
    """The bank's word may change while the root stays."""
    id = every(client, "settlements", 1)[0]["settlement"]
    answer = client.get(f"/api/v1/settlements/{id}/payouts")
    assert "etag" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/v1/occurrences/" + "0" * 64, 404, "portal.not_found"),
        ("/api/v1/occurrences/short", 400, "portal.bad_request"),
        ("/api/v1/cases?limit=0", 400, "portal.bad_request"),
        ("/api/v1/cases?limit=true", 400, "portal.bad_request"),
        ("/api/v1/cases?cursor=zz", 400, "portal.bad_request"),
        ("/api/v1/settlements/" + "f" * 64, 404, "portal.not_found"),
        ("/api/v1/receipts/none/none", 404, "portal.not_given_out"),
        ("/api/v1/why/00000000", 404, "lineage.unknown"),
        ("/api/v1/problems/no.such_code", 404, "portal.not_found"),
        ("/api/v1/nothing", 404, "portal.not_found"),
        ("/api/v2/record", 404, "portal.not_found"),
    ],
)
def test_problems_are_rfc_9457_in_both_languages(
    client: httpx.Client, path: str, status: int, code: str
) -> None:
    for header, tongue in (("en", "en"), ("zh-CN", "zh")):
        answer = client.get(path, headers={"accept-language": header})
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["content-language"].startswith(tongue)
        body = answer.json()
        assert {"type", "title", "status", "detail", "instance"} <= set(body)
        assert body["status"] == status
        assert body["code"] == code
        assert body["detail"] == " ".join(p["texts"][tongue] for p in body["problems"])
    assert client.get(body["type"]).json()["code"] == code


def test_other_methods_are_refused_with_those_that_are_taken(client: httpx.Client) -> None:
    answer = client.delete("/api/v1/record")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert answer.json()["code"] == "portal.not_allowed"
    assert client.post("/zh/events").status_code == 405


@pytest.mark.parametrize(
    "path", ["/zh/none", "/none", "/zh/events/xyz", "/en/products/none", "/en/cases/a/b/c"]
)
def test_a_missing_page_says_so_in_both_languages(client: httpx.Client, path: str) -> None:
    answer = client.get(path, headers={"accept-language": "en"})
    assert answer.status_code == 404
    assert "没有这一页" in answer.text
    assert "There is no such page" in answer.text
    assert answer.text.count("<h1>") == 1
    assert ("回放" in answer.text) == path.startswith("/zh")
    assert ("Replay" in answer.text) == (not path.startswith("/zh"))


def test_what_is_asked_for_is_escaped(client: httpx.Client) -> None:
    answer = client.get("/en/why", params={"id": "<script>alert(1)</script>"})
    assert answer.status_code in (400, 404)
    assert "<script" not in answer.text
    assert "<script" not in client.get("/en/<script>alert(1)</script>").text


@pytest.mark.parametrize("path", ["/zh/", "/api/v1/record", "/log/checkpoint", "/static/style.css",
                                  "/zh/none", "/api/v1/none"])  # fmt: skip
def test_every_answer_has_safe_headers_and_no_cors(client: httpx.Client, path: str) -> None:
    answer = client.get(path, headers={"origin": "https://example.com"})
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-frame-options"] == "DENY"
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    asked = client.options(path, headers={"origin": "https://example.com",
                                          "access-control-request-method": "GET"})  # fmt: skip
    assert not [name for name in asked.headers if name.startswith("access-control-")]


def test_head_is_get_without_a_body(client: httpx.Client) -> None:
    for path in ("/zh/", "/api/v1/record", "/log/checkpoint", "/zh/none"):
        get, head = client.get(path), client.head(path)
        assert head.status_code == get.status_code
        assert head.content == b""
        assert head.headers["content-type"] == get.headers["content-type"]


def test_marks_are_said_in_every_answer(client: httpx.Client) -> None:
    assert client.get("/api/v1/health").headers["miaopei-marks"] == "replay, sandbox"
    record = client.get("/api/v1/record").json()
    assert (record["clock"], record["sandbox"]) == ("replay", True)


def test_static_files_are_only_those_of_the_package(client: httpx.Client) -> None:
    assert client.get("/static/style.css").headers["content-type"].startswith("text/css")
    for path in (
        "/static/../build.py",
        "/static/%2e%2e%2fbuild.py",
        "/static/",
        "/static/none.css",
    ):
        assert client.get(path).status_code == 404


def test_it_listens_on_this_machine_only() -> None:
    assert portal.HOST == "127.0.0.1"


@dataclass(frozen=True)
class Whole:
    """A store's log as a source of files."""

    played: Played

    @property
    def size(self) -> int:
        """All of it."""
        return checkpoint.parse(self.checkpoint).size

    @property
    def checkpoint(self) -> str:
        """The signed head."""
        with self.played.store.reading() as reading:
            return reading.checkpoint()

    def entries(self, start: int, end: int) -> Iterator[bytes]:
        """Some of its entries."""
        with self.played.store.reading() as reading:
            return iter(list(reading.leaves(start, end)))


def test_the_log_is_served_byte_for_byte_as_its_files(
    client: httpx.Client, played: Played, tmp_path: Path
) -> None:
    """The same bytes as those that are written to a folder, which others' readers check."""
    tile_files.write(tmp_path, Whole(played))
    names = tile_files.names(tmp_path)
    assert "checkpoint" in names
    for name in names:
        answer = client.get(f"/log/{name}")
        assert answer.content == (tmp_path / name).read_bytes(), name
        changing = "no-cache" if name == "checkpoint" else "immutable"
        assert changing in answer.headers["cache-control"]
    vkey = client.get("/api/v1/record").json()["vkey"]
    checkpoint.verify(client.get("/log/checkpoint").text, vkey)
    for path in ("tile/0/999", "tile/entries/000.p/0", "tile/0/x999/x999/x999/x999/x999/x999/999",
                 "tile/64/000", "../checkpoint", ".writing/file", ""):  # fmt: skip
        assert client.get(f"/log/{path}").status_code == 404, path


def test_a_folder_of_files_is_served_where_one_is_given(played: Played, tmp_path: Path) -> None:
    tile_files.write(tmp_path, Whole(played))
    settings = portal.Settings(log=tile_files.reader(tmp_path))
    (tmp_path / "checkpoint").write_text("from the folder\n")
    application = portal.app(played.store, settings)
    transport = httpx.ASGITransport(application)
    assert transport is not None
    import anyio

    async def ask() -> str:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return (await client.get("/log/checkpoint")).text

    assert anyio.run(ask) == "from the folder\n"
