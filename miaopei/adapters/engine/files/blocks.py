"""The engine's own files held against our log: every block that it has stored is read again.

Nothing the engine says of a block is believed: header, items and signatures are hashed here, the
chain of headers ends in one that more than two thirds of the members have signed, the root that
each header bears is that of our leaves, and the acts in a block are those of our leaves in order.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from ....acts.apply import REFUSED_FOR_GOOD
from ....acts.envelope import from_json as read_act
from ....acts.envelope import signature_holds
from ....acts.state import State
from ....acts.time import KIND as TIME
from ....errors import Fact, OutsideFault, Refusal, Refused
from ....ledger.certificate import founders, from_json, read_header
from ....ledger.merkle import Frontier, empty_root, leaf_hash
from ....ledger.quorum import Header, Instant, check, commit_hash, data_hash
from ....measures.identity import read_canonical
from ....node.order.convening import Founding
from ....node.order.parcel import parcel_under
from ....node.ports import Reading
from ..certificates import certificate, header_json, time_json
from ..rpc import EngineRpc

Json = dict[str, Any]
Progress = Callable[[int, int], object]
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, IndexError, OutsideFault, Refused)


@dataclass
class Log:
    """What our leaves say: the root after each block that left some, and the acts of each, with
    whether the same act may leave another leaf later; and which rules hold from which height on.
    """

    roots: dict[int, str] = field(default_factory=dict)
    acts: dict[int, list[tuple[str, bool]]] = field(default_factory=dict)
    since: list[tuple[int, int]] = field(default_factory=list)

    @classmethod
    def of(cls, reading: Reading) -> Log:
        """Errors   Refused, ValueError and the like where leaves are none: the log's audit says."""
        state = State(reading)
        made, frontier = cls(since=[(0, state.need("genesis", "it")["rules"])]), Frontier()
        made.since += [(said["height"], said["rules"]) for _, said in state.range("rules", "")]
        for leaf in reading.leaves(0, reading.head().size):
            value = read_canonical(leaf)
            frontier = frontier.append(leaf_hash(leaf))
            if value["leaf"] == "act":
                act, height, ok = read_act(value["act"]), value["height"], value["result"]["ok"]
                for_good = made.rules(height) >= REFUSED_FOR_GOOD and signature_holds(act)
                over = act.kind != TIME if ok else for_good
                made.acts.setdefault(height, []).append((act.id, over))
            elif value["leaf"] in ("block", "genesis"):
                made.roots[value.get("height", 0)] = frontier.root().hex()
        return made

    def rules(self, height: int) -> int:
        """The rule set of a height."""
        return max(rules for since, rules in self.since if since <= height)


def examine(
    engine: EngineRpc, reading: Reading, founding: Founding, progress: Progress | None = None
) -> Iterator[Refusal]:
    """Every difference between what the engine has stored and our log."""
    first, log, here = founding.height + 1, Log.of(reading), reading.head().height
    try:
        top = int(engine.ask("blockchain")["last_height"])
    except UNREADABLE as error:
        yield _found("unreadable", height=first, why=_why(error))
        return
    if top < here:
        yield _found("height", engine=top, here=here)
    before = [height for height in log.roots if height < first]
    root = log.roots[max(before)] if before else empty_root().hex()
    done = {act for h, acts in log.acts.items() if h < first for act, over in acts if over}
    last: Header | None = None
    for height in range(first, top + 1):
        try:
            block = engine.ask("block", height=str(height))["block"]
            header = read_header(header_json(block["header"]))
            yield from _bytes(height, block, header, last)
            if height <= here + 1 and header.app.hex() != root:  # it goes on while we read
                yield _found("root", height=height, engine=header.app.hex()[:16], here=root[:16])
            if height <= here:
                yield from _acts(height, _items(block), log, done)
            last = header
        except UNREADABLE as error:
            yield _found("unreadable", height=height, why=_why(error))
            last = None
        root = log.roots.get(height, root)
        if progress is not None:
            progress(height - first + 1, top - first + 1)
    yield from _certified(engine, founding, top, last)


def _bytes(height: int, block: Json, header: Header, last: Header | None) -> Iterator[Refusal]:
    """The block's own bytes: its items, the signatures under the block before, its place."""
    if header.height != height or (last is not None and header.last_block.hash != last.hash):
        yield _found("chain", height=height)
    if header.data != data_hash(_items(block)):
        yield _found("items", height=height)
    given = (block["last_commit"] or {}).get("signatures") or []
    votes = [
        (
            int(vote["block_id_flag"]),
            bytes.fromhex(vote["validator_address"]),
            Instant(*time_json(vote["timestamp"])),
            base64.b64decode(vote["signature"] or ""),
        )
        for vote in given
    ]
    if header.last_commit != commit_hash(votes):
        yield _found("votes", height=height)
    evidence = (block["evidence"] or {}).get("evidence") or []
    if evidence or header.evidence != sha256(b"").digest():
        yield _found("signed_twice", height=height, count=len(evidence))


def _items(block: Json) -> list[bytes]:
    return [base64.b64decode(item) for item in block["data"]["txs"] or ()]


def _acts(height: int, items: Sequence[bytes], log: Log, done: set[str]) -> Iterator[Refusal]:
    """The acts of a block, without those that were done before, against those of the log.

    Where nothing but time passed there are no leaves.
    """
    rules, here = log.rules(height), log.acts.get(height, [])
    acts = [act for item in items if (parcel := parcel_under(rules, item)) for act in parcel.acts]
    expected = list[str]()
    for act in acts:
        if act.id in done:
            continue
        if here[len(expected) : len(expected) + 1] == [(act.id, True)]:
            done.add(act.id)
        expected.append(act.id)
    quiet = not here and height not in log.roots and all(act.kind == TIME for act in acts)
    if expected != [act for act, _ in here] and not quiet:
        yield _found("acts", height=height, engine=len(expected), here=len(here))
    done |= {act for act, over in here if over}


def _certified(
    engine: EngineRpc, founding: Founding, top: int, last: Header | None
) -> Iterator[Refusal]:
    """The last header but one is signed, and the headers that were read lead to it."""
    if top < founding.height + 2:
        return
    try:
        made = certificate(engine, top - 1, founding.height + 1)
        shown = from_json(made)
        check(shown, founding.chain, founders(founding.file))
    except UNREADABLE as error:
        yield _found("certificate", height=top, why=_why(error))
        return
    if last is not None and shown.header.hash != last.hash:
        yield _found("certificate", height=top, why="another header")


def _why(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:200]


def _found(code: str, /, **facts: Fact) -> Refusal:
    return Refusal(f"inspect.engine_{code}", facts)
