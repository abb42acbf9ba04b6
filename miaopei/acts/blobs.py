"""References to blobs inside acts: what a blob is, how long, how many rows, and their root."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .base import fields, refuse

REFERENCE = {"blob", "length", "count", "root", "media"}


def check_reference(value: Mapping[str, Any], media: str) -> None:
    """Refused act.bad_body unless it is {blob, length, count, root, media} of the wanted media."""
    blob, length, count, root, named = fields(
        value, blob=str, length=int, count=int, root=str, media=str
    )
    if named != media:
        raise refuse("act.bad_body", field="media", why=f"{named[:40]} where {media} belongs")
    if not is_digest(blob) or not is_digest(root) or length < 0 or count < 0:
        raise refuse("act.bad_body", field="blob", why="digests of 64 hex digits, counts from 0")


def is_digest(text: str) -> bool:
    """Whether the text is 64 lower-case hex digits."""
    return len(text) == 64 and set(text) <= set("0123456789abcdef")
