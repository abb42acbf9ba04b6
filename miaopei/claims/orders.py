"""Orders to pay as columns: the payouts of a settlement, a million at a time.

Ids are those of `Payout.id`, rows those of `instruction_row`; laws hold them equal.
Source: docs/specs/record.md, section 8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..market.placement import Placement
from ..measures.identity import SPACE, canonical
from ..measures.suites import in_use
from .payout import Payout

# One payout of a settlement as columns: raw bytes of its id and policy, fen, and the place of its
# carrier in `About.carriers`.
ORDER = np.dtype(
    [("payout", "u1", 32), ("policy", "u1", 16), ("amount_fen", "<i8"), ("share", "<i4")]
)
Orders = NDArray[np.void]


@dataclass(frozen=True)
class About:
    """What all payouts of one settlement share."""

    occurrence: str
    benefit: str
    revision: int
    carriers: tuple[str, ...]

    @classmethod
    def of(cls, trigger: Mapping[str, Any], placement: Placement) -> About:
        """Of a trigger and the placement that pays for it."""
        carriers = tuple(share.carrier for share in placement.shares)
        return cls(trigger["occurrence"], trigger["benefit"], trigger["revision"], carriers)

    def payout(self, policy: str, share: int, amount_fen: int) -> Payout:
        """One of them."""
        carrier = self.carriers[share]
        return Payout(self.occurrence, policy, self.benefit, carrier, 0, self.revision, amount_fen)


def orders_of(claims: NDArray[Any], about: About, parts: NDArray[np.int64]) -> Orders:
    """The payouts of claims, those of nothing left out; in the order of the claims and shares.

    Shapes   claims: (n,) of leaves.CLAIM; parts: (n, carriers), fen.
    Same as  payouts_of of each claim.
    """
    rows, shares = np.nonzero(parts)
    orders = np.zeros(len(rows), ORDER)
    orders["policy"], orders["share"] = claims["policy"][rows], shares
    orders["amount_fen"] = parts[rows, shares]
    forms = [_form(about, share) for share in range(len(about.carriers))]
    policies = orders["policy"].tobytes().hex().encode("ascii")
    digest = in_use.digest
    ids = [
        digest(forms[share][0] + policies[32 * i : 32 * i + 32] + forms[share][1])
        for i, share in enumerate(shares.tolist())
    ]
    orders["payout"] = np.frombuffer(b"".join(ids), np.uint8).reshape(-1, 32)
    return orders


def order_row(
    about: Mapping[str, Any], payout: str, policy: str, share: int, amount_fen: int
) -> dict[str, Any]:
    """The row of one order from its columns. `about` is `asdict` of `About`.

    Same as  instruction_row of the payout, whose id is taken as it is.
    """
    carrier = about["carriers"][share]
    named = {"v": 1, "policy": policy, "carrier": carrier, "line": 0}
    of = {name: about[name] for name in ("occurrence", "benefit", "revision")}
    return {
        "payout": payout,
        "number": 1,
        "state": "new",
        "amount_fen": amount_fen,
        "payer": carrier,
        "policy": policy,
        "debtor": f"carrier/{carrier}",
        "creditor": f"policy/{policy}",
        "about": {**named, **of},
        "ref": None,
        "code": None,
        "at": None,
        "bank": None,
        "sandbox": None,
    }


def sorted_orders(orders: Sequence[Orders]) -> Orders:
    """Orders in the order of their ids, in which a database keeps them."""
    whole = np.concatenate(orders) if orders else np.zeros(0, ORDER)
    ids = np.ascontiguousarray(whole["payout"]).view("S32").ravel()  # zeros at an end do no harm
    result: Orders = whole[np.argsort(ids, kind="stable")]
    return result


def _form(about: About, share: int) -> tuple[bytes, bytes]:
    """What is hashed before and after the policy's number."""
    mark = "0" * 32
    whole = canonical(about.payout(mark, share, 0).as_json())
    before, _, after = whole.rpartition(b'"policy":"' + mark.encode("ascii"))
    return SPACE + b"payout\0" + before + b'"policy":"', after
