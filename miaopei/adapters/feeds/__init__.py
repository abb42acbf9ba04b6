"""Readers of feeds: which file is which is found by content, never by name.

`read` never raises for what stands in a file: each row is an observation or a named refusal, with
the very bytes it was read from. Deciding what counts is not done here (`evidence`).
"""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import Refusal
from ...evidence.observation import Observation
from ...evidence.source import Box
from ...measures.identity import digest
from . import cenc, losses, usgs
from .quakeml import quakeml
from .reading import LARGEST_FILE, TROUBLE, Given, Reading, Row, refusals_of
from .tables import BOM, Table, rows, table

__all__ = ["FORMATS", "Reading", "Row", "read"]

FORMATS: Mapping[str, str] = {
    "cenc-catalogue-csv": "CENC catalogue (CSV, 发震日期…)",
    "cenc-rapid-csv": "CENC rapid reports (CSV)",
    "usgs-comcat-csv": "USGS ComCat (CSV)",
    "usgs-geojson": "USGS GeoJSON",
    "quakeml-1.2": "QuakeML 1.2",
    "loss-report-csv": "loss assessment, a line an area (CSV)",
    "loss-items-csv": "loss assessment, a line an item (CSV)",
    "deaths-csv": "official death notices (CSV)",
}
_CSV, _JSON, _XML = "text/csv", "application/geo+json", "application/xml"


def read(data: bytes, now: int | None = None, box: Box | None = None) -> Reading:
    """Everything a file says. `now`: time of receipt, if the future is to be refused; `box`: where
    the source reports, if positions outside are to be refused.
    """
    given = Given(now, box)
    if len(data) > LARGEST_FILE:
        facts = {"length": len(data), "limit": LARGEST_FILE}
        return _refused(data, Refusal("feed.too_large", facts))
    start = data.removeprefix(BOM).lstrip()[:1]
    try:
        if start == b"<":
            source, found = quakeml(data, given)
            return _reading("quakeml-1.2", source, _XML, data, found)
        if start in {b"{", b"["}:
            return _json(data, given)
        return _table(data, given)
    except TROUBLE as error:
        return _refused(data, *refusals_of(error))


def _json(data: bytes, given: Given) -> Reading:
    text = data.removeprefix(BOM).decode("utf-8")
    if not usgs.looks_right(text):
        return _unknown(data)
    found = usgs.geojson(text, given)
    return _reading("usgs-geojson", usgs.COMCAT, _JSON, data, found)


def _table(data: bytes, given: Given) -> Reading:
    found = table(data)
    if found is None:
        return _unknown(data)
    header = set(found.header)
    if names := cenc.columns(found.header):

        def line(row: Mapping[str, str], given: Given) -> Observation:
            return cenc.catalogue(row, given, names)

        body = rows(found, line, given)
        return _reading("cenc-catalogue-csv", cenc.CATALOGUE, _CSV, data, body)
    if header >= cenc.RAPID_LONG or header >= cenc.RAPID_SHORT:
        body = rows(found, cenc.rapid, given)
        return _reading("cenc-rapid-csv", cenc.RAPID, _CSV, data, body)
    if header >= usgs.CSV_COLUMNS:
        body = rows(found, usgs.csv_row, given)
        return _reading("usgs-comcat-csv", usgs.COMCAT, _CSV, data, body)
    return _report(data, found, header, given)


def _report(data: bytes, found: Table, header: set[str], given: Given) -> Reading:
    if header >= losses.REPORT:
        body = rows(found, losses.report, given)
        return _reading("loss-report-csv", losses.LOSSES, _CSV, data, body)
    if header >= losses.REPORT_ITEMS:
        body = losses.itemised(found, given)
        return _reading("loss-items-csv", losses.LOSSES, _CSV, data, body)
    if header >= losses.NOTICE:
        body = rows(found, losses.notice, given)
        return _reading("deaths-csv", losses.NOTICES, _CSV, data, body)
    if header >= losses.BARE_ITEMS:
        wanted = ", ".join(sorted(losses.REPORT_ITEMS - header))
        return _refused(data, Refusal("feed.items_without_event", {"missing": wanted}))
    return _unknown(data)


def _reading(name: str, source: str, media: str, data: bytes, body: tuple[Row, ...]) -> Reading:
    return Reading(name, source, media, digest(data), body)


def _unknown(data: bytes) -> Reading:
    start = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in data[:60])
    facts = {"start": start, "known": ", ".join(FORMATS)}
    return _refused(data, Refusal("feed.unknown_format", facts))


def _refused(data: bytes, *refusals: Refusal) -> Reading:
    row = Row(1, "file", data[:4096], None, refusals)
    return Reading("unknown", "", "application/octet-stream", digest(data), (row,))
