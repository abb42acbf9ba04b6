"""`miaopei backtest`: what a cover would have paid over a catalogue, and its burning cost.

The amounts are those of `replay`: the acts, node and decider of a real record, over a store in
memory. No money moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...adapters.feeds import Reading
from ...adapters.pricing import pictures
from ...errors import Refusal, Refused
from ...measures.instant import beijing_day
from ...measures.money import as_wan
from ...pricing.burning import BurningCost, Paid, burning_cost
from ...pricing.statistics import shown
from ...reports.register import Register
from ...settings import Language
from ..demo import history
from ..demo.whatif import Asked, chosen, declared_of, read_files, what_if, year_of
from ..speak import Speaker, note, out, show_json, show_table
from ..terms import find
from . import progress, said, write_csv, wrote

DASH = "—"
EVENTS = (
    *("date", "product", "version", "magnitude", "place", "role", "state", "reason"),
    *("payout_fen", "loss_fen", "ratio_percent"),
)


@dataclass(frozen=True)
class Window:
    """Calendar years in Beijing, both included; None: from, or to, the catalogue's own."""

    since: int | None
    until: int | None
    seed: int


@dataclass(frozen=True)
class Run:
    """One version over the catalogue: its register and its burning cost."""

    version: int | None
    register: Register
    cost: BurningCost

    def as_json(self) -> dict[str, Any]:
        """The version (None: as filed), what it cost, and the register's rows."""
        rows = [row.as_json() for row in self.register.rows]
        return {"version": self.version, "burning": self.cost.as_json(), "rows": rows}


def run(
    asked: Asked,
    versions: Sequence[int],
    window: Window,
    *,
    folder: Path | None,
    as_json: bool,
    language: Language,
) -> int:
    """Back-test the product as filed, or each version that is named, forced over the catalogue."""
    speaker = Speaker(language)
    wanted: Sequence[int | None] = tuple(versions) or (None,)
    runs, labels = [], dict[str, None]()
    for version in wanted:
        found, told = replayed(replace(asked, version=version), speaker)
        labels |= dict.fromkeys(told)
        runs.append(Run(version, found, _cost(found, asked.catalogue, window)))
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder, asked.product, runs)
    if as_json:
        shown_runs = [each.as_json() for each in runs]
        show_json({"product": asked.product, "labels": list(labels), "runs": shown_runs})
        return 0
    for label in labels:
        out(f"! {speaker.refusal(Refusal(f'register.label_{label}'))}")
    for each in runs:
        _show(each, asked.product, speaker)
    if len(runs) > 1:
        _compare(runs, speaker)
    if folder is not None:
        wrote(speaker, folder)
    return 0


def replayed(asked: Asked, speaker: Speaker) -> tuple[Register, tuple[str, ...]]:
    """The register of one product over the files, and what must be said of it."""
    product = chosen(asked)
    readings, labels = read_files(asked, product)
    for refusal in (refusal for reading in readings for refusal in reading.refusals):
        note(speaker.refusal(refusal))
    coming = history.arrivals(readings)
    title = said(speaker, "replaying", product=product.id, version=asked.version or DASH)
    with progress(title, len(coming)) as told:
        declared, starts = declared_of(asked, product), year_of(find(asked.product))
        return what_if(product, coming, declared, labels, starts, told), labels


def years_of(reading: Reading, name: str) -> tuple[int, int]:
    """The first and last calendar year of a catalogue's shocks. Refused pricing.no_shocks."""
    at = [o.instant for o in reading.observations if o.kind == "shock"]
    if not at:
        raise Refused(Refusal("pricing.no_shocks", {"file": name}))
    return int(beijing_day(min(at))[:4]), int(beijing_day(max(at))[:4])


def _cost(found: Register, catalogue: Path, window: Window) -> BurningCost:
    first, last = years_of(history.whole(catalogue.read_bytes()), catalogue.name)
    paid = [Paid(int(row.date[:4]), row.payout_fen) for row in found.rows]
    since = first if window.since is None else window.since
    until = last if window.until is None else window.until
    return burning_cost(paid, since, until, window.seed)


def event_of(row: Any) -> dict[str, object]:
    """A row of the register as a line of a table."""
    told = row.as_json()
    place = told["epicentre"]["place"]
    return {**told, "version": told["terms_version"], "place": place}


def _write(folder: Path, product: str, runs: Sequence[Run]) -> None:
    for each in runs:
        name = "as-filed" if each.version is None else f"v{each.version}"
        rows = [event_of(row) for row in each.register.rows]
        write_csv(folder / f"backtest-{name}.csv", EVENTS, rows)
        first = each.cost.first_year
        yearly = [
            {"year": first + at, "paid_fen": fen} for at, fen in enumerate(each.cost.yearly_fen)
        ]
        write_csv(folder / f"years-{name}.csv", ("year", "paid_fen"), yearly)
        paid = [(row.date, row.payout_fen or 0) for row in each.register.paid]
        if pictures.available():
            pictures.payouts(folder, f"payouts-{name}", f"{product} {name}", paid)


def _show(each: Run, product: str, speaker: Speaker) -> None:
    cost = each.cost
    version = said(speaker, "as_filed") if each.version is None else f"v{each.version}"
    span = f"{cost.first_year}-{cost.first_year + cost.years - 1}"
    rows = [
        (row.date, f"v{row.version}", f"{row.magnitude_tenths // 10}.{row.magnitude_tenths % 10}",
         row.main["place"], as_wan(row.payout_fen or 0), row.ratio_percent or DASH)
        for row in each.register.paid
    ]  # fmt: skip
    headings = [
        (speaker.pick("主震日期", "Main shock"), "left"),
        (speaker.pick("版本", "Version"), "left"),
        ("M", "right"),
        (speaker.pick("震中", "Epicentre"), "left"),
        (speaker.pick("赔款/万元", "Paid, 万元"), "right"),
        (speaker.pick("占损失/%", "% of loss"), "right"),
    ]
    title = said(speaker, "backtest_title", product=product, version=version, span=span)
    show_table(title, headings, rows)
    (rate, of_rate), (share, of_share) = cost.frequency, cost.paying_years
    facts: dict[str, str | int | None] = {
        "years": cost.years,
        "total": as_wan(sum(cost.yearly_fen)),
        "mean": as_wan(cost.mean_fen),
        "low": as_wan(cost.low_fen),
        "high": as_wan(cost.high_fen),
        "payouts": cost.payouts,
        "rate": shown(rate, 3),
        "rate_low": shown(of_rate.low, 3),
        "rate_high": shown(of_rate.high, 3),
        "share": shown(share, 3),
        "share_low": shown(of_share.low, 3),
        "share_high": shown(of_share.high, 3),
        "open": cost.open,
        "seed": cost.seed,
    }
    out(said(speaker, "burning", **facts))
    out("")


def _compare(runs: Sequence[Run], speaker: Speaker) -> None:
    headings = [
        (speaker.pick("版本", "Version"), "left"),
        (speaker.pick("赔付次数", "Payouts"), "right"),
        (speaker.pick("合计/万元", "Total, 万元"), "right"),
        (speaker.pick("年均/万元", "Mean of a year, 万元"), "right"),
        (speaker.pick("最大一年/万元", "Worst year, 万元"), "right"),
    ]
    rows = [
        (f"v{each.version}", str(each.cost.payouts), as_wan(sum(each.cost.yearly_fen)),
         as_wan(each.cost.mean_fen), as_wan(max(each.cost.yearly_fen)))
        for each in runs
    ]  # fmt: skip
    show_table(said(speaker, "compare_title"), headings, rows)
