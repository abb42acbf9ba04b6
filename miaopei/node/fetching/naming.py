"""What blobs an applied act names: they are fetched, and the audit looks for them here.

Only what apply took is looked at: beside it an act may hold anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...acts import record_facts
from ...acts.blobs import ORIGINAL, REFERENCE, is_digest
from ...measures.suites import in_use


def names_in(act: Mapping[str, Any], result: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The references in an applied act, and of originals {blob, media}, which say no more."""
    body = act["body"]
    yield from _within(
        [*record_facts.taken(body, result)] if act["kind"] == record_facts.KIND else body
    )


def _within(value: Any) -> Iterator[Mapping[str, Any]]:
    """What has the shape of a blob's name, where one may stand; anything else is none."""
    match value:
        case {"bytes_b64": None, "part": str()}:
            if isinstance(name := value.get(in_use.suite.hash_name), str) and is_digest(name):
                yield {"blob": name, "media": ORIGINAL}
        case {"blob": str(name), "media": str()} if set(value) == REFERENCE:
            if is_digest(name):
                yield value
        case dict():
            for part in value.values():
                yield from _within(part)
        case list():
            for part in value:
                yield from _within(part)
