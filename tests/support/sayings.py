"""Grid messages for tests, written by hand in both forms: nothing here is our own reader's code."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any

KEY = b"k" * 32
COMMAND, METERS = "grid.command", "grid.meter"
NUMBER = "YY-20210601-001"
OFF, ON = "2021-06-01T08:00:00+08:00", "2021-06-01T18:00:00+08:00"
PUBLISHED, SENT = "2021-05-29T09:00:00+08:00", "2021-05-29T09:00:05+08:00"
LATE = "2021-06-01T19:30:00+08:00"


def token(customer: str) -> str:
    """The subject token of a customer number."""
    return hmac.new(KEY, b"miaopei/v1/subject\0" + customer.encode(), hashlib.sha256).hexdigest()


def names(customer: str) -> list[str]:
    """The tokens under every live key: one."""
    return [token(customer)]


def plan(customers: Sequence[str] = (), **more: Any) -> dict[str, Any]:
    """One plan in the JSON form."""
    scope = {"feeders": [], "transformers": [], "customers": list(customers)}
    return {
        "number": NUMBER, "revision": 0, "state": "planned", "published_at": PUBLISHED,
        "off_planned": OFF, "on_planned": ON, "cause": 1, "feeder": "余姚 10kV 城东线",
        "replaces": [], "scope": scope | more.pop("scope", {}), **more,
    }  # fmt: skip


def back(times: dict[str, str | None], **more: Any) -> dict[str, Any]:
    """One report of restoration in the JSON form: customer -> when back."""
    known = [on for on in times.values() if on]
    return {
        "number": NUMBER, "revision": 0, "published_at": more.pop("published_at", LATE),
        "first_off": OFF, "last_on": max(known, default=None),
        "complete": None not in times.values(), "cause": None,
        "customers": [{"customer": c, "off": OFF, "on": on} for c, on in times.items()], **more,
    }  # fmt: skip


def message(
    sequence: int,
    *,
    plans: Sequence[dict[str, Any]] = (),
    restorations: Sequence[dict[str, Any]] = (),
    source: str = COMMAND,
    sent_at: str = SENT,
    **more: Any,
) -> bytes:
    """A message in the JSON form."""
    value = {
        "format": "miaopei.grid/1", "sandbox": True, "source": source, "sequence": sequence,
        "sent_at": sent_at, "plans": list(plans), "restorations": list(restorations), **more,
    }  # fmt: skip
    return json.dumps(value, ensure_ascii=False).encode()


def cim(sequence: int, outages: str, *, source: str = COMMAND, sent_at: str = SENT) -> bytes:
    """A message in the CIM form around its outages."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<EventMessage xmlns="http://iec.ch/TC57/2011/schema/message"><Header>
<Verb>created</Verb><Noun>Outages</Noun><Timestamp>{sent_at}</Timestamp><Source>{source}</Source>
<MessageID>m-{sequence}</MessageID>
<Property><Name>sequence</Name><Value>{sequence}</Value></Property>
</Header><Payload><Outages xmlns="http://iec.ch/TC57/2016/Outages#"
xmlns:o="urn:miaopei:outage:1">{outages}</Outages></Payload></EventMessage>""".encode()


def cim_plan(customers: Sequence[str], transformers: Sequence[str] = ()) -> str:
    """The plan of `plan` in the CIM form."""
    points = "".join(f"<UsagePoint><mRID>{c}</mRID></UsagePoint>" for c in customers)
    made = "".join(f"<PowerTransformer><mRID>{t}</mRID></PowerTransformer>" for t in transformers)
    return f"""<PlannedOutage><mRID>{NUMBER}</mRID><revisionNumber>0</revisionNumber>
<lastModifiedDateTime>{PUBLISHED}</lastModifiedDateTime><cause>1</cause>
<estimatedPeriod><start>{OFF}</start><end>{ON}</end></estimatedPeriod>
<Feeder><name>余姚 10kV 城东线</name></Feeder>
<Equipments>{made}</Equipments><UsagePoints>{points}</UsagePoints></PlannedOutage>"""


def cim_back(times: dict[str, str]) -> str:
    """The report of `back` in the CIM form, everybody back."""
    points = "".join(
        f"<UsagePoint><mRID>{c}</mRID><actualPeriod><start>{OFF}</start><end>{on}</end>"
        f"</actualPeriod></UsagePoint>"
        for c, on in times.items()
    )
    return f"""<PlannedOutage><mRID>{NUMBER}</mRID><revisionNumber>0</revisionNumber>
<lastModifiedDateTime>{LATE}</lastModifiedDateTime>
<actualPeriod><start>{OFF}</start><end>{max(times.values())}</end></actualPeriod>
<o:complete>true</o:complete><UsagePoints>{points}</UsagePoints></PlannedOutage>"""
