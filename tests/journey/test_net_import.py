"""A record that one member has ordered goes on as a consortium's: same tree, same receipts."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from miaopei.adapters.engine import install
from miaopei.cli import demo
from miaopei.cli.demo import history, output
from miaopei.cli.net import control
from miaopei.cli.net.keep import auditing
from miaopei.cli.net.plan import Net
from miaopei.cli.place import Place
from miaopei.errors import OutsideFault, Refused
from miaopei.ledger import checkpoint
from miaopei.measures.instant import from_beijing
from miaopei.node import scheme
from miaopei.node.replay import replay
from miaopei.products.shelf import shelf
from tests.support import nets, servers
from tests.support.nets import Running
from tests.unit.receipts.gathered import Held
from tests.unit.receipts.go_program import build, failed

pytestmark = pytest.mark.timeout(1500)
BEFORE, AFTER = "2015-12-31", "2016-06-01"
CHANGNING, YUNLONG = 753_760_000, 2_800_000_000


@dataclass(frozen=True)
class Solo:
    """A solo replay record: what it wrote while one member ordered it."""

    place: Place
    vkey: str
    receipts: list[Path]
    leaves: list[bytes]
    checkpoint: str


@pytest.fixture(scope="module")
def solo() -> Iterator[Solo]:
    """The first year, decided and paid by one member."""
    place = Place(servers.folder() / "solo")
    place.make()
    value, until = scheme.load(demo.SCHEME), from_beijing(BEFORE)
    arrivals = [a for a in history.arrivals(history.shipped_readings()) if a.at <= until]
    with place.alone(), place.database() as address:
        place.clear(address)
        with place.bank() as bank, place.member(address, bank.address) as member:
            demo.found(member, place)
            scheme.apply(member.node, value, shelf(), bank.control)
            member.work()
            for _ in replay(member.node, arrivals, until, member.work):
                pass
            register = output.write_all(place, member)
            assert sum(row.payout_fen or 0 for row in register.rows if row.paid_at) == CHANGNING
            with member.node.store.reading() as reading:
                leaves = list(reading.leaves(0, reading.head().size))
                head = reading.checkpoint()
    vkey = (place.folder / "log.vkey").read_text().strip()
    yield Solo(place, vkey, sorted(place.receipts.iterdir()), leaves, head)
    shutil.rmtree(place.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def four(solo: Solo) -> Iterator[Running]:
    """The same record, ordered by four."""
    install.install()
    folder = servers.folder() / "imported"
    asked = (str(folder), "--from", str(solo.place.folder), "--members", "4", "--lang", "en")
    nets.miaopei("net", "import", *asked)
    try:
        nets.miaopei("net", "up", str(folder), "--detach")
        yield Running(Net.of(folder))
    finally:
        with contextlib.suppress(OutsideFault, AssertionError):
            nets.miaopei("net", "down", str(folder), check=False)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def rows(four: Running) -> list[dict[str, Any]]:
    """The register after the net has replayed five months more."""
    at = four.net.at("miaopei")
    control.call(at, "play", seconds=600, until=from_beijing(AFTER), language="en")
    found: list[dict[str, Any]] = control.call(at, "write", seconds=600)
    return found


def verify(file: Path, *by: str) -> dict[str, Any]:
    """What `miaopei verify` says of a receipt."""
    told: dict[str, Any] = nets.as_json(
        nets.miaopei("verify", str(file), *by, "--json", check=False)
    )
    return told


def test_what_was_paid_stays_paid_and_what_comes_after_is_paid_by_the_same_bank(
    four: Running, rows: list[dict[str, Any]]
) -> None:
    paid = {row["date"]: row["payout_fen"] for row in rows if row["paid_at"]}
    assert paid == {"2015-10-30": CHANGNING, "2016-05-18": YUNLONG}
    standing = four.whole()
    assert len({row.root for row in standing.rows}) == 1
    assert {row.missing for row in standing.rows} == {0}  # also of what one member sealed alone


def test_older_receipts_hold_by_the_old_key_as_before_and_newer_ones_by_the_genesis_file(
    solo: Solo, four: Running, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    genesis = four.net.folder / "genesis.json"
    assert (four.net.folder / "log.vkey").read_text().strip() == solo.vkey
    assert solo.receipts
    for old in solo.receipts:
        assert verify(old, "--key", solo.vkey)["holds"]
        assert not verify(old, "--genesis", str(genesis))["holds"]  # it carries no certificate
    new = sorted((four.net.at("miaopei") / "receipts").iterdir())
    assert len(new) > len(solo.receipts)
    for file in new:
        told = verify(file, "--genesis", str(genesis))
        assert told["holds"], told["failed"]
        assert not verify(file, "--key", solo.vkey)["holds"]
    value = json.loads(genesis.read_bytes())
    bare = tmp_path / "bare.json"  # the record's own genesis seats nobody
    bare.write_text(json.dumps(value["genesis"], sort_keys=True, separators=(",", ":")))
    assert {"certificate"} <= set(verify(new[0], "--genesis", str(bare))["failed"])
    held = [Held(str(file), file.read_bytes(), None, genesis.read_bytes()) for file in new]
    assert set(failed(build(tmp_path), held, tmp_path)) == {()}


def test_the_tree_goes_on_leaf_by_leaf_on_every_member_and_all_of_it_is_sound(
    solo: Solo, four: Running, rows: list[dict[str, Any]]
) -> None:
    old = checkpoint.verify(solo.checkpoint, solo.vkey)
    assert old.size == len(solo.leaves)
    for member in four.net.members:
        with auditing.stored(four.net, member) as keys, keys.store.reading() as reading:
            assert list(reading.leaves(0, old.size)) == solo.leaves
            assert reading.head().size > old.size
        told = four.miaopei("audit", member, "--json")
        assert nets.as_json(told)["sound"], told.stdout


def test_the_solo_record_takes_no_act_any_more_and_is_brought_in_once(
    solo: Solo, four: Running, tmp_path: Path
) -> None:
    with solo.place.record() as member, pytest.raises(Refused) as refused:
        member.node.submit([])
    assert refused.value.refusals[0].code == "act.ordered_by_members"
    again = ("net", "import", str(tmp_path / "again"), "--from", str(solo.place.folder))
    told = nets.miaopei(*again, "--lang", "en", check=False)
    assert told.returncode == 1
    assert "ordered by a consortium already" in told.stderr
    assert not (tmp_path / "again").exists()
