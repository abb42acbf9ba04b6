"""What one member sealed, or had sealed for itself, keeps nobody else from settling and paying."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from miaopei.acts.state import State
from miaopei.errors import Refused
from miaopei.measures.identity import canonical
from miaopei.node.effects import differing
from miaopei.node.mass import run as mass
from miaopei.node.vault import erasing
from miaopei.node.vault.sealing import frame
from miaopei.wiring.lying import Less

from . import founding
from .court import Court

RUBBISH: dict[str, Callable[[bytes], bytes]] = {
    "one empty row": lambda _: bytes(4),
    "a length past the end": lambda _: b"\xff" * 9,
    "no rows": lambda _: b"",
    "rows of another shape": lambda _: frame([canonical(7), canonical({"policy": 1})]),
    "no hex where it belongs": lambda framed: framed.replace(b'"policy":"', b'"policy":"zz'),
    "other amounts": lambda framed: framed.replace(b'"pay_fen":', b'"pay_fen":1'),
}


@pytest.mark.parametrize("steps", [b"", b"\xff" * 9, frame([canonical(7)])])
def test_who_differs_may_show_steps_that_are_none(
    steps: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What others have shown is still told."""
    court = Court()
    court.by["notary"].reads = Less(1)
    court.by["notary"].decider.reads = Less(1)
    sealed = differing.seal_values

    def nothing(block: Any, node: Any, values: Any, kind: str, media: str, of: Any) -> Any:
        if node.identity.member != "notary":
            return sealed(block, node, values, kind, media, of)
        return mass.seal_framed(block, node, steps, 1, bytes(32), media, of)

    monkeypatch.setattr(differing, "seal_values", nothing)
    court.shake()
    court.pass_by(3 * 7_200)
    court.one("difference")
    insurer = court.by["insurer"]
    with insurer.disk.reading() as reading:
        (told,) = differing.traces(reading, State(reading), insurer.node)
    assert told["shown"]["notary"]["opened"] is None
    assert told["shown"][told["against"]]["opened"]["by"] == told["against"]
    assert [member.alarms for member in court.by.values() if member.alarms] == []


@pytest.mark.parametrize("what", RUBBISH)
def test_who_seals_rubbish_under_the_right_words_is_named_and_holds_up_nobody(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notary is the first of the equal; the insurer that decides and pays is silent."""
    court = Court()
    sealed = mass.seal_framed

    def rubbish(block: Any, node: Any, framed: bytes, *more: Any) -> dict[str, Any]:
        if node.identity.member == "notary":
            framed = RUBBISH[what](framed)
        return sealed(block, node, framed, *more)

    told: list[str] = []
    agent = court.by["agent"]
    run = agent.keeper.run

    def kept() -> int:
        try:
            return run()
        except Refused as refused:
            told.extend(f"{r.code} {r.facts['by']}" for r in refused.refusals)
            raise

    monkeypatch.setattr(mass, "seal_framed", rubbish)
    monkeypatch.setattr(agent.keeper, "run", kept)
    court.by["insurer"].idle = True
    court.shake()
    court.pass_by(3 * 7_200)
    settlement = court.one("settlement")["settlement"]
    assert settlement["deciders"][0] == "notary"
    payment = court.one("payment")
    assert payment["payer"] == "agent"
    assert payment["executed_fen"] == payment["due_fen"] > 0
    assert set(told) == {"net.sealed_unfit notary"}
    assert [member.alarms for member in court.by.values() if member.alarms] == []


def test_rows_that_are_none_hold_up_their_own_batch_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each decider says why it does not hold them, and settles what it holds."""
    court = Court()
    insurer = court.by["insurer"]
    sealed = founding.seal_blob

    def rubbish(block: Any, node: Any, rows: list[bytes], *more: Any) -> dict[str, Any]:
        return sealed(block, node, [b"7" for _ in rows], *more)

    with monkeypatch.context() as patched:
        patched.setattr(founding, "seal_blob", rubbish)
        act = founding.batch(insurer, "hills", "badly")
    assert court._submit(insurer, act) == []
    court.pass_by(900)
    for name in ("insurer", "regulator", "notary"):
        (said,) = court.by[name].decider.refusals().values()
        assert said[0]["code"].split(".")[0] in ("net", "policies")
        member = court.by[name]
        with member.disk.writing() as block:  # nor does it keep a person from being erased
            about = State(block).need("batch", act.id)
            assert erasing._rows_of(block, about, "ab" * 32, member.node.identity) == ([], ())
    court.shake()
    court.pass_by(7_200)
    payment = court.one("payment")
    assert payment["executed_fen"] == payment["due_fen"] > 0
    assert [member.alarms for member in court.by.values() if member.alarms] == []
