"""A member of a consortium damaged, lost, backed up and brought back: named, mended, never twice
the same signature.
"""

from __future__ import annotations

import json
import shutil
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from miaopei.adapters.engine.home import SIGNED
from miaopei.adapters.engine.rpc import EngineRpc
from miaopei.adapters.postgres.own.guard import guarded
from miaopei.cli.net import control
from miaopei.cli.net.plan import database
from miaopei.measures.suites import in_use
from miaopei.node.fetching.missing import LACKING
from tests.support import nets
from tests.support.nets import Running

pytestmark = pytest.mark.timeout(1500)
HURT = "notary"


@pytest.fixture(scope="module")
def four() -> Iterator[Running]:
    """Four members under a live clock."""
    with nets.running("kept", 4) as made:
        for number in range(6):
            made.name("cloud", f"first-{number}")
        yield made


def audit(four: Running, member: str = HURT) -> list[dict[str, Any]]:
    """What `net audit` finds."""
    done = four.miaopei("audit", member, "--json", check=False)
    told = json.loads(done.stdout)
    assert done.returncode == (4 if told["findings"] else 1 if told["waiting"] else 0)
    assert told["sound"] == (done.returncode == 0)
    findings: list[dict[str, Any]] = told["findings"]
    return findings


def sql(four: Running, query: str, *values: object) -> list[tuple[Any, ...]]:
    """A statement in the hurt member's database."""
    address = make_conninfo(four.net.postgres.start(), dbname=database(HURT))
    with psycopg.connect(address) as connection:
        done = connection.execute(query.encode(), values)
        return done.fetchall() if done.description else []


def state_file(four: Running) -> Path:
    """What keeps the engine from signing twice."""
    return four.net.at(HURT) / "engine" / "data" / SIGNED


def signed(four: Running) -> int:
    """The height up to which the engine has signed."""
    return int(json.loads(state_file(four).read_text())["height"])


def whole_and_sound(four: Running, tag: str, before: int) -> None:
    """It takes part again, agrees with all, everything it has is sound, and nobody signed twice."""
    four.whole()
    four.name("cloud", tag)
    four.whole()
    assert (
        audit(four) == []
    )  # every block of its engine too: evidence of two signatures is a finding
    assert signed(four) >= before


def test_a_table_that_was_altered_is_found_named_and_made_anew(four: Running) -> None:
    four.whole()
    query = "update shared.state set value = value || ' '::bytea where tab = 'member' and key = %s"
    sql(four, query, "first-3")
    assert {"stage": "state", "code": "rebuild.row_differs"}.items() <= next(
        each for each in audit(four) if each["facts"].get("key") == "first-3"
    ).items()
    before, note = signed(four), json.dumps([["ab" * 32, "text/plain", "cloud"]])
    lacks = guarded(LACKING, note.replace(" ", "").encode())
    sql(four, "insert into own.progress values (%s, %s)", LACKING, lacks)  # named nowhere
    four.miaopei("heal", HURT, "--rebuild")
    whole_and_sound(four, "mended-state", before)
    assert control.call(four.net.at(HURT), "status")["missing"] == 0


def test_a_log_that_was_altered_is_found_named_and_made_anew(four: Running) -> None:
    four.whole()
    sql(four, "update shared.leaf set bytes = set_byte(bytes, 30, 7) where position = 5")
    found = [each for each in audit(four) if each["stage"] == "log"]
    assert [each["facts"]["position"] for each in found] == [5]
    before = signed(four)
    four.miaopei("heal", HURT, "--rebuild")
    whole_and_sound(four, "mended-log", before)


def test_lost_engine_data_are_found_named_and_fetched_from_the_others(four: Running) -> None:
    four.whole()
    four.miaopei("down", HURT)
    before = signed(four)
    data = state_file(four).parent
    for path in data.iterdir():
        if path.name != SIGNED:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    found = audit(four)
    assert found
    assert {each["stage"] for each in found} == {"engine"}
    four.miaopei("heal", HURT, "--rebuild")
    whole_and_sound(four, "mended-engine", before)


def test_a_member_comes_back_from_its_backup_and_signs_nothing_twice(
    four: Running, tmp_path: Path
) -> None:
    four.whole()
    file = tmp_path / "notary.backup"
    four.miaopei("backup", HURT, str(file))
    with tarfile.open(file) as tar:  # neither the engine's key nor what it has signed
        assert not [name for name in tar.getnames() if "validator" in name or "engine" in name]
    for number in range(5):
        four.name("cloud", f"after-backup-{number}")
    before = signed(four)
    four.miaopei("kill", HURT, "--stay")
    sql(four, "truncate shared.leaf, shared.node, shared.state, shared.head, own.block")
    told = four.miaopei("restore", HURT, str(file), "--lang", "en")
    assert "entries again" in told.stdout
    whole_and_sound(four, "restored", before)


def test_a_backup_from_before_its_keys_changed_brings_a_member_back_all_the_same(
    four: Running, tmp_path: Path
) -> None:
    """Which keys were its own then is said by the record; what no key opens any more, by name. A
    file of then that it has not written itself may be a thief's.
    """
    four.whole()
    file, other = tmp_path / "notary.backup", tmp_path / "cloud.backup"
    four.miaopei("backup", HURT, str(file))
    four.miaopei("backup", "cloud", str(other))
    four.miaopei("rotate", HURT, "--key", "log", "--key", "box", "--key", "peer")
    four.name("cloud", "after-the-change")
    four.whole()
    keys, before = four.net.at(HURT) / "keys.json", signed(four)
    good = keys.read_text("utf-8")
    (earlier,) = json.loads(good)["boxes"]
    keys.write_text(json.dumps({**json.loads(good), "boxes": []}), "utf-8")
    told = four.miaopei("restore", HURT, str(file), "--lang", "en", check=False)
    named = in_use.suite.box(bytes.fromhex(earlier)).public_key().public_bytes_raw().hex()
    assert (told.returncode, f"box key {named[:16]}... of {HURT}" in told.stderr) == (1, True)
    keys.write_text(good, "utf-8")
    told = four.miaopei("restore", HURT, str(other), "--lang", "en", check=False)
    assert (told.returncode, "signed by a key of cloud" in told.stderr) == (1, True)
    noted = four.net.at(HURT) / "backups.json"
    names = noted.read_bytes()
    noted.unlink()
    told = four.miaopei("restore", HURT, str(file), "--lang", "en", check=False)
    assert (told.returncode, "signed by a log key of" in told.stderr) == (1, True)
    noted.write_bytes(names)
    four.whole()  # none of them has touched anything
    told = four.miaopei("restore", HURT, str(file), "--lang", "en")
    assert "entries again" in told.stdout
    assert "stay closed" not in told.stderr
    whole_and_sound(four, "restored-by-earlier-keys", before)


def test_an_older_copy_of_what_was_signed_is_refused_and_the_newest_is_used(
    four: Running, tmp_path: Path
) -> None:
    four.whole()
    four.miaopei("down", HURT)
    older = state_file(four).read_bytes()
    four.miaopei("heal", HURT)
    four.whole()
    for number in range(8):
        four.name("cloud", f"signed-{number}")
    four.whole()
    four.miaopei("down", HURT)
    newest, before = state_file(four).read_bytes(), signed(four)
    file = tmp_path / "notary.backup"
    four.miaopei("backup", HURT, str(file))
    state_file(four).write_bytes(older)
    told = four.miaopei("restore", HURT, str(file), "--lang", "en", check=False)
    assert told.returncode == 1
    assert "older copy" in told.stderr
    told = four.miaopei("heal", HURT, "--lang", "en", check=False)
    assert (told.returncode, "it is an older copy" in told.stderr, "Done" in told.stderr) == (
        3, True, False,
    )  # fmt: skip
    four.until(lambda s: "signed" in (row_of(s).trouble or ""))
    assert state_file(four).read_bytes() == older  # the engine was never let near it
    state_file(four).unlink()
    told = four.miaopei("restore", HURT, str(file), "--lang", "en", check=False)
    assert (told.returncode, "never make one by hand" in told.stderr) == (1, True)
    four.miaopei("down", HURT)
    state_file(four).write_bytes(newest)
    four.miaopei("heal", HURT)
    whole_and_sound(four, "newest", before)


def row_of(standing: Any) -> Any:
    """The hurt member's row."""
    return next(row for row in standing.rows if row.member == HURT)


def test_a_member_whose_machine_is_lost_returns_under_a_new_engine_key(
    four: Running, tmp_path: Path
) -> None:
    """Its backup and the keys that were kept apart are all that is left of it."""
    four.whole()
    file, at = tmp_path / "notary.backup", four.net.at(HURT)
    four.miaopei("backup", HURT, str(file))
    for number in range(3):
        four.name("cloud", f"machine-{number}")
    old = json.loads((at / "engine" / "config" / "priv_validator_key.json").read_text())
    kept = [at / name for name in ("keys.json", "master.key") if (at / name).exists()]
    apart = {path.name: path.read_bytes() for path in kept}
    four.miaopei("kill", HURT, "--stay")
    shutil.rmtree(at)
    at.mkdir(mode=0o700)
    for name, data in apart.items():
        (at / name).write_bytes(data)
    told = four.miaopei("restore", HURT, str(file), "--lang", "en", check=False)
    assert (told.returncode, "--new-engine-key" in told.stderr) == (1, True)
    four.miaopei("restore", HURT, str(file), "--new-engine-key")
    whole_and_sound(four, "another-machine", 0)
    new = json.loads((at / "engine" / "config" / "priv_validator_key.json").read_text())
    assert new["address"] != old["address"]
    four.miaopei("kill", "insurer", "--stay")  # three of four are needed: its vote counts again
    for number in range(3):
        four.name("cloud", f"three-{number}")
    four.miaopei("heal", "insurer")
    four.whole()


def test_a_member_begins_from_another_ones_snapshot_and_a_flipped_byte_is_refused(
    four: Running, tmp_path: Path
) -> None:
    four.whole()
    file, bad = tmp_path / "record.snapshot", tmp_path / "bad.snapshot"
    four.miaopei("snapshot", "cloud", str(file))
    four.name("cloud", "after-snapshot")
    four.miaopei("down", HURT)
    before, good = signed(four), file.read_bytes()
    with tarfile.open(file) as tar:
        places = {m.name: m.offset_data + m.size // 2 for m in tar.getmembers() if m.size}
    for name, at in places.items():
        spoilt = bytearray(good)
        spoilt[at] ^= 1
        bad.write_bytes(spoilt)
        told = four.miaopei("restore", HURT, str(bad), "--lang", "en", check=False)
        assert told.returncode in (1, 4), name
        assert told.stderr.strip(), name
    four.miaopei("restore", HURT, str(file))
    whole_and_sound(four, "from-snapshot", before)
    assert sql(four, "select count(*) from own.progress where name = 'engine/at'") == [(0,)]


class Image:
    """A member's whole machine as it stood: its folder, mark and all, and its database."""

    def __init__(self, four: Running, aside: Path) -> None:
        self._four, self._aside, self._at = four, aside, four.net.at(HURT)
        shutil.copytree(self._at, aside, ignore=shutil.ignore_patterns("*.sock"))
        self._again("kept_image", database(HURT))

    def put_back(self) -> None:
        """The machine is set back to it."""
        shutil.rmtree(self._at)
        shutil.copytree(self._aside, self._at)
        self._again(database(HURT), "kept_image")

    def _again(self, name: str, model: str) -> None:
        address = make_conninfo(self._four.net.postgres.start(), dbname="postgres")
        with psycopg.connect(address, autocommit=True) as server:
            server.execute(f"drop database if exists {name}")  # type: ignore[arg-type]
            server.execute(f"create database {name} template {model}")  # type: ignore[arg-type]


def signers(four: Running, height: int) -> set[str]:
    """Whose signatures are under a block, by the engine of another member."""
    engine = EngineRpc(four.net.at("cloud") / "rpc.sock")
    commit = engine.ask("commit", height=str(height))["signed_header"]["commit"]
    return {vote["validator_address"] for vote in commit["signatures"]}


def test_a_machine_set_back_to_an_image_signs_nothing_that_it_may_have_signed(
    four: Running, tmp_path: Path
) -> None:
    """Mark and all are older: it waits until enough others answer, then until it is past them."""
    four.whole()
    four.miaopei("down", HURT)
    image = Image(four, tmp_path / "image")
    four.miaopei("heal", HURT)
    four.whole()
    key = json.loads((four.net.at(HURT) / "engine/config/priv_validator_key.json").read_text())
    number = 0
    while number < 4 or key["address"] not in signers(four, row_of(four.standing()).height - 1):
        four.name("cloud", f"of-the-lost-life-{number}")  # what others have seen of it is in blocks
        number += 1
    four.whole()
    four.miaopei("kill", HURT, "insurer", "regulator", "--stay")
    before = signed(four)
    image.put_back()
    four.miaopei("heal", HURT)
    asks = {
        "code": "engine.asks_others",
        "facts": {"heard": "cloud", "lacking": "insurer, regulator"},
    }
    four.until(lambda s: row_of(s).waits == asks)
    time.sleep(3)  # one of three others answers: too few, and its engine is not started
    assert (row_of(four.standing()).waits, row_of(four.standing()).up) == (asks, False)
    assert signed(four) < before
    four.miaopei("heal", "insurer")
    found = four.until(lambda s: (row_of(s).waits or {}).get("code") == "engine.set_back")
    facts = row_of(found).waits["facts"]
    assert (row_of(found).verdict, facts["seen"] >= before - 1) == ("waits", True)
    said = four.miaopei("status", "--lang", "en", check=False).stdout
    assert "set back to an older image" in " ".join(said.split())
    four.miaopei("heal", "regulator")  # three that sign are needed, and it is none of them
    for number in range(6):
        four.name("cloud", f"past-it-{number}", seconds=150)
    four.whole()
    ours = key["address"]
    silent = range(before + 1, facts["begins"])
    assert [at for at in silent if ours in signers(four, at)] == []
    four.until(lambda s: ours in signers(four, row_of(s).height - 1))
    whole_and_sound(four, "as-before", before)


def test_what_another_names_and_nobody_has_is_told_and_keeps_nobody_down(
    four: Running, tmp_path: Path
) -> None:
    """One act, and each member's audit said damaged for good, and no restored one came up."""
    four.whole()
    blob = {"blob": "ab" * 32, "length": 1, "count": 1, "root": "cd" * 32}
    purposes = [{"purpose": "claims", "uses": 1}]
    body = {"first": 1, "uses": {**blob, "media": "miaopei/uses/1"}, "purposes": purposes}
    asked = {"kind": "log_uses", "ref": "of nothing", "body": body}
    act = control.call(four.net.at("cloud"), "act", seconds=150, **asked)["act"]
    four.whole()
    told = json.loads(four.miaopei("audit", HURT, "--json").stdout)
    assert (told["sound"], told["findings"]) == (True, [])
    (unfit,) = told["unfit"]
    assert unfit["code"] == "inspect.unfit_missing"
    assert {**unfit["facts"], "position": 0} == {
        "by": "cloud", "act": act, "kind": "log_uses", "position": 0,
        "blob": "ab" * 32, "media": "miaopei/uses/1",
    }  # fmt: skip
    said = four.miaopei("audit", HURT, "--lang", "en")
    assert ("that cloud named" in said.stderr, "Sound" in said.stdout) == (True, True)
    file, before = tmp_path / "notary.backup", signed(four)
    four.miaopei("backup", HURT, str(file))
    again = four.miaopei("restore", HURT, str(file), "--lang", "en")
    assert "that cloud named" in again.stderr
    whole_and_sound(four, "beside-what-is-unfit", before)
    assert audit(four, "cloud") == []
    told = json.loads(four.miaopei("audit", "cloud", "--json", check=False).stdout)
    (own,) = told["waiting"]  # it is asked for, and that member is not sound until it comes
    assert own["code"] == "inspect.waits_missing", "who names it answers for it"
