"""Meters to money on a live record: broker, listener, concentrators and bank as processes."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from miaopei.adapters.sandbox_grid.starter import start
from tests.unit.meters.conftest import free_port

PEOPLE = ("0571001", "0571002")
CONNECTIONS = "feeder,transformer,customer\nF1,T11,0571001\nF1,T12,0571002\n"
READERS = "concentrator,customer,since\nc1,0571001,\nc2,0571002,2020-01-01T00:00:00+08:00\n"
POLICIES = (
    "policy_number,customer,since,until,premium_yuan,account,name,deductible,occurrence_limit_yuan\n"
    "A-1,0571001,2020-08-01,2099-01-01,120,6200-A1,one,0,5000\n"
)


def until(good: Callable[[], bool], seconds: float = 150.0) -> None:
    end = time.monotonic() + seconds
    while not good():
        assert time.monotonic() < end, "it did not come to be in time"
        time.sleep(0.3)


def text(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def ended(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, f"{out}\n{err}"
    return out


def stop(process: subprocess.Popen[str]) -> None:
    """Whatever came before: with its own servers, and nothing of it left open."""
    with process:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=120)


def test_meters_and_command_agree_and_the_money_is_there(shell: Any, open_folder: Path) -> None:
    data, port, shown = open_folder / "meters", free_port(), free_port()

    def run(*arguments: str) -> str:
        return shell.run(*arguments, "--data", str(data))

    def given(name: str, content: str) -> str:
        path = shell.folder / name
        path.write_text(content, "utf-8")
        return str(path)

    def devices() -> dict[str, Any]:
        return {row["id"]: row for row in json.loads(run("meters", "devices", "--json"))}

    def sources() -> dict[str, Any]:
        return {row["id"]: row for row in json.loads(run("feed", "sources", "--json"))}

    run("begin", "yuyao")
    run("feed", "take", given("connections.csv", CONNECTIONS))
    run("import", given("policies.csv", POLICIES), "--listing", "planned_outage")
    run("meters", "broker", "--init", "--port", str(port))
    with ExitStack() as opening:
        sandbox = opening.enter_context(start("concentrators", open_folder / "concentrators"))
        command = opening.enter_context(start("command", open_folder / "concentrators"))
        clients = open_folder / "clients"
        for name, key in sandbox.keys(["c1", "c2"]).items():
            run("meters", "admit", name, "--key", key, "--into", str(clients))
        run("meters", "bind", given("readers.csv", READERS))
        key = command.about()["public_key"]
        run("feed", "trust", "grid.command", "--key", key, "--url", command.address)
        broker = shell.start("meters", "broker", "--port", str(port), "--data", str(data))
        opening.callback(stop, broker)
        listen = shell.start(
            "feed",
            "listen",
            "--port",
            "0",
            "--silent-after",
            "30",
            "--data",
            str(data),
            "--pages",
            str(shown),
        )
        opening.callback(stop, listen)
        assert listen.stdout is not None
        door = re.search(r"http://\S+?:\d+", listen.stdout.readline())
        assert door is not None
        sandbox.connect(["c1", "c2"], "127.0.0.1", port, clients)
        now = int(time.time())
        cut = now + 30  # the plan is on record by then, however busy the machine is
        plan = {
            "number": "P-1", "revision": 0, "state": "planned", "published_at": text(now),
            "off_planned": text(cut), "on_planned": text(cut), "cause": 1, "feeder": "F1",
            "replaces": [], "scope": {"feeders": ["F1"], "transformers": [], "customers": []},
        }  # fmt: skip
        push = f"{door[0]}/grid/grid.command/messages"
        (answer,) = command.say({"plans": [plan]}, sent_at=text(now), push=push)["answers"]
        assert answer["status"] == 202, answer
        until(lambda: devices()["c1"]["state"] == devices()["c2"]["state"] == "online")
        sandbox.read("c1", [(PEOPLE[0], "off", cut)])
        sandbox.read("c2", [(PEOPLE[1], "off", cut)])
        back = cut // 60 * 60 + 61
        time.sleep(max(back + 1 - time.time(), 0))
        sandbox.misbehave("lose", uses=1)  # one batch is lost on its way, and fetched
        sandbox.read("c1", [(PEOPLE[0], "on", back)])
        sandbox.read("c1", [("0579999", "on", back)])
        sandbox.read("c2", [(PEOPLE[1], "on", back)])
        report = {
            "number": "P-1", "revision": 0, "published_at": text(back + 1), "first_off": None,
            "last_on": text(back), "complete": True, "cause": None, "customers": None,
        }  # fmt: skip
        (answer,) = command.say({"restorations": [report]}, sent_at=text(back), push=push)[
            "answers"
        ]
        assert answer["status"] == 202, answer
        until(lambda: devices()["c1"]["foreign_readings"] == 1)  # of 0579999, whom nobody reads
        until(lambda: "paid 0.005 万元, open 0.000 万元" in run("status"))
        # Each is asked or speaks again, however long the machine took.
        until(lambda: {each["state"] for each in sources().values()} == {"heard"})
        pages = f"http://127.0.0.1:{shown}"
        seen = httpx.get(f"{pages}/api/v1/sources", trust_env=False, timeout=120).json()
        assert {d["id"]: d["state"] for d in seen["devices"]} == {"c1": "online", "c2": "online"}
        assert {x["id"] for x in seen["sources"]} >= {"grid.command", "grid.meter"}
        run("meters", "revoke", "c2")
        until(lambda: devices()["c2"]["state"] == "revoked")
        sandbox.read("c2", [(PEOPLE[1], "off", back)])
        number = sandbox.read("c1", [(PEOPLE[0], "on", back)])
        until(lambda: devices()["c1"]["next"] > number)  # the broker has started again by itself
        assert sandbox.about()["waiting"] == 1, "and lets c2 in no more"
        assert devices()["c2"]["next"] == 3
        sandbox.stop(kill=True)
        until(lambda: devices()["c1"]["state"] == "dead")
        stands = {"grid.meter": "silent", "grid.command": "heard"}
        until(lambda: stands.items() <= {n: each["state"] for n, each in sources().items()}.items())
        page = httpx.get(f"{pages}/en/sources", trust_env=False, timeout=120)
        assert page.status_code == 200
        assert "silent" in page.text
        assert "dead" in page.text
        assert "settled 50.00 yuan" in ended(listen)
        ended(broker)
    run("audit")
    assert shell.processes(data) == []
