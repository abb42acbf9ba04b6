"""What a payer has put on the record of the bank's answers is none, or more than it confirms: the
standby asks the bank and pays the rest once; no honest member's audit says that it is damaged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from miaopei.accounts.rail import Instruction, Outcome, OutcomeState
from miaopei.acts.state import State
from miaopei.errors import OutsideFault
from miaopei.measures.identity import canonical, read_canonical
from miaopei.node.effects import payer, standby
from miaopei.node.effects.standby import ASKED, put_anew, to_tell
from miaopei.node.proof.inspect import inspect
from miaopei.node.proof.named.looking import is_unfit
from miaopei.node.vault.blobs import opens
from miaopei.node.vault.sealing import reader_of, wrap

from .court import Court
from .founding import TAKE_OVER
from .test_answers_sealed import DEAD, Reach, paid_by_two, paid_once, part_paid, shows_all

Rows = list[bytes]


def without(name: str) -> Callable[[Rows], Rows]:
    def cut(rows: Rows) -> Rows:
        values = [read_canonical(row) for row in rows]
        return [canonical({k: v for k, v in value.items() if k != name}) for value in values]

    return cut


def having(**more: Any) -> Callable[[Rows], Rows]:
    return lambda rows: [canonical({**read_canonical(row), **more}) for row in rows]


RUBBISH: dict[str, Callable[[Rows], Rows]] = {
    "rows that are no JSON": lambda rows: [b"{" for _ in rows],
    "numbers": lambda rows: [b"7" for _ in rows],
    "no payout": without("payout"),
    "no bank": without("bank"),
    "a payout that is a list": having(payout=[]),
    "a reference that is none": having(ref={"a": 1}),
    "a reference that no column takes": having(ref="\0"),
    "a state that is none": having(state="paid perhaps"),
}


def sound(court: Court, *but: str) -> None:
    """The audits of all but who has sealed it so; what waits is none of these."""
    for member in court.by.values():
        if member.id in but:
            continue
        with member.disk.reading() as reading:
            found = [each for each in inspect(reading, member.node) if not is_unfit(each)]
        assert found == [], member.id


@pytest.mark.parametrize("what", [*RUBBISH, "a key that opens nothing"])
def test_answers_that_are_none_keep_nobody_waiting(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of three were paid; what was confirmed of them says nothing to anybody."""
    court = Court()
    sealed = payer.seal_blob

    def rubbish(block: Any, node: Any, rows: Rows, *more: Any) -> dict[str, Any]:
        if node.identity.member != "insurer":
            return sealed(block, node, rows, *more)
        if what in RUBBISH:
            return sealed(block, node, RUBBISH[what](rows), *more)
        reference = sealed(block, node, rows, *more)
        for name in {*court.by} - {"insurer"}:
            box = reader_of(court.by[name].node.identity.box)
            if block.wrapped(reference["blob"], box) is not None:
                false = wrap(bytes(32), bytes.fromhex(box), node.random)
                block.put_wrap(reference["blob"], box, false)
        return reference

    with monkeypatch.context() as patched:
        patched.setattr(payer, "seal_blob", rubbish)
        part_paid(court, monkeypatch)
    court.pass_by(3 * TAKE_OVER)
    payment = court.one("payment")
    assert (payment["payer"], payment["executed_fen"]) == ("agent", payment["due_fen"])
    assert len(court.checkers.paid) == 3
    assert [member.alarms for member in court.by.values() if member.alarms] == []
    for who in ("agent", "notary"):
        shows_all(court, who)
    sound(court, "insurer")
    court.by["insurer"].boot()
    paid_once(court, "agent")


def test_answers_that_tell_of_more_than_was_confirmed_are_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else the debt stands open for ever, and its last payee is paid by nobody."""
    court = Court()
    real = payer.to_tell

    def more(block: Any, state: State, debt: str) -> Any:
        rows, parts = real(block, state, debt)
        if parts and len(rows) == 2:
            rest = [row for row in block.instructions(debt) if row not in rows]
            rows = [*rows, *({**row, **Outcome("", OutcomeState.EXECUTED, 0).as_json(),
                              "amount_fen": row["amount_fen"]} for row in rest)]  # fmt: skip
        return rows, parts

    with monkeypatch.context() as patched:
        patched.setattr(payer, "to_tell", more)
        part_paid(court, monkeypatch)
    court.pass_by(3 * TAKE_OVER)
    assert len(court.checkers.paid) == 3
    assert court.one("payment")["payer"] == "agent"
    paid_once(court, "agent")


def test_a_key_that_comes_after_the_bank_was_asked_makes_nothing_look_damaged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two stand executed here and are on the record already; the bank does not pay the third."""
    reach = Reach(monkeypatch, "cloud")
    court = Court()
    debt = part_paid(court, monkeypatch)
    pay = court.bank.pay

    def silent(_: list[Instruction]) -> list[Outcome]:
        raise OutsideFault("the bank is silent", retry=True)

    monkeypatch.setattr(court.bank, "pay", silent)
    court.pass_by(2 * TAKE_OVER + 1_300)
    agent = court.by["agent"]
    with agent.disk.reading() as reading:
        assert reading.progress(f"{ASKED}{debt}") is not None
        states = Counter(row["state"] for row in reading.instructions(debt))
    assert states == {"executed": 2, "sent": 1}
    reach.near.add("agent")
    court.by["insurer"].boot()
    court.pass_by(1_300)
    with agent.disk.reading() as reading:
        blob = next(note for _, note in State(reading).range("paid", f"{debt}/"))
        assert opens(reading, blob["outcomes"]["blob"], agent.node.identity)
    sound(court)
    monkeypatch.setattr(court.bank, "pay", pay)
    assert court.go().paid == 3


# To and fro ---------------------------------------------------------------------------------------


def test_who_takes_a_debt_over_once_more_goes_on_with_further_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One was paid by the second number, which the bank alone told of; another is paid to nobody
    until the debt has gone to the payer, back, and to the standby again.
    """
    Reach(monkeypatch, "cloud")
    court = Court()
    insurer, late = court.by["insurer"], False
    paid_by_two(court, monkeypatch, lambda: late)
    court.pass_by(2 * TAKE_OVER + 1_300)
    assert court.one("payment")["payer"] == "agent"
    insurer.boot()
    court.pass_by(TAKE_OVER + 1_300)
    assert court.one("payment")["payer"] == "insurer"
    insurer.crash(DEAD)
    court.pass_by(3 * TAKE_OVER)
    assert court.one("payment")["payer"] == "agent"
    late = True
    court.pass_by(3_600)
    assert [member.alarms for member in court.by.values() if member.alarms] == []
    payment = court.one("payment")
    assert payment["executed_fen"] == payment["due_fen"]
    assert len(court.checkers.paid) == 3
    shows_all(court, "agent")
    sound(court)


# What is told -------------------------------------------------------------------------------------

ONES = {"bank": "paper", "sandbox": True, "ref": None, "code": None, "at": 0}


def order(payout: str, state: str, payer: str = "one", number: int = 1) -> dict[str, Any]:
    named = {"payout": payout, "number": number, "state": state, "amount_fen": 100, "payer": payer}
    return {**named, "creditor": "policy/1", "debtor": f"carrier/{payer}", **ONES}


def telling(
    rows: list[dict[str, Any]], left: dict[str, int]
) -> tuple[list[tuple[str, str]], dict[str, int]]:
    """What is told of a debt for which the bank alone was asked, of which so much is open."""
    agent = Court().by["agent"]
    with agent.disk.writing() as block:
        state = State(block)
        state.put("payment", "d" * 64, {"open_fen": left})
        block.put_progress(f"{ASKED}{'d' * 64}", b"1")
        block.put_instructions("d" * 64, rows)
        told, new = to_tell(block, state, "d" * 64)
    return [(row["payout"], row["state"]) for row in told], new


def test_the_last_that_is_open_is_not_told_while_the_bank_has_not_executed_all() -> None:
    """All of one carrier's was confirmed and not paid: the duty to pay it ends with the debt."""
    a, b, c = order("a", "pending", "liar"), order("b", "executed"), order("c", "executed")
    told, new = telling([a, b, c], {"one": 200})
    assert (len(told), new) == (1, {"one": 100})
    assert telling([a, b], {"one": 100}) == ([], {})
    told, new = telling([{**a, "state": "executed"}, b, c], {"one": 200})
    assert (len(told), new) == (3, {"one": 200})


def test_what_an_answer_here_tells_of_is_not_told_once_more() -> None:
    rows = [order("a", "paid"), order("b", "executed"), order("c", "executed")]
    assert telling(rows, {"one": 100}) == ([("b", "executed"), ("c", "executed")], {"one": 100})


def test_a_mass_is_told_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many at once as go beyond what was confirmed, two here; then the next by themselves."""
    monkeypatch.setattr(standby, "AT_ONCE", 1)
    a, b, c = (order(payout, "executed") for payout in "abc")
    told, new = telling([a, b, c], {"one": 200})
    assert (len(told), new) == (2, {"one": 100})
    done = [{**a, "state": "paid"}, {**b, "state": "paid"}]
    assert telling([*done, c], {"one": 100}) == ([("c", "executed")], {"one": 100})


def test_further_numbers_that_were_told_in_vain_are_told_again() -> None:
    """The confirmation was dropped when the other took the debt: whether it is on the record the
    rows made anew say, and of these the record says nothing.
    """
    agent, debt = Court().by["agent"], "d" * 64
    with agent.disk.writing() as block:
        for payout, state in (("a", "paid"), ("b", "failed")):
            kept = [order(payout, "replaced"), order(payout, state, number=2)]
            block.put_instructions(debt, kept)
        put_anew(block, debt, [order("a", "sent"), order("b", "sent")])
        rows = block.instructions(debt)
    assert [(row["payout"], row["number"], row["state"]) for row in rows] == [
        *(("a", 1, "sent"), ("a", 2, "executed")),
        *(("b", 1, "sent"), ("b", 2, "refused")),
    ]
