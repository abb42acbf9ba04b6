"""What members on machines of their own hand to each other: what is wrong is refused by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from miaopei.acts.rule_sets import RULES
from miaopei.adapters.keys import load_or_make
from miaopei.cli.commands import app
from miaopei.cli.main import main
from miaopei.cli.net.life import voting
from miaopei.cli.net.own import making, seat_file
from miaopei.cli.net.plan import Part
from miaopei.errors import Refused

ROLES = ("operator", "decider")
Json = dict[str, Any]


def member(folder: Path, name: str, number: int = 0, **more: Any) -> Path:
    """A member's folder with its keys, not yet in any record; its seat file."""
    where = making.Where(f"{name}.example:{26000 + number}", f"{name}.example:{27000 + number}")
    part = Part(name, name, name, more.get("roles", ROLES))
    return making.init(folder / name, part, more.get("power", 1), where)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """The seat files of four."""
    return [member(tmp_path, name, i) for i, name in enumerate(("a", "b", "c", "d"))]


def code(do: Callable[[], object]) -> tuple[str, Json]:
    """By which code, with which facts, something is refused."""
    with pytest.raises(Refused) as refused:
        do()
    (refusal,) = refused.value.refusals
    return refusal.code, dict(refusal.facts)


def signed_again(path: Path, folder: Path, **changed: Any) -> Path:
    """A seat file whose own member has signed other things in it."""
    made = seat_file.read(path)
    identity = load_or_make(folder / "members" / made.id / "keys.json", made.id)
    values = {**vars(made), **changed, "sig": ""}
    path.write_bytes(seat_file.SeatFile(**values).signed(identity).to_bytes())
    return path


def test_nothing_secret_is_handed_over(files: list[Path]) -> None:
    for path in files:
        kept = path.parent / "members" / path.name.split(".")[0]
        secrets = json.loads((kept / "keys.json").read_text("utf-8"))
        secrets |= json.loads((kept / "machine_keys.json").read_text("utf-8"))
        text = path.read_text("utf-8")
        private = [secrets[name] for name in ("acts", "log", "box", "engine", "node", "peer")]
        assert not [key for key in private if key in text]
        for name in ("keys.json", "machine_keys.json"):
            assert (kept / name).stat().st_mode & 0o077 == 0


def test_every_altered_part_is_refused_and_named(files: list[Path], tmp_path: Path) -> None:
    value = json.loads(files[1].read_text("utf-8"))
    parts = [(name,) for name in value if name not in ("v", "suite")]
    parts += [("seat", name) for name in value["seat"]] + [("member", "roles")]
    for part in parts:
        other = json.loads(json.dumps(value))
        where = other
        for name in part[:-1]:
            where = where[name]
        where[part[-1]] = changed(where[part[-1]])
        path = tmp_path / "b.seat.json"
        path.write_text(json.dumps(other), "utf-8")
        said, facts = code(lambda path=path: seat_file.read(path))  # type: ignore[misc]
        assert said in {"net.seat_file_altered", "net.seat_file"}, part
        assert facts["path"] == "b.seat.json"
    assert seat_file.read(files[1]).id == "b"


def changed(value: Any) -> Any:
    """Something else of the same kind."""
    match value:
        case int():
            return value + 1
        case str():
            return ("b" if value[0] != "b" else "c") + value[1:]
        case list():
            return [*value, "clock"]
        case _:
            return {**value, "more": 1}


def test_two_with_one_key_are_refused_by_name(files: list[Path], tmp_path: Path) -> None:
    first, second = (seat_file.read(path) for path in files[:2])
    seat = {**second.seat, "engine": first.seat["engine"]}
    signed_again(files[1], tmp_path / "b", seat=seat)
    net = making.of(tmp_path / "c")
    said, facts = code(lambda: making.found(net, files, None))
    assert (said, facts["member"], facts["why"]) == ("act.bad_seat", "b", "engine key of a")


def test_what_its_member_signed_and_cannot_be_is_refused(files: list[Path], tmp_path: Path) -> None:
    other = seat_file.read(files[0])
    for wrong in (
        {"certificate": other.certificate},
        {"engine": "no address"},
        {"seat": {**seat_file.read(files[1]).seat, "member": "c"}},
    ):
        path = tmp_path / "again" / "b.seat.json"
        path.parent.mkdir(exist_ok=True)
        shutil.copy(files[1], path)
        signed_again(path, tmp_path / "b", **wrong)
        assert code(lambda path=path: seat_file.read(path))[0] in {  # type: ignore[misc]
            "net.seat_file", "net.bad_address", "act.bad_seat",
        }  # fmt: skip


def test_who_founds_needs_all_of_them_and_its_own(files: list[Path], tmp_path: Path) -> None:
    net = making.of(tmp_path / "a")
    assert code(lambda: making.found(net, files[1:], None)) == ("net.not_among", {"member": "a"})
    assert code(lambda: making.found(net, files[:3], None))[0] == "net.members"
    assert code(lambda: making.found(net, [*files, files[2]], None))[0] == "net.seat_file_twice"
    heavy = member(tmp_path, "e", 9, power=4)
    said, facts = code(lambda: making.found(net, [*files, heavy], None))
    assert (said, facts) == ("net.votes_of_one", {"member": "e", "votes": 4, "total": 8})
    late = seat_file.read(files[3]).time + 100_000
    signed_again(files[3], tmp_path / "d", time=late)
    assert code(lambda: making.found(net, files, None))[0] == "net.seat_file_ahead"


def test_somebody_must_be_able_to_name_newcomers(tmp_path: Path) -> None:
    files = [member(tmp_path, name, roles=("decider",)) for name in ("a", "b", "c", "d")]
    net = making.of(tmp_path / "a")
    assert code(lambda: making.found(net, files, None))[0] == "net.no_operator_among"


@pytest.mark.parametrize(
    "address", ["", "a", "a:0", "a:65536", "a b:1", "[::1]:2", "-a:1", "a:1\n"]
)
def test_an_address_that_is_none_is_refused(tmp_path: Path, address: str) -> None:
    where = making.Where(address, "a.example:1")
    said, _ = code(lambda: making.init(tmp_path / "x", Part("x", "x", "x", ROLES), 1, where))
    assert said == "net.bad_address"
    assert not (tmp_path / "x").exists()


def test_engine_and_blobs_have_a_port_each(tmp_path: Path) -> None:
    part = Part("x", "x", "x", ROLES)
    for where in (
        making.Where("a.example:1", "a.example:1"),
        making.Where("a.example:1", "a.example:2", "0.0.0.0:3", "0.0.0.0:3"),
    ):
        said, _ = code(lambda where=where: making.init(tmp_path / "x", part, 1, where))  # type: ignore[misc]
        assert said == "net.same_address"
    assert not (tmp_path / "x").exists()


def test_a_member_without_a_genesis_says_what_comes_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No command speaks of a file that is not there."""
    where = making.Where("a.example:1", "a.example:2")
    making.init(tmp_path / "x", Part("x", "x", "x", ROLES), 1, where)
    for do in ("status", "up", "map"):
        assert main(["member", do, str(tmp_path / "x"), "--lang", "en"]) == 1
        assert "member found" in capsys.readouterr().err
    assert main(["member", "down", str(tmp_path / "x"), "--lang", "en"]) == 1
    assert "is not up" in capsys.readouterr().err


def test_a_role_or_name_that_cannot_be_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    where = making.Where("a.example:1", "a.example:2")
    for part in (Part("x", "x", "x", ("king",)), Part("../x", "x", "x", ROLES)):
        assert code(lambda part=part: making.init(tmp_path / "x", part, 1, where))[0].startswith(  # type: ignore[misc]
            "act."
        )
    assert not (tmp_path / "x").exists()


def test_no_seat_file_lowers_the_rules_of_the_record(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "_enter", lambda *_: None)  # which needs an engine
    net = making.of(tmp_path / "a")
    assert making.found(net, files, None).file["rules"] == RULES
    low = signed_again(files[3], tmp_path / "d", rules=RULES - 1)
    assert code(lambda: making.found(net, files, None)) == (
        "net.seat_file_rules",
        {"member": "d", "rules": RULES - 1, "wanted": RULES},
    )
    assert making.found(net, files, None, RULES - 1).file["rules"] == RULES - 1
    signed_again(low, tmp_path / "d", rules=RULES)
    assert making.found(net, files, None, RULES - 1).file["rules"] == RULES - 1
    assert code(lambda: making.found(net, files, None, RULES + 1))[0] == "net.seat_file_rules"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_rules_stand_beside_the_digest(
    files: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    language: str,
) -> None:
    monkeypatch.setattr(making, "_enter", lambda *_: None)
    say = ["member", "found", str(tmp_path / "a"), *map(str, files)]
    told = CliRunner().invoke(app, [*say, "--rules", str(RULES - 1), "--lang", language])
    assert (f"rule set {RULES - 1}" if language == "en" else f"规则集 {RULES - 1}") in told.output
    assert json.loads(CliRunner().invoke(app, [*say, "--json"]).output)["rules"] == RULES


def test_nothing_is_said_where_too_few_of_the_others_are_reached(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would lie in a queue, and be on the record whenever they are back."""
    net, heard = making.of(tmp_path / "a"), dict[str, Any](b={}, c=None)  # of d it has not heard
    monkeypatch.setattr(voting.control, "call", lambda *_, **__: heard)
    powers = dict.fromkeys(("a", "b", "c", "d"), 1)
    voting.need_votes(net, powers)
    heard["d"] = None
    facts = {"votes": 2, "total": 4, "members": "c, d"}
    assert code(lambda: voting.need_votes(net, powers)) == ("net.too_few_up", facts)
    powers |= {"e": 1, "f": 1}
    facts = {"votes": 4, "total": 6, "members": "c, d"}  # more than two thirds, not just as many
    assert code(lambda: voting.need_votes(net, powers)) == ("net.too_few_up", facts)


def test_two_members_at_one_address_found_nothing(tmp_path: Path, files: list[Path]) -> None:
    """One of them could never listen there; as easily its blobs as its engine."""
    for taken in ("a.example:26000", "a.example:27000"):
        where = making.Where(taken, "e.example:27009")
        made = making.init(tmp_path / taken[-5:], Part("e", "e", "e", ROLES), 1, where)
        net = making.of(files[0].parent)
        refused, facts = code(partial(making.found, net, [*files, made], None))
        assert refused == "net.seat_file_address"
        assert facts == {"member": "e", "other": "a", "address": taken}
