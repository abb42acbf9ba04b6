"""Selling from the command line, on a real PostgreSQL and a real sandbox bank: printed as read."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from miaopei.measures.instant import DAY, beijing_day, from_beijing
from miaopei.wiring import system_clock
from tests.support import commands
from tests.unit.meters.conftest import free_port

PERSON = {
    "name": "示例制造厂",
    "id_number": "91330281MA00000001",
    "phone": "13905740000",
    "account": "6100-FACTORY",
    "customer": "3302810000001",
}


def test_a_policy_is_sold_changed_and_ended_from_the_command_line(tmp_path: Path) -> None:
    data, today = tmp_path / "data", system_clock()
    files = {
        "wish": {
            "listing": "planned_outage", "since": beijing_day(today + 30 * DAY), "feeder": "F1",
            "declared": {"deductible": 60, "occurrence_limit": 500_000}, "person": PERSON,
            "facts": {"supply": "dedicated_transformer", "region": "330281", "use": "industrial"},
        },
    }  # fmt: skip
    for name, value in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")

    def run(*said: str, code: int = 0) -> Any:
        done = commands.run([*said, "--data", str(data)])
        assert done.returncode == code, (said, done.stdout, done.stderr)
        return json.loads(done.stdout) if "--json" in said else done.stdout

    run("begin", "yuyao")
    assert run("policy", "sanctions", "sandbox", "--json")["list"] == "sandbox.sanctions"
    assert run("policy", "offer", "planned_outage", "--json")["number"] == 1
    wish = ("policy", "apply", str(tmp_path / "wish.json"), "--agent", "A17", "--json")
    asked = run(*wish)
    assert (asked["state"], asked["channel"], asked["agent"]) == ("accepted", "offline", "A17")
    assert run(*wish)["id"] == asked["id"]
    paid = run("policy", "pay-in", asked["reference"], "--amount", "120", "--json")
    assert (paid["state"], paid["paid_fen"], len(paid["refunds"])) == ("in_force", 10_200, 1)
    middle = beijing_day(today + 120 * DAY)
    change = ("--at", middle, "--agent", "A17", "--json")
    ended = run("policy", "cancel", asked["policy"][:12], *change)
    assert (ended["state"], ended["refund_fen"]) == ("in_force", 10_200 - 2_515 - 1_000)
    shown = run("policy", "show", asked["policy"], "--json")
    assert [c["transaction"] for c in shown["changes"]] == ["issue", "cancel"]
    text = run("policy", "show", asked["policy"], "--lang", "en")
    assert "deductible 60, occurrence_limit 5,000.00 yuan" in text
    listed = run("policy", "list", "--json")
    run("begin", "yuyao_plus")
    assert run("policy", "offer", "planned_outage_plus", "--json")["number"] == 1
    wish_ = {**files["wish"], "listing": "planned_outage_plus"}
    wish_["person"] = {**PERSON, "id_number": "91330281MA0000SX01"}
    (tmp_path / "listed.json").write_text(json.dumps(wish_), encoding="utf-8")
    refused = run(
        "policy", "apply", str(tmp_path / "listed.json"), "--agent", "A17", "--json", code=1
    )
    assert (refused["state"], refused["reasons"][0]["code"]) == (
        *("refused", "underwriting.sanctions_id"),
    )
    assert listed["pools"] == {"planned_outage": {"policies": 0, "least": 300, "below": True}}
    back = listed["refused_refunds"]  # the bank knows no such account
    assert {row["code"] for row in back} == {"bank.unknown_account"}
    assert sum(row["amount_fen"] for row in back) == 12_000 - 10_200 + ended["refund_fen"]
    told = run("policy", "list", "--lang", "zh")
    assert "低于最低规模 300" in told
    assert f"payee policy/{asked['policy']}" in told
    assert "被银行拒付" in run("policy", "collect", "--lang", "zh")
    new = ("payee", f"policy/{asked['policy']}", "--account", "6200-NEW", "--name", "示例户名")
    run(*new, code=1)  # who decides, and why, stand on the record
    run(*new, "--person", "Li", "--reason", "a letter with the seal")
    assert run("policy", "list", "--json")["refused_refunds"] == []
    run("audit")
    sold_while_listening(data, {**files["wish"], "person": {**PERSON, "customer": "330281000002"}})


def sold_while_listening(data: Path, wish: dict[str, Any]) -> None:
    """One process listens to the grid, shows the record and takes an application meanwhile."""
    key = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    command = [sys.executable, "-m", "miaopei.cli", "feed"]
    trust = [*command, "trust", "grid.command", "--key", key, "--data", str(data)]
    subprocess.run(trust, check=True, capture_output=True, timeout=500)
    pages = free_port()
    ports = ["--port", str(free_port()), "--pages", str(pages)]
    wish["person"]["id_number"] = "91330281MA00000002"
    wish["since"] = from_beijing(wish["since"])  # the API takes seconds
    with subprocess.Popen(
        [*command, "listen", *ports, "--data", str(data), "--lang", "en"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    ) as listening:  # fmt: skip
        try:
            assert listening.stderr is not None
            assert any(f":{pages}/" in line for line in listening.stderr)
            with httpx.Client(base_url=f"http://127.0.0.1:{pages}", trust_env=False) as client:
                client.timeout = httpx.Timeout(120)
                for path in ("/en/buy", "/en/outages", "/en/invoices", "/en/sources"):
                    assert client.get(path).status_code == 200, path
                keyed = {"Idempotency-Key": "while-listening"}
                took = client.post("/api/v1/applications", json=wish, headers=keyed)
                assert took.status_code == 201, took.text
                assert took.json()["state"] == "accepted"
                again = client.post("/api/v1/applications", json=wish, headers=keyed)
                assert again.json()["id"] == took.json()["id"]
        finally:
            listening.send_signal(signal.SIGINT)
        assert listening.wait(120) == 0
