"""Where the readings parted: written down when it is seen, shown until the trigger is decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import ReadingsDisagree
from ...measures.identity import LARGEST, canonical, read_canonical
from ..ports import Reading, Writing

UNDECIDED = ("ready", "deciding")


def keep(block: Writing, trigger: str, alarm: ReadingsDisagree) -> None:
    """Write an alarm down under its trigger; the last one counts.

    A wrong amount may be any 64 bits: beyond what canonical bytes hold it stands as text.
    """
    facts = {
        name: str(fact) if isinstance(fact, int) and abs(fact) > LARGEST else fact
        for name, fact in alarm.facts.items()
    }
    block.put_progress(f"alarm/{trigger}", canonical({"what": alarm.what, **facts}))


def open_alarm(reading: Reading, case: Mapping[str, Any]) -> dict[str, Any] | None:
    """The alarm that keeps a case from being decided: what, policy, both amounts, both traces."""
    if case["state"] not in UNDECIDED or not case["trigger"]:
        return None
    kept = reading.progress(f"alarm/{case['trigger']}")
    return None if kept is None else read_canonical(kept)
