"""That this member never signs twice: the engine's file of what it signed is not an older copy.

The engine writes each signature into a file before it lets it go, and goes by that file alone. A
folder restored from a copy of before would let it sign once more what it has signed. Two things
tell: a mark of ours beside it, and the signatures under the blocks themselves, which the engine
hands to its node. Where either knows of a later signature than the file, the node does not go on:
the newest file is put back, or the member returns under a new engine key. Of a machine that was set
back as a whole, mark and all, the other members know: they are asked before the engine may start
(`wiring.starting`), and it is then held back from signing until the record is past all of it.
"""

from __future__ import annotations

import json
from pathlib import Path

from ....errors import Fact, Refusal, Refused
from ..home import ENGINE, SIGNED, keep
from .witness import Signed

MARK = "signed.mark"  # the height of the last block that bears our signature, as far as we know


class Guard:
    """Watches one engine's file. `folder` is the member's, `ENGINE` its home within.

    Errors   Refused engine.no_sign_state, engine.older_sign_state.
    """

    def __init__(self, folder: Path) -> None:
        self._mark = folder / MARK
        self._file = folder / ENGINE / "data" / SIGNED
        key = folder / ENGINE / "config" / "priv_validator_key.json"
        self.address = _field(key, "address").lower()
        marked = self._mark.read_text("ascii").split() if self._mark.exists() else []
        same = marked[:1] == [self.address]
        self._signed = int(marked[1]) if same else 0
        self._known = self._read()
        if self._signed > self._known:
            raise self._older(self._signed)

    def seen(self, height: int, signers: frozenset[str]) -> None:
        """Told who has signed a block, by the addresses of their keys."""
        if self.address not in signers or height <= self._signed:
            return
        if height > self._known:
            self._known = self._read()
        if height > self._known:
            raise self._older(height)
        self._signed = height
        aside = self._mark.with_suffix(".new")
        aside.write_text(f"{self.address} {height}\n", "ascii")
        aside.replace(self._mark)

    @property
    def signed(self) -> Signed:
        """The last signature that the engine's file knows of."""
        return Signed(*(int(_field(self._file, name)) for name in ("height", "round", "step")))

    def hold(self, height: int) -> None:
        """Let the engine sign nothing below a height. It must be down; never goes back."""
        if height > self.signed.height:
            keep(self._file, {"height": str(height), "round": 0, "step": 0})
            self._known = height

    def _read(self) -> int:
        return int(_field(self._file, "height"))

    def _older(self, height: int) -> Refused:
        facts: dict[str, Fact] = {"path": str(self._file), "known": self._known, "signed": height}
        return Refused(Refusal("engine.older_sign_state", facts))


def _field(path: Path, name: str) -> str:
    try:
        return str(json.loads(path.read_text("utf-8"))[name])
    except (OSError, ValueError, KeyError, TypeError):
        raise Refused(Refusal("engine.no_sign_state", {"path": str(path)})) from None
