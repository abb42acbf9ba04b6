"""A mass payout on its bad days: killed again and again, read wrongly, its columns damaged.

Real processes, SIGKILL, a real PostgreSQL and a real bank. `MIAOPEI_MASS` names another number of
policies (a million: see docs/performance.md), `MIAOPEI_MASS_KILLS` another number of kills.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from miaopei.adapters.postgres.store import PostgresStore
from miaopei.adapters.schedule_files import Files
from miaopei.errors import ReadingsDisagree, Refusal, Refused
from miaopei.errors.texts import say
from miaopei.measures.instant import from_beijing
from miaopei.measures.money import wan, yuan
from miaopei.node.effects.decider import Decider
from miaopei.node.mass.alarms import open_alarm
from miaopei.policies.row import Transaction
from miaopei.terms.columnar import settle_many
from tests.faults.dying import NIGHT, READ
from tests.faults.lives import lives
from tests.support import servers
from tests.support.facts import quake
from tests.support.products import hills
from tests.support.rails import PaperBank
from tests.support.town import CARRIERS, ONE_CARRIER, Town

POLICIES = int(os.environ.get("MIAOPEI_MASS", "20000"))
KILLS = int(os.environ.get("MIAOPEI_MASS_KILLS", "20"))
LONGEST = 1.5 * max(1, POLICIES // 20_000)  # seconds of a life that is cut short


@pytest.mark.timeout(3600 if POLICIES > 20_000 else 600)
def test_killed_at_any_instant_a_mass_pays_each_policy_once(tmp_path: Path) -> None:
    dsn, bank = servers.database(), servers.bank()
    store = PostgresStore(dsn, patience=60.0)
    town = Town(store).set_up()
    listing = town.list_product(hills(units=True), placement=ONE_CARRIER)
    rows = [town.policy(listing, shares=1 + i % 100) for i in range(POLICIES)]
    town.issue(rows)
    due = sum(min(yuan(1_000) * (1 + i % 100), wan(300)) for i in range(POLICIES))
    account, funds = "MASS-P", "MASS-C"
    with store.writing() as block:
        block.put_payee(f"carrier/{CARRIERS[0]}", {"account": funds, "name": "投保人"})
        block.execute("delete from own.person where person like 'policy/%%'")
        to = {"account": account, "name": "投保人"}
        block.put_payees((f"policy/{row.policy}", to) for row in rows)
    bank.control.open_accounts([(account, "投保人", 0), (funds, "投保人", due)])
    town.at(READ)
    store.close()
    chance = random.Random(os.environ.get("MIAOPEI_MASS_SEED", "5"))
    order = {"dsn": dsn, "bank": bank.address, "folder": str(tmp_path)}
    with lives("mass_dying") as live:
        ends = [live(**order, after=chance.uniform(0.02, LONGEST)) for _ in range(KILLS)]
        assert live(**order, after=None) == 0
    assert set(ends) <= {-9, 0}
    assert ends.count(-9) >= min(3, KILLS)  # the mass was really cut short
    town = Town(store)
    (settlement,) = town.settlements(listing)
    payment = town.table("payment")[settlement["id"]]
    assert payment["executed_fen"] == payment["due_fen"] == due
    with store.reading() as reading:
        found = reading.execute(
            "select number, state, count(*), count(distinct policy) from own.instruction"
            " left join lateral (select coalesce(policy, convert_from(body, 'UTF8')::json"
            " ->> 'policy')) as n(of_policy) on true group by 1, 2"
        )
    assert [tuple(row) for row in found] == [(1, "paid", POLICIES, POLICIES)]
    moved = servers.movements(bank, account)
    assert (len(moved), sum(line.amount_fen for line in moved)) == (POLICIES, due)
    store.close()


def test_two_masses_at_one_moment_never_pass_a_yearly_limit_together(tmp_path: Path) -> None:
    """Two quakes in one second, apart: killed in between, no policy gets more than its year."""
    dsn, bank = servers.database(), servers.bank()
    store = PostgresStore(dsn, patience=60.0)
    town = Town(store, name="limits").set_up()
    year, count = yuan(60_000), 3_000
    listing = town.list_product(hills(units=True, year_fen=year), placement=ONE_CARRIER)
    rows = [town.policy(listing, shares=1 + i % 100) for i in range(count)]
    town.issue(rows)
    wanted = {row.policy: min(2 * yuan(1_000) * row.declared["shares"], year) for row in rows}
    account, funds = "LIMIT-P", "LIMIT-C"
    with store.writing() as block:
        block.put_payee(f"carrier/{CARRIERS[0]}", {"account": funds, "name": "投保人"})
        block.execute("delete from own.person where person like 'policy/%%'")
        to = {"account": account, "name": "投保人"}
        block.put_payees((f"policy/{row.policy}", to) for row in rows)
    purse = 2 * sum(wanted.values())
    bank.control.open_accounts([(account, "投保人", 0), (funds, "投保人", purse)])
    town.at(READ)
    store.close()
    north = ("26.53", "99.90", "云南剑川")
    order = {"dsn": dsn, "bank": bank.address, "folder": str(tmp_path),
             "quakes": [(NIGHT, "5.6"), (NIGHT, "5.6", north)]}  # fmt: skip
    chance = random.Random(6)
    with lives("mass_dying") as live:
        ends = [live(**order, after=chance.uniform(0.02, 0.4)) for _ in range(8)]
        assert live(**order, after=None) == 0
    assert ends.count(-9) >= 3
    town = Town(store, name="limits")
    first, second = town.settlements(listing)
    assert (first["counter"], second["counter"]) == (0, 1)
    assert {case["instant"] for case in town.cases(listing)} == {from_beijing(NIGHT)}
    spent = {c.policy: c.pay_fen for c in town.claims(first["trigger"])}
    for claim in town.claims(second["trigger"]):
        assert claim.spent_fen == spent[claim.policy]  # the second mass has seen the first
    with store.reading() as reading:
        found = reading.execute(
            "select policy, sum(amount)::bigint, count(*), bool_and(state = 'paid')"
            " from own.instruction group by 1"
        )
    assert {row[0]: row[1] for row in found} == wanted
    assert all(row[2] <= 2 and row[3] for row in found)
    moved = servers.movements(bank, account)
    assert sum(line.amount_fen for line in moved) == sum(wanted.values())
    store.close()


# Read wrongly ----------------------------------------------------------------------------------


def test_a_wrong_kernel_stops_the_run_and_names_the_first_policy_with_both_traces() -> None:
    bank = PaperBank()
    town = Town(rail=bank).set_up()
    book = town.list_product(hills(units=True))
    town.accounts({f"carrier/{carrier}": f"C-{carrier}" for carrier in CARRIERS})
    rows = town.issue([town.policy(book, shares=1 + i % 100) for i in range(500)])
    town.tell(quake(NIGHT, "5.6"), at=READ)

    def wrong(*given: Any) -> Any:  # as a kernel would be that misreads what 77 shares are
        column = settle_many(*given)
        return np.where(np.asarray(given[3]["shares"]) == 77, column + 1, column)

    with pytest.raises(ReadingsDisagree) as alarm:
        Decider(town.node, settle_many=wrong).run()
    facts = alarm.value.facts
    assert facts["policy"] == rows[76].policy
    assert (facts["columnar"], facts["exact"]) == (yuan(77_000) + 1, yuan(77_000))
    assert "by_shares=7700000" in str(facts["exact_trace"])
    assert "by_shares=7700000" in str(facts["columnar_trace"])  # NumPy's, which is not the fault
    assert facts["columnar_alone"] == yuan(77_000) + 1
    assert "shares=77" in str(facts["inputs"])
    assert (town.settlements(book), bank.calls) == ([], [])
    case = town.case(book)
    with town.store.reading() as reading:
        kept = open_alarm(reading, case)
    assert kept == {"what": alarm.value.what, **facts}  # for `miaopei cases` and the case's page
    for tongue in ("zh", "en"):
        said = say(Refusal("alarm.readings_disagree", kept or {}), tongue)
        assert all(str(facts[n]) in said for n in ("policy", "exact_trace", "columnar_trace"))
    town.work()  # with the right kernel the same trigger is decided
    assert bank.paid_fen() == sum(yuan(1_000) * (1 + i % 100) for i in range(500))
    with town.store.reading() as reading:
        assert open_alarm(reading, town.case(book)) is None


def test_an_amount_of_any_64_bits_does_not_hide_the_alarm() -> None:
    town = Town().set_up()
    book = town.list_product(hills(units=True))
    town.issue([town.policy(book, shares=3)])
    town.tell(quake(NIGHT, "5.6"), at=READ)
    with pytest.raises(ReadingsDisagree):
        Decider(town.node, settle_many=lambda *given: settle_many(*given) - 2**62).run()
    with town.store.reading() as reading:
        kept = open_alarm(reading, town.case(book)) or {}
    assert kept["columnar"] == str(yuan(3_000) - 2**62)


# Columns damaged -------------------------------------------------------------------------------


@pytest.mark.parametrize("harm", ["cut", "flipped", "gone", "list"])
def test_damaged_columns_are_refused_and_made_again_from_the_rows(
    tmp_path: Path, harm: str
) -> None:
    bank = PaperBank()
    town = Town(rail=bank).set_up()
    files = Files(tmp_path)
    town.decider = Decider(town.node, files=files)
    book = town.list_product(hills(units=True))
    town.accounts({f"carrier/{carrier}": f"C-{carrier}" for carrier in CARRIERS})
    first = town.issue([town.policy(book, shares=1 + i % 100) for i in range(300)])
    town.issue([town.policy(book, shares=5) for _ in range(20)])
    town.issue([_cancelled(town, first[0])])
    column = tmp_path / book / "declared.shares.column"
    good = column.read_bytes()
    match harm:
        case "cut":
            column.write_bytes(good[:-3])
        case "flipped":
            column.write_bytes(bytes([good[0] ^ 1]) + good[1:])
        case "gone":
            column.unlink()
        case _:
            path = max(tmp_path.glob(f"{book}/*.list"), key=lambda p: int(p.stem))
            path.write_bytes(path.read_bytes()[:-2])
    with town.store.reading() as reading:
        said = json.loads(reading.progress(f"schedule/{book}") or b"")
    with pytest.raises(Refused):
        files.check(book, said["size"], said["digest"])
    town.tell(quake(NIGHT, "5.6"), at=READ)
    again = Decider(town.node, files=files)
    again.run()
    assert [of for of, _ in again.schedules.rebuilt] == [book]
    assert column.read_bytes()[: len(good)] == good
    town.work()
    wanted = sum(yuan(1_000) * (1 + i % 100) for i in range(1, 300)) + 20 * yuan(5_000)
    assert bank.paid_fen() == wanted


@pytest.mark.parametrize("harm", ["cut", "altered"])
def test_columns_altered_while_a_member_runs_decide_nothing(tmp_path: Path, harm: str) -> None:
    """Mapped columns show what a file has become, to both readings alike."""
    bank = PaperBank()
    town = Town(rail=bank).set_up()
    town.decider = Decider(town.node, files=Files(tmp_path))
    book = town.list_product(hills(units=True))
    town.accounts({f"carrier/{carrier}": f"C-{carrier}" for carrier in CARRIERS})
    town.issue([town.policy(book, shares=1) for _ in range(300)])
    town.work()
    column = tmp_path / book / "declared.shares.column"
    good = column.read_bytes()
    with column.open("r+b") as file:
        file.truncate(0) if harm == "cut" else file.write(np.array([100, 100], "<i8").tobytes())
    town.tell(quake(NIGHT, "5.6"), at=READ)
    town.work()
    assert [of for of, _ in town.decider.schedules.rebuilt] == [book]
    assert bank.paid_fen() == 300 * yuan(1_000)
    assert column.read_bytes() == good


def test_rows_that_join_altered_columns_do_not_make_them_good(tmp_path: Path) -> None:
    bank = PaperBank()
    town = Town(rail=bank).set_up()
    town.decider = Decider(town.node, files=Files(tmp_path))
    book = town.list_product(hills(units=True))
    town.accounts({f"carrier/{carrier}": f"C-{carrier}" for carrier in CARRIERS})
    town.issue([town.policy(book, shares=1) for _ in range(300)])
    town.work()
    with (tmp_path / book / "declared.shares.column").open("r+b") as file:
        file.write(np.array([100, 100], "<i8").tobytes())
    town.issue([town.policy(book, shares=2) for _ in range(10)])
    town.tell(quake(NIGHT, "5.6"), at=READ)
    town.work()
    assert bank.paid_fen() == 300 * yuan(1_000) + 10 * yuan(2_000)


def _cancelled(town: Town, row: Any) -> Any:
    """The policy ends before the shock."""
    return town.policy(row.book, number=9, transaction=Transaction.CANCEL, premium_fen=0,
                        policy=row.policy, **row.declared)  # fmt: skip


def test_a_book_of_ten_thousand_rows_opens_without_being_read(tmp_path: Path) -> None:
    """Opening looks at lengths and at the list alone; reading is the check's."""
    files = Files(tmp_path)
    town = Town().set_up()
    town.decider = Decider(town.node, files=files)
    book = town.list_product(hills(units=True))
    town.issue([town.policy(book, shares=1 + i % 100) for i in range(10_000)])
    with town.store.reading() as reading:
        said = json.loads(reading.progress(f"schedule/{book}") or b"")
    schedule = files.open(book, said["size"], said["digest"])
    assert isinstance(schedule.salt, np.memmap)
    assert schedule.declared["shares"][:3].tolist() == [1, 2, 3]
    files.check(book, said["size"], said["digest"])
