"""`miaopei terms` and `miaopei feed`: products on the shelf in words, and files of facts, read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..adapters.feeds import FORMATS, Reading, Row, read, shipped
from ..errors import Fact, Refusal, Refused
from ..evidence.observation import Observation
from ..measures.instant import beijing_text
from ..measures.place import degrees_text
from ..products.shelf import shelf
from ..settings import Language
from ..terms import canonical as form
from ..terms.check import check_file
from ..terms.filing import Product, Version
from ..terms.wording import as_text
from . import speak

DASH = "—"
SHOWN_ROWS = 40


def list_terms(*, as_json: bool, language: Language) -> int:
    """Every product and version on the shelf."""
    speaker = speak.Speaker(language)
    if as_json:
        speak.show_json([_hashes(product) for product in shelf()])
        return 0
    for product in shelf():
        name, mark = speaker.pick(product.name.zh, product.name.en), ""
        if product.illustrative and not name.endswith((")", "）")):
            mark = speaker.pick("（示例）", " (illustrative)")
        speak.out(f"{product.id}  {name}{mark}")
        for version in product.versions:
            speak.out(f"  {_period(version, speaker)}")
    speak.note(speaker.text("terms_next"))
    return 0


def show(name: str, number: int | None, *, as_json: bool, language: Language) -> int:
    """The wording of a product's versions, with provenance and notes."""
    speaker = speak.Speaker(language)
    product = find(name)
    names = shipped.spoken()
    versions = product.versions if number is None else (version_of(product, number),)
    if as_json:
        speak.show_json(product.as_json())
        return 0
    speak.out(f"# {speaker.pick(product.name.zh, product.name.en)} ({product.id})")
    for version in versions:
        speak.out("")
        speak.out(f"## {_period(version, speaker)}")
        speak.out(speaker.pick(version.provenance.zh, version.provenance.en))
        speak.out("")
        speak.out(as_text(version.terms, language, product, names).rstrip())
    speak.out("")
    speak.out(speaker.pick(product.notes.zh, product.notes.en))
    return 0


def hashes(name: str, *, as_json: bool) -> int:
    """The hash of a product's filing, and of each version's filing and meaning."""
    product = find(name)
    if as_json:
        speak.show_json(_hashes(product))
        return 0
    speak.out(f"product  {product.hash}  {product.id}")
    for version in product.versions:
        speak.out(f"filing   {form.filing_hash(version.terms)}  v{version.number}")
        speak.out(f"meaning  {form.meaning_hash(version.terms)}  v{version.number}")
    return 0


def prepare_kernels(names: Sequence[str], *, as_json: bool, language: Language) -> int:
    """Every version of the named products, of all where none is named; what is ready is kept.

    Errors   Refused terms.no_product, kernels.no_numba.
    """
    from ..wiring.kernels import kernels

    speaker, ready = speak.Speaker(language), kernels()
    products = [find(name) for name in names] or list(shelf())
    said = []
    for product in products:
        for version in product.versions:
            for made in ready.prepare(version.terms):
                said.append(
                    {
                        "product": product.id,
                        "version": version.number,
                        "benefit": made.benefit,
                        "shape": str(made.shape),
                        "meaning": form.meaning_hash(version.terms),
                        "milliseconds": round(made.seconds * 1000),
                    }
                )
                if not as_json:
                    took = f"{made.seconds * 1000:,.0f} ms"
                    speak.out(f"{product.id}-{version.number} {made.benefit} {made.shape}: {took}")
    if as_json:
        speak.show_json(said)
    else:
        speak.note(speaker.text("kernels_ready", count=len(said), folder=str(ready.folder)))
    return 0


def check(file: Path, *, as_json: bool, language: Language) -> int:
    """Everything that is wrong with a file of terms or of a product, at once."""
    speaker = speak.Speaker(language)
    refusals = check_file(file.read_bytes())
    if as_json:
        speak.show_json({"good": not refusals, "refusals": [r.as_json() for r in refusals]})
    elif refusals:
        for refusal in refusals:
            speak.out(f"{refusal.code}: {speaker.refusal(refusal)}")
    else:
        speak.out(speaker.text("terms_good", file=file.name))
    return 1 if refusals else 0


def version_of(product: Product, number: int) -> Version:
    """A version of a product, as a person has named it.

    Errors   Refused cli.no_version, with those that there are.
    """
    found = next((version for version in product.versions if version.number == number), None)
    if found is None:
        known = ", ".join(str(version.number) for version in product.versions)
        facts: dict[str, Fact] = {"product": product.id, "number": number, "known": known}
        raise Refused(Refusal("cli.no_version", facts))
    return found


def find(name: str) -> Product:
    """A product by its id on the shelf, or from a file of a product.

    Errors   Refused terms.*.
    """
    path = Path(name)
    if path.suffix != ".json" or not path.is_file():
        return shelf().find(name)
    data = path.read_bytes()
    if refusals := check_file(data):
        raise Refused(*refusals)
    value = json.loads(data)
    if "versions" not in value:
        raise Refused(Refusal("cli.not_a_product", {"file": path.name}))
    return Product.from_json(value)


def read_feed(file: Path, *, as_json: bool, language: Language) -> int:
    """What a file of facts says; 1 where nothing of it could be read."""
    speaker = speak.Speaker(language)
    reading = read(file.read_bytes())
    if as_json:
        speak.show_json(reading.as_json())
    else:
        _show_reading(reading, speaker)
    return 0 if reading.observations else 1


def _show_reading(reading: Reading, speaker: speak.Speaker) -> None:
    known = FORMATS.get(reading.format, reading.format)
    counts = {"rows": len(reading.observations), "refused": len(reading.refusals)}
    speak.out(speaker.text("feed_read", format=known, source=reading.source or DASH, **counts))
    seen = [row for row in reading.rows if row.observation is not None]
    if seen:
        headings: list[tuple[str, str]] = [
            (speaker.pick("行", "Line"), "right"),
            (speaker.pick("北京时间", "Beijing time"), "right"),
            (speaker.pick("事实", "Fact"), "left"),
            (speaker.pick("地点", "Place"), "left"),
            (speaker.pick("观测号", "Observation"), "right"),
        ]
        speak.show_table("", headings, [_line(row) for row in seen[:SHOWN_ROWS]])
    if len(seen) > SHOWN_ROWS:
        speak.out(speaker.text("feed_more", more=len(seen) - SHOWN_ROWS))
    for refusal in reading.refusals:
        speak.note(speaker.text("feed_line", line=refusal.facts.get("line"))
                   + speaker.refusal(refusal))  # fmt: skip


def _line(row: Row) -> Sequence[str]:
    seen = row.observation
    assert seen is not None, "only rows that gave an observation are shown"
    when = beijing_text(seen.instant)
    what, where = _said(seen)
    return str(row.line), when, what, where, seen.id[:16]


def _said(seen: Observation) -> tuple[str, str]:
    """A fact in a few signs, and where it was."""
    values = seen.values
    match seen.kind:
        case "shock":
            kind = "" if values["event_type"] == "earthquake" else f" ({values['event_type']})"
            where = f"{degrees_text(values['lat_udeg'])} {degrees_text(values['lon_udeg'])}"
            what = f"{values['magnitude_type']} {values['magnitude_raw']}{kind}"
            return what, f"{values['place']} {where}"
        case "loss_report":
            parts = [
                f"{area} {item} {units // 10}.{units % 10} 万元"
                for area, items in values["items"].items()
                for item, units in items.items()
            ]
            return "; ".join(parts), values["place"]
        case "deaths":
            return f"{values['area']} {values['count']}", values["place"]
        case _:
            return f"{values.get('name')} {values.get('value')}", DASH


def _period(version: Version, speaker: speak.Speaker) -> str:
    since = DASH if version.since is None else beijing_text(version.since)[:10]
    until = DASH if version.until is None else beijing_text(version.until)[:10]
    return speaker.text("version", number=version.number, since=since, until=until)


def _hashes(product: Product) -> dict[str, Any]:
    return {
        "id": product.id,
        "name": product.name.as_json(),
        "peril": product.peril,
        "illustrative": product.illustrative,
        "hash": product.hash,
        "versions": [
            {
                "number": version.number,
                "since": version.since,
                "until": version.until,
                "filing": form.filing_hash(version.terms),
                "meaning": form.meaning_hash(version.terms),
            }
            for version in product.versions
        ],
    }
