"""A receipt of a consortium without engines: its members' keys sign the certificate here.

The record is made a consortium's by the forger who holds every key, so that all else is real; what
real engines sign is tried in tests/journey/test_net.py.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from miaopei.claims.receipt import Receipt, from_json
from miaopei.ledger import checkpoint, quorum
from miaopei.ledger.quorum import BlockId, Commit, Header, Instant, Vote, Voter
from miaopei.measures.identity import canonical, content_id
from tests.support.consortium import SIX, key
from tests.unit.claims.forging import forged, leaf
from tests.unit.claims.replayed import IDENTITY

EMPTY = b""
FIVE = 5  # of six sign: more than two thirds


def seats(members: tuple[str, ...] = SIX) -> list[dict[str, Any]]:
    """A seat a member. The receipts' node signs checkpoints with a key that came later."""
    found = []
    for member in members:
        each = {w: key(member, w).public_key().public_bytes_raw().hex() for w in ("engine", "log")}
        found.append({"member": member, "power": 10, "node": "", "peer": "", "box": "", **each})
    return found


def certified(
    receipt: Receipt, members: tuple[str, ...] = SIX, *, joins: str | None = "seventh"
) -> tuple[Receipt, bytes]:
    """The same receipt in a record of six members, certified; and its genesis file."""

    def found(value: Any) -> None:
        leaf(value, "genesis")["value"].update(log_key=None, seats=seats(members))

    made = forged(receipt, found)
    genesis = made.leaves["genesis"][0].leaf["value"]
    root = checkpoint.parse(made.checkpoint).root
    shown = certificate(genesis, root, members, joins=joins)
    value = {**json.loads(made.to_bytes()), "certificate": shown}
    return from_json(value).signed(IDENTITY.acts.sign), canonical(genesis)


def certificate(
    genesis: Any, root: bytes, members: tuple[str, ...], *, joins: str | None = "seventh"
) -> dict[str, Any]:
    """Headers, signatures and sets; where somebody joins, with one change of the set."""
    chain = quorum.engine_name(content_id("chain", genesis))
    voters = quorum.ordered([Voter(_public(member), 10) for member in members])
    changes = []
    if joins is not None:
        after = quorum.ordered([*voters, Voter(_public(joins), 10)])
        at = _header(chain, 7, voters, after, b"r" * 32, BlockId(EMPTY, 0, EMPTY))
        named = (*members, joins)
        signed = _commit(chain, at, voters, members, 0)
        changes = [{"header": _h(at), "commit": _c(signed), "voters": _v(after)}]
        voters, members = after, named
    left = _header(chain, 41, voters, voters, b"b" * 32, BlockId(b"p" * 32, 1, b"q" * 32))
    header = _header(chain, 42, voters, voters, root, BlockId(left.hash, 1, b"q" * 32))
    commit = _commit(chain, header, voters, members, 1)
    return {
        "left": _h(left), "header": _h(header), "commit": _c(commit), "voters": _v(voters),
        "changes": changes,
    }  # fmt: skip


def written(made: quorum.Certificate) -> dict[str, Any]:
    """A certificate as it stands in a receipt."""
    changes = [
        {"header": _h(each.header), "commit": _c(each.commit), "voters": _v(each.voters)}
        for each in made.changes
    ]
    return {
        "left": _h(made.left), "header": _h(made.header), "commit": _c(made.commit),
        "voters": _v(made.voters), "changes": changes,
    }  # fmt: skip


def _public(member: str) -> bytes:
    return key(member, "engine").public_key().public_bytes_raw()


def _header(
    chain: str, height: int, now: Any, then: Any, app: bytes, last: BlockId
) -> Header:  # the fields that nobody reads are long enough to be told apart
    return Header(
        11, 1, chain, height, Instant(1_600_000_000, 5), last, b"c" * 32, b"d" * 32,
        quorum.set_hash(now), quorum.set_hash(then), b"e" * 32, app, b"f" * 32, b"g" * 32,
        b"h" * 20,
    )  # fmt: skip


def _commit(chain: str, header: Header, voters: Any, members: Any, round_: int) -> Commit:
    commit = Commit(round_, BlockId(header.hash, 1, b"s" * 32), ())
    keys = {_public(member): key(member, "engine") for member in members}
    votes = []
    for place, voter in enumerate(voters):
        vote = Vote(Instant(1_600_000_001, place), EMPTY)
        message = quorum.sign_bytes(chain, header, commit, vote)
        signed = replace(vote, sig=keys[voter.key].sign(message))
        votes.append(signed if place < FIVE else None)
    return replace(commit, votes=tuple(votes))


def _h(header: Header) -> dict[str, Any]:
    return {name: _plain(getattr(header, name)) for name in Header.__dataclass_fields__}


def _c(commit: Commit) -> dict[str, Any]:
    votes = [
        None if v is None else {"time": _plain(v.time), "sig": v.sig.hex()} for v in commit.votes
    ]
    return {"round": commit.round, "block": _plain(commit.block), "votes": votes}


def _v(voters: Any) -> list[dict[str, Any]]:
    return [{"key": voter.key.hex(), "power": voter.power} for voter in voters]


def _plain(value: Any) -> Any:
    match value:
        case bytes():
            return value.hex()
        case Instant():
            return [value.seconds, value.nanos]
        case BlockId():
            parts = {"parts": value.parts, "parts_hash": value.parts_hash.hex()}
            return {"hash": value.hash.hex(), **parts}
        case _:
            return value
