"""What the engines have signed together: headers, commits, and the member sets behind them.

Checked with nothing but the first member set and the engine's name of the record, which a stranger
has from outside. Everything is hashed and signed as CometBFT v0.38 does; written from its published
formats, apart from the code that speaks to the engine. Source: docs/specs/consortium.md, section 9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ..errors import Fact, Refusal, Refused

PRECOMMIT = 2
MOST_SEATS, MOST_CHANGES = 200, 1_000


@dataclass(frozen=True)
class Instant:
    """A time of the engine: seconds and nanoseconds."""

    seconds: int
    nanos: int

    @property
    def encoded(self) -> bytes:
        """google.protobuf.Timestamp."""
        return _number(1, self.seconds) + _number(2, self.nanos)


@dataclass(frozen=True)
class BlockId:
    """Which block: the hash of its header, and of the parts in which it travelled."""

    hash: bytes
    parts: int
    parts_hash: bytes

    @property
    def encoded(self) -> bytes:
        """tendermint.types.BlockID; its second part stands there even where it is empty."""
        parts = _number(1, self.parts) + _bytes(2, self.parts_hash)
        return _bytes(1, self.hash) + _message(2, parts)


@dataclass(frozen=True)
class Header:
    """A block's header. `app` is the root that the block *before* left behind."""

    block_version: int
    app_version: int
    chain: str
    height: int
    time: Instant
    last_block: BlockId
    last_commit: bytes
    data: bytes
    validators: bytes
    next_validators: bytes
    consensus: bytes
    app: bytes
    results: bytes
    evidence: bytes
    proposer: bytes

    @property
    def hash(self) -> bytes:
        """What the members sign: an RFC 6962 tree over the fourteen fields."""
        return _tree(
            [
                _number(1, self.block_version) + _number(2, self.app_version),
                _bytes(1, self.chain.encode("utf-8")),
                _number(1, self.height),
                self.time.encoded,
                self.last_block.encoded,
                *(
                    _bytes(1, field)
                    for field in (
                        *(self.last_commit, self.data, self.validators, self.next_validators),
                        *(self.consensus, self.app, self.results, self.evidence, self.proposer),
                    )
                ),
            ]
        )


@dataclass(frozen=True)
class Voter:
    """A member of a set: raw public key and weight."""

    key: bytes
    power: int


@dataclass(frozen=True)
class Vote:
    """One member's signature under a block."""

    time: Instant
    sig: bytes


@dataclass(frozen=True)
class Commit:
    """The signatures under one block, in the order of the set; None for who was not counted."""

    round: int
    block: BlockId
    votes: tuple[Vote | None, ...]


@dataclass(frozen=True)
class Change:
    """A header under which the set changed, what was signed of it, and the set that follows."""

    header: Header
    commit: Commit
    voters: tuple[Voter, ...]


@dataclass(frozen=True)
class Certificate:
    """A root of the log, certified: the header of the block that left it, and that of the next."""

    left: Header
    header: Header
    commit: Commit
    voters: tuple[Voter, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Certified:
    """What a certificate shows: the root after a block, by how much of the weight."""

    height: int
    root: bytes
    time: Instant
    signed: int
    total: int
    changes: int


def engine_name(chain: str) -> str:
    """The engine's name of a record whose chain id this is: at most 50 characters are allowed."""
    return f"miaopei-{chain[:40]}"


def check(certificate: Certificate, chain: str, founders: Sequence[Voter]) -> Certified:
    """What a certificate shows to who knows the engine's name of the record and its first members.

    Errors   Refused ledger.quorum_* naming what does not hold.
    """
    voters = ordered(founders)
    if len(certificate.changes) > MOST_CHANGES:
        raise _no("too_many", count=len(certificate.changes), limit=MOST_CHANGES)
    before = 0
    for change in certificate.changes:
        if change.header.height <= before:
            raise _no("order", height=change.header.height)
        before = change.header.height
        _signed(change.header, change.commit, chain, voters)
        if change.header.next_validators != set_hash(change.voters):
            raise _no("other_set", height=before)
        voters = change.voters
    left, header = certificate.left, certificate.header
    if header.height <= before:
        raise _no("order", height=header.height)
    if certificate.voters != tuple(voters):
        raise _no("other_set", height=header.height)
    signed, total = _signed(header, certificate.commit, chain, voters)
    follows = left.height + 1 == header.height and left.chain == chain
    if not follows or header.last_block.hash != left.hash:
        raise _no("not_next", height=header.height, left=left.height)
    return Certified(left.height, header.app, header.time, signed, total, len(certificate.changes))


def ordered(voters: Sequence[Voter]) -> tuple[Voter, ...]:
    """The engine's order of a set: weight down, address up; who has no weight is not in it."""
    found = [voter for voter in voters if voter.power > 0]
    return tuple(sorted(found, key=lambda v: (-v.power, sha256(v.key).digest()[:20])))


def set_hash(voters: Sequence[Voter]) -> bytes:
    """What headers say of a set."""
    return _tree([_message(1, _bytes(1, v.key)) + _number(2, v.power) for v in voters])


def commit_hash(votes: Sequence[tuple[int, bytes, Instant, bytes]]) -> bytes:
    """What a header says of the commit before it: (flag, address, time, signature) of each seat."""
    return _tree(
        [
            _number(1, flag) + _bytes(2, address) + _message(3, time.encoded) + _bytes(4, sig)
            for flag, address, time, sig in votes
        ]
    )


def data_hash(items: Sequence[bytes]) -> bytes:
    """What a header says of the items in its block."""
    return _tree([sha256(item).digest() for item in items])


def sign_bytes(chain: str, header: Header, commit: Commit, vote: Vote) -> bytes:
    """What one member has signed."""
    block = _message(4, commit.block.encoded)
    round_ = b"" if commit.round == 0 else b"\x19" + commit.round.to_bytes(8, "little")
    body = (
        _number(1, PRECOMMIT)
        + b"\x11"
        + header.height.to_bytes(8, "little")
        + round_
        + block
        + _message(5, vote.time.encoded)
        + _bytes(6, chain.encode("utf-8"))
    )
    return _varint(len(body)) + body


def vote_holds(header: Header, commit: Commit, voter: Voter, vote: Vote) -> bool:
    """Whether a vote is this member's, by RFC 8032 as every verifier reads it. The engine goes by
    ZIP-215 and takes a few more, which only a member can make that wants to.
    """
    try:
        message = sign_bytes(header.chain, header, commit, vote)
        Ed25519PublicKey.from_public_bytes(voter.key).verify(vote.sig, message)
    except (InvalidSignature, ValueError, OverflowError):
        return False
    return True


def _signed(header: Header, commit: Commit, chain: str, voters: Sequence[Voter]) -> tuple[int, int]:
    """The weight that signed a header, and all of it.

    Errors   Refused ledger.quorum_* unless it is more than two thirds, every signature good.
    """
    where: dict[str, Fact] = {"height": header.height}
    if header.chain != chain:
        raise _no("other_chain", chain=header.chain[:60])
    if header.validators != set_hash(voters):
        raise _no("other_set", **where)
    if header.hash != commit.block.hash:
        raise _no("other_block", **where)
    if len(commit.votes) != len(voters) or len(voters) > MOST_SEATS:
        raise _no("votes", count=len(commit.votes), seats=len(voters))
    signed, total = 0, sum(voter.power for voter in voters)
    for place, (voter, vote) in enumerate(zip(voters, commit.votes, strict=True)):
        if vote is None:
            continue
        if not vote_holds(header, commit, voter, vote):
            raise _no("signature", place=place, **where)
        signed += voter.power
    if 3 * signed <= 2 * total:
        raise _no("too_few", signed=signed, total=total, **where)
    return signed, total


def _tree(fields: Sequence[bytes]) -> bytes:
    """The engine's own tree: RFC 6962 with SHA-256, whatever the suite of the record is."""
    if len(fields) < 2:
        return sha256(b"\x00" + fields[0] if fields else b"").digest()
    left = 1 << (len(fields) - 1).bit_length() - 1
    return sha256(b"\x01" + _tree(fields[:left]) + _tree(fields[left:])).digest()


def _varint(number: int) -> bytes:
    number &= 2**64 - 1
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def _number(field: int, value: int) -> bytes:
    """A number under its field; nothing is written for zero."""
    return b"" if value == 0 else bytes([field << 3]) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    """Bytes under their field; nothing is written for none."""
    return b"" if not value else _message(field, value)


def _message(field: int, value: bytes) -> bytes:
    return bytes([field << 3 | 2]) + _varint(len(value)) + value


def _no(code: str, /, **facts: Fact) -> Refused:
    return Refused(Refusal(f"ledger.quorum_{code}", facts))
