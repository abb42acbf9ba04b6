"""Closing at the bank what it has refused, before a further number of the payout may exist.

A bank's "refused" is believed only when the bank has signed that the id is closed for ever, and the
statement is on the record. Written down first, then sent, as every effect. Source: record.md, 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...accounts.rail import ClosedId, Outcome, OutcomeState
from ...acts.blobs import CLOSED
from ...acts.envelope import from_bytes
from ...acts.state import State
from ...claims.payout import instruction_id
from ...errors import Alarm, OutsideFault
from ...measures.identity import canonical, content_id
from ..node import Node
from ..ports import Rail, Writing
from ..vault.blobs import listing_of, seal_blob

Row = dict[str, Any]


def close_refused(node: Node, rail: Rail, debt: str, creditor: str | None) -> None:
    """Close the ids of recorded refusals (only those of one payee, where named), on the record.

    Errors   Alarm where the bank answers that it has paid, or may yet pay, what it refused: what it
             has paid is written down, to be confirmed. OutsideFault where it is silent. What was
             closed before either stays closed.
    """
    resend(node, debt)
    with node.store.reading() as reading:
        failed = reading.instructions(debt, ["failed"])
    wanted = [row for row in failed if creditor in (None, row["creditor"], row["debtor"])]
    closed, paid, trouble = list[tuple[Row, ClosedId]](), list[Row](), list[Exception]()
    for row in wanted:
        try:
            answer = rail.close(instruction_id(row["payout"], row["number"]))
        except OutsideFault as fault:
            trouble.append(fault)
            break
        if isinstance(answer, ClosedId):
            closed.append((row, answer))
            continue
        trouble.append(both_words(row, answer))
        if answer.against(row["amount_fen"]).state is OutcomeState.EXECUTED:
            paid.append(_as_paid(row, answer))
    if closed or paid:
        with node.store.writing() as block:
            if closed:
                _write_down(block, node, debt, closed)
            block.mark_instructions([*paid, *({**row, "state": "closed"} for row, _ in closed)])
    resend(node, debt)
    if trouble:
        alarms = [one for one in trouble if isinstance(one, Alarm)]
        raise (alarms or trouble)[0]


def resend(node: Node, debt: str) -> None:
    """Submit the closing that was written down; the record applies it once."""
    name = f"close/{debt}"
    with node.store.reading() as reading:
        kept = reading.progress(name)
    if kept is None:
        return
    (result,) = node.submit([from_bytes(kept)])
    if not result.ok:
        raise Alarm("the record refuses a closing statement", code=result.refusals[0].code)
    with node.store.writing() as block:
        block.put_progress(name, None)


def not_paid_before(rail: Rail, rows: Sequence[Row], alarms: list[Alarm]) -> Sequence[Row]:
    """The rows whose earlier numbers, asked for once more, the bank does not hold as paid.

    Adds an alarm for each of the others: the bank closed an id and paid it.
    Errors   OutsideFault.
    """
    earlier = {instruction_id(r["payout"], n): r for r in rows for n in range(1, r["number"])}
    if not earlier:
        return rows
    answers = rail.ask(list(earlier))
    states = (OutcomeState.EXECUTED, OutcomeState.PENDING)
    odd = [both_words(earlier[a.id], a) for a in answers if a.state in states]
    alarms += odd
    paid = {alarm.facts["payout"] for alarm in odd}
    return [row for row in rows if row["payout"] not in paid]


def both_words(row: Row, answer: Outcome) -> Alarm:
    """The bank said refused, and says something else now."""
    return Alarm(
        "the bank refused this payment and now says otherwise; no further number is made",
        instruction=answer.id,
        payout=row["payout"],
        first="refused",
        first_code=row["code"],
        now=str(answer.state),
        amount_fen=answer.amount_fen,
        ref=answer.ref,
    )


def _as_paid(row: Row, answer: Outcome) -> Row:
    said = {"ref": answer.ref, "code": None, "at": answer.at, "sandbox": answer.sandbox}
    return {**row, **said, "bank": answer.bank, "state": "executed"}


def _write_down(
    block: Writing, node: Node, debt: str, closed: Sequence[tuple[Row, ClosedId]]
) -> None:
    values = [
        {
            "v": 1,
            "payout": row["payout"],
            "number": row["number"],
            "statement": word.statement.hex(),
            "signature": word.signature.hex(),
        }
        for row, word in closed
    ]
    keys = {word.key.hex() for _, word in closed}
    if len(keys) != 1:
        raise Alarm("the bank signed with several keys in one closing", keys=len(keys))
    sealed = seal_blob(
        block,
        node,
        [canonical(value) for value in values],
        [bytes.fromhex(content_id("closed", value)) for value in values],
        CLOSED,
        listing_of(State(block), debt),
    )
    body = {"debt": debt, "key": keys.pop(), "closed": sealed}
    act = node.act("close_ids", f"closed-{sealed['root'][:24]}", body)
    block.put_progress(f"close/{debt}", act.to_bytes())
