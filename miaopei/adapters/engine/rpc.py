"""Asking our own engine, over its unix socket: hand it a parcel, fetch headers and signatures."""

from __future__ import annotations

import base64
import json
import socket
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from ...errors import OutsideFault
from ...node.order.consortium import Sent

SECONDS = 10.0
ALREADY = "tx already exists in cache"
FULL = "mempool is full"
VALIDATORS_PAGE = 100


class _Unix(HTTPConnection):
    """A connection to a unix socket; closed whatever becomes of it."""

    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__("engine", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        """See HTTPConnection."""
        made = socket.socket(socket.AF_UNIX)
        try:
            made.settimeout(self.timeout)
            made.connect(str(self._path))
        except BaseException:
            made.close()
            raise
        self.sock = made


class EngineRpc:
    """One engine. Safe to use from several threads."""

    def __init__(self, path: Path, seconds: float = SECONDS) -> None:
        self._path, self._seconds = path, seconds

    def listens(self) -> bool:
        """Whether it answers, and takes connections of other engines by now."""
        try:
            return bool(self.ask("net_info")["listening"])
        except OutsideFault:
            return False

    def send(self, item: bytes) -> Sent:
        """Queue an item for the next block."""
        try:
            answer = self._post("broadcast_tx_sync", tx=base64.b64encode(item).decode("ascii"))
        except OutsideFault:
            return Sent.AWAY
        if (error := answer.get("error")) is not None:
            said = f"{error.get('message')} {error.get('data')}"
            if ALREADY in said:
                return Sent.THERE
            return Sent.FULL if FULL in said else Sent.AWAY
        code = answer["result"]["code"]
        return Sent.QUEUED if code == 0 else Sent.AWAY

    def there(self) -> bool:
        """Whether anybody answers, good or bad."""
        try:
            self._post("blockchain")
        except OutsideFault:
            return False
        return True

    def ask(self, method: str, **arguments: Any) -> dict[str, Any]:
        """The result of a method.

        Errors   OutsideFault (retry) where the engine does not answer or has no such thing.
        """
        answer = self._post(method, **arguments)
        if (error := answer.get("error")) is not None:
            raise OutsideFault(f"the engine says: {error.get('data') or error}", retry=True)
        result: dict[str, Any] = answer["result"]
        return result

    def voters(self, height: int | None = None) -> list[dict[str, Any]]:
        """Who votes on a block, on the next one where none is named: `key`, raw in hex, `power`.

        Errors   OutsideFault (retry) where the engine does not answer.
        """
        asked = {} if height is None else {"height": str(height)}
        rows = self.ask("validators", page="1", per_page=str(VALIDATORS_PAGE), **asked)
        return [
            {
                "key": base64.b64decode(row["pub_key"]["value"]).hex(),
                "power": int(row["voting_power"]),
            }
            for row in rows["validators"]
        ]

    def _post(self, method: str, **arguments: Any) -> dict[str, Any]:
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": arguments}
        try:
            with closing(_Unix(self._path, self._seconds)) as connection:
                head = {"Content-Type": "application/json"}
                connection.request("POST", "/", json.dumps(asked), head)
                answer: dict[str, Any] = json.loads(connection.getresponse().read())
        except (OSError, HTTPException, ValueError) as error:
            raise OutsideFault(f"the engine does not answer: {error}", retry=True) from error
        return answer
