"""Invoices for people: lines with their calls, CSV, and a page that can be printed."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Protocol

from ..measures.instant import beijing_text
from ..measures.money import as_yuan

Json = Mapping[str, Any]
ITEMS = {
    "users": ("数据调用，按用户数", "Data calls, by users"),
    "records": ("数据调用，按条数", "Data calls, by records"),
    "rent": ("算力租金", "Compute rent"),
}
COLUMNS = ("invoice", "number", "item", "model", "month", "calls", "quantity", "rate_fen")
CALLS = ("run", "at", "caller", "purpose", "users", "records", "void")
STYLE = (
    "body{font:14px/1.6 'Noto Sans SC','Microsoft YaHei',sans-serif;max-width:50rem;"
    "margin:2rem auto;padding:0 1rem;color:#111}h1{font-size:1.3rem}"
    "table{border-collapse:collapse;width:100%;"
    "margin:1rem 0}td,th{border-bottom:1px solid #bbb;padding:.3rem .5rem;text-align:left}"
    ".n{text-align:right;font-variant-numeric:tabular-nums}details{margin:.5rem 0}"
    "@media print{body{margin:0}details{break-inside:avoid}}"
)


class Writes(Protocol):
    """What takes text."""

    def write(self, text: str, /) -> Any: ...


def opened(invoice: Json, calls: Mapping[str, Json]) -> dict[str, Any]:
    """An invoice with the calls of each line, and what it comes to after credit notes."""
    lines = []
    for line in invoice["lines"]:
        of = [
            {name: said[name] for name in CALLS}
            for said in calls.values()
            if line["item"] != "rent"
            and said["model"] == line["model"]
            and beijing_text(said["at"])[:7] == line["month"]
        ]
        lines.append({**line, "opened": sorted(of, key=lambda each: (each["at"], each["run"]))})
    net = invoice["total_fen"] - invoice["credited_fen"]
    return {**invoice, "lines": lines, "net_fen": net}


def write_csv(out: Writes, invoices: Iterable[Json]) -> None:
    """One row a line: quantities as integers, rates and amounts in fen."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*COLUMNS, "amount_fen"])
    for invoice in invoices:
        for line in invoice["lines"]:
            first = invoice["invoice"]
            writer.writerow([first, *(line[name] for name in COLUMNS[1:]), line["amount_fen"]])


def page(invoice: Json, names: Mapping[str, Mapping[str, str]], *, zh: bool) -> str:
    """A page of its own, to look at or to print; `invoice` as `opened` gives it."""

    def say(in_zh: str, in_en: str) -> str:
        return in_zh if zh else in_en

    def who(member: str) -> str:
        said = names.get(member, {})
        return escape(said.get("zh" if zh else "en", member))

    heads = (
        say("项目", "Item"), say("模型", "Model"), say("月份", "Month"), say("调用", "Calls"),
        say("数量", "Quantity"), say("单价（元）", "Rate, yuan"), say("金额（元）", "Amount, yuan"),
    )  # fmt: skip
    rows = "".join(_row(line, zh=zh) for line in invoice["lines"])
    sums = [(say("合计", "Total"), invoice["total_fen"])]
    if invoice["credited_fen"]:
        sums.append((say("红字冲减", "Credit notes"), -invoice["credited_fen"]))
        sums.append((say("应付", "Due"), invoice["net_fen"]))
    feet = "".join(
        f'<tr><td colspan="6">{escape(name)}</td><td class="n">{as_yuan(fen)}</td></tr>'
        for name, fen in sums
    )
    title = escape(say("数据调用与算力账单", "Invoice for data calls and compute"))
    note = escape(say("沙箱演示，不涉及真实资金。", "Sandbox; no real money moves."))
    name, day = escape(invoice["invoice"]), beijing_text(invoice["at"])
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    return (
        f'<!doctype html><html lang="{say("zh-CN", "en")}"><meta charset="utf-8">'
        f"<title>{title} {name}</title><style>{STYLE}</style><h1>{title}</h1><p>{name} · {day}</p>"
        f"<p>{say('开票方', 'From')}：{who(invoice['provider'])}<br>"
        f"{say('付款方', 'To')}：{who(invoice['carrier'])}</p><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody><tfoot>{feet}</tfoot></table>"
        + "".join(_calls(line, zh=zh) for line in invoice["lines"] if line["opened"])
        + f"<p>{note}</p></html>\n"
    )


def _row(line: Json, *, zh: bool) -> str:
    cells: Sequence[str] = (
        ITEMS[line["item"]][0 if zh else 1], line["model"][:12] or "—", line["month"],
    )  # fmt: skip
    figures = (
        f"{line['calls']:,}", f"{line['quantity']:,}", as_yuan(line["rate_fen"]),
        as_yuan(line["amount_fen"]),
    )  # fmt: skip
    texts = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    numbers = "".join(f'<td class="n">{cell}</td>' for cell in figures)
    return f"<tr>{texts}{numbers}</tr>"


def _calls(line: Json, *, zh: bool) -> str:
    name = ITEMS[line["item"]][0 if zh else 1]
    rows = "".join(
        f"<tr><td>{escape(call['run'][:16])}</td><td>{beijing_text(call['at'])}</td>"
        f"<td>{escape(call['caller'])}</td><td>{escape(call['purpose'])}</td>"
        f'<td class="n">{call["users"]:,}</td><td class="n">{call["records"]:,}</td>'
        f"<td>{escape(('作废' if zh else 'void') if call['void'] else '')}</td></tr>"
        for call in line["opened"]
    )
    title = f"{line['number']} · {name} · {line['month']}"
    return f"<details open><summary>{escape(title)}</summary><table>{rows}</table></details>"
