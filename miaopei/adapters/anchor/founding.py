"""Putting the contract on a chain, and knowing one that is there already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...errors import OutsideFault, Refusal, Refused
from . import contract
from .evm import EvmAnchor, identity
from .rpc import Rpc, number
from .sending import Sender
from .signing import AnchorKey
from .told import Told, address

MOST_WRITERS = 32


def deploy(
    rpc: str,
    origin: str,
    key: AnchorKey,
    writers: Sequence[str],
    *,
    confirmations: int = 1,
    free: bool = False,
) -> Told:
    """Put the contract there, for the log of an origin and its first writers.

    Errors   Refused anchor.no_address, anchor.chain_says_no, anchor.writers; OutsideFault.
    """
    named = tuple(dict.fromkeys(map(address, writers)))
    if not 0 < len(named) <= MOST_WRITERS:
        facts = {"count": len(named), "most": MOST_WRITERS}
        raise Refused(Refusal("anchor.writers", facts))
    node = Rpc(rpc)
    try:
        chain, genesis = identity(node)
        draft = Told(rpc, chain, genesis, "", 0, origin, named, confirmations, free)
        data = contract.creation(draft.origin_hash, [bytes.fromhex(w[2:]) for w in named])
        sender = Sender(node, chain, key, confirmations, free)
        done = sender.carry(None, data, None, lambda _: None)
        if number(done["status"]) != 1:
            raise OutsideFault("the chain did not take the contract", retry=False)
    finally:
        node.close()
    at, since = address(done["contractAddress"]), number(done["blockNumber"])
    return replace(draft, contract=at, since=since)


def join(
    rpc: str,
    origin: str,
    at: str,
    since: int,
    writers: Sequence[str],
    *,
    confirmations: int = 1,
    free: bool = False,
) -> Told:
    """A contract that another member has put there, known to be ours.

    `writers` are those that this member was told of by the others, not by the chain.
    Errors   Refused anchor.no_address, other_contract, no_contract, another_origin; OutsideFault.
    """
    node = Rpc(rpc)
    try:
        chain, genesis = identity(node)
    finally:
        node.close()
    named = tuple(dict.fromkeys(map(address, writers)))
    told = Told(rpc, chain, genesis, address(at), since, origin, named, confirmations, free)
    reader = EvmAnchor(told, None)
    try:
        reader.head()
    finally:
        reader.close()
    return told
