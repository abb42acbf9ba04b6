"""Cases on the record: which occurrences new facts touch, what ripens, and who is looked at again.

Asks `occurrences` how the facts group; `assessing` says how each case stands, and `triggers` makes
what is decided of it. Source: docs/specs/record.md, section 6.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..evidence.grouping import Occurrence
from ..evidence.kinds import KEYED, OUTAGE
from ..evidence.observation import Observation
from ..measures.instant import DAY, from_beijing
from .assessing import CORRECTED_SINCE, assess
from .base import Moment, Outcome, by_itself, ripe_in
from .facts import GROUPED, RecordContext
from .occurrences import Regrouping
from .on_file import OnFile
from .standing import Case, held, supersede
from .state import State

APART_SINCE = 4  # the rule set from which on a listing that cannot be looked at is held by itself
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
    """As `reassess`; a listing that cannot be looked at is held by name, and others go on.

    Up to rule set 3 an act that came upon one was refused whole.
    """
    if now.rules < APART_SINCE and now.by != "time":
        reassess(on_file, outcome, listing, at, now, only)
        return
    with by_itself(on_file.state, outcome) as why:
        reassess(on_file, outcome, listing, at, now, only)
    if why:
        held(on_file, outcome, listing, at, why[0])


def reassess(
    on_file: OnFile,
    outcome: Outcome,
    listing: str,
    at: str,
    now: Moment,
    only: str | None = None,
    *,
    anew: bool = False,
) -> None:
    """Assess the cases of one listing, or `only` that of one benefit, for the occurrence at key
    `at` of the occurrence table; `anew` as in `assess`.
    """
    state = on_file.state
    entry = state.need("listing", listing)
    product = on_file.product(entry["product"])
    occurrence = Occurrence.from_json(state.need("occurrence", at))
    seen: RecordContext | None = None
    for benefit in product.benefits:
        if only is not None and benefit != only:
            continue
        before = state.get("case", f"{listing}/{occurrence.id}/{benefit}")
        if before is not None and before["state"] in UNSETTLED:
            continue  # its facts are frozen for this revision; looked at again when it has settled
        seen = seen or on_file.context(entry["rule"], product.grouping, listing, occurrence)
        seen.from_first = now.rules >= CORRECTED_SINCE
        case = Case(on_file, outcome, now, entry, occurrence, at, benefit, seen, before)
        assess(case, anew=anew)


def _rules(state: State) -> dict[str, Mapping[str, Any]]:
    return {k.partition("/")[0]: rule for k, rule in state.range("rule", "")}
