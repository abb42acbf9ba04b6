"""Settlements and what was paid of them. "Settled" and "paid" are different states, kept apart.

Single payouts are shown for open books only, and there for policies that are not about a person.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ...acts.facts import product_of
from ...errors import Refused
from ...policies.book import Recorded
from ...policies.row import PolicyRow
from ...terms import exact
from ...terms.wording import sentences
from ...terms.wording.speech import Language
from .desk import Desk


class Paid(StrEnum):
    """How far the money of a settlement has come."""

    NOTHING = "nothing"  # nothing is due
    UNPAID = "unpaid"  # settled; the bank has confirmed nothing yet
    PART = "part"  # the bank has confirmed a part
    WHOLE = "whole"  # the bank has confirmed every fen


@dataclass(frozen=True)
class Settlement:
    """One settlement: the decision, the debt, and what the bank has confirmed. Units   fen."""

    id: str
    value: Mapping[str, Any]
    at: int
    act: str
    trigger: Mapping[str, Any]
    position: int | None
    due_fen: int
    executed_fen: int
    paid_at: int | None
    by_payer: Mapping[str, int]
    acts: tuple[str, ...]

    @property
    def case(self) -> tuple[str, str, str]:
        """Listing, occurrence and benefit."""
        of = self.trigger
        return of["listing"], of["occurrence"], of["benefit"]

    @property
    def paid(self) -> Paid:
        """How far the money has come."""
        if not self.due_fen:
            return Paid.NOTHING
        if not self.executed_fen:
            return Paid.UNPAID
        return Paid.WHOLE if self.executed_fen == self.due_fen else Paid.PART

    def as_json(self) -> dict[str, Any]:
        """For the API."""
        return {
            "settlement": self.id,
            **{name: self.value[name] for name in _PLAIN},
            "occurrence": self.trigger["occurrence"],
            "benefit": self.trigger["benefit"],
            "terms_version": self.trigger["version"],
            "settled_at": self.at,
            "position": self.position,
            "act": self.act,
            "payment": {
                "state": str(self.paid),
                "due_fen": self.due_fen,
                "executed_fen": self.executed_fen,
                "last_at": self.paid_at,
                "by_payer": dict(self.by_payer),
                "acts": list(self.acts),
            },
        }


_PLAIN = ("trigger", "revision", "counter", "listing", "book", "payer", "deciders", "k", "totals")


@dataclass(frozen=True)
class Payout:
    """One carrier's part of one claim, and the bank's last word on it.

    Units   fen. States: new, sent, pending; executed and refused are the bank's word, paid and
    failed the same once it stands on the record, closed what the bank never will pay.
    """

    id: str
    policy: str
    carrier: str
    amount_fen: int
    number: int
    state: str
    ref: str | None
    at: int | None
    code: str | None

    def as_json(self) -> dict[str, Any]:
        """For the API."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class Claim:
    """One policy's claim of an open book, with the row it rests on."""

    value: Mapping[str, Any]
    row: PolicyRow
    result: exact.Result | None
    trigger: Mapping[str, Any]

    def sentences(self, desk: Desk, language: Language) -> tuple[str, ...]:
        """The amount as a trace of the terms."""
        if self.result is None:
            return ()
        version = product_of(desk.state, self.trigger["product"]).version(self.trigger["version"])
        return sentences(version.terms, self.result, language)


def settlement(desk: Desk, id: str) -> Settlement | None:
    """One settlement by its id."""
    entry = desk.state.get("settlement", id)
    if entry is None:
        return None
    value = entry["settlement"]
    payment = desk.state.get("payment", id) or {}
    by_payer: Counter[str] = Counter()
    acts = []
    for _, note in desk.state.range("paid", f"{id}/"):
        acts.append(note["act"])
        for part in _confirmed(desk, note["act"]):
            by_payer[part["payer"]] += part["executed_fen"]
    return Settlement(
        id=id,
        value=value,
        at=entry["at"],
        act=entry["act"],
        trigger=desk.state.need("trigger", value["trigger"]),
        position=desk.reading.place(id),
        due_fen=payment.get("due_fen", 0),
        executed_fen=payment.get("executed_fen", 0),
        paid_at=payment.get("last_at"),
        by_payer=by_payer,
        acts=tuple(acts),
    )


def settlements_of(desk: Desk, listing: str, occurrence: str, benefit: str) -> list[Settlement]:
    """The settlements of one case, oldest first."""

    def make() -> dict[tuple[str, str, str], list[str]]:
        found: dict[tuple[str, str, str], list[str]] = {}
        for _, id in desk.state.range("settled", ""):
            value = desk.state.need("settlement", id)["settlement"]
            of = desk.state.need("trigger", value["trigger"])
            case = (of["listing"], of["occurrence"], of["benefit"])
            found.setdefault(case, []).append(id)
        return found

    ids = desk.once("settlements", make).get((listing, occurrence, benefit), [])
    return [found for id in ids if (found := settlement(desk, id)) is not None]


def is_open(desk: Desk, of: Settlement) -> bool:
    """Whether single policies of this settlement's book may be shown."""
    return of.value["book"] in desk.settings.open_books


def payouts(desk: Desk, of: Settlement) -> list[Payout]:
    """Every payout of an open book, in the order of claims and carriers."""
    claims = {claim.value["policy"]: claim for claim in claims_of(desk, of)}
    last: dict[str, Mapping[str, Any]] = {}
    rows = [r for r in desk.reading.instructions(of.id) if r["policy"] in claims]
    for row in sorted(rows, key=lambda r: int(r["number"])):
        last[row["payout"]] = row
    order = {c["carrier"]: i for i, c in enumerate(of.value["totals"]["carriers"])}
    places = {policy: claim.value["position"] for policy, claim in claims.items()}
    found = [
        Payout(
            row["payout"], row["policy"], row["payer"], row["amount_fen"], row["number"],
            row["state"], row["ref"], row["at"], row["code"],
        )
        for row in last.values()
    ]  # fmt: skip
    return sorted(found, key=lambda p: (places[p.policy], order.get(p.carrier, 0), p.id))


def claims_of(desk: Desk, of: Settlement) -> Sequence[Claim]:
    """The claims of an open book that are not about a person."""
    if not is_open(desk, of):
        return ()

    def make() -> list[Claim]:
        trigger = of.trigger
        rows = desk.reading.rows(trigger["book"], trigger["book_size"])
        by_place = {recorded.position: recorded for recorded in rows}
        values = desk.reading.claims(of.value["trigger"])
        found = [_claim(desk, trigger, value, by_place[value["position"]]) for value in values]
        return [claim for claim in found if claim.row.subject is None]

    return desk.once(("claims", of.id), make)


def _claim(
    desk: Desk, trigger: Mapping[str, Any], value: Mapping[str, Any], recorded: Recorded
) -> Claim:
    version = product_of(desk.state, trigger["product"]).version(trigger["version"])
    observed = {name: fact["value"] for name, fact in trigger["facts"].items()}
    spent = {trigger["benefit"]: value["spent_fen"]}
    row = recorded.row
    try:
        result = exact.settle(version.terms, trigger["benefit"], observed, row.declared, spent)
    except Refused:
        return Claim(value, row, None, trigger)
    return Claim(value, row, result, trigger)


def _confirmed(desk: Desk, act: str) -> Sequence[Mapping[str, Any]]:
    """What one act of the payer says was executed, by who pays."""
    position = desk.reading.place(act)
    if position is None:
        return ()
    leaf = json.loads(desk.reading.leaf(position))
    parts: list[Mapping[str, Any]] = leaf["act"]["body"]["payers"]
    return parts
