"""`miaopei money`: premium that arrived, what was paid back; from the command line to the fen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from miaopei.accounts.chart import Account
from miaopei.cli import live
from miaopei.cli.main import main
from miaopei.cli.money import doing
from miaopei.cli.place import Place
from miaopei.errors import Refused
from miaopei.measures.money import wan
from tests.faults.test_law_of_amounts import claims_of
from tests.faults.test_release import FULL, held_town
from tests.faults.test_repay import overpaid, tell
from tests.support.products import hills
from tests.support.town import CARRIERS, Town

LEAD = CARRIERS[0]


class Counter:
    """The command line over a town's record, in place of one on disk."""

    def __init__(self, town: Town, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        member = SimpleNamespace(node=town.node, work=town.work)
        self.folder = folder

        @contextmanager
        def working(*_: Any, **__: Any) -> Iterator[Any]:
            yield member

        monkeypatch.setattr(live, "working", working)
        monkeypatch.setattr(Place, "record", working)

    def __call__(self, *words: str) -> int:
        return main(["money", *words, "--data", str(self.folder), "--lang", "en"])


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_premium_arrives_in_parts_and_whole_and_never_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    town = Town().set_up()
    listing = town.list_product(hills())  # five carriers
    town.issue([town.policy(listing)])
    run = Counter(town, tmp_path, monkeypatch)
    assert run("open", "--json") == 0
    (due,) = told(capsys)["premium"]
    written = dict(due["due_fen"])
    assert (due["total_fen"], sum(written.values())) == (1_000_000, 1_000_000)
    some = ("receive", due["batch"], "--reference", "B-7", "--part", f"{LEAD}=1000.07", "--json")
    assert run(*some) == 0
    assert told(capsys)["open_fen"] == 1_000_000 - 100_007
    assert run(*some) == 0  # the same wish again is the same act
    again = told(capsys)
    assert (again["new"], again["open_fen"]) == (False, 1_000_000 - 100_007)
    balance = town.balance()
    assert balance.of(LEAD, Account.CASH_AT_BANK) == 100_007
    assert run("receive", due["batch"][:8], "--reference", "B-8") == 0
    assert "8,999.93 yuan" in capsys.readouterr().out
    balance = town.balance()
    for who, fen in written.items():
        assert balance.of(who, Account.PREMIUM_RECEIVABLE) == 0
        assert balance.of(who, Account.CASH_AT_BANK) == fen
    assert run("receive", due["batch"], "--reference", "B-9") == 1
    assert "0 batches" in capsys.readouterr().err
    assert run("open") == 0
    assert capsys.readouterr().out == "Nothing is to come in.\n"


def test_a_year_is_asked_for_where_the_batch_holds_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    town = Town().set_up()
    listing = town.list_product(hills())
    town.issue([town.policy(listing), town.policy(listing, since="2016-02-01", until="2017-02-01")])
    run = Counter(town, tmp_path, monkeypatch)
    (batch,) = town.table("batch")
    assert run("receive", batch, "--reference", "B-1") == 1
    assert "--year" in capsys.readouterr().err
    part = ("--part", f"{LEAD}=1")
    assert run("receive", batch, "--reference", "B-1", "--year", "2016", *part) == 0
    last = list(town.table("journal").values())[-1]
    assert last["about"] == {"listing": listing, "year": "2016"}


def test_what_was_paid_too_much_comes_back_in_parts_and_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    town, listing, body = overpaid()
    fen = body["carriers"][0]["repaid_fen"]
    run = Counter(town, tmp_path, monkeypatch)
    assert run("open", "--json") == 0
    (owed,) = told(capsys)["receivable"]
    case = f"{listing}/{body['occurrence']}/house"
    assert owed == {
        "case": case, "policy": body["policy"], "year": 2016,
        "due_fen": {LEAD: fen}, "total_fen": fen,
    }  # fmt: skip
    assert run("repay", case, "--reference", "B-1", "--part", f"{LEAD}={fen // 100 + 1}") == 1
    assert "owes back" in capsys.readouterr().err
    assert town.table("repaid") == {}
    assert run("repay", case, "--reference", "B-1", "--part", f"{LEAD}=0.01", "--json") == 0
    assert told(capsys)["open_fen"] == fen - 1
    assert run("repay", case[:20], "--reference", "B-2") == 0
    assert "0.00 yuan of the policy are still to come back" in capsys.readouterr().out
    assert town.balance().of(LEAD, Account.RECEIVABLE_FROM_OVERPAID) == 0
    assert run("repay", case, "--reference", "B-3") == 1
    assert "0 policies" in capsys.readouterr().err
    tell(town, "5.2", 2, "2016-05-18 03:00:00")  # less is owed: what came back is not asked twice
    claim = claims_of(town, listing)[-1]
    assert claim.settled_fen == wan(300) > claim.owed_fen
    assert run("open", "--json") == 0
    (owed,) = told(capsys)["receivable"]
    assert owed["total_fen"] == wan(300) - claim.owed_fen


def test_half_paid_back_and_revised_again_is_asked_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    town, _, body = overpaid()
    fen = body["carriers"][0]["repaid_fen"]
    case = f"{body['listing']}/{body['occurrence']}/house"
    run = Counter(town, tmp_path, monkeypatch)
    half = f"{LEAD}={fen // 200}"  # yuan
    assert run("repay", case, "--reference", "B-1", "--part", half) == 0
    tell(town, "5.2", 2, "2016-05-18 03:00:00")
    capsys.readouterr()
    assert run("open", "--json") == 0
    (owed,) = told(capsys)["receivable"]
    assert {LEAD: owed["total_fen"]} == next(iter(town.table("receivable").values()))
    assert town.balance().of(LEAD, Account.RECEIVABLE_FROM_OVERPAID) == owed["total_fen"]


def test_a_held_claim_is_released_and_told_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    town, listing, rows = held_town()
    Counter(town, tmp_path, monkeypatch)
    settlement = town.settlements(listing)[-1]["id"]
    words = ["release", settlement, rows[0].policy, "--how", "reserved", "--reason", "papers seen"]
    words += ["--person", "Wang", "--data", str(tmp_path), "--json"]
    assert main(words) == 0
    said = told(capsys)
    assert (said["settlement"], said["policy"]) == (settlement, rows[0].policy)
    assert town.executed_fen() == 2 * FULL
    assert main(words) == 0  # the same wish again is the same act, and moves nothing
    assert told(capsys)["act"] == said["act"]
    assert town.executed_fen() == 2 * FULL


@pytest.mark.parametrize(
    "given", ["", "a", "a=", "=1", "a=0", "a=-1", "a=0.001", "a=1e3", "a=９９x", "a=1=2"]
)
def test_a_part_that_is_none_is_named(given: str) -> None:
    with pytest.raises(Refused) as refused:
        doing.parts_of(["b=1.50", given, "b=2"])
    assert [r.code for r in refused.value.refusals] == ["cli.bad_part"] * 2
    assert doing.parts_of(["b=1.50", "a=0.01", "c=3.100"]) == {"b": 150, "a": 1, "c": 310}
