"""`miaopei demo --once --json FILE` as a user runs it: real PostgreSQL, real bank process.

The expected payouts are the printed ones of the paper (doi 10.11899/zzfy20210303, Tables 2 and 4).
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import time
import urllib.request
from pathlib import Path

import pytest

from .conftest import Demo, Shell

WAN = 1_000_000  # fen
EXPECTED = {
    ("2015-10-30", "yunnan_dali"): (753.760, "16.83", 1, 5.1, "surrounding"),
    ("2016-05-18", "yunnan_dali"): (2_800, "29.17", 1, 5.0, "own"),
    ("2017-03-27", "yunnan_dali"): (2_800, "20.30", 1, 5.1, "own"),
    ("2018-08-13", "yunnan_yuxi"): (1_600, "3.84", 1, 5.0, "own"),
    ("2018-09-08", "yunnan_yuxi"): (16.129, "3.16", 1, 5.9, "surrounding"),
    ("2021-05-21", "yunnan_dali"): (4_000, "2.03", 2, 6.4, "own"),
}


def test_the_six_paid_events_and_nothing_else(demo: Demo) -> None:
    found = {
        (row["date"], row["product"]): (
            row["payout_fen"] / WAN, row["ratio_percent"], row["terms_version"],
            row["magnitude"], row["role"],
        )
        for row in demo.rows
        if row["payout_fen"] != 0
    }  # fmt: skip
    assert found == EXPECTED
    assert all(type(row["payout_fen"]) is int for row in demo.rows)


def test_every_row_carries_what_was_asked_for_and_its_labels(demo: Demo) -> None:
    wanted = {
        *("date", "product", "terms_version", "magnitude", "epicentre", "role", "state"),
        *("reason", "payout_fen", "loss_fen", "ratio_percent", "receipt", "timeliness"),
    }
    for row in demo.rows:
        assert wanted <= set(row)
        assert {"replay", "sandbox", "made_up_shares", "assumed_arrivals"} <= set(row["labels"])
        assert row["state"] in ("settled", "closed", "not_covered")


def test_inside_the_area_payment_beats_the_22_hours_of_2021(demo: Demo) -> None:
    for row in demo.rows:
        if row["payout_fen"] and row["role"] == "own":
            assert float(row["timeliness"]["hours"]) < 22
            assert float(row["timeliness"]["working_days"]) < 1.3
    (changning,) = [row for row in demo.rows if row["date"] == "2015-10-30"]
    assert float(changning["timeliness"]["working_days"]) > 3  # waited for the report


def test_the_screen_tells_decisions_register_reasons_and_places(demo: Demo) -> None:
    for text in ("753.760", "2,800.000", "1,600.000", "16.129", "4,000.000", "made up", "replay"):
        assert text in demo.printed
    line = r"^\d{4}-\d\d-\d\d \d\d:\d\d  .*settled .* yuan$"
    decisions = re.findall(line, demo.printed, re.MULTILINE)
    assert len(decisions) == 6
    words = ("结案", "保险", "万元")  # a line is in one language; a place is as it was printed
    assert not any(word in line for line in decisions for word in words)
    assert "miaopei why 2021-05-21" in demo.printed
    assert "No usable assessed loss of the area was reported" in demo.printed
    assert "miaopei verify" in demo.printed


def test_each_receipt_verifies_and_a_changed_byte_does_not(demo: Demo, tmp_path: Path) -> None:
    key = str(demo.data / "log.vkey")
    for row in demo.rows:
        told = json.loads(demo.shell.run("verify", row["receipt"], "--key", key, "--json"))
        assert told["holds"]
        assert {"replay", "one_operator"} <= set(told["labels"])
    paid = next(row for row in demo.rows if row["payout_fen"])
    data = bytearray(Path(paid["receipt"]).read_bytes())
    at = data.index(b'"pay_fen":') + len(b'"pay_fen":')
    data[at] ^= 1
    spoilt = tmp_path / "spoilt.json"
    spoilt.write_bytes(data)
    assert "✗" in demo.shell.run("verify", str(spoilt), "--key", key, code=1)
    demo.shell.run("verify", paid["receipt"], code=1)  # a receipt does not vouch for itself


def test_the_record_is_sound_and_rebuilds_into_a_fresh_database(demo: Demo) -> None:
    assert json.loads(demo.run("audit", "--json"))["sound"]
    told = json.loads(demo.run("rebuild", "--json"))
    assert told["same"]
    assert told["blocks"] > 500
    assert told["rows"] > 1000


def test_status_and_cases_of_a_finished_replay(demo: Demo) -> None:
    told = json.loads(demo.run("status", "--json"))
    assert told["clock"] == "replay"
    assert told["money"] == {
        "due_wan": "11,969.889", "paid_wan": "11,969.889", "open_wan": "0.000",
    }  # fmt: skip  # the sum of the paper's six rows
    assert set(told["cases"]) == {"settled", "closed", "not_covered"}
    assert json.loads(demo.run("cases", "--json")) == []
    assert f"miaopei cases --all --data {demo.data}" in demo.run("cases", "--lang", "en")


def test_why_leads_to_the_bytes_and_caused_leads_back(demo: Demo) -> None:
    yangbi = next(row for row in demo.rows if row["date"] == "2021-05-21")
    told = demo.run("why", yangbi["occurrence"], "--lang", "zh")
    assert "2021-05-21 21:48:35,25.70,99.88" in told  # the line of the bulletin itself
    for language in ("zh", "en"):
        told = demo.run("caused", "cenc.rapid", "--lang", language)
        # 753.760 + 2,800 + 1,600 + 4,000 万元 rest on the four rapid reports
        assert "91,537,600" in told or "9,153.76" in told


def test_a_backup_comes_back_on_another_folder_and_without_its_keys_it_does_not(
    demo: Demo, open_folder: Path
) -> None:
    file, other = open_folder / "backup.tar", open_folder / "restored"
    demo.run("backup", str(file))
    assert file.stat().st_mode & 0o077 == 0
    assert b"6200-DALI-0001" not in file.read_bytes()  # accounts are sealed
    other.mkdir()
    demo.shell.run("restore", str(file), "--data", str(other), code=1)
    shutil.copy(demo.data / "keys.json", other / "keys.json")
    demo.shell.run("restore", str(file), "--data", str(other))
    demo.shell.run("restore", str(file), "--data", str(other), code=1)  # never over a record
    assert json.loads(demo.shell.run("audit", "--json", "--data", str(other)))["sound"]
    one = json.loads(demo.run("status", "--json"))
    assert json.loads(demo.shell.run("status", "--json", "--data", str(other))) == one


def test_an_export_is_a_log_that_stands_alone(demo: Demo, tmp_path: Path) -> None:
    demo.run("export", str(tmp_path / "out"))
    found = (tmp_path / "out" / "log" / "checkpoint").read_bytes()
    assert found == (demo.data / "log" / "checkpoint").read_bytes()
    assert len(list((tmp_path / "out" / "blob").iterdir())) >= 10
    assert (tmp_path / "out" / "log.vkey").read_text() == (demo.data / "log.vkey").read_text()


def test_doctor_finds_the_machine_fit(demo: Demo) -> None:
    assert all(look["good"] for look in json.loads(demo.run("doctor", "--json")))


def test_pages_are_served_until_told_to_stop(demo: Demo) -> None:
    process = demo.shell.start("serve", "--data", str(demo.data), "--port", "18420")
    try:
        deadline = time.monotonic() + 300
        while True:
            try:
                with urllib.request.urlopen("http://127.0.0.1:18420/en/", timeout=60) as page:
                    assert page.status == 200
                    assert b"Miaopei" in page.read()
                break
            except OSError:
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.1)
        demo.shell.run("demo", "--once", "--data", str(demo.data), code=1)  # the folder is in use
        assert json.loads(demo.run("status", "--json"))["clock"] == "replay"  # reading is not
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=300)
    assert process.returncode == 0
    assert demo.shell.processes(demo.data) == []


def stopped(shell: Shell, data: Path, number: signal.Signals) -> int:
    """A demonstration stopped at its first payout; its exit status."""
    process = shell.start("demo", "--once", "--data", str(data))
    assert process.stdout is not None
    while "settled" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(number)
    process.communicate(timeout=300)
    return process.returncode


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_middle_nothing_is_left_running(
    number: signal.Signals, shell: Shell, open_folder: Path
) -> None:
    data = open_folder / f"stopped-{number}"
    assert stopped(shell, data, number) == 130
    assert shell.processes(data) == []


def test_a_second_run_in_the_same_folder_begins_anew_also_after_a_kill(
    shell: Shell, open_folder: Path
) -> None:
    """After SIGKILL nobody could clean up: the server runs on until the next command ends."""
    data = open_folder / "killed"
    assert stopped(shell, data, signal.SIGKILL) == -signal.SIGKILL
    keys = (data / "keys.json").read_text()
    rows = json.loads(shell.run("demo", "--once", "--json", "-", "--data", str(data)))
    assert {(row["date"], row["product"]) for row in rows if row["payout_fen"]} == set(EXPECTED)
    assert (data / "keys.json").read_text() != keys  # two demonstrations are two logs
    assert shell.processes(data) == []
