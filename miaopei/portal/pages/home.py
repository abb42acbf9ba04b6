"""The first page: what this is, what was paid, what waits and why, what did not pay."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from ...reports.register import Row
from ...terms.wording.speech import money
from ..plots import losses
from ..views import events, products
from ..views.cases import waiting
from ..views.desk import Desk
from ..views.money import Paid, settlements_of
from .page import Page
from .words import event_title


def home(page: Page) -> str:
    """The page."""
    desk = page.desk
    found = desk.register
    paid = sorted(found.paid, key=lambda row: -int(row.main["origin"]))
    waits = []
    for case in waiting(desk):
        event = events.event(desk, case.value["occurrence"])
        waits.append((case, "" if event is None else event_title(page, event)))
    unpaid = [row for row in found.unpaid if row.payout_fen == 0]
    unpaid.sort(key=lambda row: -int(row.main["origin"]))
    names = {
        each.product.id: each.product.name.zh if page.language == "zh" else each.product.name.en
        for each in products.products(desk)
    }
    return page.html(
        "home.html",
        paid=paid,
        paid_fen=_paid_fen(desk),
        states=[_state(desk, row) for row in paid],
        waiting=waits,
        unpaid=unpaid,
        names=names,
        counted=[(name, reasons) for name, reasons in found.counted.items() if reasons],
        plot=_plot(page, found.paid),
    )


def _paid_fen(desk: Desk) -> int:
    """What banks have confirmed of all settlements, of every benefit."""

    def make() -> int:
        return sum(
            value["executed_fen"] for _, value in desk.state.range("payment", "")
            if value["kind"] == "settlement"
        )  # fmt: skip

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
