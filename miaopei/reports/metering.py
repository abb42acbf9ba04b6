"""Invoices counted again from the log alone: its acts in order, and nothing that was derived.

Same as  `accounts.metering`, whose code is not used here; the two must agree to the fen.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..measures.identity import content_id
from ..measures.instant import beijing_day

Json = dict[str, Any]


@dataclass(frozen=True)
class Over:
    """A run billed for more than the record has beside it.

    `what`: users (persons of the log of uses) or records (entries of sealed lists that these can
    have there, and facts without a list); `billed` of them, `most` there can have been.
    """

    run: str
    what: str
    billed: int
    most: int


@dataclass
class Counted:
    """One invoice as the log gives it, by contract and month."""

    invoice: str
    runs: list[Json]
    rates: list[Json]
    rent_fen: int
    void: set[str] = field(default_factory=set)
    over: list[Over] = field(default_factory=list)  # by run
    repeated: list[str] = field(default_factory=list)  # runs of what an earlier run was metered for

    @property
    def total_fen(self) -> int:
        """Users, records and rent at their rates, without the calls made void."""
        total = self.rent_fen
        for run in self.runs:
            if run["run"] not in self.void:
                agreed = _in_force(self.rates, beijing_day(run["at"])[:7])
                total += run["users"] * agreed["user_fen"] + run["records"] * agreed["record_fen"]
        return total


def recount(leaves: Iterable[bytes]) -> dict[str, Counted]:
    """Every invoice of a record, counted from the acts that stand in its leaves.

    What a run is metered for is the provider's own word; how many persons were read stands in the
    log of uses before it, in public by purpose, and how long each sealed list is in the trigger. A
    run for more than those is named (`over`).
    """
    logged, over = dict[tuple[str, str], int](), dict[str, list[Over]]()
    reads, inputs, facts = dict[str, set[str]](), dict[str, set[str]](), dict[str, Json]()
    first: dict[tuple[str, str, str], str] = {}
    rates, waiting, models = dict[str, list[Json]](), dict[str, list[Json]](), dict[str, str]()
    rented, found = dict[str, str](), dict[str, Counted]()
    for leaf in leaves:
        said = json.loads(leaf)
        if said["leaf"] == "made" and said["what"] == "claim_model":
            models[said["id"]] = _contract(said["value"])
            inputs[said["id"]] = reads[said["value"]["terms"]]
            since = beijing_day(said["value"]["at"])[:7]
            rented.setdefault(_contract(said["value"]), since)
        elif said["leaf"] == "made" and said["what"] == "trigger":
            facts[said["id"]] = said["value"]["facts"]
        if said["leaf"] != "act" or not said["result"]["ok"]:
            continue
        kind, body = said["act"]["kind"], said["act"]["body"]
        if kind == "file_claim_model":
            terms = content_id("terms", body["terms"])
            reads[terms] = {each["name"] for each in body["terms"]["inputs"]}
        elif kind == "agree_rates":
            rates.setdefault(_contract(body), []).append(body)
        elif kind == "log_uses":
            for each in body["purposes"]:
                at = said["act"]["by"], each["purpose"]
                logged[at] = logged.get(at, 0) + each["uses"]
        elif kind == "meter_usage":
            beside = logged.pop((said["act"]["by"], body["purpose"]), 0)
            first.setdefault((body["model"], body["trigger"], body["purpose"]), body["run"])
            read = {n: f for n, f in facts[body["trigger"]].items() if n in inputs[body["model"]]}
            over[body["run"]] = _over(body, beside, _most(read, beside))
            waiting.setdefault(models[body["model"]], []).append(body)
        elif kind == "issue_invoice":
            of, month = _contract(body), body["month"]
            runs = [run for run in waiting.get(of, []) if beijing_day(run["at"])[:7] <= month]
            waiting[of] = [run for run in waiting.get(of, []) if run not in runs]
            agreed = list(rates[of])
            rent = _in_force(agreed, month)["rent_fen"] if rented.get(of, "9") <= month else 0
            told = [each for run in runs for each in over[run["run"]]]
            again = [run["run"] for run in runs if run["run"] not in first.values()]
            found[f"{of}/{month}"] = Counted(
                f"{of}/{month}", runs, agreed, rent, over=told, repeated=again
            )
        elif kind == "settle_dispute":
            found[body["dispute"].rpartition("/")[0]].void |= set(body["void"])
    return found


def _over(body: Json, users: int, records: int) -> list[Over]:
    most = {"users": users, "records": records}
    return [Over(body["run"], n, body[n], most[n]) for n in most if body[n] > most[n]]


def _most(facts: Json, users: int) -> int:
    """The most entries that so many persons can have: one on each list, and no more than it has;
    a fact without a list is one entry."""
    lists, alone = dict[str, int](), 0
    for fact in facts.values():
        named = fact["detail"].get("lists") or ()
        alone += not named
        lists |= {e["list"]["blob"]: e["list"]["count"] for e in named if e["list"] is not None}
    return alone + sum(min(count, users) for count in lists.values())


def _contract(body: Json) -> str:
    return f"{body['listing']}/{body['carrier']}"


def _in_force(rates: list[Json], month: str) -> Json:
    """The rates agreed last, of those that begin by the month."""
    return max((each for each in rates if each["since"] <= month), key=lambda each: each["since"])
