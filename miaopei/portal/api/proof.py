"""Receipts and their verification; why a thing is so, and what a fact caused."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from ...claims.verify import explain
from .. import uploads
from ..problems import Problem
from ..texts import LANGUAGES
from ..views import lineage, receipts
from ..views.desk import Desk, Desks
from . import models
from .answers import Cursor, Limit, cut, documented

FILE = {"type": "string", "contentMediaType": uploads.JSON}
RECEIPT = {
    "required": True,
    "description": "The receipt's own bytes, unchanged, at most 2 MiB; or in two parts the receipt "
    "and the genesis file of its consortium, at most 100,000 bytes.",
    "content": {
        uploads.JSON: {"schema": {"type": "object", "additionalProperties": True}},
        uploads.PARTS: {
            "schema": {
                "type": "object",
                "required": [uploads.RECEIPT],
                "properties": {uploads.RECEIPT: FILE, uploads.GENESIS: FILE},
                "additionalProperties": False,
            }
        },
    },
}
Traced = Annotated[
    str,
    Path(
        pattern=r"^[0-9a-z_.-]{8,80}$",
        description="An id, at least 8 characters of its beginning, or a source's name.",
        examples=[models.EXAMPLE],
    ),
]


def add(router: APIRouter, desks: Desks, marked: Any, plain: Any) -> None:
    """The operations of this file."""
    _receipts(router, marked)
    _verify(router, desks)
    _lineage(router, plain)


def _receipts(router: APIRouter, marked: Any) -> None:
    """Receipts to be had."""

    @router.get("/receipts", responses=documented(400), tags=["proof"])
    def every_receipt(
        desk: Desk = marked, cursor: Cursor = None, limit: Limit = 50
    ) -> models.Listed[models.ReceiptName]:
        """Receipts that anybody may have: of open books, and of cases without a payout."""
        start = bytes.fromhex(cursor or "").decode("ascii")
        found = {name.path: case for case, name in receipts.every(desk)}
        paths, following = cut(sorted(p for p in found if p > start)[: limit + 1], limit)
        items = [
            models.ReceiptName(
                name=path,
                **{n: found[path].value[n] for n in ("listing", "occurrence", "benefit", "state")},
            )
            for path in paths
        ]
        return models.Listed(items=items, next=following)

    @router.get("/receipts/{name:path}", responses=documented(400, 404), tags=["proof"])
    def receipt(
        name: Annotated[
            str,
            Path(
                pattern=r"^[a-z0-9_.-]{1,64}(/[a-z0-9_.-]{1,64}){1,2}$",
                description="settlement/policy, or listing/occurrence/benefit.",
                examples=[f"yunnan_dali/{models.EXAMPLE}/house"],
            ),
        ],
        response: Response,
        desk: Desk = marked,
    ) -> dict[str, Any]:
        """The receipt itself: verify it offline with `miaopei verify FILE`."""
        found = receipts.subject(desk, name.split("/"))
        data = None if found is None else receipts.make(desk, found[1])
        if found is None or data is None:
            raise Problem("not_given_out")
        headers = {
            **dict(response.headers),
            "Content-Disposition": f'attachment; filename="{found[1].file}"',
        }
        return Response(data, media_type="application/json", headers=headers)  # type: ignore[return-value]  # the signed bytes, not a model


def _verify(router: APIRouter, desks: Desks) -> None:
    """Checking anybody's receipt."""

    @router.post(
        "/verify",
        responses=documented(400, 413, 415, fresh=False),
        openapi_extra={"requestBody": RECEIPT},
        tags=["proof"],
    )
    async def verify(
        request: Request,
        vkey: Annotated[
            str | None,
            Query(
                max_length=300,
                description="The log's verifier key. Without it and a genesis file, this log's "
                "own, or for a receipt of several members this member's own genesis file.",
            ),
        ] = None,
    ) -> models.Verdict:
        """Check a receipt. Verified here, you trust this site with the arithmetic."""
        sent = await uploads.of_program(request, vkey)
        return await run_in_threadpool(_verified, desks, sent)


def _lineage(router: APIRouter, plain: Any) -> None:
    """Backwards and forwards."""

    @router.get("/why/{id}", responses=documented(400, 404, 409, fresh=False), tags=["proof"])
    def why(id: Traced, desk: Desk = plain) -> models.Told:
        """From a payout, case or refusal back to the bytes of the bulletin, in sentences."""
        return models.Told(id=id, tree=lineage.why(desk, id).as_json())

    @router.get("/caused/{id}", responses=documented(400, 404, 409, fresh=False), tags=["proof"])
    def caused(id: Traced, desk: Desk = plain) -> models.Caused:
        """From a fact, source, policy or act forward to everything that it caused."""
        found = lineage.caused(desk, id)
        return models.Caused(**found.as_json(), tree=found.tree.as_json())


def _verified(desks: Desks, sent: uploads.Sent) -> models.Verdict:
    with desks.open() as desk:
        return _verdict(desk, sent)


def _verdict(desk: Desk, sent: uploads.Sent) -> models.Verdict:
    by = receipts.against(desk, sent.receipt, sent.vkey, sent.genesis)
    verdict = receipts.held(sent.receipt, by)
    said = {language: explain(verdict, language) for language in LANGUAGES}
    return models.Verdict(**verdict.as_json(), text={str(k): v for k, v in said.items()})
