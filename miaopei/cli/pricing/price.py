"""`miaopei price`: years that never were through the terms that pay, to curve and premium."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...adapters.books.pricing import read_book
from ...adapters.feeds import read
from ...adapters.pricing.event_losses import read_losses
from ...adapters.pricing.readings import Readings
from ...adapters.pricing.spread import Engine, spread
from ...errors import Refusal, Refused
from ...evidence.shocks import each_decides
from ...measures.money import fen_of
from ...measures.place import unit_vector
from ...pricing import curves
from ...pricing.events import Occurrences, Zone, own_losses, stochastic
from ...pricing.premium import Premium, premium
from ...pricing.recurrence import Recurrence
from ...pricing.years import (
    Book,
    YearLosses,
    blocks,
    part_of,
    put_together,
    read_again,
    root,
    settle_years,
)
from ...settings import Language
from ...terms import words as w
from ...terms.columnar import Value, settle_many
from ...terms.filing import Product
from ..demo.whatif import Asked, declared_of
from ..speak import Speaker, show_json
from ..terms import find, version_of
from . import plan as plans
from . import progress, report, said
from .reach import beyond, year_most

COMPILED_FROM = 8  # blocks: fewer are done before a kernel is compiled


@dataclass(frozen=True)
class Wanted:
    """What is asked for; None: as the plan says."""

    catalogue: Path | None
    product: str | None
    version: int | None
    plan: Path | None
    event_losses: Path | None
    policies: Path | None
    years: int | None
    seed: int | None
    declared: Sequence[str]
    layers: Sequence[str]
    book: Path | None = None


@dataclass(frozen=True)
class How:
    """Where the work is done."""

    engine: Engine
    workers: int
    address: str | None


@dataclass(frozen=True)
class Case:
    """Everything that is run: terms, occurrences, policies, and how they came about."""

    title: str
    terms: w.Terms
    benefit: str
    events: Occurrences
    book: Book
    periods: tuple[int, ...]
    plan: plans.Plan | None
    law: Recurrence | None
    zones: tuple[Zone, ...]
    seed: int | None
    left_out: tuple[tuple[str, Mapping[str, str | int]], ...] = ()  # what the price does not hold


@dataclass(frozen=True)
class Priced:
    """What came out."""

    case: Case
    losses: YearLosses
    mean: curves.Mean
    before: curves.Mean
    yearly: tuple[curves.Point, ...]
    largest: tuple[curves.Point, ...]
    layers: tuple[curves.Layer, ...]
    premium: Premium
    root: str

    def as_json(self) -> dict[str, Any]:
        """Integers of fen, decimal text for rates."""
        case, plan = self.case, self.case.plan
        return {
            "title": case.title,
            "terms": {"id": case.terms.id, "version": case.terms.version, "benefit": case.benefit},
            "illustrative": plan is None or plan.illustrative,
            "remark": None if plan is None else plan.remark.as_json(),
            "years": case.events.years,
            "seed": case.seed,
            "occurrences": len(case.events.year),
            "policies": case.book.policies,
            "recurrence": None if case.law is None else case.law.as_json(),
            "zones": [zone.as_json() for zone in case.zones],
            "mean": self.mean.as_json(),
            "mean_before_yearly_limits": self.before.as_json(),
            "aep": [point.as_json() for point in self.yearly],
            "oep": [point.as_json() for point in self.largest],
            "layers": [layer.as_json() for layer in self.layers],
            "premium": self.premium.as_json(),
            "root": self.root,
            "left_out": [{"what": name, **facts} for name, facts in case.left_out],
        }


def run(wanted: Wanted, how: How, *, folder: Path | None, as_json: bool, language: Language) -> int:
    """Price a cover, show how, and leave numbers and pictures where a folder is named."""
    speaker = Speaker(language)
    case = own_case(wanted) if wanted.event_losses is not None else drawn_case(wanted)
    priced = price(case, _layers(wanted, case), how, speaker)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        report.write(folder, priced)
    if as_json:
        show_json(priced.as_json())
    else:
        report.show(priced, folder, speaker)
    return 0


def drawn_case(wanted: Wanted) -> Case:
    """Years drawn from the law that a catalogue's main shocks follow.

    Errors   Refused pricing.*, terms.*; cli.declared_missing.
    """
    if wanted.catalogue is None:
        raise Refused(Refusal("pricing.nothing_to_price", {}))
    plan = plans.load(wanted.plan, wanted.product)
    name = wanted.product or plan.product
    product = find(name)
    version = version_of(product, wanted.version or plan.version)
    reading = read(wanted.catalogue.read_bytes())
    law, zones, loose = plans.law_and_zones(plan, reading)
    asked = Asked(name, None, wanted.catalogue, None, None, None, (), wanted.declared)
    if wanted.book is None:
        book, other = _one(asked, product), 0
    else:
        book, other = read_book(wanted.book, version.terms)
    years = wanted.years or plan.years
    seed = plan.seed if wanted.seed is None else wanted.seed
    for zone in zones:
        settles(version.terms, plan, zone, book.declared)
    events = stochastic(zones, years, seed, plan.magnitude, plan.centre)
    title = f"{name} v{version.number}"
    left_out: list[tuple[str, Mapping[str, str | int]]] = []
    if each_decides(product.grouping):
        left_out.append(("one_shock", {"hours": plan.hours, "km": plan.km}))
    outside = beyond(version.terms, plan.benefit, zones, loose, book) if plan.centre else None
    if outside is not None:
        left_out.append(("zones", outside))
    if other:
        left_out.append(("short_terms", {"policies": other, "of": book.policies}))
    return Case(title, version.terms, plan.benefit, events, book, plan.periods, plan, law,
                tuple(zones), seed, tuple(left_out))  # fmt: skip


def own_case(wanted: Wanted) -> Case:
    """A user's own event losses. Errors   Refused pricing.table_*, pricing.years_needed."""
    assert wanted.event_losses is not None, "asked for"
    if wanted.years is None:
        raise Refused(Refusal("pricing.years_needed", {"file": wanted.event_losses.name}))
    events, book = read_losses(wanted.event_losses, wanted.years, wanted.policies)
    plan = None if wanted.plan is None else plans.load(wanted.plan, None)
    periods = curves.PERIODS if plan is None else plan.periods
    title = wanted.event_losses.stem
    return Case(title, own_losses(), "cover", events, book, periods, plan, None, (), None)


def _one(asked: Asked, product: Product) -> Book:
    """One policy, of what is declared on the command line."""
    own = declared_of(asked, product)
    return Book(1, {name: np.array([value], dtype=np.int64) for name, value in own.items()})


def settles(terms: w.Terms, plan: plans.Plan, zone: Zone, declared: Mapping[str, Any]) -> None:
    """Every magnitude of a zone, by what the zone gives: nothing that is missing counts as zero.

    Errors   Refused terms.missing_input and the like.
    """
    tenths = np.arange(zone.least_tenths, zone.most_tenths + 1, dtype=np.int64)
    observed: dict[str, Value] = {**zone.given, plan.magnitude: tenths}
    if plan.centre is not None:
        first = zone.epicentres[0]
        parts = unit_vector(first.lat_udeg, first.lon_udeg)
        observed |= dict(zip(plan.centre.inputs, parts, strict=True))
    own = {name: int(column[0]) for name, column in declared.items()}
    settle_many(terms, plan.benefit, observed, own, np.zeros(len(tenths), dtype=np.int64))


def price(case: Case, layers: Sequence[tuple[int, int]], how: How, speaker: Speaker) -> Priced:
    """Run the years block by block and read the curve."""
    cuts = blocks(case.events, case.book)
    if len(cuts) > COMPILED_FROM:
        Readings.prepared(case.terms, case.events)
    parts = [partial(_part, case.events, cut) for cut in cuts]
    shared, found = (case.terms, case.benefit, case.book), list[YearLosses]()
    with progress(said(speaker, "pricing_years", title=case.title), case.events.years) as told:
        for number, block in spread(_block, shared, parts, engine=how.engine,
                                    workers=how.workers, address=how.address):  # fmt: skip
            found.append(block)
            told(cuts[number][1] - cuts[number][0])
    losses = put_together(found)
    read_again(*shared[:2], case.events, case.book, losses)
    total = losses.total.tolist()
    mean, before = curves.mean(total), curves.mean(losses.before.tolist())
    loadings = () if case.plan is None else case.plan.loadings
    return Priced(
        case,
        losses,
        mean,
        before,
        curves.points(total, case.periods),
        curves.points(losses.largest.tolist(), case.periods),
        tuple(curves.layer(total, attachment, limit) for attachment, limit in layers),
        premium(mean.mean_fen, mean.deviation_fen, loadings),
        root(losses),
    )


def _part(events: Occurrences, years: tuple[int, int]) -> tuple[Occurrences, tuple[int, int]]:
    return part_of(events, years), years


def _block(
    shared: tuple[w.Terms, str, Book], part: tuple[Occurrences, tuple[int, int]]
) -> YearLosses:
    """One block of years, wherever it is run."""
    (terms, benefit, book), (events, years) = shared, part
    reading = Readings.of(terms, events).years
    return settle_years(terms, benefit, events, book, years, reading)


def _layers(wanted: Wanted, case: Case) -> list[tuple[int, int]]:
    """ATTACHMENT:LIMIT in yuan; where none is asked for, the whole of what a year can pay.

    Errors   Refused pricing.bad_layer_text.
    """
    found = []
    for text in wanted.layers:
        attachment, _, limit = text.partition(":")
        try:
            found.append((fen_of(attachment), fen_of(limit)))
        except Refused:
            raise Refused(Refusal("pricing.bad_layer_text", {"value": text[:40]})) from None
    if not found and case.plan is not None:
        most = year_most(case.terms, case.benefit, case.book)
        found = [(0, most)] if most else []
    return found
