"""The first page: what this is, what was paid, what waits and why, what did not pay."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from ...reports.register import PERIL, Row
from ...terms.wording.speech import money
from ..outages import recent
from ..plots import losses
from ..views import events, products
from ..views.cases import waiting
from ..views.desk import Desk
from ..views.money import Paid, settlements_of
from .page import Page
from .words import event_title

SHOWN = 20  # cases that wait, by deadline; the others are counted


def home(page: Page) -> str:
    """The page."""
    desk = page.desk
    found, about = desk.register, products.about(desk)
    paid = sorted(found.paid, key=lambda row: -int(row.main["origin"]))
    waits, every = [], waiting(desk)
    for case in every[:SHOWN]:
        event = events.event(desk, case.value["occurrence"])
        waits.append((case, "" if event is None else event_title(page, event)))
    unpaid = [row for row in found.unpaid if row.payout_fen == 0]
    unpaid.sort(key=lambda row: -int(row.main["origin"]))
    names = {
        each.product.id: each.product.name.zh if page.language == "zh" else each.product.name.en
        for each in products.products(desk)
    }
    paid_fen, paid_events = _paid(desk)
    return page.html(
        "home.html",
        about=about,
        quakes=PERIL in products.perils(desk),
        outages=recent.rows(page),
        on_sale=any(True for _ in desk.state.range("offer", "")),
        paid=paid,
        paid_fen=paid_fen,
        paid_events=paid_events,
        states=[_state(desk, row) for row in paid],
        waiting=waits,
        waiting_count=len(every),
        unpaid=unpaid,
        names=names,
        counted=[(name, reasons) for name, reasons in found.counted.items() if reasons],
        plot=_plot(page, found.paid),
    )


def _paid(desk: Desk) -> tuple[int, int]:
    """What banks have confirmed of all settlements, of every benefit, and how many events are paid
    to the last fen."""

    def make() -> tuple[int, int]:
        whole: dict[str, bool] = {}
        fen = 0
        for id, value in desk.state.range("payment", ""):
            if value["kind"] != "settlement":
                continue
            fen += value["executed_fen"]
            trigger = desk.state.need("settlement", id)["settlement"]["trigger"]
            event = desk.state.need("trigger", trigger)["occurrence"]
            done = value["executed_fen"] == value["due_fen"]
            whole[event] = whole.get(event, True) and done
        return fen, sum(whole.values())

    return desk.once("paid", make)


def _state(desk: Desk, row: Row) -> str:
    """How far the money of all settlements of a row's case has come."""
    states = {one.paid for one in settlements_of(desk, row.listing, row.occurrence, row.benefit)}
    states.discard(Paid.NOTHING)
    if len(states) == 1:
        return f"paid_{states.pop()}"
    return "paid_part" if states else "paid_nothing"


def _plot(page: Page, rows: Sequence[Row]) -> tuple[Markup, Markup] | None:
    """Payouts beside losses, wide and narrow; None where there is nothing to compare."""
    pairs = [
        losses.Pair(
            f"{row.date} {row.main['place']}", row.payout_fen, row.loss_fen,
            f"{row.ratio_percent}%",
        )
        for row in rows
        if row.payout_fen and row.loss_fen
    ]  # fmt: skip
    if not pairs:
        return None
    words = losses.Words(
        page.t("home.plot_title"),
        page.t("home.plot_payout"),
        page.t("home.plot_loss"),
        {power: _decade(page, power) for power in range(2, 18)},
    )
    return losses.losses(pairs, words, narrow=False), losses.losses(pairs, words, narrow=True)


def _decade(page: Page, power: int) -> str:
    """A power of ten of fen in few letters: 10亿元, 1 bn yuan."""
    yuan = power - 2
    if page.language == "zh":
        if yuan >= 8:
            return f"{10 ** (yuan - 8)}亿元"
        return f"{10 ** (yuan - 4)}万元" if yuan >= 4 else money(10**power, "zh")
    for size, name in ((9, "bn"), (6, "m"), (3, "k")):
        if yuan >= size:
            return f"¥{10 ** (yuan - size)}{name}"
    return f"¥{10**yuan}"
