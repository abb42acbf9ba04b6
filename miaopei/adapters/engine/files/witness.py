"""What this member has seen others sign: for one that asks, as its own file may be an older copy.

The blocks tell it, and while our engine runs the votes that it holds for the next one.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ....errors import OutsideFault
from ..rpc import EngineRpc

SEEN = "seen.json"  # the height of the last block that bears each key's signature
PREVOTE, PRECOMMIT = 2, 3
STEPS = {"Prevote": PREVOTE, "Precommit": PRECOMMIT}
VOTE = re.compile(r"Vote\{\d+:([0-9A-F]{12}) (\d+)/(\d+)/\S*\((Prevote|Precommit)\)")
FINGERPRINT = 12  # hex digits of an address that the engine shows in a vote


class Signed(NamedTuple):
    """A signature's place, in the order in which an engine may give them: it never goes back."""

    height: int
    round: int
    step: int  # 1 a proposal, 2 a prevote, 3 a precommit


class Witness:
    """Keeps what it has seen in a file of the member's folder; `engine` is the member's own."""

    def __init__(self, folder: Path, engine: EngineRpc) -> None:
        self._file, self._engine = folder / SEEN, engine
        self._seen: dict[str, int] = {}
        with suppress(OSError, ValueError):  # a torn file is begun anew: it is what others ask for
            kept = json.loads(self._file.read_text("ascii"))
            self._seen = {str(address): int(height) for address, height in kept.items()}

    def seen(self, height: int, signers: frozenset[str]) -> None:
        """Told who has signed a block, by the addresses of their keys."""
        fresh = {who: height for who in signers if height > self._seen.get(who, 0)}
        if fresh:
            self._seen |= fresh
            aside = self._file.with_suffix(".new")
            aside.write_text(json.dumps(self._seen, sort_keys=True), "ascii")
            aside.replace(self._file)

    def of(self, address: str) -> Signed | None:
        """The last signature that we know of a key; the round of one under a block is not known."""
        height = self._seen.get(address)
        blocks = [] if height is None else [Signed(height, 0, PRECOMMIT)]
        return max([*blocks, *self._votes(address)], default=None)

    def _votes(self, address: str) -> list[Signed]:
        """What our engine holds of it for a block that is not made yet; each vote is checked."""
        try:
            said = json.dumps(self._engine.ask("dump_consensus_state")["round_state"])
        except (OutsideFault, KeyError):
            return []
        wanted = address[:FINGERPRINT].upper()
        return [
            Signed(int(height), int(number), STEPS[step])
            for who, height, number, step in VOTE.findall(said)
            if who == wanted
        ]
