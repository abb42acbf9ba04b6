"""How far a thing reaches: which triggers it led to, and which cases it left without payment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...claims.verify.evidence import ASIDE
from ...measures.identity import content_id
from .trail import Index, Json, Named


@dataclass(frozen=True)
class Reach:
    """What leads to which triggers."""

    index: Index

    def of_observations(self, ids: set[str]) -> Iterator[tuple[str, str]]:
        """Triggers that used one of these observations; then those beside which one was shown."""
        decided = set()
        shown = set()
        for trigger, value in self.index.trail.range("trigger", ""):
            for fact in value["facts"].values():
                detail = fact.get("detail", {})
                used = {*fact["because"], *(i for i, _ in detail.get("used", {}).values())}
                if ids & used:
                    decided.add(trigger)
                elif ids & {row["observation"] for row in detail.get("shown", ())}:
                    shown.add(trigger)
        yield from ((trigger, "shown") for trigger in shown - decided)
        yield from ((trigger, "decided") for trigger in decided)

    def where(self, **wanted: Any) -> Iterator[tuple[str, str]]:
        """Triggers whose value has these fields."""
        for trigger, value in self.index.trail.range("trigger", ""):
            if all(value[name] == given for name, given in wanted.items()):
                yield trigger, "decided"

    def of_source(self, source: str) -> set[str]:
        """The observations of a source."""
        return {
            id
            for id, entry in self.index.trail.range("observation", "")
            if entry["observation"]["source"] == source
        }


def triggers_of(reach: Reach, found: Named) -> Iterator[tuple[str, str]]:
    """Triggers that a thing led to, each as "decided", or as "shown" where it did not count."""
    match found.what:
        case "observation":
            yield from reach.of_observations({found.id})
        case "source":
            yield from reach.of_observations(reach.of_source(found.id))
        case "trigger":
            yield found.id, "decided"
        case "settlement":
            yield found.value["settlement"]["trigger"], "decided"
        case "claim":
            yield found.value["trigger"], "decided"
        case "policy":
            for trigger, _ in reach.index.decided:
                if any(c["policy"] == found.id for c in reach.index.trail.claims(trigger)):
                    yield trigger, "decided"
        case "case" if found.value["trigger"]:
            yield found.value["trigger"], "decided"
        case "occurrence":
            yield from reach.where(occurrence=found.id)
        case "payout":
            about = found.value["about"]
            names = ("occurrence", "benefit", "revision")
            yield from reach.where(**{name: about[name] for name in names})
        case "act":
            yield from _of_act(reach, found.id)


def _of_act(reach: Reach, id: str) -> Iterator[tuple[str, str]]:
    """Triggers that an act of each kind led to."""
    index = reach.index
    act = index.leaf(id)["act"]
    body = act["body"]
    match act["kind"]:
        case "record_facts":
            names = {content_id("observation", fact["observation"]) for fact in body["facts"]}
            yield from reach.of_observations(names)
        case "register_source":
            yield from reach.of_observations(reach.of_source(body["id"]))
        case "file_product":
            yield from reach.where(product=content_id("product", body["product"]))
        case "list_product":
            yield from reach.where(listing=body["listing"]["id"])
        case "resolve":
            wanted = {name: body[name] for name in ("listing", "occurrence")}
            yield from reach.where(**wanted)
        case "admit_batch" | "hold_batch":
            batch = id if act["kind"] == "admit_batch" else body["batch"]
            yield from _of_batch(reach, index.need("batch", batch))
        case "decide":
            yield body["trigger"], "decided"
        case "confirm_payments":
            entry = index.trail.get("payment", body["debt"]) or {}
            if entry.get("kind") in ("refund", "invoice"):
                return
            settlement = entry.get("settlement", body["debt"])
            yield index.settlement(settlement)["trigger"], "decided"
        case "allot":
            yield index.settlement(body["settlement"])["trigger"], "decided"


def _of_batch(reach: Reach, batch: Json) -> Iterator[tuple[str, str]]:
    """Triggers in which a row of the batch was claimed on."""
    if batch["first"] is None:
        return
    places = range(batch["first"], batch["first"] + batch["rows"]["count"])
    for trigger, _ in reach.index.decided:
        value = reach.index.need("trigger", trigger)
        if value["book"] == batch["book"] and any(
            claim["position"] in places for claim in reach.index.trail.claims(trigger)
        ):
            yield trigger, "decided"


def cases_of(reach: Reach, found: Named) -> Iterator[Json]:
    """Cases without a settlement whose facts name one of these observations."""
    if found.what == "observation":
        ids = {found.id}
    elif found.what == "source":
        ids = reach.of_source(found.id)
    else:
        ids = set()
    for _, case in reach.index.trail.range("case", ""):
        if case["settlement"] is not None:
            continue
        named = {
            parent
            for name, fact in case["facts"].items()
            if name not in ASIDE
            for parent in fact["because"]
        }
        held = case["facts"].get("held", {})
        named |= {held["observation"]} if "observation" in held else set()
        if ids & named or (found.what == "occurrence" and case["occurrence"] == found.id):
            yield case
