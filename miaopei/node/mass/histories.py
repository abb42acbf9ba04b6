"""What each policy of a book has been settled before: `spent`, kept beside the rows.

Source: docs/specs/record.md, section 7.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...acts.facts import product_of
from ...acts.repay import repaid_of
from ...acts.state import State
from ...claims.claim import STATES
from ...claims.evaluate import History
from ...evidence.findings.outages import OVERLAPS
from ...evidence.outage.plans import holds_overlaps
from ...evidence.shocks import each_decides
from ...measures.instant import DAY, period_index
from ...policies.schedule import InForce, Schedule, places_of
from ..effects.listed import RESTORED
from ..ports import Reading

Int64Array = NDArray[np.int64]
LONGEST_YEAR = 366 * DAY
HELD = STATES.index("held")
ONE_LOSS_SINCE = 4  # the rule set from which a customer without power is without it once
# A trigger, and places of policies in force -> when these were without power by it.
Spans = Callable[[Mapping[str, Any], Sequence[int]], list[tuple[int, int]]]


def histories(
    reading: Reading,
    state: State,
    trigger: dict[str, Any],
    schedule: Schedule,
    policies: InForce,
    counter: int,
    spans: Spans | None = None,
) -> History:
    """What each policy in force has been settled: in its policy year elsewhere, and here before.

    As of a counter of the book. Only triggers that had settled by then count; a held claim reserves
    the most it may become. An occurrence counts whole in one policy year: that of its last settled
    trigger, or where every shock decides that of the shock that gives the policy most, the earliest
    among equals; this one in that of the trigger at hand. With `spans`, what was paid for another
    occurrence in whose time a policy's own falls was paid for the same loss.
    """
    here, at = trigger["occurrence"], trigger["instant"]
    each = each_decides(product_of(state, trigger["product"]).grouping)
    elsewhere, mine = np.zeros(schedule.size, np.int64), np.zeros(schedule.size, np.int64)
    beside = None if spans is None else np.zeros(schedule.size, np.int64)
    before = _before(reading, state, trigger, counter)
    repaid = repaid_of(state, trigger["listing"], trigger["benefit"], before)
    for occurrence, triggers in _settled(state, trigger, counter).items():
        instants = sorted({instant for _, instant in triggers})
        if occurrence != here and all(abs(instant - at) > LONGEST_YEAR for instant in instants):
            continue
        had = _had(reading, triggers, schedule.size, each=each)
        back = repaid.get(occurrence, {})
        for place, policy in places_of(schedule.policy, back).items():
            if schedule.first[place] == place:  # once, at the policy's first row
                had.paid[place] = max(0, int(had.paid[place]) - back[policy])
        if occurrence == here:
            mine = had.paid
            continue
        if spans is not None and beside is not None:
            same = _same_loss(state, trigger, triggers[-1][0], policies, had.paid, spans)
            beside[same] += had.paid[same]
            had.paid[same] = 0
        for instant in instants:
            counts = (had.instant == instant) & _same_year(schedule, instant, at)
            elsewhere += np.where(counts, np.maximum(had.paid, had.held), 0)
    in_both = None if beside is None else beside[policies.first]
    return History(elsewhere[policies.first], mine[policies.first], in_both)


def paid_once(state: State, trigger: Mapping[str, Any]) -> bool:
    """Whether a policy's loss under this trigger may be that of another: the filing holds outages
    in one time for one, and no person has said that this is another.
    """
    grouping = product_of(state, trigger["product"]).grouping
    said = (fact["detail"].get("resolved") for fact in trigger["facts"].values())
    return bool(
        trigger["rules"] >= ONE_LOSS_SINCE and holds_overlaps(grouping) and OVERLAPS not in said
    )


def _same_loss(
    state: State,
    trigger: Mapping[str, Any],
    other: str,
    policies: InForce,
    paid: Int64Array,
    spans: Spans,
) -> Int64Array:
    """Policies, by their first row, that were paid for a time that overlaps their own here."""
    before = state.need("trigger", other)
    reach, theirs = _reach(state, trigger), _reach(state, before)
    places = np.flatnonzero(paid[policies.first] > 0)
    if not len(places) or reach[0] >= theirs[1] or theirs[0] >= reach[1]:
        return np.zeros(0, np.int64)  # no list need be opened for these
    own, had = (np.array(spans(each, places.tolist()), np.int64) for each in (trigger, before))
    meet = (own[:, 0] < had[:, 1]) & (had[:, 0] < own[:, 1])
    return policies.first[places[meet]]


def _reach(state: State, trigger: Mapping[str, Any]) -> tuple[int, int]:
    """From when to when a trigger may speak of anybody's power, with a day to spare."""
    product = product_of(state, trigger["product"])
    ends = [
        int(fact["value"]) * 60
        for name, fact in trigger["facts"].items()
        if product.rule(name).measure == RESTORED
    ]
    return trigger["instant"] - DAY, max(ends, default=trigger["instant"]) + DAY


def _before(
    reading: Reading, state: State, trigger: dict[str, Any], counter: int
) -> Callable[[str], bool]:
    """Whether an act stands before what was settled on a counter; any does while nothing is."""
    settled = state.get("settled", f"{trigger['book']}/{counter + 1:012d}")
    end = None if settled is None else reading.place(settled)

    def before(act: str) -> bool:
        at = reading.place(act)
        return end is None or at is None or at < end

    return before


@dataclass(frozen=True)
class _Had:
    """What policies have had for one occurrence, by the position of their first row.

    `instant` is that of the trigger that puts it in a policy year.
    """

    paid: Int64Array
    held: Int64Array
    instant: Int64Array


def _had(reading: Reading, triggers: list[tuple[str, int]], size: int, *, each: bool) -> _Had:
    had = _Had(*(np.zeros(size, np.int64) for _ in range(3)))
    most, reserved = np.full(size, -1, np.int64), dict[int, Int64Array]()
    for other, instant in triggers:
        claims = reading.claim_columns(other)
        claims = claims[claims["first"] < size]
        first, owed = claims["first"], claims["owed_fen"]
        had.paid[first] += claims["pay_fen"]  # a policy stands once in the claims of a trigger
        # Whole for the occurrence, or for one shock: a later revision replaces an earlier one.
        held = reserved.setdefault(instant if each else 0, np.zeros(size, np.int64))
        held[first] = np.where(claims["state"] == HELD, owed, 0)
        if not each:
            had.instant[first] = triggers[-1][1]
            continue
        before = most[first]
        more = (owed > before) | ((owed == before) & (instant < had.instant[first]))
        most[first[more]], had.instant[first[more]] = owed[more], instant
    for held in reserved.values():
        np.maximum(had.held, held, out=had.held)
    return had


def _settled(
    state: State, trigger: dict[str, Any], counter: int
) -> dict[str, list[tuple[str, int]]]:
    """Settled triggers of the same book and benefit with their instants, by occurrence, in order.

    The deciding instant moves with the main shock, perhaps over the end of a policy year.
    """
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for _, settlement in state.between(
        "settled", f"{trigger['book']}/", f"{trigger['book']}/{counter + 1:012d}"
    ):
        other_id = state.need("settlement", settlement)["settlement"]["trigger"]
        other = state.need("trigger", other_id)
        if other["benefit"] == trigger["benefit"]:
            found[other["occurrence"]].append((other_id, other["instant"]))
    return found


def _same_year(schedule: Schedule, one: int, other: int) -> NDArray[np.bool_]:
    """Rows whose policy has both instants in one policy year."""
    starts, places = np.unique(schedule.year_from, return_inverse=True)
    same = [period_index(one, start) == period_index(other, start) for start in starts.tolist()]
    return np.array(same, np.bool_)[places]
