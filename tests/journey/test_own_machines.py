"""Members on machines of their own, by their commands alone: nobody sees another's keys.

Four of them; with MIAOPEI_OWN_MEMBERS=6 the six of the first journey.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from miaopei.adapters.engine.home import SIGNED
from miaopei.adapters.engine.rpc import EngineRpc
from miaopei.cli.net import control
from miaopei.cli.net.plan import Net
from tests.support import nets
from tests.support.machines import ROLES, Machines, machines

pytestmark = pytest.mark.timeout(1500)  # the first run builds the engine
MEMBERS = list(ROLES)[: int(os.environ.get("MIAOPEI_OWN_MEMBERS", "4"))]
NEWCOMER, OTHER_KEY = "reinsurer", "engine.other_key"


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


def test_who_comes_up_before_the_others_says_what_it_waits_for(own: Machines) -> None:
    said = own.start("notary")
    assert "its engine signs nothing yet" in said
    assert "The member answers" not in said
    own.until("notary", lambda rows: rows["notary"]["verdict"] == "waits")
    own.run("notary", "down")


def test_o04_they_run_apart_and_each_sees_by_the_wire_that_all_agree(own: Machines) -> None:
    own.up(*MEMBERS)
    for member in MEMBERS[:2]:
        rows = own.agree(member, *MEMBERS)
        assert set(rows) == set(MEMBERS)
        assert len({row["root"] for row in rows.values() if row["lag"] == 0}) == 1
    own.run("cloud", "status")
    read = nets.as_json(nets.miaopei("status", "--data", str(own.at("cloud")), "--json"))
    assert read["log"]["entries"] > 0


def acts_key(own: Machines, member: str) -> str:
    """The key for acts that a member's newest seat file names."""
    return str(json.loads(own.seat(member).read_bytes())["member"]["keys"][0]["key"])


def known_keys(own: Machines, member: str, other: str) -> list[str]:
    """The keys for acts of another, by one member's record."""
    entry = control.call(Net.of(own.at(member)).at(member), "entry", member=other)
    return [key["key"] for key in entry["keys"]]


def test_o04_a_member_changes_the_key_of_its_acts_and_is_given_one_by_the_others(
    own: Machines,
) -> None:
    first, others = acts_key(own, "insurer"), [m for m in MEMBERS if m != "insurer"]
    assert own.told("insurer", "rotate", "--key", "act")["keys"] == "act"
    second, end = acts_key(own, "insurer"), time.monotonic() + nets.SECONDS
    while time.monotonic() < end and second not in known_keys(own, "cloud", "insurer"):
        time.sleep(0.2)  # the block with the change comes to each in its own time
    own.run("cloud", "meet", str(own.seat("insurer")))
    asked = own.told("insurer", "rotate", "--key", "act", "--by-votes", code=1)
    assert acts_key(own, "insurer") == second
    forged = own.folder / "forged.key.json"
    body = json.loads(Path(asked["path"]).read_bytes())
    forged.write_text(json.dumps({**body, "member": "notary"}), "utf-8")
    assert "has not signed" in own.run("cloud", "approve", str(forged), code=1).stderr
    assert not own.told(others[0], "approve", asked["path"], code=1)["done"]
    (wish,) = own.wishes(others[1], 1)
    assert (wish["kind"], wish["body"]["key"]) == ("change_key", asked["key"])
    assert wish["by"] == [others[0]]
    assert set(others[1:]) <= set(wish["lacks"]) <= {*others[1:], "insurer"}
    own.told(others[1], "approve", wish["name"][:32], code=1)
    for member in others[2:]:
        done = own.told(member, "approve", asked["path"], code=int(member != others[-1]))
    assert (done["done"], done["key"]) == (True, asked["key"])
    assert own.wishes("insurer", 0) == []
    assert own.told("insurer", "rotate", "--key", "act", "--by-votes")["keys"] == "act"
    assert acts_key(own, "insurer") == asked["key"] not in (first, second)
    assert not Path(asked["path"]).exists()
    for member in others:
        own.run(member, "meet", str(own.seat("insurer")))
    own.agree("cloud", *MEMBERS)


def test_one_that_is_away_and_one_of_another_genesis_are_named(own: Machines) -> None:
    own.run("notary", "down")
    own.until("cloud", lambda rows: rows["notary"]["verdict"] == "silent")
    refused = nets.miaopei("status", "--data", str(own.at("notary")), "--lang", "en", check=False)
    assert refused.returncode == 3
    assert f"member up {own.at('notary')} --detach" in refused.stderr
    other = own.folder / "other"
    own.start("notary", at=other)
    seen = {m: "other_genesis" if m == "notary" else "agrees" for m in MEMBERS}
    own.until("cloud", lambda rows: {m: row["verdict"] for m, row in rows.items()} == seen)
    said = own.run("cloud", "status").stdout
    assert "another genesis" in " ".join(said.split())
    with own.map("cloud") as address:
        shown = httpx.get(f"{address}/api/v1/members", timeout=120).json()
        page = httpx.get(f"{address}/en/members", timeout=120)
    assert {row["member"]: row["verdict"] for row in shown["members"]} == seen
    assert page.status_code == 200
    assert "another genesis" in page.text
    own.run("notary", "down", at=other)
    own.start("notary")
    own.agree("notary", *MEMBERS)


def test_a_port_that_another_program_has_is_named_and_nothing_is_left_running(
    own: Machines,
) -> None:
    own.run("notary", "down")
    for address in Net.of(own.at("notary")).listens("notary"):  # its engine's, that for blobs
        with own.taken("notary", address):
            said = " ".join(own.start("notary", code=3).split())
        assert "address already in use" in said.lower()
        assert address.rpartition(":")[2] in said
        assert "The member answers" not in said
        assert not control.there(own.at("notary"))
    own.start("notary")  # with both given up it comes up
    own.agree("notary", *MEMBERS)


def neighbours(own: Machines, member: str) -> set[str]:
    """The names of the engines that a member's engine is connected with."""
    engine = EngineRpc(own.at(member) / "members" / member / "rpc.sock")
    return {peer["node_info"]["moniker"] for peer in engine.ask("net_info")["peers"]}


def test_o04_a_further_one_is_admitted_by_approvals_given_one_by_one(own: Machines) -> None:
    """Its seat file goes to each; nobody speaks for another, and until enough have, it gets no
    connection: not from those either that want it.
    """
    own.init(NEWCOMER)
    own.run(NEWCOMER, "join", str(own.at("cloud") / "genesis.json"), *map(str, files(own)))
    own.start(NEWCOMER)
    seat = str(own.seat(NEWCOMER))
    assert "operator" in own.run("insurer", "approve", seat, code=1).stderr
    first, *rest = ("cloud", *(m for m in MEMBERS if m != "cloud"))
    said = own.told(first, "approve", seat, code=1)
    assert (said["votes"], said["total"], said["done"]) == (1, len(MEMBERS), False)
    (wish,) = own.wishes(rest[0], 1)
    assert (wish["kind"], wish["by"]) == ("seat_member", ["cloud"])
    enough = 2 * len(MEMBERS) // 3  # one more than these
    for number, member in enumerate(rest, 2):
        assert number > enough or NEWCOMER not in neighbours(own, "cloud")
        said = own.told(member, "approve", seat, code=1 if number <= enough else 0)
        assert said["done"] == (number > enough)
    assert own.wishes(first, 0) == []
    own.agree("cloud", *MEMBERS, NEWCOMER)
    own.agree(NEWCOMER, *MEMBERS, NEWCOMER)


def files(own: Machines) -> list[Path]:
    """The seat files of the founders, as each has written it."""
    return [own.seat(member) for member in MEMBERS]


def test_a_member_changes_its_keys_and_its_address_and_the_others_take_its_file(
    own: Machines,
) -> None:
    before = own.folder / "earlier.seat.json"
    shutil.copy(own.seat("regulator"), before)
    changed = own.told("regulator", "rotate")["keys"]
    assert changed == "engine, node, peer, log, box"
    text = own.seat("regulator").read_text("utf-8")
    altered = own.folder / "altered.seat.json"
    altered.write_text(text.replace('"blobs": "1', '"blobs": "2'), "utf-8")
    refused = own.run("cloud", "meet", str(altered), code=1).stderr
    assert "altered.seat.json was altered" in " ".join(refused.split())
    # Before its engine signs, it asks the others, who answer nobody whose certificate they lack.
    assert own.rows("regulator")["regulator"]["verdict"] in ("waits", "down")
    others = [member for member in (*MEMBERS, NEWCOMER) if member != "regulator"]
    for member in others:
        own.run(member, "meet", str(own.seat("regulator")))
    own.agree("cloud", "regulator")
    assert "newer" in own.run("cloud", "meet", str(before), code=1).stderr
    own.run("regulator", "move", *own.elsewhere("regulator"))
    own.until("cloud", lambda rows: rows["regulator"]["verdict"] == "silent")
    own.run("cloud", "meet", str(own.seat("regulator")))
    own.agree("cloud", *MEMBERS)


def test_a_member_leaves_when_the_others_have_wanted_what_it_wanted(own: Machines) -> None:
    said = own.told(NEWCOMER, "leave", "--reason", "its own wish", code=1)
    assert (said["votes"], said["total"]) == (1, len(MEMBERS) + 1)
    (wish,) = own.wishes("cloud", 1)
    assert wish["said"] | {"until": 0} == {
        "member": NEWCOMER, "reason": "its own wish", "until": 0,
    }  # fmt: skip
    assert "wish" in own.run("cloud", "approve", "0000", code=1).stderr
    enough = 2 * (len(MEMBERS) + 1) // 3
    for number, member in enumerate(MEMBERS, 2):
        if number <= enough + 1:
            code = 1 if number <= enough else 0
            own.run(member, "approve", wish["name"][:32], code=code)
    own.until(NEWCOMER, lambda rows: rows[NEWCOMER]["verdict"] == "no_seat")
    own.run(NEWCOMER, "leave", "--reason", "its own wish")
    rows = own.until("cloud", lambda rows: rows["cloud"]["power"] is not None)
    assert rows.get(NEWCOMER, {"verdict": "no_seat"})["verdict"] == "no_seat"
    own.until(NEWCOMER, lambda rows: rows[NEWCOMER]["verdict"] == "down")
    own.agree("cloud", *MEMBERS)


def test_who_returns_under_a_key_that_the_record_has_refused_is_told_what_that_means(
    own: Machines,
) -> None:
    """Its engine's key has changed within the day, so that it may not again: nobody can know that
    on its own machine, where it is said again before anybody has sent the act.
    """
    at, file = own.at("regulator"), own.folder / "regulator.backup"
    own.run("regulator", "backup", str(file))
    own.run("regulator", "down")
    (at / "members" / "regulator" / "engine" / "data" / SIGNED).unlink()
    said = own.run("regulator", "restore", str(file), code=1).stderr
    assert "--new-engine-key" in said
    said = own.run("regulator", "restore", str(file), "--new-engine-key", code=1).stderr
    act = at / "carry.json"
    assert str(act) in said
    assert "delete the file" in " ".join(said.split())
    refused = own.run("cloud", "carry", str(act), code=1).stderr
    assert "changed" in refused
    said = " ".join(own.run("regulator", "restore", str(file), "--new-engine-key").stderr.split())
    assert f"{act} is taken for sent" in said
    assert f"member status {at}" in said
    own.start("regulator")
    own.until("regulator", lambda rows: (rows["regulator"]["waits"] or {}).get("code") == OTHER_KEY)
