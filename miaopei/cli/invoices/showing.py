"""Invoices shown, written as CSV or as a page, and counted again from the log."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

from ...acts.metered import calls_of
from ...errors import Refusal, Refused
from ...measures.money import as_yuan
from ...reports.invoices import ITEMS, opened, page, write_csv
from ...reports.metering import recount
from ...settings import Language
from .. import speak
from ..place import Place, write_whole


def listed(place: Place, *, as_json: bool, language: Language) -> None:
    """Every invoice."""
    speaker, found = speak.Speaker(language), _all(place)
    if as_json:
        speak.show_json(found)
        return
    headings = [
        (speaker.pick("账单", "Invoice"), "left"),
        (speaker.pick("数据费（元）", "Data, yuan"), "right"),
        (speaker.pick("租金（元）", "Rent, yuan"), "right"),
        (speaker.pick("冲减（元）", "Credited, yuan"), "right"),
        (speaker.pick("争议", "Disputes"), "right"),
    ]
    amounts = ("data_fen", "rent_fen", "credited_fen")
    rows = [
        (one["invoice"], *(as_yuan(one[name]) for name in amounts), str(one["disputes"]))
        for one in found
    ]
    speak.show_table(speaker.text("invoice_list"), headings, rows)


def show(
    place: Place, invoice: str, html: Path | None, *, as_json: bool, language: Language
) -> None:
    """One invoice with its calls and disputes.

    Errors   Refused metering.invoice_not_known.
    """
    speaker = speak.Speaker(language)
    with place.record() as member, member.node.reading() as (_, state):
        value = state.get("invoice", invoice)
        if value is None:
            raise Refused(Refusal("metering.invoice_not_known", {"id": invoice[:120]}))
        whole = opened(value, calls_of(state, invoice))
        disputes = dict(state.range("dispute", f"{invoice}/"))
        names = {key: said["name"] for key, said in state.range("member", "")}
    if html is not None:
        write_whole(html, page(whole, names, zh=language == "zh").encode("utf-8"))
    if as_json:
        speak.show_json({**whole, "disputed": disputes})
        return
    headings = [
        ("#", "right"),
        (speaker.pick("项目", "Item"), "left"),
        (speaker.pick("月份", "Month"), "left"),
        (speaker.pick("调用", "Calls"), "right"),
        (speaker.pick("数量", "Quantity"), "right"),
        (speaker.pick("单价（元）", "Rate, yuan"), "right"),
        (speaker.pick("金额（元）", "Amount, yuan"), "right"),
    ]
    rows = [
        (
            str(line["number"]),
            speaker.pick(*ITEMS[line["item"]]),
            line["month"],
            f"{line['calls']:,}",
            f"{line['quantity']:,}",
            as_yuan(line["rate_fen"]),
            as_yuan(line["amount_fen"]),
        )
        for line in whole["lines"]
    ]
    speak.show_table(f"{invoice}  {as_yuan(whole['net_fen'])}", headings, rows)
    for key, said in disputes.items():
        fen = said["settled"] and said["settled"]["credit_fen"]
        end = speaker.pick("未解决", "open") if fen is None else as_yuan(fen)
        speak.out(f"{key}  #{said['line']}  {said['reason']}  {end}")


def as_csv(place: Place, out: Path, *, language: Language) -> None:
    """The lines of all invoices."""
    text = io.StringIO()
    write_csv(text, _all(place))
    if out == Path("-"):
        sys.stdout.write(text.getvalue())
        return
    write_whole(out, text.getvalue().encode("utf-8"))
    speak.out(speak.Speaker(language).text("invoice_csv", file=str(out)))


def recounted(place: Place, *, as_json: bool, language: Language) -> int:
    """Every invoice beside its recount from the log; 1 where one differs, or bills more persons
    or records than can have been read."""
    with place.record() as member, member.node.reading() as (reading, state):
        counted = recount(reading.leaves(0, reading.head().size))
        invoices = dict(state.range("invoice", ""))
    rows = [
        {
            "invoice": key,
            "invoice_fen": value["total_fen"] - value["credited_fen"],
            "recount_fen": counted[key].total_fen if key in counted else None,
            "over": [vars(run) for run in counted[key].over] if key in counted else [],
            "repeated": counted[key].repeated if key in counted else [],
        }
        for key, value in invoices.items()
    ]
    differ = sum(
        row["invoice_fen"] != row["recount_fen"] or bool(row["over"] or row["repeated"])
        for row in rows
    )
    if as_json:
        speak.show_json({"invoices": rows, "differ": differ})
        return int(differ > 0)
    for row in rows:
        fen = row["recount_fen"]
        said = "—" if fen is None else as_yuan(fen)
        speak.out(f"{row['invoice']}  {as_yuan(row['invoice_fen'])}  {said}")
        for run in row["over"]:
            speak.out(speak.Speaker(language).text(f"invoice_over_{run['what']}", **run))
        for again in row["repeated"]:
            speak.out(speak.Speaker(language).text("invoice_repeated", run=again))
    told = speak.Speaker(language).text("invoice_recount", count=len(rows), differ=differ)
    speak.out(told)
    return int(differ > 0)


def _all(place: Place) -> list[dict[str, Any]]:
    with place.record() as member, member.node.reading() as (_, state):
        return [value for _, value in state.range("invoice", "")]
