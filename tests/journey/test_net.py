"""The first journey on several real members: the same fen, receipts checked by the genesis."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from miaopei.claims.receipt import from_json
from miaopei.claims.verify import verify
from miaopei.cli.net import control
from miaopei.cli.net.plan import Net
from miaopei.measures.identity import canonical
from tests.support import nets
from tests.support.consortium import genesis, key, who
from tests.support.nets import Running
from tests.unit.receipts.browser import PAGE, checker
from tests.unit.receipts.gathered import Held
from tests.unit.receipts.go_program import build, failed

pytestmark = pytest.mark.timeout(1500)
UNTIL = "2016-06-01"
PAID = {("yunnan_dali", "2015-10-30"): 753_760_000, ("yunnan_dali", "2016-05-18"): 2_800_000_000}


@pytest.fixture(scope="module")
def four() -> Iterator[Running]:
    """Insurer, government cloud, regulator and notary, with the first year and a half replayed."""
    with nets.running("journey", 4, "--replay") as made:
        yield made


@pytest.fixture(scope="module")
def rows(four: Running) -> list[dict[str, Any]]:
    """The register of the paying member."""
    found: list[dict[str, Any]] = nets.as_json(four.miaopei("demo", "--until", UNTIL, "--json"))
    return found


@pytest.fixture(scope="module")
def receipt(four: Running, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """One receipt of a payout, as JSON."""
    path = next(row["receipt"] for row in rows if row["payout_fen"])
    made: dict[str, Any] = json.loads(Path(path).read_bytes())
    return made


@pytest.fixture(scope="module")
def pinned(four: Running) -> bytes:
    """The genesis file."""
    return (four.net.folder / "genesis.json").read_bytes()


def test_three_decide_two_equal_ones_settle_and_the_fen_are_those_of_one_member(
    four: Running, rows: list[dict[str, Any]]
) -> None:
    paid = {(row["product"], row["date"]): row["payout_fen"] for row in rows if row["payout_fen"]}
    assert paid == PAID
    standing = four.whole()
    assert len({row.root for row in standing.rows}) == 1
    assert {row.missing for row in standing.rows} == {0}


def test_wires_that_the_members_share_with_the_machine_are_not_cut(four: Running) -> None:
    refused = four.miaopei("cut", four.net.members[-1], "--one-way", check=False)
    assert refused.returncode == 1
    assert "--apart" in refused.stderr


def test_every_receipt_is_checked_with_the_genesis_file_and_nothing_else(
    four: Running, rows: list[dict[str, Any]]
) -> None:
    file = str(four.net.folder / "genesis.json")
    for row in rows:
        told = nets.as_json(nets.miaopei("verify", row["receipt"], "--genesis", file, "--json"))
        assert told["holds"], told["failed"]
        assert "two_thirds" in told["rests"]
        assert "one_operator" not in told["labels"]
        assert "replay" in told["labels"]
    without = nets.miaopei("verify", rows[0]["receipt"], "--json", check=False)
    assert without.returncode == 1


def test_what_real_engines_have_signed_holds_in_the_other_program_too(
    four: Running, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    genesis = (four.net.folder / "genesis.json").read_bytes()
    given = [Held(row["receipt"], Path(row["receipt"]).read_bytes(), None, genesis) for row in rows]
    program = build(tmp_path)
    assert set(failed(program, given, tmp_path)) == {()}
    bare = [Held(held.name, held.data, "none was given") for held in given]
    assert all("certificate" in names for names in failed(program, bare, tmp_path))


def changed(receipt: dict[str, Any], change: Callable[[dict[str, Any]], None]) -> bytes:
    """The receipt with its certificate changed, signed anew by the insurer that made it."""
    value = copy.deepcopy(receipt)
    change(value["certificate"])
    return canonical(value)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["header"].update(app="0" * 64),
        lambda c: c["header"].update(height=c["header"]["height"] + 1),
        lambda c: c["header"]["time"].__setitem__(1, (c["header"]["time"][1] + 1) % 10**9),
        lambda c: c["left"].update(app="0" * 64),
        lambda c: c.update(left=c["header"]),
        lambda c: c["commit"]["block"].update(hash="0" * 64),
        lambda c: c["commit"].update(round=c["commit"]["round"] + 1),
        lambda c: c["commit"].update(votes=[None] * 2 + c["commit"]["votes"][2:]),
        lambda c: c["commit"]["votes"].pop(),
        lambda c: c["voters"][0].update(power=100),
        lambda c: c["voters"].reverse(),
        lambda c: c.update(changes=[{k: c[k] for k in ("header", "commit", "voters")}]),
    ],
)
def test_a_changed_certificate_holds_nothing(
    receipt: dict[str, Any], pinned: bytes, change: Callable[[dict[str, Any]], None]
) -> None:
    assert verify(canonical(receipt), None, pinned).holds
    verdict = verify(changed(receipt, change), None, pinned)
    assert "certificate" in verdict.failed


def test_another_genesis_and_made_up_members_hold_nothing(
    receipt: dict[str, Any], pinned: bytes
) -> None:
    assert {"genesis_file", "certificate"} <= set(
        verify(canonical(receipt), None, canonical(genesis())).failed
    )
    value = json.loads(pinned)
    for seat in value["seats"]:  # six made-up members could sign anything
        seat["engine"] = key(seat["member"], "engine").public_key().public_bytes_raw().hex()
    assert "certificate" in verify(canonical(receipt), None, canonical(value)).failed
    assert not verify(canonical(receipt), None, b"{").holds


def test_a_receipt_without_its_certificate_is_that_of_no_consortium(
    receipt: dict[str, Any], pinned: bytes
) -> None:
    bare = {name: value for name, value in receipt.items() if name != "certificate"}
    signed = from_json(bare).signed(who("insurer").acts.sign).to_bytes()
    assert not verify(signed, None, pinned).holds
    assert not verify(signed, receipt["vkey"]).holds
    assert not verify(canonical({**receipt, "certificate": None}), None, pinned).holds


# Last in this file: the members change --------------------------------------------------------
def test_receipts_after_members_changed_carry_the_chain_and_hold_in_three_programs(
    four: Running, rows: list[dict[str, Any]], pinned: bytes, tmp_path: Path
) -> None:
    """A key is changed, a fifth comes; the genesis file is still all that a stranger needs.

    Made by the notary, whose checkpoint key is none of the genesis any more.
    """
    four.miaopei("rotate", "notary")
    four.miaopei("join", "fifth", "--role", "carrier")
    for number in range(2):
        four.name("cloud", f"after-the-change-{number}")
    grown = Running(Net.of(four.net.folder))
    grown.whole()
    written = control.call(grown.net.at("notary"), "write", seconds=200)
    paths = [row["receipt"] for row in written if row["payout_fen"]]
    assert len(paths) == len(PAID)
    given = [Held(path, Path(path).read_bytes(), None, pinned) for path in paths]
    for held in given:
        changes = json.loads(held.data)["certificate"]["changes"]
        assert len(changes) >= 2
        assert held.verdict().holds, held.verdict().failed
        short = json.loads(held.data)
        short["certificate"]["changes"] = changes[1:]
        assert "certificate" in verify(canonical(short), None, pinned).failed
    assert set(failed(build(tmp_path), given, tmp_path)) == {()}
    with checker(tmp_path) as page:
        page.open(f"{PAGE.as_uri()}?lang=en")
        assert {page.check(held)["verdict"] for held in given} == {"holds"}
