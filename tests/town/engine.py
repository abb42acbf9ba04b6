"""The engine of a town: queues that forget, proposers in turn, two thirds of the votes.

It decides as the real one does: block H+1 is voted for only by who stands at H with the proposer's
own root, and is final for whoever has it. A member whose root is not that of the header stops.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .world import World

if TYPE_CHECKING:
    from .member import Member

BLOCK_BYTES = 1_000_000
BUSY, IDLE = 1_000, 1_200_000  # milliseconds to the next block, with something to order and without


@dataclass(frozen=True)
class Decided:
    """A block that is final: its items, and the root before it that its header bears."""

    items: tuple[bytes, ...]
    app: str


class Engine:
    """The order of all members."""

    def __init__(self, world: World, members: list[Member]) -> None:
        self.world, self.members = world, members
        self.chain: list[Decided] = []
        self._turn = 0
        self._last = 0
        self._moved = True
        self._at = 0
        self._failed = 0  # rounds since the last block: the real engine waits longer and longer

    def begin(self) -> None:
        """Start proposing."""
        self._wait(BUSY)

    def wake(self) -> None:
        """Somebody has something to order: an idle engine waits for no empty block."""
        if not self._failed and self._at > self.world.now + BUSY:
            self._wait(BUSY)

    def _wait(self, wait: int) -> None:
        at = self._at = self.world.now + wait

        def propose() -> None:
            if self._at == at:
                self._propose()

        self.world.later(wait, "propose", propose)

    def _propose(self) -> None:
        height = len(self.chain)
        wanted = self._moved or any(m.pool for m in self.members if m.votes_at(height))
        if wanted or self.world.now - self._last >= IDLE:
            self._failed += 1
            self._round(height)
        wait = BUSY * min(60, 1 << min(self._failed, 6)) if wanted else IDLE // 10
        self._wait(wait)

    def _round(self, height: int) -> None:
        """One member proposes; final where more than two thirds of all votes say yes."""
        self._turn += 1
        proposer = self.members[self._turn % len(self.members)]
        if not proposer.votes_at(height):
            return
        app = proposer.root
        items = tuple(proposer.application.propose(list(proposer.pool), BLOCK_BYTES))
        votes = [
            member.id
            for member in self.members
            if member.votes_at(height)
            and self.world.linked(proposer.id, member.id)
            and member.root == app
            and member.application.vote(items)
        ]
        if 3 * len(votes) <= 2 * len(self.members):
            return
        before = self.chain[-1].app if self.chain else None
        self.chain.append(Decided(items, app))
        self._moved = len(items) > 1 or before != app
        self._last, self._failed = self.world.now, 0
        self.world.tell(f"block {height + 1} {proposer.id} {len(items)} {app[:12]}")
        for member in self.members:
            self.world.send(proposer.id, member.id, "sync", member.sync)

    def block_for(self, member: Member, height: int) -> Decided | None:
        """A final block, from any member that is up, has it and is reached."""
        if height > len(self.chain):
            return None
        has = (
            other.id == member.id or self.world.linked(member.id, other.id)
            for other in self.members
            if other.up and other.height >= height - 1 and other is not member
        )
        return self.chain[height - 1] if any(has) else None
