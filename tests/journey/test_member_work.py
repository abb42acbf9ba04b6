"""Everyday commands on the folders of a net's members, as a user types them, beside running nodes.

Four members under a live clock: one that pays, one that brings facts and reads no book, two that
decide.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from miaopei.cli.net.plan import database
from miaopei.measures.instant import DAY, beijing_day, from_beijing
from miaopei.portal.site import PAGES
from miaopei.wiring import system_clock
from tests.journey.test_live import HEADER
from tests.journey.test_policy_line import PERSON
from tests.support import nets
from tests.support.nets import Running
from tests.support.portals import every_page
from tests.unit.meters.conftest import free_port

pytestmark = pytest.mark.timeout(1500)  # the first run builds the engine
DECIDING = ("regulator", "notary", "insurer")  # the one that pays comes last
OUTSIDE = "cloud"  # operator and gateway: it reads no book
WISH: dict[str, Any] = {
    "listing": "planned_outage", "feeder": "F1", "person": PERSON,
    "declared": {"deductible": 60, "occurrence_limit": 500_000},
    "facts": {"supply": "dedicated_transformer", "region": "330281", "use": "industrial"},
}  # fmt: skip
AT = {"dali": "25.70,99.88,10,Ms,6.4,云南大理州漾濞县", "yuxi": "24.35,102.54,10,Ms,6.4,云南玉溪市"}


@pytest.fixture(scope="module")
def four() -> Iterator[Running]:
    """Insurer, government cloud, regulator and notary."""
    with nets.running("work", 4) as made:
        yield made


def at(four: Running, member: str, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """A command on a member's folder."""
    lang = () if "--json" in words else ("--lang", "en")
    done = nets.miaopei(*words, "--data", str(four.net.folder / member), *lang, check=False)
    assert done.returncode == code, (member, words, done.stdout, done.stderr)
    return done


def told(four: Running, member: str, *words: str) -> Any:
    """The same, as JSON."""
    return nets.as_json(at(four, member, *words, "--json"))


def both() -> dict[str, Any]:
    """One scheme of both lines, whose policies last."""
    yunnan, yuyao = (
        json.loads((files("miaopei") / f"data/schemes/{name}.json").read_bytes())
        for name in ("yunnan", "yuyao")
    )
    for listing in yunnan["listings"]:
        for policy in listing["policies"]:
            policy["until"] = "2099-01-01"
    known = {member["id"] for member in yunnan["members"]}
    yuyao["members"] = [each for each in yuyao["members"] if each["id"] not in known]
    for name in ("members", "sources", "products", "listings", "carrier_accounts"):
        yunnan[name] += yuyao[name]
    yunnan["placements"] |= yuyao["placements"]
    return {**yunnan, "id": "both"}


@pytest.fixture(scope="module")
def begun(four: Running, tmp_path_factory: pytest.TempPathFactory) -> Running:
    """Both lines of business stand: each member has done its part, the one that pays has issued."""
    file = tmp_path_factory.mktemp("scheme") / "mine.json"
    file.write_text(json.dumps(both(), ensure_ascii=False), "utf-8")
    for member in (OUTSIDE, *DECIDING):
        code = 0 if member == DECIDING[-1] else 1
        said = at(four, member, "begin", str(file), code=code).stdout
        assert said.count("still waits for") == 3 * code
    again = at(four, OUTSIDE, "begin", str(file)).stdout
    assert "0 acts on the record, 0 listings agreed" in again
    for member in (OUTSIDE, "insurer"):  # who may file it, and who sells by it
        assert told(four, member, "policy", "sanctions", "sandbox")["version"] == 1
    elsewhere = at(four, OUTSIDE, "policy", "offer", "planned_outage", code=1).stderr
    assert "paid by the member insurer" in elsewhere
    assert told(four, "insurer", "policy", "offer", "planned_outage")["number"] == 1
    return four


@contextmanager
def pages(four: Running, member: str) -> Iterator[httpx.Client]:
    """The pages that a member serves, until the context ends."""
    port = free_port()
    command = [sys.executable, "-m", "miaopei.cli", "serve", "--port", str(port), "--lang", "en"]
    with subprocess.Popen(
        [*command, "--data", str(four.net.folder / member)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    ) as serving:  # fmt: skip
        try:
            assert serving.stderr is not None
            assert any(f":{port}/" in line for line in serving.stderr)
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
                client.timeout = httpx.Timeout(120)
                for _ in range(300):
                    try:
                        client.get("/api/v1/health")
                        break
                    except httpx.ConnectError:
                        time.sleep(0.2)
                yield client
        finally:
            serving.send_signal(signal.SIGINT)
            assert serving.wait(120) == 0


def rows(four: Running, member: str, book: str) -> int:
    """How many rows of a book lie opened in a member's database."""
    address = make_conninfo(four.net.postgres.start(), dbname=database(member))
    with psycopg.connect(address) as connection:
        found = connection.execute('select count(*) from "group".row where book = %s', [book])
        return int(found.fetchall()[0][0])


def test_a_policy_bought_at_a_members_pages_is_paid_for_and_held_by_all_that_decide(
    begun: Running,
) -> None:
    wish = {**WISH, "since": from_beijing(beijing_day(system_clock() + 30 * DAY))}
    with pages(begun, "insurer") as shop, pages(begun, OUTSIDE) as other:
        keyed = {"Idempotency-Key": "bought-at-a-member"}
        took = shop.post("/api/v1/applications", json=wish, headers=keyed)
        assert took.status_code == 201, took.text
        asked = took.json()
        assert asked["state"] == "accepted"
        again = shop.post("/api/v1/applications", json=wish, headers=keyed)
        assert again.json()["id"] == asked["id"]
        elsewhere = other.post("/api/v1/applications", json=wish, headers=keyed)
        assert (elsewhere.status_code, elsewhere.json()["code"]) == (403, "portal.not_selling")
        told(begun, "insurer", "policy", "pay-in", asked["reference"])
        stands, policy = f"/api/v1/applications/{asked['id']}", asked["policy"]
        begun.until(lambda _: shop.get(stands).json()["state"] == "in_force")
        assert shop.get(stands).json()["paid_fen"] == asked["premium_fen"]
        seen = shop.get(f"/api/v1/policies/{policy}").json()
        assert [t["transaction"] for t in seen["transactions"]] == ["issue"]
        for path in ("/en/buy", "/en/sources", "/en/outages", "/api/v1/settlements"):
            assert (shop.get(path).status_code, other.get(path).status_code) == (200, 200), path
        for text in (other.get(f"/api/v1/policies/{policy}").text, other.get("/en/").text):
            assert not [value for value in PERSON.values() if value in text]
    assert [told(begun, m, "policy", "show", policy)["policy"] for m in DECIDING] == [policy] * 3
    for member in DECIDING:
        begun.until(lambda _, m=member: rows(begun, m, "planned_outage") == 1)  # type: ignore[misc]
    assert rows(begun, OUTSIDE, "planned_outage") == 0
    said = at(begun, OUTSIDE, "policy", "pay-in", asked["reference"], code=1).stderr
    assert "No account of carrier insurer" in said


def shock(place: str, before: timedelta, file: Path) -> str:
    """A file of one shock so long ago, its path."""
    struck = datetime.now(UTC) + timedelta(hours=8) - before
    line = f"{struck:%Y-%m-%d %H:%M:%S},{AT[place]},invented,invented"
    file.write_text(f"{HEADER}\n{line}\n", "utf-8")
    return str(file)


def settled(four: Running, listing: str, state: str = "settled") -> list[dict[str, Any]]:
    """The cases of a listing that are decided, by the member that pays."""
    found = told(four, "insurer", "cases", "--all")
    return [c for c in found if (c["listing"], c["state"]) == (listing, state)]


def test_a_quake_taken_by_the_gateway_pays_and_its_receipt_is_checked_by_the_genesis(
    begun: Running, tmp_path: Path
) -> None:
    file = shock("dali", timedelta(0), tmp_path / "rapid.csv")
    assert "1 taken, 0 refused" in at(begun, OUTSIDE, "feed", "take", file).stdout
    whole = "paid 4,000.000 万元, open 0.000"
    begun.until(lambda _: whole in at(begun, "insurer", "status").stdout)
    (case,) = settled(begun, "yunnan_dali")
    out, genesis = tmp_path / "receipt.json", str(begun.net.folder / "genesis.json")
    (policy,) = _policies(begun)
    at(begun, "insurer", "receipt", case["settlement"], "--policy", policy, "--out", str(out))
    checked = nets.as_json(nets.miaopei("verify", str(out), "--genesis", genesis, "--json"))
    assert checked["holds"], checked["failed"]
    refused = at(begun, OUTSIDE, "receipt", case["settlement"], "--policy", policy, code=1)
    assert "Traceback" not in refused.stderr


def test_every_page_of_every_member_answers_in_both_languages(begun: Running) -> None:
    first = [f"/{lang}{path}" for lang in ("zh", "en") for path in PAGES if "{" not in path]
    for member in begun.net.members:
        with pages(begun, member) as served:
            seen = every_page(served, [*first, "/api/v1/record"])
            bad = {path: each.status_code for path, each in seen.items() if not each.is_success}
            assert bad == {}, member
            assert any(path.startswith("/en/receipts/") for path in seen)
            assert seen["/api/v1/record"].json()["genesis"] in seen["/en/record"].text


def _policies(four: Running) -> list[str]:
    address = make_conninfo(four.net.postgres.start(), dbname=database("insurer"))
    query = "select distinct policy from \"group\".row where book = 'yunnan_dali'"
    with psycopg.connect(address) as connection:
        return [str(p) for (p,) in connection.execute(query.encode()).fetchall()]


def test_a_person_of_the_regulator_releases_a_held_claim_and_it_is_paid(
    begun: Running, tmp_path: Path
) -> None:
    before = told(begun, "insurer", "status")["money"]["paid_wan"]
    at(begun, OUTSIDE, "feed", "take", shock("yuxi", timedelta(hours=2), tmp_path / "late.csv"))
    begun.until(lambda _: bool(settled(begun, "yunnan_yuxi", "held_claims")))
    begun.whole()
    (held,) = settled(begun, "yunnan_yuxi", "held_claims")
    (claim,) = held["held"]["claims"]
    assert claim["fen"] > 0
    (sealed,) = [c for c in told(begun, OUTSIDE, "cases") if c["state"] == "held_claims"]
    assert (sealed["held"], sealed["reason"]) == (None, "register.claims_sealed")
    assert "outside the group" in at(begun, OUTSIDE, "status").stdout
    assert "granted no reading" in at(begun, OUTSIDE, "report", "experience", code=1).stderr
    words = ("--how", "reserved", "--reason", "the policy stood", "--person", "Li")
    at(begun, "regulator", "release", held["settlement"], claim["policy"], *words)
    begun.until(lambda _: told(begun, "insurer", "status")["money"]["paid_wan"] != before)
    assert settled(begun, "yunnan_yuxi", "held_claims") == []
    (line,) = _experience(begun, "yunnan_yuxi")
    assert line["claims_settled_fen"] == claim["fen"]


def _experience(four: Running, listing: str) -> list[dict[str, Any]]:
    lines = told(four, "insurer", "report", "experience")
    return [line for line in lines if line["listing"] == listing and line["claims_settled_fen"]]


def test_the_member_that_pays_brings_in_a_book_from_a_file_and_all_that_decide_hold_it(
    begun: Running, tmp_path: Path
) -> None:
    file, sheet = tmp_path / "book.csv", tmp_path / "faults.csv"
    lines = [f"A-{n},2098-01-01,2099-01-01,100,6222{n},县{n}" for n in range(3)]
    lines.append("A-9,2098-01-01,2097-01-01,100,62229,县9")
    file.write_text("\n".join(["policy_number,since,until,premium_yuan,account,name", *lines]))
    words = ("import", str(file), "--listing", "yunnan_yuxi", "--errors", str(sheet))
    for member in ("regulator", OUTSIDE):  # one decides and does not pay, one reads no book
        assert "paid by the member insurer" in at(begun, member, *words, code=1).stderr
    before = rows(begun, "insurer", "yunnan_yuxi")
    assert told(begun, "insurer", *words, "--preview")["issued"] == 3
    assert rows(begun, "insurer", "yunnan_yuxi") == before
    done = told(begun, "insurer", *words)
    assert (done["rows"], done["issued"], done["refused"]) == (4, 3, 1)
    assert "2097-01-01" in sheet.read_text("utf-8-sig")
    assert rows(begun, "insurer", "yunnan_yuxi") == before + 3, "held before the command ends"
    again = told(begun, "insurer", *words)
    assert (again["issued"], again["before"]) == (0, 3)
    for member in DECIDING:
        begun.until(lambda _, m=member: rows(begun, m, "yunnan_yuxi") == before + 3)  # type: ignore[misc]
    assert rows(begun, OUTSIDE, "yunnan_yuxi") == 0
    assert begun.miaopei("audit", "insurer").returncode == 0


def test_what_does_not_work_on_a_members_folder_says_which_command_does(begun: Running) -> None:
    for words, here in {
        ("audit",): f"net audit {begun.net.folder} insurer",
        ("rebuild",): f"net audit {begun.net.folder} insurer",
        ("doctor",): f"net status {begun.net.folder}",
    }.items():
        assert here in at(begun, "insurer", *words, code=1).stderr
    assert "one member only" in at(begun, "insurer", "accept-clock", code=1).stderr
    assert "insurer, cloud, regulator, notary" in at(begun, ".", "status", code=1).stderr
    assert begun.miaopei("audit", "insurer").returncode == 0
    begun.whole()


# Last in this file: members go down --------------------------------------------------------------
def test_of_a_member_that_is_down_the_record_is_read_and_an_act_is_refused_with_what_brings_it_up(
    begun: Running,
) -> None:
    folder = begun.net.folder
    begun.miaopei("down", "regulator")
    wanted = ("resolve", "x/y", "--value", "1", "--reason", "none", "--person", "Li")
    refused = at(begun, "regulator", *wanted, code=3).stderr
    assert f"net heal {folder} regulator" in refused
    assert "not up" in at(begun, "regulator", "status").stderr
    begun.miaopei("heal", "regulator")
    begun.whole()
    assert "Traceback" not in at(begun, "regulator", *wanted, code=1).stderr
    begun.miaopei("down")
    for words in (("status",), wanted):
        assert f"net up {folder} --detach" in at(begun, "regulator", *words, code=3).stderr
