"""A sandbox bank in a process of its own, and our rail to it."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from miaopei.accounts.rail import Instruction
from miaopei.adapters.bank_rail import BankRail
from miaopei.adapters.sandbox_bank.starter import RunningBank, start

FUNDS = 10_000_000_000
ACCOUNTS = [("insurer", "made-up insurer", FUNDS), ("poor", "made-up, poor", 100)]
ACCOUNTS += [(f"house-{n}", f"made-up household {n}", 0) for n in range(1000)]

Order = Callable[..., Instruction]


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[RunningBank]:
    """A bank of this test alone, gone at its end."""
    with start(tmp_path / "bank", accounts=ACCOUNTS) as running:
        yield running


@pytest.fixture(scope="module")
def shared_bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBank]:
    """One bank for the tests of a module that do not make it lie."""
    with start(tmp_path_factory.mktemp("bank"), accounts=ACCOUNTS) as running:
        yield running


@pytest.fixture
def rail(bank: RunningBank) -> BankRail:
    """Our side of `bank`."""
    return BankRail(bank.address, timeout=60)


@pytest.fixture(scope="session")
def order() -> Order:
    """Makes instructions with fresh ids."""
    numbers = count(1)

    def make(
        fen: int = 1_000,
        *,
        key: str | None = None,
        debtor: str = "insurer",
        creditor: str = "house-1",
        currency: str = "CNY",
    ) -> Instruction:
        name = key or f"payout-{next(numbers)}-1"
        return Instruction(name, fen, debtor, creditor, "地震指数保险赔款", f"e2e-{name}",
                           currency=currency)  # fmt: skip

    return make


@pytest.fixture
def saying() -> Iterator[Callable[[bytes | Callable[[bytes], bytes]], str]]:
    """Gives the address of a server that says the same bytes, or what a function makes of a call.

    The function is given the whole call, head and body.
    """
    servers: list[socket.socket] = []

    def heard(connection: socket.socket) -> bytes:
        call = connection.recv(65536)
        length = re.search(rb"Content-Length: (\d+)", call)
        while length and len(call.partition(b"\r\n\r\n")[2]) < int(length[1]):
            call += connection.recv(65536)
        return call

    def serve(listener: socket.socket, answer: bytes | Callable[[bytes], bytes]) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                call = heard(connection)
                connection.sendall(answer if isinstance(answer, bytes) else answer(call))

    def make(answer: bytes | Callable[[bytes], bytes]) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        servers.append(listener)
        threading.Thread(target=serve, args=(listener, answer), daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield make
    for listener in servers:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
