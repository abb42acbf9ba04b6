"""Reading operations in one go: the snapshot opened, the answer made and written, in one thread.

FastAPI would hand a request from thread to thread for each of these, and check once more what is a
model already. An operation asks for its desk by `desk: Desk = marked` (or `plain`); what it gives
back is told in the schema as everywhere. Answers with a mark are kept by it: the same question of
the same moment of the record is worked out once. One that is about a single row of the state says
so (`marked.of("case", "{listing}/{occurrence}/{benefit}")`) and shares its snapshot with those that
are asked at the same time.
"""

from __future__ import annotations

import inspect
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, get_type_hints

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from ..crowd import Answer, Crowd
from ..views.desk import Desk, Desks
from .answers import NotModified

KEPT_BYTES = 32_000_000
KEPT_ANSWER = 100_000  # bytes: a longer one is made again


class Asks:
    """The default of a `desk` parameter: which kind of answer it is, and of which row if of one."""

    def __init__(self, *, marked: bool, row: tuple[str, str] | None = None) -> None:
        self.marked, self.row = marked, row

    def of(self, table: str, key: str) -> Asks:
        """Such an answer, made quickly of one row; its key is filled in from the address."""
        return Asks(marked=self.marked, row=(table, key))


class Short(APIRoute):
    """A route that reads nothing but its address, without what FastAPI prepares for bodies,
    queries and dependencies; what is wrong with an address is left to FastAPI to say."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """As the framework asks."""
        usual = super().get_route_handler()
        given = inspect.signature(self.endpoint).parameters
        read = [(name, TypeAdapter(given[name].annotation)) for name in self.param_convertors]

        async def answer(request: Request) -> Response:
            try:
                found = {name: of.validate_python(request.path_params[name]) for name, of in read}
            except ValidationError:
                return await usual(request)
            answered: Response = await self.endpoint(request=request, **found)
            return answered

        return answer


class Kept:
    """Answers by mark and address, as many as fit; the least used go first."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._size, self._lock = 0, threading.Lock()

    def get(self, key: tuple[str, str]) -> bytes | None:
        """The answer, if it was given before."""
        with self._lock:
            found = self._answers.get(key)
            if found is not None:
                self._answers.move_to_end(key)
            return found

    def put(self, key: tuple[str, str], body: bytes) -> None:
        """Keep an answer; older ones make room."""
        if len(body) > KEPT_ANSWER:
            return
        with self._lock:
            if key not in self._answers:
                self._answers[key] = body
                self._size += len(body)
            while self._size > KEPT_BYTES:
                self._size -= len(self._answers.popitem(last=False)[1])


class Reads(APIRouter):
    """A router whose reading operations run whole in one thread."""

    def __init__(self, desks: Desks, salt: str, prefix: str) -> None:
        super().__init__(prefix=prefix)
        self._desks, self._salt, self._kept = desks, salt, Kept()
        self._crowd = Crowd(desks)

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
        """As FastAPI's; an operation that asks for a desk is wrapped."""
        asks = inspect.signature(endpoint).parameters.get("desk")
        if asks is not None and isinstance(asks.default, Asks):
            endpoint = self._wrapped(endpoint, asks.default)
            if asks.default.row is not None:
                more["route_class_override"] = Short
        super().add_api_route(path, endpoint, **more)

    def _wrapped(self, make: Callable[..., Any], asks: Asks) -> Callable[..., Any]:
        hints = get_type_hints(make, include_extras=True)
        given = inspect.signature(make)
        headers_wanted = "response" in given.parameters
        taken = [
            each.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
            for name, each in given.parameters.items()
            if name not in ("desk", "response")
        ]
        asked = inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request)

        async def operation(*, request: Request, **values: Any) -> Response:
            answer = partial(self._answer, request, make, values, asks.marked, headers_wanted)
            if asks.row is None:
                return await run_in_threadpool(self._alone, answer)
            table, key = asks.row
            return await self._crowd.answer((table, key.format_map(values)), answer)

        operation.__name__, operation.__doc__ = make.__name__, make.__doc__
        operation.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # for FastAPI
            [asked, *taken], return_annotation=hints["return"]
        )
        return operation

    def _alone(self, answer: Answer) -> Response:
        with self._desks.open() as desk:
            return answer(desk)

    def _answer(
        self,
        request: Request,
        make: Callable[..., Any],
        values: Mapping[str, Any],
        marked: bool,
        headers_wanted: bool,
        desk: Desk,
    ) -> Response:
        headers = {"Miaopei-Marks": ", ".join(desk.marks), "Cache-Control": "no-store"}
        if marked:
            headers["Cache-Control"] = "no-cache"
            headers["ETag"] = f'W/"{desk.mark}-{self._salt}"'
            if request.headers.get("if-none-match") == headers["ETag"]:
                raise NotModified(headers)
            address = (desk.mark, f"{request.url.path}?{request.url.query}")
            if (kept := self._kept.get(address)) is not None:
                return Response(kept, media_type="application/json", headers=headers)
        more = {"response": _with(headers)} if headers_wanted else {}
        made = make(desk=desk, **values, **more)
        if isinstance(made, Response):
            return made
        body = written(made)
        if marked:
            self._kept.put(address, body)
        return Response(body, media_type="application/json", headers=headers)


def _with(headers: Mapping[str, str]) -> Response:
    """Headers for an operation that makes the whole response itself."""
    response = Response(headers=dict(headers))
    del response.headers["content-length"]
    return response


def written(made: Any) -> bytes:
    """The JSON of a model, of a list of them, or of plain values."""
    if isinstance(made, BaseModel):
        return made.__pydantic_serializer__.to_json(made, by_alias=True)
    if isinstance(made, list) and any(isinstance(each, BaseModel) for each in made):
        return b"[" + b",".join(map(written, made)) + b"]"
    return json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
