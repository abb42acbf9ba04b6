"""The engine of a town: queues that forget, proposers in turn, two thirds of the votes.

It decides as the real one does: block H+1 is voted for only by who stands at H with the proposer's
own root, and is final for whoever has it. A member whose root is not that of the header stops. Who
votes it is told by the applications: what block H changes of the votes counts from block H+2 on. It
knows keys, not members; it connects whom both sides admit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .world import Breach, World

if TYPE_CHECKING:
    from .member import Member

BLOCK_BYTES = 1_000_000
BUSY, IDLE = 1_000, 1_200_000  # milliseconds to the next block, with something to order and without
BARE = 100  # blocks in a row that hold nothing although somebody has something
Votes = dict[str, int]  # by engine key


@dataclass(frozen=True)
class Decided:
    """A block that is final: its items, the root before it that its header bears, and the engine
    keys that signed it.
    """

    items: tuple[bytes, ...]
    app: str
    signed: tuple[str, ...]


class Engine:
    """The order of all members."""

    def __init__(self, world: World, members: list[Member]) -> None:
        self.world, self.members = world, members
        self.chain: list[Decided] = []
        seats = members[0].genesis["seats"]
        self.sets: list[tuple[int, Votes]] = [(1, {s["engine"]: s["power"] for s in seats})]
        self._told: dict[int, Votes] = {}
        self._turn = 0
        self._last = 0
        self._moved = True
        self._at = 0
        self._failed = 0  # rounds since the last block: the real engine waits longer and longer
        self._bare = 0

    def begin(self) -> None:
        """Start proposing."""
        self._wait(BUSY)

    def wake(self) -> None:
        """Somebody has something to order: an idle engine waits for no empty block."""
        if not self._failed and self._at > self.world.now + BUSY:
            self._wait(BUSY)

    # who votes -----------------------------------------------------------------------------------
    def told(self, height: int, moved: Votes) -> None:
        """An application's answer to a block: votes that change, all members' the same."""
        if self._told.setdefault(height, moved) != moved:
            raise Breach("engines are told different votes", height=height)
        since, votes = self.sets[-1]
        if moved and since < height + 2:
            votes = {key: power for key, power in {**votes, **moved}.items() if power}
            self.sets.append((height + 2, votes))
            self.world.tell(f"votes {height + 2} {sorted((k[:8], p) for k, p in votes.items())}")

    def voters(self, height: int) -> Votes:
        """Who votes on a block."""
        return next(votes for since, votes in reversed(self.sets) if since <= height)

    def wired(self, one: Member, other: Member) -> bool:
        """Whether two engines are connected: the wire is whole, and each lets the other in."""
        linked = self.world.linked(one.id, other.id)
        return linked and one.admits(other.node_key) and other.admits(one.node_key)

    # blocks --------------------------------------------------------------------------------------
    def _wait(self, wait: int) -> None:
        at = self._at = self.world.now + wait

        def propose() -> None:
            if self._at == at:
                self._propose()

        self.world.later(wait, "propose", propose)

    def _propose(self) -> None:
        height = len(self.chain)
        votes = self.voters(height + 1)
        voting = [m for m in self.members if m.votes_at(height) and m.keys["engine"] in votes]
        wanted = self._moved or any(m.pool for m in voting)
        if wanted or self.world.now - self._last >= IDLE:
            self._failed += 1
            self._round(height, votes, voting)
        wait = BUSY * min(60, 1 << min(self._failed, 6)) if wanted else IDLE // 10
        self._wait(wait)

    def _round(self, height: int, votes: Votes, voting: list[Member]) -> None:
        """One key's turn to propose; final where more than two thirds of all votes say yes."""
        self._turn += 1
        turn = list(votes)[self._turn % len(votes)]
        proposer = next((m for m in voting if m.keys["engine"] == turn), None)
        if proposer is None:
            return
        app = proposer.root
        items = tuple(proposer.application.propose(list(proposer.pool), BLOCK_BYTES))
        signed = tuple(
            member.keys["engine"]
            for member in voting
            if (member is proposer or self.wired(proposer, member))
            and member.root == app
            and member.application.vote(items)
        )
        if 3 * sum(votes[key] for key in signed) <= 2 * sum(votes.values()):
            return
        before = self.chain[-1].app if self.chain else None
        self.chain.append(Decided(items, app, signed))
        self._moved = len(items) > 1 or before != app
        self._bare = 0 if self._moved else self._bare + 1
        if self._bare > BARE:  # a real engine tells its neighbours until they have it
            self._bare = 0
            for member in voting:
                member.hand_on()
        self._last, self._failed = self.world.now, 0
        self.world.tell(f"block {height + 1} {proposer.id} {len(items)} {app[:12]}")
        for member in self.members:
            self.world.send(proposer.id, member.id, "sync", member.sync)

    def block_for(self, member: Member, height: int) -> Decided | None:
        """A final block, from any member that is up, has it and is reached."""
        if height > len(self.chain):
            return None
        has = (
            self.wired(member, other)
            for other in self.members
            if other.up and other.height >= height - 1 and other is not member
        )
        return self.chain[height - 1] if any(has) else None
