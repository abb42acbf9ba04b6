"""The sheet of what is wrong with a file: one line a fault, with what to do, for a spreadsheet."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path
from typing import Any

from ...errors import Refusal, Refused
from ...errors.texts import say
from ...settings import Language

LIVE = ("=", "+", "-", "@", "\t", "\r")  # what makes spreadsheets calculate
NUMBER = re.compile(r"[+-][0-9.,]*", re.ASCII)
SHEET = ("row", "column", "value", "limit", "what to do")
SHEET_ZH = ("行", "列", "值", "限度", "怎么办")


class Sheet:
    """The faulty rows as CSV, written aside and put in place whole once it is closed.

    Errors   Refused import.same_file where it would stand in the place of what is read.
    """

    def __init__(self, path: Path, language: Language, of: Path) -> None:
        if path.resolve() == of.resolve() or (path.exists() and path.samefile(of)):
            raise Refused(Refusal("import.same_file", {"file": str(path)[:80]}))
        self.path, self._language, self.count = path, language, 0
        self._part = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._file: Any = None

    def add(self, faults: list[Refusal]) -> None:
        """One line a fault: row, column, value, limit, and the sentence that says what to do."""
        if self._file is None:
            self._file = self._part.open("w", encoding="utf-8-sig", newline="")
            csv.writer(self._file).writerow(SHEET_ZH if self._language == "zh" else SHEET)
        for fault in faults:
            named = [fault.facts[name] for name in ("row", "column", "value", "limit")]
            said = [*named, say(fault, self._language)]
            csv.writer(self._file).writerow([_still(str(cell)) for cell in said])
            self.count += 1

    def close(self) -> None:
        """Written to the end."""
        if self._file is not None:
            self._file.close()
            self._part.replace(self.path)


def _still(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; a number stays one."""
    return f"'{cell}" if cell.startswith(LIVE) and not NUMBER.fullmatch(cell) else cell
