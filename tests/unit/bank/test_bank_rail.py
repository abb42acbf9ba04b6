"""Our side against banks that say nonsense: whatever is not a clear word is silence."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from miaopei.accounts.rail import Instruction, OutcomeState
from miaopei.adapters.bank_rail import BankRail
from miaopei.adapters.sandbox_bank.starter import RunningBank
from miaopei.errors import OutsideFault

from .conftest import Order

PAY = Instruction("p-1", 100, "a", "b", "text", "e2e")
PAID: dict[str, Any] = {
    "id": "p-1", "state": "executed", "amount_fen": 100, "ref": "R1", "executed_at": 5,
    "code": None,
}  # fmt: skip


def http(body: bytes, status: str = "200 OK", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n\r\n".encode() + body


def answer(*outcomes: dict[str, Any], **more: Any) -> bytes:
    body = {"sandbox": True, "bank": {"zh": "行", "en": "bank"}, "outcomes": list(outcomes)}
    return http(json.dumps({**body, **more}).encode())


def test_a_clear_answer_is_heard(saying: Callable[[bytes], str]) -> None:
    outcome = BankRail(saying(answer(PAID)), timeout=60).ask([PAY.id])[0]
    assert (outcome.state, outcome.ref, outcome.at) == (OutcomeState.EXECUTED, "R1", 5)
    assert outcome.bank == "行 / bank"


def test_a_real_bank_does_not_say_sandbox(saying: Callable[[bytes], str]) -> None:
    assert BankRail(saying(answer(PAID)), timeout=60).ask([PAY.id])[0].sandbox is True
    real = saying(answer(PAID, sandbox=False))
    assert BankRail(real, timeout=60).ask([PAY.id])[0].sandbox is False


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"garbage\r\n\r\n",
        http(b"<html>gateway</html>"),
        http(b"[]"),
        http(b"{}"),
        http(b"[" * 100_000),
        http(b'{"sandbox": true', length=500),
        http(b"{}", "502 Bad Gateway"),
        http(b"{}", "504 Gateway Timeout"),
        http(b"{}", "302 Found"),
        answer(),
        answer(PAID | {"id": "p-2"}),
        answer(PAID, PAID | {"id": "p-2"}),
        answer(PAID, PAID | {"state": "refused", "code": "account_closed"}),
        answer(PAID | {"state": "done"}),
        answer(PAID | {"ref": None}),
        answer(PAID | {"executed_at": None}),
        answer(PAID | {"amount_fen": "100"}),
        answer(PAID | {"amount_fen": 100.0}),
        answer({"id": "p-1", "state": "executed"}),
        answer(PAID | {"state": "refused"}),
        answer(PAID, bank="just a name"),
        answer(PAID).replace(b"Content-Length: ", b"Content-Length: 9"),
    ],
)
def test_whatever_is_not_a_clear_word_is_silence(
    saying: Callable[[bytes], str], said: bytes
) -> None:
    with pytest.raises(OutsideFault) as fault:
        BankRail(saying(said), timeout=60).ask([PAY.id])
    assert fault.value.retry is True


def test_what_the_bank_does_not_accept_from_us_is_not_sent_again(
    saying: Callable[[bytes], str],
) -> None:
    said = http(b'{"problem": "bad_request", "detail": "no"}', "400 Bad Request")
    with pytest.raises(OutsideFault, match="no") as fault:
        BankRail(saying(said), timeout=60).ask([PAY.id])
    assert fault.value.retry is False


def test_the_same_word_said_twice_is_heard_once(saying: Callable[[bytes], str]) -> None:
    assert len(BankRail(saying(answer(PAID, PAID)), timeout=60).ask([PAY.id])) == 1


def test_nobody_there_is_silence(tmp_path: Path) -> None:
    for address in ("http://127.0.0.1:9", f"unix:{tmp_path / 'no.sock'}"):
        with pytest.raises(OutsideFault) as fault:
            BankRail(address, timeout=1).ask(["p-1"])
        assert fault.value.retry is True


def test_a_drip_does_not_hold_the_caller_beyond_its_time() -> None:
    """The answer would take an hour and more; the test itself is given ten minutes."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not ended.wait(0.05):
                try:
                    connection.sendall(b" ")
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        with pytest.raises(OutsideFault) as fault:
            BankRail(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=0.4).ask(["p-1"])
    finally:
        ended.set()
        thread.join()
        listener.close()
    assert fault.value.retry is True


def test_a_proxy_in_the_environment_is_not_used(
    bank: RunningBank, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    paid = BankRail(bank.address, timeout=60).pay([order()])[0]
    assert paid.state is OutcomeState.EXECUTED


def signed(key: Ed25519PrivateKey, kind: str, key_id: str) -> bytes:
    statement = json.dumps({"kind": kind, "id": key_id})
    body = {
        "id": "p-1",
        "statement": statement,
        "signature": key.sign(statement.encode()).hex(),
        "public_key": key.public_key().public_bytes_raw().hex(),
    }
    return http(json.dumps(body).encode())


@pytest.mark.parametrize(
    ("kind", "key_id", "own_key"),
    [("closed_id", "p-1", False), ("closed_id", "p-2", True), ("greeting", "p-1", True)],
)
def test_a_closing_statement_that_does_not_hold_is_not_taken(
    saying: Callable[[bytes], str], kind: str, key_id: str, *, own_key: bool
) -> None:
    banks, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    said = signed(banks if own_key else other, kind, key_id)
    rail = BankRail(saying(said), 60, key=banks.public_key().public_bytes_raw())
    with pytest.raises(OutsideFault) as fault:
        rail.close("p-1")
    assert fault.value.retry is False


def test_a_closing_statement_under_the_known_key_is_taken(saying: Callable[[bytes], str]) -> None:
    banks = Ed25519PrivateKey.generate()
    raw = banks.public_key().public_bytes_raw()
    closed = BankRail(saying(signed(banks, "closed_id", "p-1")), 60, key=raw).close("p-1")
    assert closed.as_json()["key"] == raw.hex()
