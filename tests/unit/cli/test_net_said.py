"""What a net says of itself in both languages: a demonstration's register and last lines, a record
that stands, a difference that was settled since.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from miaopei.cli import speak
from miaopei.cli.demo import net as demo
from miaopei.cli.demo.output import register_of
from miaopei.cli.net import control, running
from miaopei.cli.net.beside.place import SeatedPlace
from miaopei.cli.net.life import voting
from miaopei.cli.net.plan import Net, Seat
from miaopei.cli.net.shown import standing as shown
from miaopei.cli.net.watching import Standing
from miaopei.errors import OutsideFault
from miaopei.errors.texts import Language, say
from tests.unit.claims.replayed import situations

BOTH = pytest.mark.parametrize("language", ["zh", "en"])
SEATS = ("insurer", "cloud", "notary")


@pytest.fixture
def net(tmp_path: Path) -> Net:
    """Three members, none of which answers."""
    made = Net(tmp_path, tuple(Seat(name, name, name, "h:1", "h:2") for name in SEATS))
    for name in SEATS:
        made.at(name).mkdir(parents=True)
    return made


def chinese(text: str) -> bool:
    return any("一" <= letter <= "鿿" for letter in text)


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The rows of a register as its member wrote them, a receipt to each; its place is this one."""
    world = situations()

    class Folder:
        checked_by = "--genesis HERE/genesis.json"

        @contextmanager
        def record(self) -> Iterator[Any]:
            yield SimpleNamespace(node=world.node)

    monkeypatch.setattr(demo, "place_of", lambda *_: Folder())
    found = [row.as_json() for row in register_of(SimpleNamespace(node=world.node)).rows]  # type: ignore[arg-type]  # its node is all that is asked for
    return [{**row, "receipt": f"HERE/receipts/{n}.json"} for n, row in enumerate(found)]


@BOTH
def test_a_demonstration_ends_with_the_payers_register_and_how_a_receipt_is_checked(
    net: Net,
    rows: list[dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
    language: Language,
) -> None:
    demo.tell(net, rows, speak.Speaker(language))
    said = capsys.readouterr().out
    paid = [row for row in rows if row["payout_fen"]]
    unpaid = [row for row in rows if not row["payout_fen"]]
    assert paid
    assert unpaid
    for row in rows:
        assert row["date"] in said
    headings = {"zh": ("赔款/万元", "主震日期"), "en": ("Paid,", "Main shock")}[language]
    assert all(heading in said for heading in headings)
    assert chinese(said.replace("万元", "")) or language == "en"
    last = said.strip().split("\n")[-1]
    assert f"verify {paid[-1]['receipt']} --genesis HERE/genesis.json" in last
    assert chinese(last) == (language == "zh")


@BOTH
def test_a_demonstration_that_paid_nothing_names_no_receipt(
    net: Net,
    rows: list[dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
    language: Language,
) -> None:
    demo.tell(net, [{**row, "receipt": None} for row in rows], speak.Speaker(language))
    said = capsys.readouterr().out
    assert "verify" not in said
    assert rows[0]["date"] in said


@BOTH
def test_a_net_that_was_brought_up_to_be_shown_says_how_to_look_at_it_again(
    net: Net,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    language: Language,
) -> None:
    done = list[str]()
    monkeypatch.setattr(running, "up", lambda *_, **__: done.append("up"))
    monkeypatch.setattr(running, "down", lambda *_, **__: done.append("down"))
    with demo.brought_up(net, language):
        assert done == ["up"]
    assert done == ["up", "down"]
    said = capsys.readouterr().err
    assert f"net up {net.folder} --detach" in said
    assert f"cases --all --data {net.folder}/{demo.PAYER}" in said
    assert chinese(said) == (language == "zh")
    monkeypatch.setattr(control, "there", lambda _: True)
    with demo.brought_up(net, language):  # one that was up stays so, and needs no such word
        pass
    assert done == ["up", "down"]
    assert capsys.readouterr().err == ""


@BOTH
def test_a_command_that_waits_on_a_record_that_stands_names_who_does_not_answer(
    net: Net, monkeypatch: pytest.MonkeyPatch, language: Language
) -> None:
    """Its own member is there, and takes too long: the reason lies with the others."""
    place = SeatedPlace(net.at("insurer"), net=net)
    seats = {name: {"power": 2} for name in SEATS}

    def call(folder: Path, do: str, **_: Any) -> Any:
        if folder.name == "insurer" and do == "status":
            return {}
        raise OutsideFault(f"{folder.name} does not answer: timed out", retry=True)

    monkeypatch.setattr(control, "call", call)
    monkeypatch.setattr(control, "there", lambda folder: folder.name == "insurer")
    monkeypatch.setattr(voting, "seats", lambda _: seats)
    with pytest.raises(OutsideFault) as fault:
        place._ask("wishes")
    assert fault.value.said is not None
    assert fault.value.said.facts == {"votes": 2, "total": 6, "members": "cloud, notary"}
    said = say(fault.value.said, language)
    assert all(part in said for part in ("2", "6", "cloud, notary", "net heal", "member up"))
    assert chinese(said) == (language == "zh")
    assert fault.value.retry


@BOTH
def test_a_difference_that_was_settled_since_says_that_nothing_waits(language: Language) -> None:
    trace = {"opened": {"amount_fen": 700}, "policy": "p-1"}
    other = {**trace, "opened": {"amount_fen": 900}}
    one: dict[str, Any] = {"member": "utility", "against": "notary", "trigger": "ab" * 32}
    opened = {**one, "shown": {"utility": trace, "notary": other}}
    settled = {"settled": ["insurer", "notary"]}
    for difference, amounts in (({**one, "shown": {}}, ()), (opened, ("700", "900", "p-1"))):
        waits, done = (
            list(shown._named(Standing((), 1, True, (each,)), language))
            for each in (difference, {**difference, **settled})
        )
        assert len(waits) == 1
        assert done[:-1] == waits
        assert "insurer, notary" in done[-1]
        assert {"zh": "无需再做什么", "en": "nothing waits for it"}[language] in done[-1]
        assert chinese(waits[0]) == (language == "zh")
        assert difference["trigger"][:16] in waits[0]
        assert all(part in waits[0] for part in amounts)
