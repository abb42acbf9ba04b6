"""`record_facts`: attested observations enter the record, and the cases they touch are looked at.

Body: {facts: [{observation, attestation}]}. One bad fact is noted by name and the rest go on; an
observation already on file gains the new attestation and changes nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import Refusal, Refused
from ..evidence.attestation import Attestation, verify
from ..evidence.kinds import KEYED
from ..evidence.observation import Observation, check
from ..evidence.source import Source
from ..measures.identity import canonical
from ..measures.shape import exactly
from .base import Moment, Outcome, clock_key, fields, refuse
from .cases import facts_arrived
from .envelope import Act
from .facts import index_event
from .state import State

KIND = "record_facts"
ROLES = frozenset({"gateway"})
# From this rule set on every refused item is named in the leaf, so that whoever reads it later, in
# a receipt say, knows what was taken. A gateway's own acts stay far below.
NAMED_SINCE, NAMED_BYTES = 4, 65_000


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused as a whole only where not one fact is new and good."""
    (facts,) = fields(act.body, facts=list)
    outcome, new, seen = Outcome(), [], 0
    for index, fact in enumerate(facts):
        try:
            observation, fresh = _record(state, fact, act, now, index)
        except Refused as refused:
            outcome.notes += [
                Refusal(r.code, {**r.facts, "index": index}) for r in refused.refusals
            ]
            continue
        seen += 1
        if fresh:
            new.append(observation)
    if not seen:
        raise Refused(*(outcome.notes or [Refusal("act.no_facts", {})]))
    if now.rules >= NAMED_SINCE:
        notes = sum(len(canonical(note.as_json())) + 1 for note in outcome.notes)
        if act.size + notes > NAMED_BYTES:
            raise refuse("act.too_many_bad_facts", count=len(outcome.notes))
    facts_arrived(state, outcome, new, now)
    return outcome


def taken(body: Mapping[str, Any], result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The facts of an applied act's body that were taken, by the result in its leaf.

    What a note names was not, and may be anything. Where the notes were cut short nothing is known
    beyond the last: of those whatever has the form of a fact.
    """
    noted = {note["facts"].get("index") for note in result["notes"]}
    for index, fact in enumerate(body["facts"]):
        if index in noted:
            continue
        match fact:
            case {"observation": {"values": dict()}, "attestation": {"original": dict()}}:
                yield fact


def _record(state: State, fact: Any, act: Act, now: Moment, index: int) -> tuple[Observation, bool]:
    if not exactly(fact, {"observation", "attestation"}):
        raise refuse("act.bad_body", field="facts", why="needs observation and attestation")
    observation = Observation.from_json(fact["observation"])
    attestation = Attestation.from_json(fact["attestation"])
    entry = state.get("source", observation.source)
    source = None if entry is None else Source.from_json(entry)
    if source is None:
        raise refuse("evidence.unknown_source", source=observation.source)
    if refusal := verify(attestation, observation, source, now.time):
        raise Refused(refusal)
    if refusals := check(observation, source, now.time):
        raise Refused(*refusals)
    stored = state.get("observation", observation.id)
    mark = {"act": act.id, "index": index, "key": attestation.key, "at": now.time}
    if stored is not None:
        if all(m["key"] != attestation.key for m in stored["attested"]):
            stored["attested"].append(mark)
            state.put("observation", observation.id, stored)
        return observation, False
    order = (state.get("counter", "observation") or 0) + 1
    state.put("counter", "observation", order)
    state.put(
        "observation",
        observation.id,
        {
            "observation": observation.as_json(),
            "operator": source.operator,
            "counted": source.counted,
            "recorded_at": now.time,
            "order": order,
            "attested": [mark],
        },
    )
    key = clock_key(observation.instant, observation.id)
    state.put("seen", f"{observation.kind}/{key}", {"source": observation.source})
    if observation.kind in KEYED:
        index_event(state, observation)
    return observation, True
