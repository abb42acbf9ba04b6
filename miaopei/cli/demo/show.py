"""How a register and its decisions look: one line a decision, tables, and where things lie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Refusal
from ...errors.texts import say
from ...measures.instant import beijing_text
from ...measures.money import as_wan, as_yuan
from ...products.shelf import Shelf
from ...reports.published import UNITS
from ...reports.register import Register, Row
from ...terms.filing import Product, Text, Version
from ...terms.wording import articles
from ..speak import Speaker, out, program, show_table

ENDED = (
    "settled",
    "closed",
    "refused",
    "nothing_due",
    "held_conflict",
    "held_person",
    "held_undecided",
    "held_deciders",
)
DASH = "—"


def products(shelf: Shelf, names: list[str], speaker: Speaker) -> None:
    """The products in words: what each pays, in which version, from when."""
    for product in (shelf.find(name) for name in names):
        out(f"{speaker.pick(product.name.zh, product.name.en)} ({product.id})")
        for version in product.versions:
            _version(product, version, speaker)
        shown = f"{program()} terms show {product.id} --lang {speaker.language}"
        out(f"  {speaker.text('whole_wording', command=shown)}")
        out("")


def _version(product: Product, version: Version, speaker: Speaker) -> None:
    since = DASH if version.since is None else beijing_text(version.since)[:10]
    until = DASH if version.until is None else beijing_text(version.until)[:10]
    out(f"  {speaker.text('version', number=version.number, since=since, until=until)}")
    for article in articles(version.terms, speaker.language):
        if article.lines:
            steps = speaker.pick("；", "; ").join(
                f"{line.where}{speaker.pick('：', ': ')}{line.gives}" for line in article.lines
            )
            out(f"    {article.text} {steps}")
        elif article.name not in product.benefits:
            out(f"    {article.text}")


def decision_line(
    made: Mapping[str, Any], names: Mapping[str, Product], at: int, speaker: Speaker
) -> str | None:
    """A case that has just ended, on one line; None for what is not told."""
    value = made["value"]
    product = names[value["listing"]]
    if value["state"] not in ENDED or value["benefit"] != product.benefits[0]:
        return None
    magnitude = value["facts"].get("magnitude", {}).get("value")
    place = value["facts"].get("role", {}).get("detail", {}).get("place", "")
    strength = "" if magnitude is None else f"M{magnitude // 10}.{magnitude % 10} "
    name = speaker.pick(product.name.zh, product.name.en)
    state = say(Refusal(f"register.state_{value['state']}"), speaker.language)
    head = f"{beijing_text(at)[:16]}  {name}  {strength}{place}  {state}"
    if value["state"] != "settled":
        return head
    pay, held = made["pay_fen"], made.get("held_fen")
    line = f"{head} {speaker.pick(f'{as_wan(pay)} 万元', f'{as_yuan(pay)} yuan')}"
    if not held:
        return line
    count, yuan, command = len(held), as_yuan(sum(held)), f"{program()} cases"
    told = speaker.text("claims_held", count=count, yuan=yuan, command=command)
    return f"{line}{speaker.pick('；', '; ')}{told}"


def registered(found: Register, speaker: Speaker) -> None:
    """The register: what was paid, as in the source's Tables 2 and 4, printed figures beside."""
    headings = [
        (speaker.pick("主震日期", "Main shock"), "left"),
        (speaker.pick("产品，震中", "Product, epicentre"), "left"),
        ("M", "right"),
        (speaker.pick("损失/万元", "Loss, 万元"), "right"),
        (speaker.pick("赔款/万元", "Paid, 万元"), "right"),
        (speaker.pick("占比/%", "%"), "right"),
        (speaker.pick("本次时效", "Our time"), "right"),
        (speaker.pick("原文所印", "Published"), "right"),
    ]
    title = speaker.text("register_title", count=len(found.paid))
    show_table(title, headings, (_cells(row, speaker) for row in found.paid))
    out(speaker.text("register_note"))
    for row in found.paid:
        if row.total_is:
            facts = {"date": row.date, "product": row.product, "remark": row.total_is}
            out(speaker.text("register_total", **facts))
    for (product, version), provenance in _provenances(found).items():
        said = speaker.pick(provenance.zh, provenance.en)
        out(speaker.text("register_terms", product=product, version=version, remark=said))
    out("")


def _provenances(found: Register) -> dict[tuple[str, int], Text]:
    """How sure the terms are that paid, each version once."""
    return {
        (row.product, row.version): row.provenance
        for row in found.paid
        if row.version is not None and row.provenance is not None
    }


def _cells(row: Row, speaker: Speaker) -> tuple[str, ...]:
    loss = DASH if row.loss_fen is None else as_wan(row.loss_fen)[:-2]  # reports: 0.1 万元
    paid = "" if row.payout_fen is None else as_wan(row.payout_fen)
    place = f"{row.main['place']}{_role(row, speaker)}"
    return (
        row.date,
        f"{row.product} v{row.version}\n{place}",
        f"{row.magnitude_tenths // 10}.{row.magnitude_tenths % 10}",
        loss,
        paid,
        row.ratio_percent or DASH,
        _our_time(row, speaker),
        _printed(row, speaker),
    )


def _role(row: Row, speaker: Speaker) -> str:
    return say(Refusal(f"register.role_{row.role or 'unknown'}"), speaker.language)


def _our_time(row: Row, speaker: Speaker) -> str:
    ours = row.timeliness()
    if ours is None:
        return DASH
    days = ours["working_days"]
    if days is None:
        days = "?"
    hours = ours["hours"]
    return speaker.pick(f"{hours} 小时\n{days} 个工作日", f"{hours} hours\n{days} working days")


def _printed(row: Row, speaker: Speaker) -> str:
    """Timeliness and homes (rebuilt / repaired) as the source prints them."""
    if row.printed is None:
        return DASH
    given = row.printed.as_json()
    time, homes = given["timeliness"], given["households"]
    zh, en = UNITS[time["unit"]]
    counts = [DASH if count is None else f"{count:,}" for count in homes.values()]
    known = any(count is not None for count in homes.values())
    told = f"{time['value']} {speaker.pick(zh, en)}"
    said = speaker.pick(" 户", " homes")
    return f"{told}\n{' / '.join(counts)}{said}" if known else told


def unpaid(found: Register, speaker: Speaker) -> None:
    """What did not pay, and why; what is only counted, by reason."""
    out(speaker.text("unpaid_title", count=len(found.unpaid)))
    for row in found.unpaid:
        strength = f"M{row.magnitude_tenths // 10}.{row.magnitude_tenths % 10}"
        where = f"{row.main['place']}{_role(row, speaker)}"
        state = say(Refusal(f"register.state_{row.state}"), speaker.language)
        out(f"  {row.date}  {row.product}  {strength}  {where}")
        out(f"    {state}{speaker.pick('：', ': ')}{speaker.refusal(row.reason)}")
    out("")
    for line in _counts(found, speaker):
        out(line)


def _counts(found: Register, speaker: Speaker) -> Iterator[str]:
    out_title = speaker.text("counted_title")
    yield out_title
    for name, reasons in found.counted.items():
        label = speaker.text("counted_shocks") if name == "shocks" else name
        for reason, count in reasons.items():
            said = say(Refusal(f"register.{reason}"), speaker.language).rstrip("。.")
            yield f"  {label}{speaker.pick('：', ': ')}{count} {speaker.pick('次，', '- ')}{said}"


def whereabouts(found: Register, folder: str, speaker: Speaker) -> None:
    """Where receipts and log lie, and what can be done with them next."""
    out(speaker.text("receipts_title"))
    for row in found.paid:
        out(f"  {row.date}  {row.product}  {row.receipt}")
    out(speaker.text("whereabouts", folder=folder))
    last = next((row for row in reversed(found.paid) if row.receipt), None)
    if last is not None:
        out(speaker.text("next_why", program=program(), date=last.date))
        told = {"program": program(), "receipt": last.receipt, "by": f"--key {folder}/log.vkey"}
        out(speaker.text("next_verify", **told))
    out(speaker.text("next_more", program=program()))
