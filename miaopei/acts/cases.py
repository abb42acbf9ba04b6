"""Cases on the record: which occurrences new facts touch, what ripens, and the line of triggers.

Asks `occurrences` how the facts group and `claims.case` what they allow, writes the answer down.
Source: docs/specs/record.md, section 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..claims import case as claims_case
from ..claims import sequence
from ..claims.case import case_key
from ..errors import Refused
from ..evidence.findings import Finding, Found, alone, deciding, find
from ..evidence.grouping import Occurrence, Shock
from ..evidence.kinds import KEYED, OUTAGE
from ..evidence.observation import Observation
from ..evidence.shocks import each_decides
from ..measures.identity import content_id
from ..measures.instant import DAY, from_beijing
from ..terms.canonical import filing_hash, meaning_hash
from ..terms.filing import InputRule, Product
from . import rounds
from .base import Made, Moment, Outcome, by_itself, ripe_in
from .facts import GROUPED, RecordContext
from .occurrences import Regrouping, pin
from .on_file import OnFile
from .standing import (
    contradicted,
    held,
    held_again,
    set_case,
    settled_again,
    standing_of,
    supersede,
)
from .state import State

APART_SINCE = 4  # the rule set from which on a listing that cannot be looked at is held by itself
CORRECTED_SINCE = 4  # the rule set from which what contradicts a settled outage is held
UNSETTLED = frozenset({"ready", "deciding"})


def facts_arrived(state: State, outcome: Outcome, new: Iterable[Observation], now: Moment) -> None:
    """Look again at every case that the new observations may touch."""
    arrived = sorted(new, key=lambda observation: (observation.instant, observation.id))
    on_file = OnFile(state)
    for rule_id, rule in _rules(state).items():
        touched: set[str] = set()
        grouping = Regrouping(on_file, rule_id, rule)
        for observation in arrived:
            if (observation.kind in KEYED) != (rule["kind"] == OUTAGE):
                continue
            if observation.kind in KEYED or observation.kind in GROUPED:
                again = grouping.event if observation.kind in KEYED else grouping.fact
                changed = again(observation)
                touched.update(changed.touched)
                for occurrence in changed.gone:
                    supersede(on_file, outcome, rule_id, occurrence)
            elif day := observation.values.get("event_day"):
                first = from_beijing(day)
                touched.update(grouping.around(first, first + DAY - 1))
        for key in sorted(touched):
            if state.has("occurrence", key):
                for listing in on_file.listings(rule_id):
                    _apart(on_file, outcome, listing, key, now)


def ripen(state: State, outcome: Outcome, now: Moment) -> None:
    """Look again at every case whose deadline has come by the block's time."""
    on_file = OnFile(state)
    for key, of in ripe_in(state, "ripe", now.time):
        state.delete("ripe", key)
        case = state.need("case", of)
        if f"{case['until'] or 0:012d}" == key[:12]:
            _apart(on_file, outcome, case["listing"], case["at"], now, case["benefit"])


def _apart(
    on_file: OnFile,
    outcome: Outcome,
    listing: str,
    at: str,
    now: Moment,
    only: str | None = None,
) -> None:
    """As `_reassess`; a listing that cannot be looked at is held by name, and others go on.

    Up to rule set 3 an act that came upon one was refused whole.
    """
    if now.rules < APART_SINCE and now.by != "time":
        _reassess(on_file, outcome, listing, at, now, only)
        return
    with by_itself(on_file.state, outcome) as why:
        _reassess(on_file, outcome, listing, at, now, only)
    if why:
        held(on_file, outcome, listing, at, why[0])


def reassess(
    state: State,
    outcome: Outcome,
    listing_id: str,
    at: str,
    now: Moment,
    only: str | None = None,
    *,
    anew: bool = False,
) -> None:
    """Assess the cases of one listing for the occurrence at key `at` of the occurrence table.

    `anew`: also facts that have not changed make a trigger, where they are complete.
    """
    _reassess(OnFile(state), outcome, listing_id, at, now, only, anew=anew)


def _reassess(
    on_file: OnFile,
    outcome: Outcome,
    listing_id: str,
    at: str,
    now: Moment,
    only: str | None = None,
    *,
    anew: bool = False,
) -> None:
    """As `reassess`, by what has been read of the record already."""
    state = on_file.state
    entry = state.need("listing", listing_id)
    product = on_file.product(entry["product"])
    occurrence = Occurrence.from_json(state.need("occurrence", at))
    seen: RecordContext | None = None
    for benefit in product.benefits:
        if only is not None and benefit != only:
            continue
        case = state.get("case", f"{listing_id}/{occurrence.id}/{benefit}")
        if case is not None and case["state"] in UNSETTLED:
            continue  # its facts are frozen for this revision; looked at again when it has settled
        seen = seen or on_file.context(entry["rule"], product.grouping, listing_id, occurrence)
        seen.from_first = now.rules >= CORRECTED_SINCE
        _assess(on_file, outcome, entry, product, benefit, at, occurrence, seen, now, anew=anew)


def _assess(
    on_file: OnFile,
    outcome: Outcome,
    entry: Mapping[str, Any],
    product: Product,
    benefit: str,
    at: str,
    occurrence: Occurrence,
    seen: RecordContext,
    now: Moment,
    *,
    anew: bool,
) -> None:
    state, listing = on_file.state, entry["listing"]["id"]
    key = f"{listing}/{occurrence.id}/{benefit}"
    case = state.get("case", key)
    last = None if case is None or not case["trigger"] else state.need("trigger", case["trigger"])
    waits = last is not None and on_file.releases(key)[sequence.WHOLE] > last.get("releases", 0)
    fixed = state.get("fixed", f"{listing}/{occurrence.id}") or {}

    def look(shock: Shock | None, again: bool) -> claims_case.Ready | claims_case.Standing:
        def ask(rule: InputRule, known: Mapping[str, Found]) -> Finding:
            seen.known = known
            of, filed = alone(rule.measure, occurrence, shock), rule.as_json()
            return find(filed, of, product.area, seen, now.time, fixed)

        first = None if shock is None else seen.fact(shock.id)
        opened = occurrence.origin if first is None else first.observation.instant
        try:
            return claims_case.assess(product, benefit, opened, ask, again=again)
        except Refused as refused:  # a listing that cannot be assessed stops nobody but itself
            code, facts = refused.refusals[0].code, refused.refusals[0].as_json()
            return claims_case.Standing("refused", code, {"refusal": facts}, None, "operator")

    base = {
        "listing": listing,
        "occurrence": occurrence.id,
        "benefit": benefit,
        "at": at,
        "revision": 0 if case is None else case["revision"],
        "trigger": None if case is None else case["trigger"],
        "settlement": None if case is None else case["settlement"],
    }
    if each_decides(product.grouping):
        rules = [rule.as_json() for rule in product.inputs]
        shocks = deciding(rules, occurrence, seen, now.time, fixed)
        _each(on_file, outcome, entry, product, base, shocks, look, key, now, anew=anew)
        return
    standing = look(None, last is not None)
    if isinstance(standing, claims_case.Standing) and last is not None and waits:
        standing = _as_before(product, last)  # what a person released does not wait for more facts
    if isinstance(standing, claims_case.Standing):
        if last is None:  # else: what has settled stays so while later facts are incomplete
            set_case(state, outcome, key, standing_of(base, standing))
        elif (
            case is not None and now.rules >= CORRECTED_SINCE and product.grouping["kind"] == OUTAGE
        ):
            contradicted(state, outcome, key, case, base, standing, now)
        return
    if last is not None and not (anew or waits) and sequence.same_values(last, standing):
        if case is not None and now.rules >= CORRECTED_SINCE and held_again(case):
            case = settled_again(state, outcome, key, case, last)
        until = _look_again(standing)
        if until is not None and until > now.time and case is not None:
            set_case(state, outcome, key, {**case, "until": until})
        return
    _trigger(on_file, outcome, entry, product, base, standing, key, now)


def _each(
    on_file: OnFile,
    outcome: Outcome,
    entry: Mapping[str, Any],
    product: Product,
    base: dict[str, Any],
    shocks: Sequence[Shock],
    look: Callable[[Shock | None, bool], claims_case.Ready | claims_case.Standing],
    key: str,
    now: Moment,
    *,
    anew: bool,
) -> None:
    """Look at each shock by itself; decide the next, or say how the sequence stands.

    The table `weighed` keeps the last trigger of each shock of a case.
    """
    state = on_file.state
    weighed: dict[str, str] = state.get("weighed", key) or {}
    looks = [sequence.Look(s.id, look(s, s.id in weighed)) for s in shocks]
    looks = looks or [sequence.Look(sequence.WHOLE, look(None, sequence.WHOLE in weighed))]
    size = state.need("book", entry["listing"]["book"])["size"]
    decided = {shock: _decided(state, trigger, size) for shock, trigger in weighed.items()}
    left = sequence.still_open(looks)
    found = _once_more(on_file, product, base, looks, decided, key, anew=anew)
    found = found or sequence.next_ready(looks, decided, base["benefit"])
    if found is None and base["trigger"] is None:
        set_case(state, outcome, key, standing_of(base, sequence.told(looks)))
        return
    times = (each["until"] for each in left if each["until"] is not None)
    until = min((time for time in times if time > now.time), default=None)
    beside = {"until": until, **({"open": left} if left else {})}
    if found is not None:
        shock = found[0].shock
        trigger = _trigger(
            on_file, outcome, entry, product, base, found[1], key, now, beside, shock
        )
        state.put("weighed", key, {**weighed, found[0].shock: trigger})
        return
    settled = {k: v for k, v in state.need("case", key).items() if k != "open"}
    set_case(state, outcome, key, {**settled, **beside})


def _once_more(
    on_file: OnFile,
    product: Product,
    base: Mapping[str, Any],
    looks: Sequence[sequence.Look],
    decided: Mapping[str, sequence.Decided],
    key: str,
    *,
    anew: bool,
) -> tuple[sequence.Look, claims_case.Ready] | None:
    """A shock of which a person has released a claim, or (`anew`) which could not be decided."""
    standing = {look.shock: look.standing for look in looks}
    releases = on_file.releases(key)
    for shock, last in sorted(decided.items()):
        now = standing.get(shock)
        if releases[shock] > last.trigger.get("releases", 0):
            again = now if isinstance(now, claims_case.Ready) else _as_before(product, last.trigger)
            return sequence.Look(shock, again), again
        undecided = anew and last.trigger["revision"] == base["revision"]
        if undecided and isinstance(now, claims_case.Ready):
            return sequence.Look(shock, now), now
    return None


def _decided(state: State, trigger_id: str, size: int) -> sequence.Decided:
    """A shock's last trigger; what its deciders say is steady holds while no rows are added."""
    trigger = state.need("trigger", trigger_id)
    first, end = state.get("steady", trigger_id) or (0, 0)
    return sequence.Decided(trigger, first, end if trigger["book_size"] == size else first)


def _trigger(
    on_file: OnFile,
    outcome: Outcome,
    entry: Mapping[str, Any],
    product: Product,
    base: dict[str, Any],
    ready: claims_case.Ready,
    key: str,
    now: Moment,
    beside: Mapping[str, Any] | None = None,
    shock: str = sequence.WHOLE,
) -> str:
    """Make the trigger of a case and put it in its book's line; its id."""
    state, name = on_file.state, entry["listing"]["book"]
    if base["trigger"] is not None:
        state.delete("ended", base["trigger"])  # no further round: other facts, another trigger
    book = state.need("book", name)
    value = {
        "v": 1,
        "listing": base["listing"],
        "book": name,
        "occurrence": base["occurrence"],
        "benefit": base["benefit"],
        "revision": base["revision"] + 1,
        "product": entry["product"],
        "version": ready.version.number,
        "filing": filing_hash(ready.version.terms),
        "meaning": meaning_hash(ready.version.terms),
        "rules": now.rules,
        "instant": ready.instant,
        "facts": ready.facts,
        "book_size": book["size"],
        "book_root": book["root"],
    }
    if count := on_file.releases(key)[shock]:
        value |= {"releases": count, "shock": shock}  # so many of its releases, in order, count
    trigger = content_id("trigger", value)
    because = sorted({i for fact in ready.facts.values() for i in fact["because"]})
    state.put("trigger", trigger, value)
    _fix(state, value)
    outcome.made.append(Made("trigger", trigger, value, tuple(because)))
    line_up(state, name, trigger)
    case = {
        **base,
        "state": "ready",
        "reason": "facts_complete",
        "facts": ready.facts,
        "until": _look_again(ready),
        "owner": None,
        "instant": ready.instant,
        "revision": value["revision"],
        "trigger": trigger,
        **(beside or {}),
    }
    set_case(state, outcome, key, case)
    pin(state, base["at"], trigger)
    open_next(state, outcome, name, now)
    return trigger


def line_up(state: State, name: str, trigger: str) -> None:
    """Put a trigger at the end of its book's line."""
    book = state.need("book", name)
    state.put("line", f"{name}/{book['next']:012d}", trigger)
    state.put("book", name, {**book, "next": book["next"] + 1})


def open_next(state: State, outcome: Outcome, name: str, now: Moment) -> None:
    """Open the first trigger that waits in a book's line, if none is open."""
    book = state.need("book", name)
    if book["open"] is not None:
        return
    first = next(state.range("line", f"{name}/"), None)
    if first is None:
        return
    key, trigger_id = first
    state.delete("line", key)
    book["open"] = trigger_id
    state.put("book", name, book)
    state.put("duty", f"decide/{trigger_id}", {"trigger": trigger_id, "counter": book["counter"]})
    trigger = state.need("trigger", trigger_id)
    rounds.begin(state, trigger_id, trigger, now)
    key = case_key(trigger)
    case = state.need("case", key)
    set_case(state, outcome, key, {**case, "state": "deciding", "reason": "trigger_open"})


def _rules(state: State) -> dict[str, Mapping[str, Any]]:
    return {k.partition("/")[0]: rule for k, rule in state.range("rule", "")}


def _fix(state: State, trigger: Mapping[str, Any]) -> None:
    """Keep the values of shocks that a trigger uses, for all benefits and every later revision.

    Also where a later trigger has no use for them: else it would be forgotten what has settled.
    """
    key = f"{trigger['listing']}/{trigger['occurrence']}"
    fixed = state.get("fixed", key) or {}
    for fact in trigger["facts"].values():
        fixed.update(fact["detail"].get("used", {}))
    state.put("fixed", key, fixed)


def _as_before(product: Product, last: Mapping[str, Any]) -> claims_case.Ready:
    """The facts of the last trigger once more."""
    return claims_case.Ready(product.version(last["version"]), last["instant"], last["facts"])


def _look_again(ready: claims_case.Ready) -> int | None:
    """When a shock of the sequence that still waits reaches its own deadline."""
    waits = (fact["detail"].get("until") for fact in ready.facts.values())
    return min((until for until in waits if until is not None), default=None)
