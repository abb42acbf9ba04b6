"""The sheet of what is wrong with a file: one line a fault, with what to do, for a spreadsheet."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from ...errors import Refusal
from ...errors.texts import say
from ...settings import Language

SHEET = ("row", "column", "value", "limit", "what to do")
SHEET_ZH = ("行", "列", "值", "限度", "怎么办")


class Sheet:
    """The faulty rows as CSV; the file is made with its first line."""

    def __init__(self, path: Path, language: Language) -> None:
        self.path, self._language, self.count = path, language, 0
        self._file: Any = None

    def add(self, faults: list[Refusal]) -> None:
        """One line a fault: row, column, value, limit, and the sentence that says what to do."""
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8-sig", newline="")
            csv.writer(self._file).writerow(SHEET_ZH if self._language == "zh" else SHEET)
        for fault in faults:
            named = [fault.facts[name] for name in ("row", "column", "value", "limit")]
            csv.writer(self._file).writerow([*named, say(fault, self._language)])
            self.count += 1

    def close(self) -> None:
        """Written to the end."""
        if self._file is not None:
            self._file.close()
