"""Certificates of a run's blocks, made of what its engine decided and checked as a stranger checks.

The headers are those of the real engine as far as a certificate reads them, and the signatures are
real; `ledger.quorum.check` gets the first member set and the record's name, nothing else. What is
forged with keys that are out of force must not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from miaopei.errors import Refused
from miaopei.ledger.quorum import (
    BlockId,
    Certificate,
    Change,
    Commit,
    Header,
    Instant,
    Vote,
    Voter,
    check,
    ordered,
    set_hash,
    sign_bytes,
)

from .engine import Engine, Votes
from .keys import ENGINES
from .seating import Seating
from .world import Breach

NONE = b"\0" * 32
AT = Instant(1, 0)


class Papers:
    """Certificates of one chain, by the sets that the seats say (not by the engine's own word)."""

    def __init__(self, name: str, engine: Engine, seating: Seating) -> None:
        self.name, self.engine, self.seating = name, engine, seating
        self.founders = _voters(seating.voters(1))
        self.headers: list[Header] = []
        block = BlockId(NONE, 1, NONE)
        for height, decided in enumerate(engine.chain, 1):
            header = self._header(height, block, bytes.fromhex(decided.app))
            self.headers.append(header)
            block = BlockId(header.hash, 1, NONE)

    def look(self, roots: dict[int, str]) -> None:
        """The last certificate, and that of the first block under each set, hold and say the root
        that members have; what keys out of force sign does not.
        """
        turns = [since for since, _ in self.seating.sets[1:] if 1 < since <= len(self.headers)]
        for height in {*turns, len(self.headers)}:
            try:
                found = check(self.certificate(height), self.name, self.founders)
            except Refused as refused:
                code = refused.refusals[0].code
                raise Breach("a certificate does not hold", height=height, code=code) from refused
            if found.root.hex() != roots.get(height - 1, found.root.hex()):
                raise Breach("a certificate says another root", height=height)
        for height in turns:
            self._forge(height)

    def certificate(self, height: int) -> Certificate:
        """That of the root before a block, by the signatures under it."""
        return Certificate(
            left=self.headers[height - 2],
            header=self.headers[height - 1],
            commit=self._commit(self.headers[height - 1], self.engine.chain[height - 1].signed),
            voters=_voters(self.seating.voters(height)),
            changes=tuple(self._changes(height)),
        )

    def _changes(self, upto: int) -> Iterable[Change]:
        for height in range(1, upto):
            after = _voters(self.seating.voters(height + 1))
            if after != _voters(self.seating.voters(height)):
                header, signed = self.headers[height - 1], self.engine.chain[height - 1].signed
                yield Change(header, self._commit(header, signed), after)

    def _forge(self, height: int) -> None:
        """Who was in force before this block signs it by an old key, or for a set of old."""
        good = self.certificate(height)
        old, new = self.seating.voters(height - 1), self.seating.voters(height)
        if not (spent := [key for key in old if key not in new]):
            return
        header = replace(good.header, validators=set_hash(_voters(old)))
        forged = [
            replace(good, commit=self._commit(good.header, good_keys(good, new), by=spent[0])),
            replace(good, header=header, voters=_voters(old), changes=good.changes[:-1],
                    commit=self._commit(header, spent, of=old)),
            replace(good, changes=good.changes[:-1]),
        ]  # fmt: skip
        for number, certificate in enumerate(forged):
            if holds(lambda c=certificate: check(c, self.name, self.founders)):
                raise Breach("a certificate of keys out of force holds", height=height, way=number)

    def _header(self, height: int, before: BlockId, app: bytes) -> Header:
        sets = [set_hash(_voters(self.seating.voters(at))) for at in (height, height + 1)]
        return Header(
            11, 1, self.name, height, Instant(height, 0), before, NONE, NONE, *sets, NONE, app,
            NONE, NONE, NONE[:20],
        )  # fmt: skip

    def _commit(
        self, header: Header, signed: Iterable[str], *, by: str = "", of: Votes | None = None
    ) -> Commit:
        """Signatures of these keys under a header; `by` is a key that signs in all their places."""
        keys, block = set(signed), BlockId(header.hash, 1, NONE)
        bare = Commit(0, block, ())
        votes: list[Vote | None] = []
        for voter in _voters(self.seating.voters(header.height) if of is None else of):
            key = voter.key.hex()
            message = sign_bytes(self.name, header, bare, Vote(AT, b""))
            made = Vote(AT, ENGINES[by or key].sign(message)) if key in keys else None
            votes.append(made)
        return Commit(0, block, tuple(votes))


def holds(checked: Callable[[], object]) -> bool:
    """Whether a check says nothing against."""
    try:
        checked()
    except Refused:
        return False
    return True


def good_keys(certificate: Certificate, votes: Votes) -> list[str]:
    """The keys that signed a good certificate."""
    places = zip(_voters(votes), certificate.commit.votes, strict=True)
    return [voter.key.hex() for voter, vote in places if vote is not None]


def _voters(votes: Votes) -> tuple[Voter, ...]:
    return ordered([Voter(bytes.fromhex(key), power) for key, power in votes.items()])
