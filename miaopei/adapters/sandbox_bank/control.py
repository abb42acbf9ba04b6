"""The control side of a running sandbox bank: accounts, and how to make it lie.

It speaks HTTP by itself: the bank's side shares nothing with the adapter that pays through it.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

A_CALL = 5_000


class ControlRefused(ValueError):
    """The bank did not understand what it was told."""


@dataclass(frozen=True)
class BankControl:
    """Tells the bank at an address ("http://127.0.0.1:PORT" or "unix:PATH") what to do."""

    address: str
    timeout: float = 10.0

    def about(self) -> dict[str, Any]:
        """Who answers there."""
        return self._call("GET", "/")

    def open_accounts(self, accounts: Iterable[tuple[str, str, int]]) -> None:
        """Open accounts: (number, name, opening balance in fen). Repeating it changes nothing."""
        rows = [{"number": n, "name": name, "balance_fen": fen} for n, name, fen in accounts]
        for start in range(0, len(rows), A_CALL):
            self._call("POST", "/control/accounts", {"accounts": rows[start : start + A_CALL]})

    def deposit(self, number: str, amount_fen: int) -> None:
        """Put money into an account, from nowhere."""
        self._call("POST", "/control/account", {"number": number, "deposit_fen": amount_fen})

    def pay_in(
        self,
        number: str,
        amount_fen: int,
        reference: str,
        *,
        payer: str | None = None,
        end_to_end_id: str = "NOTPROVIDED",
    ) -> None:
        """A customer pays into an account, from the account `payer` or from another bank."""
        asked = {"number": number, "amount_fen": amount_fen, "reference": reference}
        asked |= {"payer": payer, "end_to_end_id": end_to_end_id}
        self._call("POST", "/control/pay-in", asked)

    def set_open(self, number: str, *, is_open: bool) -> None:
        """Close an account, or open it again."""
        self._call("POST", "/control/account", {"number": number, "open": is_open})

    def misbehave(self, what: str, **rule: str | float | None) -> list[dict[str, Any]]:
        """Add a rule (docs/specs/bank.md lists them); answers with the rules that are left."""
        rules: list[dict[str, Any]] = self._call("POST", "/control/script", {"what": what, **rule})[
            "rules"
        ]
        return rules

    def rules(self) -> list[dict[str, Any]]:
        """The rules that are left."""
        rules: list[dict[str, Any]] = self._call("GET", "/control/script")["rules"]
        return rules

    def behave(self) -> None:
        """Forget every rule."""
        self._call("DELETE", "/control/script")

    def release(self, ids: Sequence[str] | None = None, refuse: str | None = None) -> int:
        """Decide pending payments now (all, or those named); how many there were."""
        asked = {"ids": None if ids is None else list(ids), "code": refuse}
        return len(self._call("POST", "/control/release", asked)["outcomes"])

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        connection = connect(self.address, self.timeout)
        try:
            data = None if body is None else json.dumps(body).encode()
            connection.request(method, path, data, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        finally:
            connection.close()
        if response.status != http.HTTPStatus.OK:
            raise ControlRefused(f"{answer.get('problem')}: {answer.get('detail')}")
        return answer


def connect(address: str, timeout: float) -> http.client.HTTPConnection:
    """A connection, not opened yet, to a port of loopback or a unix socket."""
    if address.startswith("unix:"):
        return _SocketConnection(address.removeprefix("unix:"), timeout)
    url = urlsplit(address)
    return http.client.HTTPConnection(url.hostname or "", url.port, timeout=timeout)


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Over the socket file instead of the network."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
