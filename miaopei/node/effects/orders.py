"""Orders to pay, made from this member's own verified leaves: claims of a settlement, or a list.

Every row is written before anything is sent. Source: docs/specs/record.md, section 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...acts.blobs import LINES
from ...acts.state import State
from ...claims.confirm import Spread, alone
from ...claims.leaves import PAGE, Claims, hashes_of, leaf_bytes, page_hashes
from ...claims.orders import About, Orders, order_row, orders_of, sorted_orders
from ...claims.payout import Payout, instruction_row
from ...errors import RecordDamaged, SealedUnfit
from ...ledger.merkle import Frontier, leaf_hash, root_of
from ...market.allocation import split_columns, total_of
from ...market.allotment import Allotment
from ...market.listing import Listing
from ...market.placement import Placement
from ...measures.identity import canonical, content_id, read_canonical
from ..node import Node
from ..ports import Reading, Writing
from ..vault.blobs import open_values, opens, seal_blob

Row = dict[str, Any]
CHUNK = 64 * PAGE  # claims that one worker verifies at a time
AT_ONCE = 100_000  # orders written in one transaction


@dataclass(frozen=True)
class OwedOrders:
    """What a settlement owes, from our own verified leaves: orders in the order of their ids."""

    about: About
    orders: Orders

    def __len__(self) -> int:
        return len(self.orders)

    def of(self, payouts: Sequence[str]) -> dict[str, Row]:
        """The rows of those of some payouts that are owed, by payout."""
        wanted = np.array(list(map(bytes.fromhex, payouts)), "S32")  # zeros at an end do no harm
        places = np.searchsorted(self._ids, wanted)
        places = places[places < len(self.orders)]
        found = OwedOrders(self.about, self.orders[places]).rows()
        asked = set(payouts)
        return {row["payout"]: row for row in found if row["payout"] in asked}

    @cached_property
    def _ids(self) -> NDArray[Any]:
        return np.ascontiguousarray(self.orders["payout"]).view("S32").ravel()

    def rows(self) -> list[Row]:
        """Each as the row of an instruction."""
        shared = asdict(self.about)
        ids, policies = (self.orders[n].tobytes().hex() for n in ("payout", "policy"))
        figures = zip(*(self.orders[n].tolist() for n in ("share", "amount_fen")), strict=True)
        return [
            order_row(shared, ids[64 * i : 64 * i + 64], policies[32 * i : 32 * i + 32], share, fen)
            for i, (share, fen) in enumerate(figures)
        ]


def rows_for(block: Reading, node: Node, debt: str) -> list[Row]:
    """The instructions (number 1) of a debt.

    Errors   RecordDamaged (alarm) where our leaves are not those of the record, or do not sum.
    """
    state = State(block)
    payment = state.need("payment", debt)
    if payment["kind"] == "settlement":
        return owed_by(block, state, debt).rows()
    if payment["kind"] == "refund":
        return [_of_refund(debt, payment)]
    if payment["kind"] == "invoice":
        return [_of_invoice(debt, payment)]
    rows = list(_of_list(block, state, node, debt, payment))
    if sum(row["amount_fen"] for row in rows) != payment["due_fen"]:
        raise RecordDamaged("payouts do not sum to the debt", id=debt)
    return rows


def owed_by(reading: Reading, state: State, debt: str, spread: Spread = alone) -> OwedOrders:
    """The payouts of a settlement, from our leaves, whose head must be that of the record.

    Errors   RecordDamaged (alarm) where our leaves are not those of the record, or do not sum.
    """
    payment = state.need("payment", debt)
    entry = state.need("settlement", debt)["settlement"]
    trigger = state.need("trigger", entry["trigger"])
    listing = Listing.from_json(state.need("listing", entry["listing"])["listing"])
    about = About.of(trigger, listing.placement)
    claims = reading.claim_columns(entry["trigger"])
    chunks = (claims[at : at + CHUNK] for at in range(0, len(claims), CHUNK))
    parts = ((part, entry["trigger"], about, listing.placement) for part in chunks)
    made = list(spread(verified, parts))
    if root_of([head for heads, _ in made for head in heads]).hex() != entry["claims_root"]:
        raise RecordDamaged("claims here are not those of the settlement", id=debt)
    orders = sorted_orders([orders for _, orders in made])
    if total_of(orders["amount_fen"]) != payment["due_fen"]:
        raise RecordDamaged("payouts do not sum to the debt", id=debt)
    return OwedOrders(about, orders)


def verified(
    claims: Claims, trigger: str, about: About, placement: Placement
) -> tuple[list[bytes], Orders]:
    """The heads of the pages of some claims, and what is paid for them."""
    heads = page_hashes(hashes_of(leaf_bytes(claims, trigger)))
    parts = split_columns(placement, claims["pay_fen"].astype(np.int64))
    return heads, orders_of(claims, about, parts)


def seal_list(block: Writing, node: Node, allotment: Allotment) -> Row:
    """An allotment list sealed, each line with a salt of its own; the `allot` act's reference."""
    lines = [{"v": 1, "salt": node.random(32).hex(), **line.as_json()} for line in allotment.lines]
    commitments = [bytes.fromhex(content_id("line", line)) for line in lines]
    return seal_blob(block, node, [canonical(line) for line in lines], commitments, LINES)


def _of_refund(debt: str, payment: Row) -> Row:
    """One order, from the carrier that took the premium in to the account on file."""
    carrier = payment["holder"]
    payout = Payout(debt, payment["policy"], "premium_refund", carrier, 0, 0, payment["due_fen"])
    return instruction_row(payout, f"carrier/{carrier}", f"policy/{payout.policy}")


def _of_invoice(debt: str, payment: Row) -> Row:
    """One order, from the carrier that is billed to the provider's account on file."""
    carrier, provider = payment["holder"], payment["provider"]
    payout = Payout(debt, payment["invoice"], "invoice", carrier, 0, 0, payment["due_fen"])
    return instruction_row(payout, f"carrier/{carrier}", f"provider/{provider}")


def _of_list(block: Reading, state: State, node: Node, debt: str, payment: Row) -> Iterable[Row]:
    act = read_canonical(block.leaf(block.place(debt) or 0))["act"]
    entry = state.need("settlement", payment["settlement"])["settlement"]
    trigger = state.need("trigger", entry["trigger"])
    blob = act["body"]["lines"]["blob"]
    if not opens(block, blob, node.identity):  # from another: on its way, or never for us
        raise SealedUnfit("the list is not here, or there is no key for us", blob=blob)
    lines = open_values(block, blob, node.identity)
    commitments = (bytes.fromhex(content_id("line", line)) for line in lines)
    root = Frontier().extend(leaf_hash(c) for c in commitments).root().hex()
    if root != act["body"]["lines"]["root"]:
        raise SealedUnfit("the list here is not the one that was fixed", id=debt)
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
        yield instruction_row(payout, f"policy/{payout.policy}", f"household/{line['token']}")
