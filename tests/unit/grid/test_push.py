"""Pushed messages: RFC 9421 and 9530 by the RFC's own vectors, forged and stale ones refused."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver
from http_message_signatures.algorithms import ED25519

from miaopei.adapters.grid.push import door
from miaopei.adapters.grid.push.again import Again, collect
from miaopei.adapters.grid.push.door import Door
from miaopei.adapters.grid.push.running import opened
from miaopei.adapters.grid.push.signatures import Answered, Pushed, signer
from miaopei.adapters.grid.push.trust import Trusted, add, load
from miaopei.errors import OutsideFault, Refused
from miaopei.settings import LOOPBACK
from tests.support import sayings as s
from tests.support.town import secret
from tests.unit.grid.conftest import Grid

PATH = "/grid/grid.command/messages"
URL = f"http://grid.example{PATH}"
HOST = {"Host": "grid.example"}


def key(name: str = "command") -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(secret(name))


def public(name: str = "command") -> str:
    return key(name).public_key().public_bytes_raw().hex()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def signed(
    body: bytes,
    *,
    name: str = "command",
    url: str = URL,
    created: int | None = None,
    parts: tuple[str, ...] = ("@method", "@target-uri", "content-type", "content-digest"),
    media: str = "application/json",
    keyid: str | None = None,
) -> dict[str, str]:
    """Headers signed by the letter of RFC 9421, by hand."""
    known = {
        "@method": "POST",
        "@target-uri": url,
        "content-type": media,
        "content-digest": f"sha-256=:{b64(hashlib.sha256(body).digest())}:",
        "@status": "200",
    }
    covered = " ".join(f'"{part}"' for part in parts)
    at = int(time.time()) if created is None else created
    params = f'({covered});created={at};keyid="{keyid or public(name)}";alg="ed25519"'
    lines = [f'"{part}": {known[part]}' for part in parts]
    base = "\n".join([*lines, f'"@signature-params": {params}'])
    return {
        "Content-Type": known["content-type"],
        "Content-Digest": known["content-digest"],
        "Signature-Input": f"sig1={params}",
        "Signature": f"sig1=:{b64(key(name).sign(base.encode()))}:",
    }


@pytest.fixture
def client(grid: Grid) -> Iterator[httpx.Client]:
    grid.town.at("2021-05-29 09:00:10")
    trusted = {
        s.COMMAND: Trusted((public(), public("next")), None),
        s.METERS: Trusted((public("meters"),), None),
    }
    here = LOOPBACK | {"grid.example"}
    door = Door(grid.intake, trusted, lambda: grid.town.now, hosts=here)
    with opened(door) as address, httpx.Client(base_url=address, trust_env=False) as http:
        http.headers.update(HOST)
        yield http


def post(client: httpx.Client, body: bytes, headers: Mapping[str, str]) -> Any:
    answer = client.post(PATH, content=body, headers=dict(headers))
    return answer.status_code, answer.json()


def test_the_vector_of_the_rfc_for_ed25519() -> None:
    """RFC 9421, B.2.6, with the test key of B.1.4: the library, not our use of it."""

    class Keys(HTTPSignatureKeyResolver):
        def resolve_public_key(self, key_id: str) -> Any:
            assert key_id == "test-key-ed25519"
            from cryptography.hazmat.primitives.serialization import load_pem_public_key

            return load_pem_public_key(
                b"-----BEGIN PUBLIC KEY-----\n"
                b"MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n"
                b"-----END PUBLIC KEY-----\n"
            )

        def resolve_private_key(self, key_id: str) -> Any:
            raise AssertionError

    class Timeless(HTTPMessageVerifier):
        def validate_created_and_expires(self, *_given: Any, **_more: Any) -> None:
            """The vector is of 2021."""

    request = Pushed(
        "POST",
        "https://example.com/foo?param=Value&Pet=dog",
        {
            "Host": "example.com",
            "Date": "Tue, 20 Apr 2021 02:07:55 GMT",
            "Content-Type": "application/json",
            "Content-Length": "18",
            "Signature-Input": (
                'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")'
                ';created=1618884473;keyid="test-key-ed25519"'
            ),
            "Signature": (
                "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6"
                "vuQv5lIp5WPpBKRCw==:"
            ),
        },
    )
    verifier = Timeless(signature_algorithm=ED25519, key_resolver=Keys())
    (found,) = verifier.verify(request, max_age=None)
    assert found.parameters["keyid"] == "test-key-ed25519"


def test_the_digest_vector_of_rfc_9530() -> None:
    """RFC 9530, section 2: SHA-256 of {"hello": "world"} and a line end."""
    body = b'{"hello": "world"}\n'
    assert b64(hashlib.sha256(body).digest()) == "RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg="
    assert signer(Pushed("POST", URL, signed(body)), body, {public(): s.COMMAND}) == s.COMMAND


def test_a_signed_message_is_taken_and_the_same_again_is_known(client: httpx.Client) -> None:
    body = s.message(1, plans=[s.plan(["0571001"])])
    status, said = post(client, body, signed(body))
    assert (status, said["recorded"], said["notices"], said["known"]) == (202, 1, 1, False)
    status, said = post(client, body, signed(body))
    assert (status, said["recorded"], said["known"]) == (202, 0, True)
    xml = s.cim(3, "")
    status, said = post(client, xml, signed(xml, media="application/xml", name="next"))
    assert (status, said["missing"]) == (202, [2])


def test_behind_a_proxy_the_address_is_the_one_that_sources_sign(grid: Grid) -> None:
    grid.town.at("2021-05-29 09:00:10")
    trusted, outside = {s.COMMAND: Trusted((public(),), None)}, "https://grid.example:8443"
    door = Door(grid.intake, trusted, lambda: grid.town.now, public=outside)
    body = s.message(1, plans=[s.plan(["0571001"])])
    with opened(door) as address, httpx.Client(base_url=address, trust_env=False) as http:
        http.headers.update(HOST)
        assert post(http, body, signed(body))[1]["code"] == "grid.forged"
        more = signed(body, url=f"{outside}{PATH}?more")
        assert post(http, body, more)[1]["code"] == "grid.forged"
        assert post(http, body, signed(body, url=f"{outside}{PATH}"))[0] == 202


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"created": -400}, "grid.forged"),
        ({"created": 200}, "grid.forged"),
        ({"name": "stranger"}, "grid.forged"),
        ({"name": "stranger", "keyid": public()}, "grid.forged"),
        ({"name": "meters"}, "grid.other_source"),
        ({"url": URL + "?more"}, "grid.forged"),
        ({"parts": ("@method", "@target-uri", "content-type")}, "grid.forged"),
        ({"parts": ("content-digest", "content-type")}, "grid.forged"),
        ({"media": "text/plain"}, "grid.wrong_media"),
    ],
)
def test_forged_stale_and_foreign_signatures_are_refused(
    client: httpx.Client, grid: Grid, change: dict[str, Any], code: str
) -> None:
    if "created" in change:  # seconds from now, when the test runs
        change = {"created": int(time.time()) + change["created"]}
    body = s.message(1, plans=[s.plan(["0571001"])])
    status, said = post(client, body, signed(body, **change))
    assert said["code"] == code
    assert status in (401, 403, 415)
    assert grid.intake.line(s.COMMAND).next == 1


@pytest.mark.parametrize("header", ["Signature", "Signature-Input", "Content-Digest"])
def test_without_a_signature_nothing_is_taken(client: httpx.Client, header: str) -> None:
    body = s.message(1)
    headers = {name: value for name, value in signed(body).items() if name != header}
    status, said = post(client, body, headers)
    assert (status, said["code"]) == (401, "grid.unsigned")


def test_another_body_under_a_good_signature_is_refused(client: httpx.Client) -> None:
    body = s.message(1)
    status, said = post(client, body.replace(b"command", b"kommand"), signed(body))
    assert (status, said["code"]) == (401, "grid.forged")


def test_problems_speak_both_languages(client: httpx.Client) -> None:
    body = s.message(0)
    headers = {**signed(body), "Accept-Language": "zh-CN"}
    answer = client.post(PATH, content=body, headers=headers)
    said = answer.json()
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["content-language"] == "zh-CN"
    assert (said["type"], said["status"]) == ("/grid/problems/grid.bad_sequence", 400)
    texts = said["problems"][0]["texts"]
    assert said["detail"] == texts["zh"] != texts["en"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/grid/grid.command/messages", 404),
        ("POST", "/grid/unknown/messages", 404),
        ("POST", "/elsewhere", 404),
    ],
)
def test_other_addresses_are_problems_too(
    client: httpx.Client, method: str, path: str, status: int
) -> None:
    answer = client.request(method, path, content=b"{}" if method == "POST" else None)
    assert (answer.status_code, answer.json()["status"]) == (status, status)


def test_a_body_without_end_is_cut_off(client: httpx.Client) -> None:
    drawn = 0

    def endless() -> Iterator[bytes]:
        nonlocal drawn
        while drawn < 200:
            drawn += 1
            yield b"x" * 1_048_576

    told = signed(b"the beginning of it")  # of a source that we know, or nothing is read at all
    try:
        answer = client.post(PATH, content=endless(), headers=told)
        assert (answer.status_code, answer.json()["code"]) == (413, "grid.too_large")
    except (httpx.WriteError, httpx.ReadError):
        assert drawn < 200  # the other side has hung up before the end
    port = client.base_url.port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port), 10) as raw:
        raw.sendall(
            head(told, length=99_999_999_999),
        )
        assert raw.recv(4096).startswith(b"HTTP/1.1 413 ")


def head(headers: Mapping[str, str], length: int) -> bytes:
    """The beginning of a push by hand, up to its body."""
    lines = [f"POST {PATH} HTTP/1.1", "Host: grid.example", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def test_a_strangers_body_is_never_read_and_keeps_nobody_out(client: httpx.Client) -> None:
    """Sixty who begin to post and do not go on are answered at once; a source is taken."""
    port = client.base_url.port
    assert port is not None
    with ExitStack() as held:
        for number in range(60):
            raw = held.enter_context(socket.create_connection(("127.0.0.1", port), 60))
            forged = signed(b"{}", name="stranger") if number % 2 else {}
            raw.sendall(head({"Content-Type": "application/json", **forged}, length=31_000_000))
            assert raw.recv(4096).startswith(b"HTTP/1.1 401 ")
        body = s.message(1, plans=[s.plan(["0571001"])])
        assert post(client, body, signed(body))[0] == 202


def test_a_body_that_does_not_end_in_time_is_given_up(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "SLOWEST", 0.3)
    port = client.base_url.port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port), 60) as raw:
        raw.sendall(head(signed(b"0123456789"), length=10) + b"0123")
        answer = raw.recv(4096)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"grid.too_slow" in answer + raw.recv(4096)


# asking again ------------------------------------------------------------------------------------
class Papers:
    """A source that has some messages, lacks others, and may be silent or lie."""

    def __init__(self, **kept: bytes | Exception | None) -> None:
        self.kept = {int(name[1:]): value for name, value in kept.items()}

    def get(self, number: int) -> bytes | None:
        found = self.kept.get(number, OutsideFault("silent", retry=True))
        if isinstance(found, Exception):
            raise found
        return found


def ask(grid: Grid, source: Papers) -> Again:
    return collect(grid.intake, s.COMMAND, source, lambda: grid.town.now)


def test_a_gap_is_asked_for_and_filled(grid: Grid) -> None:
    grid.take(s.message(4))
    found = ask(grid, Papers(n1=s.message(1, plans=[s.plan(["0571001"])]), n2=None))
    assert [taken.recorded for taken in found.taken] == [1]
    assert (found.missing, found.lost) == ((3,), (2,))
    assert ask(grid, Papers(n3=s.message(3))).missing == ()


def test_a_source_that_answers_with_another_number_fills_nothing(grid: Grid) -> None:
    grid.take(s.message(2))
    found = ask(grid, Papers(n1=s.message(2)))
    assert found.missing == (1,)


def test_a_signed_answer_of_the_endpoint() -> None:
    body = s.message(1)
    parts = ("@status", "content-type", "content-digest")
    said = Answered(200, signed(body, parts=parts))
    assert signer(said, body, {public(): s.COMMAND}) == s.COMMAND
    with pytest.raises(Refused):
        signer(said, body + b" ", {public(): s.COMMAND})
    with pytest.raises(Refused):  # a request's signature is no answer's
        signer(Answered(200, signed(body)), body, {public(): s.COMMAND})


def test_trust_is_kept_in_a_file(tmp_path: Any) -> None:
    add(tmp_path, s.COMMAND, public(), "http://127.0.0.1:9000")
    add(tmp_path, s.COMMAND, public("next"), None)
    assert load(tmp_path) == {
        s.COMMAND: Trusted((public(), public("next")), "http://127.0.0.1:9000")
    }
    for source, given, url in (
        ("GRID", public(), None), (s.METERS, "ab", None), (s.METERS, public(), "file:///etc"),
    ):  # fmt: skip
        with pytest.raises(Refused) as refused:
            add(tmp_path, source, given, url)
        assert refused.value.refusals[0].code == "grid.bad_trust"
    (tmp_path / "sources.json").write_text(json.dumps([1]))
    with pytest.raises(Refused):
        load(tmp_path)
