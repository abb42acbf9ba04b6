"""The node map: the members of a net as they stand at this moment, for people and programs.

It opens no record; whoever knows the net hands in how it stands. A page asks again by itself, since
no page here runs a script.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from ...settings import Language, hosts
from .. import texts
from ..guard import Guard
from ..pages.page import environment
from ..problems import elsewhere
from ..static import answer

Standing = Mapping[str, Any]
AGAIN = 3  # seconds between two looks
FRESH = {"Cache-Control": "no-store"}
GOOD = ("agrees",)


def build(standing: Callable[[], Standing], otherwise: Language = "zh") -> Guard:
    """The application; `otherwise` is shown to who asks for no language.

    `standing`: {name, members: [{member, zh, en, roles, power, up, height, size, root, lag,
    certified, missing, restarts, verdict, anchored}], compared_at, goes_on}.
    """

    async def api(_: Request) -> Response:
        found = await run_in_threadpool(standing)
        return JSONResponse(dict(found), headers=FRESH)

    def page(language: Language) -> Callable[[Request], Awaitable[Response]]:
        async def made(_: Request) -> Response:
            found = await run_in_threadpool(standing)
            return HTMLResponse(_html(found, language), headers=FRESH)

        return made

    async def first(request: Request) -> Response:
        chosen = texts.preferred(request.headers.get("accept-language"), otherwise)
        return RedirectResponse(f"/{chosen}/members", 303)

    async def static(request: Request) -> Response:
        return answer(request.path_params["name"]) or Response(status_code=404)

    def home(language: Language) -> RedirectResponse:
        return RedirectResponse(f"/{language}/members", 303)

    pages = [Route(f"/{each}/members", page(each)) for each in texts.LANGUAGES]
    homes = [Route(f"/{each}/", home(each)) for each in texts.LANGUAGES]
    routes = [Route("/", first), *pages, *homes, Route("/api/v1/members", api)]
    app = Starlette(routes=[*routes, Route("/static/{name}", static)])
    return Guard(app, hosts(), elsewhere)


def _troubled(row: Mapping[str, Any]) -> bool:
    """Whether a second ledger is silent, or says otherwise."""
    anchored = row.get("anchored")
    return anchored is not None and anchored["trouble"] is not None


def _html(found: Standing, language: Language) -> str:
    def said(key: str, **facts: object) -> str:
        return texts.text(key, language, **facts)

    rows = [
        {
            **row,
            "good": row["verdict"] in GOOD,
            "anchored": row.get("anchored"),
            "anchored_alarm": _troubled(row),
        }
        for row in found["members"]
    ]
    return (
        environment()
        .get_template("members.html")
        .render(
            t=said,
            language=language,
            other=texts.other(language),
            again=AGAIN,
            name=found["name"],
            goes_on=found["goes_on"],
            compared_at=found["compared_at"],
            rows=rows,
            agree=sum(row["good"] for row in rows),
            liars=[row[language] for row in rows if row["verdict"] == "differs"],
        )
    )
