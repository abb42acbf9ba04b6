"""Receipts: the list, one receipt with its checks, and the box that verifies anybody's file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...claims.verify import Verdict, explain
from ...claims.verify.explain import MARKS, check_text, refusal_text, text
from ...measures.identity import digest
from ..views import events, receipts
from .page import Page
from .words import event_title, pages


@dataclass(frozen=True)
class CheckLine:
    """One check as people read it."""

    ok: bool
    name: str
    text: str


@dataclass(frozen=True)
class Said:
    """A verdict in words, in the parts that the page sets apart."""

    labels: Sequence[str]
    subject: Sequence[str]
    near: Sequence[str]
    checks: Sequence[CheckLine]
    rests: Sequence[str]


def listing(page: Page) -> str:
    """The verify box, and the receipts that anybody may have."""
    found = page.desk.once("receipts", lambda: receipts.every(page.desk))
    ordered = sorted(
        found,
        key=lambda row: (not row[0].value["settlement"], -int(row[0].value["at"].split("/")[1])),
    )
    shown, later, earlier = pages(page, len(ordered))
    rows = []
    for case, name in ordered[shown]:
        event = events.event(page.desk, case.value["occurrence"])
        title = case.value["occurrence"][:16] if event is None else event_title(page, event)
        rows.append((case, title, name))
    return page.html(
        "receipts.html", "receipts", receipts=rows, later=later, earlier=earlier,
    )  # fmt: skip


def one(page: Page) -> str | None:
    """One receipt: what it says, check by check; None where it is not given out."""
    found = receipts.subject(page.desk, page.parts["name"].split("/"))
    data = None if found is None else receipts.make(page.desk, found[1])
    if found is None or data is None:
        return None
    case, name = found
    event = events.event(page.desk, case.value["occurrence"])
    by = receipts.against(page.desk, data, None, None)
    verdict = page.desk.once(("verdict", name.parts), lambda: receipts.held(data, by))
    return page.html(
        "receipt.html",
        "receipts",
        case=case,
        name=name,
        title=case.value["occurrence"][:16] if event is None else event_title(page, event),
        size=f"{len(data) // 1024:,} KiB",
        by=by.whose,
        **_verdict(page, verdict, data),
    )


def form(page: Page) -> str:
    """The empty verify box."""
    return page.html("verify.html", "receipts", verdict=None)


def checked(page: Page, data: bytes, vkey: str | None, genesis: bytes | None) -> str:
    """What the checks say of an upload."""
    by = receipts.against(page.desk, data, vkey, genesis)
    verdict = receipts.held(data, by)
    return page.html("verify.html", "receipts", by=by.whose, **_verdict(page, verdict, data))


def _verdict(page: Page, verdict: Verdict, data: bytes) -> dict[str, object]:
    return {
        "verdict": verdict,
        "said": say(verdict, page),
        "sha256": digest(data),
        "length": len(data),
    }


def say(verdict: Verdict, page: Page) -> Said:
    """The verdict in the page's language: the lines of `explain`, set apart."""
    language = page.language
    labels = [text(f"label_{label}", {}, language) for label in verdict.labels]
    near = [refusal_text(each, language) for each in verdict.near]
    lines = explain(verdict, language)
    heading = text("heading_checks", {"count": len(verdict.checks)}, language)
    only = text("says_only", {}, language)
    before = lines[1 : lines.index(heading)] if heading in lines else []  # no receipt: no checks
    subject = [line for line in before if line not in (*labels, *near, only)]
    checks = []
    for check in verdict.checks:
        line = check_text(check, language).removeprefix(f"{MARKS[check.ok]} {check.name}: ")
        checks.append(CheckLine(check.ok, check.name, line))
    rests = [text(f"rests_{name}", {}, language) for name in verdict.rests if verdict.holds]
    return Said(labels, subject, near, checks, rests)
