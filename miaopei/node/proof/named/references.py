"""The blobs that applied acts name, and what they say of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ....acts import record_facts
from ....acts.blobs import REFERENCE, is_digest
from ....measures.suites import in_use

PUBLIC = "miaopei/commitments/1"
ORIGINAL = "original"  # bytes too long to stand inside their attestation
COMMITTED = {  # media -> the kind of content id that a row's commitment is
    "miaopei/rows/1": "row",
    "miaopei/claims/1": "claim",
    "miaopei/outcomes/1": "outcome",
    "miaopei/lines/1": "line",
    "miaopei/uses/1": "use",
    "miaopei/closed/1": "closed",
    "miaopei/list/1": "list_row",
    "miaopei/trace/1": "trace",
}


@dataclass(frozen=True)
class Named:
    """A blob as an act names it; of an original only its name and media."""

    position: int
    act: Mapping[str, Any]
    reference: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        """The blob and its media: one blob may be named as several things."""
        return self.reference["blob"], self.reference["media"]


def references(values: Sequence[Any]) -> Iterator[Named]:
    """Every reference of the applied acts among the leaves."""
    for position, act, result in _applied(values):
        for item in references_of(act, result):
            yield Named(position, act, item)


def references_of(act: Mapping[str, Any], result: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The blobs that an applied act names: in its body, and lists of the facts that it brought."""
    facts = record_facts.taken(act["body"], result) if act["kind"] == record_facts.KIND else ()
    lists = (fact["observation"]["values"].get("list") for fact in facts)
    for item in (*act["body"].values(), *lists):
        match item:
            case {"blob": str(name), "media": str()} if set(item) == REFERENCE and is_digest(name):
                yield item


def media_within(value: Any) -> Iterator[tuple[str, str]]:
    """The blobs that anything in a leaf names, as the fetcher finds them, and by which media."""
    match value:
        case {"blob": str(name), "media": str(media)} if set(value) == REFERENCE:
            yield name, media
        case dict():
            for part in value.values():
                yield from media_within(part)
        case list():
            for part in value:
                yield from media_within(part)


def originals(values: Sequence[Any]) -> Iterator[Named]:
    """Original bytes that are too long to stand inside their attestation."""
    hash_name = in_use.suite.hash_name
    for position, act, result in _applied(values):
        if act["kind"] != record_facts.KIND:
            continue
        for fact in record_facts.taken(act["body"], result):
            match fact["attestation"]["original"]:
                case {"bytes_b64": None, **original}:
                    name = str(original.get(hash_name))
                    yield Named(position, act, {"blob": name, "media": ORIGINAL})


def _applied(values: Sequence[Any]) -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
    for position, value in enumerate(values):
        match value:
            case {"leaf": "act", "act": {"body": dict()} as act, "result": {"ok": True} as result}:
                yield position, act, result
