"""What every answer has in common: cursors, told errors, the answer that is held already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Path, Query

from ..problems import MEDIA

LIMIT = 200
Limit = Annotated[int, Query(ge=1, le=LIMIT, description="How many at most.")]
Cursor = Annotated[
    str | None,
    Query(
        pattern=r"^([2-6][0-9a-f]|7[0-9a-e]){1,400}$",
        description="`next` of the part before; opaque.",
    ),
]
Sixty = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="A content id.")]
Named = Annotated[str, Path(pattern=r"^[a-z0-9_.-]{1,60}$", description="A name.")]

ERRORS: Mapping[int, str] = {
    400: "The request is not right; each fault is named.",
    401: "The token names no channel.",
    403: "The sender has not shown who they are.",
    404: "There is no such thing in this record.",
    409: "It does not fit what stands on the record.",
    413: "More than 2 MiB were sent, or a genesis file of more than 100,000 bytes.",
    415: "Not of a media type that is taken here.",
    422: "The idempotency key was used for something else.",
    429: "Too many calls of this address; `Retry-After` says how long to wait.",
    500: "The answer could not be made; the record is unchanged.",
    503: "The record cannot be read at the moment.",
}


class NotModified(Exception):
    """The reader holds this answer already."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers = headers


def documented(*codes: int, fresh: bool = True) -> dict[int | str, dict[str, Any]]:
    """The errors of an operation as the schema tells them, and 304 where an answer has a mark."""
    content = {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    found: dict[int | str, dict[str, Any]] = {
        code: {"description": ERRORS[code], "content": content} for code in (*codes, 500, 503)
    }
    found["default"] = {"description": "Any other problem.", "content": content}
    if fresh:
        found[304] = {"description": "Unchanged since the mark in If-None-Match."}
    return found


def after(cursor: str | None, prefix: str = "") -> str:
    """The first key that may follow a cursor."""
    return prefix if cursor is None else bytes.fromhex(cursor).decode("ascii") + " "


def cut(keys: list[str], limit: int) -> tuple[list[str], str | None]:
    """The first `limit` keys, and the cursor of what follows; `keys` holds one more if any does."""
    shown = keys[:limit]
    return shown, shown[-1].encode("ascii").hex() if len(keys) > limit else None
