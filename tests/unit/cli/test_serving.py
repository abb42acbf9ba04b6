"""`serve` on a record that sells: what its duties meet is told on pages and to programs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

import httpx
import pytest

from miaopei import portal
from miaopei.accounts.rail import Credits
from miaopei.cli.buying import serving as shops
from miaopei.cli.place import Place
from miaopei.errors import RecordDamaged, Refusal, Refused
from miaopei.errors.texts import table
from miaopei.node.selling.shop import Shop
from miaopei.wiring import join
from tests.support.portals import serving
from tests.support.selling import Market

PATIENCE = 60.0


class Counter:
    """The bank's statement: says what it is told to say."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.asked = 0

    def credits(self, account: str, after: int) -> Credits:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return Credits((), after)


class Open:
    """A shop that is served, its bank, and what was said."""

    def __init__(self, market: Market, bank: Counter, client: httpx.Client) -> None:
        self.market, self.bank, self.client = market, bank, client
        self.rounds: Any = None

    def health(self) -> dict[str, Any]:
        return dict(self.client.get("/api/v1/health").json())

    def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE
        while not holds(found := self.health()):
            assert time.monotonic() < end, found
            time.sleep(0.02)
        return found

    def apply(self, key: str) -> httpx.Response:
        wanted = self.market.wanted()
        body = {
            "listing": wanted.listing,
            "since": wanted.since,
            "declared": dict(wanted.declared),
            "facts": dict(wanted.facts),
            "person": dict(wanted.person),
            "feeder": wanted.feeder,
        }
        return self.client.post("/api/v1/applications", json=body, headers={"Idempotency-Key": key})


@contextmanager
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    monkeypatch.setattr(shops, "EVERY", 0.01)
    market, bank = Market(), Counter()
    now, desk = market.town.node.time(), market.desk
    monkeypatch.setattr(shops, "system_clock", lambda: now)
    monkeypatch.setattr(shops.doing, "shop_of", lambda *_: Shop(desk, RLock()))
    member = join(market.town.store, market.town.node.identity, lambda: now, incoming=bank)
    with shops.open_shop(Place(tmp_path, None), member, "en") as shop:
        settings = portal.Settings(bank="sandbox", **shop.settings)
        with serving(portal.app(market.town.store, settings)) as client:
            there = Open(market, bank, client)
            there.rounds = shop.rounds
            yield there


def test_a_refused_duty_is_shown_the_rest_goes_on_and_it_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened(tmp_path, monkeypatch) as there:
        there.bank.error = Refused(Refusal("act.credit_of_nobody_here", {}))
        found = there.until(lambda health: bool(health["undone"]))
        assert found["status"] == "ok"
        assert found["undone"] == [{"duty": "collect", "code": "act.credit_of_nobody_here"}]
        page = there.client.get("/en/record").text
        assert "collect premiums at the bank" in page
        assert "act.credit_of_nobody_here" in page
        assert there.apply("while-refused").status_code == 201
        asked = there.bank.asked
        there.bank.error = None
        there.until(lambda health: not health["undone"])
        assert there.bank.asked > asked
        assert "collect premiums at the bank" not in there.client.get("/en/record").text
    said = capsys.readouterr().err
    assert said.count("Not done this round: collect premiums at the bank") == 1
    assert said.count("Done again: collect premiums at the bank") == 1


def test_an_alarm_stops_the_duties_and_the_shop_and_is_said_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RecordDamaged), opened(tmp_path, monkeypatch) as there:
        there.until(lambda health: there.bank.asked > 0)
        before = there.client.get("/en/")
        assert "Stopped" not in before.text
        there.bank.error = RecordDamaged("bytes are not what their digest says")
        found = there.until(lambda health: health["status"] == "stopped")
        assert found["undone"] == [{"duty": "collect", "code": "alarm.record_damaged"}]
        asked = there.bank.asked
        marked = {"If-None-Match": before.headers["etag"]}
        for path, word in (("/en/", "An alarm was raised here"), ("/zh/", "本处发出警报")):
            page = there.client.get(path, headers=marked)
            assert page.status_code == 200  # not the page that stood before the alarm
            assert word in page.text
        assert "stopped" in there.client.get("/api/v1/record").headers["Miaopei-Marks"]
        refused = there.apply("after-the-alarm")
        assert refused.status_code == 503
        assert "selling.stopped" in json.dumps(refused.json())
        assert there.bank.asked == asked
    assert capsys.readouterr().err.count("alarm.record_damaged") == 1


def test_a_fault_of_ours_ends_the_process_with_a_line_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ZeroDivisionError), opened(tmp_path, monkeypatch) as there:
        ended: list[BaseException] = []
        there.rounds.failed = ended.append
        there.bank.error = ZeroDivisionError("integer division")
        there.rounds.join(PATIENCE)
        assert not there.rounds.is_alive()
        assert [type(error) for error in ended] == [ZeroDivisionError]
        assert there.health()["status"] == "stopped"
    assert "A fault of this program (ZeroDivisionError)" in capsys.readouterr().err


def test_every_duty_of_a_member_has_its_name_in_both_languages() -> None:
    market = Market()
    member = join(market.town.store, market.town.node.identity, incoming=Counter())
    names = [name for name, _ in member.duties()]
    assert names[:3] == ["forget", "rewrap", "collect"]
    for name in (
        *names,
        "pay",
        "time",
        "fetch",
        "keys",
        "open",
        "grant",
        "ask",
        "meters",
        "notify",
        "confirm",
    ):
        assert set(table("duties")[f"name_{name}"]) == {"zh", "en"}
