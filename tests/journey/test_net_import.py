"""A record that one member has ordered goes on as a consortium's: same tree, same receipts."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from miaopei.adapters import tile_files
from miaopei.adapters.engine import install, process
from miaopei.adapters.engine.certificates import certificate
from miaopei.adapters.memory_store import MemoryStore
from miaopei.adapters.postgres.reading import PostgresReading
from miaopei.cli import demo
from miaopei.cli.demo import history, output
from miaopei.cli.net import control
from miaopei.cli.net.keep import auditing
from miaopei.cli.net.plan import Net, database, founding
from miaopei.cli.place import LogSource, Place
from miaopei.cli.proof.auditing import stages
from miaopei.errors import OutsideFault, Refusal, Refused
from miaopei.ledger import checkpoint
from miaopei.ledger.certificate import founders, from_json
from miaopei.ledger.quorum import Voter, check
from miaopei.measures.identity import canonical, read_canonical
from miaopei.measures.instant import from_beijing
from miaopei.node import scheme
from miaopei.node.node import Node
from miaopei.node.proof.rebuild import compare, reapply
from miaopei.node.replay import replay
from miaopei.products.shelf import shelf
from tests.laws.test_audit_laws import PROMISED, Heard, flipped, one_in_a_file, turned
from tests.support import nets, servers
from tests.support.nets import Running
from tests.unit.receipts.gathered import Held
from tests.unit.receipts.go_program import build, failed

pytestmark = pytest.mark.timeout(1500)
FLIPS = int(os.environ.get("MIAOPEI_FLIPS", "120"))  # the long form: 10,000
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
            written = sorted(place.receipts.iterdir())
            again = output.write_all(place, member)
            assert [row.receipt for row in again.rows] == [row.receipt for row in register.rows]
            assert sorted(place.receipts.iterdir()) == written, "said again: the same files"
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
    assert verify(new[0], "--genesis", str(bare))["refusals"]
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


def certificates(four: Running, count: int) -> list[bytes]:
    """Certificates of several roots, as the engine of a member gives them."""
    at = four.net.at("miaopei")
    with process.read(at) as engine:
        top = int(engine.ask("blockchain")["last_height"])
        first = founding((at / "genesis.json").read_bytes()).height + 1
        heights = range(top - 1, first, -max(1, (top - first) // count))
        return [canonical(certificate(engine, height, first)) for height in heights]


def refused(data: bytes, chain: str, first: tuple[Voter, ...]) -> bool:
    """Whether a certificate is refused, whatever is wrong with it."""
    try:
        check(from_json(read_canonical(data)), chain, first)
    except (Refused, ValueError):
        return True
    return False


@pytest.mark.timeout(3600)
def test_flipped_bits_on_a_member_are_all_found_and_located(
    four: Running, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    """Columns, leaves, blobs, tiles and certificates; MIAOPEI_FLIPS=10000 for the long form."""
    choose, said = Random(20261128), founding((four.net.folder / "genesis.json").read_bytes())
    four.whole()
    shown, first = certificates(four, 8), founders(said.file)
    assert not any(refused(data, said.chain, first) for data in shown)
    four.miaopei("down", "miaopei")
    dsn = make_conninfo(four.net.postgres.start(), dbname=database("miaopei"))
    with (
        auditing.stored(four.net, "miaopei") as keys,
        psycopg.connect(dsn) as connection,
        keys.store.reading() as sound,
    ):
        tile_files.write(tmp_path, LogSource(sound))
        files, made, size = tile_files.names(tmp_path), MemoryStore(), sound.head().size
        again = reapply(sound.leaves(0, size), size, made)
        node = Node(keys.store, keys.identity, lambda: 0, lambda _: b"")
        audit = stages(PostgresReading(connection), node, keys.vkey, tmp_path)
        with made.reading() as truth:

            def state() -> list[Refusal]:  # as the stage does once it has applied the sound log
                seen = replace(again, differences=[])
                compare(PostgresReading(connection), truth, seen)
                return seen.differences

            audit["state"] = state
            held = [where for where in PROMISED if filled(connection, where)]
            assert {"shared.leaf.bytes", "shared.blob.bytes", "own.checkpoint.text"} <= set(held)
            connection.rollback()
            for where in choose.choices(["file", "certificate", *held], k=FLIPS):
                if where == "certificate":
                    bad, _ = turned(choose.choice(shown), choose)
                    assert refused(bad, said.chain, first)
                elif where == "file":
                    one_in_a_file(tmp_path, choose.choice(files), audit["files"], choose)
                else:
                    with flipped(connection, where, choose) as flip:
                        found: dict[str, Heard] = {}
                        told = PROMISED[where]
                        assert any(one.by(audit, found, flip) for one in told), (flip, found)
    four.miaopei("heal", "miaopei")
    four.whole()


def filled(connection: psycopg.Connection[Any], where: str) -> bool:
    """Whether a column has a value that can be flipped."""
    schema, table, name = where.split(".")
    names = {"t": sql.Identifier(schema, table), "c": sql.Identifier(name)}
    query = sql.SQL("select 1 from {t} where {c} is not null and octet_length({c}::text) > 0")
    return connection.execute(query.format(**names)).fetchone() is not None


def test_damage_anywhere_in_the_engines_blocks_is_found_by_reading_them_again(
    four: Running, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    """A stretch of its largest file zeroed, at several places; mended by the file of before."""
    choose = Random(20261128)
    four.whole()
    four.miaopei("down", "notary")
    store = four.net.at("notary") / "engine" / "data" / "blockstore.db"
    good = {path: path.read_bytes() for path in store.iterdir()}
    assert nets.as_json(four.miaopei("audit", "notary", "--json"))["sound"]
    for _ in range(2 + FLIPS // 500):
        shutil.rmtree(store)
        store.mkdir(mode=0o700)
        for path, data in good.items():
            path.write_bytes(data)
        path = max(good, key=lambda one: len(good[one]))
        at = choose.randrange(max(1, len(good[path]) - 4096))
        path.write_bytes(good[path][:at] + bytes(4096) + good[path][at + 4096 :])
        told = four.miaopei("audit", "notary", "--json", check=False)
        found = json.loads(told.stdout)["findings"]
        assert found
        assert {each["stage"] for each in found} == {"engine"}
    shutil.rmtree(store)
    store.mkdir(mode=0o700)
    for path, data in good.items():
        path.write_bytes(data)
    four.miaopei("heal", "notary")
    four.whole()


def test_a_newcomer_is_given_what_no_engine_can_hand_over_and_votes(
    solo: Solo, four: Running
) -> None:
    """The leaves of the solo part come from another member, those of after it by its engine."""
    four.whole()
    told = nets.as_json(four.miaopei("join", "reinsurer", "--role", "carrier", "--json"))
    assert (told["what"], told["done"]) == ("joined", True)
    joined = Running(Net.of(four.net.folder))
    joined.whole()
    with auditing.stored(joined.net, "reinsurer") as keys, keys.store.reading() as reading:
        assert list(reading.leaves(0, len(solo.leaves))) == solo.leaves
    # Five equal votes: with one away the record goes on only where the newcomer's counts.
    joined.miaopei("down", "notary")
    joined.name("miaopei", "with-the-newcomer", seconds=150)
    joined.miaopei("heal", "notary")
    joined.whole()
    assert nets.as_json(joined.miaopei("audit", "reinsurer", "--json"))["sound"]
