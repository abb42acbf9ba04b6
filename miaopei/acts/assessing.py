"""One case looked at: whether its facts make a trigger, wait, or leave it as it has settled.

Asks `claims.case` what the facts allow and, where every shock of a sequence decides,
`claims.sequence` which is next. Source: docs/specs/record.md, section 6; docs/specs/evidence.md,
section 8.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ..claims import case as claims_case
from ..claims import sequence
from ..claims.case import Ready, Standing
from ..errors import Refused
from ..evidence.findings import Finding, Found, alone, deciding, find
from ..evidence.grouping import Shock
from ..evidence.kinds import OUTAGE
from ..evidence.shocks import each_decides
from ..terms.filing import InputRule, Product
from . import triggers
from .standing import Case, contradicted, held_again, set_case, settled_again, standing_of
from .state import State

CORRECTED_SINCE = 4  # the rule set from which what contradicts a settled outage is held
Look = Callable[[Shock | None, bool], Ready | Standing]


def assess(case: Case, *, anew: bool) -> None:
    """Write down how a case stands now. `anew`: also facts that have not changed make a trigger,
    where they are complete.
    """
    state, now, before, product = case.state, case.now, case.before, case.product
    last = None if not case.base["trigger"] else state.need("trigger", case.base["trigger"])
    fixed = state.get("fixed", f"{case.base['listing']}/{case.occurrence.id}") or {}
    look = partial(_look, case, fixed)
    if each_decides(product.grouping):
        rules = [rule.as_json() for rule in product.inputs]
        shocks = deciding(rules, case.occurrence, case.seen, now.time, fixed)
        _each(case, shocks, look, anew=anew)
        return
    corrected = now.rules >= CORRECTED_SINCE
    waits = last is not None and _released(case) > last.get("releases", 0)
    standing = look(None, last is not None)
    if isinstance(standing, Standing) and last is not None and waits:
        standing = _as_before(product, last)  # what a person released does not wait for more facts
    if isinstance(standing, Standing):
        if last is None:  # else: what has settled stays so while later facts are incomplete
            set_case(state, case.outcome, case.key, standing_of(case.base, standing))
        elif before is not None and corrected and product.grouping["kind"] == OUTAGE:
            contradicted(case, before, standing)
        return
    if last is not None and not (anew or waits) and sequence.same_values(last, standing):
        if before is not None and corrected and held_again(before):
            before = settled_again(case, before, last)
        until = triggers.look_again(standing)
        if until is not None and until > now.time and before is not None:
            set_case(state, case.outcome, case.key, {**before, "until": until})
        return
    triggers.make(case, standing)


def _look(
    case: Case, fixed: Mapping[str, Any], shock: Shock | None, again: bool
) -> Ready | Standing:
    """What the facts allow, of one shock or of the sequence as a whole."""
    product, seen = case.product, case.seen

    def ask(rule: InputRule, known: Mapping[str, Found]) -> Finding:
        seen.known = known
        of, filed = alone(rule.measure, case.occurrence, shock), rule.as_json()
        return find(filed, of, product.area, seen, case.now.time, fixed)

    first = None if shock is None else seen.fact(shock.id)
    opened = case.occurrence.origin if first is None else first.observation.instant
    try:
        return claims_case.assess(product, case.benefit, opened, ask, again=again)
    except Refused as refused:  # a listing that cannot be assessed stops nobody but itself
        code, facts = refused.refusals[0].code, refused.refusals[0].as_json()
        return Standing("refused", code, {"refusal": facts}, None, "operator")


def _each(case: Case, shocks: Sequence[Shock], look: Look, *, anew: bool) -> None:
    """Look at each shock by itself; decide the next, or say how the sequence stands.

    The table `weighed` keeps the last trigger of each shock of a case.
    """
    state, base, key = case.state, case.base, case.key
    weighed: dict[str, str] = state.get("weighed", key) or {}
    looks = [sequence.Look(s.id, look(s, s.id in weighed)) for s in shocks]
    looks = looks or [sequence.Look(sequence.WHOLE, look(None, sequence.WHOLE in weighed))]
    size = state.need("book", case.entry["listing"]["book"])["size"]
    decided = {shock: _decided(state, trigger, size) for shock, trigger in weighed.items()}
    left = sequence.still_open(looks)
    found = _once_more(case, looks, decided, anew=anew)
    found = found or sequence.next_ready(looks, decided, case.benefit)
    if found is None and base["trigger"] is None:
        set_case(state, case.outcome, key, standing_of(base, sequence.told(looks)))
        return
    times = (each["until"] for each in left if each["until"] is not None)
    until = min((time for time in times if time > case.now.time), default=None)
    beside = {"until": until, **({"open": left} if left else {})}
    if found is not None:
        shock = found[0].shock
        trigger = triggers.make(case, found[1], beside, shock)
        state.put("weighed", key, {**weighed, shock: trigger})
        return
    settled = {k: v for k, v in state.need("case", key).items() if k != "open"}
    set_case(state, case.outcome, key, {**settled, **beside})


def _once_more(
    case: Case,
    looks: Sequence[sequence.Look],
    decided: Mapping[str, sequence.Decided],
    *,
    anew: bool,
) -> tuple[sequence.Look, Ready] | None:
    """A shock of which a person has released a claim, or (`anew`) which could not be decided."""
    standing = {look.shock: look.standing for look in looks}
    releases = case.on_file.releases(case.key)
    for shock, last in sorted(decided.items()):
        now = standing.get(shock)
        if releases[shock] > last.trigger.get("releases", 0):
            again = now if isinstance(now, Ready) else _as_before(case.product, last.trigger)
            return sequence.Look(shock, again), again
        undecided = anew and last.trigger["revision"] == case.base["revision"]
        if undecided and isinstance(now, Ready):
            return sequence.Look(shock, now), now
    return None


def _decided(state: State, trigger_id: str, size: int) -> sequence.Decided:
    """A shock's last trigger; what its deciders say is steady holds while no rows are added."""
    trigger = state.need("trigger", trigger_id)
    first, end = state.get("steady", trigger_id) or (0, 0)
    return sequence.Decided(trigger, first, end if trigger["book_size"] == size else first)


def _released(case: Case) -> int:
    return case.on_file.releases(case.key)[sequence.WHOLE]


def _as_before(product: Product, last: Mapping[str, Any]) -> Ready:
    """The facts of the last trigger once more."""
    return Ready(product.version(last["version"]), last["instant"], last["facts"])
