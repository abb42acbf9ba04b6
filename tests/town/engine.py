"""The engine of a town: queues that forget, proposers in turn, two thirds of the votes.

It decides as the real one does: block H+1 is voted for only by who stands at H with the proposer's
own root, and is final for whoever has it. A member whose root is not that of the header stops. Who
votes on block H+2 is what block H left of the seats; who has no seat is handed no block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .world import World

if TYPE_CHECKING:
    from .member import Member

BLOCK_BYTES = 1_000_000
Seats = dict[str, int]
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
        genesis = members[0].genesis["seats"]
        # Seats after blocks that changed them: height, votes by member; the same on all.
        self.seats: list[tuple[int, Seats]] = [(0, {s["member"]: s["power"] for s in genesis})]
        self._turn = 0
        self._last = 0
        self._moved = True
        self._at = 0
        self._failed = 0  # rounds since the last block: the real engine waits longer and longer

    def note(self, height: int, seats: Seats) -> None:
        """A member has applied a block: what it left of the seats, told once."""
        last, known = self.seats[-1]
        if height > last and seats != known:
            self.seats.append((height, seats))
            self.world.tell(f"seats {height} {sorted(seats.items())}")

    def seats_after(self, height: int) -> Seats:
        """Votes by member after a block, of all that have a seat."""
        return next((seats for at, seats in reversed(self.seats) if at <= height), self.seats[0][1])

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
        powers = self.seats_after(height - 1)  # as the block before the last left them
        voters = [member for member in self.members if powers.get(member.id)]
        proposer = voters[self._turn % len(voters)]
        if not proposer.votes_at(height):
            return
        app = proposer.root
        items = tuple(proposer.application.propose(list(proposer.pool), BLOCK_BYTES))
        votes = [
            powers[member.id]
            for member in voters
            if member.votes_at(height)
            and self.world.linked(proposer.id, member.id)
            and member.root == app
            and member.application.vote(items)
        ]
        if 3 * sum(votes) <= 2 * sum(powers.values()):
            return
        before = self.chain[-1].app if self.chain else None
        self.chain.append(Decided(items, app))
        self._moved = len(items) > 1 or before != app
        self._last, self._failed = self.world.now, 0
        self.world.tell(f"block {height + 1} {proposer.id} {len(items)} {app[:12]}")
        for member in self.members:
            self.world.send(proposer.id, member.id, "sync", member.sync)

    def block_for(self, member: Member, height: int) -> Decided | None:
        """A final block, from any member that is up, has it, is reached, and knows of a seat."""
        if height > len(self.chain):
            return None
        has = (
            other.id == member.id or self.world.linked(member.id, other.id)
            for other in self.members
            if other.up
            and other.height >= height - 1
            and other is not member
            and member.id in self.seats_after(other.height)
        )
        return self.chain[height - 1] if any(has) else None
