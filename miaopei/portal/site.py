"""The addresses of the pages: each in /zh/ and /en/, with a mark that says when it is unchanged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ..settings import Language
from . import texts, uploads
from .buying import pages as buying
from .grid import sources
from .invoices import pages as invoices
from .outages import pages as outages
from .pages import cases, events, home, products, receipts, record, why
from .pages.page import Page
from .problems import Problem
from .static import FOLLOWS
from .texts import LANGUAGES
from .views.desk import Desks

Make = Callable[[Page], str | Response | None]

# Pages that show what the bank has said, who is heard, or what another ledger holds: it may change
# while the root does not.
UNMARKED = frozenset(
    {
        "/buy",
        "/buy/{listing}",
        "/policies/{number}",
        "/record",
        "/cases/{listing}/{occurrence}/{benefit}",
        "/outages",
        "/outages/{id}",
        "/sources",
        "/why",
        "/why/{id}",
    }
)
# Pages that follow the record by a script of ours; it may ask this server and nobody else.
FOLLOWING = frozenset({"/outages", "/outages/{id}"})
PAGES: Mapping[str, Make] = {
    "/": home.home,
    "/events": events.listing,
    "/events/{id}": events.one,
    "/cases/{listing}/{occurrence}/{benefit}": cases.one,
    "/outages": outages.latest,
    "/outages/{id}": outages.one,
    "/invoices": invoices.listing,
    "/invoices/{listing}/{carrier}/{month}": invoices.one,
    "/buy": buying.listing,
    "/buy/{listing}": buying.form,
    "/policies/{number}": buying.one,
    "/products": products.listing,
    "/products/{name}": products.one,
    "/products/{name}/{number}": products.wording,
    "/receipts": receipts.listing,
    "/receipts/{name:path}": receipts.one,
    "/verify": receipts.form,
    "/accounts": record.accounts,
    "/record": record.record,
    "/sources": sources.page,
    "/why": why.form,
    "/why/{id}": why.one,
}


def install(app: FastAPI, desks: Desks, salt: str) -> None:
    """Add every page to the application. `salt` tells this running program's marks from others'."""
    for language in LANGUAGES:
        for path, make in PAGES.items():
            app.add_route(f"/{language}{path}", _page(desks, language, make, path, salt))
        app.add_route(f"/{language}/settlements/{{id}}", _settlement(desks, language))
        app.add_route(f"/{language}/verify", _verify(desks, language), ["POST"])
        take = buying.install_post(desks, language)
        app.add_route(f"/{language}/buy/{{listing}}", take, ["POST"])
        app.add_route(f"/{language}", _into(f"/{language}/"))
    app.add_route("/", _first(desks.settings.language))


def _page(
    desks: Desks, language: Language, make: Make, path: str, salt: str
) -> Callable[[Request], Response]:
    def page(request: Request) -> Response:
        with desks.open() as desk:
            query = dict(request.query_params)
            mark = f'W/"{desk.mark}-{salt}"'
            marked = {"ETag": mark, "Cache-Control": "no-cache"}
            if path in UNMARKED:
                marked = {"Cache-Control": "no-store"}
                if path in FOLLOWING:
                    marked["Content-Security-Policy"] = FOLLOWS
            elif request.headers.get("if-none-match") == mark:
                return Response(status_code=304, headers=marked)
            asked = Page(language, _rest(request, language), request.path_params, desk, query)
            html = make(asked)
        if html is None:
            raise Problem("not_found", what=request.url.path[:120])
        return html if isinstance(html, Response) else HTMLResponse(html, headers=marked)

    return page


def _settlement(desks: Desks, language: Language) -> Callable[[Request], Response]:
    """A settlement stands on the page of its case."""

    def page(request: Request) -> Response:
        with desks.open() as desk:
            asked = Page(language, _rest(request, language), request.path_params, desk)
            address = cases.settlement(asked)
        if address is None:
            raise Problem("not_found", what=request.url.path[:120])
        return RedirectResponse(address, 303)

    return page


def _verify(desks: Desks, language: Language) -> Callable[[Request], Any]:
    async def page(request: Request) -> Response:
        sent = await uploads.of_page(request)
        return await run_in_threadpool(_checked, desks, language, sent)

    return page


def _checked(desks: Desks, language: Language, sent: uploads.Sent) -> Response:
    with desks.open() as desk:
        asked = Page(language, "/verify", {}, desk)
        html = receipts.checked(asked, sent.receipt, sent.vkey, sent.genesis)
    return HTMLResponse(html, headers={"Cache-Control": "no-store"})


def _first(otherwise: Language) -> Callable[[Request], Response]:
    """To the first page in the language that the reader prefers, else in this one."""

    def first(request: Request) -> Response:
        language = texts.preferred(request.headers.get("accept-language"), otherwise)
        headers = {"Vary": "Accept-Language", "Cache-Control": "no-store"}
        return RedirectResponse(f"/{language}/", 307, headers)

    return first


def _into(address: str) -> Callable[[Request], Response]:
    return lambda _: RedirectResponse(address, 308)


def _rest(request: Request, language: Language) -> str:
    """The address without its language, as the other language links to it."""
    return request.url.path.removeprefix(f"/{language}") or "/"
