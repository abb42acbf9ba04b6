"""A town with a data provider, rates, a claim model and a trigger, to meter calls in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from miaopei.acts.apply import ActResult
from miaopei.acts.rule_sets import RULES
from miaopei.measures.instant import from_beijing
from miaopei.node.ports import Rail
from miaopei.terms import canonical
from miaopei.terms.filing import Product
from tests.support.facts import quake
from tests.support.products import hills
from tests.support.town import CARRIERS, ONE_CARRIER, Town

CARRIER, PROVIDER = CARRIERS[0], "grid"
RATES = {"user_fen": 12, "record_fen": 3, "rent_fen": 500_000}
PURPOSES = [*(f"claims-{number}" for number in range(19)), "claims"]  # which its models name


class Metered:
    """A record on which an insurer's model runs beside the data of a provider."""

    def __init__(
        self,
        name: str = "metered",
        *,
        since: str = "2016-05",
        subjects: Sequence[str] = (),
        rail: Rail | None = None,
        rules: int = RULES,
    ) -> None:
        """`subjects` are the tokens of the persons whose policies they are, where known."""
        self.product: Product = hills()
        self.rules = rules
        self.town = Town(name=name, rail=rail, rules=rules).set_up()
        self.listing = self.town.list_product(self.product, placement=ONE_CARRIER)
        self.town.admit(PROVIDER, "data_provider")
        rows = [self.town.policy(self.listing) for _ in range(2)]
        named = zip(rows, subjects or (None, None), strict=True)
        self.town.issue([replace(row, subject=subject) for row, subject in named])
        self.town.tell(quake("2016-05-18 00:48:48", "5.6"), at="2016-05-18 01:00:00")
        self.town.decider.run()
        self.trigger = next(iter(self.town.table("trigger")))
        self.of = f"{self.listing}/{CARRIER}"
        self.rates(since)
        self.model = self.file(1)

    def rates(self, since: str, **change: int) -> ActResult:
        """Agree rates from a month on, by the provider itself."""
        body = {"listing": self.listing, "carrier": CARRIER, "provider": PROVIDER, "since": since}
        act = self.town.act_of(PROVIDER, "agree_rates", {**body, **RATES, **change}, since)
        return self.town.send(act)

    def model_body(self, version: int, **change: Any) -> dict[str, Any]:
        """The product's own terms as a claim model."""
        terms = canonical.as_json(self.product.versions[0].terms)
        body = {"listing": self.listing, "carrier": CARRIER, "id": "delay", "version": version}
        body["benefit"] = self.product.versions[0].terms.benefits[0].name
        if self.rules >= 4:
            body["purposes"] = sorted(PURPOSES)
        return {**body, "terms": terms, **change}

    def file(self, version: int) -> str:
        """File the model; its hash."""
        act = self.town.act("file_claim_model", self.model_body(version), f"model {version}")
        result = self.town.send(act)
        assert result.ok, result.refusals
        return result.made[0].id

    def usage_body(self, number: int, users: int, records: int, at: str | int) -> dict[str, Any]:
        """What `meter_usage` says of run `number`."""
        names = ("policies", "above", "unknown", "refused", "total_fen")
        return {
            "run": hashlib.sha256(f"run {number}".encode()).hexdigest(),
            "model": self.model,
            "provider": PROVIDER,
            "trigger": self.trigger,
            "purpose": PURPOSES[number],  # a model runs once for a trigger and purpose
            "caller": "claims-desk",
            "at": at if isinstance(at, int) else from_beijing(at),
            "users": users,
            "records": records,
            "measure": dict.fromkeys(names, 0),
        }

    def use(self, number: int, users: int, records: int, at: str | int) -> ActResult:
        """Meter a run, by the provider."""
        body = self.usage_body(number, users, records, at)
        return self.town.send(self.town.act_of(PROVIDER, "meter_usage", body, f"run {number}"))

    def bill(self, month: str) -> ActResult:
        """Make a month's invoice, by the provider."""
        body = {"listing": self.listing, "carrier": CARRIER, "month": month}
        return self.town.send(self.town.act_of(PROVIDER, "issue_invoice", body, month))

    def invoice(self, month: str) -> dict[str, Any]:
        """An invoice as it stands."""
        found: dict[str, Any] = self.town.table("invoice")[f"{self.of}/{month}"]
        return found

    def leaves(self) -> list[bytes]:
        """The record's leaves."""
        with self.town.store.reading() as reading:
            return list(reading.leaves(0, reading.head().size))

    def acts(self, kind: str) -> list[dict[str, Any]]:
        """Bodies of the good acts of a kind, read from the leaves by themselves."""
        said = (json.loads(leaf) for leaf in self.leaves())
        return [
            one["act"]["body"]
            for one in said
            if one["leaf"] == "act" and one["result"]["ok"] and one["act"]["kind"] == kind
        ]
