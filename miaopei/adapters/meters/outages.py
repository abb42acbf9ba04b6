"""From readings to restorations: each reading belongs to one planned outage, and each outage gets
the report that its readings give, again when they change.

A reading belongs to the outage of its customer that was planned last before it (two hours of grace
for an early start). Off is the first cut; on is the last power-on after the last cut, so that power
that comes and goes is not back. Source: docs/specs/outage.md, section 10.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...acts.facts import event_key, facts_of, facts_of_event, plans_count_by
from ...errors import Refused
from ...evidence.kinds import OUTAGE
from ...evidence.outage.lists import SCOPE
from ...evidence.outage.plans import Late, Plan, plan_of
from ...measures.identity import canonical, content_id, read_canonical
from ...measures.instant import DAY, HOUR
from ...node.effects.listed import open_list
from ...node.node import Node
from ..grid.connections import Names
from ..grid.intake import Intake
from ..grid.message import Back
from . import pages
from .admitted.trust import Concentrators
from .pages import Held
from .speech import MEDIA, Batch, read

EARLY = 2 * HOUR  # before the planned start a cut may be the planned one
LOOK_BACK = 30 * DAY  # plans older than that get no reports
EVERY = 300  # seconds between reports that do not yet say that all are back
PATIENCE = 120  # seconds that a complete report waits for numbers that are missing
PLAN_SOURCE = "grid.command"
Event = tuple[int, bool]  # when, and whether power came on


@dataclass
class Open:
    """An outage whose readings are gathered: token -> events, and the batches they stand in."""

    number: str
    off: int
    tokens: frozenset[str]
    events: dict[str, set[Event]] = field(default_factory=dict)
    held: set[Held] = field(default_factory=set)
    changed: bool = False
    whole_since: int | None = None  # all were seen back, and reported or not, since then

    def rows(self, until: int | None) -> dict[str, dict[str, int | None]]:
        """token -> off and on, for everybody in scope."""
        return {token: _times(self.events.get(token, ()), until) for token in self.tokens}


@dataclass
class Outages:
    """The outages on record that readings may belong to."""

    node: Node
    known: Concentrators
    names: Names
    _open: dict[str, Open] = field(default_factory=dict)
    _by_token: dict[str, list[Open]] = field(default_factory=dict)
    _seen: tuple[Any, ...] = ()

    def knows(self, known: Concentrators) -> None:
        """Go by another register; what is kept is read again with it at the next refresh."""
        self.known, self._seen = known, ()

    def told(self, held: Held, batch: Batch) -> None:
        """Readings of a batch that was kept."""
        for reading in batch.readings if self._open else ():
            try:
                tokens = self.names(reading.customer)
            except Refused:
                continue
            for token in tokens:
                found = _of(self._by_token.get(token, ()), reading.at)
                if found is not None:
                    found.events.setdefault(token, set()).add((reading.at, reading.on))
                    found.held.add(held)
                    found.changed = True

    def refresh(self, now: int) -> None:
        """Follow the plans on record; where they have changed all kept readings are read again."""
        with self.node.reading() as (reading, state):
            facts = facts_of(state, OUTAGE, max(now - LOOK_BACK, 0), now + LOOK_BACK)
            ids = tuple(sorted(f.observation.id for f in facts))
            if ids == self._seen:
                return
            self._seen, self._open, by = ids, {}, plans_count_by(state)
            for number in sorted({f.observation.event_key for f in facts}):
                plan = plan_of(facts_of_event(state, number), number, [PLAN_SOURCE], by)
                if isinstance(plan, Late):  # meters report, a person says whether it counts
                    plan = plan.plan
                if isinstance(plan, Plan):
                    rows = open_list(reading, self.node.identity, plan.values["list"], SCOPE)
                    off = min(int(plan.values["off_planned"]), plan.began_at)
                    tokens = frozenset(row["token"] for row in rows)
                    self._open[number] = Open(number, off, tokens)
            self._by_token = {}
            for found in self._open.values():
                for token in found.tokens:
                    self._by_token.setdefault(token, []).append(found)
            if self._open:
                self._read_again(reading)

    def _read_again(self, reading: Any) -> None:
        for page, at, payloads in pages.each(reading, self.node.identity):
            for place, payload in enumerate(payloads):
                name = _named(payload)
                try:
                    said = read(payload, self.known.keys_at(name, at), name, at)
                except Refused:
                    continue  # its key is trusted no more
                if isinstance(said, Batch):
                    self.told(Held(page, place), self.known.readers.own(said, self.names))

    def report(self, intake: Intake, now: int, *, gaps: bool) -> int:
        """Report what has changed; how many reports went to the record. `gaps`: some numbers are
        missing, so that a report that all are back waits for them a while.
        """
        return sum(self._report(each, intake, now, gaps=gaps) for each in self._open.values())

    def _report(self, outage: Open, intake: Intake, now: int, *, gaps: bool) -> int:
        if not outage.changed and outage.whole_since is None:
            return 0
        name = f"meters/report/{event_key(outage.number)}"
        with self.node.store.reading() as reading:
            kept = reading.progress(name)
        last = None if kept is None else read_canonical(kept)
        settled = last["last_on"] if last is not None and last["complete"] else None
        rows = outage.rows(settled)
        said = _said(outage, rows, -1 if last is None else last["revision"], now)
        mark = content_id("meters", [said.complete, [[t, dict(rows[t])] for t in sorted(rows)]])
        if last is not None and last["mark"] == mark:
            outage.changed, outage.whole_since = False, None
            return 0
        if said.first_off is None and said.last_on is None:
            return 0
        if said.complete and gaps and settled is None:
            outage.whole_since = outage.whole_since or now
            if now - outage.whole_since < PATIENCE:
                return 0
        if not said.complete and last is not None and now - last["at"] < EVERY:
            return 0
        with self.node.store.reading() as reading:
            signed = _payloads(reading, self.node, outage.held)
        refused = intake.report(self.known.source, said, rows, signed, MEDIA, now)
        if refused:
            return 0
        value = {"revision": said.revision, "mark": mark, "complete": said.complete}
        value |= {"last_on": said.last_on, "at": now}
        with self.node.store.writing() as block:
            block.put_progress(name, canonical(value))
        outage.changed, outage.whole_since = False, None
        return 1


def _said(
    outage: Open, rows: Mapping[str, Mapping[str, int | None]], revision: int, now: int
) -> Back:
    offs = [row["off"] for row in rows.values() if row["off"] is not None]
    ons = [row["on"] for row in rows.values() if row["on"] is not None]
    return Back(
        number=outage.number,
        revision=revision + 1,
        published_at=max(now, max(ons, default=0)),
        first_off=min(offs, default=None),
        last_on=max(ons, default=None),
        complete=bool(rows) and len(ons) == len(rows),
        cause=None,
        times=None,
    )


def _times(events: Any, until: int | None) -> dict[str, int | None]:
    """First cut and final restoration of one customer; `until`: all were back by then."""
    ordered = sorted(e for e in events if until is None or e[0] <= until)
    cuts = [at for at, on in ordered if not on]
    backs = [at for at, on in ordered if on and (not cuts or at >= cuts[-1])]
    return {"off": cuts[0] if cuts else None, "on": backs[-1] if backs else None}


def _of(outages: Any, at: int) -> Open | None:
    """The outage planned last that a reading may belong to."""
    possible = [each for each in outages if each.off - EARLY <= at]
    return max(possible, key=lambda each: (each.off, each.number), default=None)


def _payloads(reading: Any, node: Node, held: set[Held]) -> list[bytes]:
    by_page: dict[int, list[int]] = {}
    for each in sorted(held, key=lambda h: (h.page, h.place)):
        by_page.setdefault(each.page, []).append(each.place)
    found = []
    for page, places in by_page.items():
        payloads = pages.opened(reading, node.identity, page)
        found += [payloads[place] for place in places]
    return found


def _named(payload: bytes) -> str:
    return str(json.loads(payload.partition(b"\n")[2]).get("concentrator"))
