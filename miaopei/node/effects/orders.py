"""Orders to pay, made from this member's own verified leaves: claims of a settlement, or a list.

Every row is written before anything is sent. Source: docs/specs/record.md, section 8.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...acts.state import State
from ...claims.claim import claim_from_json
from ...claims.payout import Payout, payouts_of
from ...errors import RecordDamaged
from ...ledger.merkle import Frontier, leaf_hash
from ...market.allotment import Allotment
from ...market.listing import Listing
from ...measures.identity import canonical, content_id, read_canonical
from ..node import Node
from ..ports import Reading, Writing
from ..vault.blobs import open_blob, seal_blob
from ..vault.sealing import unframe

Row = dict[str, Any]


def rows_for(block: Reading, node: Node, debt: str) -> list[Row]:
    """The instructions (number 1) of a debt.

    Errors   RecordDamaged (alarm) where our leaves are not those of the record, or do not sum.
    """
    state = State(block)
    payment = state.need("payment", debt)
    if payment["kind"] == "settlement":
        rows = list(_of_settlement(block, state, debt))
    else:
        rows = list(_of_list(block, state, node, debt, payment))
    if sum(row["amount_fen"] for row in rows) != payment["due_fen"]:
        raise RecordDamaged("payouts do not sum to the debt", id=debt)
    return rows


def seal_list(block: Writing, node: Node, allotment: Allotment) -> Row:
    """An allotment list sealed, each line with a salt of its own; the `allot` act's reference."""
    lines = [{"v": 1, "salt": node.random(32).hex(), **line.as_json()} for line in allotment.lines]
    commitments = [bytes.fromhex(content_id("line", line)) for line in lines]
    return seal_blob(
        block, node, [canonical(line) for line in lines], commitments, "miaopei/lines/1"
    )


def _of_settlement(block: Reading, state: State, debt: str) -> Iterable[Row]:
    entry = state.need("settlement", debt)["settlement"]
    trigger = state.need("trigger", entry["trigger"])
    listing = Listing.from_json(state.need("listing", entry["listing"])["listing"])
    claims = [claim_from_json(c) for c in block.claims(entry["trigger"])]
    root = Frontier().extend(leaf_hash(c.commitment()) for c in claims).root().hex()
    if root != entry["claims_root"]:
        raise RecordDamaged("claims here are not those of the settlement", id=debt)
    for claim in claims:
        for payout in payouts_of(claim, trigger, listing.placement):
            yield _row(payout, f"carrier/{payout.carrier}", f"policy/{payout.policy}")


def _of_list(block: Reading, state: State, node: Node, debt: str, payment: Row) -> Iterable[Row]:
    act = read_canonical(block.leaf(block.place(debt) or 0))["act"]
    entry = state.need("settlement", payment["settlement"])["settlement"]
    trigger = state.need("trigger", entry["trigger"])
    lines = [
        read_canonical(data)
        for data in unframe(open_blob(block, act["body"]["lines"]["blob"], node.identity))
    ]
    commitments = (bytes.fromhex(content_id("line", line)) for line in lines)
    root = Frontier().extend(leaf_hash(c) for c in commitments).root().hex()
    if root != act["body"]["lines"]["root"]:
        raise RecordDamaged("the list here is not the one that was fixed", id=debt)
    for line in lines:
        if not line["amount_fen"]:
            continue
        payout = Payout(
            trigger["occurrence"],
            act["body"]["policy"],
            trigger["benefit"],
            payment["holder"],
            line["number"],
            trigger["revision"],
            line["amount_fen"],
        )
        yield _row(payout, f"policy/{payout.policy}", f"household/{line['token']}")


def _row(payout: Payout, debtor: str, creditor: str) -> Row:
    return {
        "payout": payout.id,
        "number": 1,
        "state": "new",
        "amount_fen": payout.amount_fen,
        "payer": payout.carrier,
        "policy": payout.policy,
        "debtor": debtor,
        "creditor": creditor,
        "about": payout.as_json(),
        "ref": None,
        "code": None,
        "at": None,
        "bank": None,
        "sandbox": None,
    }
