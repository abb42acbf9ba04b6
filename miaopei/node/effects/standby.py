"""Who takes over what is open after the deadline, the standby payer or, from it, the payer: goes on
under the same ids.

Nothing is known to be fresh: every number that the first payer may have sent is asked for at the
bank first. Which numbers there were is read from the record: who cannot open yet what the bank has
answered so far takes nothing over, and pays nothing of what it has. Source: record.md, section 8.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ...acts.raise_rules import rules_at
from ...acts.state import State
from ...acts.take_over import other_payer
from ...errors import Refusal, Refused
from ...measures.identity import canonical
from ..node import Node
from ..ports import Reading, Writing
from ..vault.blobs import open_values, opens

PREPARED = b"prepared"
REASON = "the payer has not paid by the listing's deadline"
Row = dict[str, Any]


def take_over_due(node: Node) -> list[str]:
    """Take over every open debt of which we are the other payer and whose deadline has come.

    Errors   Refused, once the others are taken over: what the record says against one, or
             net.answers_sealed.
    """
    with node.reading() as (reading, state):
        due = list[tuple[str, str]]()  # debt, and which time this is
        waits = list[Refusal]()
        for debt in _due(reading, state, node.identity.member):
            if (sealed := answers_sealed(reading, state, node, debt)) is not None:
                waits.append(sealed)
                continue
            taken = state.get("takeover", debt)
            due.append((debt, "" if taken is None else f" after {taken['act']}"))
    acts = [node.act("take_over", f"take-{d}{n}", {"debt": d, "reason": REASON}) for d, n in due]
    results = node.submit(acts) if acts else []
    if refused := [*(r for result in results for r in result.refusals), *waits]:
        raise Refused(*refused)
    return [debt for debt, _ in due]


def waiting(reading: Reading, state: State, node: Node) -> dict[str, Refusal]:
    """Debts that we have taken over, or should now, and cannot go on with yet; and why."""
    me = node.identity.member
    duties = [duty for _, duty in state.range("duty", "pay/")]
    ours = [d["debt"] for d in duties if d["payer"] == me and state.has("takeover", d["debt"])]
    open_ = [debt for debt in ours if reading.progress(f"pay/{debt}") != prepared(state, debt)]
    found = {
        debt: answers_sealed(reading, state, node, debt)
        for debt in (*_due(reading, state, me), *open_)
    }
    return {debt: sealed for debt, sealed in found.items() if sealed is not None}


def _due(reading: Reading, state: State, me: str) -> Iterator[str]:
    """Open debts of which a member is the other payer and whose deadline has come."""
    now, rules = reading.head().time, rules_at(state, reading.head().height + 1)
    for _, duty in state.range("duty", "pay/"):
        if duty["payer"] == me or not state.has("settlement", duty["debt"]):
            continue
        other, at = other_payer(state, duty["debt"], rules)
        if other == me and at is not None and at <= now:
            yield str(duty["debt"])


def prepared(state: State, debt: str) -> bytes:
    """What is written down once the orders of a debt are: each take-over has them made anew."""
    taken = state.get("takeover", debt)
    return PREPARED if taken is None else canonical(f"prepared after {taken['act']}")


def go_on(reading: Reading, state: State, node: Node, debt: str, first: list[Row]) -> list[Row]:
    """The instructions of a debt taken over, as far as the record tells; the rest is asked for.

    `first` are its numbers 1 from our own verified leaves.
    Errors   Refused net.answers_sealed where what the bank has answered so far is not ours to open
             yet; RecordDamaged (alarm) where it is damaged here.
    """
    if not state.has("takeover", debt):
        return first
    if (waits := answers_sealed(reading, state, node, debt)) is not None:
        raise Refused(waits)
    said = {
        (row["payout"], row["number"]): row
        for _, note in state.range("paid", f"{debt}/")
        for row in _opened(reading, node, note["outcomes"]["blob"])
    }
    shut = {
        (row["payout"], row["number"])
        for _, note in state.range("closed", f"{debt}/")
        for row in _opened(reading, node, note["closed"]["blob"])
    }
    return [each for row in first for each in _numbers(row, said, shut)]


def answers_sealed(reading: Reading, state: State, node: Node, debt: str) -> Refusal | None:
    """That answers of the bank about a debt are not here with a key for us, and who has sealed the
    first of them; None where all of them are.

    Neither what is paid nor which number may come next is known without them.
    """
    said = [(note["act"], note["outcomes"]) for _, note in state.range("paid", f"{debt}/")]
    said += [(note["act"], note["closed"]) for _, note in state.range("closed", f"{debt}/")]
    shut = [
        (act, sealed["blob"])
        for act, sealed in said
        if not opens(reading, sealed["blob"], node.identity)
    ]
    if not shut:
        return None
    act, blob = shut[0]
    by = json.loads(reading.leaf(reading.place(act) or 0))["act"]["by"]
    return Refusal("net.answers_sealed", {"debt": debt, "count": len(shut), "blob": blob, "by": by})


def put_anew(block: Writing, debt: str, rows: list[Row]) -> None:
    """Orders as the record tells of them, also in place of what we had written down before another
    took over: what it has heard of the bank counts, and what we had not told yet is asked again.
    """
    there = block.instruction_states([row["payout"] for row in rows])
    block.mark_instructions(row for row in rows if (row["payout"], row["number"]) in there)
    block.put_instructions(
        debt, [row for row in rows if (row["payout"], row["number"]) not in there]
    )
    for pending in ("confirm", "close"):
        block.put_progress(f"{pending}/{debt}", None)


def _numbers(row: Row, said: dict[tuple[str, int], Row], shut: set[tuple[str, int]]) -> list[Row]:
    """All numbers of one payout that may be at the bank, the last one open unless it is final."""
    rows, number = list[Row](), 1
    while (outcome := said.get((row["payout"], number))) is not None:
        answered = {name: outcome[name] for name in ("ref", "code", "at", "bank", "sandbox")}
        done = {**row, **answered, "number": number}
        if outcome["state"] == "executed":
            return [*rows, {**done, "state": "paid"}]
        if (row["payout"], number) not in shut:
            return [*rows, {**done, "state": "failed"}]
        rows.append({**done, "state": "replaced"})
        number += 1
    return [*rows, {**row, "number": number, "state": "sent"}]


def _opened(reading: Reading, node: Node, blob: str) -> list[Row]:
    return open_values(reading, blob, node.identity)
