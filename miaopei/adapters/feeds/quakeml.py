"""QuakeML 1.2 (basic event description): each event's preferred origin and magnitude.

Read without entities, DTD or network. The original of each row is the whole file, its part the
event's public id. Source: quake.ethz.ch/quakeml, QuakeML-BED-20130214.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from ...evidence.observation import Observation
from ...measures.instant import from_utc_text
from ...measures.place import scaled
from .reading import MOST_ROWS, TROUBLE, Given, Printed, Row, needed, no, plain, refusals_of, shock
from .usgs import COMCAT, event_type

BED = "http://quakeml.org/xmlns/bed/1.2"
CATALOG = "http://anss.org/xmlns/catalog/0.1"
ENCODINGS = ("UTF-8", "US-ASCII", "ASCII")
_STATUS = {
    "preliminary": "automatic",
    "confirmed": "reviewed",
    "reviewed": "reviewed",
    "reported": "reviewed",
    "final": "final",
}


def quakeml(data: bytes, given: Given) -> tuple[str, tuple[Row, ...]]:
    """The source that the file speaks for, and a row for each event.

    Errors   Refused feed.bad_xml, feed.xml_encoding, feed.entities, feed.quakeml_version.
    """
    root = _parsed(data)
    events = root.findall(f".//{{{BED}}}event")
    if not events and f"{{{BED}}}" not in "".join(str(e.tag) for e in root.iter("*")):
        raise no("quakeml_version", wanted=BED, found=str(root.tag)[:120])
    rows = []
    sources = set()
    for event in events[:MOST_ROWS]:
        line, part = _line(event), event.get("publicID") or "event"
        try:
            seen = _event(event, given)
        except TROUBLE as error:
            rows.append(Row(line, part, data, None, refusals_of(error)))
        else:
            sources.add(seen.source)
            rows.append(Row(line, part, data, seen))
    return "+".join(sorted(sources)), tuple(rows)


def _parsed(data: bytes) -> etree._Element:
    # A comment or an instruction inside a number would cut it in two: they are left out.
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise no("bad_xml", why=str(error)[:120]) from None
    about = root.getroottree().docinfo
    if about.internalDTD is not None or b"<!ENTITY" in data:
        raise no("entities")
    encoding = str(about.encoding or ENCODINGS[0])
    if encoding.upper() not in ENCODINGS or b"\0" in data:
        raise no("xml_encoding", found=encoding[:40], wanted=", ".join(ENCODINGS))
    return root


def _event(event: etree._Element, given: Given) -> Observation:
    origin = _preferred(event, "origin", "preferredOriginID")
    magnitude = _preferred(event, "magnitude", "preferredMagnitudeID")
    agency = (_text(event, "creationInfo/agencyID") or _text(origin, "creationInfo/agencyID")) or ""
    source, key = _named(event, agency)
    updated = _text(event, "creationInfo/creationTime") or _text(
        magnitude, "creationInfo/creationTime"
    )
    revision = from_utc_text(_zoned(needed(updated, "creationTime")))
    deep = _text(origin, "depth/value")
    printed = Printed(
        source=source,
        key=key,
        revision=revision,
        status=_status(origin, magnitude),
        origin=from_utc_text(_zoned(needed(_text(origin, "time/value"), "time"))),
        latitude=needed(_text(origin, "latitude/value"), "latitude"),
        longitude=needed(_text(origin, "longitude/value"), "longitude"),
        depth_m=scaled(deep, 0) if deep else None,
        magnitude=needed(_text(magnitude, "mag/value"), "mag"),
        magnitude_type=needed(_text(magnitude, "type"), "magnitude type"),
        place=plain(_text(event, "description/text") or ""),
        event_type=event_type(_text(event, "type") or "earthquake"),
        published_at=revision,
    )
    return shock(printed, given)


def _line(event: etree._Element) -> int:
    line: Any = event.sourceline  # None where lxml does not know it
    return int(line or 0)


def _named(event: etree._Element, agency: str) -> tuple[str, str]:
    """Source and key: ComCat's own id where it stands, else the agency and the public id."""
    network, code = event.get(f"{{{CATALOG}}}eventsource"), event.get(f"{{{CATALOG}}}eventid")
    if network and code:
        return COMCAT, code if code.startswith(network) else network + code
    word = re.sub(r"[^a-z0-9]+", "-", agency.lower()).strip("-")[:40]
    return f"quakeml.{needed(word, 'agencyID')}", needed(event.get("publicID"), "publicID")


def _preferred(event: etree._Element, name: str, pointer: str) -> etree._Element:
    found = event.findall(f"{{{BED}}}{name}")
    wanted = _text(event, pointer)
    chosen = [one for one in found if one.get("publicID") == wanted] if wanted else found
    if not chosen:
        raise no("missing_field", field=name)
    return chosen[0]


def _status(origin: etree._Element, magnitude: etree._Element) -> str:
    said = _text(magnitude, "evaluationStatus") or _text(origin, "evaluationStatus")
    if said == "rejected":
        raise no("unknown_status", value=said)
    if said in _STATUS:
        return _STATUS[said]
    mode = _text(magnitude, "evaluationMode") or _text(origin, "evaluationMode")
    return "reviewed" if mode == "manual" else "automatic"


def _text(element: etree._Element, path: str) -> str | None:
    found = element.find("/".join(f"{{{BED}}}{step}" for step in path.split("/")))
    if found is not None and len(found):  # only the text before them would be read
        raise no("bad_row", why=f"elements inside {path}")
    return None if found is None or found.text is None else found.text.strip()


def _zoned(text: str) -> str:
    """QuakeML times are UTC; many writers leave the Z out."""
    return text if re.search(r"(Z|[+-]\d\d:?\d\d)$", text) else text + "Z"
