"""One case: its facts, the trace of its amount, its settlements, who owes and who has paid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...errors import Refusal
from ...market.placement import Share
from ...measures.instant import beijing_day, beijing_text
from ...node.mass.alarms import open_alarm
from ..views import cases, events, money, receipts
from ..views.cases import Case
from ..views.money import Claim, Payout, Settlement
from ..views.products import listed
from .page import Page
from .words import case_title, event_title, percent


@dataclass(frozen=True)
class Shown:
    """A settlement with all that the page says of it."""

    of: Settlement
    made_up: bool
    open: bool
    carriers: Sequence[tuple[str, str, int, int]]
    payouts: Sequence[Payout]
    claims: Sequence[tuple[Claim, Sequence[str]]]


def one(page: Page) -> str | None:
    """The page; None where there is no such case."""
    desk, parts = page.desk, page.parts
    case = cases.case(desk, parts["listing"], parts["occurrence"], parts["benefit"])
    if case is None:
        return None
    event = events.event(desk, case.value["occurrence"])
    title = case.value["occurrence"][:16] if event is None else event_title(page, event)
    settled = [_shown(page, each) for each in money.settlements_of(desk, *_key(case))]
    return page.html(
        "case.html",
        "events",
        case=case,
        heading=case_title(page, case),
        event_title=title,
        other_shock=_other_shock(page, case, event),
        facts=[(fact, *cases.spoken(case, fact, page.language)) for fact in case.facts],
        trace=() if settled else cases.trace(case, page.language),
        settlements=settled,
        due_fen=_due(case, [each.of for each in settled]),
        paid_state=f"paid_{settled[-1].of.paid}" if settled else None,
        printed=_printed(page, case),
        receipts=receipts.names_of(desk, case),
        sandbox=desk.settings.sandbox,
        alarm=_alarm(page, case),
    )


def _other_shock(page: Page, case: Case, event: events.Event | None) -> str:
    """Where the case ended with another shock than the one that the event is named after: both."""
    if event is None or not event.earthquake or not case.facts:
        return ""
    main, instant = event.main.values, case.value["instant"]
    if instant is None or any(event.main.id == each for each in case.observations):
        return ""
    tenths = main["magnitude_tenths"]
    facts = {"magnitude": f"{tenths // 10}.{tenths % 10}", "main": beijing_text(main["origin"])}
    return page.t("cases.other_shock", instant=beijing_text(instant), **facts)


def _alarm(page: Page, case: Case) -> Refusal | None:
    """That the readings part; where the book is open with the policy and what each made of it."""
    alarm = open_alarm(page.desk.reading, case.value)
    if alarm is None:
        return None
    book = listed(page.desk, case.listing).listing.book
    if book not in page.desk.settings.open_books or "policy" not in alarm:
        return Refusal("alarm.readings_disagree_here")
    return Refusal("alarm.readings_disagree", alarm)


def _due(case: Case, settled: Sequence[Settlement]) -> int | None:
    """What is due in all; None where something may still be."""
    if settled:
        return sum(one.due_fen for one in settled)
    return None if case.waits else 0


def settlement(page: Page) -> str | None:
    """The address of the case that a settlement belongs to; None where there is none."""
    found = money.settlement(page.desk, page.parts["id"])
    if found is None:
        return None
    return page.link("cases", *found.case) + f"#s-{found.id[:16]}"


def _key(case: Case) -> tuple[str, str, str]:
    return case.listing, case.value["occurrence"], case.benefit


def _shown(page: Page, of: Settlement) -> Shown:
    placement = listed(page.desk, of.value["listing"]).listing.placement
    shares = {share.carrier: share for share in placement.shares}
    return Shown(
        of,
        placement.illustrative,
        money.is_open(page.desk, of),
        [_carrier(of, part, shares) for part in of.value["totals"]["carriers"]],
        money.payouts(page.desk, of),
        [
            (claim, claim.sentences(page.desk, page.language))
            for claim in money.claims_of(page.desk, of)
        ],
    )


def _carrier(
    of: Settlement, part: Mapping[str, object], shares: Mapping[str, Share]
) -> tuple[str, str, int, int]:
    carrier, owes = str(part["carrier"]), part["pay_fen"]
    assert isinstance(owes, int), "totals are integers in fen"
    share = percent(shares[carrier].ppm) if carrier in shares else "—"
    return carrier, share, owes, of.by_payer.get(carrier, 0)


def _printed(page: Page, case: Case) -> Mapping[str, str] | None:
    """What a publication printed of this event, for the product's first benefit."""
    if case.benefit != case.product.benefits[0]:
        return None
    found = page.desk.settings.printed.get((beijing_day(case.value["instant"]), case.product.id))
    return None if found is None else found.cells
