"""One process supervises a net, and only it stops the database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from miaopei.adapters.postgres.starter import LocalPostgres
from miaopei.cli.net import supervisor
from miaopei.cli.net.plan import Net, held, put_away
from miaopei.errors import Refused


def test_a_second_supervisor_starts_nothing_and_nobody_stops_the_firsts_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net.json").write_text(json.dumps({"seats": []}))
    net, done = Net.of(tmp_path), list[str]()
    monkeypatch.setattr(LocalPostgres, "start", lambda _: done.append("start"))
    monkeypatch.setattr(LocalPostgres, "stop", lambda _: done.append("stop"))
    monkeypatch.setattr(supervisor, "HELD_SECONDS", 0.1)
    with held(net):
        assert supervisor.main(tmp_path) == supervisor.TAKEN
        put_away(net)
        with pytest.raises(Refused, match=r"net\.is_up"), held(net):
            pass
    assert done == []
    put_away(net)
    assert done == ["stop"]
