"""The town's policies, brought in force by whoever pays them."""

from __future__ import annotations

from collections.abc import Sequence

from ....adapters.grid.connections import Names
from ....measures.instant import from_beijing
from ....measures.money import yuan
from ....node import scheme
from ....node.node import Node
from ....node.vault.tokens import SubjectKeys
from . import yuyao
from .billing import LISTING

GROUP = "grid/yuyao"  # whose key makes customers' numbers into tokens
DECLARED = {"deductible": 0, "occurrence_limit": yuan(5_000)}


def names_by(keys: SubjectKeys) -> Names:
    """A customer's tokens under each live key, the current last."""

    def names(customer: str) -> list[str]:
        return list(keys.tokens(customer).values())

    return names


def insure(
    node: Node, bank: scheme.Accounts, customers: Sequence[yuyao.Customer], names: Names
) -> int:
    """A policy for each insured customer, with an account to be paid to; how many."""
    insured = [c for c in customers if c.insured]
    accounts = [f"P-{i:06d}" for i in range(len(insured))]
    bank.open_accounts((number, "示例用户", 0) for number in accounts)
    since = from_beijing(yuyao.POLICY_SINCE)
    wanted = [
        scheme.Wanted(
            since=since,
            until=from_beijing(customer.until),
            year_from=since,
            premium_fen=yuan(120),
            payee={"account": account, "name": "示例用户"},
            declared=DECLARED,
            subject=names(customer.number)[-1],
        )
        for customer, account in zip(insured, accounts, strict=True)
    ]
    return scheme.issue(node, LISTING, wanted, "demo/outage")
