"""`miaopei replay`: any catalogue through any product and version, as a what-if.

The acts, node and decider are those of a real record, over a store in memory and without a bank: no
database is touched and no money moves. The objects are those of the register.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...adapters.books.reading import PLACE
from ...adapters.feeds import Reading, shipped
from ...adapters.keys import fresh
from ...errors import Fact, Refusal, Refused
from ...evidence.kinds import DEATHS, LOSS_REPORT, SHOCK
from ...measures.instant import DAY
from ...measures.place import latitude, longitude, unit_vector
from ...node import scheme
from ...node.node import genesis_value
from ...node.replay import Arrival, replay
from ...products.shelf import Shelf
from ...reports.register import Register, register
from ...settings import Language
from ...terms.filing import Product, Version
from ...terms.words import Declared
from ...wiring import Member, in_memory
from .. import speak
from ..terms import find, version_of
from . import history, output, show

MEMBER = "what-if"
WHOLE = re.compile(r"-?[0-9]{1,15}", re.ASCII)  # within what any input can be
NAME = {"zh": "假设运行", "en": "what-if"}
POLICY_SINCE, POLICY_UNTIL = 0, 4_102_444_800  # 1970 to 2100: whatever the catalogue holds
MAGNITUDE = "shock.magnitude"


@dataclass(frozen=True)
class Asked:
    """What a what-if is about."""

    product: str
    version: int | None
    catalogue: Path
    rapid: Path | None
    losses: Path | None
    deaths: Path | None
    types: Sequence[str]
    declared: Sequence[str]


def run(asked: Asked, *, as_json: bool, language: Language) -> int:
    """Run a what-if and show its register."""
    speaker = speak.Speaker(language)
    product = chosen(asked)
    readings, labels = read_files(asked, product)
    declared = declared_of(asked, product)
    starts = year_of(find(asked.product))
    found = what_if(product, history.arrivals(readings), declared, labels, starts)
    refused = [refusal for reading in readings for refusal in reading.refusals]
    for refusal in refused:
        speak.note(speaker.refusal(refusal))
    if as_json:
        speak.show_json([row.as_json() for row in found.rows])
        return 0
    for label in labels:
        speak.out(f"! {speaker.refusal(Refusal(f'register.label_{label}'))}")
    show.registered(found, speaker)
    show.unpaid(found, speaker)
    return 0


def chosen(asked: Asked) -> Product:
    """The product, with one version in force for ever where that is asked for.

    Errors   Refused terms.* for a product or version that is not there, or a file with faults.
    """
    product = find(asked.product)
    if asked.version is not None:
        product = replace(product, versions=_forced(product, asked.version))
    if asked.types:
        counted = [*product.grouping.get("counted_types", ()), *asked.types]
        grouping = {**product.grouping, "counted_types": list(dict.fromkeys(counted))}
        product = replace(product, grouping=grouping)
    return product


def _forced(product: Product, number: int) -> tuple[Version, ...]:
    """The versions, with one in force for all time that a catalogue can hold.

    Those before it have a second each at the start of 1970, those after it come later than 2100.
    """
    version_of(product, number)
    times: dict[int, tuple[int, int | None]] = {}
    for version in product.versions:
        if version.number < number:
            times[version.number] = (version.number - 1, version.number)
        elif version.number == number:
            last = version is product.versions[-1]
            times[version.number] = (number - 1, None if last else POLICY_UNTIL)
        else:
            start = POLICY_UNTIL + version.number
            last = version is product.versions[-1]
            times[version.number] = (start, None if last else start + 1)
    return tuple(
        replace(v, since=times[v.number][0], until=times[v.number][1]) for v in product.versions
    )


def year_of(product: Product) -> int:
    """Where policy years start: with the product's first version as it was filed."""
    since = [version.since for version in product.versions if version.since is not None]
    return min(since, default=POLICY_SINCE)


def read_files(asked: Asked, product: Product) -> tuple[list[Reading], tuple[str, ...]]:
    """The files, and what must be said of the run. A catalogue of a source that the product does
    not name stands in for the one it does.

    Errors   Refused feed.*, cli.holds_* for a file that is given in another's place.
    """
    labels = ["what_if", "replay", "assumed_arrivals"]
    if asked.version is not None:
        labels.append("terms_forced")
    readings = [history.held(asked.catalogue, SHOCK, "CATALOGUE")]
    rule = next((rule for rule in product.inputs if rule.measure == MAGNITUDE), None)
    named = () if rule is None else (*rule.sources, *rule.fallback)
    if named and readings[0].source not in named:
        readings = [history.taken_as(readings[0], named[-1])]
        labels.append("catalogue_taken")
    others = (
        (asked.rapid, SHOCK, "--rapid"),
        (asked.losses, LOSS_REPORT, "--losses"),
        (asked.deaths, DEATHS, "--deaths"),
    )
    readings += [history.held(path, kind, word) for path, kind, word in others if path]
    return readings, tuple(labels)


def declared_of(asked: Asked, product: Product) -> dict[str, int]:
    """The figures that a policy of this product declares, from NAME=NUMBER and place=LAT,LON.

    Errors   Refused cli.bad_declared, cli.declared_twice, cli.declared_missing, place.*.
    """
    given: dict[str, int] = {}
    named = set[str]()
    for text in asked.declared:
        name, _, number = text.partition("=")
        if name in named:
            raise _no("declared_twice", name=name[:60])
        named.add(name)
        if name == "place":  # of terms that read a distance: in degrees, north and east
            given |= _place(number)
            continue
        if not WHOLE.fullmatch(number):
            raise _no("bad_declared", given=text[:60])
        given[name] = int(number)
    wanted = {
        item.name
        for version in product.versions
        for item in version.terms.inputs
        if isinstance(item, Declared)
    }
    if lacking := sorted(wanted - set(given)):
        raise _no("declared_missing", names=", ".join(lacking), first=lacking[0])
    return {name: given[name] for name in sorted(wanted)}


def _place(text: str) -> dict[str, int]:
    """LAT,LON in degrees as the three inputs that a position is."""
    lat, _, lon = text.partition(",")
    parts = unit_vector(latitude(lat.strip()), longitude(lon.strip()))
    return dict(zip(PLACE, parts, strict=True))


def what_if(
    product: Product,
    arrivals: Iterable[Arrival],
    declared: Mapping[str, int] | None = None,
    labels: tuple[str, ...] = ("what_if",),
    year_from: int = POLICY_SINCE,
    told: Callable[[int], object] = int,
) -> Register:
    """The register of a record in memory, with one policy that spans everything.

    Facts of before 1970 are left out: a record's time starts there. `told` hears of rows read.
    """
    coming = [a for a in arrivals if a.row.observation.instant >= 0 and a.at > 0]
    if not coming:
        return Register((), {})
    first = min(min(a.at, a.row.observation.instant) for a in coming)
    last = max(a.at for a in coming)
    member = begun(max(0, first - DAY), _scheme(product), Shelf([product]))
    wanted = scheme.Wanted(
        since=POLICY_SINCE,
        until=POLICY_UNTIL,
        year_from=year_from,
        premium_fen=0,
        payee={"account": "what-if", "name": MEMBER},
        declared=declared or {},
    )
    scheme.issue(member.node, product.id, [wanted], MEMBER)
    member.work()
    closing = [rule.close_after_seconds or 0 for rule in product.inputs]
    for step in replay(member.node, coming, last + max(closing, default=0) + DAY, member.work):
        told(step.rows)
    with member.node.reading() as (reading, state):
        now = reading.head().time
        return register(state, now, printed=output.printed(), labels=labels)


def begun(at: int, value: Mapping[str, Any], products: Shelf) -> Member:
    """The only member of a replay record in memory, which begins at an instant with a scheme."""
    identity = fresh(MEMBER)
    member = in_memory(identity)
    genesis = genesis_value(
        "what-if",
        identity,
        clock="replay",
        time=at,
        origin=f"miaopei.invalid/what-if/{os.urandom(6).hex()}",
        member_name=NAME,
    )
    member.node.found(genesis)
    scheme.apply(member.node, value, products)
    return member


def _scheme(product: Product) -> dict[str, object]:
    """What the record needs for one product: one carrier, every source and area we know."""
    return {
        "format": scheme.FORMAT,
        "id": MEMBER,
        "name": NAME,
        "labels": {"zh": [], "en": []},
        "members": [{"id": "carrier", "name": NAME, "roles": ["carrier"]}],
        "sources": [source.id for source in shipped.sources()],
        "areas": [area.code for area in shipped.areas()],
        "products": [product.id],
        "placements": {
            "whole": {
                "illustrative": True,
                "shares": [{"carrier": "carrier", "ppm": 1_000_000}],
            }
        },
        "listings": [
            {"id": product.id, "product": product.id, "placement": "whole", "policies": []}
        ],
        "carrier_accounts": [],
    }


def _no(code: str, /, **facts: Fact) -> Refused:
    return Refused(Refusal(f"cli.{code}", facts))
