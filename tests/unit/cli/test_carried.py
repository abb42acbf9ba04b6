"""What a member that lost its engine's key has another send for it, on a machine of its own."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from miaopei.acts.envelope import from_json
from miaopei.acts.freshness import BY_HAND, LONGEST
from miaopei.cli.net.keep import anew
from miaopei.cli.net.own import acting, making
from miaopei.cli.net.plan import Part
from miaopei.errors import Refused
from miaopei.measures.identity import content_id
from miaopei.node.order.convening import Founding
from miaopei.wiring import system_clock


def test_its_act_is_written_once_and_taken_for_sent_the_second_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = making.Where("a.example:1", "a.example:2", server="host=nowhere.example")
    making.init(tmp_path / "a", Part("a", "a", "a", ("decider",)), 1, where)
    net, said, keys = making.of(tmp_path / "a"), Founding({"v": 1}), {"engine": "ab" * 32}
    with pytest.raises(Refused) as refused:
        anew._hand_out(net, "a", said, keys)
    (refusal,) = refused.value.refusals
    path = net.folder / "carry.json"
    assert (refusal.code, refusal.facts["path"]) == ("net.to_be_carried", str(path))
    act, endless = (from_json(each) for each in json.loads(path.read_text("utf-8")))
    assert act.signed_well
    assert endless.signed_well
    assert act.id != endless.id  # else who sees the file could have one refused, and so both
    assert endless.until is None
    assert act.until is not None
    away = act.until - system_clock()
    assert BY_HAND - 3_600 < away <= BY_HAND < LONGEST
    assert (act.kind, act.by, act.body) == ("rotate_keys", "a", {"keys": keys})
    assert act.chain == content_id("chain", said.genesis)
    handed = list[Any]()
    monkeypatch.setattr(acting.control, "call", lambda *_, acts, **__: handed.extend(acts))
    assert acting.carry(net, path) == act.as_json()  # whoever carries it hands over both forms
    assert handed == [act.as_json(), endless.as_json()]
    other = tmp_path / "other.json"
    for none in ([], [act.as_json(), {**act.as_json(), "body": {}}]):  # nothing, or two wishes
        other.write_text(json.dumps(none), "utf-8")
        with pytest.raises(Refused) as refused:
            acting.carry(net, other)
        assert refused.value.refusals[0].code == "net.no_act_there"
    taken = anew._hand_out(net, "a", said, keys)  # the file stays, for who has not sent it yet
    assert taken == path
    assert json.loads(path.read_bytes()) == [act.as_json(), endless.as_json()]
    path.unlink()  # it was refused: another act for the same keys, when its reason is over
    time.sleep(1.1)  # acts are told apart by the second
    with pytest.raises(Refused):
        anew._hand_out(net, "a", said, keys)
    once_more = from_json(json.loads(path.read_bytes())[0])
    assert (once_more.body, once_more.id != act.id) == (act.body, True)
    with pytest.raises(Refused):  # other keys, another act
        anew._hand_out(net, "a", said, {"engine": "cd" * 32})
    assert json.loads(path.read_bytes())[0]["body"]["keys"] == {"engine": "cd" * 32}
