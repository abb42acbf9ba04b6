"""The node: what is submitted is ordered into blocks, applied in one transaction each, and signed.

The solo orderer lives here: a block is made at once from what is submitted, with the height, time,
leaves and root that a consortium's would have. Deciding and paying are in `decider` and `payer`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..acts.apply import ActResult, Block, apply_block, begin, replay_time
from ..acts.envelope import Act, sign
from ..acts.state import State
from ..errors import Refusal, Refused
from ..ledger import checkpoint
from ..measures.identity import canonical, content_id, read_canonical
from .ports import Clock, Head, Identity, Random, Reading, Store, Writing


class Node:
    """One member's node over one store. `submit` is done when the act is final."""

    def __init__(self, store: Store, identity: Identity, clock: Clock, random: Random) -> None:
        self.store, self.identity, self.random = store, identity, random
        self._clock = clock
        self._one_block = threading.Lock()
        with store.reading() as reading:
            self.genesis: dict[str, Any] | None = _genesis(reading)

    def found(self, value: dict[str, Any]) -> None:
        """Begin the record with its genesis, once; the same genesis again changes nothing."""
        with self._one_block:
            if self.genesis is not None:
                if self.genesis["chain"] != content_id("chain", value):
                    raise Refused(_other_genesis(self.genesis, value))
                return
            with self.store.writing() as block:
                state = State(block)
                leaf = begin(state, value)
                self._commit(block, state, Block(0, value["time"], (leaf,), ("genesis",), ()))
                self.genesis = state.need("genesis", "it")

    @property
    def chain(self) -> str:
        """The chain id that every act names."""
        if self.genesis is None:
            raise LookupError("the record has no genesis yet")
        return str(self.genesis["chain"])

    def act(self, kind: str, ref: str, body: dict[str, Any]) -> Act:
        """An act of this node's member, signed."""
        return sign(self.identity.acts, self.chain, kind, self.identity.member, ref, body)

    def submit(self, acts: Sequence[Act]) -> list[ActResult]:
        """Make one block of these acts; when this returns they are final or refused.

        Only time and what ripens by it may pass where `acts` is empty.
        """
        with self._one_block, self.store.writing() as block:
            head = block.head()
            state = State(block)
            made = apply_block(
                state,
                acts,
                height=head.height + 1,
                at=self._time(state, acts, head.time),
                previous=head.root.hex(),
            )
            self._commit(block, state, made)
            return list(made.results)

    def accept(self, kind: str, ref: str, body: dict[str, Any]) -> ActResult:
        """Sign and submit one act of our own.

        Errors   Refused with what the record said against it.
        """
        (result,) = self.submit([self.act(kind, ref, body)])
        if not result.ok:
            raise Refused(*result.refusals)
        return result

    def pass_time(self, at: int) -> None:
        """Let time go on: deadlines ripen. In a replay by a `time` act of ours, to `at` at least.

        Errors   Refused act.not_the_replay_source and its like: only that member moves the time.
        """
        if self.genesis is None or self.genesis["clock"] != "replay":
            self.submit([])
            return
        (result,) = self.submit([self.act("time", f"time-{at}", {"time": at})])
        if refusals := [r for r in result.refusals if r.code != "act.time_backwards"]:
            raise Refused(*refusals)

    @contextmanager
    def reading(self) -> Iterator[tuple[Reading, State]]:
        """A snapshot to read from."""
        with self.store.reading() as reading:
            yield reading, State(reading)

    def _time(self, state: State, acts: Sequence[Act], before: int) -> int:
        """Live: our clock, never back. Replay: what the replay source says in these acts."""
        if self.genesis is not None and self.genesis["clock"] == "live":
            return max(before, self._clock())
        return replay_time(state, acts, before)

    def _commit(self, block: Writing, state: State, made: Block) -> Head:
        for table, key, value in state.writes():
            if value is None:
                block.delete(table, key)
            else:
                block.put(table, key, value)
        if made.leaves:
            first = block.append_leaves(made.leaves)
            places = {name: first + i for i, name in enumerate(made.names)}
            block.put_places(places.items())
        head = block.finish_block(made.height, made.time, len(made.leaves))
        if made.leaves:
            origin = state.need("genesis", "it")["origin"]
            text = checkpoint.sign(origin, head.size, head.root, self.identity.log)
            block.save_checkpoint(head.size, text)
        return head


def _genesis(reading: Reading) -> dict[str, Any] | None:
    found = reading.get("genesis", "it")
    return None if found is None else read_canonical(found)


def _other_genesis(here: dict[str, Any], value: dict[str, Any]) -> Refusal:
    return Refusal(
        "act.other_genesis", {"here": here["chain"][:16], "given": content_id("chain", value)[:16]}
    )


def genesis_value(
    name: str,
    identity: Identity,
    *,
    clock: str,
    time: int,
    origin: str,
    member_name: dict[str, str],
) -> dict[str, Any]:
    """The genesis of a solo record: one operator that orders, decides, pays and receives facts."""
    raw = identity.acts.public_key().public_bytes_raw().hex()
    roles = ["operator", "gateway", "decider", "payer"] + (["clock"] if clock == "replay" else [])
    value = {
        "v": 1,
        "name": name,
        "suite": "intl",
        "clock": clock,
        "rules": 1,
        "origin": origin,
        "log_key": identity.log.public_key().public_bytes_raw().hex(),
        "time": time,
        "replay_source": identity.member if clock == "replay" else None,
        "members": [
            {
                "id": identity.member,
                "name": member_name,
                "operator": identity.member,
                "roles": roles,
                "keys": [{"key": raw, "since": 0, "until": None}],
            }
        ],
    }
    canonical(value)
    return value
