"""Members on machines of their own, by their commands alone: nobody sees another's keys.

Four of them; with MIAOPEI_OWN_MEMBERS=6 the six of the first journey.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.support.machines import ROLES, Machines, machines

pytestmark = pytest.mark.timeout(1500)  # the first run builds the engine
MEMBERS = list(ROLES)[: int(os.environ.get("MIAOPEI_OWN_MEMBERS", "4"))]
NEWCOMER = "reinsurer"


@pytest.fixture(scope="module")
def own() -> Iterator[Machines]:
    """A machine for each, and one that nobody uses yet."""
    with machines("own", [*MEMBERS, NEWCOMER]) as made:
        yield made


def test_o04_each_founds_the_same_record_from_the_seat_files_alone(own: Machines) -> None:
    own.init(*MEMBERS)
    other = own.folder / "other"
    shutil.copytree(own.at("notary"), other)  # the same keys, for another record
    files = [str(own.seat(member)) for member in MEMBERS]
    told = [own.told(m, "found", *(files if i % 2 else files[::-1])) for i, m in enumerate(MEMBERS)]
    assert len({said["digest"] for said in told}) == 1
    assert len({(own.at(m) / "genesis.json").read_bytes() for m in MEMBERS}) == 1
    refused = own.run("cloud", "found", *files, "--origin", "another.example/log", code=1)
    assert told[0]["digest"] in refused.stderr
    own.run("notary", "found", *files, "--origin", "another.example/log", at=other)
    for member in MEMBERS:
        held = {path.name for path in own.at(member).rglob("*") if path.is_dir()}
        assert not held & (set(MEMBERS) - {member})


def test_o04_they_run_apart_and_each_sees_by_the_wire_that_all_agree(own: Machines) -> None:
    own.up(*MEMBERS)
    for member in MEMBERS[:2]:
        rows = own.agree(member, *MEMBERS)
        assert set(rows) == set(MEMBERS)
        assert len({row["root"] for row in rows.values() if row["lag"] == 0}) == 1
    own.run("cloud", "status")


def test_one_that_is_away_and_one_of_another_genesis_are_named(own: Machines) -> None:
    own.run("notary", "down")
    own.until("cloud", lambda rows: rows["notary"]["verdict"] == "silent")
    other = own.folder / "other"
    own.run("notary", "up", "--detach", at=other)
    rows = own.until("cloud", lambda rows: rows["notary"]["verdict"] == "other_genesis")
    assert {rows[m]["verdict"] for m in MEMBERS if m != "notary"} == {"agrees"}
    said = own.run("cloud", "status").stdout
    assert "another genesis" in " ".join(said.split())
    own.run("notary", "down", at=other)
    own.run("notary", "up", "--detach")
    own.agree("notary", *MEMBERS)
