"""The magnitude that settles, and which shock of a sequence is the main one.

The official rapid report settles as soon as it is on file. Only where none is on file at the freeze
deadline does the fallback settle. After that the shock's value stands ("first_settles") or follows
its revisions ("revision_counts"). Source: docs/specs/evidence.md, section 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...measures.instant import HOUR
from ..grouping import Occurrence, Shock
from ..kinds import EARTHQUAKE
from ..shocks import Fact
from .outcome import Closed, Context, Finding, Found, Held, Waiting
from .quorum import (
    ANY_ONE,
    FIRST_SETTLES,
    Agreed,
    Lack,
    Missing,
    ValueOf,
    agree,
    latest,
    shown,
    until,
    without,
)

NO_MAGNITUDE = Missing("awaiting_rapid_report", "no_rapid_report", "no_official_magnitude")

READ_IN = HOUR  # a rapid report read in after the catalogue has an hour to arrive


@dataclass(frozen=True)
class Used:
    """The settling value of one shock."""

    shock: Shock
    fact: Fact
    tenths: int
    how: str
    with_it: tuple[Fact, ...]

    def rank(self) -> tuple[int, int, str]:
        """Sorts the main shock first: highest value, then earliest origin."""
        return -self.tenths, self.fact.observation.instant, self.shock.id


def find(
    rule: Mapping[str, Any],
    occurrence: Occurrence,
    context: Context,
    now: int,
    fixed: Mapping[str, Any],
) -> Finding:
    """The main shock's magnitude in tenths, as far as it is known; see the module's first lines."""
    used: list[Used] = []
    open_: list[tuple[Shock, Waiting | Held]] = []
    for shock in occurrence.shocks:
        answer = _settle(rule, shock, context, now, fixed)
        if isinstance(answer, Used):
            used.append(answer)
        elif answer is not None:
            open_.append((shock, answer))
    used.sort(key=Used.rank)
    if used and (used[0].tenths >= context.grouping["threshold_tenths"] or not open_):
        return _found(used, open_, context)
    held = [finding for _, finding in open_ if isinstance(finding, Held)]
    waits = [finding for _, finding in open_ if isinstance(finding, Waiting)]
    if waits:
        return min(waits, key=lambda w: (w.until is None, w.until or 0, w.reason))
    if held:
        return held[0]
    return _nothing(rule, occurrence, now)


def deciding(
    rule: Mapping[str, Any],
    occurrence: Occurrence,
    context: Context,
    now: int,
    fixed: Mapping[str, Any],
) -> list[Shock]:
    """The shocks of a sequence that can decide by themselves: of the threshold or more.

    A shock whose value is still open is one of them where any word that counts reaches so far.
    """
    least, value_of = context.grouping["threshold_tenths"], reader(context)
    found = []
    for shock in occurrence.shocks:
        answer = _settle(rule, shock, context, now, fixed)
        if isinstance(answer, Used):
            reaches = answer.tenths >= least
        else:
            told = [f for i in shock.observations if (f := context.fact(i)) and f.counted]
            reaches = answer is not None and any((value_of(f) or 0) >= least for f in told)
        if reaches:
            found.append(shock)
    return found


def _settle(
    rule: Mapping[str, Any],
    shock: Shock,
    context: Context,
    now: int,
    fixed: Mapping[str, Any],
) -> Used | Waiting | Held | None:
    """The value of one shock; None where nothing on file could ever count."""
    found = (context.fact(i) for i in shock.observations)
    facts = [fact for fact in found if fact is not None and fact.recorded_at <= now]
    if rule["revision"] == FIRST_SETTLES and shock.id in fixed:
        observation, tenths = fixed[shock.id]
        fact = context.fact(observation)
        return None if fact is None else Used(shock, fact, tenths, "settled_before", (fact,))
    value_of = reader(context)
    named = (*rule["sources"], *rule["fallback"])
    known = [f for f in facts if f.counted and f.observation.source in named]
    if all(value_of(f) is None for f in latest(known)):
        return None
    started = min(f.recorded_at for f in known)
    origin = min(f.observation.instant for f in known if f.recorded_at == started)
    deadline = max(origin + rule["freeze_seconds"], started + READ_IN)
    taken = _taken(rule, known, deadline, now, value_of)
    if isinstance(taken, tuple):
        how, agreed = taken
        return Used(shock, agreed.fact, agreed.value, how, agreed.with_it)
    return _open(rule, shock, known, deadline, now, taken, value_of)


def _taken(
    rule: Mapping[str, Any], known: list[Fact], deadline: int, now: int, value_of: ValueOf
) -> tuple[str, Agreed] | Lack:
    """What settles: the official value, else after the deadline the fallback's."""
    keeps = rule["revision"] == FIRST_SETTLES

    def official(moment: int) -> Agreed | Lack:
        return agree(latest(until(known, moment)), rule["sources"], rule, value_of)

    def fallback(moment: int) -> Agreed | Lack:
        return agree(latest(until(known, moment)), rule["fallback"], ANY_ONE, value_of)

    first = official(min(now, deadline) if keeps else now)
    if isinstance(first, Agreed):
        return "official", first
    if now < deadline or first is Lack.CONFLICT:
        return first
    moments = {deadline, *(f.recorded_at for f in known)} if keeps else {now}
    for moment in sorted(m for m in moments if m >= deadline):
        late = official(moment)
        if isinstance(late, Agreed):
            return "official", late
        if first is Lack.NONE and isinstance(other := fallback(moment), Agreed):
            return "fallback", other
    return first


def _open(
    rule: Mapping[str, Any],
    shock: Shock,
    known: list[Fact],
    deadline: int,
    now: int,
    lack: Lack,
    value_of: ValueOf,
) -> Waiting | Held:
    facts = {"shock": shock.id, "wanted": rule["operators"], "until": deadline}
    if now >= deadline and lack is not Lack.NONE:
        sides = [
            {"observation": f.observation.id, "source": f.observation.source, "tenths": value_of(f)}
            for f in latest(known)
            if f.observation.source in rule["sources"]
        ]
        first = min(known, key=lambda f: (f.recorded_order, f.observation.id)).observation
        facts |= {"observation": first.id, "instant": first.instant, "values": sides}
    answer = without(lack, NO_MAGNITUDE, rule, deadline, None, now, facts)
    assert not isinstance(answer, Closed), "one shock of a sequence never closes it"
    return answer


def _found(used: list[Used], open_: list[tuple[Shock, Waiting | Held]], context: Context) -> Found:
    main, least = used[0], context.grouping["threshold_tenths"]
    used = [u for u in used if u is main or u.tenths >= least]  # smaller ones settle nothing
    value_of = reader(context)
    told = [context.fact(i) for i in main.shock.observations]
    detail: dict[str, Any] = {
        "main": main.shock.id,
        "observation": main.fact.observation.id,
        "instant": main.fact.observation.instant,
        "used": {u.shock.id: [u.fact.observation.id, u.tenths] for u in used},
        "shown": shown([f for f in told if f is not None], main.with_it, value_of),
    }
    waits = [w.until for _, w in open_ if isinstance(w, Waiting) and w.until is not None]
    if waits:
        detail["until"] = min(waits)
    others = (u.fact.observation.id for u in used[1:])
    because = dict.fromkeys((*(f.observation.id for f in main.with_it), *others))
    return Found(main.tenths, tuple(because), main.how, detail)


def _nothing(rule: Mapping[str, Any], occurrence: Occurrence, now: int) -> Finding:
    """Not one shock has a value that could ever count."""
    close = rule["close_after_seconds"]
    end = None if close is None else occurrence.origin + close
    return without(Lack.NONE, NO_MAGNITUDE, rule, occurrence.origin, end, now, {})


def reader(context: Context) -> ValueOf:
    """Reads tenths where the fact is an earthquake of a comparable type: never ML against Ms."""
    types = frozenset(context.grouping["counted_types"])

    def value_of(fact: Fact) -> int | None:
        values = fact.observation.values
        counts = values["event_type"] == EARTHQUAKE and values["magnitude_type"] in types
        return int(values["magnitude_tenths"]) if counts else None

    return value_of
