"""The public pages of buying: what is on offer, the form, and the page of an application or policy.

No script is needed. A form carries a key, so that sending it twice is one application.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ...acts.pauses import paused_since
from ...errors import Refusal, Refused
from ...measures.instant import DAY, beijing_day, from_beijing, period_of
from ...measures.money import as_yuan
from ...node.selling.asking import NEEDED, PERSONAL, Wanted
from ...settings import Language
from ...terms.words import Declared, Kind
from ...underwriting.offer import Offer, Way
from ...underwriting.rules import Announced, Dates, Within
from ..pages.page import Page
from ..problems import Problem
from ..views.desk import Desk, Desks
from ..views.products import product_of_listing
from . import views
from .api import shop_of
from .pace import check_pace

CHOICES = 60  # figures that a list can hold


def listing(page: Page) -> str:
    """What can be bought."""
    found = [
        (each, views.pool(page.desk, each), paused_since(page.desk.state, each.listing) is not None)
        for each in views.offers(page.desk)
    ]
    return page.html(
        "offers.html", "buy", offers=found, word=_word(page),
        closed=lambda offer: _closed(page, offer),
    )  # fmt: skip


def _closed(page: Page, offer: Offer) -> str:
    """Why nothing is sold here, and who sells it; nothing where it is sold here."""
    settings = page.desk.settings
    if settings.selling is not None:
        return ""
    seller = page.desk.state.need("listing", offer.listing)["listing"]["payer"]
    if seller == (settings.member or seller):
        return page.t("buying.closed")
    return page.t("buying.sold_by", name=page.desk.name_of(seller, page.language))


def form(page: Page) -> str | None:
    """The form of one listing, empty."""
    return form_of(page, {}, ())


def form_of(page: Page, given: Mapping[str, str], refusals: tuple[Refusal, ...]) -> str | None:
    """The form with what was given, and what is wrong with it; nothing personal comes back."""
    offer = views.offer(page.desk, page.parts["listing"])
    if offer is None:
        return None
    waiting = max((r.ahead_least for r in offer.rules if isinstance(r, Dates)), default=0)
    first = beijing_day(page.desk.head.time + waiting + DAY)
    kept = {name: value for name, value in given.items() if not name.startswith("person.")}
    inputs = _inputs(page.desk, offer)
    name_of = _names(page, offer, inputs)
    return page.html(
        "apply.html",
        "buy",
        offer=offer,
        word=_word(page),
        figures=[
            _figure(page, rule, inputs[rule.name], name_of(rule.name))
            for rule in offer.declared().values()
        ],
        related=[views.offer(page.desk, name) for name in offer.related],
        given={"since": first, "key": secrets.token_hex(16), **page.query, **kept},
        personal=PERSONAL,
        needed=NEEDED,
        waiting_days=-(-waiting // DAY),
        announced=any(isinstance(rule, Announced) for rule in offer.rules),
        held_minutes=None if offer.hold_seconds is None else offer.hold_seconds // 60,
        refusals=refusals,
        closed=_closed(page, offer),
    )


def one(page: Page) -> str | None:
    """An application, and the policy that it has become."""
    desk, number = page.desk, page.parts["number"]
    value = desk.state.get("application", number)
    if value is None:
        return None
    offer = views.offer(desk, value["listing"])
    assert offer is not None, "what was applied for is on offer"
    shown = views.application_view(desk, value)
    changes = [views.application_view(desk, each) for each in views.others_of(desk, value)]
    inputs = _inputs(desk, offer)
    return page.html(
        "policy.html",
        "buy",
        value=shown,
        offer=offer,
        word=_word(page),
        name=_names(page, offer, inputs),
        write=lambda name, figure: written(page, inputs[name], figure),
        policy=views.policy(desk, value["policy"]),
        closed=_closed(page, offer),
        changes=changes,
        pay_to=desk.settings.collecting.get(offer.collector, ""),
        related=[found for n in offer.related if (found := views.offer(desk, n)) is not None],
    )


def install_post(desks: Desks, language: Language) -> Callable[[Request], Any]:
    """Taking a form in."""

    async def take(request: Request) -> Response:
        async with request.form(max_files=0, max_fields=60) as data:
            given = {name: value for name, value in data.items() if isinstance(value, str)}
        check_origin(request)
        check_pace(desks.settings, request)
        return await run_in_threadpool(_taken, desks, language, request, given)

    return take


def check_origin(request: Request) -> None:
    """A form of another site is not taken. Errors   Problem portal.cross_site."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    foreign = origin is not None and origin.partition("://")[2] != host
    if site not in ("same-origin", "none") or foreign:
        raise Problem("cross_site")


def _taken(
    desks: Desks, language: Language, request: Request, given: Mapping[str, str]
) -> Response:
    name = request.path_params["listing"]
    with desks.open() as desk:
        offer = views.offer(desk, name)
        if offer is None:
            raise Problem("not_found", what=request.url.path[:120])
    try:
        value = shop_of(desks.settings).apply(_wanted(offer, given), given.get("key", ""))
    except Refused as refused:
        with desks.open() as desk:
            again = {n: v for n, v in given.items() if n != "key"}
            page = Page(language, f"/buy/{name}", {"listing": name}, desk)
            html = form_of(page, again, refused.refusals)
        return HTMLResponse(html, 400, {"Cache-Control": "no-store"})
    return RedirectResponse(f"/{language}/policies/{value['id']}", 303)


def _wanted(offer: Offer, given: Mapping[str, str]) -> Wanted:
    """An application from the fields of a form.

    Errors   Refused selling.bad_field, instant.*.
    """
    since = from_beijing(given.get("since", ""))
    declared = {}
    for name, rule in offer.declared().items():
        text = given.get(f"declared.{name}", "")
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise Refused(Refusal("selling.bad_field", {"field": name, "low": rule.low}))
        declared[name] = int(text)
    person = {n: given.get(f"person.{n}", "").strip() for n in PERSONAL}
    return Wanted(
        listing=offer.listing,
        channel=next((c.id for c in offer.channels if c.way is Way.ONLINE), ""),
        since=since,
        until=period_of(since, since)[1],
        facts={q.name: given.get(f"fact.{q.name}", "") for q in offer.questions},
        declared=declared,
        person={name: text for name, text in person.items() if text},
        feeder=given.get("feeder", "").strip() or None,
        order=given.get("order") or None,
    )


def _word(page: Page) -> Callable[[Any], str]:
    """A text of an offer in the page's language."""
    return lambda words: words.zh if page.language == "zh" else words.en


def _inputs(desk: Desk, offer: Offer) -> dict[str, Declared]:
    """The declared figures that any version of the terms reads, by name."""
    found: dict[str, Declared] = {}
    for version in product_of_listing(desk, offer.listing).versions:
        found |= {of.name: of for of in version.terms.inputs if isinstance(of, Declared)}
    return found


def _names(page: Page, offer: Offer, inputs: Mapping[str, Declared]) -> Callable[[str], str]:
    """What a figure, question or step of a premium is called."""
    word = _word(page)
    names = {name: word(of) for name, of in inputs.items()}
    names |= {q.name: word(q.words) for q in offer.questions}

    def name(key: str) -> str:
        text = names[key] if key in names else page.t(f"buying.step_{key}")
        return text[:1].upper() + text[1:]

    return name


def written(page: Page, of: Declared, figure: int) -> str:
    """A declared figure as it is said."""
    if of.kind is Kind.MONEY:
        return page.t("buying.yuan", amount=as_yuan(figure))
    if of.kind is Kind.MINUTES:
        return page.t("buying.minutes", count=figure)
    return f"{figure:,}"


def _figure(page: Page, rule: Within, of: Declared, label: str) -> dict[str, Any]:
    """One figure to be chosen: its name, and its choices where they are few."""
    few = (rule.high - rule.low) // rule.step < CHOICES
    values = range(rule.low, rule.high + 1, rule.step) if few else ()
    return {
        "name": rule.name,
        "label": label,
        "rule": rule,
        "choices": [(value, written(page, of, value)) for value in values],
    }
