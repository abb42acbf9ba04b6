"""Reports as tables or JSON; what they count is in `reports`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...acts.readers import why_not
from ...adapters.grid import connections
from ...errors import Refused
from ...measures.instant import beijing_day, beijing_text, from_beijing
from ...measures.money import as_yuan
from ...node.reporting import Reporting
from ...reports.complaints import Group
from ...reports.experience import experience as lines_of
from ...reports.reliability import by_day, indices, major_days, threshold
from ...settings import Language
from .. import speak
from ..place import Place


def experience(place: Place, *, as_json: bool, language: Language) -> int:
    """Premium, claims, loss ratio, data fees and rent by listing and version of terms."""
    speaker = speak.Speaker(language)
    with _reporting(place) as (reporting, now):
        lines = lines_of(reporting.experience(), now)
    if as_json:
        speak.show_json([line.as_json() for line in lines])
        return 0
    headings = [
        (speaker.pick("挂牌", "Listing"), "left"),
        (speaker.pick("条款版本", "Version"), "right"),
        (speaker.pick("保单", "Policies"), "right"),
        (speaker.pick("签单保费（元）", "Written, yuan"), "right"),
        (speaker.pick("已赚保费（元）", "Earned, yuan"), "right"),
        (speaker.pick("已决赔款（元）", "Settled, yuan"), "right"),
        (speaker.pick("未决准备（元）", "Reserved, yuan"), "right"),
        (speaker.pick("付款笔数", "Payments"), "right"),
        (speaker.pick("赔付率 %", "Loss ratio, %"), "right"),
        (speaker.pick("数据费（元）", "Data fees, yuan"), "right"),
        (speaker.pick("租金（元）", "Rent, yuan"), "right"),
    ]
    rows = [
        (
            line.listing,
            "—" if line.version is None else str(line.version),
            f"{line.policies:,}",
            *map(as_yuan, (line.written_fen, line.earned_fen, line.settled_fen, line.reserved_fen)),
            f"{line.payouts:,}",
            line.ratio(line.earned_fen) or "—",
            *map(as_yuan, (line.data_fen, line.rent_fen)),
        )
        for line in lines
    ]
    speak.show_table(speaker.text("report_experience", day=beijing_day(now)), headings, rows)
    speak.out(speaker.text("report_experience_means"))
    return 0


def unearned(place: Place, on: str | None, *, as_json: bool, language: Language) -> int:
    """Written, earned and unearned premium at the beginning of a day, and their sums."""
    speaker = speak.Speaker(language)
    at = None if on is None else from_beijing(on)
    with _reporting(place) as (reporting, now):
        at = now if at is None else at
        lines = lines_of(reporting.experience(), at)
    fen = [(line.written_fen, line.earned_fen, line.unearned_fen) for line in lines]
    sums = [sum(column) for column in zip(*fen, strict=True)] or [0, 0, 0]
    if as_json:
        names = ("written_fen", "earned_fen", "unearned_fen")
        about = [{"listing": line.listing, "terms_version": line.version} for line in lines]
        told = [{**a, **dict(zip(names, f, strict=True))} for a, f in zip(about, fen, strict=True)]
        total = dict(zip(names, sums, strict=True))
        speak.show_json({"at": beijing_text(at), "lines": told, "total": total})
        return 0
    headings = [
        (speaker.pick("挂牌", "Listing"), "left"),
        (speaker.pick("条款版本", "Version"), "right"),
        (speaker.pick("签单保费（元）", "Written, yuan"), "right"),
        (speaker.pick("已赚（元）", "Earned, yuan"), "right"),
        (speaker.pick("未赚（元）", "Unearned, yuan"), "right"),
    ]
    rows = [
        (line.listing, "—" if line.version is None else str(line.version), *map(as_yuan, each))
        for line, each in zip(lines, fen, strict=True)
    ]
    rows.append((speaker.pick("合计", "Total"), "", *map(as_yuan, sums)))
    speak.show_table(speaker.text("report_unearned", at=beijing_text(at)), headings, rows)
    speak.out(speaker.text("report_unearned_means"))
    return 0


def reliability(
    place: Place,
    served: int,
    since: str | None,
    until: str | None,
    *,
    as_json: bool,
    language: Language,
) -> int:
    """The indices of IEEE 1366, whole and without the days that stand out."""
    speaker = speak.Speaker(language)
    with _reporting(place) as (reporting, now):
        first = 0 if since is None else from_beijing(since)
        last = now + 1 if until is None else from_beijing(until)
        outages = reporting.interruptions(first, last)
        if not served:
            served = connections.count(reporting.reading)
    whole = indices(outages, served)
    days = by_day(outages)
    limit = threshold(days, served)
    major = major_days(days, served, limit)
    ordinary = indices((o for o in outages if o.day not in major), served)
    if as_json:
        speak.show_json(
            {
                "all": whole.as_json(),
                "without_major_days": ordinary.as_json(),
                "major_days": list(major),
                "threshold_minutes": None if limit is None else f"{limit.minutes:.3f}",
                "threshold_days": 0 if limit is None else limit.days,
                "momentary_interruptions": sum(o.momentary for o in outages),
            }
        )
        return 0
    headings = [
        ("", "left"),
        (speaker.pick("停电次数", "Outages"), "right"),
        (speaker.pick("停电户次", "Customers off"), "right"),
        (speaker.pick("SAIDI（分钟/户）", "SAIDI, minutes"), "right"),
        (speaker.pick("SAIFI（次/户）", "SAIFI"), "right"),
        (speaker.pick("CAIDI（分钟/次）", "CAIDI, minutes"), "right"),
    ]
    named = (
        (speaker.pick("全部", "All"), whole),
        (speaker.pick("不计重大事件日", "Without major days"), ordinary),
    )
    rows = [
        (name, f"{i.outages:,}", f"{i.customers:,}", i.saidi, i.saifi, i.caidi or "—")
        for name, i in named
    ]
    speak.show_table(speaker.text("report_reliability", served=served), headings, rows)
    if limit is None:
        speak.out(speaker.text("report_no_threshold"))
    else:
        minutes, named_days = f"{limit.minutes:.3f}", ", ".join(major) or "—"
        told = speaker.text("report_threshold", minutes=minutes, days=limit.days, major=named_days)
        speak.out(told)
    return 0


def complaints(place: Place, *, as_json: bool, language: Language) -> int:
    """Tickets a hundred customers, of the paid and of the others."""
    speaker = speak.Speaker(language)
    with _reporting(place) as (reporting, _):
        found = reporting.complaints()
    if as_json:
        speak.show_json([each.as_json() for each in found])
        return 0
    if not found:
        speak.out(speaker.text("report_no_tickets"))
        return 0
    headings = [
        (speaker.pick("停电", "Outage"), "left"),
        (speaker.pick("客户", "Customers"), "left"),
        (speaker.pick("户数", "Count"), "right"),
        (speaker.pick("投诉户数", "Complained"), "right"),
        (speaker.pick("工单", "Tickets"), "right"),
        (speaker.pick("每百户工单", "Tickets a hundred"), "right"),
    ]
    rows = []
    for each in found:
        rows.append((each.outage, speaker.pick("已赔付", "Paid"), *_cells(each.paid)))
        rows.append((each.outage, speaker.pick("未赔付", "Not paid"), *_cells(each.unpaid)))
    speak.show_table(speaker.text("report_complaints"), headings, rows)
    speak.out(speaker.text("report_complaints_mean"))
    return 0


def _cells(group: Group) -> tuple[str, ...]:
    counts = (group.customers, group.complaining, group.tickets)
    return (*(f"{count:,}" for count in counts), group.per_hundred or "—")


@contextmanager
def _reporting(place: Place) -> Iterator[tuple[Reporting, int]]:
    """Errors   Refused grant.* at a member of a consortium that does not read every book."""
    with place.record() as member, member.node.reading() as (reading, state):
        now = reading.head().time
        for listing, entry in state.range("listing", ""):
            book = entry["listing"]["book"]
            size = (state.get("book", book) or {"size": 0})["size"]
            if size and not reading.rows_between(book, 0, 1):
                raise Refused(why_not(state, listing, member.node.identity.member, now))
        yield Reporting(reading, state, member.node.identity), now
