"""Checks of the evidence: who vouches for each fact, from which bytes, and what the facts come to.

Each fact of a trigger or case is read again from the observation that it names first. That no other
fact on file should have counted instead is a reading of the whole record (`rebuild`), not of a
receipt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import Refusal, Refused
from ...evidence.area import AreaSet
from ...evidence.findings import Found, Gathered, Held, position, role
from ...evidence.findings.outages import RECORDED_LATE
from ...evidence.grouping import SHOCKS, Occurrence, occurrence_id
from ...evidence.kinds import EARTHQUAKE, OUTAGE, RESTORATION
from ...evidence.observation import Observation
from ...evidence.outage.plans import LAST_RECORDED, counts_by
from ...evidence.shocks import Fact as OnFile
from ...evidence.shocks import Rule, each_decides
from ...measures.identity import digest
from ...measures.instant import HOUR
from ...measures.place import threshold, unit_vector, within
from ...terms.filing import InputRule
from .seen import FactSeen, Seen
from .verdict import Facts, demand, fails

Json = Mapping[str, Any]
# Entries of a case's facts that are no inputs.
ASIDE = ("held", "waiting", "closed", "refusal", "round")


def observations(seen: Seen) -> Facts:
    """Every fact: its id, the signature over it, and that the source and key were registered."""
    demand(seen.facts or not seen.acts["facts"], "facts_empty")
    for name, fact in seen.facts.items():
        refusal = seen.objection(fact)
        if refusal is not None:
            raise Refused(Refusal(refusal.code, {**refusal.facts, "observation": name[:16]}))
    sources = {fact.observation.source for fact in seen.facts.values()}
    return {"facts": len(seen.facts), "sources": len(sources)}


def originals(seen: Seen) -> Facts:
    """The original bytes of each fact give length and digest as signed, where they stand inside."""
    inside = 0
    for name, fact in seen.facts.items():
        original = fact.attestation.original
        data = original.data()
        if data is not None:
            same = (len(data), digest(data)) == (original.length, original.digest)
            demand(same, "original", observation=name[:16])
            inside += 1
    return {"inside": inside, "elsewhere": len(seen.facts) - inside}


def event(seen: Seen) -> Facts:
    """A fact of this receipt founds the occurrence, and what decided lies in its window."""
    value, rule = _subject(seen), seen.product.grouping
    reach, slack = 0, 0
    if rule.get("kind") == SHOCKS:  # two sources place and time one shock apart
        how = Rule.read(rule)
        reach, slack = (how.km + how.same_shock_km) * 1000, how.apart
    founder = founder_of(seen, value["occurrence"])
    for name, fact in value["facts"].items():
        deciding = _deciding(seen, name, fact) if _is_fact(fact) and fact["because"] else None
        if deciding is None or deciding.observation.kind != "shock" or founder.kind != "shock":
            continue
        gap = abs(deciding.observation.instant - founder.instant)
        here, there = (
            unit_vector(o.values["lat_udeg"], o.values["lon_udeg"])
            for o in (deciding.observation, founder)
        )
        close = within(here, there, threshold(reach))
        demand(gap <= rule["hours"] * HOUR + slack and close, "outside_sequence", input=name)
    return {"founding": founder.id, "opened_at": founder.instant}


def facts(seen: Seen) -> Facts:
    """Every fact that the trigger (or the refused case) rests on, read again from its source."""
    value = _subject(seen)
    before = seen.trigger.index if _has(seen, "trigger") else seen.case.index
    count = 0
    for name, fact in value["facts"].items():
        if name in ASIDE:
            continue
        for parent in fact["because"]:
            demand(parent in seen.facts, "fact_absent", input=name, observation=parent[:16])
            demand(seen.facts[parent].act.index < before, "fact_late", input=name)
        _read_again(seen, name, fact, value)
        count += 1
    return {"inputs": count}


def _read_again(seen: Seen, name: str, fact: Json, value: Json) -> None:
    rule = seen.product.rule(name)
    if fact["how"] == "person":
        _by_person(seen, name, fact, value)
        return
    demand(fact["because"], "fact_absent", input=name, observation="-")
    first = _deciding(seen, name, fact)
    source = first.observation.source
    demand(source in (*rule.sources, *rule.fallback), "source_not_named", input=name, source=source)
    entry = seen.source(source, first.act.index)
    demand(entry is not None and entry.counted, "source_not_counted", input=name, source=source)
    again = MEASURES[rule.measure](Asked(seen, rule, fact, first))
    demand(again == fact["value"], "fact_differs", input=name, stated=fact["value"], found=again)


def _by_person(seen: Seen, name: str, fact: Json, value: Json) -> None:
    """A person's word stands where sources disagreed; the act that says so must be here."""
    said = [
        act
        for act in seen.acts["resolution"]
        if (act.body["listing"], act.body["occurrence"], act.body["input"])
        == (value["listing"], value["occurrence"], name)
    ]
    if each_decides(seen.product.grouping):  # one of several shocks may have been asked about
        said = [act for act in said if act.id == fact["detail"].get("act")]
    demand(said, "resolution_absent", input=name)
    last = max(said, key=lambda act: act.index)
    demand(
        last.body["value"] == fact["value"], "fact_differs",
        input=name, stated=fact["value"], found=last.body["value"],
    )  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """One input of one receipt: its rule, what is stated, and the fact that it names first."""

    seen: Seen
    rule: InputRule
    fact: Json
    first: FactSeen

    @property
    def values(self) -> Json:
        """What the deciding observation says."""
        return self.first.observation.values

    def parameter(self, name: str, default: str) -> str:
        """A parameter of the rule."""
        return str(dict(self.rule.params).get(name, default))


def _magnitude(asked: Asked) -> int:
    """Of comparable type, and the largest of the shocks that the trigger says it used."""
    name, types = asked.rule.name, asked.seen.product.grouping["counted_types"]
    kind = asked.values["magnitude_type"]
    comparable = asked.values["event_type"] == EARTHQUAKE and kind in types
    demand(comparable, "not_comparable", input=name, type=str(kind))
    for observation, tenths in asked.fact["detail"].get("used", {}).values():
        other = asked.seen.facts.get(observation)
        if other is None:
            raise fails("fact_absent", input=name, observation=observation[:16])
        found = other.observation.values["magnitude_tenths"]
        demand(found == tenths, "fact_differs", input=name, stated=tenths, found=found)
        demand(tenths <= asked.fact["value"], "larger_shock", input=name, found=tenths)
    return int(asked.values["magnitude_tenths"])


def _role(asked: Asked) -> int:
    found = read_role(asked.seen, asked.rule, asked.first)
    if not isinstance(found, Found):
        by_name, by_position = found.facts["by_name"], found.facts["by_position"]
        raise fails("role_differs", by_name=by_name, by_position=by_position)
    for side in ("by_name", "by_position"):
        said = asked.fact["detail"].get(side)
        demand(found.detail[side] == said, "role_side", side=side, stated=said)
    return found.value


def _position(asked: Asked) -> int:
    return position.part_of(asked.values, asked.parameter("part", ""))


def _loss_area(asked: Asked) -> int:
    item = asked.parameter("item", "civil_houses")
    return sum(asked.values["items"][code][item] for code in asked.seen.product.area["own"])


def _loss_total(asked: Asked) -> int:
    return int(asked.values["totals"][asked.parameter("item", "civil_houses")])


def _deaths(asked: Asked) -> int:
    """One notice an area: of each code the first that the trigger names."""
    counts: dict[str, int] = {}
    for parent in asked.fact["because"]:
        values = asked.seen.facts[parent].observation.values
        counts.setdefault(values["area"], values["count"])
    return sum(counts[code] for code in asked.seen.product.area["own"])


def _reading(asked: Asked) -> int:
    wanted = asked.parameter("reading", asked.rule.name)
    first = asked.first.observation
    demand(first.values["name"] == wanted, "fact_absent", input=wanted, observation=first.id[:16])
    return int(first.values["value"])


def _plan(asked: Asked) -> Json:
    """The values of the plan that counts: known before the outage began, and not cancelled.

    Known is what was published; where the contract goes by the record, what stood on it by then, or
    what a person has let count though it came late.
    """
    values, name = asked.values, asked.rule.name
    stands = asked.first.observation.kind == OUTAGE and values["state"] == "planned"
    demand(stands, "no_plan", input=name)
    began = asked.fact["detail"]["instant"]
    demand(values["published_at"] < began, "plan_too_late", input=name)
    if counts_by(asked.seen.product.grouping) == LAST_RECORDED:
        recorded = asked.seen.time(asked.first.act.height)
        demand(recorded < began or _let_count(asked.seen), "plan_too_late", input=name)
    return values


def _let_count(seen: Seen) -> bool:
    """Whether a person's word on a plan recorded late is one of the facts (checked as such)."""
    facts = (fact for fact in _subject(seen)["facts"].values() if _is_fact(fact))
    return any(f["how"] == "person" and f["detail"].get("resolved") == RECORDED_LATE for f in facts)


def _scope(asked: Asked) -> int:
    _plan(asked)
    return 1


def _planned(asked: Asked) -> int:
    return int(_plan(asked)["on_planned"]) // 60


def _restored(asked: Asked) -> int:
    """Of a complete report, and near what every other source that is named says."""
    name, values = asked.rule.name, asked.values
    whole = asked.first.observation.kind == RESTORATION and values["complete"]
    demand(whole, "report_incomplete", input=name)
    minute = int(values["last_on"]) // 60
    for parent in asked.fact["because"]:
        other = asked.seen.facts[parent].observation.values
        apart = abs(int(other["last_on"]) // 60 - minute)
        near = apart <= asked.rule.tolerance
        demand(near, "sources_apart", input=name, minutes=apart, tolerance=asked.rule.tolerance)
    return minute


def _cause(asked: Asked) -> int:
    return int(asked.values["cause"])


MEASURES: Mapping[str, Callable[[Asked], int]] = {
    "shock.magnitude": _magnitude,
    "shock.role": _role,
    "shock.position": _position,
    "loss.area": _loss_area,
    "loss.total": _loss_total,
    "deaths.area": _deaths,
    "value": _reading,
    "outage.scope": _scope,
    "outage.planned": _planned,
    "outage.restored": _restored,
    "outage.cause": _cause,
}


def read_role(seen: Seen, rule: InputRule, first: FactSeen) -> Found | Held:
    """Where the epicentre lies, by name and by cell, from the areas in this receipt."""
    observation = first.observation
    known = Found(0, (observation.id,), "", {
        "main": observation.id, "observation": observation.id, "instant": observation.instant,
    })  # fmt: skip
    areas = [AreaSet.from_json(act.body) for act in seen.acts["areas"]]
    on_file = OnFile(observation, 0, 0, "", counted=True)
    context = Gathered([on_file], areas, seen.product.grouping, known={"main": known})
    alone = Occurrence("", observation.id, observation.instant, 0, 0, ())
    answer = role.find(rule.as_json(), alone, seen.product.area, context, 0, {})
    if not isinstance(answer, Found | Held):
        raise fails("fact_differs", input=rule.name)
    return answer


def founder_of(seen: Seen, occurrence: str) -> Observation:
    """The observation that the occurrence's id names."""
    for name, fact in seen.facts.items():
        if occurrence_id(seen.product.grouping, name) == occurrence:
            return fact.observation
    raise fails("no_founder", occurrence=str(occurrence)[:16])


def _deciding(seen: Seen, name: str, fact: Json) -> FactSeen:
    first = seen.facts.get(fact["because"][0])
    if first is None:
        raise fails("fact_absent", input=name, observation=str(fact["because"][0])[:16])
    return first


def _is_fact(fact: Any) -> bool:
    return isinstance(fact, Mapping) and "because" in fact


def _has(seen: Seen, role_name: str) -> bool:
    return bool(seen.receipt.leaves[role_name])


def _subject(seen: Seen) -> Json:
    """What the facts belong to: the trigger, or for a refusal without one the case."""
    return seen.trigger.value if _has(seen, "trigger") else seen.case.value
