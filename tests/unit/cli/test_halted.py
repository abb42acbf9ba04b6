"""Where no block can come nobody is asked to sign: it would be on the record at a time that nobody
has chosen, and whoever said it waited for minutes without a word.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from miaopei.cli.net import control
from miaopei.cli.net.granting import doing
from miaopei.cli.net.life import deciding
from miaopei.cli.net.plan import Net
from miaopei.cli.net.watching import last_words
from miaopei.errors import OutsideFault, Refused

MEMBERS = ("a", "b", "c", "d")
NUMBER = "ab" * 32
READS = ("status", "waiting", "held")
SHOWN = {"as_json": False, "language": "en"}
COMMANDS: dict[str, Callable[[Net], Any]] = {
    "pause": lambda net: deciding.pause(net, "power", "why", "Li", ("a", "b"), resume=False),
    "resume": lambda net: deciding.pause(net, "power", "why", "Li", ("a", "b"), resume=True),
    "agree": lambda net: deciding.agree(net, "a", NUMBER),
    "reopen": lambda net: deciding.reopen(net, "", "a"),
    "grant": lambda net: doing.grant(net, "a", "b", ["power"], "audit", "2030-01-01", **SHOWN),
    "end_grant": lambda net: doing.end_grant(net, "a", "b", ["power"], "audit", **SHOWN),
}


@pytest.fixture
def net(tmp_path: Path) -> Net:
    seats = [{"id": m, "zh": m, "en": m, "engine": f"{m}:1", "blobs": f"{m}:2"} for m in MEMBERS]
    (tmp_path / "net.json").write_text(json.dumps({"seats": seats}))
    return Net.of(tmp_path)


def answers(asked: list[str], up: tuple[str, ...], at: Path, word: str, **_: Any) -> Any:
    """What a member says; who is down says nothing."""
    if at.name not in up:
        raise OutsideFault(f"{at.name} does not answer", retry=True)
    asked.append(word)
    seats = [{"member": m, "power": 1, "roles": ["decider"]} for m in MEMBERS]
    waits = {"name": NUMBER, "what": "power", "kind": "list_product"}
    told = {
        "status": {"height": 7, "time": 7, "seats": seats, "member": at.name},
        "waiting": [waits],
        "held": [{"trigger": NUMBER, "case": "power"}],
    }
    if word not in told:
        raise OutsideFault("sent", retry=True)
    return told[word]


@pytest.mark.parametrize("command", COMMANDS)
def test_too_few_are_named_and_nothing_is_sent(
    command: str, net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[str]()
    monkeypatch.setattr(control, "call", partial(answers, asked, ("a", "b")))
    with pytest.raises(Refused) as refused:
        COMMANDS[command](net)
    (said,) = refused.value.refusals
    assert (said.code, said.facts["members"]) == ("net.too_few_up", "c, d")
    assert set(asked) <= set(READS)


@pytest.mark.parametrize("command", COMMANDS)
def test_with_enough_it_is_sent(command: str, net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[str]()
    monkeypatch.setattr(control, "call", partial(answers, asked, ("a", "b", "c")))
    with pytest.raises(OutsideFault, match="sent"):
        COMMANDS[command](net)
    assert set(asked) - set(READS)


def test_of_who_was_frozen_or_ended_by_a_command_no_line_of_its_log_is_told(net: Net) -> None:
    """That line is an old one, of another thing: it is not why."""
    (net.at("a")).mkdir(parents=True)
    (net.at("a") / "engine.log").write_text("Stopping peer for error\n")
    words = last_words(net, "a", {"wanted": True})
    assert words is not None
    assert words.said == "Stopping peer for error"
    assert last_words(net, "a", {"wanted": True, "cut": True}) is None
    assert last_words(net, "a", {"wanted": False}) is None
