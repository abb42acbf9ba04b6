"""The bank of a town: pays an id once, and now and then says nothing, before or after paying."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from miaopei.accounts.rail import Instruction, Outcome
from miaopei.errors import OutsideFault
from tests.support.rails import PaperBank


class TownBank(PaperBank):
    """See `tests.support.rails`; `silence` is how often a call is not answered."""

    def __init__(self, chance: Random, paid: Callable[[Instruction], None]) -> None:
        super().__init__()
        self.chance, self.paid, self.silence = chance, paid, 0.0

    def pay(self, instructions: list[Instruction]) -> list[Outcome]:
        """Pay; a silence comes before, after, or in the middle."""
        self._perhaps_silent()
        some = len(instructions)
        cut = self.chance.random() < self.silence
        if cut:
            some = self.chance.randint(0, some)
        outcomes = []
        for instruction in instructions[:some]:
            new = instruction.id not in self.held
            outcomes.append(self._decide(instruction))
            if new:
                self.paid(instruction)
        if cut:
            raise OutsideFault("the bank has paid and says nothing", retry=True)
        return outcomes

    def ask(self, ids: list[str], amounts: object = None) -> list[Outcome]:
        """What is held of each id, if it answers."""
        self._perhaps_silent()
        return super().ask(ids)

    def _perhaps_silent(self) -> None:
        if self.chance.random() < self.silence:
            raise OutsideFault("the bank is silent", retry=True)
