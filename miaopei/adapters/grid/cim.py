"""The CIM form of a grid message: an IEC 61968-100 EventMessage with Outages of IEC 61968-3.

A small profile, named element by element in docs/specs/outage.md, section 7; what CIM has no name
for stands in a namespace of our own. Read without entities, DTD or network.
"""

from __future__ import annotations

import re
from functools import partial

from lxml import etree

from ...measures.instant import from_utc_text
from .message import LARGEST, Back, Message, Plan, Said, Scope, Times, each, no

MEDIA = "application/xml"
ENVELOPE = "http://iec.ch/TC57/2011/schema/message"
OUTAGES = re.compile(r"http://iec\.ch/TC57/\d{4}/Outages#")
OURS = "urn:miaopei:outage:1"
ENCODINGS = ("UTF-8", "US-ASCII", "ASCII")
_WHOLE = re.compile(r"[0-9]{1,15}", re.ASCII)


def read(data: bytes) -> Message:
    """A message from its bytes.

    Errors   Refused grid.not_xml, grid.entities, grid.xml_encoding, grid.other_xml,
             grid.bad_field.
    """
    root = _parsed(data)
    if root.tag != f"{{{ENVELOPE}}}EventMessage":
        raise no("other_xml", root=str(root.tag)[:80])
    header = _one(root, f"{{{ENVELOPE}}}Header")
    payload = _one(root, f"{{{ENVELOPE}}}Payload")
    if _header(header, "Noun") != "Outages" or len(payload) != 1:
        raise no("bad_field", field="Noun")
    name = etree.QName(payload[0])
    if name.localname != "Outages" or not OUTAGES.fullmatch(name.namespace or ""):
        raise no("other_xml", root=str(payload[0].tag)[:80])
    cim = f"{{{name.namespace}}}"
    parts = [
        partial(read_part, outage, cim)
        for outage in payload[0].findall(f"{cim}PlannedOutage")
        for read_part, about in ((_plan, "estimatedPeriod"), (_back, "actualPeriod"))
        if outage.find(cim + about) is not None
    ]
    if len(payload[0]) and not parts:
        raise no("bad_field", field="PlannedOutage")
    said, unread = each(enumerate(parts))
    return Message(
        source=_header(header, "Source"),
        sequence=_number(_property(header, "sequence"), "sequence"),
        sent_at=from_utc_text(_header(header, "Timestamp")),
        media=MEDIA,
        said=said,
        unread=unread,
    )


def _parsed(data: bytes) -> etree._Element:
    if len(data) > LARGEST:
        raise no("too_large", length=len(data), limit=LARGEST)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise no("entities")
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise no("not_xml", why=type(error).__name__) from None
    about = root.getroottree().docinfo
    if about.internalDTD is not None:
        raise no("entities")
    encoding = str(about.encoding or ENCODINGS[0])
    if encoding.upper() not in ENCODINGS or b"\0" in data:
        raise no("xml_encoding", found=encoding[:40], wanted=", ".join(ENCODINGS))
    return root


def _plan(outage: etree._Element, cim: str) -> Said:
    cancelled = _text(outage, f"{cim}cancelledDateTime")
    period = _one(outage, f"{cim}estimatedPeriod")
    feeder = _one(outage, f"{cim}Feeder")
    return Plan(
        number=_needed(outage, f"{cim}mRID"),
        revision=_number(_needed(outage, f"{cim}revisionNumber"), "revisionNumber"),
        cancelled=cancelled is not None,
        published_at=_time(outage, f"{cim}lastModifiedDateTime"),
        off=_time(period, f"{cim}start"),
        on=_time(period, f"{cim}end"),
        cause=_number(_needed(outage, f"{cim}cause"), "cause"),
        feeder=_needed(feeder, f"{cim}name"),
        replaces=_texts(outage, f"{{{OURS}}}replaces"),
        scope=Scope(
            _texts(outage, f"{cim}Feeder/{{{OURS}}}whole"),
            _texts(outage, f"{cim}Equipments/{cim}PowerTransformer/{cim}mRID"),
            _texts(outage, f"{cim}UsagePoints/{cim}UsagePoint/{cim}mRID"),
        ),
    )


def _back(outage: etree._Element, cim: str) -> Said:
    period = _one(outage, f"{cim}actualPeriod")
    cause = _text(outage, f"{cim}cause")
    points = outage.findall(f"{cim}UsagePoints/{cim}UsagePoint")
    listed = [p for p in points if p.find(f"{cim}actualPeriod") is not None]
    return Back(
        number=_needed(outage, f"{cim}mRID"),
        revision=_number(_needed(outage, f"{cim}revisionNumber"), "revisionNumber"),
        published_at=_time(outage, f"{cim}lastModifiedDateTime"),
        first_off=_time_or_none(period, f"{cim}start"),
        last_on=_time_or_none(period, f"{cim}end"),
        complete=_flag(outage, f"{{{OURS}}}complete"),
        cause=None if cause is None else _number(cause, "cause"),
        times=tuple(_times(point, cim) for point in listed) if listed else None,
    )


def _times(point: etree._Element, cim: str) -> Times:
    period = _one(point, f"{cim}actualPeriod")
    off, on = _time_or_none(period, f"{cim}start"), _time_or_none(period, f"{cim}end")
    return Times(_needed(point, f"{cim}mRID"), off, on)


def _one(element: etree._Element, path: str) -> etree._Element:
    found = element.findall(path)
    if len(found) != 1:
        raise no("bad_field", field=_local(path))
    return found[0]


def _text(element: etree._Element, path: str) -> str | None:
    found = element.findall(path)
    if len(found) > 1 or (found and len(found[0])):  # twice, or with elements inside
        raise no("bad_field", field=_local(path))
    return found[0].text.strip() or None if found and found[0].text else None


def _needed(element: etree._Element, path: str) -> str:
    found = _text(element, path)
    if found is None or len(found) > 64:
        raise no("bad_field", field=_local(path))
    return found


def _texts(element: etree._Element, path: str) -> tuple[str, ...]:
    found = tuple((each.text or "").strip() for each in element.findall(path))
    if not all(0 < len(each) <= 64 for each in found):
        raise no("bad_field", field=_local(path))
    return found


def _header(header: etree._Element, name: str) -> str:
    return _needed(header, f"{{{ENVELOPE}}}{name}")


def _property(header: etree._Element, name: str) -> str:
    pairs = header.findall(f"{{{ENVELOPE}}}Property")
    found = [_header(p, "Value") for p in pairs if _header(p, "Name") == name]
    if len(found) != 1:
        raise no("bad_field", field=name)
    return found[0]


def _flag(element: etree._Element, path: str) -> bool:
    found = _needed(element, path)
    if found not in ("true", "false"):
        raise no("bad_field", field=_local(path))
    return found == "true"


def _number(text: str, name: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise no("bad_field", field=name)
    return int(text)


def _time(element: etree._Element, path: str) -> int:
    return from_utc_text(_needed(element, path))


def _time_or_none(element: etree._Element, path: str) -> int | None:
    found = _text(element, path)
    return None if found is None else from_utc_text(found)


def _local(path: str) -> str:
    return path.rpartition("}")[2]
