"""Joins guard, pages, API, log files and style into one application."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from .. import __version__
from . import api, log, problems, site, static
from .api.answers import NotModified
from .api.models import Problem
from .guard import Guard
from .problems import Problem as Trouble
from .settings import Settings, Snapshots
from .views.desk import Desks

DESCRIPTION = """
One member's record of a programmable insurance exchange, to read.

Money is in fen (integers), instants in UTC seconds, magnitudes in tenths, positions in
micro-degrees, assessed losses in units of 0.1 万元. Ids are content ids: 64 lower-case hex digits.
Every answer says in `Miaopei-Marks` whether the record is a replay and its bank a sandbox.
Lists are cut by `limit`; go on with `next` as `cursor`. Errors are RFC 9457 problem JSON, in the
language of Accept-Language (zh or en), with the texts of both inside. No personal data is here.
"""


class Application(FastAPI):
    """FastAPI with the guard around everything, and the shape of problems in its schema."""

    def build_middleware_stack(self) -> ASGIApp:
        """The guard stands outside also of what answers the faults that nothing else has caught."""
        return Guard(super().build_middleware_stack(), self.state.hosts, problems.elsewhere)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI 3.1 schema."""
        body = super().openapi()
        shape = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        body["components"]["schemas"]["Problem"] = shape
        return body


def build(store: Snapshots, settings: Settings) -> FastAPI:
    """The application."""
    application = Application(
        title="Miaopei 秒赔",
        version=__version__,
        summary="Read a provable insurance record, and verify its receipts.",
        description=DESCRIPTION.strip(),
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    desks = Desks(store, settings)
    salt = secrets.token_hex(4)

    def marks() -> tuple[str, ...]:
        try:
            with desks.open() as desk:
                return desk.marks
        except Exception:  # noqa: BLE001  # a page that says what is wrong is better than none
            return ()

    application.state.marks = marks
    application.state.hosts = settings.hosts
    problems.install(application)
    application.add_exception_handler(NotModified, _unchanged)
    application.router.routes.extend(api.router(desks, salt).routes)
    application.add_route("/log/{path:path}", _log(desks))
    application.add_route("/static/{name}", _static)
    site.install(application, desks, salt)
    return application


def _unchanged(_: Request, error: Exception) -> Response:
    assert isinstance(error, NotModified), "registered for this class"
    return Response(status_code=304, headers=error.headers)


def _log(desks: Desks) -> Callable[[Request], Response]:
    def file(request: Request) -> Response:
        return log.file(desks, request.path_params["path"])

    return file


def _static(request: Request) -> Response:
    """Only the files of the package's own folder."""
    name = request.path_params["name"]
    found = static.answer(name)
    if found is None:
        raise Trouble("not_found", what=f"/static/{name}"[:120])
    return found
