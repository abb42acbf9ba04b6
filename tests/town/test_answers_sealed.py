"""The payer has confirmed a part and ends before the standby payer has its key to what the bank
said: the standby takes it from whoever keeps it, or waits; nobody is alarmed, all is paid once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any, cast

import pytest

from miaopei.accounts.rail import Instruction, Outcome, OutcomeState
from miaopei.acts.state import State
from miaopei.cli import record
from miaopei.cli.place import Place
from miaopei.errors import OutsideFault, Refused
from miaopei.node.effects import payer, standby
from miaopei.node.effects.standby import answers_sealed, waiting
from miaopei.node.fetching.handed import Fetched
from miaopei.node.granted.asking import Keys
from miaopei.node.proof.collected.outcomes import outcomes_of
from miaopei.node.proof.inspect import inspect
from miaopei.node.proof.named.looking import is_unfit
from miaopei.settings import Language

from .court import Court
from .founding import TAKE_OVER, accounts, put_payees
from .member import Member, Wires

DEAD = 10**9  # milliseconds


class Reach:
    """Who is answered by the payer where the bank's answers are asked for; the rest is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *near: str) -> None:
        self.near = set(near)
        real = Wires.fetch

        def fetch(wires: Wires, member: str, name: str, most: int | None = None) -> Fetched | None:
            me = wires._me
            with me.disk.reading() as reading:
                state = State(reading)
                said = [note["outcomes"]["blob"] for _, note in state.range("paid", "")]
                said += [note["closed"]["blob"] for _, note in state.range("closed", "")]
            if member == "insurer" and name in said and me.id not in self.near:
                raise OutsideFault("the payer has ended", retry=True)
            return real(wires, member, name, most)

        def keys(wires: Wires, member: str, name: str, most: int | None = None) -> Keys | None:
            found = fetch(wires, member, name, most)
            return None if found is None else found.keys()

        monkeypatch.setattr(Wires, "fetch", fetch)
        monkeypatch.setattr(Wires, "keys", keys)


def part_paid(court: Court, monkeypatch: pytest.MonkeyPatch) -> str:
    """The payer has two of three paid, confirms them and ends; the debt."""
    pay = court.bank.pay

    def some(instructions: list[Instruction]) -> list[Outcome]:
        if court.checkers.paid:
            raise OutsideFault("the bank is silent", retry=True)
        return pay(instructions)

    with monkeypatch.context() as patched:
        patched.setattr(payer, "BATCH", 2)
        patched.setattr(court.bank, "pay", some)
        court.shake()
        court.pass_by(1_300)  # who is answered has asked
        court.by["insurer"].crash(DEAD)
    ((debt, payment),) = court.table("payment").items()
    assert len(court.checkers.paid) == 2
    assert payment["executed_fen"] == sum(court.checkers.paid.values()) < payment["due_fen"]
    return str(debt)


def waits_for(court: Court, who: str) -> list[tuple[str, object]]:
    """Why a member does not pay."""
    found = court.by[who].payer
    assert found is not None
    with pytest.raises(Refused) as refused:
        found.run()
    return [(each.code, each.facts["by"]) for each in refused.value.refusals]


class Here:
    """A member's place for the commands that read its record."""

    seated, folder = True, "DIR/agent"

    def __init__(self, member: Member) -> None:
        self._member = member

    @contextmanager
    def record(self) -> Iterator[Any]:
        yield SimpleNamespace(node=self._member.node)


def told(court: Court, who: str, language: Language, capsys: pytest.CaptureFixture[str]) -> str:
    """What `miaopei cases` says at a member, on one line."""
    place = cast(Place, Here(court.by[who]))
    assert record.cases(place, everything=False, as_json=False, language=language) == 0
    return "".join(capsys.readouterr().out.split())


def paid_once(court: Court, by: str) -> None:
    assert court.go().paid == 3
    assert court.one("payment")["payer"] == by


@pytest.mark.parametrize("keeper", ["notary", "regulator"])
def test_the_standby_pays_with_the_key_that_a_decider_has_kept_for_it(
    keeper: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Reach(monkeypatch, keeper)
    court = Court()
    debt = part_paid(court, monkeypatch)
    court.pass_by(TAKE_OVER + 1_300)
    payment = court.one("payment")
    assert payment["payer"] == "agent"
    assert payment["executed_fen"] == payment["due_fen"]
    assert court.table("takeover")[debt]["by"] == "agent"
    paid_once(court, "agent")


def test_where_nobody_has_a_key_the_standby_takes_nothing_over_until_one_comes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All have the bytes, from one who reads nothing; the payer that is back has the debt still."""
    reach = Reach(monkeypatch, "cloud")
    court = Court()
    debt = part_paid(court, monkeypatch)
    court.pass_by(2 * TAKE_OVER - 3_000)
    assert debt[:8] in told(court, "agent", "zh", capsys), "what waits is told where it is asked"
    assert "请启动insurer" in told(court, "agent", "zh", capsys)
    assert "Bringinsurerup" in told(court, "agent", "en", capsys)
    assert "insurer" not in told(court, "notary", "en", capsys), "to whom it is nothing to do"
    assert waits_for(court, "agent") == [("net.answers_sealed", "insurer")]
    assert court.table("takeover") == {}
    assert len(court.checkers.paid) == 2
    assert [member.alarms for member in court.by.values() if member.alarms] == []
    court.by["insurer"].idle = True
    court.by["insurer"].boot()  # it hands over blobs, and does no more
    reach.near |= {"notary"}
    court.pass_by(TAKE_OVER)
    assert "insurer" not in told(court, "agent", "en", capsys)
    paid_once(court, "agent")


def test_where_nobody_has_a_key_the_payer_that_is_back_goes_on_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Reach(monkeypatch, "cloud")
    court = Court()
    part_paid(court, monkeypatch)
    court.pass_by(2 * TAKE_OVER - 3_000)
    court.by["insurer"].boot()
    court.pass_by(1_300)
    paid_once(court, "insurer")


@pytest.mark.parametrize("comes", ["the key", "the payer"])
def test_what_was_taken_over_all_the_same_waits_and_goes_on_by_itself(
    comes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The payer's last words were put in order between the look and the act that takes it over."""
    monkeypatch.setattr(standby, "PATIENCE", 9)
    reach = Reach(monkeypatch, "cloud")
    court = Court()
    debt = part_paid(court, monkeypatch)
    court.pass_by(TAKE_OVER + 1)
    assert court.say("agent", "take_over", {"debt": debt, "reason": "late"}) == []
    court.pass_by(TAKE_OVER // 2)
    assert waits_for(court, "agent") == [("net.answers_sealed", "insurer")]
    with court.by["agent"].disk.reading() as reading:
        assert list(waiting(reading, State(reading), court.by["agent"].node)) == [debt]
    assert court.one("payment")["payer"] == "agent"
    assert len(court.checkers.paid) == 2, "and nothing is paid meanwhile"
    assert [member.alarms for member in court.by.values() if member.alarms] == []
    court.by["insurer"].boot()
    if comes == "the key":
        reach.near |= {"agent"}
        court.pass_by(1_300)
        paid_once(court, "agent")
    else:
        court.pass_by(4 * TAKE_OVER)
        paid_once(court, "insurer")


# By the bank's word alone -------------------------------------------------------------------------


def sound(court: Court) -> None:
    """Nobody's audit finds anything, whoever reads what."""
    for member in court.by.values():
        with member.disk.reading() as reading:
            found = [each for each in inspect(reading, member.node) if not is_unfit(each)]
        assert found == [], member.id


def shows_all(court: Court, who: str) -> None:
    """Of each payout a receipt shows what the bank said."""
    member, debt = court.by[who], min(court.table("payment"))
    with member.disk.reading() as reading:
        state = State(reading)
        found = outcomes_of(reading, state, member.node.identity, debt)
    assert {paid.outcome["state"] for paid in found.values()} == {"executed"}
    assert set(found) == set(court.checkers.paid)


def test_where_no_key_ever_comes_the_standby_asks_the_bank_and_pays_the_rest_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two of three were paid and confirmed under a key that nobody has; the payer stays away."""
    Reach(monkeypatch, "cloud")
    court = Court()
    debt = part_paid(court, monkeypatch)
    before = court.one("payment")
    court.pass_by(2 * TAKE_OVER - 3_000)
    assert "asksthebankitself" in told(court, "agent", "en", capsys)
    assert "自行向银行逐一查询" in told(court, "agent", "zh", capsys)
    assert court.table("takeover") == {}
    court.pass_by(4_000)
    assert court.table("takeover")[debt]["by"] == "agent"
    payment = court.one("payment")
    assert payment["executed_fen"] == payment["due_fen"] > before["executed_fen"]
    assert "insurer" not in told(court, "agent", "en", capsys)
    assert len(court.checkers.paid) == 3
    shows_all(court, "agent")
    shows_all(court, "notary")
    court.by["insurer"].boot()
    paid_once(court, "agent")
    sound(court)


def paid_by_two(
    court: Court, monkeypatch: pytest.MonkeyPatch, pays_all: Callable[[], bool]
) -> None:
    """Of three one was refused, closed, and paid by the second number to an account that the
    standby has not; one was paid at once, one is not paid before the bank `pays_all`. The payer has
    ended.
    """
    insurer, bank = court.by["insurer"], court.bank
    (moved, old), _, (_, left) = [
        (payee, account)
        for payee, account in accounts(insurer).items()
        if payee.startswith("policy")
    ][:3]
    bank.shut = {old}
    pay, paid = bank.pay, bank.paid

    def executed(one: Instruction) -> None:
        if bank.held[one.id][1].state is OutcomeState.EXECUTED:
            paid(one)

    def some(instructions: list[Instruction]) -> list[Outcome]:
        return pay([one for one in instructions if pays_all() or one.creditor_account != left])

    bank.paid = executed
    monkeypatch.setattr(bank, "pay", some)
    court.shake()
    court.pass_by(1_300)
    (debt,) = court.table("payment")
    put_payees(insurer, {moved: "another"})
    assert insurer.payer is not None
    for _ in range(50):
        with suppress(OutsideFault):
            insurer.payer.retry_refused(debt)
            insurer.payer.run()
        court.pass_by(5)
    assert len(court.checkers.paid) == 2
    insurer.crash(DEAD)


def test_a_further_number_that_the_payer_had_made_is_found_at_the_bank(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Reach(monkeypatch, "cloud")
    court = Court()
    insurer = court.by["insurer"]
    paid_by_two(court, monkeypatch, lambda: not insurer.up)
    payment = court.one("payment")
    assert payment["executed_fen"] == sum(court.checkers.paid.values()) < payment["due_fen"]
    assert court.table("closed")
    court.pass_by(3 * TAKE_OVER)
    payment = court.one("payment")
    assert (payment["payer"], payment["executed_fen"]) == ("agent", payment["due_fen"])
    assert len(court.checkers.paid) == 3
    assert [member.alarms for member in court.by.values() if member.alarms] == []
    shows_all(court, "agent")
    insurer.boot()
    paid_once(court, "agent")
    sound(court)


@pytest.mark.parametrize("lied", [1, 2])
def test_what_the_payer_has_confirmed_and_not_paid_is_paid(
    lied: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody could see that it lied: the bank holds nothing of these, and is asked."""
    Reach(monkeypatch, "cloud")
    court = Court()
    insurer = court.by["insurer"]
    assert insurer.payer is not None
    rail = court.bank
    said = list[str]()

    class Lying:
        def pay(self, instructions: list[Instruction]) -> list[Outcome]:
            if said:
                raise OutsideFault("the bank is silent", retry=True)
            said.extend(one.id for one in instructions)
            return [Outcome(one.id, OutcomeState.EXECUTED, one.amount_fen, "none", 0, bank="paper")
                    for one in instructions[:lied]] + rail.pay(instructions[lied:])  # fmt: skip

        def ask(self, ids: list[str], amounts: object = None) -> list[Outcome]:
            raise OutsideFault("the bank is silent", retry=True)

    with monkeypatch.context() as patched:
        patched.setattr(payer, "BATCH", 2)
        insurer.payer.rail = cast(Any, Lying())
        court.shake()
        court.pass_by(1_300)
        insurer.crash(DEAD)
    payment = court.one("payment")
    assert 0 < payment["executed_fen"] < payment["due_fen"]
    assert len(court.checkers.paid) == 2 - lied
    court.pass_by(3 * TAKE_OVER)
    paid_once(court, "agent")
    shows_all(court, "agent")


def test_what_is_told_once_more_counts_only_beyond_what_the_record_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One was confirmed under a key that nobody has; of the others the bank pays one first."""
    Reach(monkeypatch, "cloud")
    court = Court()
    insurer, bank = court.by["insurer"], court.bank
    most, pay = 1, bank.pay

    def some(instructions: list[Instruction]) -> list[Outcome]:
        done = bank.held.keys()
        ready = [one for one in instructions if one.id in done or len(done) < most]
        return [each for one in ready if len(done) < most or one.id in done for each in pay([one])]

    monkeypatch.setattr(bank, "pay", some)
    court.shake()
    court.pass_by(1_300)
    insurer.crash(DEAD)
    first = court.one("payment")
    assert first["due_fen"] == 3 * first["executed_fen"] > 0
    most = 2
    court.pass_by(3 * TAKE_OVER)
    second = court.one("payment")
    assert second["payer"] == "agent"
    assert second["executed_fen"] == sum(court.checkers.paid.values()) == 2 * first["executed_fen"]
    most = 3
    assert court.go().paid == 3
    shows_all(court, "insurer")
    sound(court)


def test_a_payer_that_goes_on_saying_a_little_puts_nothing_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It counts from the first answer that nobody opens."""
    Reach(monkeypatch, "cloud")
    court = Court()
    debt = part_paid(court, monkeypatch)
    agent = court.by["agent"]
    with agent.disk.writing() as block:
        state = State(block)
        (first,) = (note["at"] for _, note in state.range("paid", f"{debt}/"))
        note = {**state.need("paid", f"{debt}/000001"), "at": first + 10_000}
        state.put("paid", f"{debt}/000002", note)
        sealed = answers_sealed(block, state, agent.node, debt)
        assert sealed is not None
        assert sealed.facts["until"] == first + 2 * TAKE_OVER
        assert sealed.facts["count"] == 2
