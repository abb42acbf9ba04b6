"""A town whose carriers and policyholders have accounts at a real bank process."""

from __future__ import annotations

import itertools

from miaopei.accounts.chart import Account
from miaopei.adapters.iso20022.initiation import bank_id
from miaopei.adapters.sandbox_bank.starter import RunningBank
from miaopei.market.placement import Placement
from miaopei.measures.money import wan
from tests.support import servers
from tests.support.facts import quake
from tests.support.products import hills
from tests.support.rails import Hearing
from tests.support.town import CARRIERS, ONE_CARRIER, Town

NIGHT, READ = "2016-05-18 00:48:48", "2016-05-18 01:00:00"
_towns = itertools.count(1)


class Banked:
    """A town whose carriers and policyholders have accounts at a real bank."""

    def __init__(
        self,
        bank: RunningBank,
        policies: int = 2,
        placement: Placement = ONE_CARRIER,
    ) -> None:
        self.bank, self.tag = bank, f"T{next(_towns)}"
        self.town = Town(rail=Hearing(bank.address), name=self.tag).set_up()
        self.listing = self.town.list_product(hills(), placement=placement)
        self.rows = self.town.issue([self.town.policy(self.listing) for _ in range(policies)])
        self.holders = [f"{self.tag}-P{number:04d}" for number in range(policies)]
        carriers = {f"carrier/{c}": f"{self.tag}-C-{c}" for c in CARRIERS}
        payees = {
            f"policy/{row.policy}": account
            for row, account in zip(self.rows, self.holders, strict=True)
        }
        self.town.accounts(carriers | payees)
        bank.control.open_accounts(
            [(a, "投保人", wan(1_000_000)) for a in carriers.values()]
            + [(a, "投保人", 0) for a in self.holders]
        )

    def shake(self) -> str:
        """A shock that owes 300 万元 a policy; the settlement, before anything is paid."""
        self.town.tell(quake(NIGHT, "5.6"), at=READ)
        self.town.decider.run()
        return str(self.town.settlements(self.listing)[0]["id"])

    def first_id(self, debt: str, policy: int = 0, number: int = 1) -> str:
        """The bank's id of the only instruction of a policy (one carrier)."""
        for row in self.town.instructions(debt):
            if row["policy"] == self.rows[policy].policy and row["number"] == number:
                return bank_id(f"{row['payout']}-{number}")
        raise LookupError(policy)

    def prepared(self) -> str:
        """A settlement with its orders written and nothing sent."""
        debt = self.shake()
        assert self.town.payer is not None
        self.town.payer.prepare()
        return debt

    def states(self, debt: str) -> list[tuple[int, str]]:
        """Number and state of every instruction, in book order."""
        order = {row.policy: at for at, row in enumerate(self.rows)}
        rows = sorted(self.town.instructions(debt), key=lambda r: (order[r["policy"]], r["number"]))
        return [(row["number"], row["state"]) for row in rows]

    def correct(self, policy: int, account: str) -> None:
        """The policyholder names another account."""
        self.bank.control.open_accounts([(account, "投保人", 0)])
        self.town.accounts({f"policy/{self.rows[policy].policy}": account})
        self.holders.append(account)

    def paid_once(self, *each: int) -> None:
        """Every account received what it should, once, and the record and journal say so."""
        found = servers.received(self.bank, self.holders)
        assert [found[a] for a in self.holders] == list(each)
        town = self.town
        assert town.executed_fen() == sum(each)
        left = -sum(
            line.amount_fen
            for c in CARRIERS
            for line in servers.movements(self.bank, f"{self.tag}-C-{c}")
        )
        assert left == sum(each)
        balance = town.balance()
        due = sum(p["due_fen"] for p in town.table("payment").values())
        assert balance.total(Account.CLAIMS_PAYABLE) == due - sum(each)
