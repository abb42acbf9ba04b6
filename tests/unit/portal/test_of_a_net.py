"""The pages of a member of a net: every one of them answers, and says by what receipts are checked.

Six members in one process have paid a shock (tests/town); what their engine decided is certified as
a stranger checks it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from lxml import html as parser

from miaopei import portal
from miaopei.measures.identity import canonical, content_id
from miaopei.node.proof.receipts import Collector
from miaopei.portal.site import PAGES
from tests.support.portals import every_page, serving
from tests.town.certified import Papers
from tests.town.court import Court
from tests.town.seating import Seating
from tests.unit.portal.test_verify_box import headline, posted
from tests.unit.receipts.certified import certified, written
from tests.unit.receipts.gathered import quakes

JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def court() -> Court:
    """Three policies were paid."""
    made = Court()
    made.shake()
    assert made.go().paid == 3
    return made


@pytest.fixture(scope="module")
def founding(court: Court) -> bytes:
    """The genesis file that every member has."""
    return canonical(court.by["insurer"].genesis)


@pytest.fixture(scope="module")
def member(court: Court, founding: bytes) -> Iterator[httpx.Client]:
    """The insurer's own pages, its one book open."""
    me = court.by["insurer"]
    papers = Papers(me.application.chain_id, me.engine, Seating(me.genesis))
    settings = portal.Settings(
        receipts=lambda reading: Collector(
            reading, me.node.identity, lambda height: written(papers.certificate(height + 1))
        ),
        member=me.id,
        genesis=founding,
        open_books=frozenset({"hills"}),
        bank="sandbox",
    )
    application = portal.app(me.disk, settings)
    application.state.over = lambda: True
    with serving(application) as client:
        yield client


def test_every_page_of_a_member_answers_in_both_languages(member: httpx.Client) -> None:
    told = member.get("/api/v1/openapi.json").json()["paths"]
    first = [path for path, methods in told.items() if "get" in methods and "{" not in path]
    first += [f"/{lang}{path}" for lang in ("zh", "en") for path in PAGES if "{" not in path]
    seen = every_page(member, first)
    assert {
        path: answer.status_code for path, answer in seen.items() if not answer.is_success
    } == {}
    for lang in ("zh", "en"):
        for page in ("events/", "cases/", "products/", "receipts/", "why/"):
            assert any(path.startswith(f"/{lang}/{page}") for path in seen), page
    receipts = [answer for path, answer in seen.items() if path.startswith("/en/receipts/")]
    assert len(receipts) == 4  # three payouts, and the other book that paid nothing
    assert {headline(answer) for answer in receipts} == {"✓ It holds"}
    assert all("--genesis genesis.json" in answer.text for answer in receipts)


def test_a_member_says_which_genesis_and_which_key_of_its_own(
    member: httpx.Client, court: Court, founding: bytes
) -> None:
    told = member.get("/api/v1/record").json()
    digest = content_id("chain", court.by["insurer"].genesis)
    assert (told["vkey"], told["genesis"]) == (None, digest)
    for page in (member.get("/zh/record").text, member.get("/en/record").text):
        assert digest in page
        assert "None" not in page
    assert "checkpoints; each member has its own" in member.get("/en/record").text


def test_a_receipt_is_held_against_this_members_genesis_or_the_one_that_is_given(
    member: httpx.Client, founding: bytes
) -> None:
    (name, *_) = [i["name"] for i in member.get("/api/v1/receipts").json()["items"]]
    data = member.get(f"/api/v1/receipts/{name}").content
    own = posted(member, data)
    assert headline(own) == "✓ It holds"
    assert "held against this member's own" in parser.document_fromstring(own.text).text_content()
    assert member.post("/api/v1/verify", content=data, headers=JSON).json()["holds"]
    _, other = certified(quakes()["printed 0"])
    for file, said in ((founding, "✓ It holds"), (other, "✗ It does not hold")):
        files = {"file": ("r.json", data), "genesis": ("genesis.json", file)}
        answer = member.post("/en/verify", files=files)
        assert headline(answer) == said
        assert "this member's own" not in answer.text


def test_a_consortiums_receipt_is_not_called_false_where_only_its_genesis_lacks(
    client: httpx.Client,
) -> None:
    """On the site of a record of one member: it is checked with the file, and never by its key."""
    receipt, genesis = certified(quakes()["printed 0"])
    data = receipt.to_bytes()
    asked = posted(client, data), posted(client, data, "zh")
    assert [headline(each) for each in asked] == [
        "? Not checked: give the genesis file", "? 尚未核验：请给出创始文件",
    ]  # fmt: skip
    assert "Do not believe" not in asked[0].text
    told = client.post("/api/v1/verify", content=data, headers=JSON).json()
    assert (told["holds"], told["failed"]) == (False, ["genesis_file", "certificate"])
    assert told["text"]["en"][0].startswith("NOT CHECKED")
    assert told["text"]["zh"][0].startswith("尚未核验")
    files = {"file": ("r.json", data), "genesis": ("genesis.json", genesis)}
    assert headline(client.post("/en/verify", files=files)) == "✓ It holds"
    spoilt = data.replace(b'"pay_fen":', b'"pay_fen":1', 1)
    assert headline(posted(client, spoilt)) == "✗ It does not hold"


def test_a_receipt_of_one_member_lacks_a_key_at_a_member_of_several(
    member: httpx.Client,
) -> None:
    receipt = quakes()["printed 0"]
    assert headline(posted(member, receipt.to_bytes())) == "? Not checked: give the log key"
    assert headline(posted(member, receipt.to_bytes(), vkey=receipt.vkey)) == "✓ It holds"


def parts(receipt: bytes, genesis: bytes | None) -> dict[str, tuple[str, bytes]]:
    """What a program sends in two parts."""
    found = {"receipt": ("r.json", receipt)}
    return found if genesis is None else {**found, "genesis": ("genesis.json", genesis)}


def test_the_api_takes_a_consortiums_genesis_file_beside_the_receipt(
    client: httpx.Client, member: httpx.Client, founding: bytes
) -> None:
    """Whoever asks whichever site: the file that is given counts, never that of the site."""
    receipt, genesis = certified(quakes()["printed 0"])
    data = receipt.to_bytes()
    for site in (client, member):
        told = site.post("/api/v1/verify", files=parts(data, genesis)).json()
        assert (told["holds"], told["failed"]) == (True, []), told["text"]["en"]
        told = site.post("/api/v1/verify", files=parts(data, founding)).json()
        assert (told["holds"], "genesis_file" in told["failed"]) == (False, True)
        assert told["text"]["en"][0].startswith("DOES NOT HOLD")
    alone = client.post("/api/v1/verify", files=parts(data, None)).json()
    assert alone == client.post("/api/v1/verify", content=data, headers=JSON).json()
    as_text = client.post(
        "/api/v1/verify", data={}, files={"receipt": (None, data), "genesis": (None, genesis)}
    )
    assert as_text.json()["holds"]


@pytest.mark.parametrize(
    ("genesis", "status", "code"),
    [
        (b"", 400, "portal.not_a_genesis"),
        (b"{}", 400, "portal.not_a_genesis"),
        (b"not json", 400, "portal.not_a_genesis"),
        (b"\xff\xfe\x00", 400, "portal.not_a_genesis"),
        (b"[" * 90_000, 400, "portal.not_a_genesis"),
        (b'{"seats":1.5}', 400, "portal.not_a_genesis"),
        (b'{"seats":{}}', 400, "portal.not_a_genesis"),
        (b" " * 100_001, 413, "portal.genesis_too_large"),
    ],
)
def test_what_is_no_genesis_file_is_refused_by_name_and_judges_nothing(
    client: httpx.Client, genesis: bytes, status: int, code: str
) -> None:
    answer = client.post("/api/v1/verify", files=parts(b"{}", genesis))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    (problem,) = answer.json()["problems"]
    assert problem["facts"]["length"] == len(genesis)
    assert all("genesis.json" in problem["texts"][language] for language in ("zh", "en"))
    if genesis:  # of a form, no bytes are a file that nobody chose
        files = {"file": ("r.json", b"{}"), "genesis": ("genesis.json", genesis)}
        assert client.post("/en/verify", files=files).status_code == status


@pytest.mark.parametrize(
    "edited",
    [
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data + b"\r\n",
        lambda data: data + b" ",
    ],
)
def test_a_genesis_file_that_an_editor_has_touched_is_told_that_its_bytes_count(
    client: httpx.Client, edited: Callable[[bytes], bytes]
) -> None:
    receipt, genesis = certified(quakes()["printed 0"])
    sent = parts(receipt.to_bytes(), edited(genesis))
    answer = client.post("/api/v1/verify", files=sent).json()
    assert answer["code"] == "portal.not_a_genesis"
    (problem,) = answer["problems"]
    assert "BOM" in problem["texts"]["zh"]
    assert "as they were given: a BOM" in problem["texts"]["en"]


def test_parts_that_are_not_those_of_a_receipt_are_refused(client: httpx.Client) -> None:
    _, genesis = certified(quakes()["printed 0"])
    one, form = ("r.json", b"{}"), {"content-type": "multipart/form-data; boundary=x"}
    asked: list[tuple[dict[str, Any], str]] = [
        ({"files": {"genesis": ("genesis.json", genesis)}}, "portal.no_file"),
        ({"files": parts(b"", genesis)}, "portal.no_file"),
        ({"files": {**parts(b"{}", genesis), "more": one}}, "portal.bad_request"),
        ({"files": {"receipt": one, "vkey": (None, b"x")}}, "portal.bad_request"),
        ({"files": [("receipt", one), ("receipt", one)]}, "portal.bad_request"),
        ({"content": b"--x", "headers": form}, "portal.no_file"),
        ({"content": b"rubbish", "headers": form}, "portal.bad_request"),
        (
            {"content": b"{}", "headers": {"content-type": "multipart/form-data"}},
            "portal.bad_request",
        ),
        ({"files": parts(b" " * (2 * 1024 * 1024 + 1), genesis)}, "portal.too_large"),
        ({"files": {"receipt": (None, b" " * (2 * 1024 * 1024 + 1))}}, "portal.too_large"),
        ({"content": b"{}", "headers": JSON, "params": {"vkey": "nonsense"}}, "portal.bad_key"),
    ]
    for how, code in asked:
        answer = client.post("/api/v1/verify", **how)
        assert answer.json().get("code") == code, (how.get("headers"), list(how), answer.text[:300])
        assert answer.status_code == {"portal.too_large": 413}.get(code, 400)
        assert set(answer.json()["problems"][0]["texts"]) == {"zh", "en"}


def test_a_genesis_file_that_is_too_large_is_refused(client: httpx.Client) -> None:
    files = {"file": ("r.json", b"{}"), "genesis": ("genesis.json", b" " * 100_001)}
    answer = client.post("/en/verify", files=files)
    assert (answer.status_code, "100000 bytes" in answer.text) == (413, True)
