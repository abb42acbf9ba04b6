"""A member is put together in one place: of a net it does what it does alone, and opens what others
have decided.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from miaopei.adapters.bank_rail import BankRail
from miaopei.adapters.engine.server import AbciServer
from miaopei.adapters.peers.client import STANDING, PeerBlobs
from miaopei.adapters.persons.erasures import ErasureFile
from miaopei.adapters.schedule_files import Files
from miaopei.cli.net import make
from miaopei.cli.net.plan import Net
from miaopei.errors import Alarm, Refusal, Refused
from miaopei.measures.shape import misfit
from miaopei.node.effects.keeper import Keeper
from miaopei.node.mass.spread import Workers
from miaopei.node.order.consortium import Consortium
from miaopei.wiring import consortium, join
from miaopei.wiring.consortium import Seated
from miaopei.wiring.kernels import Reading
from miaopei.wiring.machine import Machine
from tests.support import servers
from tests.support.selling import Market

ALONE = [
    *("forget", "rewrap", "collect", "finish", "admit", "decide", "log", "pay"),
]


@pytest.fixture(name="net", scope="module")
def a_net() -> Iterator[Net]:
    folder = servers.folder() / "joined"
    net = make.make(folder, 4, clock="live", time=1_790_000_000, origin=None)
    net.postgres.start()
    try:
        yield net
    finally:
        net.postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def seated(net: Net, monkeypatch: pytest.MonkeyPatch) -> Iterator[Seated]:
    """The payer's member, put together and not started."""
    folder = net.at(net.payer)
    monkeypatch.chdir(folder)
    there = Seated(Path(), replace(Machine.of(Path()), bank="http://127.0.0.1:9"))  # asks nothing
    try:
        yield there
    finally:
        there.close()


def test_a_nets_member_does_every_duty_of_a_member_alone(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = Market()
    bank: Any = market.bank
    alone = join(market.town.store, market.town.node.identity, rail=bank, incoming=bank)
    assert [name for name, _ in alone.duties()] == ALONE
    with seated(net, monkeypatch) as there:
        names = [name for name, _ in there._work()]
        assert names == ["forget", "rewrap", "open", *ALONE[2:], "grant"]
        assert [name for name, _ in there._brings()] == ["fetch", "keys"]
        assert there.trouble is None


def test_who_drips_and_who_hands_over_other_bytes_are_both_named_in_what_troubles_a_member(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> int:
        raise Refused(Refusal("net.other_bytes", {"member": "notary", "blob": "cd" * 32}))

    with seated(net, monkeypatch) as there:
        monkeypatch.setattr(PeerBlobs, "slow", ["cloud"])
        there.duties.run(there._brings())
        assert "net.slow_peer {'member': 'cloud'}" in str(there.trouble)
        monkeypatch.setattr(there.fetcher, "run", run)
        there.duties.run(there._brings())
        assert "net.slow_peer {'member': 'cloud'}" in str(there.trouble)
        assert "net.other_bytes {'member': 'notary'" in str(there.trouble)
        monkeypatch.undo()
        there.duties.run(there._brings())
        assert there.trouble is None


def test_who_has_an_alarm_says_so_whatever_else_is_wrong_with_it(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    with seated(net, monkeypatch) as there:
        assert (there.status()["alarm"], there._stands(None)["alarm"]) == (False, False)
        there.duties.alarm = Alarm("books do not balance")
        there._fault = "KeyError: 'policy'"
        assert there.status()["trouble"] == "KeyError: 'policy'"
        assert (there.status()["alarm"], there._stands(None)["alarm"]) == (True, True)


def test_another_member_is_answered_in_ten_words_and_nothing_else_is_looked_up(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    with seated(net, monkeypatch) as there:
        whole = there.status()
        monkeypatch.setattr(consortium, "waiting", None)
        monkeypatch.setattr(consortium, "anchored", None)
        told = there._stands(None)
        assert set(told) == set(STANDING)
        assert misfit(told, STANDING) is None
        assert told == {name: whole[name] for name in STANDING} | {"waits": True}
        assert whole["waits"] is not None, "it has not asked the others yet"


def test_votes_that_no_block_gets_are_not_counted_among_those_that_could_make_one(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A halted record waited for them, and its sound members were started anew each two minutes."""
    with seated(net, monkeypatch) as there:
        others = [member for member in net.members if member != net.payer]
        assert (there._suffice(others[:2]), there._suffice(others)) == (False, True), "we ask yet"
        there._starting._heard = None
        assert (there._suffice(others[:1]), there._suffice(others[:2])) == (False, True)
        monkeypatch.setattr(there, "_other_key", lambda _: Refusal("engine.other_key", {}))
        assert (there._suffice(others[:2]), there._suffice(others)) == (False, True)


def test_a_member_whose_engine_is_not_there_says_that_its_votes_do_not_count(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It said that it waits for nothing: others told that a block could be made with it."""
    with seated(net, monkeypatch) as there:
        there._starting._heard = None
        there._server = AbciServer(there.application, lambda _: True, lambda _: None)
        assert there._stands(None)["waits"]
        there._server._connections = 4
        assert not there._stands(None)["waits"]


def test_a_nets_member_has_all_that_a_member_alone_has(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    with seated(net, monkeypatch) as there:
        member = there.member
        assert isinstance(member.incoming, BankRail)
        assert isinstance(member.node.orderer, Consortium)
        assert isinstance(member.keeper, Keeper)
        assert isinstance(member.decider.settle_many, Reading)
        assert isinstance(member.decider.spread, Workers)
        assert isinstance(member.decider.schedules.files, Files)
        assert isinstance(member.eraser._kept, ErasureFile)
        assert member.payer is not None
        assert member.payer.ahead
        assert isinstance(member.payer.spread, Workers)
        assert member.certify == there.certify


def test_a_member_with_a_keeper_collects_premiums_and_brings_covers_in_force() -> None:
    """What nobody did before: the premium of a cover sold in a record of several came in unseen."""
    market = Market()
    bank: Any = market.bank
    town = market.town
    member = join(
        town.store, town.node.identity, town.node.time, bank, incoming=bank, keeper=Keeper,
        orderer=town.node.orderer,
    )  # fmt: skip
    asked = market.apply()
    market.bank.pay_in(asked["reference"], asked["premium_fen"], town.node.time())
    assert sum(duty() or 0 for _, duty in member.duties()) > 0
    with town.node.reading() as (_, state):
        assert state.need("application", asked["id"])["state"] == "in_force"
