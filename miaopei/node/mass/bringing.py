"""A batch of rows as it is brought to its book: sealed, committed to, with its totals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...acts.blobs import COMMITMENTS, ROWS
from ...acts.state import State
from ...market.allocation import split_in_all
from ...market.placement import Placement
from ...measures.identity import id_of
from ...policies.row import PolicyRow, row_bytes
from ..node import Node
from ..ports import Writing
from ..vault.blobs import seal_blob


def body_of(block: Writing, node: Node, book: str, rows: Sequence[PolicyRow]) -> dict[str, Any]:
    """The body of an act that brings rows; its blobs are written."""
    state = State(block)
    entry = state.need("book", book)["listing"]
    placement = Placement.from_json(state.need("listing", entry)["listing"]["placement"])
    plainly = [row_bytes(row) for row in rows]
    premiums = split_in_all(placement, [row.premium_fen for row in rows])
    commitments = [bytes.fromhex(id_of("row", each)) for each in plainly]
    sealed = seal_blob(block, node, plainly, commitments, ROWS, entry)
    plain = b"".join(commitments)
    return {
        "book": book,
        "rows": sealed,
        "commitments": {
            "blob": block.put_blob(plain, COMMITMENTS),
            "length": len(plain),
            "count": len(rows),
            "root": sealed["root"],
            "media": COMMITMENTS,
        },
        "totals": {
            "premium_fen": sum(premiums),
            "carriers": [
                {"carrier": share.carrier, "premium_fen": fen}
                for share, fen in zip(placement.shares, premiums, strict=True)
            ],
        },
    }
