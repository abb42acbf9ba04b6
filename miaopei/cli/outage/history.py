"""`miaopei replay-outages`: a file of past outages through planned-outage cover, as a what-if.

Each row is an outage with one insured customer. Plans and reports of both systems are messages that
the real intake takes; acts, node and decider are a real record's, over a store in memory. No money
moves and nothing is kept.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...adapters.books.tables import TORN, open_table
from ...adapters.grid import plain
from ...adapters.grid.intake import Intake
from ...errors import Refusal, Refused
from ...measures.instant import DAY, from_utc_text, utc_text
from ...measures.money import as_yuan, yuan
from ...node import scheme
from ...node.vault.tokens import KEY_BYTES, token
from ...products.shelf import shelf
from ...settings import Language
from ...wiring import Member
from .. import speak
from ..demo.whatif import MEMBER, begun

LISTING = "planned_outage"
FIGURES = ("outages", "late", "late_minutes", "paid", "payout_fen")
AT_ONCE = 50  # outages of one record: each is decided over all its policies
BOTH = ("grid.command", "grid.meter")


@dataclass(frozen=True)
class Columns:
    """Names of the columns that are read; `cause` and `only` choose rows whose cause has a text."""

    off: str
    planned_on: str
    on: str
    cause: str
    only: str


@dataclass(frozen=True)
class Past:
    """One outage: its row, and UTC seconds."""

    row: int
    off: int
    planned_on: int
    on: int


def run(file: Path, columns: Columns, deductible: int, *, as_json: bool, language: Language) -> int:
    """Replay the rows that can be read, and say what was late and what it would have paid."""
    speaker = speak.Speaker(language)
    found, left = _read(file, columns)
    told: dict[str, Any] = {"what_if": True, "rows": len(found) + left.total(), "left_out": left}
    total: Counter[str] = Counter(dict.fromkeys(FIGURES, 0))
    for start in range(0, len(found), AT_ONCE):
        total.update(replayed(found[start : start + AT_ONCE], deductible))
    told |= total
    if as_json:
        speak.show_json(told)
        return 0
    for why, count in sorted(left.items()):
        speak.note(speaker.text(f"past_{why}", count=count))
    facts = {n: told[n] for n in ("outages", "late", "late_minutes", "paid")}
    speak.out(speaker.text("past_outages", **facts, yuan=as_yuan(told["payout_fen"])))
    return 0


def replayed(found: Sequence[Past], deductible: int) -> dict[str, Any]:
    """What the record says of these outages: late ones, minutes late, claims paid, fen."""
    start = min(p.off for p in found) - 3 * DAY
    member = begun(start, scheme.load("yuyao"), shelf())
    key = os.urandom(KEY_BYTES)

    def names(customer: str) -> list[str]:
        return [token(key, customer)]

    _insure(member, found, names, deductible)
    intake = Intake(member.node, names)
    _tell(intake, BOTH[0], 1, start, {"plans": [_plan(p, start) for p in found]})
    end = max(max(p.on, p.planned_on) for p in found) + DAY
    member.node.pass_time(end)
    for number, source in ((2, BOTH[0]), (1, BOTH[1])):
        _tell(intake, source, number, end, {"restorations": [_back(p) for p in found]})
    member.work()
    return _told(member, len(found))


def _tell(intake: Intake, source: str, number: int, at: int, what: dict[str, Any]) -> None:
    said = {"format": plain.FORMAT, "source": source, "sequence": number, "sent_at": utc_text(at)}
    taken = intake.take(json.dumps({**said, **what}).encode(), at)
    if taken.refusals:
        raise Refused(*taken.refusals)


def _told(member: Member, outages: int) -> dict[str, Any]:
    with member.node.reading() as (_, state):
        triggers = [value for _, value in state.range("trigger", "")]
        settled = [value["settlement"] for _, value in state.range("settlement", "")]
    late = [
        by
        for each in triggers
        if (by := _late(each["facts"])) > 0 and each["facts"]["in_scope"]["value"]
    ]
    paid = [s["totals"]["pay_fen"] for s in settled if s["totals"]["pay_fen"]]
    return {
        "outages": outages,
        "late": len(late),
        "late_minutes": sum(late),
        "paid": len(paid),
        "payout_fen": sum(paid),
    }


def _late(facts: Mapping[str, Any]) -> int:
    return int(facts["actual_restoration"]["value"]) - int(facts["planned_restoration"]["value"])


def _insure(member: Member, found: Sequence[Past], names: Any, deductible: int) -> None:
    """One policy for each outage's customer, over everything."""
    since, until = min(p.off for p in found) - 2 * DAY, max(p.on for p in found) + 366 * DAY
    wanted = [
        scheme.Wanted(
            since=since,
            until=until,
            year_from=since,
            premium_fen=0,
            payee={"account": "what-if", "name": MEMBER},
            declared={"deductible": deductible, "occurrence_limit": yuan(100_000)},
            subject=names(f"C{p.row}")[0],
        )
        for p in found
    ]
    scheme.issue(member.node, LISTING, wanted, MEMBER)
    member.work()


def _read(file: Path, columns: Columns) -> tuple[list[Past], Counter[str]]:
    """Rows that are outages with all three times, and how many are left out and why."""
    table = open_table(file)
    wanted = [columns.off, columns.planned_on, columns.on]
    wanted += [columns.cause] if columns.only else []
    if missing := [name for name in wanted if name not in table.columns]:
        facts = {"missing": ", ".join(missing)[:200], "found": ", ".join(table.columns)[:200]}
        raise Refused(Refusal("import.columns_missing", facts))
    left: Counter[str] = Counter()
    found = list(_rows(table.rows(), columns, left))
    return found, left


def _rows(
    rows: Iterator[tuple[int, dict[str, str]]], columns: Columns, left: Counter[str]
) -> Iterator[Past]:
    for number, cells in rows:
        if TORN in cells:
            left["unreadable"] += 1
        elif columns.only and columns.only.casefold() not in cells[columns.cause].casefold():
            left["other_cause"] += 1
        elif not cells[columns.planned_on].strip():
            left["no_plan"] += 1
        else:
            try:
                off, planned, on = (
                    from_utc_text(cells[name].strip().replace(" ", "T", 1))
                    for name in (columns.off, columns.planned_on, columns.on)
                )
            except Refused:
                left["unreadable"] += 1
                continue
            if on < off or planned < off:
                left["before_off"] += 1
            else:
                yield Past(number, off, planned, on)


def _plan(past: Past, at: int) -> dict[str, Any]:
    """As if it had been known from the beginning: a plan counts only where it came in time."""
    return {
        "number": f"H-{past.row}", "revision": 0, "state": "planned",
        "published_at": utc_text(at), "off_planned": utc_text(past.off),
        "on_planned": utc_text(past.planned_on), "cause": 1, "replaces": [],
        "feeder": f"H-{past.row}", "scope": {"customers": [f"C{past.row}"]},
    }  # fmt: skip


def _back(past: Past) -> dict[str, Any]:
    return {
        "number": f"H-{past.row}", "revision": 0, "published_at": utc_text(past.on),
        "first_off": utc_text(past.off), "last_on": utc_text(past.on), "complete": True,
        "cause": None,
    }  # fmt: skip
