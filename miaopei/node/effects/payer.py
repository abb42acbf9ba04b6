"""Paying: instructions made from verified claims, sent, asked for after silence, confirmed by acts.

Write the intent, act, write the outcome. An instruction not known to be fresh is first asked for at
the bank by its id; a time-out is never a refusal; number n+1 exists only after acts have recorded
the final refusal of n and the bank's signed word that n is closed.
Source: docs/specs/record.md, section 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from ...accounts.rail import Instruction, Outcome, OutcomeState
from ...acts.base import UNFORESEEN
from ...acts.blobs import OUTCOMES
from ...acts.envelope import from_bytes
from ...acts.state import State
from ...claims.confirm import Spread, alone
from ...claims.payout import instruction_id
from ...errors import Alarm, DebtAlarm, OutsideFault, Refusal, Refused, SealedUnfit
from ...ledger import checkpoint
from ...measures.identity import canonical, id_of
from ..mass.run import Tell, silent
from ..node import Node
from ..ports import Rail, Reading
from ..selling.known.accounts import finish, payable
from ..vault.blobs import listing_of, seal_blob, told_of
from .closing import close_refused, not_paid_before
from .keeper import Keeper
from .orders import AT_ONCE, OwedOrders, owed_by, rows_for
from .standby import (
    FRESH,
    PREPARED,
    further,
    go_on,
    prepared,
    put_anew,
    take_over_due,
    to_tell,
)

BATCH = 1000
Owed = OwedOrders | dict[str, dict[str, Any]]
Rows = Sequence[dict[str, Any]]
CONFIRMED = {"executed": "paid", "refused": "failed"}  # on the record
OUTCOME = (
    *("payout", "number", "state", "amount_fen", "payer"),
    *("bank", "sandbox", "ref", "at", "code"),
)
ALARMING = (OutcomeState.DIFFERENT_AMOUNT, OutcomeState.CONFLICT)


class Payer:
    """Carries out this node's duties to pay, over one rail."""

    def __init__(
        self,
        node: Node,
        rail: Rail,
        keeper: Keeper | None = None,
        *,
        spread: Spread = alone,
        tell: Tell = silent,
        ahead: bool = False,
    ) -> None:
        """`spread` uses the cores where a mass is prepared, `tell` hears how far it is.

        `ahead`: while the bank decides one part of a mass the next is made ready, and the answer
        to the one before written down.
        """
        self.node, self.rail, self._keeper, self.ahead = node, rail, keeper, ahead
        self.spread, self.tell = spread, tell

    def run(self) -> int:
        """Do what can be done now; the number of instructions with a new final outcome.

        A silent bank is no error here: what was sent stays open and is asked for next time.
        Errors   Alarm for an answer that does not fit, once everything else is done; DebtAlarm
                 where an account is not on file, or an instruction is there already. Refused,
                 then too, for what rests on another's bad seal or missing key, or is not taken
                 over.
        """
        alarms, refused = list[Alarm](), list[Refusal]()
        done = 0
        finish(self.node)
        try:
            take_over_due(self.node)
        except Refused as error:
            refused += error.refusals
        for debt in self.prepare(alarms, refused):
            try:
                done += self._pay(debt, alarms)
            except Alarm as alarm:  # what is wrong with one debt does not hold up the others
                alarms.append(alarm)
            except Refused as error:
                refused += error.refusals
        if alarms:
            grave = [each for each in alarms if not isinstance(each, DebtAlarm)]
            first, kind = (grave or alarms)[0], Alarm if grave else DebtAlarm
            raise kind(first.what, **first.facts, others=len(alarms) - 1)
        if refused:
            raise Refused(*refused)
        return done

    def prepare(
        self, alarms: list[Alarm] | None = None, refused: list[Refusal] | None = None
    ) -> list[str]:
        """Write the orders of every debt that is ours to pay, once; the debts that stand open."""
        with self.node.reading() as (reading, state):
            duties = [d for _, d in state.range("duty", "pay/")]
            mine = [d["debt"] for d in duties if d["payer"] == self.node.identity.member]
            mine = [debt for debt in mine if self._may(reading, state, debt)]
        ready = []
        for debt in mine:
            try:
                self._prepare(debt)
                ready.append(debt)
            except (SealedUnfit, *UNFORESEEN) as unfit:  # what others sealed, say a list's lines
                if self._keeper is None or refused is None:
                    raise
                refused.append(told_of(unfit, f"debt {debt}"))
            except Refused as waits:
                if refused is None:
                    raise
                refused += waits.refusals
            except Alarm as alarm:
                if alarms is None:
                    raise
                alarms.append(alarm)
        return ready

    def _prepare(self, debt: str) -> None:
        """Write the orders of one debt, chunk by chunk; after a kill go on where it was."""
        with self.node.store.writing() as block:
            state = State(block)
            mark = prepared(state, debt)
            if (kept := block.progress(f"pay/{debt}")) == mark:
                return
            whole = state.need("payment", debt)["kind"] == "settlement"
            if not whole or mark != PREPARED:
                rows = go_on(block, state, self.node, debt, rows_for(block, self.node, debt))
                put_anew(block, debt, rows)
                block.put_progress(f"pay/{debt}", mark)
                return
            owed = owed_by(block, state, debt, self.spread)
            done = 0 if kept is None else int(kept)
            if len(owed.orders) <= AT_ONCE:
                block.put_orders(debt, owed.about, owed.orders)
                block.put_progress(f"pay/{debt}", PREPARED)
                return
        while done < len(owed.orders):
            with self.node.store.writing() as block:
                block.put_orders(debt, owed.about, owed.orders[done : done + AT_ONCE])
                done = min(done + AT_ONCE, len(owed.orders))
                last = done == len(owed.orders)
                block.put_progress(f"pay/{debt}", PREPARED if last else canonical(done))
            self.tell("orders", done, len(owed.orders))

    def _may(self, reading: Reading, state: State, debt: str) -> bool:
        """Whether the debt stands in the certified part of the log, and its claims are here.

        In solo it does as soon as it is there: the checkpoint is of the block's own transaction.
        """
        place = reading.place(debt)
        if place is None or place >= checkpoint.parse(reading.checkpoint()).size:
            return False
        book = state.need("listing", listing_of(state, debt))["listing"]["book"]
        return self._keeper is None or self._keeper.has(reading, state, book)

    def _pay(self, debt: str, alarms: list[Alarm]) -> int:
        self._resend_confirmation(debt)
        try:
            further(self.node, self.rail, debt)
            self._send(debt, alarms)
        except OutsideFault as fault:
            if not fault.retry:
                raise
        return sum(iter(lambda: self._confirm(debt), 0))

    def retry_refused(self, debt: str, creditor: str | None = None) -> int:
        """Make the next numbered instruction for each recorded refusal; how many were made.

        With `creditor` only for what goes to that payee. Each refused id is first closed at the
        bank, and the bank's signed word of it recorded.
        Errors   Alarm where the bank says otherwise now, OutsideFault where it is silent.
        """
        self._resend_confirmation(debt)  # what was written down may not be on the record yet
        close_refused(self.node, self.rail, debt, creditor)
        with self.node.store.writing() as block:
            failed = block.instructions(debt, ["closed"])
            refused = [i for i in failed if creditor in (None, i["creditor"], i["debtor"])]
            again = [{**i, **FRESH, "number": i["number"] + 1} for i in refused]
            block.mark_instructions({**i, "state": "replaced"} for i in refused)
            block.put_instructions(debt, again)
            return len(again)

    def _send(self, debt: str, alarms: list[Alarm]) -> None:
        """Ask for what may be at the bank already, then send what is surely not there."""
        with self.node.store.reading() as reading:
            unsure = reading.instructions(debt, ["sent", "pending"])
        for part in _chunks(unsure):
            answers = self.rail.ask([instruction_id(i["payout"], i["number"]) for i in part])
            alarms += self._note(part, answers, asked=True)
        for rows, answers in self._answered(self._ready(debt, alarms)):
            alarms += self._note(rows, answers, asked=False)

    def _ready(self, debt: str, alarms: list[Alarm]) -> Iterator[tuple[Rows, list[Instruction]]]:
        """What goes out, part by part, each marked as sent before it is given."""
        owed: Owed | None = None
        last, sent = ("", 0), 0
        while part := self._fresh(debt, last):
            owed = self._owed(debt) if owed is None else owed
            self.tell("send", sent, len(owed))
            last = (part[-1]["payout"], part[-1]["number"])
            unpaid = not_paid_before(self.rail, part, alarms)
            rows, ready = self._mark_sent(unpaid, owed, alarms)
            if ready:
                yield rows, ready
            sent += len(part)
            self.tell("send", min(sent, len(owed)), len(owed))

    def _answered(
        self, parts: Iterable[tuple[Rows, list[Instruction]]]
    ) -> Iterator[tuple[Rows, list[Outcome]]]:
        """The bank's word on each part; `ahead`, it decides one while we are at its neighbours."""
        if not self.ahead:
            yield from ((rows, self.rail.pay(ready)) for rows, ready in parts)
            return
        with ThreadPoolExecutor(1) as line:
            before: tuple[Rows, Future[list[Outcome]]] | None = None
            for rows, ready in parts:
                said = None if before is None else (before[0], before[1].result())
                before = rows, line.submit(self.rail.pay, ready)
                if said is not None:
                    yield said
            if before is not None:
                yield before[0], before[1].result()

    def _fresh(self, debt: str, after: tuple[str, int]) -> Sequence[dict[str, Any]]:
        """The next orders that have not been sent; a mass is never held in memory whole."""
        with self.node.store.reading() as reading:
            return reading.instructions(debt, ["new"], BATCH, after)

    def _owed(self, debt: str) -> Owed:
        with self.node.reading() as (reading, state):
            if state.need("payment", debt)["kind"] == "settlement":
                return owed_by(reading, state, debt, self.spread)
            return {row["payout"]: row for row in rows_for(reading, self.node, debt)}

    def _mark_sent(
        self,
        part: Sequence[dict[str, Any]],
        owed: Owed,
        alarms: list[Alarm],
    ) -> tuple[list[dict[str, Any]], list[Instruction]]:
        """Write down that these go out; those without an account, or that nobody owes, stay new."""
        with self.node.store.writing() as block:
            part, odd = _owed(part, owed)
            alarms += odd
            named = [row[end] for row in part for end in ("creditor", "debtor")]
            known, unfit = payable(block, list(dict.fromkeys(named)), self.node.identity.member)
            alarms += unfit
            rows = [row for row in part if row["creditor"] in known and row["debtor"] in known]
            block.mark_sent(rows)
        return rows, [self._instruction(row, known) for row in rows]

    def _instruction(
        self, row: dict[str, Any], known: Mapping[str, Mapping[str, str]]
    ) -> Instruction:
        name = instruction_id(row["payout"], row["number"])
        return Instruction(
            id=name,
            amount_fen=row["amount_fen"],
            debtor_account=known[row["debtor"]]["account"],
            creditor_account=known[row["creditor"]]["account"],
            creditor_name=known[row["creditor"]]["name"],
            remittance=f"miaopei {row['payout'][:16]}",
            end_to_end_id=name,
        )

    def _note(
        self,
        part: Sequence[dict[str, Any]],
        answers: Sequence[Outcome],
        *,
        asked: bool,
    ) -> list[Alarm]:
        """Write the bank's answers down; an unknown id that we asked for is fresh again.

        What does not fit stays as it was sent, to be asked for again, and is an alarm.
        """
        by_id = {answer.id: answer for answer in answers}
        changed, alarms = [], []
        for row in part:
            answer = by_id.get(instruction_id(row["payout"], row["number"]))
            if answer is None:
                continue
            answer = answer.against(row["amount_fen"])
            if answer.state in ALARMING:
                alarms.append(_unfit(row, answer))
                continue
            state = str(answer.state)
            if answer.state is OutcomeState.UNKNOWN:
                state = "new" if asked else "sent"
            changed.append(
                {
                    **row,
                    "state": state,
                    "ref": answer.ref,
                    "code": answer.code,
                    "at": answer.at,
                    "bank": answer.bank,
                    "sandbox": answer.sandbox,
                }
            )
        with self.node.store.writing() as block:
            states = block.instruction_states([row["payout"] for row in changed])
            # Another process may have taken over while the bank was asked: its word stands.
            block.mark_instructions(
                row
                for row in changed
                if states.get((row["payout"], row["number"])) in ("sent", "pending")
            )
        return alarms

    def _confirm(self, debt: str) -> int:
        """One act for all new final outcomes, written down with its blob before it is sent."""
        with self.node.store.writing() as block:
            rows, parts = to_tell(block, State(block), debt)
            if not rows:
                return 0
            values = [canonical({"v": 1, **{name: row[name] for name in OUTCOME}}) for row in rows]
            executed = sum(row["state"] == "executed" for row in rows)
            body = {
                "debt": debt,
                "outcomes": seal_blob(
                    block,
                    self.node,
                    values,
                    [bytes.fromhex(id_of("outcome", value)) for value in values],
                    OUTCOMES,
                    listing_of(State(block), debt),
                ),
                "executed_fen": sum(parts.values()),
                "executed": executed,
                "refused": len(rows) - executed,
                "payers": [{"payer": p, "executed_fen": f} for p, f in sorted(parts.items())],
            }
            act = self.node.act("confirm_payments", f"paid-{body['outcomes']['root'][:24]}", body)
            block.put_progress(f"confirm/{debt}", act.to_bytes())
            block.mark_instructions({**row, "state": CONFIRMED[row["state"]]} for row in rows)
        self._resend_confirmation(debt)
        return len(rows)

    def _resend_confirmation(self, debt: str) -> None:
        """Submit the confirmation that was written down; the record applies it once."""
        with self.node.store.reading() as reading:
            kept = reading.progress(f"confirm/{debt}")
        if kept is None:
            return
        act = from_bytes(kept)
        (result,) = self.node.submit([act])
        if not result.ok and result.refusals[0].code != "act.not_the_payer":  # now another's
            raise Alarm("the record refuses a confirmation", code=result.refusals[0].code)
        with self.node.store.writing() as block:
            block.put_progress(f"confirm/{debt}", None)


def _unfit(row: dict[str, Any], answer: Outcome) -> Alarm:
    return Alarm(
        "the bank's answer does not fit what was instructed",
        answer=str(answer.state),
        payout=row["payout"],
        instructed=row["amount_fen"],
        answered=answer.amount_fen,
    )


def _chunks(rows: Sequence[dict[str, Any]]) -> Iterable[Sequence[dict[str, Any]]]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]


def _owed(part: Sequence[dict[str, Any]], owed: Owed) -> tuple[list[dict[str, Any]], list[Alarm]]:
    """The rows that our verified leaves give, and an alarm for each that they do not."""
    fixed = ("amount_fen", "payer", "debtor", "creditor")
    good, odd = [], []
    payouts = [row["payout"] for row in part]
    leaves = owed.of(payouts) if isinstance(owed, OwedOrders) else owed
    for row in part:
        leaf = leaves.get(row["payout"])
        if leaf is not None and all(row.get(name) == leaf[name] for name in fixed):
            good.append(row)
        else:
            odd.append(Alarm("an order to pay is not what the record owes", payout=row["payout"]))
    return good, odd
