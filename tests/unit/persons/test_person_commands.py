"""`miaopei person`: under grants, masked, logged, exported whole, erased for good, rotated in use.

Rows C-10, X-05, C-03.
"""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from miaopei.adapters.persons import master_key
from miaopei.adapters.postgres.store import PostgresStore
from miaopei.adapters.sandbox_grid.starter import start
from miaopei.cli.main import main
from miaopei.measures.identity import content_id
from miaopei.measures.instant import from_beijing
from miaopei.node.node import genesis_value
from miaopei.wiring import Member, open_member
from tests.support import servers
from tests.support.products import hills
from tests.support.town import CARRIERS, ONE_CARRIER, Town

NOW = from_beijing("2026-01-02")
LI, WANG = "1a" * 32, "2b" * 32
KNOWN = {"name": "张三丰", "phone": "13812341234", "account": "6222020200011119876"}
SHOWN = {"name": "张**", "phone": "138****1234", "account": "****9876"}
AS_CLERK = ("--purpose", "claims", "--role", "clerk", "--caller", "li")


class Desk:
    """A live record in a folder, and the command line over it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.dsn, self._capsys = folder, servers.database(), capsys
        with self.member() as member:
            value = genesis_value(
                *("desk", member.node.identity),
                clock="live",
                time=NOW,
                origin="example.org/desk",
                member_name={"zh": "柜台", "en": "Desk"},
            )
            member.node.found(value)
            town = Town.__new__(Town)
            town.store, town.me, town.node = member.store, member.node.identity, member.node
            town.decider, town.payer = member.decider, None
            town.set_up()
            listing = town.list_product(hills(), placement=ONE_CARRIER)
            rows = [town.policy(listing, "2026-01-01", "2026-06-01") for _ in range(2)]
            rows = [replace(r, subject=s) for r, s in zip(rows, (LI, WANG), strict=True)]
            with member.store.writing() as block:
                block.put_persons({LI: KNOWN, WANG: {**KNOWN, "name": "王五"}})
                block.link_payee(f"policy/{rows[0].policy}", LI)
            town.issue(rows, payable=False)
            self.policy = rows[0].policy

    def member(self) -> Any:
        return at(NOW)(self.folder, self.dsn)

    def __call__(self, *words: str, code: int = 0) -> str:
        place = ("--data", str(self.folder), "--dsn", self.dsn, "--lang", "en")
        self._capsys.readouterr()
        assert main(["person", *words, *place]) == code, self._capsys.readouterr()
        said = self._capsys.readouterr()
        return said.out if code == 0 else said.err

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json"))


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> Desk:
    monkeypatch.delenv("MIAOPEI_MASTER_KEY")
    monkeypatch.setattr("miaopei.cli.place.open_member", at(NOW))
    monkeypatch.setattr("miaopei.cli.persons.reading.system_clock", lambda: NOW)
    return Desk(tmp_path, capsys)


def test_nobody_is_shown_without_a_grant_and_with_one_masked_and_logged(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert [row["person"] for row in desk.json("list")] == [LI, WANG]
    assert "granted" in desk("show", LI, *AS_CLERK, code=1)
    assert desk.json("uses") == []
    scope = ("--scope", "name", "--scope", "phone", "--scope", "account")
    desk("grant", *AS_CLERK[:4], *scope, "--until", "2099-01-01")
    assert desk.json("show", LI, *AS_CLERK)["fields"] == SHOWN
    by_policy = desk("show", f"policy/{desk.policy}", *AS_CLERK)
    assert all(value in by_policy for value in SHOWN.values())
    assert "granted" in desk("show", LI, "--purpose", "marketing", "--role", "clerk", code=1)
    (first, second) = desk.json("uses", LI)
    assert (first["what"], first["caller"], first["purpose"]) == ("shown", "li", "claims")
    assert first["fields"] == ["account", "name", "phone"]
    assert first["act"]
    assert second["number"] == 2
    assert desk.json("uses", WANG) == []
    assert not any(value in caplog.text for value in KNOWN.values())
    desk("grant", *AS_CLERK[:4], "--end")
    assert "took the grant" in desk("show", LI, *AS_CLERK, code=1)
    assert "holds nothing" in desk("show", "policy/9", *AS_CLERK, code=1)


def test_data_elsewhere_are_fetched_with_consent_and_not_without(
    desk: Desk, tmp_path: Path
) -> None:
    about = ("--purpose", "underwriting", "--role", "underwriter", "--caller", "li")
    span = ("--since", "2021-01-01", "--until", "2022-01-01")
    with start("trade", tmp_path / "trade") as platform:
        platform.customers([(LI, "A")])
        wanted = ("fetch", LI, "customs", *about, *span, "--from", platform.address)
        assert "no consent" in desk(*wanted, code=1)
        me = desk.json("uses", LI)[0]["grantee"]
        desk("consent", LI, "--purpose", "underwriting", "--grantee", me, "--scope", "customs",
             "--until", "2099-01-01")  # fmt: skip
        assert [row["state"] for row in desk.json(*wanted)["rows"]] == [
            "accepted", "inspected", "released",
        ]  # fmt: skip
        assert "released" in desk(*wanted)
    assert [use["what"] for use in desk.json("uses", LI)] == ["refused", "called", "called"]


def test_an_export_holds_all_that_is_held_and_proves_what_the_record_binds(
    desk: Desk, tmp_path: Path
) -> None:
    scope = ("--scope", "name", "--scope", "phone", "--scope", "account")
    desk("grant", *AS_CLERK[:4], *scope, "--until", "2099-01-01")
    desk("consent", LI, "--purpose", "claims", "--grantee", CARRIERS[0], "--scope", "meter",
         "--until", "2099-01-01")  # fmt: skip
    out = tmp_path / "li.json"
    desk.json("export", LI, *AS_CLERK, "--out", str(out))
    assert out.stat().st_mode & 0o777 == 0o600
    held = json.loads(out.read_bytes())
    assert {field["field"]: field["value"] for field in held["fields"]} == KNOWN
    for field in held["fields"]:
        said = {"v": 1, **{name: field[name] for name in ("field", "salt", "value")}}
        assert content_id("datum", said) == field["commitment"]
    assert held["paid_under"] == [f"policy/{desk.policy}"]
    assert [row["policy"] for row in held["policies"]] == [desk.policy]
    assert list(held["consents"]) == [f"{LI}/claims/{CARRIERS[0]}"]
    assert [use["what"] for use in held["uses"]] == ["exported"]
    assert WANG not in out.read_text("utf-8")


def test_a_consent_is_recorded_and_taken_back(desk: Desk) -> None:
    about = (LI, "--purpose", "claims", "--grantee", CARRIERS[0])
    assert "has an end" in desk("consent", *about, "--scope", "meter", code=1)
    said = desk.json("consent", *about, "--scope", "meter", "--until", "2099-01-01")
    assert said["body"]["scope"] == ["meter"]
    with desk.member() as member, member.node.reading() as (_, state):
        assert state.need("consent", f"{LI}/claims/{CARRIERS[0]}")["revoked"] is None
    desk("consent", *about, "--revoke")
    with desk.member() as member, member.node.reading() as (_, state):
        assert state.need("consent", f"{LI}/claims/{CARRIERS[0]}")["revoked"]


def test_erasure_waits_for_the_law_and_then_nothing_is_left(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cover ended on 2026-06-01 and lasted less than a year: kept until 2031-06-01."""
    early = desk("erase", LI, code=1)
    assert "2031-05-31T16:00:00Z" in early
    assert [row["erased"] for row in desk.json("list")] == [False, False]
    monkeypatch.setattr("miaopei.cli.place.open_member", at(from_beijing("2031-06-02")))
    assert desk.json("erase", LI)["kind"] == "erase"
    assert [row["erased"] for row in desk.json("list")] == [True, False]
    assert LI in json.loads((desk.folder / "erased.json").read_bytes())
    assert "erased" in desk("show", f"policy/{desk.policy}", *AS_CLERK, code=1)
    assert "erased" in desk("erase", LI, code=1)


def at(now: int) -> Any:
    """`open_member` under a clock that stands at a time."""
    return lambda folder, dsn, **more: open_member(folder, dsn, **{**more, "clock": lambda: now})


def test_who_must_be_kept_is_not_erased_until_that_is_taken_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("miaopei.cli.place.open_member", at(from_beijing("2040-01-01")))
    assert "--until" in desk("retain", LI, "--ground", "lawsuit", code=1)
    said = desk("retain", LI, "--ground", "lawsuit", "--until", "2050-01-01")
    assert "lawsuit" in said
    refused = desk("erase", LI, code=1)
    assert "lawsuit" in refused
    assert "2049-12-31" in refused  # in UTC, as the record says it
    assert [row["erased"] for row in desk.json("list")] == [False, False]
    ended = desk.json("retain", LI, "--ground", "lawsuit", "--end")
    assert (ended["kind"], ended["body"]["until"]) == ("end_retain", 0)
    assert desk.json("erase", LI)["kind"] == "erase"
    assert "erased" in desk("retain", LI, "--ground", "late", "--until", "2060-01-01", code=1)


def test_the_master_key_is_rotated_by_command_while_a_member_reads(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    running: Member
    with desk.member() as running:
        assert desk.json("rotate") == {"version": 2, "renewed": 2, "retired": False}
        with running.node.store.reading() as reading:  # under the new key, which it looks for
            assert reading.persons([LI])[LI].fields == KNOWN
        assert desk.json("rotate", "--fresh")["version"] == 3
        assert {row["master"] for row in desk.json("list")} == {3}
        desk("rotate", "--retire", "1")
        desk("rotate", "--retire", "2")
        assert "cannot be retired" in desk("rotate", "--retire", "3", code=1)
        with running.node.store.reading() as reading:
            assert reading.persons([LI])[LI].fields == KNOWN
    store = PostgresStore(desk.dsn, master_key.vault(desk.folder))
    with store.reading() as reading:
        assert reading.persons([WANG])[WANG].fields["name"] == "王五"
    store.close()
    monkeypatch.setenv("MIAOPEI_MASTER_KEY", "1:" + "5a" * 32)
    assert "MIAOPEI_MASTER_KEY" in desk("rotate", code=1)


def test_a_running_member_wraps_the_older_keys_again_by_itself(desk: Desk) -> None:
    with desk.member() as running:
        assert master_key.add(desk.folder / master_key.FILE, fresh=False) == 2
        running.work()
        with running.node.store.reading() as reading:
            assert {row.master for row in reading.kept("", 9)} == {2}
