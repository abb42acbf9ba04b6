"""`miaopei basis-risk`: what an index paid beside what was lost, event by event (row E-10)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...adapters.pricing import pictures
from ...errors import Fact, Refusal, Refused
from ...measures.instant import from_beijing
from ...measures.money import as_yuan
from ...pricing.basis import Basis, Pair, basis
from ...settings import Language
from ..demo.whatif import Asked
from ..speak import Speaker, out, show_json, show_table
from . import said, write_csv, wrote
from .backtest import DASH, replayed

OWN_LOSS = re.compile(r"(?P<date>\d{4}-\d\d-\d\d),(?P<yuan>\d{1,13})(?:\.(?P<fen>\d{1,2}))?")
COLUMNS = ("date", "product", "version", "place", "payout_fen", "loss_fen", "ratio_percent")


def run(
    asked: Asked,
    products: Sequence[str],
    least_loss_fen: int,
    own_losses: Path | None = None,
    *,
    folder: Path | None,
    as_json: bool,
    language: Language,
) -> int:
    """The pairs of one or more products over the same files, and what they say together."""
    speaker = Speaker(language)
    own = {} if own_losses is None else read_own_losses(own_losses)
    pairs, labels, quiet = list[Pair](), dict[str, None](), 0
    for product in products:
        register, told = replayed(replace(asked, product=product), speaker)
        labels |= dict.fromkeys(told)
        days = Counter(row.date for row in register.rows)
        for day, loss_fen in own.items():
            if days[day] > 1:
                facts: dict[str, Fact] = {"date": day, "count": days[day]}
                raise Refused(Refusal("pricing.own_losses_day", facts))
            if not days[day]:  # lost, and nothing in the catalogue that could have paid
                where = said(speaker, "no_occurrence")
                pairs.append(Pair(day, product, None, where, 0, loss_fen))
        for row in register.rows:
            loss = own.get(row.date, row.loss_fen)
            if loss is None and row.payout_fen == 0:
                quiet += 1  # nothing paid and no loss on file: nothing to compare
                continue
            place = str(row.main["place"])
            pairs.append(Pair(row.date, product, row.version, place, row.payout_fen, loss))
    found = basis(pairs, least_loss_fen)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        write_csv(folder / "basis.csv", COLUMNS, [pair.as_json() for pair in found.pairs])
        both = [
            (pair.date, pair.payout_fen, pair.loss_fen, pair.ratio_percent or "")
            for pair in found.pairs
            if pair.payout_fen and pair.loss_fen
        ]
        if pictures.available():
            pictures.payout_and_loss(folder, both)
    if as_json:
        show_json({"labels": list(labels), "neither_paid_nor_assessed": quiet, **found.as_json()})
        return 0
    for label in labels:
        out(f"! {speaker.refusal(Refusal(f'register.label_{label}'))}")
    _show(found, quiet, speaker)
    if folder is not None:
        wrote(speaker, folder)
    return 0


def read_own_losses(path: Path) -> dict[str, int]:
    """What was lost at a place or in a book, by the day of the main shock (Beijing): CSV of
    `date,loss_yuan`. A day that is not in it is not known, and no loss of nothing.

    Errors   Refused pricing.own_losses naming the line.
    """
    found: dict[str, int] = {}
    lines = path.read_text("utf-8-sig").splitlines()
    if not lines or lines[0].replace(" ", "") != "date,loss_yuan":
        raise Refused(Refusal("pricing.own_losses", {"line": 1, "text": "".join(lines[:1])[:60]}))
    for number, line in enumerate(lines[1:], 2):
        said = OWN_LOSS.fullmatch(line.strip())
        if said is None or said["date"] in found or not _is_day(said["date"]):
            raise Refused(Refusal("pricing.own_losses", {"line": number, "text": line[:60]}))
        found[said["date"]] = int(said["yuan"]) * 100 + int((said["fen"] or "").ljust(2, "0"))
    return found


def _is_day(text: str) -> bool:
    try:
        return bool(from_beijing(text))
    except Refused:
        return False


def _show(found: Basis, quiet: int, speaker: Speaker) -> None:
    headings = [
        (speaker.pick("主震日期", "Main shock"), "left"),
        (speaker.pick("产品", "Product"), "left"),
        (speaker.pick("震中", "Epicentre"), "left"),
        (speaker.pick("损失/元", "Loss, yuan"), "right"),
        (speaker.pick("赔款/元", "Paid, yuan"), "right"),
        (speaker.pick("占比/%", "%"), "right"),
    ]
    rows = [
        (pair.date, _name(pair), pair.place, _yuan(pair.loss_fen),
         _yuan(pair.payout_fen), pair.ratio_percent or DASH)
        for pair in found.pairs
    ]  # fmt: skip
    show_table(said(speaker, "basis_title", count=len(found.pairs)), headings, rows)
    facts = {
        "least": found.least_percent or DASH,
        "most": found.most_percent or DASH,
        "mean": found.mean_percent or DASH,
        "whole": found.whole_percent or DASH,
        "pearson": found.pearson or DASH,
        "spearman": found.spearman or DASH,
    }
    out(said(speaker, "basis_figures", **facts))
    counts = {
        "false_alarms": len(found.false_alarms),
        "misses": len(found.misses),
        "unknown": len(found.unknown),
        "quiet": quiet,
    }
    out(said(speaker, "basis_counts", **counts))
    for name in ("false_alarms", "misses", "unknown"):
        for pair in getattr(found, name):
            out(f"  {said(speaker, name)}  {pair.date}  {pair.product}  {pair.place}")


def _name(pair: Pair) -> str:
    return pair.product if pair.version is None else f"{pair.product} v{pair.version}"


def _yuan(fen: int | None) -> str:
    return DASH if fen is None else as_yuan(fen)
