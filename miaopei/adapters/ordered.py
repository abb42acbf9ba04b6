"""Keys in byte order with changes laid over them: what both stores share.

Text sorts here by code point, which is the byte order of its UTF-8 form, and of PostgreSQL's "C".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Item = tuple[Any, Any]


def check_key(*parts: str) -> None:
    """ValueError for text that no database can hold: a NUL, or half of a surrogate pair."""
    for part in parts:
        if not part.isprintable() and ("\0" in part or _has_surrogate(part)):
            raise ValueError(f"not a key: {part!r}")


def overlaid(rows: Iterable[Item], changes: Mapping[Any, Any], limit: int | None) -> Iterator[Item]:
    """Sorted `rows` with `changes` (None takes a key away), at most `limit` of them."""
    if not changes:
        return iter(list(rows)[:limit])
    merged: dict[Any, Any] = {**dict(rows), **changes}
    kept = [(key, value) for key, value in sorted(merged.items()) if value is not None]
    return iter(kept[:limit])


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)
