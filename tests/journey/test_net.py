"""The first journey on several real members: the same fen, receipts checked by the genesis."""

from __future__ import annotations

import contextlib
import copy
import json
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from bench.consortium.running import Blocks
from miaopei.acts import change_key
from miaopei.adapters.keys import load_or_make, make_next
from miaopei.adapters.peers.certificate import context
from miaopei.adapters.peers.client import PeerBlobs
from miaopei.claims.receipt import from_json
from miaopei.claims.verify import verify
from miaopei.cli.net import control
from miaopei.cli.net.life import voting
from miaopei.cli.net.plan import Net, database
from miaopei.cli.net.running import SORTS
from miaopei.measures.identity import canonical, content_id
from miaopei.measures.instant import from_beijing
from miaopei.measures.suites import public_hex
from miaopei.node import scheme
from tests.support import nets
from tests.support.consortium import genesis, key, who
from tests.support.nets import Running
from tests.unit.receipts.browser import PAGE, checker
from tests.unit.receipts.gathered import Held
from tests.unit.receipts.go_program import build, failed

pytestmark = pytest.mark.timeout(1500)
UNTIL = "2016-06-01"
BEFORE = "insurer.backup"  # of before the quake of 2017
READER = "supervisor"  # a regulator that joins, and decides nothing
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
    four.miaopei("join", READER, "--role", "regulator")
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


# A regulator that decides nothing reads the book by a grant --------------------------------------
@pytest.fixture(scope="module")
def five(four: Running) -> Running:
    """The same members with the one that joined."""
    return Running(Net.of(four.net.folder))


def sql(five: Running, member: str, query: str) -> list[tuple[Any, ...]]:
    """An answer of a member's database."""
    address = make_conninfo(five.net.postgres.start(), dbname=database(member))
    with psycopg.connect(address) as connection:
        return connection.execute(query.encode()).fetchall()


def salts(five: Running) -> set[str]:
    """The salt of every row in the insurer's books: nothing else in the world has it."""
    found = sql(five, "insurer", 'select body from "group".row')
    return {json.loads(body)["salt"] for (body,) in found}


def files_of(five: Running, member: str) -> Iterator[bytes]:
    """Every file of a member; while it runs some are gone before they are read."""
    for path in five.net.at(member).rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            if path.is_file():
                yield path.read_bytes()


def readable(five: Running, member: str) -> set[str]:
    """Which rows can be read off everything that a member has on its disks."""
    held = list(files_of(five, member))
    tables = (
        "select schemaname, tablename from pg_tables where schemaname in ('shared', 'group', 'own')"
    )
    for schema, table in sql(five, member, tables):
        for row in sql(five, member, f'select * from "{schema}"."{table}"'):
            held += [v if isinstance(v, bytes) else str(v).encode() for v in row]
    whole = b"\n".join(held)
    assert b"yunnan_dali" in whole, "the search would find what is there to be found"
    return {s for s in salts(five) if s.encode() in whole or bytes.fromhex(s) in whole}


def handed_out(five: Running, member: str) -> tuple[bytes, int]:
    """All that the insurer hands to a member that asks it for every blob: bytes, and keys."""
    at = five.net.at(member)
    told = json.loads((at / "node.json").read_text("utf-8"))["peers"]["insurer"]
    tls = context(at / "peer.pem", [told["certificate"]], server=False)
    (seat,) = [s for s in control.call(at, "status")["seats"] if s["member"] == "insurer"]
    peers = PeerBlobs(tls, {"insurer": told["blobs"]}, lambda _: str(seat["peer"]))
    names = [
        name for (name,) in sql(five, "insurer", "select encode(digest, 'hex') from shared.blob")
    ]
    found = [peers.fetch("insurer", name) for name in names]
    peers.close()
    kept = [each for each in found if each is not None]
    assert len(kept) == len(names) > 5
    parts = (part for each in kept for part in (each.data, each.wrap or b"", each.rows or b""))
    return b"".join(parts), sum(each.wrap is not None for each in kept)


def grant(
    five: Running, word: str, *more: str, check: bool = True
) -> subprocess.CompletedProcess[str]:
    about = ("--from", "insurer", "--to", READER, "--purpose", "supervision")
    return five.miaopei(word, "yunnan_dali", *about, *more, "--lang", "en", check=check)


def test_o08_whoever_was_granted_no_book_reads_no_row_of_it_on_disk_or_from_its_peers(
    five: Running, rows: list[dict[str, Any]]
) -> None:
    five.whole()
    assert len(salts(five)) > 0
    for member in (READER, "cloud"):
        assert readable(five, member) == set()
        data, keys = handed_out(five, member)
        assert keys == 0
        assert [s for s in salts(five) if s.encode() in data or bytes.fromhex(s) in data] == []
    refused = five.miaopei("recompute", READER, "--all", "--lang", "en", check=False)
    assert refused.returncode == 1
    assert "can be granted by: insurer" in refused.stderr


def test_o08_a_regulator_that_decides_nothing_makes_every_settlement_again_by_a_grant(
    five: Running, rows: list[dict[str, Any]]
) -> None:
    past = grant(five, "grant", "--until", "2010-01-01", check=False)
    assert past.returncode == 1
    assert "2010-01-01 00:00:00 Beijing time is past" in past.stderr
    assert "may read books of insurer" in grant(five, "grant", "--until", "2030-01-01").stdout
    told = nets.as_json(five.miaopei("recompute", READER, "--all", "--json"))
    made = {v["settlement"]: (v["result"], v["pay_fen"]) for v in told["settlements"]}
    assert sorted(made.values()) == sorted(("equal", fen) for fen in PAID.values())
    dali = sql(five, "insurer", "select body from \"group\".row where book = 'yunnan_dali'")
    assert readable(five, READER) == {json.loads(body)["salt"] for (body,) in dali} != set()
    assert readable(five, "cloud") == set()
    assert handed_out(five, "cloud")[1] == 0
    refused = five.miaopei("recompute", "cloud", "--all", "--lang", "en", check=False)
    assert (refused.returncode, "insurer" in refused.stderr) == (1, True)
    (settlement, *_) = made
    said = five.miaopei("recompute", READER, settlement[:12], "--lang", "en").stdout
    assert said.startswith("Equal: settlement")
    decides = nets.as_json(five.miaopei("recompute", "regulator", settlement, "--json"))
    assert [v["result"] for v in decides["settlements"]] == ["equal"]
    uses = nets.as_json(five.miaopei("grants", "--json"))["uses"]
    assert [(u["member"], u["number"], u["settlements"]) for u in uses] == [
        (READER, 1, 2), (READER, 2, 1),
    ]  # fmt: skip
    assert nets.as_json(five.miaopei("audit", READER, "--json"))["sound"]


def test_o08_a_settlement_that_comes_out_otherwise_is_told_with_both_traces(five: Running) -> None:
    five.miaopei("lie", READER, "--amounts")  # its software reads the terms otherwise
    done = five.miaopei("recompute", READER, "--all", "--json", check=False)
    assert done.returncode == 4
    for one in json.loads(done.stdout)["settlements"]:
        assert one["result"] == "differs"
        assert one["ours"]["claim"]["pay_fen"] < one["settled"]["claim"]["pay_fen"]
        assert one["ours"]["trace"] != one["settled"]["trace"] != None  # noqa: E711
    said = five.miaopei("recompute", READER, "--all", "--lang", "en", check=False).stdout
    assert "First policy that differs" in said


def test_o08_after_its_end_a_new_batch_stays_closed_to_it(five: Running) -> None:
    assert "nothing that comes after" in grant(five, "end-grant").stdout
    before = salts(five)
    insurer = five.net.at("insurer")
    assert control.call(insurer, "issue", scheme="yunnan", again="more", seconds=200)
    control.call(insurer, "quiet", seconds=200)
    five.whole()
    new = salts(five) - before
    assert new
    assert readable(five, READER) & new == set()
    five.until(lambda _: readable(five, "regulator") >= new)  # who decides it reads it
    held = [
        box["box"] for box in control.call(insurer, "status")["seats"] if box["member"] == READER
    ]
    query = f"select count(*) from own.wrap where reader = '{held[0]}'"
    blobs = "select count(*) from shared.blob where media in ('miaopei/rows/1', 'miaopei/claims/1')"
    assert 0 < sql(five, "insurer", query)[0][0] < sql(five, "insurer", blobs)[0][0]
    refused = five.miaopei("recompute", READER, "--all", "--lang", "en", check=False)
    assert (refused.returncode, "took the grant" in refused.stderr) == (1, True)
    assert nets.as_json(five.miaopei("audit", READER, "--json"))["sound"]


def test_each_member_tells_its_blocks_as_it_commits_them(four: Running) -> None:
    with Blocks(four.net) as blocks:
        four.name("cloud", "told-of")
        first = blocks.first(four.net.members[0], lambda block: bool(block["acts"]))
        told = [
            blocks.first(member, lambda block: bool(block["height"] == first["height"]))
            for member in four.net.members
        ]
        later = blocks.first(
            four.net.members[0], lambda block: bool(block["certified"] >= first["size"])
        )
    assert {(block["acts"], block["size"]) for block in told} == {(1, first["size"])}
    assert first["certified"] < first["size"]
    assert later["height"] > first["height"]


def test_what_coming_up_took_is_told_part_by_part(four: Running) -> None:
    moments = control.call(four.net.folder, "status")["moments"]
    parts = [moments[name] for name in SORTS]
    assert parts == sorted(parts)


# Keys for acts change ----------------------------------------------------------------------------
def key_of(five: Running, member: str) -> str:
    """The key for acts that the record gives a member now."""
    entry = control.call(five.net.at("cloud"), "entry", member=member)
    return str(entry["keys"][-1]["key"])


def test_o04_who_pays_changes_its_key_and_the_next_quake_is_paid_under_it(
    five: Running, rows: list[dict[str, Any]], pinned: bytes, tmp_path: Path
) -> None:
    """Killed with the key written down and nothing said, and again with all said and the file as it
    was: the same command goes on, with the same key."""
    at = five.net.at("insurer")
    five.whole()
    make_next(at / "keys.json")
    kept = load_or_make(at / "keys.json", "insurer")
    assert kept.next is not None
    mine, old = public_hex(kept.next), public_hex(kept.acts)
    five.miaopei("kill", "insurer")
    five.whole()
    assert key_of(five, "insurer") == old
    until = control.call(at, "status")["time"] + 86_400
    control.call(at, "change_key", until=until, seconds=150)
    five.miaopei("kill", "insurer")
    five.whole()
    assert control.call(at, "key_stands") == {
        "key": mine, "in_force": True, "next": None, "sources": [],
    }  # fmt: skip
    assert load_or_make(at / "keys.json", "insurer").next is not None  # the file is as it was
    told = nets.as_json(five.miaopei("rotate", "insurer", "--key", "act", "--json"))
    assert (told["keys"], key_of(five, "insurer")) == ("act", mine)
    now = load_or_make(at / "keys.json", "insurer")
    assert (public_hex(now.acts), now.next) == (mine, None)
    # Whoever brings the facts changes its key too: its sources are named, and registered anew.
    told = nets.as_json(five.miaopei("rotate", "cloud", "--key", "act", "--json"))
    sources = list(map(scheme._source, scheme.load("yunnan")["sources"]))
    assert told["sources"] == sorted(each["id"] for each in sources)
    for each in sources:
        keys = [{"key": key_of(five, "cloud"), "since": 0, "until": None}]
        body = {**each, "keys": keys}
        assert voting.want(five.net, "register_source", body).done
    five.miaopei("backup", "insurer", str(five.net.folder / BEFORE))
    window = {"since": from_beijing(UNTIL), "until": from_beijing("2017-04-15"), "language": "en"}
    control.call(five.net.at("cloud"), "play", seconds=600, **window)
    written = control.call(at, "write", seconds=200)
    (row,) = [row for row in written if row["date"] == "2017-03-27" and row["payout_fen"]]
    books = nets.as_json(nets.miaopei("status", "--data", str(at), "--json"))["books"]
    (policies,) = [book["rows"] for book in books if book["book"] == row["listing"]]
    assert row["payout_fen"] == policies * 2_800_000_000  # a test before may have issued more
    held = Held("changed", Path(row["receipt"]).read_bytes(), None, pinned)
    leaves = json.loads(held.data)["leaves"]
    given = {each["leaf"]["act"]["body"]["key"] for each in leaves["keys"]}
    assert {mine, key_of(five, "cloud")} <= given
    assert {each["leaf"]["act"]["key"] for each in leaves["payments"]} == {mine}
    assert held.verdict().holds, held.verdict().failed
    assert failed(build(tmp_path), [held], tmp_path) == [()]
    with checker(tmp_path) as page:
        page.open(f"{PAGE.as_uri()}?lang=en")
        assert page.check(held)["verdict"] == "holds"


def test_what_a_member_has_sealed_since_its_backup_opens_for_it_again(
    five: Running, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    """The payer from before a settlement, a decider from another one's snapshot: who may read what
    they sealed kept its keys for them.
    """
    snapshot = tmp_path / "cloud.snapshot"
    five.miaopei("snapshot", "cloud", str(snapshot))
    for member, file in (("insurer", five.net.folder / BEFORE), ("regulator", snapshot)):
        five.miaopei("down", member)
        five.miaopei("restore", member, str(file))
        five.whole()
        control.call(five.net.at(member), "round", seconds=150)  # what came is opened
        five.until(partial(sound, five, member))


def sound(five: Running, member: str, _: nets.Standing) -> bool:
    """Whether an audit finds nothing; keys and bytes that are on their way are found to lack."""
    done = five.miaopei("audit", member, "--json", check=False)
    return bool(json.loads(done.stdout)["findings"] == [])


def test_o04_a_thief_changes_the_key_first_and_the_others_give_the_member_another(
    five: Running, rows: list[dict[str, Any]]
) -> None:
    at = five.net.at("notary")
    chain = content_id("chain", five.net.genesis)
    until = control.call(at, "status")["time"] + 86_400
    thief = who("a thief").acts
    body = change_key.body_of(thief, chain, "notary", until)
    control.call(at, "act", kind="change_key", ref="stolen", body=body, seconds=150)
    refused = five.miaopei("rotate", "notary", "--key", "act", "--lang", "en", check=False)
    assert refused.returncode == 1
    assert "--by-votes" in refused.stderr
    assert not control.call(at, "key_stands")["in_force"]
    two = ("--by", "cloud", "--by", "regulator")
    said = five.miaopei("rotate", "notary", "--key", "act", "--by-votes", *two, check=False)
    assert said.returncode == 1
    told = nets.as_json(five.miaopei("rotate", "notary", "--key", "act", "--by-votes", "--json"))
    assert told["done"]
    assert control.call(at, "key_stands")["in_force"]
    assert key_of(five, "notary") == public_hex(load_or_make(at / "keys.json", "notary").acts)
    five.whole()
