"""The door for pushed messages: POST /grid/{source}/messages over HTTP, signed (RFC 9421).

What is wrong is answered as RFC 9457 problem JSON in zh and en; the body is read no farther than a
message may be long. Source: docs/specs/outage.md, section 8.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ....errors import Alarm, OutsideFault, Refusal, Refused
from ....errors.texts import say
from ....settings import Language, hosts, names_us
from .. import cim, plain
from ..intake import Intake, Taken
from ..message import LARGEST, no
from .signatures import Pushed, signer
from .trust import Trusted, owners

LOG = logging.getLogger("miaopei.grid")
SLOWEST = 60  # seconds for a whole body: 32 MiB at half a megabyte a second
PROBLEM = "application/problem+json"
STATUS: Mapping[str, int] = {
    "grid.too_large": 413,
    "grid.other_host": 421,
    "grid.too_slow": 408,
    "grid.wrong_media": 415,
    "grid.unsigned": 401,
    "grid.forged": 401,
    "grid.other_source": 403,
    "grid.unknown_source": 404,
    "grid.no_address": 404,
    "grid.sequence_reused": 409,
    "grid.out_of_service": 503,
    "grid.server_error": 500,
}
TITLES: Mapping[int, tuple[str, str]] = {
    400: ("消息未收下", "The message is not taken"),
    401: ("签名不成立", "The signature does not hold"),
    403: ("不许代报", "Not for another source"),
    404: ("没有这个地址", "No such address"),
    408: ("消息没有送完", "The message did not end"),
    409: ("与先前的消息矛盾", "It contradicts an earlier message"),
    413: ("消息太大", "The message is too large"),
    415: ("格式不对", "Another format is wanted"),
    421: ("不是这个主机", "Not under this name"),
    500: ("本系统出错", "Something failed here"),
    503: ("暂时不能服务", "Out of service for now"),
}


@dataclass(frozen=True)
class Door:
    """Takes pushed messages in, one after the other; `after` is told of each, once it is answered.

    `clock` gives the time of receipt for the record; `public` is our address as sources sign it,
    where a proxy ends TLS before us.
    """

    intake: Intake
    trusted: Mapping[str, Trusted]
    clock: Callable[[], int]
    after: Callable[[Taken], None] = lambda _taken: None
    public: str | None = None
    turn: threading.Lock = field(default_factory=threading.Lock)  # held while the record is used
    hosts: frozenset[str] = field(default_factory=hosts)  # names under which it answers

    def app(self) -> Starlette:
        """The application."""
        turn = self.turn
        keys = owners(self.trusted)

        def take(data: bytes, sender: str) -> Taken:
            with turn:
                return self.intake.take(data, self.clock(), sender=sender)

        def afterwards(taken: Taken) -> None:
            with turn:
                self.after(taken)

        async def post(request: Request) -> Response:
            named = request.path_params["source"]
            if named not in self.trusted:
                raise no("unknown_source", source=named[:60])
            _media(request)
            url = str(request.url)
            if self.public is not None:
                url = self.public + url.removeprefix(str(request.base_url).rstrip("/"))
            pushed = Pushed(request.method, url, dict(request.headers))
            sender = signer(pushed, None, keys)  # a stranger's body is never read
            if sender != named:
                raise no("other_source", source=named, sender=sender)
            data = await _body(request)
            signer(pushed, data, keys)
            taken = await run_in_threadpool(take, data, sender)
            return JSONResponse(taken.as_json(), 202, background=BackgroundTask(afterwards, taken))

        names = self.hosts | {urlsplit(self.public or "").hostname or ""} - {""}
        return Starlette(
            middleware=[Middleware(_Ours, hosts=names)],
            routes=[Route("/grid/{source}/messages", post, methods=["POST"])],
            exception_handlers={
                404: _elsewhere,
                405: _elsewhere,
                Refused: _refused,
                OutsideFault: _outside,
                ClientDisconnect: _gone,
                Exception: _failed,
            },
        )


class _Ours:
    """Keeps out whoever asks for another host, whatever is asked."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http":
            request = Request(scope)
            if not names_us(request.headers.get("host", ""), self._hosts):
                app = problem(request, [Refusal("grid.other_host")])
        await app(scope, receive, send)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused), "registered for this class"
    return problem(request, error.refusals)


def _elsewhere(request: Request, _error: Exception) -> Response:
    return problem(request, [Refusal("grid.no_address", {"path": request.url.path[:120]})])


def _outside(request: Request, error: Exception) -> Response:
    LOG.error("out of service: %s", error)
    return problem(request, [Refusal("grid.out_of_service")])


def _gone(_request: Request, _error: Exception) -> Response:
    return Response(status_code=400)  # nobody is there to read it


def _failed(request: Request, error: Exception) -> Response:
    LOG.error("%s: %s", request.url.path, error.code if isinstance(error, Alarm) else type(error))
    return problem(request, [Refusal("grid.server_error")])


def problem(request: Request, refusals: Sequence[Refusal]) -> Response:
    """RFC 9457 in the language asked for, with the texts of both inside."""
    asked = request.headers.get("accept-language", "")
    language: Language = "zh" if asked.strip().lower().startswith("zh") else "en"
    first = refusals[0]
    status = STATUS.get(first.code, 400)
    zh, en = TITLES[status]
    body = {
        "type": f"/grid/problems/{first.code}",
        "title": zh if language == "zh" else en,
        "status": status,
        "detail": " ".join(say(refusal, language) for refusal in refusals),
        "instance": request.url.path,
        "code": first.code,
        "problems": [
            {**r.as_json(), "texts": {"zh": say(r, "zh"), "en": say(r, "en")}} for r in refusals
        ],
    }
    headers = {"Content-Language": "zh-CN" if language == "zh" else "en"}
    headers |= {"Retry-After": "10"} if status == 503 else {}
    if status in (401, 403, 408, 413, 415, 421):
        headers["Connection"] = "close"  # the rest is not read
    return JSONResponse(body, status, headers, PROBLEM)


def _media(request: Request) -> None:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in (cim.MEDIA, plain.MEDIA):
        raise no("wrong_media", found=given[:60], wanted=f"{cim.MEDIA}, {plain.MEDIA}")


async def _body(request: Request) -> bytes:
    """The body, read until it is longer, or takes longer, than a message may.

    Errors   Refused grid.too_large, grid.too_slow.
    """
    length = request.headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and int(length[:15]) > LARGEST:
        raise no("too_large", length=int(length[:15]), limit=LARGEST)
    data = bytearray()
    try:
        async with asyncio.timeout(SLOWEST):
            async for part in request.stream():
                data += part
                if len(data) > LARGEST:
                    raise no("too_large", length=len(data), limit=LARGEST)
    except TimeoutError:
        raise no("too_slow", length=len(data), seconds=SLOWEST) from None
    return bytes(data)
