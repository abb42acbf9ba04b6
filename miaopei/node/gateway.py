"""The gateway: rows read from a feed are attested with our key and sent as facts.

What a row says is decided by the feed's reader; whether it is taken is decided by `record_facts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..acts.apply import ActResult
from ..acts.envelope import Act
from ..errors import Refusal
from ..evidence.attestation import Original, attest
from ..evidence.observation import Observation
from ..measures.identity import canonical, content_id
from .node import Node

FACTS_BYTES_MAX = 50_000  # canonical bytes of facts in one act, below the act's own limit
INLINE_MAX = 4096


@dataclass(frozen=True)
class Row:
    """One row of a feed: the observation and the bytes it was read from.

    Where those speak of `persons`, `data` are sealed bytes that lie in a blob already.
    """

    observation: Observation
    data: bytes
    media: str
    file_digest: str
    part: str
    persons: bool = False


def facts_of(node: Node, rows: Iterable[Row], received_at: int) -> list[dict[str, Any]]:
    """Rows with our attestation, as `record_facts` carries them."""
    facts = []
    for row in rows:
        original = Original.of(row.data, row.media, row.file_digest, row.part, persons=row.persons)
        attestation = attest(
            node.identity.acts, row.observation, node.identity.member, received_at, original
        )
        facts.append(
            {"observation": row.observation.as_json(), "attestation": attestation.as_json()}
        )
    return facts


def record(node: Node, rows: Sequence[Row], received_at: int) -> list[ActResult]:
    """Keep long originals as blobs, then submit the facts in as many acts as they need."""
    long = [row for row in rows if len(row.data) > INLINE_MAX]
    if long:
        with node.store.writing() as block:
            for row in long:
                block.put_blob(row.data, "original")
    acts = acts_of(node, rows, received_at)
    return node.submit(acts) if acts else []


def acts_of(node: Node, rows: Sequence[Row], received_at: int) -> list[Act]:
    """The acts that record these rows, in their order, each below the act's own limit."""
    return [
        node.act("record_facts", f"facts-{content_id('facts', part)[:24]}", {"facts": part})
        for part in parts_of(facts_of(node, rows, received_at))
    ]


def refusals_of(results: Iterable[ActResult]) -> list[Refusal]:
    """Everything that was refused, whole acts and single facts alike."""
    return [r for result in results for r in (*result.refusals, *result.notes)]


def parts_of(facts: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Facts in their order, in as many parts as acts are needed for them."""
    parts: list[list[dict[str, Any]]] = []
    size = 0
    for fact in facts:
        length = len(canonical(fact)) + 1
        if not parts or size + length > FACTS_BYTES_MAX:
            parts.append([])
            size = 0
        parts[-1].append(fact)
        size += length
    return parts
