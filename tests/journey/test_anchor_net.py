"""Anchoring by real processes: members of a net and a solo record, hurt and healed."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from miaopei.adapters.anchor import chain, signing, told
from miaopei.adapters.anchor.chain import RunningChain
from miaopei.adapters.anchor.evm import EvmAnchor
from miaopei.adapters.postgres.connection import connect
from miaopei.adapters.postgres.starter import LocalPostgres
from miaopei.cli.net.watching import Standing
from miaopei.node.anchoring.port import Point
from tests.support import anchoring, nets, servers
from tests.support.anchoring import calls_that_anchor
from tests.support.nets import Running, miaopei

pytestmark = pytest.mark.timeout(900)
WRITERS = ("insurer", "notary")
SECONDS = 240.0


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningChain]:
    """A chain; it is killed on the way, and started again at the same address."""
    with anchoring.running(tmp_path_factory.mktemp("chain")) as made:
        yield made


@pytest.fixture(scope="module")
def four() -> Iterator[Running]:
    """Four members under a live clock."""
    with nets.running("anchored", 4) as made:
        yield made


def anchor(folder: Path, *arguments: str, good: bool = True) -> subprocess.CompletedProcess[str]:
    """One of the commands for a folder."""
    done = miaopei("anchor", *arguments, "--data", str(folder), check=False)
    assert not good or done.returncode == 0, done.stdout + done.stderr
    return done


@contextmanager
def working(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The worker as a process, killed at the end."""
    command = [sys.executable, "-m", "miaopei.cli", "anchor", "start", "--data", str(folder)]
    process = subprocess.Popen(
        [*command, "--every", "0.2"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def checked(folder: Path) -> tuple[int, dict[str, Any]]:
    """What `anchor check` ends with and says."""
    done = anchor(folder, "check", "--json", good=False)
    return done.returncode, json.loads(done.stdout)


def caught_up(*members: str) -> Callable[[Standing], bool]:
    """Whether these have anchored all that they hold."""

    def holds(found: Standing) -> bool:
        rows = [row for row in found.rows if row.member in members]
        return all(row.anchored is not None and row.anchored["size"] == row.size for row in rows)

    return holds


def test_two_members_anchor_what_all_certified_while_workers_nodes_and_the_chain_are_killed(
    four: Running, ledger: RunningChain
) -> None:
    at = {member: four.net.at(member) for member in WRITERS}
    keys = {m: json.loads(anchor(at[m], "key", "--json").stdout)["address"] for m in WRITERS}
    for address in keys.values():
        ledger.fund(address)
    named = [part for address in keys.values() for part in ("--writer", address)]
    anchor(at["insurer"], "deploy", "--rpc", ledger.address, *named)
    made = json.loads((at["insurer"] / "anchor.json").read_text("utf-8"))
    where = ["--contract", made["contract"], "--since", str(made["since"])]
    anchor(at["notary"], "join", "--rpc", ledger.address, *where, *named)
    with working(at["insurer"]):
        four.name("cloud", "one")
        four.until(caught_up("insurer"), SECONDS)
        four.miaopei("kill", "insurer")  # its node; the worker goes on beside it
        four.name("cloud", "two")
    # The worker was killed as well, by SIGKILL.
    anchoring.kill_saved(ledger)
    four.name("cloud", "three")
    away = anchor(at["notary"], "start", "--once", good=False)
    assert away.returncode == 3
    stands = anchor(at["insurer"], "status", "--json", good=False)
    shown = json.loads(stands.stdout)
    assert (stands.returncode, shown["height"], shown["trouble"]["code"]) == (
        1,
        None,
        "anchor.silent",
    )
    assert 0 < shown["anchored"] <= shown["certified"]
    said = anchor(at["insurer"], "status", "--lang", "en", good=False).stdout
    assert f"size {shown['anchored']}" in said
    with chain.start(ledger.folder, port=ledger.port) as back, working(at["insurer"]):
        with working(at["notary"]):
            four.name("cloud", "four")
            four.until(caught_up(*WRITERS), SECONDS)
        for member in WRITERS:
            code, said = checked(at[member])
            assert (code, said["altered"], said["findings"]) == (0, False, [])
            assert said["agreed"] == said["anchors"] > 1
        sizes = [size for _, size, _ in calls_that_anchor(back)]
        for address in keys.values():  # each goes on from its own head
            own = [size for _, size, _ in calls_that_anchor(back, address)]
            assert own == sorted(set(own))
        rows = nets.as_json(four.miaopei("status", "--json"))["members"]
        shown = {row["member"]: row["anchored"] for row in rows}
        assert {m for m, value in shown.items() if value is not None} == set(WRITERS)
        assert shown["insurer"]["size"] == max(sizes)
        assert shown["insurer"]["trouble"] is None


def test_a_writer_that_anchors_a_size_which_no_member_has_ends_with_an_alarm_and_shuts_nobody_out(
    four: Running, tmp_path: Path
) -> None:
    """The chain's clock is two hours behind: its anchors are as old for who reads them now."""
    at = four.net.at("cloud")
    with anchoring.running(tmp_path / "chain", "--timestamp", str(int(time.time()) - 7200)) as made:
        liar = signing.load_or_make(tmp_path)
        ours = json.loads(anchor(at, "key", "--json").stdout)["address"]
        for address in (liar.address, ours):
            made.fund(address)
        named = [part for address in (liar.address, ours) for part in ("--writer", address)]
        anchor(at, "deploy", "--rpc", made.address, *named)
        writer = EvmAnchor(told.load(at), liar)
        writer.put(Point(2**53 - 1, bytes([9]) * 32), None, lambda _: None)
        writer.close()
        stopped = anchor(at, "start", "--once", good=False)
        assert (stopped.returncode, liar.address in stopped.stderr) == (4, True)
        code, said = checked(at)
        assert (code, [each["code"] for each in said["findings"]]) == (4, ["anchor.ahead_of_all"])
        assert (said["anchors"], said["agreed"]) == (2, 1)
        shown = anchor(at, "status", "--json", good=False)
        assert shown.returncode == 4
        assert 0 < json.loads(shown.stdout)["anchored"] < 2**53 - 1


@pytest.fixture(scope="module")
def solo(ledger: RunningChain) -> Iterator[Path]:
    """A live record of one member."""
    folder = servers.folder() / "solo"
    miaopei("begin", "circle", "--data", str(folder))
    yield folder
    LocalPostgres(folder / "postgres").remove()


def test_a_solo_record_is_anchored_and_what_its_operator_rewrites_is_named(
    solo: Path, tmp_path: Path
) -> None:
    with anchoring.running(tmp_path / "chain") as running:
        running.fund(signing.load_or_make(solo).address)
        anchor(solo, "deploy", "--rpc", running.address)
        assert anchor(solo, "deploy", "--rpc", running.address, good=False).returncode == 1
        anchor(solo, "start", "--once")
        code, said = checked(solo)
        assert (code, said["anchors"], said["agreed"]) == (0, 1, 1)
        size = said["last"]

        # The whole record anew, by the same keys and under the same name, in which more stands.
        other = servers.folder() / "rewritten"
        other.mkdir()
        shutil.copy(solo / "keys.json", other)
        miaopei("begin", "yunnan", "--data", str(other))
        for path in solo.glob("anchor.*"):
            shutil.copy(path, other)
        code, said = checked(other)
        assert code == 4
        assert said["altered"]
        (finding, *_) = said["findings"]
        assert (finding["code"], finding["facts"]["size"]) == ("anchor.log_altered", size)
        stopped = anchor(other, "start", "--once", good=False)
        assert stopped.returncode == 4
        assert str(size) in stopped.stderr
        assert anchor(other, "status", good=False).returncode == 4
        assert len(calls_that_anchor(running)) == 1
        LocalPostgres(other / "postgres").remove()

        # One leaf of the record itself, changed in its table.
        server = LocalPostgres(solo / "postgres")
        with connect(make_conninfo(server.start(), dbname="miaopei")) as connection:
            connection.execute("update shared.leaf set bytes = bytes || '\\x20' where position = 3")
        server.stop()
        code, said = checked(solo)
        assert (code, said["findings"][0]["code"]) == (4, "anchor.log_altered")
        assert said["findings"][0]["facts"]["after"] == 0
