"""What stands around every answer: safe headers, HEAD for GET; how much may be sent to us; and
under which names we answer.

Plain ASGI, so that it also holds for static files, errors and refusals.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.exceptions import HTTPException

from ..settings import names_us

UPLOAD_MAX = 2 * 1024 * 1024  # a receipt
GENESIS_MAX = 100_000  # a consortium's genesis file, as `miaopei verify` reads it
FORM_ROOM = GENESIS_MAX + 16 * 1024  # beside it: the boundaries and the other fields of a form

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Elsewhere = Callable[[Scope], App]

POLICY = (
    b"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    b"base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)


class Guard:
    """Wraps the whole application."""

    def __init__(self, app: App, hosts: frozenset[str], elsewhere: Elsewhere) -> None:
        """`elsewhere` answers who asks for a host that is none of `hosts`, whatever is asked."""
        self._app, self._hosts, self._elsewhere = app, hosts, elsewhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Adds the headers that an answer does not set itself; a HEAD gets no body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"
        host = next((value for name, value in scope["headers"] if name == b"host"), b"")
        ours = names_us(host.decode("latin-1"), self._hosts)
        app = self._app if ours else self._elsewhere(scope)

        async def safe(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                extra = [pair for pair in HEADERS if pair[0] not in given]
                message["headers"] = [*message["headers"], *extra]
            elif head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        inner = {**scope, "method": "GET"} if head else scope
        await app(inner, _limited(scope, receive), safe)


def _limited(scope: Scope, receive: Receive) -> Receive:
    """Whoever reads a body that is too long is told so, by its stated length or as it comes.

    Errors   HTTPException 413, which the application answers as a problem.
    """
    stated = [value for name, value in scope["headers"] if name == b"content-length"]
    came = int(stated[0]) if stated and stated[0].isdigit() else 0
    room = UPLOAD_MAX + FORM_ROOM
    came = came if came > room else 0

    async def part() -> Message:
        nonlocal came
        if came <= room:
            message = await receive()
            came += len(message.get("body", b""))
            if came <= room:
                return message
        raise HTTPException(413)

    return part
