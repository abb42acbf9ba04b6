"""Before its engine may sign, a member asks the others what they have seen it sign.

The engine goes by its own file alone, and a machine that is set back to an image has an older one,
our mark beside it too. Only the others know. So the engine is not started before members that have,
with this one, more than two thirds of the votes have answered; fewer could make no block anyway,
and nobody waits for the others. Where one that has answered has seen a later signature than the
file knows of, the file is moved ahead: the engine takes part and signs nothing until the record is
past all that it can have signed.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from ..adapters.engine import home
from ..adapters.engine.files.guard import Guard
from ..adapters.engine.files.witness import Signed
from ..adapters.peers.client import Seen
from ..adapters.whole_files import write_whole
from ..errors import OutsideFault, Refusal

HELD = "signs.json"  # why, and until which block, the engine signs nothing
# Who votes for block K has K-1 from more than two thirds, and each of these had applied K-2: so
# nothing was signed above two blocks beyond where the foremost of them stands.
MARGIN = 3
AGAIN_SECONDS = 0.5
Ask = Callable[[str, str], Seen]  # a member, and the address of our engine's key


@dataclass(frozen=True)
class Held:
    """Nothing is signed below `begins`: `by` saw it sign at `seen`, its file knew `known`."""

    address: str
    begins: int
    by: str
    seen: int
    known: int

    def refusal(self) -> Refusal:
        """As it is said."""
        heights = {"seen": self.seen, "known": self.known, "begins": self.begins}
        return Refusal("engine.set_back", {"by": self.by, **heights})


class Starting:
    """One member's asking. `votes` are those of the seats as its own record has them."""

    def __init__(self, folder: Path, guard: Guard, votes: Mapping[str, int], me: str) -> None:
        self._file, self._guard, self._votes, self._me = folder / HELD, guard, votes, me
        self._heard: dict[str, Seen] | None = {}
        self._held = self._kept()

    def run(self, ask: Ask, stopped: threading.Event) -> bool:
        """Ask until enough have answered; False where it was stopped meanwhile.

        Each is asked in a thread of its own, which nobody waits for: an answer counts as it comes.
        """
        others = [member for member in self._votes if member != self._me]
        came, over = SimpleQueue[tuple[str, Seen | Exception]](), threading.Event()

        def keep_asking(member: str) -> None:
            while not (over.is_set() or stopped.is_set()):
                came.put((member, _answer(ask, member, self._guard.address)))
                over.wait(AGAIN_SECONDS)

        for member in others:
            threading.Thread(target=keep_asking, args=(member,), daemon=True).start()
        try:
            if not self._listen(others, came, stopped):
                return False
        finally:
            over.set()
        held = judge(self._guard.signed, self._guard.address, self._heard or {})
        if held is not None:
            write_whole(self._file, json.dumps(asdict(held)).encode("ascii"))
            self._guard.hold(held.begins)
            self._held = held
        self._heard = None
        return True

    def _listen(
        self,
        others: Sequence[str],
        came: SimpleQueue[tuple[str, Seen | Exception]],
        stopped: threading.Event,
    ) -> bool:
        """Count answers until they are enough; whoever has no vote hears each member once."""
        heard, asked = dict[str, Seen](), set[str]()
        while not stopped.is_set():
            if enough(self._votes, self._me, set(heard)) and (
                self._votes.get(self._me) or asked.issuperset(others)
            ):
                return True
            with suppress(Empty):
                member, said = came.get(timeout=AGAIN_SECONDS)
                asked.add(member)
                heard.pop(member, None)
                if isinstance(said, Seen):
                    heard[member] = said
                elif not isinstance(said, OutsideFault):
                    raise said
                self._heard = {each: heard[each] for each in others if each in heard}
        return False

    def waits(self, height: int) -> Refusal | None:
        """Why our engine signs nothing at a height of the record; None where it may."""
        if self._heard is not None:
            lacking = [m for m in self._votes if m != self._me and m not in self._heard]
            facts = {"heard": ", ".join(self._heard) or "-", "lacking": ", ".join(lacking) or "-"}
            return Refusal("engine.asks_others", facts)
        if self._held is not None and height + 1 < self._held.begins:
            return self._held.refusal()
        return None

    def other_key(self, seat: Mapping[str, Any]) -> Refusal | None:
        """Why our engine's signatures count for nothing where it signs by another key than this
        seat of ours names; None where it signs by that one, or nobody counts it.
        """
        ours = self._guard.address
        if not seat.get("power") or (named := home.address(seat["engine"])) == ours:
            return None
        return Refusal("engine.other_key", {"ours": ours, "seat": named})

    def _kept(self) -> Held | None:
        with suppress(OSError, ValueError, TypeError):
            held = Held(**json.loads(self._file.read_text("ascii")))
            return held if held.address == self._guard.address else None
        return None


def enough(votes: Mapping[str, int], me: str, heard: set[str]) -> bool:
    """Whether who answered has, with us, more than two thirds of the votes, or we have none."""
    if not votes.get(me):
        return True
    return 3 * sum(votes[member] for member in {me, *heard}) > 2 * sum(votes.values())


def judge(known: Signed, address: str, heard: Mapping[str, Seen]) -> Held | None:
    """What follows from the answers: None where nobody has seen more than our file knows of."""
    seen = {member: Signed(*said.signed) for member, said in heard.items() if said.signed}
    by = max(seen, key=lambda member: seen[member], default=None)
    if by is None or seen[by] <= known:
        return None
    foremost = max(said.height for said in heard.values())
    begins = max(foremost + MARGIN, seen[by].height + 1)
    return Held(address, begins, by, seen[by].height, known.height)


def _answer(ask: Ask, member: str, address: str) -> Seen | Exception:
    try:
        return ask(member, address)
    except Exception as error:  # noqa: BLE001 - whoever counts the answers says what it is
        return error
