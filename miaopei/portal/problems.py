"""What went wrong, for people as a page in both languages, for programs as RFC 9457 problem JSON.

Sentences stand in errors/texts/portal.toml; nothing of the inside of the house is ever shown.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from ..errors import Alarm, Fact, OutsideFault, Refusal, Refused
from ..settings import Language
from . import texts
from .guard import UPLOAD_MAX
from .texts import LANGUAGES

API = "/api/"
MEDIA = "application/problem+json"
LOG = logging.getLogger("miaopei.portal")
TOO_MANY = "portal.too_many"
TRIES = "portal.too_many_tries"
BUSY = (
    "net.busy",
    "net.too_fast",
    TOO_MANY,
    TRIES,
)  # each says after how many seconds to ask again
STATUS: Mapping[str, int] = {
    "portal.not_found": 404,
    "portal.not_given_out": 404,
    "portal.not_told": 404,
    "lineage.unknown": 404,
    "lineage.too_short": 404,
    "lineage.ambiguous": 409,
    "portal.bad_request": 400,
    "portal.bad_key": 400,
    "portal.bad_token": 401,
    "portal.cross_site": 403,
    "portal.not_the_holder": 403,
    "portal.not_selling": 403,
    "selling.key_differs": 422,
    "selling.not_answered_here": 409,
    "selling.erased": 409,
    "selling.list_missing": 503,
    "selling.stopped": 503,
    TOO_MANY: 429,
    TRIES: 429,
    "portal.other_name": 409,
    "portal.other_channel": 403,
    "net.busy": 503,
    "net.too_fast": 503,
    "act.listing_not_known": 404,
    "act.offer_not_known": 404,
    "act.policy_not_known": 404,
    "act.change_open": 409,
    "act.listing_paused": 409,
    "policies.not_in_force": 409,
    "policies.no_change": 409,
    "policies.bad_renewal": 409,
    "portal.no_file": 400,
    "portal.not_allowed": 405,
    "portal.too_large": 413,
    "portal.genesis_too_large": 413,
    "portal.not_a_genesis": 400,
    "portal.other_host": 421,
    "portal.wrong_media": 415,
    "portal.no_record": 503,
    "portal.out_of_service": 503,
    "portal.server_error": 500,
}


class Problem(Exception):
    """Carries a refusal up to where it is shown."""

    def __init__(self, code: str, /, **facts: Fact) -> None:
        self.refusal = Refusal(f"portal.{code}", facts)
        super().__init__(self.refusal.code)


def install(app: FastAPI) -> None:
    """Answer every failure of the application."""

    def problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem), "registered for this class"
        return answer(request.scope, [error.refusal])

    def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused), "registered for this class"
        return answer(request.scope, error.refusals)

    def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError), "registered for this class"
        return answer(request.scope, [_invalid(each) for each in error.errors()])

    def plain(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException), "registered for this class"
        return answer(request.scope, [_plain(request, error)], dict(error.headers or {}))

    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, plain)
    app.add_exception_handler(OutsideFault, _outside)
    app.add_exception_handler(Exception, _fault)


def _outside(request: Request, error: Exception) -> Response:
    LOG.error("out of service: %s", error)
    return answer(request.scope, [Refusal("portal.out_of_service")], {"Retry-After": "10"})


def _fault(request: Request, error: Exception) -> Response:
    code = error.code if isinstance(error, Alarm) else type(error).__name__
    LOG.error("%s %s: %s", request.method, request.url.path, code)
    return answer(request.scope, [Refusal("portal.server_error")])


def elsewhere(scope: MutableMapping[str, Any]) -> Response:
    """What whoever asks for another host is told."""
    return answer(scope, [Refusal("portal.other_host")])


def answer(
    scope: MutableMapping[str, Any],
    refusals: Sequence[Refusal],
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A page, or problem JSON for the API, in the language asked for; 400 for codes of others.

    Whoever is told to wait is told how long, also as `Retry-After`.
    """
    request = Request(scope)
    status, wait = STATUS.get(refusals[0].code, 400), _seconds(refusals)
    later = {} if wait is None else {"Retry-After": str(wait)}
    extra = {**later, **(headers or {}), "Cache-Control": "no-store", "Vary": "Accept-Language"}
    path = scope["path"]
    if path.startswith(API):
        language = texts.preferred(request.headers.get("accept-language"))
        body = problem_json(refusals, status, path, language)
        data = json.dumps(body, ensure_ascii=False).encode("utf-8")
        extra["Content-Language"] = "zh-CN" if language == "zh" else "en"
        return Response(data, status, extra, MEDIA)
    language = language_of(request)
    return HTMLResponse(_page(refusals, status, language, scope), status, extra)


def _seconds(refusals: Sequence[Refusal]) -> Fact | None:
    """After how long to ask again, where one says that we are busy."""
    told = (r.facts.get("seconds") for r in refusals if r.code in BUSY)
    return next((seconds for seconds in told if seconds is not None), None)


def problem_json(
    refusals: Sequence[Refusal], status: int, path: str, language: Language
) -> dict[str, Any]:
    """RFC 9457: type, title, status, detail, instance; and the code, facts and texts of each."""
    first = refusals[0]
    return {
        "type": f"/api/v1/problems/{first.code}",
        "title": texts.text(f"problems.heading_{status}", language),
        "status": status,
        "detail": " ".join(texts.sentence(refusal, language) for refusal in refusals),
        "instance": path,
        "code": first.code,
        "problems": [
            {
                **refusal.as_json(),
                "texts": {each: texts.sentence(refusal, each) for each in LANGUAGES},
            }
            for refusal in refusals
        ],
    }


def language_of(request: Request) -> Language:
    """The language of the address, else the one that the reader prefers."""
    first = request.url.path.split("/")[1]
    for language in LANGUAGES:
        if first == language:
            return language
    return texts.preferred(request.headers.get("accept-language"))


def _page(
    refusals: Sequence[Refusal], status: int, language: Language, scope: Mapping[str, Any]
) -> str:
    from .pages.page import environment

    def t(key: str, **facts: object) -> str:
        return texts.text(key, language, **facts)

    each = {name: {} for name in ("heading", "home")}  # type: dict[str, dict[str, str]]
    for spoken in LANGUAGES:
        each["heading"][spoken] = texts.text(f"problems.heading_{status}", spoken)
        each["home"][spoken] = texts.text("problems.home", spoken)
    return (
        environment()
        .get_template("problem.html")
        .render(
            t=t,
            language=language,
            other=texts.other(language),
            status=status,
            marks=scope["app"].state.marks() if "app" in scope else (),
            details={s: [texts.sentence(refusal, s) for refusal in refusals] for s in LANGUAGES},
            **each,
        )
    )


def _invalid(error: Mapping[str, Any]) -> Refusal:
    """One fault of a request that the types found; what was sent is not repeated."""
    field = ".".join(str(part) for part in error["loc"])[:80]
    return Refusal("portal.bad_request", {"field": field, "why": str(error["msg"])[:120]})


def _plain(request: Request, error: HTTPException) -> Refusal:
    match error.status_code:
        case 404:
            return Refusal("portal.not_found", {"what": request.url.path[:120]})
        case 405:
            return Refusal("portal.not_allowed", {"method": request.method[:20]})
        case 413:
            return Refusal("portal.too_large", {"limit": UPLOAD_MAX})
        case _:
            return Refusal("portal.bad_request", {"field": "form", "why": str(error.detail)[:120]})
