"""Occurrences: each with every observation, its source and revision, and which one counted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...acts.on_file import OnFile
from ...evidence.findings.belonging import Belongs, belongs
from ...evidence.grouping import Occurrence
from ...evidence.kinds import EARTHQUAKE
from ...measures.instant import HOUR
from ...measures.suites import in_use
from .cases import Case, cases_of
from .desk import Desk

REPORTS = ("loss_report", "deaths")


@dataclass(frozen=True)
class Seen:
    """One observation on file. `why` says what became of it: a key of texts/events.toml."""

    id: str
    body: Mapping[str, Any]
    operator: str
    recorded_at: int
    marks: tuple[Mapping[str, Any], ...]
    why: str

    @property
    def values(self) -> Mapping[str, Any]:
        """What the source said."""
        found: Mapping[str, Any] = self.body["values"]
        return found

    @property
    def counted(self) -> bool:
        """Whether a case rests on it."""
        return self.why in ("decided", "compared")

    def as_json(self) -> dict[str, Any]:
        """For the API."""
        return {
            "observation": self.id,
            **self.body,
            "operator": self.operator,
            "recorded_at": self.recorded_at,
            "became": self.why,
            "counted": self.counted,
        }


@dataclass(frozen=True)
class Event:
    """An occurrence, what was said of it, and what became of each case."""

    key: str
    occurrence: Occurrence
    rule: Mapping[str, Any]
    shocks: tuple[Seen, ...]
    reports: tuple[Seen, ...]
    cases: tuple[Case, ...]

    @property
    def id(self) -> str:
        """The occurrence's id."""
        return self.occurrence.id

    @property
    def earthquake(self) -> bool:
        """Whether it has shocks with a place and a magnitude, rather than readings."""
        return bool(self.shocks) and self.shocks[0].body["kind"] == "shock"

    @property
    def outage(self) -> bool:
        """Whether it is an outage, which the pages tell as a day."""
        return self.rule.get("kind") == "outage"

    @cached_property
    def main(self) -> Seen:
        """The shock that was settled, else the greatest of those that decided, or may count; of
        other occurrences the deciding reading, else the founding one.

        Each shock of a sequence is decided by itself, so that several may have decided.
        """
        decided = [seen for seen in self.shocks if seen.why == "decided"]
        if not self.earthquake:
            return (decided or list(self.shocks))[0]
        settled = {o for c in self.cases if c.value["settlement"] for o in c.observations}
        decided = [seen for seen in decided if seen.id in settled] or decided
        types = self.rule.get("counted_types", ())
        usual = [
            seen for seen in self.shocks
            if seen.values["magnitude_type"] in types and seen.why != "source_not_counted"
        ]  # fmt: skip
        return min(
            decided or usual or self.shocks,
            key=lambda s: (-s.values["magnitude_tenths"], s.values["origin"], s.id),
        )

    def summary(self) -> dict[str, Any]:
        """For lists of the API."""
        return {
            "occurrence": self.id,
            "origin": self.occurrence.origin,
            "founding": self.occurrence.founding,
            "main": {"observation": self.main.id, **self.main.values},
            "observations": len(self.shocks),
            "cases": [
                {"listing": c.listing, "benefit": c.benefit, "state": c.value["state"]}
                for c in self.cases
            ],
        }

    def as_json(self) -> dict[str, Any]:
        """For the API."""
        return {
            **self.summary(),
            "rule": dict(self.rule),
            "shocks": [seen.as_json() for seen in self.shocks],
            "reports": [seen.as_json() for seen in self.reports],
            "cases": [case.as_json() for case in self.cases],
        }


def keys(desk: Desk) -> Mapping[str, str]:
    """Where each occurrence stands in the record, by its id."""

    def make() -> dict[str, str]:
        return {key.rpartition("/")[2]: key for key, _ in desk.state.range("occurrence", "")}

    return desk.once("occurrences", make)


def event(desk: Desk, id: str) -> Event | None:
    """One occurrence by its id."""
    key = keys(desk).get(id)
    return None if key is None else desk.once(("event", id), lambda: _event(desk, key))


def _event(desk: Desk, key: str) -> Event:
    occurrence = Occurrence.from_json(desk.state.need("occurrence", key))
    rule_id = key.partition("/")[0]
    listings = [k.partition("/")[2] for k, _ in desk.state.range("rule", f"{rule_id}/")]
    rule = desk.state.need("rule", f"{rule_id}/{listings[0]}")
    cases = tuple(c for name in listings for c in cases_of(desk, name, occurrence.id))
    became = _became(cases)
    shocks = [
        _seen(desk, id, became, rule)
        for shock in occurrence.shocks for id in shock.observations
    ]  # fmt: skip
    shocks.sort(key=lambda s: (_instant(s), s.body["source"], s.body["revision"], s.recorded_at))
    reports = _reports(desk, rule_id, rule, listings[0], occurrence)
    spoken = [_seen(desk, id, became, rule) for id in reports]
    return Event(key, occurrence, rule, tuple(shocks), tuple(spoken), cases)


def _became(cases: Iterable[Case]) -> dict[str, str]:
    """What the cases say of single observations; what decided anywhere stands."""
    found: dict[str, str] = {}
    for case in cases:
        for fact in case.facts:
            detail = fact.detail
            for row in detail.get("shown", ()):
                found.setdefault(row["observation"], row["why"])
            for id in fact.because:
                if found.get(id) != "decided":
                    found[id] = "compared"
            chosen = detail.get("observation") or next(iter(fact.because), None)
            if chosen:
                found[chosen] = "decided"
    return found


def _seen(desk: Desk, id: str, became: Mapping[str, str], rule: Mapping[str, Any]) -> Seen:
    entry = desk.state.need("observation", id)
    body = entry["observation"]
    why = became.get(id)
    if why is None:
        why = "not_deciding"
        if not entry["counted"]:
            why = "source_not_counted"
        elif body["kind"] == "shock":
            values = body["values"]
            comparable = values["magnitude_type"] in rule.get("counted_types", ())
            if values["event_type"] != EARTHQUAKE or not comparable:
                why = "not_comparable"
    return Seen(id, body, entry["operator"], entry["recorded_at"], tuple(entry["attested"]), why)


def attested(desk: Desk, seen: Seen) -> list[dict[str, Any]]:
    """Who received it, when, and from which bytes: as the leaves of its acts say."""
    return [_attested(desk, mark) for mark in seen.marks]


def _attested(desk: Desk, mark: Mapping[str, Any]) -> dict[str, Any]:
    position = desk.reading.place(mark["act"])
    found: dict[str, Any] = {"act": mark["act"], "position": position, "key": mark["key"]}
    if position is None:
        return found
    facts = json.loads(desk.reading.leaf(position))["act"]["body"]["facts"]
    said = facts[mark["index"]]["attestation"]
    original, hash_name = said["original"], in_use.suite.hash_name
    return {
        **found,
        "receiver": said["receiver"],
        "received_at": said["received_at"],
        f"original_{hash_name}": original[hash_name],
        "original_length": original["length"],
        "media": original["media"],
        f"file_{hash_name}": original[f"file_{hash_name}"],
        "part": original["part"],
    }


def _reports(
    desk: Desk, rule_id: str, rule: Mapping[str, Any], listing: str, occurrence: Occurrence
) -> Sequence[str]:
    """Reports and notices on file that speak of this occurrence, or may."""
    seen = OnFile(desk.state).context(rule_id, rule, listing, occurrence)
    span = rule.get("hours", 24) * HOUR
    near = [
        fact for kind in REPORTS for fact in seen.facts(kind)
        if abs(fact.observation.instant - occurrence.origin) <= 2 * span
    ]  # fmt: skip
    mine = [f for f in near if belongs(f.observation, occurrence, seen) is not Belongs.NO]
    mine.sort(key=lambda f: (f.recorded_order, f.observation.id))
    return [fact.observation.id for fact in mine]


def _instant(seen: Seen) -> int:
    values = seen.values
    return int(values["origin"] if seen.body["kind"] == "shock" else values.get("at", 0))
