"""The record's head and health, products, and the sentences of refusals."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from fastapi.responses import PlainTextResponse

from ...errors.texts import table
from ..problems import Problem
from ..views import products
from ..views.desk import Desk
from . import models
from .answers import Cursor, Limit, Named, Sixty, cut, documented


def add(router: APIRouter, marked: Any, plain: Any) -> None:
    """The operations of this file."""
    _head(router, marked, plain)
    _products(router, marked)
    _problems(router)


def _head(router: APIRouter, marked: Any, plain: Any) -> None:
    """Where the record stands."""

    @router.get("/health", responses=documented(fresh=False), tags=["record"])
    def health(desk: Desk = plain) -> models.Health:
        """Whether the record can be read, how far it reaches, and what keeps duties undone."""
        settings, head = desk.settings, desk.head
        status: Literal["ok", "stopped"] = "stopped" if settings.stopped else "ok"
        undone = [models.Undone(duty=told["duty"], code=told["code"]) for told in settings.duties()]
        return models.Health(status=status, size=head.size, time=head.time, undone=undone)

    @router.get("/record", responses=documented(), tags=["record"])
    def record(desk: Desk = marked) -> models.Record:
        """Where the record stands: size, root, time, signed checkpoint, the log's key."""
        genesis, head = desk.genesis, desk.head
        return models.Record(
            **{name: genesis[name] for name in ("name", "chain", "origin", "suite", "clock")},
            sandbox=desk.settings.sandbox,
            vkey=desk.vkey,
            genesis=desk.founding,
            size=head.size,
            root=head.root.hex(),
            height=head.height,
            time=head.time,
            checkpoint=desk.reading.checkpoint(),
        )

    @router.get(
        "/record/checkpoint",
        responses=documented(),
        response_class=PlainTextResponse,
        tags=["record"],
    )
    def checkpoint(response: Response, desk: Desk = marked) -> PlainTextResponse:
        """The signed checkpoint in C2SP form; the log's tiles lie under /log/."""
        return PlainTextResponse(desk.reading.checkpoint(), headers=dict(response.headers))


def _products(router: APIRouter, marked: Any) -> None:
    """What was filed."""

    @router.get("/products", responses=documented(400), tags=["products"])
    def every_product(
        desk: Desk = marked, cursor: Cursor = None, limit: Limit = 50
    ) -> models.Listed[models.Product]:
        """Every filed product, by hash."""
        start = bytes.fromhex(cursor or "").decode("ascii")
        hashes = sorted(filed.product.hash for filed in products.products(desk))
        keys, following = cut([hash for hash in hashes if hash > start][: limit + 1], limit)
        found = (products.product(desk, hash) for hash in keys)
        items = [models.Product(**filed.as_json()) for filed in found if filed is not None]
        return models.Listed(items=items, next=following)

    @router.get("/products/{product}", responses=documented(400, 404), tags=["products"])
    def one_product(product: Named, desk: Desk = marked) -> models.Product:
        """One product by its hash, or by its id."""
        filed = products.product(desk, product)
        if filed is None:
            raise Problem("not_found", what=product)
        return models.Product(**filed.as_json())

    @router.get("/products/{product}/filing", responses=documented(400, 404), tags=["products"])
    def filing(product: Sixty, response: Response, desk: Desk = marked) -> dict[str, Any]:
        """The filed value in canonical bytes: the product's hash is the content id of these."""
        filed = products.product(desk, product)
        if filed is None:
            raise Problem("not_found", what=product)
        headers = dict(response.headers)
        return Response(filed.product.to_bytes(), media_type="application/json", headers=headers)  # type: ignore[return-value]  # the very bytes that the hash covers


def _problems(router: APIRouter) -> None:
    """The sentences of refusals."""

    @router.get("/problems/{code}", responses=documented(400, 404, fresh=False), tags=["record"])
    def problem(
        code: Annotated[
            str,
            Path(
                pattern=r"^[a-z]{1,30}\.[a-z0-9_]{1,60}$",
                description="The `code` of a problem or reason.",
                examples=["portal.not_found"],
            ),
        ],
    ) -> models.Code:
        """The sentences of a refusal's code in both languages."""
        room, _, name = code.partition(".")
        entry = table(room).get(name)
        if entry is None:
            raise Problem("not_found", what=code)
        return models.Code(code=code, zh=entry["zh"], en=entry["en"])
