"""The verify box and the API's: a good receipt, one changed byte, rubbish, too much, nothing."""

from __future__ import annotations

import json
import re

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from lxml import html as parser

from miaopei.ledger.checkpoint import verifier_key


@pytest.fixture(scope="module")
def receipt(client: httpx.Client) -> bytes:
    """The receipt of a payout, as anybody may download it."""
    names = client.get("/api/v1/receipts", params={"limit": 200}).json()["items"]
    paid = next(item["name"] for item in names if item["state"] == "settled")
    answer = client.get(f"/api/v1/receipts/{paid}")
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    return answer.content


def posted(
    client: httpx.Client, data: bytes, language: str = "en", **fields: str
) -> httpx.Response:
    """The form as a browser sends it."""
    file = {"file": ("receipt.json", data, "application/json")}
    return client.post(f"/{language}/verify", files=file, data=fields)


def headline(answer: httpx.Response) -> str:
    """What the page says first of the receipt."""
    page = parser.document_fromstring(answer.text)
    return str(page.xpath("string(//h2[@id='verdict'])")).strip()


def test_a_good_receipt_holds(client: httpx.Client, receipt: bytes) -> None:
    english, chinese = posted(client, receipt), posted(client, receipt, "zh")
    assert (english.status_code, headline(english)) == (200, "✓ It holds")
    assert headline(chinese) == "✓ 成立"
    assert "REPLAY" in english.text
    assert "SANDBOX" in english.text
    page = parser.document_fromstring(english.text)
    assert len(page.xpath("//ol[@class='checks']/li[@class='ok']")) > 20
    assert not page.xpath("//ol[@class='checks']/li[@class='bad']")
    assert "signatures" in page.xpath("string(//h2[@id='rests'])")


def test_pasted_text_is_as_good_as_a_file(client: httpx.Client, receipt: bytes) -> None:
    answer = client.post("/en/verify", data={"text": f"\n{receipt.decode('utf-8')}\n "})
    assert headline(answer) == "✓ It holds"


@pytest.mark.parametrize("place", [0.2, 0.5, 0.8])
def test_one_changed_byte_does_not_hold(client: httpx.Client, receipt: bytes, place: float) -> None:
    at = next(
        i for i in range(int(len(receipt) * place), len(receipt)) if chr(receipt[i]).isdigit()
    )
    other = b"1" if receipt[at : at + 1] != b"1" else b"2"
    answer = posted(client, receipt[:at] + other + receipt[at + 1 :])
    assert answer.status_code == 200
    assert headline(answer) == "✗ It does not hold"
    assert "Do not believe" in answer.text
    page = parser.document_fromstring(answer.text)
    first = page.xpath("string((//li[@class='bad']/span[@class='what'])[1])").strip()
    assert first
    assert page.xpath("string(//p[@class='wrong'])").strip().endswith(first)  # in words, at once


@pytest.mark.parametrize(
    "rubbish",
    [
        b"{}",
        b"not a receipt",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"a":1.5}',
        b"null",
        b'"<b>x</b>"',
    ],
)
def test_rubbish_does_not_hold_and_breaks_nothing(client: httpx.Client, rubbish: bytes) -> None:
    answer = posted(client, rubbish)
    assert answer.status_code == 200
    assert headline(answer) == "✗ It does not hold"
    assert "<b>x</b>" not in answer.text


def test_a_receipt_of_another_log_does_not_hold(client: httpx.Client, receipt: bytes) -> None:
    """The reader's own key counts, not the one that the site would choose."""
    key = verifier_key("example.org/other", Ed25519PrivateKey.generate())
    assert headline(posted(client, receipt, vkey=key)) == "✗ It does not hold"
    own = client.get("/api/v1/record").json()["vkey"]
    assert headline(posted(client, receipt, vkey=own)) == "✓ It holds"


def test_a_key_that_is_none_is_refused(client: httpx.Client, receipt: bytes) -> None:
    answer = posted(client, receipt, vkey="example.org+nonsense")
    assert answer.status_code == 400
    assert "日志公钥的写法不对" in answer.text
    assert "log key is not written" in answer.text


def test_an_empty_form_is_refused(client: httpx.Client) -> None:
    for answer in (client.post("/zh/verify", data={"text": " "}), client.post("/zh/verify")):
        assert answer.status_code == 400
        assert "没有收到回执" in answer.text


def test_more_than_two_megabytes_are_refused(client: httpx.Client) -> None:
    big = b"x" * (3 * 1024 * 1024)
    for answer in (posted(client, big), client.post("/en/verify", data={"text": big.decode()})):
        assert answer.status_code == 413
        assert "larger than 2097152 bytes" in answer.text
        assert "上限" in answer.text
    answer = client.post(
        "/api/v1/verify", content=big, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413
    assert answer.json()["code"] == "portal.too_large"


def test_a_body_without_a_length_is_cut_off_too(client: httpx.Client) -> None:
    def parts() -> object:
        for _ in range(60):
            yield b"x" * 65_536

    answer = client.post(
        "/api/v1/verify",
        content=parts(),
        headers={"content-type": "application/json"},  # type: ignore[arg-type]  # a generator of bytes
    )
    assert answer.status_code == 413


def test_just_too_much_for_a_receipt_is_refused(client: httpx.Client) -> None:
    data = b" " * (2 * 1024 * 1024 + 1)
    answer = client.post(
        "/api/v1/verify", content=data, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413


def test_the_api_says_the_same(client: httpx.Client, receipt: bytes) -> None:
    json_type = {"content-type": "application/json"}
    good = client.post("/api/v1/verify", content=receipt, headers=json_type).json()
    assert good["holds"] is True
    assert good["failed"] == []
    assert good["receipt"] == "payout"
    assert {"replay", "sandbox", "one_operator"} <= set(good["labels"])
    assert good["text"]["zh"][0].startswith("成立")
    spoilt = receipt.replace(b'"pay_fen":', b'"pay_fen":1', 1)
    bad = client.post("/api/v1/verify", content=spoilt, headers=json_type).json()
    assert bad["holds"] is False
    assert bad["failed"]
    wrong = client.post("/api/v1/verify", content=receipt, headers={"content-type": "text/plain"})
    assert wrong.status_code == 415


def test_every_receipt_on_offer_holds(client: httpx.Client) -> None:
    """Payouts and refusals alike; a sample, each of another state and benefit."""
    items = client.get("/api/v1/receipts", params={"limit": 200}).json()["items"]
    assert len(items) == 72  # 18 occurrences, two listings, two benefits
    kinds = {(item["state"], item["benefit"]): item["name"] for item in items}
    assert len(kinds) >= 5
    for name in kinds.values():
        data = client.get(f"/api/v1/receipts/{name}").content
        verdict = client.post(
            "/api/v1/verify", content=data, headers={"content-type": "application/json"}
        ).json()
        assert verdict["holds"], (name, verdict["failed"])
        assert json.loads(data)["receipt"] == verdict["receipt"]


def test_the_receipt_page_shows_its_checks_and_the_command(client: httpx.Client) -> None:
    items = client.get("/api/v1/receipts", params={"limit": 200}).json()["items"]
    name = next(item["name"] for item in items if item["state"] == "settled")
    page = client.get(f"/zh/receipts/{name}").text
    assert re.search(r"miaopei verify \S+\.json --key", page)
    assert "哪些只凭签名为据" in page
    assert headline(client.get(f"/zh/receipts/{name}")) == "✓ 成立"
