"""The solo orderer: what is submitted becomes a block at once, in this process.

Its blocks have the height, time, leaves and root that a consortium's would have, and each is
certified by the signed checkpoint written in its own transaction.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from ...acts.apply import ActResult, apply_block, replay_time
from ...acts.base import refuse
from ...acts.convene import convened
from ...acts.envelope import Act
from ...acts.state import State
from ..ports import Clock, Identity, Store
from .keep import certify, keep


class Solo:
    """See `node.ports.Orderer`: one member that orders alone."""

    def __init__(self, store: Store, identity: Identity, clock: Clock) -> None:
        self._store, self._identity, self._clock = store, identity, clock
        self._one_block = threading.Lock()

    def end(self) -> int | None:
        """None: who orders alone takes what it likes, and its acts name no end."""
        return None

    def submit(self, acts: Sequence[Act]) -> list[ActResult]:
        """Make one block of these acts; when this returns they are final or refused.

        Errors   Refused act.ordered_by_members on a record that a consortium has gone on with.
        """
        with self._one_block, self._store.writing() as block:
            head = block.head()
            state = State(block)
            if (since := convened(state)) is not None:
                raise refuse("act.ordered_by_members", height=since["height"])
            made = apply_block(
                state,
                acts,
                height=head.height + 1,
                at=self._time(state, acts, head.time),
                previous=head.root.hex(),
            )
            after = keep(block, state, made)
            if made.leaves:
                certify(block, after, self._identity.log)
            return list(made.results)

    def _time(self, state: State, acts: Sequence[Act], before: int) -> int:
        """Live: our clock, never back. Replay: what the replay source says in these acts."""
        if state.need("genesis", "it")["clock"] == "live":
            return max(before, self._clock())
        return replay_time(state, acts, before)
