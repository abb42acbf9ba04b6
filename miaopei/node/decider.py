"""Deciding: the effects that a decider owes the record, carried out at the edge and sent as acts.

Holding batches (open the rows, check them, state the book's root) and deciding triggers (evaluate
the book twice, seal the claims, sign the totals). Each is first written down with its act, so that
a kill anywhere sends the same act again. Source: docs/specs/record.md, sections 5 and 7.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from ..acts.envelope import Act, from_json
from ..acts.facts import product_of
from ..acts.state import State
from ..claims.claim import Evaluated, History, evaluate
from ..claims.payout import payouts_of
from ..errors import RecordDamaged
from ..ledger.merkle import Frontier, leaf_hash
from ..market.listing import Listing, Overpaid
from ..measures.identity import canonical, read_canonical
from ..measures.instant import DAY, period_index
from ..policies.book import Effective, Recorded, effective
from ..policies.row import PolicyRow, row_from_json
from .blobs import open_blob, seal_blob
from .node import Node
from .ports import Reading
from .sealing import unframe

LONGEST_YEAR = 366 * DAY


class Decider:
    """Carries out this node's duties to hold and to decide."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def run(self) -> int:
        """Do every duty that stands now; the number done. Alarms are not caught here."""
        done = 0
        while (acts := self._due()) is not None:
            self.node.submit([acts])
            done += 1
        return done

    def _due(self) -> Act | None:
        with self.node.reading() as (_, state):
            duties = [d for _, d in state.range("duty", "hold/")]
            triggers = [d["trigger"] for _, d in state.range("duty", "decide/")]
        for duty in duties:
            if act := self._hold(duty["batch"]):
                return act
        for trigger in triggers:
            if act := self._decide(trigger):
                return act
        return None

    def _hold(self, batch_id: str) -> Act | None:
        with self.node.store.writing() as block:
            state = State(block)
            batch = state.need("batch", batch_id)
            book = state.need("book", batch["book"])
            listing = state.need("listing", book["listing"])["listing"]
            me = self.node.identity.member
            if me not in listing["deciders"] or me in batch["statements"]:
                return None
            rows = open_rows(block, batch["rows"], self.node)
            before = stored_frontier(block, batch["book"], book)
            after = before.extend(leaf_hash(row.commitment()) for row in rows)
            block.put_rows(Recorded(book["size"] + i, 0, row) for i, row in enumerate(rows))
            body = {"batch": batch_id, "size": after.size, "root": after.root().hex()}
            return self.node.act("hold_batch", f"hold-{batch_id}-{after.size}", body)

    def _decide(self, trigger_id: str) -> Act | None:
        with self.node.store.writing() as block:
            state = State(block)
            trigger = state.need("trigger", trigger_id)
            book = state.need("book", trigger["book"])
            me = self.node.identity.member
            entry = state.need("listing", trigger["listing"])
            key = f"{trigger_id}/{book['counter']:012d}/{me}"
            if me not in entry["listing"]["deciders"] or state.has("decision", key):
                return None
            name = f"decide/{key}"
            if (kept := block.progress(name)) is not None:
                return from_json(read_canonical(kept))
            listing = Listing.from_json(entry["listing"])
            result, in_force = decide(block, state, trigger_id, trigger, listing)
            claims = result.claims
            body = {
                "trigger": trigger_id,
                "revision": trigger["revision"],
                "counter": book["counter"],
                "book_size": trigger["book_size"],
                "book_root": trigger["book_root"],
                "claims": seal_blob(
                    block,
                    self.node,
                    [canonical(c.as_json()) for c in claims],
                    [c.commitment() for c in claims],
                    "miaopei/claims/1",
                ),
                "totals": totals(result, in_force, trigger, listing),
            }
            act = self.node.act("decide", f"decide-{key}", body)
            block.put_claims(trigger_id, trigger["book"], trigger["benefit"], claims)
            block.put_progress(name, canonical(act.as_json()))
            return act


def decide(
    reading: Reading, state: State, trigger_id: str, trigger: dict[str, Any], listing: Listing
) -> tuple[Evaluated, int]:
    """The claims of one trigger and how many policies were in force, on this member's own copy.

    Errors   ReadingsDisagree, RecordDamaged (alarms); Refused where the terms refuse the facts.
    """
    product = product_of(state, trigger["product"])
    version = next(v for v in product.versions if v.number == trigger["version"])
    rows = recorded_rows(reading, state, trigger["book"], trigger["book_size"])
    policies = effective(rows, trigger["instant"], trigger["book_size"])
    arrears = state.need("listing", trigger["listing"])["arrears"]
    if arrears:
        policies = [Effective(p.first, p.chosen, p.in_time, late=False) for p in policies]
    past = histories(reading, state, trigger, policies)
    observed = {name: fact["value"] for name, fact in trigger["facts"].items()}
    result = evaluate(
        version.terms, trigger["benefit"], trigger_id, observed, policies, past, listing
    )
    return result, len(policies)


def totals(
    result: Evaluated, in_force: int, trigger: dict[str, Any], listing: Listing
) -> dict[str, Any]:
    """The totals of a decision: what each carrier has to pay, and what it may ask back."""
    claims, placement = result.claims, listing.placement
    pay = dict.fromkeys((share.carrier for share in placement.shares), 0)
    back = dict(pay)
    over = {str(choice): 0 for choice in Overpaid}
    for claim in claims:
        for payout in payouts_of(claim, trigger, placement):
            pay[payout.carrier] += payout.amount_fen
        if claim.state in over:
            over[claim.state] += claim.settled_fen - claim.owed_fen
        if claim.state == Overpaid.RECEIVABLE:
            for carrier, fen in placement.split(claim.settled_fen - claim.owed_fen).items():
                back[carrier] += fen
    return {
        "in_force": in_force,
        "claims": len(claims),
        "held": sum(c.state == "held" for c in claims),
        "gross_fen": sum(c.gross_fen for c in claims),
        "terms_fen": sum(c.terms_fen for c in claims),
        "owed_fen": sum(c.owed_fen for c in claims),
        "pay_fen": sum(c.pay_fen for c in claims),
        "kept_fen": over[Overpaid.KEPT],
        "receivable_fen": over[Overpaid.RECEIVABLE],
        "cap": None if result.cap is None else result.cap.as_json(),
        "carriers": [
            {"carrier": c, "pay_fen": fen, "receivable_fen": back[c]} for c, fen in pay.items()
        ],
    }


def histories(
    reading: Reading, state: State, trigger: dict[str, Any], policies: Sequence[Effective]
) -> dict[str, History]:
    """What each policy has been settled: in its policy year elsewhere, and here before.

    Only triggers that have settled count; a held claim reserves the most it may become.
    """
    starts = {p.chosen.row.policy: p.chosen.row.year_from for p in policies}
    paid: dict[tuple[str, str], int] = defaultdict(int)
    held: dict[tuple[str, str], int] = {}
    for _, settlement in state.range("settled", f"{trigger['book']}/"):
        other_id = state.need("settlement", settlement)["settlement"]["trigger"]
        other = state.need("trigger", other_id)
        occurrence = other["occurrence"]
        if other["benefit"] != trigger["benefit"]:
            continue
        same = occurrence == trigger["occurrence"]
        if not same and abs(other["instant"] - trigger["instant"]) > LONGEST_YEAR:
            continue
        for claim in reading.claims(other_id):
            policy = claim["policy"]
            if policy in starts and (
                same or _same_year(starts[policy], other["instant"], trigger["instant"])
            ):
                paid[policy, occurrence] += claim["pay_fen"]
                # Whole for the occurrence, so that a later revision replaces an earlier one.
                held[policy, occurrence] = claim["owed_fen"] if claim["state"] == "held" else 0
    elsewhere = dict.fromkeys(starts, 0)
    for (policy, occurrence), fen in paid.items():
        if occurrence != trigger["occurrence"]:
            elsewhere[policy] += max(fen, held[policy, occurrence])
    here = trigger["occurrence"]
    return {policy: History(elsewhere[policy], paid[policy, here]) for policy in starts}


def _same_year(year_from: int, one: int, other: int) -> bool:
    return period_index(one, year_from) == period_index(other, year_from)


def recorded_rows(reading: Reading, state: State, book: str, size: int) -> list[Recorded]:
    """The book's rows up to a size, with the block time at which each came in force."""
    times: list[tuple[int, int]] = []
    for _, batch_id in state.range("in_force", f"{book}/"):
        batch = state.need("batch", batch_id)
        times.append((batch["first"], batch["recorded_at"]))
    rows = reading.rows(book, size)
    if len(rows) != size:
        raise RecordDamaged("rows of a book are missing here", book=book, have=len(rows), want=size)
    result, at = [], 0
    for row in rows:
        while at + 1 < len(times) and times[at + 1][0] <= row.position:
            at += 1
        result.append(Recorded(row.position, times[at][1], row.row))
    return result


def open_rows(reading: Reading, reference: dict[str, Any], node: Node) -> list[PolicyRow]:
    """The rows of a batch, opened, checked and compared with the batch's root."""
    values = unframe(open_blob(reading, reference["blob"], node.identity))
    rows = [row_from_json(read_canonical(value)) for value in values]
    root = Frontier().extend(leaf_hash(row.commitment()) for row in rows).root().hex()
    if root != reference["root"]:
        raise RecordDamaged("rows do not give the root of their batch", blob=reference["blob"])
    return rows


def stored_frontier(reading: Reading, book: str, entry: dict[str, Any]) -> Frontier:
    """The book's tree as this member holds it, checked against the record's root."""
    rows = reading.rows(book, entry["size"])
    frontier = Frontier().extend(leaf_hash(r.row.commitment()) for r in rows)
    if frontier.root().hex() != entry["root"]:
        raise RecordDamaged("the book here does not give the record's root", book=book)
    return frontier
