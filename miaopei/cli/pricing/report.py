"""How a price looks: tables on the screen, CSV and pictures in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...adapters.pricing import pictures
from ...measures.money import as_wan
from ...pricing.curves import thinned
from ...pricing.statistics import shown as text
from ..speak import Speaker, out, show_table
from . import said, write_csv, wrote

if TYPE_CHECKING:
    from .price import Priced

DASH = "—"
POINTS = ("curve", "period", "loss_fen", "low_fen", "high_fen", "tail_fen")
STEPS = ("id", "name_zh", "name_en", "of", "base_fen", "ppm", "amount_fen", "rounding")
YEARS = ("year", "total_fen", "before_limits_fen", "largest_fen")


def write(folder: Path, priced: Priced) -> None:
    """Numbers as CSV, the curve as PNG and SVG in both languages."""
    both = (("aep", priced.yearly), ("oep", priced.largest))
    rows = [{"curve": name, **p.as_json()} for name, found in both for p in found]
    write_csv(folder / "points.csv", POINTS, rows)
    steps = [
        {**vars(step), "name_zh": step.name.zh, "name_en": step.name.en}
        for step in priced.premium.steps
    ]
    write_csv(folder / "premium.csv", STEPS, steps)
    losses, count = priced.losses, priced.case.events.years
    columns = [losses.total.tolist(), losses.before.tolist(), losses.largest.tolist()]
    yearly = [
        dict(zip(YEARS, (year, *row), strict=True))
        for year, row in enumerate(zip(*columns, strict=True), 1)
        if any(row)
    ]
    write_csv(folder / "years.csv", YEARS, yearly)
    lines = {"aep": thinned(columns[0]), "oep": thinned(columns[2])}
    plotted = [
        {"curve": name, "rank": rank, "years": count, "loss_fen": fen}
        for name, found in lines.items()
        for rank, fen in found
    ]
    write_csv(folder / "curve.csv", ("curve", "rank", "years", "loss_fen"), plotted)
    if pictures.available():
        pictures.exceedance(folder, priced.case.title, lines, count)


def show(priced: Priced, folder: Path | None, speaker: Speaker) -> None:
    """Everything that leads to the price, in order."""
    case = priced.case
    if case.plan is not None:
        out(f"! {speaker.pick(case.plan.remark.zh, case.plan.remark.en)}")
    if case.law is not None:
        facts = {name: str(value) for name, value in case.law.as_json().items()}
        facts["completeness"] = _magnitude(case.law.completeness_tenths)
        out(said(speaker, "law", **facts))
        for zone in case.zones:
            drawn = text(zone.yearly)
            out(said(speaker, "zone", zone=zone.id, epicentres=len(zone.epicentres),
                     yearly=drawn, least=_magnitude(zone.least_tenths),
                     most=_magnitude(zone.most_tenths)))  # fmt: skip
    for name, left in case.left_out:
        every = name == "zones" and "within" not in left  # each main shock lies in a zone
        sentence = "policies_out_of_zones" if every else name
        out(f"! {said(speaker, f'left_out_{sentence}', **left)}")
    mean = priced.mean
    facts = {
        "title": case.title,
        "years": f"{case.events.years:,}",
        "occurrences": f"{len(case.events.year):,}",
        "policies": f"{case.book.policies:,}",
        "mean": as_wan(mean.mean_fen),
        "error": as_wan(mean.error_fen),
        "deviation": as_wan(mean.deviation_fen),
        "before": as_wan(priced.before.mean_fen),
    }
    out(said(speaker, "mean_of_a_year", **facts))
    _show_points(priced, speaker)
    for layer in priced.layers:
        (attached, of_attached), (used, of_used) = layer.attachment, layer.exhaustion
        told = {
            "attachment": as_wan(layer.attachment_fen),
            "limit": as_wan(layer.limit_fen),
            "attached": text(attached, 4),
            "attached_low": text(of_attached.low, 3),
            "attached_high": text(of_attached.high, 3),
            "used": text(used, 4),
            "used_low": text(of_used.low, 3),
            "used_high": text(of_used.high, 3),
            "mean": as_wan(layer.mean.mean_fen),
            "error": as_wan(layer.mean.error_fen),
        }
        out(said(speaker, "layer", **told))
    _show_steps(priced, speaker)
    out(said(speaker, "years_root", root=priced.root))
    if folder is not None:
        wrote(speaker, folder)


def _show_points(priced: Priced, speaker: Speaker) -> None:
    headings = [
        (speaker.pick("重现期/年", "Return period, years"), "right"),
        (speaker.pick("年度合计 AEP/万元", "Year, AEP, 万元"), "right"),
        (speaker.pick("95% 区间", "95 % interval"), "right"),
        (speaker.pick("尾部均值 TVaR", "Mean beyond, TVaR"), "right"),
        (speaker.pick("最大一次 OEP/万元", "Largest, OEP, 万元"), "right"),
    ]
    rows = [
        (str(aep.period), _wan(aep.loss_fen), f"{_wan(aep.low_fen)} - {_wan(aep.high_fen)}",
         _wan(aep.tail_fen), _wan(oep.loss_fen))
        for aep, oep in zip(priced.yearly, priced.largest, strict=True)
    ]  # fmt: skip
    show_table(said(speaker, "curve_title"), headings, rows)
    out(said(speaker, "curve_note"))


def _show_steps(priced: Priced, speaker: Speaker) -> None:
    headings = [
        (speaker.pick("步骤", "Step"), "left"),
        (speaker.pick("基数/元", "Base, yuan"), "right"),
        (speaker.pick("比例/百万分之一", "Parts per million"), "right"),
        (speaker.pick("金额/元", "Amount, yuan"), "right"),
        (speaker.pick("取整", "Rounding"), "left"),
        (speaker.pick("来源", "Source"), "text"),
    ]
    rows = [
        (speaker.pick(step.name.zh, step.name.en), _yuan(step.base_fen),
         DASH if step.ppm is None else f"{step.ppm:,}", _yuan(step.amount_fen), step.rounding,
         speaker.pick(step.source.zh, step.source.en))
        for step in priced.premium.steps
    ]  # fmt: skip
    total = (speaker.pick("保费", "Price"), "", "", _yuan(priced.premium.price_fen), "", "")
    show_table(said(speaker, "premium_title"), headings, [*rows, total])


def _wan(fen: int | None) -> str:
    return DASH if fen is None else as_wan(fen)


def _magnitude(tenths: int) -> str:
    return f"{tenths // 10}.{tenths % 10}"


def _yuan(fen: int) -> str:
    return f"{fen // 100:,}.{fen % 100:02d}"
