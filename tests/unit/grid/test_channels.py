"""C-20: one outbox, several channels: whom one does not reach the next tells, and nobody twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from miaopei.adapters.grid.sms import SmsOverHttp
from miaopei.adapters.sandbox_grid.starter import Running, start
from miaopei.cli.outage.listening import _channels
from miaopei.errors import Refused
from miaopei.node.effects.notices import SMS, VOICE, WECHAT, Notifier, confirm, counts
from tests.support import sayings as s
from tests.unit.grid.conftest import Grid, grid

__all__ = ["grid"]
WHO = [f"0571{n:03d}" for n in range(1, 11)]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Running]:
    """Ten customers; the first four have WeChat, all but the last two a phone."""
    with start("sms", tmp_path) as running:
        running.wechat((s.token(each), f"wx-{each}") for each in WHO[:4])
        running.phones((s.token(each), f"139{each:>08}") for each in WHO[:8])
        yield running


def told(grid: Grid, gateway: Running, *channels: str) -> dict[str, int]:
    grid.take(s.message(1, plans=[s.plan(WHO)]))
    notifier = Notifier(grid.town.node, SmsOverHttp(gateway.address, 5.0), channels)
    for _ in range(10):
        notifier.run()
    with grid.town.store.reading() as reading:
        return counts(reading)


def by_channel(gateway: Running) -> dict[str, int]:
    said = gateway.about()
    assert said["sandbox"] is True
    assert "sandbox" in said["name"]["en"]
    return dict(said["channels"])


def test_c20_who_has_no_wechat_gets_a_text_and_who_has_neither_is_undeliverable(
    grid: Grid, gateway: Running
) -> None:
    assert told(grid, gateway, WECHAT, SMS) == {"delivered": 8, "undeliverable": 2}
    assert by_channel(gateway) == {"wechat": 4, "sms": 4, "voice": 0}
    assert Counter(text[0] for text in gateway.texts()) == Counter(map(s.token, WHO[:8]))


def test_c20_what_fails_by_one_channel_goes_by_the_next(grid: Grid, gateway: Running) -> None:
    gateway.misbehave("fail", uses=1)  # the first WeChat message
    assert told(grid, gateway, WECHAT, VOICE, SMS) == {"delivered": 8, "undeliverable": 2}
    assert by_channel(gateway) == {"wechat": 4, "voice": 5, "sms": 0}
    assert sorted(text[2] for text in gateway.texts()) == ["delivered"] * 8 + ["failed"]


def test_c20_the_outcome_goes_on_the_record_whatever_the_channel(
    grid: Grid, gateway: Running
) -> None:
    told(grid, gateway, VOICE)
    assert by_channel(gateway) == {"wechat": 0, "sms": 0, "voice": 8}
    assert confirm(grid.town.node) == 1
    (said,) = grid.town.table("notices").values()
    assert (said["delivered"], said["undeliverable"], said["open"]) == (8, 2, 0)


def test_c20_a_silent_gateway_tells_nobody_twice(grid: Grid, gateway: Running) -> None:
    gateway.misbehave("silent", uses=2)
    assert told(grid, gateway, WECHAT, SMS) == {"delivered": 8, "undeliverable": 2}
    assert {text[3] for text in gateway.texts()} <= {1, 2}
    assert len(gateway.texts()) == 8


def test_without_a_word_of_channels_a_text_is_what_it_was(
    grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway of an operator's own that knows no channel goes on."""
    sent: list[dict[str, str]] = []

    def post(_address: str, *, json: dict[str, list[dict[str, str]]], **_more: object) -> object:
        sent.extend(json["texts"])
        texts = [{"id": text["id"], "state": "accepted"} for text in json["texts"]]
        return httpx.Response(200, json={"texts": texts})

    monkeypatch.setattr(httpx, "post", post)
    grid.take(s.message(1, plans=[s.plan(WHO[:2])]))
    Notifier(grid.town.node, SmsOverHttp("http://gateway")).run()
    assert [set(text) for text in sent] == [{"id", "to", "zh", "en"}] * 2


def test_channels_are_named_in_order_and_unknown_ones_refused() -> None:
    assert _channels("wechat, sms,wechat") == (WECHAT, SMS)
    with pytest.raises(Refused) as refused:
        _channels("sms,pigeon")
    (refusal,) = refused.value.refusals
    assert (refusal.code, refusal.facts["channel"]) == ("cli.no_such_channel", "pigeon")
