"""Bad days: no record yet, a database that is away, a fault of our own; said without its inside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import anyio
import httpx
import pytest

from miaopei import portal
from miaopei.adapters.memory_store import MemoryStore
from miaopei.errors import OutsideFault, RecordDamaged, Refusal, Refused
from miaopei.node.ports import Reading

SECRET = "a line of the inside"


class Away:
    """A store that cannot be read, each time for the same reason."""

    def __init__(self, reason: Exception) -> None:
        self.reason = reason

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Never gives a snapshot."""
        raise self.reason
        yield


class Opens:
    """The form of `Away.reading` that the port asks for."""

    def __init__(self, away: Away) -> None:
        self.away = away

    def reading(self) -> AbstractContextManager[Reading]:
        """As the store behind it."""
        return self.away.reading()


def asked(store: portal.Snapshots, path: str) -> httpx.Response:
    """One answer, without a server; faults are answered, not raised."""
    transport = httpx.ASGITransport(portal.app(store), raise_app_exceptions=False)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get(path)

    return anyio.run(ask)


@pytest.mark.parametrize("path", ["/zh/", "/en/record", "/en/verify", "/zh/accounts"])
def test_without_a_record_the_pages_say_what_to_do(path: str) -> None:
    answer = asked(MemoryStore(), path)
    assert answer.status_code == 503
    assert "miaopei demo" in answer.text
    assert "这里还没有记录" in answer.text
    assert "no record here yet" in answer.text


def test_without_a_record_the_api_says_the_same() -> None:
    answer = asked(MemoryStore(), "/api/v1/record")
    assert answer.status_code == 503
    assert answer.json()["code"] == "portal.no_record"


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        (OutsideFault(SECRET, retry=True), 503),
        (RecordDamaged(SECRET), 500),
        (RuntimeError(SECRET), 500),
    ],
)
def test_a_fault_is_told_without_its_inside(reason: Exception, status: int) -> None:
    for path in ("/zh/", "/api/v1/record", "/log/checkpoint", "/api/v1/health"):
        answer = asked(Opens(Away(reason)), path)
        assert answer.status_code == status, path
        assert SECRET not in answer.text
        assert "Traceback" not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"
    if status == 503:
        assert asked(Opens(Away(reason)), "/zh/").headers["retry-after"]


@pytest.mark.parametrize("code", ["net.busy", "net.too_fast"])
def test_a_busy_member_says_when_to_come_again(code: str) -> None:
    facts = {"bytes": 2_000_000, "limit": 2_000_000, "member": "cloud", "seconds": 7}
    busy = Refused(Refusal(code, facts))
    answer = asked(Opens(Away(busy)), "/api/v1/record")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (told["code"], told["problems"][0]["facts"]["seconds"]) == (code, 7)
    assert "7" in told["detail"]


def test_the_style_is_there_whatever_happens() -> None:
    assert asked(Opens(Away(RuntimeError())), "/static/style.css").status_code == 200
