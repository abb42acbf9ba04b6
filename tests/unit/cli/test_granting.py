"""Grants of books and settlements made again, as the commands ask for them and tell them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from miaopei.adapters.keys import load_or_make
from miaopei.cli import main
from miaopei.cli.net.granting import doing
from miaopei.measures.instant import from_beijing
from tests.support.consortium import genesis

MADE: dict[str, Any] = {
    "settlement": "ab" * 32, "listing": "hills", "occurrence": "o", "benefit": "house",
    "revision": 1, "result": "equal", "claims": 3, "pay_fen": 12_345, "settled_pay_fen": 12_345,
    "erased": 0, "totals": [], "policy": None, "ours": None, "settled": None, "refused": [],
}  # fmt: skip
TRACE = {"word": "least", "value": 7, "name": "pay", "children": [
    {"word": "declared", "value": 9, "name": "sum"}]}  # fmt: skip
CLAIM = {"pay_fen": 700, "state": "paid"}
APART = {
    **MADE, "result": "differs", "policy": "cd" * 16,
    "ours": {"claim": CLAIM, "trace": {"trace": TRACE}}, "settled": {"claim": None, "trace": None},
}  # fmt: skip
CLOSED = {"code": "grant.book_none", "facts": {"member": "agent", "listing": "slopes",
                                               "holders": "insurer"}}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a member that has a machine of its own."""
    seats = [
        {"id": m, "zh": m, "en": m, "engine": "h:1", "blobs": "h:2"} for m in ("agent", "cloud")
    ]
    own = {"member": "agent", "engine": "h:1", "blobs": "h:2"}
    (tmp_path / "net.json").write_text(json.dumps({"v": 1, "seats": seats, "own": own}))
    (tmp_path / "genesis.json").write_text(json.dumps(genesis()))
    load_or_make(tmp_path / "members" / "agent" / "keys.json", "agent")
    return tmp_path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is asked of the running member; the first is what it answers."""
    said: list[Any] = [None]

    def call(at: Path, do: str, *, tell: Any = None, seconds: Any = None, **more: Any) -> Any:
        if tell is not None:
            tell({"done": 1, "of": 1})
        said.append((at.name, do, more))
        return said[0]

    monkeypatch.setattr(doing.control, "call", call)
    monkeypatch.setattr(doing.voting, "need_block", lambda _: None)
    return said


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main.main(["member", *words])
    out = capsys.readouterr()
    return code, out.out, out.err


def test_a_member_grants_what_it_holds_itself(
    folder: Path, asked: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    asked[0] = {"act": "a", "scope": ["hills"], "until": 1}
    words = ("grant", str(folder), "hills", "--to", "cloud", "--purpose", "audit", "--until",
             "2030-01-01", "--lang", "en")  # fmt: skip
    code, out, err = run(capsys, *words)
    assert (code, err) == (0, "")
    assert "cloud may read books of agent for audit: hills" in out
    more = {"to": "cloud", "listings": ["hills"], "purpose": "audit"}
    assert asked[1:] == [("agent", "grant", {**more, "until": from_beijing("2030-01-01")})]


def test_settlements_made_again_are_told_and_a_difference_ends_with_4(
    folder: Path, asked: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    asked[0] = {"member": "agent", "settlements": [MADE], "closed": [CLOSED]}
    code, out, err = run(capsys, "recompute", str(folder), "--all", "--lang", "en")
    assert (code, out.count("Equal"), "granted by: insurer" in err) == (0, 1, True)
    assert "123.45 yuan" in out
    asked[0] = {"member": "agent", "settlements": [MADE, APART], "closed": []}
    code, out, _ = run(capsys, "recompute", str(folder), "abababab", "--lang", "zh")
    assert code == 4
    assert "首个不同的保单：" + "cd" * 16 in out
    assert "sum=9, pay=7 -> 7" in out
    assert asked[-1] == ("agent", "recompute", {"settlement": "abababab", "purpose": ""})
    code, out, _ = run(capsys, "recompute", str(folder), "--all", "--json")
    assert (code, json.loads(out)["settlements"][1]["result"]) == (4, "differs")
    code, _, err = run(capsys, "recompute", str(folder))
    assert (code, "--all" in err) == (2, True)


def test_grants_and_their_uses_are_listed(
    folder: Path, asked: list[Any], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(doing.voting, "ask", lambda _: {"member": "agent"})
    grant = {"holder": "insurer", "grantee": "agent", "purpose": "audit", "scope": ["hills"],
             "until": 10**9, "ended": None, "holds": True}  # fmt: skip
    use = {"member": "agent", "number": 1, "holder": "insurer", "purpose": "audit",
           "listing": "hills", "settlements": 2, "at": 10**9, "act": "a"}  # fmt: skip
    asked[0] = {"grants": [grant, {**grant, "holds": False}], "uses": [use]}
    code, out, _ = run(capsys, "grants", str(folder), "--lang", "en")
    assert code == 0
    assert [line.split()[1] for line in out.splitlines()[:2]] == ["may", "may"]
    assert "(its use 1): 2 settlements of hills" in out
    asked[0] = {"grants": [], "uses": []}
    assert "No grant" in run(capsys, "grants", str(folder), "--lang", "en")[1]
