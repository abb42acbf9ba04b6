"""`miaopei demo outage`: the day's figures equal a count that knows none of our code."""

from __future__ import annotations

import csv
import json
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from miaopei.adapters.sandbox_bank.starter import start as start_bank
from tests.support import commands

LATE = """
select count(*), sum(case
    when hours <= 4 then hours * 5000
    when hours <= 12 then 20000 + (hours - 4) * 8000
    else 84000 + (hours - 12) * 12000 end)
from (
    select (minutes + 59) / 60 as hours from (
        select cast((julianday(substr(command_on, 1, 16)) - julianday(substr(planned, 1, 16)))
                    * 1440 + 0.5 as integer) as minutes
        from day
        where in_scope = '1' and insured = '1'
          and since <= '2026-05-20' and until > '2026-05-20'
          and substr(command_on, 1, 16) > substr(planned, 1, 16)))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("yuyao")
    folder.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def told(place: Path, server: str, template: str) -> dict[str, Any]:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(b"create database outage_day template template0")
    dsn = psycopg.conninfo.make_conninfo(server, dbname="outage_day")
    json_file = str(place / "day.json")
    asked = ["demo", "outage", "--once", "--lang", "zh", "--json", json_file]
    done = commands.run([*asked, "--data", str(place), "--dsn", dsn])
    assert done.returncode == 0, done.stderr
    assert "沙箱" in done.stdout
    found: dict[str, Any] = json.loads((place / "day.json").read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def day(told: dict[str, Any], place: Path) -> sqlite3.Connection:
    """The day as anybody may count it: its file in a database of another kind."""
    database = sqlite3.connect(":memory:")
    with (place / "day.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    database.execute(f"create table day ({', '.join(rows[0])})")
    database.executemany(f"insert into day values ({','.join('?' * len(rows[0]))})", rows[1:])
    return database


def test_one_notice_a_customer_in_scope(told: dict[str, Any], day: sqlite3.Connection) -> None:
    (in_scope,) = day.execute("select count(*) from day where in_scope = '1'").fetchone()
    assert told["customers_in_scope"] == told["notices"] == in_scope == 5_000
    assert told["texts_at_the_gateway"] == 5_000
    assert told["notices_by_state"] == {"delivered": 5_000}


def test_payouts_are_exactly_the_insured_in_force_in_scope_and_late(
    told: dict[str, Any], day: sqlite3.Connection
) -> None:
    count, fen = day.execute(LATE).fetchone()
    assert told["insured_in_scope_in_force"] == 1_000
    assert told["payouts"] == told["insured_late_in_scope"] == count > 100
    assert told["payout_fen"] == told["executed_fen"] == fen


def test_the_bank_has_paid_that_and_each_account_once(
    told: dict[str, Any], place: Path, day: sqlite3.Connection
) -> None:
    count, fen = day.execute(LATE).fetchone()
    with start_bank(place / "bank"):  # its store is whole: it starts again on it
        books = sqlite3.connect(place / "bank" / "bank.sqlite3")
        paid = books.execute(
            "select account, sum(amount_fen), count(*) from movement"
            " where account like 'P-%' and amount_fen > 0 group by account"
        ).fetchall()
    assert len(paid) == count
    assert sum(row[1] for row in paid) == fen
    assert {row[2] for row in paid} == {1}


def test_the_bank_has_moved_the_invoice_once_to_the_utilitys_account(
    told: dict[str, Any], place: Path
) -> None:
    books = sqlite3.connect(place / "bank" / "bank.sqlite3")
    came = books.execute("select amount_fen from movement where account = '6200-UTILITY'")
    assert came.fetchall() == [(told["invoice_fen"],)]


INVOICE = """
select sum(json_extract(body, '$.users')) * 10 + sum(json_extract(body, '$.records')) * 2 + 800000
from call
"""


def test_the_months_invoice_equals_its_recount_and_an_sql_count_of_the_calls(
    told: dict[str, Any], server: str
) -> None:
    dsn = psycopg.conninfo.make_conninfo(server, dbname="outage_day")
    database = sqlite3.connect(":memory:")
    database.execute("create table call (body)")
    with psycopg.connect(dsn) as connection:
        for (leaf,) in connection.execute("select bytes from shared.leaf"):
            said = json.loads(bytes(leaf))
            if said["leaf"] == "act" and said["act"]["kind"] == "meter_usage":
                database.execute("insert into call values (?)", [json.dumps(said["act"]["body"])])
    (fen,) = database.execute(INVOICE).fetchone()
    assert told["invoice_fen"] == told["recount_fen"] == told["invoice_paid_fen"] == fen
    assert told["data_users"] == 1_040, "the insured in force, each read once"
    items = {line["item"] for line in told["invoices"][0]["lines"]}
    assert items == {"users", "records", "rent"}


def test_a_receipt_is_handed_out_holds_alone_and_why_leads_to_the_plan(
    told: dict[str, Any], place: Path, server: str
) -> None:
    dsn = psycopg.conninfo.make_conninfo(server, dbname="outage_day")
    here = ["--data", str(place), "--dsn", dsn]

    def miaopei(*words: str, code: int = 0) -> str:
        done = commands.run(words)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    caused = json.loads(miaopei("caused", told["outage"], "--json", *here))
    payouts = caused["effects"][0]["payouts"]
    assert sum(payout["amount_fen"] for payout in payouts) == told["payout_fen"]
    paper = place / "one.json"
    miaopei("receipt", payouts[7]["payout"], "--out", str(paper), *here)
    assert paper.stat().st_mode & 0o077 == 0
    key = ["--key", str(place / "log.vkey")]
    assert json.loads(miaopei("verify", str(paper), *key, "--json"))["holds"]
    assert "HOLDS" in miaopei(
        "verify", str(place / "receipts" / f"{told['outage']}.json"), *key, "--lang", "en"
    )
    spoilt = bytearray(paper.read_bytes())
    spoilt[len(spoilt) // 2] ^= 1
    (place / "spoilt.json").write_bytes(spoilt)
    miaopei("verify", str(place / "spoilt.json"), *key, code=1)
    miaopei("receipt", told["outage"], *here, code=1)  # of 485 policies: which?
    for language, plan in (("zh", "停电计划"), ("en", "plan of outage")):
        said = miaopei("why", payouts[7]["payout"], "--lang", language, *here)
        assert f"{plan} {told['outage']}" in said


def test_the_invoice_command_shows_counts_and_prints_the_month(
    told: dict[str, Any], place: Path, server: str
) -> None:
    dsn = psycopg.conninfo.make_conninfo(server, dbname="outage_day")
    (invoice,) = told["invoices"]

    def miaopei(*words: str) -> str:
        done = commands.run(["invoice", *words, "--data", str(place), "--dsn", dsn])
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    counted = json.loads(miaopei("recount", "--json"))
    assert counted["differ"] == 0
    name, page = invoice["invoice"], place / "invoice.html"
    shown = json.loads(miaopei("show", name, "--json", "--html", str(page), "--lang", "zh"))
    opened = shown["lines"][0]["opened"]
    assert sum(call["users"] for call in opened) == shown["lines"][0]["quantity"]
    assert "数据调用与算力账单" in page.read_text("utf-8")
    rows = list(csv.DictReader(miaopei("csv", "-").splitlines()))
    assert sum(int(row["amount_fen"]) for row in rows) == told["invoice_fen"]
    listed = json.loads(miaopei("list", "--json"))
    assert [one["total_fen"] for one in listed] == [told["invoice_fen"]]
    runs = ["--run", opened[0]["run"]]
    why = ["--reason", "counted again", "--person", "Li"]
    miaopei("dispute", name, "1", *runs, *why)
    assert "冲减" in miaopei("settle", f"{name}/001", *runs, *why, "--lang", "zh")
    counted = json.loads(miaopei("recount", "--json"))
    assert (counted["differ"], counted["invoices"][0]["invoice_fen"]) == (0, 800_000)


def test_the_pages_are_up_before_the_day_begins_and_tell_it_to_its_end(
    tmp_path: Path, server: str, template: str
) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(b"create database outage_followed template template0")
    dsn = psycopg.conninfo.make_conninfo(server, dbname="outage_followed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    with subprocess.Popen(
        [sys.executable, "-m", "miaopei.cli", "demo", "outage", "--port", port, "--pace", "2",
         "--lang", "en", "--data", str(tmp_path / "record"), "--dsn", dsn],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    ) as demo:  # fmt: skip
        try:
            assert demo.stderr is not None
            said = next(line for line in demo.stderr if "/en/outages" in line)
            page = said.split("Follow the day at ")[1].split()[0]
            first = httpx.get(page, timeout=300).text
            assert "No outage plan is on record yet." in first
            stands = []
            stream = page.replace("/en/outages", "/api/v1/outages/events")
            with httpx.stream("GET", stream, timeout=300) as events:
                for line in events.iter_lines():
                    if line.startswith("data: "):
                        told = json.loads(line[6:])
                        steps = [*told["steps"], *told["covers"][0]["steps"]]
                        stands.append({(s["name"], s["source"]): s["stand"] for s in steps})
                        if stands[-1]["pay", None] == "done":
                            break
            assert "46,900.00" in httpx.get(page, timeout=300).text
        finally:
            demo.send_signal(signal.SIGINT)
        assert demo.wait(300) in (0, 130), "told to end while it still bills, or after"
    assert stands[0]["pay", None] == "next"
    assert len(stands) > 2


def test_what_was_lost_on_the_way_was_fetched(told: dict[str, Any]) -> None:
    assert (told["plans"], told["missing_messages"], told["lost_messages"]) == (2, 0, 0)


def test_it_is_settled_in_seconds(told: dict[str, Any]) -> None:
    assert float(told["seconds_trigger_to_accepted"]["p95"]) < 5


def test_no_customer_number_is_in_the_database(
    told: dict[str, Any], day: sqlite3.Connection, server: str
) -> None:
    dsn = psycopg.conninfo.make_conninfo(server, dbname="outage_day")
    numbers = [row[0].encode() for row in day.execute("select customer from day limit 200")]
    held = bytearray()
    with psycopg.connect(dsn) as connection:
        columns = connection.execute(
            "select table_schema, table_name, column_name from information_schema.columns"
            " where data_type in ('bytea', 'text') and table_schema in ('shared', 'group', 'own')"
        ).fetchall()
        for schema, table, column in columns:
            query = f'select "{column}" from "{schema}"."{table}" where "{column}" is not null'
            for (data,) in connection.execute(query.encode()):
                held += data.encode() if isinstance(data, str) else bytes(data)
    assert len(columns) > 20
    assert not [number for number in numbers if number in held]


def test_the_record_of_the_day_holds_in_every_part(
    told: dict[str, Any], place: Path, server: str
) -> None:
    dsn = psycopg.conninfo.make_conninfo(server, dbname="outage_day")
    done = commands.run(["audit", "--json", "--data", str(place), "--dsn", dsn])
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr


def test_reliability_is_what_a_count_of_the_day_gives(
    told: dict[str, Any], day: sqlite3.Connection, place: Path, server: str
) -> None:
    minutes = "(julianday(command_on) - julianday('2026-05-20 08:00:00')) * 1440"
    customers, lost = day.execute(
        f"select count(*), sum(cast({minutes} + 0.5 as integer)) from day where in_scope = '1'"
    ).fetchone()
    (served,) = day.execute("select count(*) from day").fetchone()
    found = _asked(place, server, "report", "reliability")
    assert (found["all"]["served"], found["all"]["customers_interrupted"]) == (served, customers)
    assert found["all"]["saidi_minutes"] == f"{lost / served:.3f}"
    assert found["all"]["saifi"] == f"{customers / served:.3f}"


def test_experience_is_the_premium_and_what_was_paid(
    told: dict[str, Any], day: sqlite3.Connection, place: Path, server: str
) -> None:
    (insured,) = day.execute("select count(*) from day where insured = '1'").fetchone()
    (line,) = _asked(place, server, "report", "experience")
    assert (line["policies"], line["premium_written_fen"]) == (insured, insured * 12_000)
    assert (line["claims_settled_fen"], line["payouts"]) == (told["payout_fen"], told["payouts"])
    (counted,) = _asked(place, server, "invoice", "recount")["invoices"]
    assert line["data_fees_fen"] + line["rent_fen"] == counted["invoice_fen"] > 0


def _asked(place: Path, server: str, *command: str) -> Any:
    dsn = psycopg.conninfo.make_conninfo(server, dbname="outage_day")
    done = commands.run([*command, "--json", "--data", str(place), "--dsn", dsn])
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    return json.loads(done.stdout)
