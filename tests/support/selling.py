"""A town that sells the planned-outage cover: an offer, a sanctions list, a bank to pay into."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from miaopei.accounts.rail import Credit, Credits
from miaopei.acts.rule_sets import RULES
from miaopei.errors import OutsideFault
from miaopei.market.placement import Placement, Share
from miaopei.measures.instant import from_beijing, period_of
from miaopei.measures.money import yuan
from miaopei.node.selling import taking
from miaopei.node.selling.admitting import admit_ready
from miaopei.node.selling.asking import Desk, Wanted, keep_list
from miaopei.node.selling.collecting import collect
from miaopei.node.vault.tokens import SubjectKeys
from miaopei.products import planned_outage
from miaopei.terms.filing import Product
from tests.support.rails import PaperBank
from tests.support.town import CARRIERS, Town

NOW, SINCE = "2026-03-01 10:00:00", "2026-04-01"
TWO = Placement((Share(CARRIERS[0], 600_000), Share(CARRIERS[1], 400_000)), illustrative=True)
LEAD, FOLLOWER = CARRIERS[:2]
GOOD = {"supply": "dedicated_transformer", "region": "330281", "use": "industrial"}
FIGURES = {"deductible": 0, "occurrence_limit": yuan(5_000)}
LIST = {
    "id": "sandbox.sanctions",
    "name": {"zh": "示例名单（虚构）", "en": "Example list (made up)"},
    "version": 1,
    "sandbox": True,
    "entries": [{"id": "91330200SANCTION01", "name": "示例受限有限公司"}],
}


@dataclass
class PaidInto(PaperBank):
    """A paper bank that also tells what came in. `late` credits are told only when asked again."""

    came: list[Credit] = field(default_factory=list)

    def pay_in(self, reference: str, fen: int, at: int, ref: str = "") -> None:
        """Somebody transfers money to the carrier's account."""
        name = ref or f"IN-{len(self.came) + 1:06d}"
        self.came.append(Credit(reference, fen, at, name, f"e2e-{name}"))

    def credits(self, account: str, after: int) -> Credits:
        """What came in behind a number, on the one account there is."""
        if self.silent:
            raise OutsideFault("the bank is silent", retry=True)
        lines = tuple(self.came[after:]) if account == f"C-{LEAD}" else ()
        return Credits(lines, after + len(lines))


def offer_form(**changes: Any) -> dict[str, Any]:
    """The shipped offer, sold by a carrier of the town."""
    path = files("miaopei") / "data" / "offers" / "planned_outage.json"
    return {**json.loads(path.read_bytes()), "collector": LEAD, **changes}


class Market:
    """A town, its desk and its bank; everything goes through the node, as in a live record."""

    def __init__(
        self,
        store: Any = None,
        *,
        arrears: bool = False,
        name: str = "market",
        product: Product = planned_outage.PRODUCT,
        changes: dict[str, Any] | None = None,
        rules: int = RULES,
    ) -> None:
        """`changes`: what the offer says may be changed, where not as shipped."""
        self.bank = PaidInto()
        self.town = Town(store, rail=self.bank, name=name, rules=rules).set_up()
        self.listing = self.town.list_product(product, placement=TWO, arrears=arrears)
        self._form = {"listing": self.listing, **({"changes": changes} if changes else {})}
        self.town.accounts({f"carrier/{who}": f"C-{who}" for who in (LEAD, FOLLOWER)})
        self.town.at(NOW)
        keys = SubjectKeys("grid/test", {1: bytes(range(32))})
        self.tokens = keys
        self.desk = Desk(self.town.node, lambda number: list(keys.tokens(number).values()))
        keep_list(self.town.node, json.dumps(LIST).encode())
        self.file_offer()

    def file_offer(self, **changes: Any) -> None:
        """The next version of the offer."""
        number = len(self.town.table("offer", f"{self.listing}/")) + 1
        form = {**offer_form(**{**self._form, **changes}), "number": number}
        form = {n: v for n, v in form.items() if (n, v) != ("hold_seconds", None)}
        self.town.node.accept("file_offer", f"offer-{number}", {"offer": form})

    def wanted(self, customer: str = "3302810000001", **changes: Any) -> Wanted:
        """An application that is eligible, but for what is changed."""
        since = from_beijing(changes.pop("since", SINCE))
        person = {
            "name": f"示例制造厂{customer[-3:]}",
            "id_number": f"91330281{customer[-10:]}",
            "phone": "13905740000",
            "account": f"H-{customer}",
            "customer": customer,
            **changes.pop("person", {}),
        }
        return Wanted(
            **{
                "listing": self.listing,
                "channel": "online",
                "since": since,
                "until": period_of(since, since)[1],
                "facts": {**GOOD, **changes.pop("facts", {})},
                "declared": {**FIGURES, **changes.pop("declared", {})},
                "person": person,
                "feeder": "F1",
                **changes,
            }
        )

    def apply(self, customer: str = "3302810000001", key: str = "", **changes: Any) -> Any:
        """Apply, and what stands on the record right after."""
        wanted = self.wanted(customer, **changes)
        return taking.apply(self.desk, wanted, key or f"key-{customer}")

    def change(
        self,
        policy: str,
        what: str,
        at: str,
        declared: Mapping[str, int] | None = None,
        key: str = "",
        **more: Any,
    ) -> Any:
        """Ask for a change of a policy."""
        key = key or f"{what} {policy} {at}"
        return taking.change(
            self.desk, policy, what, from_beijing(at), declared or {}, "online", key, **more
        )

    def pay(self, application: Mapping[str, Any], fen: int | None = None, ref: str = "") -> None:
        """The applicant transfers the premium, or another sum, now."""
        due = application["premium_fen"] if fen is None else fen
        self.bank.pay_in(application["reference"], due, self.town.now, ref)

    def work(self) -> None:
        """Collect, bring in force, decide, pay."""
        collect(self.town.node, self.bank, "paper", sandbox=True)
        admit_ready(self.town.node)
        self.town.work()

    def insure(self, customer: str = "3302810000001", **changes: Any) -> Any:
        """Apply, pay, in force."""
        asked = self.apply(customer, **changes)
        self.pay(asked)
        self.work()
        return self.application(asked)

    def application(self, asked: Mapping[str, Any]) -> Any:
        """How an application stands now."""
        return self.town.table("application", asked["id"])[asked["id"]]

    def policy(self, asked: Mapping[str, Any]) -> Any:
        """A policy's stack."""
        return self.town.table("policy", asked["policy"])[asked["policy"]]

    def returned(self) -> dict[str, int]:
        """What the bank has paid to the applicants' accounts."""
        return {who: fen for who, fen in self.bank.paid_to().items() if who.startswith("H-")}
