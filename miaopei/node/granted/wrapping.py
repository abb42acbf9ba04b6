"""Opening our books for whom we have granted them: keys of what is there, and of what comes.

Who seals anything for a book wraps its key for the readers of that moment, those by a grant among
them. Here a holder adds what those lack: what was sealed before its grant, and everything once more
where a reader has changed its box key. Nothing is wrapped any more once a grant has ended.
Source: docs/specs/consortium.md, section 6.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...acts.readers import grants_of, holders
from ...acts.state import State
from ..node import Node
from ..ports import Writing
from ..vault.blobs import granted, wrap_again
from .parts import Part, Upto, parts_of, shown_of

WRAPPED = "granted/"  # of a box key and a book: how far its keys are wrapped for it
AT_ONCE = 200  # blobs wrapped in one transaction


@dataclass(frozen=True)
class _Reader:
    """A book, and the box key of one who reads it by a grant of ours."""

    listing: str
    book: str
    box: str

    @property
    def name(self) -> str:
        """Under which it is written down how far its keys are wrapped."""
        return f"{WRAPPED}{self.box}/{self.book}"


class Granter:
    """Wraps keys of a holder's books for the members that it has granted them to."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._quiet: tuple[int, int] | None = None  # size of the log and time with nothing to do

    def run(self) -> int:
        """Wrap what is lacking and can be wrapped now; how many keys were.

        Errors   RecordDamaged (alarm) where a key of ours does not open.
        """
        with self.node.reading() as (reading, state):
            head = reading.head()
            if self._quiet == (head.size, head.time):
                return 0
            due = list(self._readers(state, head.time))
        done, whole = 0, True
        for reader in due:
            while True:
                with self.node.store.writing() as block:
                    wrapped, rest = self._wrap(block, State(block), reader)
                done, whole = done + wrapped, whole and rest != "waits"
                if rest != "more":
                    break
        self._quiet = (head.size, head.time) if whole else None
        return done

    def _readers(self, state: State, now: int) -> Iterator[_Reader]:
        """Each book of ours with the box key of each member that we have granted it to."""
        me = self.node.identity.member
        ours = {
            (listing, grant.grantee)
            for grant in grants_of(state, me)
            if grant.holds(now)
            for listing in grant.scope
            if me in holders(state, listing)
        }
        for listing, grantee in sorted(ours):
            if box := granted(state, listing, now).get(grantee):
                yield _Reader(listing, state.need("listing", listing)["listing"]["book"], box)

    def _wrap(self, block: Writing, state: State, reader: _Reader) -> tuple[int, str]:
        """Some of a book for one reader; how many keys, and whether that is `all` of it, `more` can
        be done at once, or what we have not got yet `waits`.
        """
        if reader.box not in granted(state, reader.listing, block.head().time).values():
            return 0, "all"  # it has ended meanwhile
        upto, done = Upto.kept(block, reader.name), 0
        for part in parts_of(state, reader.book, upto):
            if done >= AT_ONCE:
                upto.keep(block, reader.name)
                return done, "more"
            wrapped = self._part(block, part, reader.box)
            if wrapped is None:
                upto.keep(block, reader.name)
                return done, "waits"
            done, upto = done + wrapped, part.upto
        if done:
            upto.keep(block, reader.name)
        for blob in shown_of(state, reader.listing):
            done += self._new(block, blob, reader.box) is True
        return done, "all"

    def _part(self, block: Writing, part: Part, box: str) -> int | None:
        """How many keys of a part were wrapped; None where we have not got what opens it."""
        must = [self._new(block, blob, box) for blob in part.blobs]
        some = [self._new(block, blob, box) for blob in part.either]
        if None in must or (part.either and set(some) == {None}):
            return None
        return [*must, *some].count(True)

    def _new(self, block: Writing, blob: str, box: str) -> bool | None:
        """Whether a key is wrapped anew; None where it is not, since we have none ourselves."""
        there = block.wrapped(blob, box) is not None
        wrapped = wrap_again(block, blob, self.node.identity, box, self.node.random)
        return (not there) if wrapped else None
