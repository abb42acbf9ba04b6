"""The bank as a process: alone on its folder, gone with its starter, safe under SIGKILL."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from random import Random

import pytest

import miaopei
from miaopei.accounts.rail import OutcomeState
from miaopei.adapters.bank_rail import BankRail
from miaopei.adapters.sandbox_bank import starter
from miaopei.adapters.sandbox_bank.books import Books
from miaopei.adapters.sandbox_bank.starter import BankDidNotStart, RunningBank, start
from miaopei.errors import OutsideFault

from .conftest import FUNDS, Order

ROOT = Path(miaopei.__file__).parents[1]


def gone(pid: int) -> bool:
    """Whether a process has ended (one that nobody waited for counts as ended)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 60
    while not gone(pid):
        assert time.monotonic() < deadline, f"process {pid} still runs"
        time.sleep(0.02)


def test_it_is_a_process_of_its_own_that_listens_on_loopback_only(bank: RunningBank) -> None:
    assert bank.pid != os.getpid()
    assert bank.alive
    assert bank.address.startswith("http://127.0.0.1:")
    about = bank.control.about()
    assert about["sandbox"] is True
    assert "沙箱" in about["bank"]["zh"]
    assert "sandbox" in about["bank"]["en"]
    bank.stop()
    assert gone(bank.pid)


def test_it_shares_no_code_with_the_house() -> None:
    folder = ROOT / "miaopei" / "adapters" / "sandbox_bank"
    for path in folder.rglob("*.py"):
        depth = len(path.relative_to(folder).parts)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.level <= depth, f"{path.name} imports from outside its folder"
                assert not (node.level == 0 and (node.module or "").startswith("miaopei"))
            if isinstance(node, ast.Import):
                assert not any(name.name.startswith("miaopei") for name in node.names)
    ours = (ROOT / "miaopei" / "adapters" / "iso20022").glob("*.py")
    for path in (ROOT / "miaopei" / "adapters" / "bank_rail.py", *ours):
        text = path.read_text("utf-8")
        assert "sandbox_bank" not in text, f"{path.name} knows the sandbox bank"


def test_a_unix_socket_serves_as_well_and_is_the_owners_alone(tmp_path: Path, order: Order) -> None:
    path = tmp_path / "bank.sock"
    accounts = [("insurer", "i", 500), ("house-1", "h", 0)]
    bank = start(tmp_path / "b", socket=path, accounts=accounts)
    assert bank.address == f"unix:{path}"
    assert path.stat().st_mode & 0o077 == 0
    rail = BankRail(bank.address, timeout=60)
    assert rail.pay([order(500)])[0].state is OutcomeState.EXECUTED
    bank.kill()
    with pytest.raises(OutsideFault):
        rail.statement("insurer")
    with bank.again() as back:
        assert back.address == bank.address
        assert rail.statement("house-1").balance_fen == 500


def test_two_banks_do_not_share_a_folder(bank: RunningBank) -> None:
    with pytest.raises(BankDidNotStart, match="already runs"):
        start(bank.data)


def test_a_bad_rule_on_the_command_line_is_said(tmp_path: Path) -> None:
    with pytest.raises(BankDidNotStart, match="misbehave"):
        start(tmp_path / "b", misbehave=[{"what": "dance"}])


def test_rules_may_be_given_at_the_start_and_survive_a_kill(tmp_path: Path) -> None:
    bank = start(tmp_path / "b", misbehave=[{"what": "refuse", "calls": 7}])
    bank.kill()
    with bank.again() as back:
        assert [rule["calls"] for rule in back.control.rules()] == [7]


def test_the_key_and_what_was_closed_survive_a_kill(bank: RunningBank) -> None:
    rail = BankRail(bank.address, timeout=60)
    closed = rail.close("never-sent")
    assert (bank.data / "bank.key").stat().st_mode & 0o077 == 0
    bank.kill()
    with bank.again() as back:
        assert BankRail(back.address, timeout=60).close("never-sent") == closed


PARENT = """
import sys, time
from pathlib import Path
from miaopei.adapters.sandbox_bank.books import Books
from miaopei.adapters.sandbox_bank.starter import start
print(start(Path(sys.argv[1]), stays=sys.argv[2] == "stays").pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("mode", ["ends", "stays"])
def test_it_ends_with_its_starter_unless_it_stays(tmp_path: Path, mode: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), mode],
        stdout=subprocess.PIPE, env=environment, cwd=tmp_path,
    ) as parent:  # fmt: skip
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    if mode == "ends":
        wait_until_gone(pid)
    else:
        time.sleep(0.3)
        stayed = not gone(pid)
        os.kill(pid, signal.SIGTERM)
        assert stayed
        wait_until_gone(pid)


def test_it_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    with start(Path("relative")) as bank:
        assert bank.control.about()["sandbox"] is True


def test_killed_at_any_moment_it_has_paid_exactly_what_it_says(
    bank: RunningBank, order: Order
) -> None:
    random, sent, answered = Random(20150820), list[str](), set[str]()

    def pay(address: str) -> None:
        rail = BankRail(address, timeout=60)
        while True:
            batch = [order(1) for _ in range(40)]
            sent.extend(i.id for i in batch)
            try:
                outcomes = rail.pay(batch)
            except OutsideFault:
                return
            answered.update(o.id for o in outcomes if o.state is OutcomeState.EXECUTED)

    running = bank
    for attempt in range(100):
        if attempt >= 10 and answered:
            break  # a busy machine may need more, and longer ones, until one is answered
        threads = [threading.Thread(target=pay, args=(running.address,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        time.sleep(random.uniform(0.005, 0.12) * (1 + attempt // 10))
        running.kill()
        for thread in threads:
            thread.join()
        running = running.again()
    with running:
        rail = BankRail(running.address, timeout=60)
        held = set[str]()
        for first in range(0, len(sent), 4_000):
            outcomes = rail.ask(sent[first : first + 4_000])
            held |= {o.id for o in outcomes if o.state is OutcomeState.EXECUTED}
            assert {o.state for o in outcomes} <= {OutcomeState.EXECUTED, OutcomeState.UNKNOWN}
        assert answered <= held, "what was answered as paid is paid"
        assert rail.statement("insurer").balance_fen == FUNDS - len(held)
        assert rail.statement("house-1").balance_fen == len(held)
        assert len(answered) > 0


def test_every_commit_is_brought_to_disk(tmp_path: Path) -> None:
    # SIGKILL cannot show this; loss of power would.
    books = Books(tmp_path / "bank.sqlite3")
    with closing(books.store) as store:
        assert store.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert store.execute("PRAGMA synchronous").fetchone() == (2,), "2 is FULL"


def test_every_answer_says_sandbox_also_to_nonsense(bank: RunningBank) -> None:
    host, port = bank.address.removeprefix("http://").split(":")

    def raw(request: str) -> tuple[int, dict[str, object]]:
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(request.encode())
            connection.shutdown(socket.SHUT_WR)
            said = b""
            while part := connection.recv(65536):
                said += part
        head, _, body = said.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)

    json_head, wrong = "Content-Type: application/json\r\n", '{"ids":4}'
    xml_head = "Content-Type: application/xml\r\n"
    for request, status in (
        ("GET /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404),
        ("GET /payments HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        ("BREW / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 501),
        ("POST /payments HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 415),
        (f"POST /payments HTTP/1.1\r\n{json_head}Content-Length: 2\r\n\r\n{{}}", 415),
        (f"POST /payments HTTP/1.1\r\n{xml_head}Content-Length: 4\r\n\r\n<a/>", 400),
        (f"POST /payments HTTP/1.1\r\n{xml_head}Content-Length: 3\r\n\r\n{{]]", 400),
        (f"POST /payments HTTP/1.1\r\n{xml_head}Content-Length: 99999999999\r\n\r\n", 413),
        (f"POST /payments HTTP/1.1\r\n{xml_head}\r\n", 413),
        (f"POST /payments/ask HTTP/1.1\r\n{json_head}Content-Length: 3\r\n\r\n{{]]", 400),
        ("GET /accounts/insurer/statement?after=-1 HTTP/1.1\r\n\r\n", 400),
        (f"POST /control/release HTTP/1.1\r\n{json_head}Content-Length: 9\r\n\r\n{wrong}", 400),
        ("nonsense\r\n\r\n", 400),
    ):  # fmt: skip
        got, body = raw(request)
        assert (got, body["sandbox"]) == (status, True), request
        assert body["problem"]
        assert body["detail"]
    assert bank.alive


def test_the_examples_of_the_specification_work_as_printed(bank: RunningBank) -> None:
    page = (ROOT / "docs" / "specs" / "bank.md").read_text("utf-8")
    examples = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    calls = [line for block in examples for line in _commands(block) if line.startswith("curl")]
    assert len(calls) >= 8
    for call in calls:
        answer = _curl(bank.address, call)
        assert answer["sandbox"] is True
        assert "problem" not in answer, f"{call}: {answer}"


def _curl(address: str, call: str) -> dict[str, object]:
    """Do what a printed curl line does, so that the test needs no curl."""
    words = shlex.split(call)
    path = next(word for word in words if word.startswith("$BANK")).removeprefix("$BANK")
    body = words[words.index("--json") + 1].encode() if "--json" in words else None
    method = words[words.index("-X") + 1] if "-X" in words else "POST" if body else "GET"
    host, port = address.removeprefix("http://").split(":")
    with closing(HTTPConnection(host, int(port), timeout=60)) as connection:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        with connection.getresponse() as response:
            answer: dict[str, object] = json.loads(response.read())
    return answer


def _commands(block: str) -> list[str]:
    return block.replace("\\\n", " ").splitlines()


def test_the_starter_names_the_module_that_runs() -> None:
    assert starter.MODULE == "miaopei.adapters.sandbox_bank"
