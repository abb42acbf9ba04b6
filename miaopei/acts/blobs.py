"""References to blobs inside acts: what a blob is, how long, how many rows, and their root.

What it is, its media, is one of those here; whatever names or reads a blob takes the name from
here. Source: docs/specs/record.md, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..evidence.kinds import LIST
from .base import fields, refuse

ROWS = "miaopei/rows/1"
COMMITMENTS = "miaopei/commitments/1"  # public: 32 bytes a row; all others are sealed
CLAIMS = "miaopei/claims/1"
OUTCOMES = "miaopei/outcomes/1"
CLOSED = "miaopei/closed/1"
LINES = "miaopei/lines/1"
USES = "miaopei/uses/1"
TRACE = "miaopei/trace/1"
COMMITTED = {  # media -> the kind of content id that a row's commitment is
    ROWS: "row",
    CLAIMS: "claim",
    OUTCOMES: "outcome",
    LINES: "line",
    USES: "use",
    CLOSED: "closed",
    LIST: "list_row",
    TRACE: "trace",
}
ORIGINAL = "original"  # bytes too long to stand inside their attestation; of these no reference

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
