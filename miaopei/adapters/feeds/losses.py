"""Loss assessment reports (a line an area, or a line an item) and official death notices.

Figures are in 万元 with at most one decimal and become units of 0.1 万元. Areas are named or coded
by GB/T 2260. The days are Beijing days.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...evidence.kinds import DEATHS, ITEMS, LOSS_REPORT
from ...evidence.observation import Observation
from ...measures.instant import beijing_day, from_beijing
from .reading import TROUBLE, Given, Row, checked, exact, needed, no, plain, refusals_of
from .shipped import names
from .tables import Line, Table

LOSSES, NOTICES = "loss.national", "deaths.official"
_HEAD = {"date", "event", "area", "issuer", "version"}
REPORT = {*_HEAD, "civil_house_loss_wan", "event_total_civil_house_loss_wan", "total_is"}
REPORT_ITEMS = {*_HEAD, "item", "loss_wan"}
NOTICE = {*_HEAD, "deaths"}
BARE_ITEMS = {"item", "loss_wan"}

Key = tuple[str, ...]


def report(row: Mapping[str, str], given: Given) -> Observation:
    """One area's civil-house loss and, where printed, the event's total."""
    area = _area(row["area"])
    part = {"civil_houses": exact(needed(row["civil_house_loss_wan"], "civil_house_loss_wan"), 1)}
    printed = row["event_total_civil_house_loss_wan"]
    total = exact(printed, 1) if printed else None
    values = {
        **_common(row),
        "event_time": None,
        "items": {area: part},
        "totals": {"civil_houses": total},
        "total_is": row["total_is"] or None,
    }
    return _observed(LOSS_REPORT, LOSSES, row, [area], values, given)


def notice(row: Mapping[str, str], given: Given) -> Observation:
    """Deaths that an official notice attributes to the event, in one area."""
    area = _area(row["area"])
    values = {**_common(row), "area": area, "count": exact(needed(row["deaths"], "deaths"), 0)}
    return _observed(DEATHS, NOTICES, row, [area], values, given)


def itemised(table: Table, given: Given) -> tuple[Row, ...]:
    """Reports printed a line an item: all lines of one report make one observation, or none."""
    reports: dict[Key, list[tuple[Line, Mapping[str, str]]]] = {}
    bad: list[Row] = []
    for line in table.lines:
        try:
            row = table.fields(line)
            reports.setdefault(tuple(row[name] for name in sorted(_HEAD - {"area"})), []).append(
                (line, row)
            )
        except TROUBLE as error:
            part = f"line {line.number}"
            bad.append(Row(line.number, part, line.data, None, refusals_of(error)))
    return tuple(sorted((*bad, *map_reports(reports, bool(bad), given)), key=lambda r: r.line))


def map_reports(
    reports: Mapping[Key, list[tuple[Line, Mapping[str, str]]]], torn: bool, given: Given
) -> list[Row]:
    """A row for each report; where a line of the file could not be read, no report is whole."""
    result = []
    for lines in reports.values():
        first, last = lines[0][0].number, lines[-1][0].number
        original = b"".join(line.data for line, _ in lines)
        try:
            if torn:
                raise no("incomplete_report", first=first, last=last)
            seen = _from_items([row for _, row in lines], given)
        except TROUBLE as error:
            refused = refusals_of(error)
            result.append(Row(first, f"lines {first}-{last}", original, None, refused))
        else:
            result.append(Row(first, f"lines {first}-{last}", original, seen))
    return result


def _from_items(rows: list[Mapping[str, str]], given: Given) -> Observation:
    items: dict[str, dict[str, int]] = {}
    for row in rows:
        area, item = _area(row["area"]), _item(row["item"])
        if item in items.setdefault(area, {}):
            raise no("item_twice", item=item, area=area)
        items[area][item] = exact(needed(row["loss_wan"], "loss_wan"), 1)
    values = {
        **_common(rows[0]),
        "event_time": None,
        "items": items,
        "totals": {},
        "total_is": None,
    }
    return _observed(LOSS_REPORT, LOSSES, rows[0], sorted(items), values, given)


def _observed(
    kind: str,
    source: str,
    row: Mapping[str, str],
    areas: list[str],
    values: Mapping[str, Any],
    given: Given,
) -> Observation:
    key = " ".join((values["event_day"], plain(row["event"]), "+".join(areas)))
    return checked(Observation(kind, source, key, values["version"], "reviewed", values), given)


def _common(row: Mapping[str, str]) -> dict[str, Any]:
    return {
        "event_day": beijing_day(from_beijing(needed(row["date"], "date"))),
        "place": plain(row["event"]),
        "issuer": needed(row["issuer"], "issuer"),
        "version": exact(needed(row["version"], "version"), 0),
    }


def _area(text: str) -> str:
    """A six-digit code, or a name that means one prefecture or county."""
    given = needed(text, "area")
    if given.isascii() and given.isdigit() and len(given) == 6:
        return given
    found = [place for place in names().find(given) if place.prefecture]
    if len(found) != 1:
        raise no("unknown_area", value=given[:40])
    return found[0].county or found[0].prefecture or ""


def _item(text: str) -> str:
    """'civil houses', 'civil_houses' or '民房'."""
    word = needed(text, "item")
    named = word.lower().replace(" ", "_")
    found = named if named in ITEMS else next((k for k, v in ITEMS.items() if v[1] == word), None)
    if found is None:
        raise no("unknown_item", value=word[:40])
    return found
