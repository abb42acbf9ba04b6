"""Whether a source is heard: noted by who listens, said on the record when it changes.

A word of being heard holds for an hour and is said again when half of it is over, so that a
listener that has died is not taken for a source that speaks. Source: docs/specs/outage.md, 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...acts.source_state import HEARD, SILENT, TABLE
from ...measures.identity import canonical, read_canonical
from ...measures.instant import HOUR
from ...node.node import Node
from ...node.ports import Reading, Writing

SILENT_AFTER = 900  # seconds without a word
VALID = HOUR


def heard(block: Writing, source: str, at: int, how: str) -> None:
    """Note that a source was heard; `how`: message, asked or device."""
    block.put_progress(_name(source), canonical({"at": at, "how": how}))


def last_heard(reading: Reading, source: str) -> dict[str, Any] | None:
    """When and how a source was heard last: {at, how}; None where it never was."""
    kept = reading.progress(_name(source))
    return None if kept is None else dict(read_canonical(kept))


def speak(
    node: Node, watched: Mapping[str, int], now: int, silent_after: int = SILENT_AFTER
) -> tuple[str, ...]:
    """Say on the record what has changed of watched sources (source -> listened to since).

    Gives the sources of which something was said. One that was not listened to for long enough is
    not called silent.
    """
    said = []
    for source, since in sorted(watched.items()):
        with node.reading() as (reading, state):
            known = state.get(TABLE, f"{source}/{node.identity.member}")
            last = last_heard(reading, source)
        at = -1 if last is None else int(last["at"])
        silent = now - max(at, since) > silent_after
        if not silent and at < since:
            continue  # not heard yet, and not long enough silent
        word = SILENT if silent else HEARD
        lasting = known if known is not None and known["state"] == word else None
        if lasting is not None and (word == SILENT or now < lasting["until"] - VALID // 2):
            continue
        why = f"nothing heard for more than {silent_after} s" if silent else ""
        body = {"source": source, "state": word, "heard_at": max(at, 0), "valid_seconds": VALID}
        node.accept("source_state", f"{source}/{word}/{now}", {**body, "why": why})
        said.append(source)
    return tuple(said)


def _name(source: str) -> str:
    return f"grid/heard/{source}"
