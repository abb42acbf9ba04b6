"""The list of erasures in a file beside the member's keys: what a backup must not bring back.

It holds subject tokens and signed acts, nothing that was known of a person. Keep it with keys.json.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import Refusal, Refused
from ..keys import write_secret

FILE = "erased.json"


class ErasureFile:
    """See `node.vault.erasing.List`; `folder` is the member's data folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def entries(self) -> dict[str, dict[str, Any]]:
        """Who was erased here, and by which act.

        Errors   Refused persons.erasures_unreadable: without it nobody may be served.
        """
        if not self._path.exists():
            return {}
        try:
            found: dict[str, dict[str, Any]] = json.loads(self._path.read_bytes())
            if not all(isinstance(act, dict) for act in found.values()):
                raise ValueError("acts")
        except (OSError, ValueError, AttributeError) as error:
            facts = {"path": str(self._path), "why": type(error).__name__}
            raise Refused(Refusal("persons.erasures_unreadable", facts)) from None
        return found

    def add(self, subject: str, act: Mapping[str, Any]) -> None:
        """Write an erasure down before it is carried out; on the disk when this returns."""
        write_secret(self._path, {**self.entries(), subject: dict(act)})
