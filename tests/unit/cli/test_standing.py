"""What `net status` and `member status` say below the rows: whether it goes on, and what to do."""

from __future__ import annotations

import io
import json
import shlex
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from miaopei.adapters.engine import install
from miaopei.adapters.postgres.starter import LocalPostgres
from miaopei.cli.main import main
from miaopei.cli.net import control, running, watching
from miaopei.cli.net.plan import Net
from miaopei.cli.net.shown.standing import below, rows_of
from miaopei.cli.net.watching import Row, Standing
from miaopei.errors import OutsideFault, Refusal
from miaopei.settings import Language

MEMBERS = ("a", "b", "c", "d")
OWN = {"member": "a", "engine": "h:1", "blobs": "h:2"}


def folder(at: Path, **more: Any) -> Path:
    """The folder of a net, or of one member of it."""
    seats = [{"id": m, "zh": m, "en": m, "engine": f"{m}:1", "blobs": f"{m}:2"} for m in MEMBERS]
    (at / "net.json").write_text(json.dumps({"seats": seats, **more}))
    return at


def row(member: str, verdict: str, height: int | None = 7) -> Row:
    up = height is not None
    return Row(
        member, member, member, (), 1, up, height, None, None, None, None, None, 0, None, verdict,
        None, None,
    )  # fmt: skip


def said(
    at: Path,
    verdicts: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    up: bool = True,
) -> str:
    """What the status says of members that stand so."""
    rows = [row(m, verdicts.get(m, "agrees"), 7 if up else None) for m in MEMBERS]
    monkeypatch.setattr(running, "standing", lambda _: Standing(tuple(rows), None, False))
    monkeypatch.setattr(control, "there", lambda _: up)
    assert running.status(at, as_json=False, language="en") == 1
    return capsys.readouterr().out


def test_a_net_that_is_not_started_says_how_to_start_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (whole := tmp_path / "a net").mkdir()
    down = dict.fromkeys(MEMBERS, "down")
    told = said(folder(whole), down, capsys, monkeypatch, up=False)
    assert f"Not running. Start it: miaopei net up {shlex.quote(str(whole))}" in told
    assert "until members come back" not in told
    told = said(folder(whole, own=OWN), down, capsys, monkeypatch, up=False)
    assert f"miaopei member up {shlex.quote(str(whole))}" in told


def test_a_record_for_want_of_members_is_halted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That it stands would read as if it held."""
    told = said(folder(tmp_path), {"b": "down", "c": "down"}, capsys, monkeypatch)
    assert "the record is halted until members come back" in told


@pytest.mark.parametrize(
    ("language", "why"), [("en", "answers too slowly"), ("zh", "应答过慢或时断时续")]
)
def test_what_is_refused_a_member_is_said_in_a_sentence_below_and_in_no_row(
    language: Language, why: str, tmp_path: Path
) -> None:
    """It read: agrees: net.slow_peer {'member': 'cloud'}."""
    refused = replace(
        row("a", "agrees"),
        trouble="net.slow_peer {'member': 'cloud'}",
        refusals=({"code": "net.slow_peer", "facts": {"member": "cloud"}},),
    )
    alarm = replace(refused, verdict="alarm", trouble="alarm: the books do not balance")
    found = Standing((refused, row("b", "agrees")), None, goes_on=True)
    (told, _) = below(Net.of(folder(tmp_path)), found, language)
    assert told.startswith("a")
    assert why in told
    assert "cloud" in told
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(rows_of(Standing((refused, alarm), None, goes_on=True), language))
    shown = console.export_text()
    assert "slow_peer" not in shown
    assert "the books do not balance" in shown


def test_what_to_do_about_a_liar(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = said(folder(tmp_path), {"b": "differs"}, capsys, monkeypatch)
    assert f"miaopei net heal {tmp_path} b --rebuild" in told
    told = said(folder(tmp_path, own=OWN), {"a": "differs", "b": "differs"}, capsys, monkeypatch)
    assert f"miaopei member rebuild {tmp_path}" in told
    assert "b differs from the others. Have its operator" in told


def test_who_waits_for_a_build_is_told_first(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "find", lambda: None)
    shown = []

    def build(_: install.Tell) -> install.Engine:
        shown.append(capsys.readouterr())
        return install.Engine(Path("/engine"), "00", known=True, built=True)

    monkeypatch.setattr(install, "install", build)
    assert main(["engine", "install", "--lang", "en"]) == 0
    (before,) = shown
    assert "Building the engine" in before.err
    assert not before.out


def ended() -> None:
    raise OutsideFault("a ended while it was asked", retry=True)


def test_who_asks_the_others_for_a_moment_is_not_up_before_its_engine_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the others up it asks them for a moment: it was called up then, and its engine could not
    have its port. Alone it says after a while what it waits for.
    """
    net, waits = Net.of(folder(tmp_path, own=OWN)), Refusal("engine.asks_others")
    said: Any = iter([False, waits, waits, False, True])
    monkeypatch.setattr(running, "OTHERS_SECONDS", 600.0)
    monkeypatch.setattr(running, "_answers", lambda *_: next(said))
    supervisor: Any = SimpleNamespace(poll=lambda: None)
    assert running._until_up(net, supervisor) is None
    assert list(said) == []
    monkeypatch.setattr(running, "OTHERS_SECONDS", 0.3)
    monkeypatch.setattr(running, "_answers", lambda *_: waits)
    assert running._until_up(net, supervisor) == waits


def test_a_net_is_up_without_one_that_ends_again_and_again_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One damaged member had `net up` wait five minutes and then stop all the others."""
    at, stopped = folder(tmp_path), list[str]()
    rows = [row(m, "agrees") for m in MEMBERS[:3]]
    falls = [replace(row("d", "down", None), restarts=n, trouble="no room") for n in (0, 4, 5)]
    found: Any = iter([Standing((*rows, each), None, True) for each in falls])
    monkeypatch.setattr(running, "standing", lambda *_, **__: next(found))
    monkeypatch.setattr(running, "_supervise", lambda *_, **__: SimpleNamespace(poll=lambda: None))
    monkeypatch.setattr(running, "_stop", lambda *_: stopped.append("all"))
    assert running.up(at, detach=True, language="en") == 1
    said = capsys.readouterr().err
    assert "Does not come up: d (no room). The others stay up" in said
    assert not stopped
    halted = Standing((*rows[:2], falls[2], falls[2]), None, False)
    monkeypatch.setattr(running, "standing", lambda *_, **__: halted)
    monkeypatch.setattr(running, "UP_SECONDS", 0.3)
    with pytest.raises(OutsideFault, match=r"d \(no room\), d"):
        running.up(at, detach=True, language="en")
    assert stopped == ["all"]


def test_a_member_is_up_when_its_engine_is_or_says_what_that_waits_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It said that it answers while its engine ended again and again."""
    net = Net.of(folder(tmp_path, own=OWN))
    net.at("a").mkdir(parents=True)
    (net.at("a") / "engine.log").write_text("listen: address already in use\n")
    process = {"member": "a", "up": False, "wanted": True, "restarts": 1, "fell": 0}
    said: dict[str, Any] = {"members": [process], "waits": None}
    monkeypatch.setattr(control, "there", lambda _: True)
    monkeypatch.setattr(control, "call", lambda *_: said)
    assert not running._answers(net, "a")
    process["up"] = True
    assert not running._answers(net, "a"), "no engine listens"
    process["up"], said["waits"] = False, {"code": "engine.asks_others", "facts": {}}
    assert running._answers(net, "a") == Refusal("engine.asks_others")
    monkeypatch.setattr(control, "call", lambda at, *_: said if at == net.folder else ended())
    assert running._answers(net, "a") is False, "it ended between the two questions"
    process["restarts"], said["waits"] = running.FALLS, None
    with pytest.raises(OutsideFault, match="address already in use"):
        running._answers(net, "a")


@pytest.mark.parametrize(("apart", "asked"), [(False, 3), (True, 4)])
def test_nobody_waits_for_the_answer_of_who_is_frozen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, apart: bool, asked: int
) -> None:
    """One that is cut off by its wires runs, and answers."""
    heard = list[str]()

    def call(at: Path, do: str, **_: Any) -> Any:
        if at == tmp_path:
            return {"members": [{"member": m, "up": True, "cut": m == "b"} for m in MEMBERS]}
        heard.append(at.name)
        raise OutsideFault("away", retry=True)

    monkeypatch.setattr(Net, "genesis", {"seats": [], "members": []})
    monkeypatch.setattr(control, "call", call)
    found = watching.standing(Net.of(folder(tmp_path, apart=apart)))
    assert {row.member for row in found.rows if row.verdict == "cut"} == {"b"}
    assert (len(heard), "b" in heard) == (asked, apart)


@pytest.mark.parametrize(
    ("language", "why"), [("en", "The database is down"), ("zh", "数据库没有运行")]
)
def test_a_database_that_is_down_is_said_once_and_not_by_half_a_message_of_each(
    language: Language, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last line of two that a node had said stood there: "Is the server running ...?"."""

    def call(at: Path, do: str, **_: Any) -> Any:
        if at != tmp_path:
            raise OutsideFault("away", retry=True)
        assert do == "status"
        return {"members": [{"member": m, "up": False, "wanted": True} for m in MEMBERS]}

    net = Net.of(folder(tmp_path))
    monkeypatch.setattr(Net, "genesis", {"seats": [], "members": []})
    monkeypatch.setattr(control, "call", call)
    monkeypatch.setattr(control, "there", lambda _: True)
    (tmp_path / "postgres").mkdir()
    for member in MEMBERS:
        net.at(member).mkdir(parents=True)
        (net.at(member) / "node.log").write_text("cannot connect:\n\tIs the server running?\n")
    found = watching.standing(net)
    assert {row.trouble for row in found.rows} == {watching.NO_DATABASE}
    assert next(iter(below(net, found, language))).startswith(why)
    monkeypatch.setattr(LocalPostgres, "running", lambda _: True)
    found = watching.standing(net)
    assert {row.trouble for row in found.rows} == {"Is the server running?"}
    assert not any(why in line for line in below(net, found, language))
