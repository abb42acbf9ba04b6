"""Rows O-15, O-16, C-11: calls metered, a month's invoice, its recount, disputes."""

from __future__ import annotations

import sqlite3
from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miaopei.accounts.chart import Account
from miaopei.accounts.metering.invoice import lines_of, totals_of
from miaopei.accounts.metering.usage import Rates, Usage
from miaopei.acts.apply import ActResult
from miaopei.errors import Refused
from miaopei.node import metering
from miaopei.node.vault.uses import recorded
from miaopei.reports.metering import recount
from tests.support.metering import CARRIER, PROVIDER, Metered
from tests.support.town import codes

MAY, JUNE, JULY = "2016-05", "2016-06", "2016-07"


def by_sql(metered: Metered, month: str) -> int:
    """The month's data fees and rent by a database of another kind, from the acts alone.

    Knows the rates that are agreed here, and no code of ours.
    """
    database = sqlite3.connect(":memory:")
    database.execute("create table call (run primary key, users, records, at)")
    rows = ((b["run"], b["users"], b["records"], b["at"]) for b in metered.acts("meter_usage"))
    database.executemany("insert into call values (?, ?, ?, ?)", rows)
    (fen,) = database.execute(
        "select coalesce(sum(users * 12 + records * 3), 0) + 500000 from call"
        " where strftime('%Y-%m', at + 8 * 3600, 'unixepoch') = ?",
        (month,),
    ).fetchone()
    return int(fen)


@pytest.fixture
def metered() -> Metered:
    return Metered()


def test_o16_a_claim_reading_u_users_and_r_records_is_billed_at_their_rates(
    metered: Metered,
) -> None:
    metered.town.at("2016-05-31 20:00:00")
    for number in range(7):
        assert metered.use(number, 100 + number, 250 * number, "2016-05-20 08:00:00").ok
    metered.town.at("2016-06-01 00:00:00")
    assert metered.bill(MAY).ok
    invoice = metered.invoice(MAY)
    items = {(line["item"], line["quantity"], line["rate_fen"]) for line in invoice["lines"]}
    assert items == {("users", 721, 12), ("records", 5_250, 3), ("rent", 1, 500_000)}
    assert invoice["total_fen"] == 721 * 12 + 5_250 * 3 + 500_000 == by_sql(metered, MAY)
    assert recount(metered.leaves())[f"{metered.of}/{MAY}"].total_fen == invoice["total_fen"]


def test_c11_the_invoice_is_posted_balanced_and_each_line_opens_to_its_calls(
    metered: Metered,
) -> None:
    metered.town.at("2016-05-31 20:00:00")
    metered.use(1, 10, 20, "2016-05-20 08:00:00")
    metered.use(2, 30, 40, "2016-05-21 08:00:00")
    metered.town.at("2016-06-01 00:00:00")
    metered.bill(MAY)
    total = 40 * 12 + 60 * 3 + 500_000
    balance = metered.town.balance()  # refuses a journal that does not balance
    assert balance.of(CARRIER, Account.FEES_PAYABLE) == total
    assert balance.of(CARRIER, Account.COMPUTE_RENT) == 500_000
    assert balance.of(PROVIDER, Account.DATA_FEE_INCOME) == total - 500_000
    calls = metered.town.table("usage")
    invoice = metered.invoice(MAY)["invoice"]
    billed = {key.rpartition("/")[2] for key in metered.town.table("billed", f"{invoice}/")}
    assert billed == set(calls)
    users = next(line for line in metered.invoice(MAY)["lines"] if line["item"] == "users")
    assert sum(calls[run]["users"] for run in billed) == users["quantity"]
    assert users["calls"] == len(billed)


def test_o15_a_model_runs_beside_the_data_and_a_monthly_rent_line_is_raised(
    metered: Metered,
) -> None:
    ran = metering.run(
        metered.town.node, metered.model, metered.trigger,
        provider=PROVIDER, purpose="claims", caller="claims-desk",
    )  # fmt: skip
    (settlement,) = metered.town.settlements(metered.listing)
    measure = ran.body["measure"]
    assert measure == {
        "policies": 2, "above": 2, "unknown": 0, "refused": 0,
        "total_fen": settlement["totals"]["pay_fen"],
    }, "the model is the product's own terms here, so the measure is what was decided"  # fmt: skip
    assert set(metered.acts("meter_usage")[0]) == {
        "run", "model", "provider", "trigger", "purpose", "caller", "at", "users", "records",
        "measure",
    }, "nothing else leaves"  # fmt: skip
    metered.town.at("2016-06-01 00:00:00")
    assert metered.bill(MAY).ok
    rent = [line for line in metered.invoice(MAY)["lines"] if line["item"] == "rent"]
    assert [line["amount_fen"] for line in rent] == [500_000]
    metered.town.at("2016-07-01 00:00:00")
    assert metered.bill(JUNE).ok, "a month without calls has its rent all the same"
    assert metered.invoice(JUNE)["total_fen"] == 500_000


def test_nobody_is_read_who_has_not_consented() -> None:
    one, other = "aa" * 32, "bb" * 32
    metered = Metered("consents", subjects=(one, other))
    town = metered.town
    about = {"provider": PROVIDER, "purpose": "claims", "caller": "claims-desk"}
    with pytest.raises(Refused) as refused:
        metering.run(town.node, metered.model, metered.trigger, **about)
    assert refused.value.refusals[0].code == "consent.none"
    assert town.table("usage") == {}, "no call, nothing to bill"
    consent = {
        "subject": one,
        "scope": [metered.product.peril],
        "purpose": "claims",
        "grantee": CARRIER,
    }
    consent |= {"since": 0, "until": town.now + 10**6, "document": None}
    assert town.send(town.act("consent", consent)).ok
    ran = metering.run(town.node, metered.model, metered.trigger, **about)
    assert (ran.users, ran.body["measure"]["policies"], ran.body["measure"]["refused"]) == (1, 1, 1)
    revoked = {name: consent[name] for name in ("subject", "purpose", "grantee")}
    assert town.send(town.act("revoke_consent", revoked)).ok
    with pytest.raises(Refused) as refused:
        metering.run(town.node, metered.model, metered.trigger, **about)
    assert refused.value.refusals[0].code == "consent.revoked"


def test_c10_a_consent_that_does_not_cover_what_is_read_lets_nobody_read() -> None:
    people = ["aa" * 32, "bb" * 32]
    metered = Metered("scopes", subjects=people)
    town, about = metered.town, {"provider": PROVIDER, "purpose": "claims", "caller": "desk"}
    consent = {"purpose": "claims", "grantee": CARRIER, "since": 0, "until": town.now + 10**6}
    for subject, scope in zip(people, (["policy"], ["phone"]), strict=True):
        body = {**consent, "subject": subject, "scope": scope, "document": None}
        assert town.send(town.act("consent", body)).ok
    ran = metering.run(town.node, metered.model, metered.trigger, **about)
    assert (ran.users, ran.body["measure"]["refused"]) == (1, 1), "each field by its name will do"
    narrow = {**consent, "subject": people[0], "scope": ["phone"], "document": None}
    assert town.send(town.act("consent", narrow)).ok
    with pytest.raises(Refused) as refused:
        metering.run(town.node, metered.model, metered.trigger, **about)
    assert refused.value.refusals[0].code == "consent.out_of_scope"
    assert len(town.table("usage")) == 1, "no call, nothing to bill"


def test_c10_each_reading_and_each_refusal_stands_in_the_log_of_uses() -> None:
    one, other = "aa" * 32, "bb" * 32
    metered = Metered("uses", subjects=(one, other))
    town = metered.town
    about = {"provider": PROVIDER, "purpose": "claims", "caller": "claims-desk"}

    def logged() -> list[tuple[str, str, list[str]]]:
        with town.store.reading() as reading:
            rows = list(recorded(reading, town.node.identity))
        assert all(row["grantee"] == CARRIER and row["caller"] == "claims-desk" for row in rows)
        assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
        return [(row["subject"], row["what"], row["fields"]) for row in rows]

    with pytest.raises(Refused):
        metering.run(town.node, metered.model, metered.trigger, **about)
    assert sorted(logged()) == [(one, "refused", []), (other, "refused", [])]
    consent = {
        "subject": one,
        "scope": [metered.product.peril],
        "purpose": "claims",
        "grantee": CARRIER,
    }
    consent |= {"since": 0, "until": town.now + 10**6, "document": None}
    assert town.send(town.act("consent", consent)).ok
    ran = metering.run(town.node, metered.model, metered.trigger, **about)
    assert logged()[2:] == [(one, "metered", ["policy"]), (other, "refused", [])]
    assert ran.users == sum(what == "metered" for _, what, _ in logged())
    (*_, last) = town.table("used").values()
    assert last["purposes"] == {"claims": 2}, "in public only how many, and for what"


def test_c11_a_run_billed_for_more_persons_than_were_read_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people = ("aa" * 32, "bb" * 32)
    metered = Metered("over", subjects=people)
    town, about = metered.town, {"provider": PROVIDER, "purpose": "claims", "caller": "desk"}
    consent = {"scope": [metered.product.peril], "purpose": "claims", "grantee": CARRIER}
    consent |= {"since": 0, "until": town.now + 10**7, "document": None}
    for subject in people:
        assert town.send(town.act("consent", {**consent, "subject": subject})).ok
    metering.run(town.node, metered.model, metered.trigger, **about)
    honest, real = metered.acts("meter_usage")[0]["run"], metering._measured
    more = {"users": 20}
    monkeypatch.setattr(metering, "_measured", lambda *given: {**real(*given), **more})
    lie = metering.run(town.node, metered.file(2), metered.trigger, **about).body["run"]
    town.at("2016-06-01 00:00:00")
    assert metered.bill(MAY).ok
    counted = recount(metered.leaves())[f"{metered.of}/{MAY}"]
    assert [vars(o) for o in counted.over] == [
        {"run": lie, "what": "users", "billed": 20, "most": 2}
    ]
    assert {run["run"] for run in counted.runs} == {honest, lie}


def test_the_record_itself_bills_a_run_of_a_model_trigger_and_purpose_once(
    metered: Metered,
) -> None:
    town, about = metered.town, {"provider": PROVIDER, "purpose": "claims", "caller": "desk"}
    body = metering.run(town.node, metered.model, metered.trigger, **about).body
    with pytest.raises(Refused) as refused:
        metering.run(town.node, metered.model, metered.trigger, **{**about, "caller": "another"})
    assert refused.value.refusals[0].code == "metering.run_repeated"
    for number, change in enumerate(({}, {"caller": "another"}, {"users": 1}, {"at": 0})):
        again = {**body, "at": body["at"], "run": f"{number}b" * 32, **change}  # another program's
        said = town.send(town.act_of(PROVIDER, "meter_usage", again, f"again {number}"))
        assert codes(said) == ["metering.run_repeated"]
    metering.run(town.node, metered.file(2), metered.trigger, **about)
    town.at("2016-06-01 00:00:00")
    assert metered.bill(MAY).ok
    counted = recount(metered.leaves())[f"{metered.of}/{MAY}"]
    assert (len(counted.runs), counted.repeated) == (2, [])


@pytest.mark.parametrize("named", [None, ["claims", "tariff"]])
def test_a_provider_cannot_bill_a_run_again_under_purposes_of_its_own(
    metered: Metered, named: list[str] | None
) -> None:
    town, body = metered.town, metered.model_body(2)
    del body["purposes"]
    body |= {} if named is None else {"purposes": named}
    (model,) = (made.id for made in town.send(town.act("file_claim_model", body, "m2")).made)
    about = {"provider": PROVIDER, "purpose": "claims", "caller": "desk"}
    first = metering.run(town.node, model, metered.trigger, **about).body
    taken, refused = 0, Counter[str]()
    for number, purpose in enumerate(("claims.0", "claims.1", "tariff", "tariff", "claims")):
        again = {**first, "run": f"{number}c" * 32, "purpose": purpose}
        said = town.send(town.act_of(PROVIDER, "meter_usage", again, f"again {number}"))
        taken += said.ok
        refused.update(codes(said))
    if named is None:
        assert (taken, refused) == (0, {"metering.run_repeated": 5})
    else:
        assert (taken, refused) == (
            1,
            {"metering.purpose_unknown": 2, "metering.run_repeated": 2},
        )
        with pytest.raises(Refused) as other:
            metering.run(town.node, model, metered.trigger, **{**about, "purpose": "claims.9"})
        assert other.value.refusals[0].code == "metering.purpose_unknown"


@pytest.mark.parametrize("bad", [[], "claims", ["b", "a"], ["a", "a"], [1], None])
def test_purposes_that_are_none_are_refused(metered: Metered, bad: object) -> None:
    act = metered.town.act("file_claim_model", metered.model_body(2, purposes=bad), "bad")
    assert codes(metered.town.send(act)) == ["act.bad_body"]


def test_a_run_that_was_made_void_may_be_made_again(metered: Metered) -> None:
    town, about = metered.town, {"provider": PROVIDER, "purpose": "claims", "caller": "desk"}
    first = metering.run(town.node, metered.model, metered.trigger, **about).body["run"]
    town.at("2016-06-01 00:00:00")
    assert metered.bill(MAY).ok
    contested = {"invoice": f"{metered.of}/{MAY}", "line": 1, "runs": [first]}
    said = {"reason": "wrong lists", "person": "Li"}
    assert town.send(town.act_of("grid", "dispute_invoice", {**contested, **said})).ok is False
    assert town.send(town.act("dispute_invoice", {**contested, **said})).ok
    (key,) = town.table("dispute")
    settled = {"dispute": key, "void": [first], **said}
    assert town.send(town.act_of(PROVIDER, "settle_dispute", settled)).ok
    second = metering.run(town.node, metered.model, metered.trigger, **about).body["run"]
    assert second != first
    with pytest.raises(Refused):
        metering.run(town.node, metered.model, metered.trigger, **about)


def test_before_rule_set_4_the_record_took_a_repeat_and_the_recount_names_it() -> None:
    metered = Metered("third", rules=3)
    town, about = metered.town, {"provider": PROVIDER, "purpose": "claims", "caller": "desk"}
    body = metering.run(town.node, metered.model, metered.trigger, **about).body
    again = {**body, "run": "ab" * 32}  # by a program of the provider's own
    assert town.send(town.act_of(PROVIDER, "meter_usage", again, "again")).ok
    with town.store.reading() as reading:
        height = reading.head().height + 2
    assert town.send(town.act("raise_rules", {"rules": 4, "height": height})).ok
    town.at(town.now + 1)
    once_more = {**body, "run": "cd" * 32}
    said = town.send(town.act_of(PROVIDER, "meter_usage", once_more, "once more"))
    assert codes(said) == ["metering.run_repeated"], "what ran under the third counts too"
    town.at("2016-06-01 00:00:00")
    assert metered.bill(MAY).ok
    assert recount(metered.leaves())[f"{metered.of}/{MAY}"].repeated == ["ab" * 32]


def test_a_run_counted_twice_replayed_or_changed_counts_once(metered: Metered) -> None:
    metered.town.at("2016-05-31 20:00:00")
    body = metered.usage_body(1, 10, 20, "2016-05-20 08:00:00")
    act = metered.town.act_of(PROVIDER, "meter_usage", body, "run 1")
    assert metered.town.send(act).new
    assert not metered.town.send(act).new, "the same act again is the same act"
    for change in ({}, {"users": 9_999}):
        again = metered.town.act_of(PROVIDER, "meter_usage", {**body, **change}, f"x{change}")
        assert codes(metered.town.send(again)) == ["metering.run_known"]
    metered.town.at("2016-06-01 00:00:00")
    metered.bill(MAY)
    assert metered.invoice(MAY)["data_fen"] == 10 * 12 + 20 * 3


def test_a_call_late_for_a_closed_month_is_a_line_of_the_next_invoice(metered: Metered) -> None:
    metered.town.at("2016-06-02 00:00:00")
    metered.use(1, 10, 0, "2016-05-31 23:59:59")
    metered.bill(MAY)
    metered.rates(JUNE, user_fen=1_000)
    metered.use(2, 7, 0, "2016-05-31 23:59:59")  # late: at the rates of May
    metered.use(3, 5, 0, "2016-06-01 00:00:00")
    metered.town.at("2016-07-01 00:00:00")
    metered.bill(JUNE)
    lines = metered.invoice(JUNE)["lines"]
    found = [(n["month"], n["quantity"], n["rate_fen"]) for n in lines if n["item"] == "users"]
    assert found == [(MAY, 7, 12), (JUNE, 5, 1_000)]
    assert metered.invoice(MAY)["data_fen"] == 120, "what was invoiced stands"
    counted = recount(metered.leaves())
    assert counted[f"{metered.of}/{JUNE}"].total_fen == metered.invoice(JUNE)["total_fen"]


def dispute(metered: Metered, line: int, runs: list[str], by: str = CARRIER) -> ActResult:
    body = {"invoice": f"{metered.of}/{MAY}", "line": line, "runs": runs}
    body |= {"reason": "not ours", "person": "Li"}
    make = metered.town.act if by == CARRIER else lambda k, b: metered.town.act_of(by, k, b)
    return metered.town.send(make("dispute_invoice", body))


def settle(metered: Metered, void: list[str], ref: str = "s") -> ActResult:
    body = {"dispute": f"{metered.of}/{MAY}/001", "void": void}
    body |= {"reason": "counted again", "person": "Wang"}
    return metered.town.send(metered.town.act_of(PROVIDER, "settle_dispute", body, ref))


def test_a_dispute_is_settled_by_recount_with_a_credit_note(metered: Metered) -> None:
    metered.town.at("2016-06-01 00:00:00")
    metered.use(1, 10, 20, "2016-05-20 08:00:00")
    metered.use(2, 30, 40, "2016-05-21 08:00:00")
    metered.bill(MAY)
    before = metered.invoice(MAY)["total_fen"]
    wrong = metered.usage_body(2, 0, 0, 0)["run"]
    assert dispute(metered, 1, [wrong]).ok
    assert metered.town.balance().of(CARRIER, Account.FEES_PAYABLE) == before, "not yet"
    assert settle(metered, [wrong]).ok
    less = 30 * 12 + 40 * 3
    assert metered.invoice(MAY)["credited_fen"] == less
    assert metered.town.balance().of(CARRIER, Account.FEES_PAYABLE) == before - less
    counted = recount(metered.leaves())[f"{metered.of}/{MAY}"]
    assert counted.total_fen == before - less
    assert codes(settle(metered, [wrong], "again")) == ["metering.dispute_not_known"]


def test_a_recount_that_finds_the_invoice_right_changes_nothing(metered: Metered) -> None:
    metered.town.at("2016-06-01 00:00:00")
    metered.use(1, 10, 20, "2016-05-20 08:00:00")
    metered.bill(MAY)
    entries = len(metered.town.table("journal"))
    assert dispute(metered, 3, []).ok, "a line may be contested as a whole"
    assert settle(metered, []).ok
    assert len(metered.town.table("journal")) == entries
    (said,) = metered.town.table("dispute").values()
    assert said["settled"]["recount_fen"] == metered.invoice(MAY)["total_fen"]


def test_what_is_refused_leaves_nothing(metered: Metered) -> None:
    town = metered.town
    town.at("2016-05-31 20:00:00")
    assert codes(metered.bill(MAY)) == ["metering.month_open"]
    assert codes(metered.use(1, 0, 0, "2016-05-20 08:00:00")) == ["metering.bad_count"]
    assert codes(metered.use(1, -1, 5, "2016-05-20 08:00:00")) == ["metering.bad_count"]
    assert codes(metered.use(1, 1, 5, "2016-06-20 08:00:00")) == ["metering.from_the_future"]
    assert codes(metered.use(1, 1, 5, "2016-04-20 08:00:00")) == ["metering.no_rates"]
    foreign = metered.usage_body(1, 1, 5, "2016-05-20 08:00:00") | {"provider": CARRIER}
    act = town.act_of(PROVIDER, "meter_usage", foreign, "foreign")
    assert codes(town.send(act)) == ["metering.not_yours"]
    again = town.act("file_claim_model", metered.model_body(1), "again")
    assert codes(town.send(again)) == ["metering.model_known"]
    terms = metered.model_body(2)["terms"]
    odd = town.act("file_claim_model", metered.model_body(2, terms={**terms, "code": "1+1"}), "odd")
    assert not town.send(odd).ok, "a field that is no word of the terms"
    assert town.table("usage") == {}
    town.at("2016-06-01 00:00:00")
    metered.use(1, 10, 20, "2016-05-20 08:00:00")
    assert metered.bill(MAY).ok
    assert codes(metered.bill(MAY)) == []  # the same act: nothing new
    assert codes(metered.rates(MAY, user_fen=1)) == ["metering.month_closed"]
    assert codes(dispute(metered, 9, [])) == ["metering.line_not_known"]
    assert codes(dispute(metered, 1, ["ab" * 32])) == ["metering.run_not_in_line"]


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_every_call_is_billed_once_and_invoice_equals_recount_and_sql(seed: int) -> None:
    random, metered = Random(seed), Metered(f"m{seed}", since="2016-05")
    months = ("2016-05", "2016-06", "2016-07")
    number = 0
    for index, month in enumerate(months):
        metered.town.at(f"2016-{index + 6:02d}-01 00:00:00")
        for _ in range(random.randint(0, 6)):
            number += 1
            day = f"{random.choice(months[: index + 1])}-{random.randint(1, 28):02d} 12:00:00"
            users, records = random.randint(0, 500), random.randint(1, 10**6)
            if day >= "2016-05-18 02":
                assert metered.use(number, users, records, day).ok
        assert metered.bill(month).ok
    usages = metered.town.table("usage")
    assert Counter(said["invoice"] is None for said in usages.values())[True] == 0
    counted = recount(metered.leaves())
    invoices = metered.town.table("invoice")
    assert {k: c.total_fen for k, c in counted.items()} == {
        k: i["total_fen"] for k, i in invoices.items()
    }
    whole = sum(i["total_fen"] for i in invoices.values())
    assert whole == sum(by_sql(metered, month) for month in months)
    payable = metered.town.balance().of(CARRIER, Account.FEES_PAYABLE)
    assert payable == whole


@settings(max_examples=100, deadline=None)
@given(
    calls=st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), max_size=20),
    cut=st.integers(0, 20),
    rates=st.tuples(*[st.integers(0, 10**6)] * 3),
)
def test_lines_are_exact_and_splitting_calls_over_models_changes_no_total(
    calls: list[tuple[int, int]], cut: int, rates: tuple[int, int, int]
) -> None:
    agreed = [Rates("2016-01", *rates)]
    at = 1_463_500_000  # 2016-05-17
    one = [Usage(str(i), "m", u, r, at) for i, (u, r) in enumerate(calls)]
    two = [Usage(str(i), "m" if i < cut else "n", u, r, at) for i, (u, r) in enumerate(calls)]
    exact = sum(u * rates[0] + r * rates[1] for u, r in calls)
    for usages in (one, two, one[::-1]):
        totals = totals_of(lines_of(MAY, usages, agreed, rented=True))
        assert (totals.data_fen, totals.rent_fen) == (exact, rates[2])
