"""History made ready for a replay: files read, each row with the instant at which it arrives.

The files tell when things happened, not when they were received; the assumed delays stand in
`data/replay_arrivals.json` and are said wherever timeliness is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...adapters.feeds import Reading, read, shipped
from ...errors import Refusal, Refused
from ...evidence.observation import Observation
from ...measures.instant import from_beijing
from ...node.gateway import Row
from ...node.replay import Arrival

SHIPPED = ("cenc_catalogue_2015_2021.csv", "cenc_rapid_reports.csv", "loss_reports.csv")
CATALOGUE = "cenc.catalogue"


def shipped_readings() -> list[Reading]:
    """The history that comes with the package, 2015 to 2021."""
    return [whole(shipped.earthquake_file(name)) for name in SHIPPED]


def whole(data: bytes) -> Reading:
    """A file that has a known format.

    Errors   Refused feed.* where nothing of it can be read. Single bad rows are no error here.
    """
    reading = read(data)
    if not reading.observations and reading.refusals:
        raise Refused(*reading.refusals)
    return reading


def held(path: Path, kind: str, given: str) -> Reading:
    """A file that shall hold one kind of fact; `given`: the word of the command it was given as.

    Errors   as `whole`; Refused cli.holds_shock, cli.holds_loss_report, cli.holds_deaths.
    """
    reading = whole(path.read_bytes())
    others = {seen.kind for seen in reading.observations} - {kind}
    if others:
        facts = {"file": path.name[:80], "given": given}
        raise Refused(Refusal(f"cli.holds_{min(others)}", facts))
    return reading


def taken_as(reading: Reading, source: str) -> Reading:
    """The same rows as if another source had said them; only for a what-if, which says so."""
    rows = tuple(
        row if row.observation is None
        else replace(row, observation=replace(row.observation, source=source))
        for row in reading.rows
    )  # fmt: skip
    return replace(reading, source=source, rows=rows)


def arrivals(
    readings: Iterable[Reading], delays: Mapping[str, Mapping[str, Any]] | None = None
) -> list[Arrival]:
    """Every row that gave an observation, with the instant at which it is assumed to arrive."""
    assumed = shipped.arrivals()["sources"] if delays is None else delays
    found = []
    for reading in readings:
        delay = assumed.get(reading.source, assumed[CATALOGUE])
        for row in reading.rows:
            if row.observation is None:
                continue
            given = Row(row.observation, row.original, reading.media, reading.file_digest, row.part)
            found.append(Arrival(_arrives(row.observation, delay), given))
    return found


def _arrives(observation: Observation, delay: Mapping[str, Any]) -> int:
    start = observation.instant
    if delay["from"] == "event_day":
        start = from_beijing(observation.values["event_day"])
    return start + int(delay["seconds"])
