"""The evidence in lineage: each fact, who said it, who attested it when, and from which bytes."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from ...claims.verify.evidence import ASIDE
from ...claims.verify.explain import refusal_text
from ...claims.verify.refusal.near import input_text
from ...errors import Fact, Refusal
from ...evidence.findings import resolved_as
from ...evidence.kinds import OUTAGE, RESTORATION, SHOCK
from ...evidence.outage.plans import CANCELLED
from ...measures.place import degrees_text
from ...measures.suites import in_use
from ...terms.filing import Product
from ...terms.words import Terms
from .steps import Step, step
from .trail import Index, Json

HOW = (
    *("official", "fallback", "settled_before", "person", "report", "notice", "reading"),
    *("name_and_position", "position_name_unknown", "plan", "restoration"),
)
SHORT = (OUTAGE, RESTORATION)  # kinds that are named by themselves
SHOWN = 20  # values on file that did not count: so many are told, the rest are counted
SEALED = b"MPS1"  # sealed bytes begin so: docs/specs/record.md, section 2
PRINTED = 2_000  # characters of original bytes that are printed


def facts_of(index: Index, product: Product, terms: Terms, subject: Json) -> list[Step]:
    """The facts of a trigger or a case, each down to its bytes."""
    return [
        fact_step(index, product, terms, subject, name, fact)
        for name, fact in subject["facts"].items()
        if name not in ASIDE
    ]


def fact_step(
    index: Index, product: Product, terms: Terms, subject: Json, name: str, fact: Json
) -> Step:
    """One input: its value in words, how it was chosen, what it rests on, what did not count."""
    item = next(item for item in terms.inputs if item.name == name)
    facts: dict[str, Fact] = {
        "input": name,
        "value": fact["value"],
        "said_zh": input_text(item, fact["value"], "zh"),
        "said_en": input_text(item, fact["value"], "en"),
        "how": fact["how"],
    }
    parents = [observation_step(index, parent) for parent in fact["because"]]
    if fact["how"] == "person":
        parents.append(_resolution(index, subject, name, fact["detail"]))
    parents += _not_counted(index, fact.get("detail", {}))
    rule = product.rule(name)
    facts["measure"] = rule.measure
    what = f"fact_{fact['how']}" if fact["how"] in HOW else "fact"
    if fact.get("detail", {}).get("lists"):
        what = f"{what}_listed"  # it differs by customer: the value here is one for all of them
    return step(what, name, facts, parents)


def _resolution(index: Index, subject: Json, name: str, detail: Json) -> Step:
    at = f"{subject['listing']}/{subject['occurrence']}"
    kept = dict(index.trail.range("resolution", f"{at}/{name}"))
    said = kept.get(f"{at}/{resolved_as(name, detail)}") or kept[f"{at}/{name}"]
    by, leaf = index.name("member", said["by"]), index.leaf(said["act"])
    facts = {
        "person": said["person"],
        "reason": said["reason"],
        "by_zh": by["zh"],
        "by_en": by["en"],
        "decided_at": leaf["time"],
        "position": leaf["position"],
    }
    return step("resolution", said["act"], facts)


def _not_counted(index: Index, detail: Json) -> Iterator[Step]:
    shown = detail.get("shown", ())
    for row in shown[:SHOWN]:
        seen = observation_step(index, row["observation"], short=True)
        yield step(f"not_counted_{row['why']}", row["observation"], seen.facts)
    if len(shown) > SHOWN:
        yield step("not_counted_more", "", {"count": len(shown) - SHOWN})


def observation_step(index: Index, id: str, *, short: bool = False) -> Step:
    """What a source said, and (unless `short`) everybody who attested it, with the bytes."""
    entry = index.need("observation", id)
    seen = entry["observation"]
    name = index.name("source", seen["source"])
    facts: dict[str, Fact] = {
        "observation": id,
        "source": seen["source"],
        "source_zh": name["zh"],
        "source_en": name["en"],
        "event_key": seen["event_key"],
        "revision": seen["revision"],
        "status": seen["status"],
        "recorded_at": entry["recorded_at"],
        **_values(seen["kind"], seen["values"]),
    }
    facts |= _short(seen["kind"], facts)
    attested = [] if short else [_attested(index, id, mark) for mark in entry["attested"]]
    return step(f"observation_{_sentence(seen)}", id, facts, attested)


def _sentence(seen: Json) -> str:
    """By kind; a plan called off, and power that is not back for all, have their own."""
    kind, values = str(seen["kind"]), seen["values"]
    if kind == OUTAGE and values["state"] == CANCELLED:
        return f"{kind}_cancelled"
    return f"{kind}_part" if kind == RESTORATION and not values["complete"] else kind


def _short(kind: str, facts: Json) -> dict[str, Fact]:
    """What was said, in a word or two, for the sentences about values that did not count."""
    if kind == SHOCK:
        both = f"{facts['type']} {facts['magnitude']}"
        return {"short_zh": both, "short_en": both}
    said = Refusal(f"lineage.short_{kind if kind in SHORT else 'other'}", facts)
    return {"short_zh": refusal_text(said, "zh"), "short_en": refusal_text(said, "en")}


def _values(kind: str, values: Json) -> dict[str, Fact]:
    match kind:
        case "shock":
            return {
                "origin_at": values["origin"],
                "published_at": values["published_at"],
                "magnitude": values["magnitude_raw"],
                "type": values["magnitude_type"],
                "event_type": values["event_type"],
                "place": values["place"],
                "lat": degrees_text(values["lat_udeg"]),
                "lon": degrees_text(values["lon_udeg"]),
            }
        case "reading":
            return {name: values[name] for name in ("name", "value", "unit")} | {
                "read_at": values["at"]
            }
        case "outage":
            return {
                "published_at": values["published_at"],
                "off_at": values["off_planned"],
                "on_at": values["on_planned"],
                "feeder": values["feeder"],
                "customers": _count(values),
            }
        case "tickets":
            return {"published_at": values["published_at"], "customers": _count(values)}
        case "restoration":
            return {
                "published_at": values["published_at"],
                "off_at": values["first_off"],
                "on_at": values["last_on"],
                "customers": _count(values),
            }
        case _:
            return _reported(kind, values)


def _count(values: Json) -> int:
    """Customers on the sealed list of a plan or report; none where it names no list."""
    return int(values["list"]["count"]) if values["list"] else 0


def _reported(kind: str, values: Json) -> dict[str, Fact]:
    told: dict[str, Fact] = {
        name: values[name] for name in ("event_day", "place", "issuer", "version")
    }
    if kind == "deaths":
        return {**told, "area": values["area"], "count": values["count"]}
    parts = [
        f"{area} {item} {units}" for area, items in sorted(values["items"].items())
        for item, units in sorted(items.items())
    ]  # fmt: skip
    sums = [f"{item} {units}" for item, units in sorted(values["totals"].items())]
    lost = {"items": "; ".join(parts), "totals": "; ".join(sums), "total_is": values["total_is"]}
    return {**told, **lost}


def _attested(index: Index, id: str, mark: Json) -> Step:
    """One attestation: who received it, when, signed with which key, recorded by which act."""
    leaf = index.leaf(mark["act"])
    fact = leaf["act"]["body"]["facts"][mark["index"]]
    said = fact["attestation"]
    original, hash_name = said["original"], in_use.suite.hash_name
    receiver = index.name("member", said["receiver"])
    facts: dict[str, Fact] = {
        "receiver_zh": receiver["zh"],
        "receiver_en": receiver["en"],
        "received_at": said["received_at"],
        "key": said["key"],
        "act": mark["act"],
        "position": leaf["position"],
        hash_name: original[hash_name],
        "length": original["length"],
        "media": original["media"],
        "file_digest": original[f"file_{hash_name}"],
        f"file_{hash_name}": original[f"file_{hash_name}"],
        "part": original["part"],
        "sig": said["sig"][:16],
    }
    return step("attestation", id, facts, [_bytes(index, original)])


def _bytes(index: Index, original: Json) -> Step:
    """The original bytes themselves, from the attestation or the blob."""
    inside: str | None = original["bytes_b64"]
    suite = in_use.suite
    name = original[suite.hash_name]
    data = index.trail.blob(name) if inside is None else base64.b64decode(inside)
    facts: dict[str, Any] = {suite.hash_name: name, "length": original["length"]}
    facts |= {"hash": suite.hash_title, "digest": name}
    if data is None:
        return step("bytes_absent", name, facts)
    if data.startswith(SEALED):
        return step("bytes_sealed", name, facts)
    text, encoding = readable(data)
    lines = tuple(text[:PRINTED].splitlines() or [""])
    cut = len(text) > PRINTED
    facts |= {"encoding": encoding, "text": text[:PRINTED]}
    return step("bytes_cut" if cut else "bytes", name, facts, lines={"zh": lines, "en": lines})


def readable(data: bytes) -> tuple[str, str]:
    """Bytes as text for people: UTF-8, else GB 18030, else hexadecimal."""
    for encoding in ("utf-8", "gb18030"):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return data.hex(), "hex"
