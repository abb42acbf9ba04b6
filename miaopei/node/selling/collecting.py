"""Money that came in at the bank, told to the record credit by credit.

A credit counts once by the bank's own reference, so that asking again, or after a kill, changes
nothing. Where nothing is heard of the bank the next run goes on behind the last credit recorded.
"""

from __future__ import annotations

import re

from ...accounts.rail import Credit
from ...acts.envelope import Act
from ...acts.file_offer import on_sale
from ...acts.record_credit import credit_key
from ...acts.sold import is_reference
from ...errors import OutsideFault, Refused
from ..node import Node
from ..ports import Incoming

WRITTEN = re.compile(r"MP[0-9]{16}")
AT_ONCE = 200  # credits in one block


def collect(node: Node, rail: Incoming, bank: str, *, sandbox: bool) -> int:
    """Record every new credit on the accounts that take premium in; how many.

    A silent bank is no error here. Errors   Refused where the record says no.
    """
    with node.reading() as (reading, state):
        carriers = sorted({offer.collector for offer in on_sale(state).values()})
        accounts = {c: reading.payee(f"carrier/{c}") for c in carriers}
    done = 0
    for carrier, payee in accounts.items():
        if payee is not None and "account" in payee:
            done += _account(node, rail, bank, carrier, payee["account"], sandbox=sandbox)
    return done


def _account(
    node: Node, rail: Incoming, bank: str, carrier: str, account: str, *, sandbox: bool
) -> int:
    name, done = f"selling/credits/{carrier}", 0
    while True:
        with node.store.reading() as reading:
            kept = reading.progress(name)
        after = 0 if kept is None else int(kept)
        try:
            found = rail.credits(account, after)
        except OutsideFault as fault:
            if not fault.retry:
                raise
            return done
        if not found.lines:
            return done
        for start in range(0, len(found.lines), AT_ONCE):
            part = found.lines[start : start + AT_ONCE]
            done += _record(node, bank, carrier, part, sandbox=sandbox)
        with node.store.writing() as block:
            block.put_progress(name, str(found.next_after).encode("ascii"))


def _record(
    node: Node, bank: str, carrier: str, lines: tuple[Credit, ...], *, sandbox: bool
) -> int:
    with node.reading() as (_, state):
        new = [line for line in lines if not state.has("credit", credit_key(bank, line.ref))]
    acts: list[Act] = []
    for line in new:
        body = {
            "carrier": carrier,
            "bank": bank,
            "ref": line.ref,
            "reference": reference_in(line.reference),
            "amount_fen": line.amount_fen,
            "at": line.at,
            "sandbox": sandbox,
        }
        acts.append(node.act("record_credit", f"credit-{credit_key(bank, line.ref)}", body))
    results = node.submit(acts) if acts else []
    refused = [r for result in results for r in result.refusals if r.code != "act.credit_known"]
    if refused:
        raise Refused(*refused)
    return sum(result.ok and result.new for result in results)


def reference_in(text: str) -> str:
    """The payment reference in what a payer wrote, where there is a sound one; else the empty text:
    what else a payer writes may be personal and is not for the record.
    """
    plain = "".join(text.upper().split())
    return next((found for found in WRITTEN.findall(plain) if is_reference(found)), "")
