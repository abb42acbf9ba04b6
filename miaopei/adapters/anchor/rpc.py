"""Speaking to a node of an EVM chain: JSON-RPC 2.0 over HTTP, one call or many at once.

Silence, nonsense and half an answer are one thing: OutsideFault(retry=True). A clear no of the node
is `Said`. Source: Ethereum JSON-RPC specification (execution-apis).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import httpx

from ...errors import OutsideFault

AT_ONCE = 100
SECONDS = 10.0


class Said(Exception):
    """The node's no to a call, with its reason and data."""

    def __init__(self, message: str, data: str) -> None:
        self.message, self.data = message, data
        super().__init__(message)


class Rpc:
    """One node at an http(s) address."""

    def __init__(self, address: str, timeout: float = SECONDS) -> None:
        self._address = address
        self._client = httpx.Client(timeout=timeout, trust_env=False)

    def close(self) -> None:
        """Put the connection away."""
        self._client.close()

    def call(self, method: str, *arguments: Any) -> Any:
        """What a node answers.

        Errors   OutsideFault; Said.
        """
        (answer,) = self._ask([(method, arguments)])
        return _result(answer)

    def many(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> Iterator[Any]:
        """The answers to many calls, in their order.

        Errors   OutsideFault; Said for the first no.
        """
        for start in range(0, len(calls), AT_ONCE):
            yield from map(_result, self._ask(calls[start : start + AT_ONCE]))

    def _ask(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[dict[str, Any]]:
        asked: list[dict[str, Any]] = [
            {"jsonrpc": "2.0", "id": at, "method": method, "params": list(arguments)}
            for at, (method, arguments) in enumerate(calls)
        ]
        try:
            answer = self._client.post(self._address, json=asked if len(asked) > 1 else asked[0])
            answer.raise_for_status()
            said = answer.json()
            by_id = {one["id"]: one for one in (said if isinstance(said, list) else [said])}
            return [by_id[at] for at in range(len(asked))]
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
            named = type(error).__name__
            raise OutsideFault(f"the chain does not answer: {named}", retry=True) from error


def number(told: Any) -> int:
    """A quantity as nodes write it.

    Errors   OutsideFault where it is none.
    """
    try:
        return int(told, 16)
    except (TypeError, ValueError) as error:
        raise OutsideFault(f"the chain tells no number: {str(told)[:40]}", retry=True) from error


def raw(told: Any) -> bytes:
    """Bytes as nodes write them.

    Errors   OutsideFault where they are none.
    """
    try:
        return bytes.fromhex(told.removeprefix("0x"))
    except (AttributeError, ValueError) as error:
        raise OutsideFault(f"the chain tells no bytes: {str(told)[:40]}", retry=True) from error


def _result(answer: dict[str, Any]) -> Any:
    error = answer.get("error")
    if error is None:
        if "result" not in answer:
            raise OutsideFault("the chain answers neither with a result nor a no", retry=True)
        return answer["result"]
    data = error.get("data") if isinstance(error, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    raise Said(str(message)[:200], data if isinstance(data, str) else "")
