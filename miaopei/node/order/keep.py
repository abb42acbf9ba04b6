"""Writing a block down: what `apply` made becomes one transaction, whoever ordered it."""

from __future__ import annotations

from typing import Any

from ...acts.apply import Block, begin
from ...acts.state import State
from ...errors import Refusal, Refused
from ...ledger import checkpoint
from ...measures.identity import content_id, read_canonical
from ...measures.suites import SigningKey
from ..ports import Head, Reading, Store, Writing


def found(store: Store, value: dict[str, Any], log: SigningKey) -> dict[str, Any]:
    """Begin a record with its genesis, once; the genesis as the state holds it.

    Errors   Refused act.other_genesis where the record has begun with another, act.bad_genesis.
    """
    with store.writing() as block:
        state = State(block)
        here: dict[str, Any] | None = state.get("genesis", "it")
        if here is None:
            leaf = begin(state, value)
            head = keep(block, state, Block(0, value["time"], (leaf,), ("genesis",), ()))
            certify(block, head, log)
            here = state.need("genesis", "it")
        elif here["chain"] != (given := content_id("chain", value)):
            facts = {"here": here["chain"][:16], "given": given[:16]}
            raise Refused(Refusal("act.other_genesis", facts))
        return here


def keep(block: Writing, state: State, made: Block) -> Head:
    """Write a block: its changes of the state, leaves and their places, height and time."""
    for table, key, value in state.writes():
        if value is None:
            block.delete(table, key)
        else:
            block.put(table, key, value)
    if made.leaves:
        first = block.append_leaves(made.leaves)
        places = {name: first + i for i, name in enumerate(made.names)}
        block.put_places(places.items())
    return block.finish_block(made.height, made.time, len(made.leaves))


def blocks_end(reading: Reading, first: int, end: int) -> list[int]:
    """The sizes of the log after each block whose last leaf is one of [first, end - 1)."""
    leaves = enumerate(reading.leaves(first, end - 1), first + 1)
    return [size for size, leaf in leaves if read_canonical(leaf)["leaf"] == "block"]


def certify(block: Writing, head: Head, log: SigningKey) -> None:
    """Sign a head of the log: what stands before it may be shown to others from now on."""
    origin = State(block).need("genesis", "it")["origin"]
    block.save_checkpoint(head.size, checkpoint.sign(origin, head.size, head.root, log))
