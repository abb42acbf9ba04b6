"""What a source printed about paid events: shown beside our own figures, never used by them.

The file is `data/earthquake/published_yunnan.csv` (Tables 2 and 4 of the paper); the caller brings
its text.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import Refusal, Refused

COLUMNS = (
    *("date", "product", "event_zh", "event_en", "magnitude", "loss_wan", "payout_wan"),
    *("ratio_percent", "timeliness", "timeliness_unit"),
    *("households_rebuilt", "households_repaired", "source"),
)
UNITS = {"hours": ("小时", "hours"), "working_days": ("个工作日", "working days")}


@dataclass(frozen=True)
class Printed:
    """One printed row, every figure as the text that stands in print ('' where there is none)."""

    cells: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """As published: nothing here was computed."""
        rebuilt, repaired = self.cells["households_rebuilt"], self.cells["households_repaired"]
        return {
            "label": "as published",
            "event": {"zh": self.cells["event_zh"], "en": self.cells["event_en"]},
            "magnitude": self.cells["magnitude"],
            "loss_wan": self.cells["loss_wan"],
            "payout_wan": self.cells["payout_wan"],
            "ratio_percent": self.cells["ratio_percent"],
            "timeliness": {
                "value": self.cells["timeliness"],
                "unit": self.cells["timeliness_unit"],
            },
            "households": {
                "rebuilt": int(rebuilt) if rebuilt else None,
                "repaired": int(repaired) if repaired else None,
            },
            "source": self.cells["source"],
        }


def read(text: str) -> dict[tuple[str, str], Printed]:
    """The printed rows by (Beijing day of the main shock, product).

    Errors   Refused register.bad_published naming the line.
    """
    found = {}
    lines = csv.DictReader(text.removeprefix("\ufeff").splitlines())
    for number, cells in enumerate(lines, 2):
        if set(cells) != set(COLUMNS) or None in cells.values():
            raise Refused(Refusal("register.bad_published", {"line": number, "why": "columns"}))
        if cells["timeliness_unit"] not in UNITS:
            raise Refused(Refusal("register.bad_published", {"line": number, "why": "unit"}))
        found[cells["date"], cells["product"]] = Printed(cells)
    return found
