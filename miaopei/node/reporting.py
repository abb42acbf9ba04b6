"""What reports need of sealed lists and opened rows: only a member of the book's group has them.

The reports themselves (`reports.reliability`, `complaints`, `experience`) are pure and know no
store. Tokens are joined here and go no further than counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from ..acts.facts import facts_of_event, plans_count_by, product_of
from ..acts.metered import calls_of
from ..acts.state import State
from ..evidence.findings.quorum import latest
from ..evidence.grouping import Fact
from ..evidence.kinds import OUTAGE, RESTORATION, TICKETS
from ..evidence.outage.lists import COUNTED, SCOPE, TIMES, Row
from ..evidence.outage.plans import Late, Plan, plan_of
from ..measures.instant import beijing_day, from_beijing
from ..reports.complaints import Compared, compare
from ..reports.experience import Billed, Returned, Settled, Told
from ..reports.reliability import Interruption, felt
from .effects.listed import open_list
from .ports import Identity, Reading
from .reserved import reserved

RESTORED, PLANNED = "outage.restored", "outage.planned"


class Reporting:
    """One snapshot of a record and the keys of the member that reads it."""

    def __init__(self, reading: Reading, state: State, identity: Identity) -> None:
        self.reading, self._state, self._identity = reading, state, identity

    def interruptions(self, since: int, until: int) -> list[Interruption]:
        """Outages that began in [since, until) and are over, by the newest complete report of the
        first source that has one, in the contract's order.
        """
        found = []
        for number, facts in self._outages():
            report = self._report(facts, number)
            if report is None:
                continue
            values, plan = report.observation.values, self._plan(facts, number)
            began = values["first_off"]
            if began is None:
                began = plan.began_at if plan else values["last_on"]
            if not since <= began < until:
                continue
            if values["list"] is not None:
                rows = self._rows(values["list"], TIMES)
                spans = ((_or(r["off"], began), r["on"]) for r in rows if r["on"] is not None)
                found.append(felt(number, began, spans))
            elif plan is not None:
                count = plan.values["list"]["count"]
                found.append(felt(number, began, [(began, values["last_on"])], count))
        return sorted(found, key=lambda each: (each.began_at, each.number))

    def complaints(self) -> list[Compared]:
        """Each outage that has tickets: those who were paid beside those who were not."""
        found = []
        for number, facts in self._outages():
            tickets = _newest(facts, TICKETS, number)
            plan = self._plan(facts, number)
            if not tickets or plan is None:
                continue
            counted: dict[str, int] = {}
            for fact in tickets:
                for row in self._rows(fact.observation.values["list"], COUNTED):
                    counted[row["token"]] = counted.get(row["token"], 0) + row["tickets"]
            scope = [row["token"] for row in self._rows(plan.values["list"], SCOPE)]
            found.append(compare(number, scope, counted, self._paid(number)))
        return found

    def experience(self) -> Iterator[Told]:
        """Each listing with its rows and what its settlements came to."""
        settled, returned, billed = self._settled(), self._returned(), self._billed()
        for listing, entry in self._state.range("listing", ""):
            book = self._state.get("book", listing)
            size = 0 if book is None else book["size"]
            rows = (recorded.row for recorded in self.reading.rows(listing, size))
            product = product_of(self._state, entry["product"])
            back = returned.get(listing, [])
            fees = billed.get(listing, [])
            yield Told(listing, product, rows, settled.get(listing, []), back, fees)

    def _billed(self) -> dict[str, list[Billed]]:
        """Each call and each rent of the invoices, by listing; void calls were credited."""
        found: dict[str, list[Billed]] = {}
        for name, invoice in self._state.range("invoice", ""):
            bills = found.setdefault(invoice["listing"], [])
            rates = {(of["item"], of["model"], of["month"]): of for of in invoice["lines"]}
            for line in invoice["lines"]:
                if line["item"] == "rent":
                    began = from_beijing(f"{line['month']}-01")
                    bills.append(Billed(None, began, rent_fen=line["amount_fen"]))
            for call in calls_of(self._state, name).values():
                if call["void"]:
                    continue
                of = call["model"], beijing_day(call["at"])[:7]
                fen = sum(
                    call[item] * rates[(item, *of)]["rate_fen"]
                    for item in ("users", "records")
                    if call[item]
                )
                trigger = self._state.need("trigger", call["trigger"])
                bills.append(Billed(trigger["version"], call["at"], data_fen=fen))
        return found

    def _returned(self) -> dict[str, list[Returned]]:
        """What changes of policies gave back, by listing."""
        found: dict[str, list[Returned]] = {}
        for _, policy in self._state.range("policy", ""):
            until = 0
            for change in policy["changes"]:
                until = change["until"] or until  # an issue or renewal begins a term
                if change["fen"] < 0 and change["at"] < until:
                    told = Returned(change["at"], until, -change["fen"])
                    found.setdefault(policy["listing"], []).append(told)
        return found

    def _settled(self) -> dict[str, list[Settled]]:
        """What settlements come to, by listing; those that still hold claims have a reserve."""
        found: dict[str, list[Settled]] = {}
        held = {each.settlement: each.total_fen for each in reserved(self.reading, self._state)}
        for id, entry in self._state.range("settlement", ""):
            value = entry["settlement"]
            trigger = self._state.need("trigger", value["trigger"])
            claims = self.reading.claim_columns(value["trigger"])
            payouts = int((claims["pay_fen"] > 0).sum())
            told = Settled(trigger["version"], value["totals"]["pay_fen"], held.get(id, 0), payouts)
            found.setdefault(value["listing"], []).append(told)
        return found

    def _paid(self, number: str) -> set[str]:
        """Tokens of the policies for which a payout of this outage was settled."""
        found: set[str] = set()
        for value, trigger in self._settlements.get(number, ()):
            claims = self.reading.claims(value["trigger"])
            paid = [claim["policy"] for claim in claims if claim["pay_fen"]]
            rows = self.reading.rows_of(value["listing"], trigger["book_size"], paid)
            found.update(r.row.subject for r in rows if r.row.subject is not None)
        return found

    @cached_property
    def _settlements(self) -> Mapping[str, list[tuple[dict[str, Any], dict[str, Any]]]]:
        """Settlements with their triggers, by the event key that founded their occurrence."""
        keys, found = {}, dict[str, list[tuple[dict[str, Any], dict[str, Any]]]]()
        for _, value in self._state.range("occurrence", ""):
            founder = self._state.need("observation", value["founding"])["observation"]
            keys[value["id"]] = founder["event_key"]
        for _, entry in self._state.range("settlement", ""):
            value = entry["settlement"]
            trigger = self._state.need("trigger", value["trigger"])
            found.setdefault(keys.get(trigger["occurrence"], ""), []).append((value, trigger))
        return found

    @cached_property
    def _sources(self) -> tuple[list[str], list[str]]:
        """Sources of restorations and of plans, in the order of the contracts that read them."""
        read: dict[str, list[str]] = {RESTORED: [], PLANNED: []}
        for _, entry in self._state.range("listing", ""):
            for rule in product_of(self._state, entry["product"]).inputs:
                named = read.get(rule.measure)
                if named is not None:
                    named += [s for s in (*rule.sources, *rule.fallback) if s not in named]
        return read[RESTORED], read[PLANNED]

    def _outages(self) -> Iterator[tuple[str, list[Fact]]]:
        """Every outage number on file, with all that was said of it."""
        seen: set[str] = set()
        for key, _ in self._state.range("seen", f"{OUTAGE}/"):
            entry = self._state.need("observation", key.rpartition("/")[2])
            number = entry["observation"]["event_key"]
            if number not in seen:
                seen.add(number)
                yield number, facts_of_event(self._state, number)

    def _plan(self, facts: Sequence[Fact], number: str) -> Plan | None:
        plan = plan_of(facts, number, self._sources[1], self._by)
        if isinstance(plan, Late):  # power was off all the same
            return plan.plan
        return plan if isinstance(plan, Plan) else None

    @cached_property
    def _by(self) -> str:
        return plans_count_by(self._state)

    def _report(self, facts: Sequence[Fact], number: str) -> Fact | None:
        complete = [f for f in _newest(facts, RESTORATION, number) if _whole(f)]
        by_source = {fact.observation.source: fact for fact in complete}
        return next((by_source[s] for s in self._sources[0] if s in by_source), None)

    def _rows(self, reference: Mapping[str, Any], fields: frozenset[str]) -> list[Row]:
        return open_list(self.reading, self._identity, reference, fields)


def _newest(facts: Sequence[Fact], kind: str, number: str) -> list[Fact]:
    """The current revision of each source."""
    about = (f for f in facts if f.observation.kind == kind and f.observation.event_key == number)
    return latest(about)


def _whole(fact: Fact) -> bool:
    return bool(fact.observation.values["complete"])


def _or(value: int | None, other: int) -> int:
    return other if value is None else value
