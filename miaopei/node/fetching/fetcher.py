"""Fetching: every member stores every blob that the log names, from whoever has it.

A blob that is missing is a named thing, asked for again until it is here; nothing is decided
without it. Who hands over other bytes than were asked for is named, and another is asked. How far
the log was looked through is remembered, and what is missing of it, so that a restart asks on from
there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from ...acts.readers import parties
from ...acts.state import State
from ...errors import OutsideFault, RecordDamaged, Refusal, Refused
from ...measures.identity import canonical, digest
from ..granted.asking import Keys
from ..ports import Reading, Writing
from ..vault.blobs import keep_for, keep_row_keys, open_blob, opens
from ..vault.sealing import MAGIC, unseal, unwrap_any
from .handed import Fetched
from .missing import (
    KEYLESS,
    LACKING,
    UPTO,
    Missing,
    in_turn,
    keyless,
    lacking,
    looked_through,
    named_in,
)

if TYPE_CHECKING:
    from ..node import Node

# What did not come so often is asked for in one round of so many, and of what does not come so much
# in one: who names blobs that nobody has must not keep the members busy.
PATIENT, RARELY, IN_VAIN = 30, 60, 500
AGAIN = 5  # rounds in which it is asked for where somebody is back who may have it
AT_ONCE = 2_000  # leaves that are looked through at a time
STORED_AT_ONCE = 8_000_000  # bytes of blobs that are kept in one transaction, or one larger blob


class OtherBytes(OutsideFault):
    """A member has handed over other bytes than were asked for."""


class Peers(Protocol):
    """The other members that can be asked. Whoever has a blob, or the keys of its rows, longer than
    `most` bytes has none that is asked for.
    """

    @property
    def members(self) -> Sequence[str]: ...
    def fetch(self, member: str, name: str, most: int | None = None) -> Fetched | None: ...
    def keys(self, member: str, name: str, most: int | None = None) -> Keys | None: ...


@dataclass(frozen=True)
class _Came:
    """A blob that came, or its key alone (without bytes): from whom, the data key, under which of
    our boxes that is wrapped, and whether it opens the blob.
    """

    missing: Missing
    giver: str
    fetched: Fetched
    key: bytes = b""
    reader: str | None = None
    opens: bool = False
    whole: bool = False  # nothing lacks, or nobody has what does
    reads: bool = False  # we have made it or may read it


class Fetcher:
    """Keeps one member's blobs complete."""

    def __init__(self, node: Node, peers: Peers) -> None:
        self._node, self._peers = node, peers
        self._turn, self._denied, self._halves = 0, Counter[str](), set[str]()
        # By blob who was silent and may have it or its key; who was silent of late, and who has
        # answered this time; and when a blob was last asked for because somebody was back.
        self._absent = dict[str, frozenset[str]]()
        self._away, self._heard = set[str](), set[str]()
        self._again = dict[str, int]()
        self._lied = dict[str, str]()  # in this round: member -> the blob in whose place
        with node.store.reading() as reading:
            self._kept = reading.progress(LACKING), reading.progress(KEYLESS)
            # Earlier software did not write down what has no key: it is found out once.
            self._read = 0 if self._kept[1] is None else looked_through(reading)
            self.missing = {each.blob: each for each in lacking(reading)}
            self.keyless = {each.blob: each for each in keyless(reading)}
            self._halves.update(each for each in self.missing if reading.blob(each) is not None)
            self._halves.update(self.keyless)

    def run(self) -> int:
        """Look through what is new in the log and ask for what is missing; how many came.

        Errors   Refused net.other_bytes once all that came is kept, naming who handed over others.
        """
        with self._node.store.reading() as reading:
            state = State(reading)
            self._look(reading, state)
            named = {name for each in self._open.values() for name in each.listings()}
            readers = {listing: parties(state, listing) for listing in named}
        silent, found = set[str](), list[_Came]()
        came = held = 0  # how many, how many bytes
        self._turn, self._lied, self._heard = self._turn + 1, {}, set()
        vain = 0
        for missing in self._asked_now():
            if vain == IN_VAIN:
                break  # the rest in the next round, before these
            may = dict.fromkeys(who for name in missing.listings() for who in readers[name])
            given = self._ask(missing, tuple(may), silent)
            half = missing.blob in self._halves
            if (
                given is None
                or (half and not given.whole and given.reader is None)
                or (missing.blob in self.keyless and not given.opens)
            ):
                self._denied[missing.blob] += 1
                vain += 1
                continue  # no more of it than before
            found.append(given)
            held += len(given.fetched.data) + len(given.fetched.rows or b"")
            if held > STORED_AT_ONCE:
                came += self._store(found)
                found, held = [], 0
        came += self._store(found)
        self._back(self._heard & self._away)
        self._away = (self._away | silent) - self._heard
        self._keep()
        if self._lied:
            lied = [{"member": who, "blob": blob} for who, blob in sorted(self._lied.items())]
            raise Refused(*(Refusal("net.other_bytes", facts) for facts in lied))
        return came

    @property
    def _open(self) -> dict[str, Missing]:
        """All that is asked for: who had no key to give may have one a little later."""
        return {**self.missing, **self.keyless}

    def _asked_now(self) -> list[Missing]:
        """What is asked for in this round, in this order. Of what may lie with who was silent one
        is asked for each time, and once somebody is back all are.
        """
        rare = [b for b in self.missing if b in self._absent and self._denied[b] > PATIENT]
        probe = rare[self._turn % len(rare)] if rare else None

        def now(blob: str) -> bool:
            turn = (self._turn + int(blob[:4], 16)) % RARELY == 0
            return self._denied[blob] <= PATIENT or blob == probe or turn

        return [each for each in in_turn(self._open.values(), self._denied) if now(each.blob)]

    def _back(self, members: Set[str]) -> None:
        """They answer again: what may lie with them is asked for in the next rounds. Once in so
        many, else who is silent now and then has what it made up asked for in all.
        """
        for blob, silent in self._absent.items():
            if silent & members and self._turn - self._again.get(blob, -RARELY) >= RARELY:
                self._denied[blob] = min(self._denied[blob], PATIENT - AGAIN)
                self._again[blob] = self._turn

    def _look(self, reading: Reading, state: State) -> None:
        size = reading.head().size
        while self._read < size:
            end = min(size, self._read + AT_ONCE)
            for leaf in reading.leaves(self._read, end):
                for named in named_in(leaf, state):
                    if self._lacks(reading, state, named):
                        first = self.missing.get(named.blob) or self.keyless.pop(named.blob, None)
                        self.missing[named.blob] = named if first is None else first.also(named)
            self._read = end

    def _lacks(self, reading: Reading, state: State, named: Missing) -> bool:
        """Whether it is not here; or we have made it or may read it, and have no key: others keep
        that too.
        """
        me = self._node.identity
        ours = named.by == me.member
        reads = ours or me.member in parties(state, named.listing)
        if reads and opens(reading, named.blob, me) and (ours or self._tries(reading, named.blob)):
            return False
        data = reading.blob(named.blob)
        if data is not None and reads and data.startswith(MAGIC):
            self._halves.add(named.blob)
            return True
        return data is None

    def _tries(self, reading: Reading, name: str) -> bool:
        """Whether the key that lies here is one: another named it before, and may have given it."""
        try:
            open_blob(reading, name, self._node.identity)
        except RecordDamaged:
            return False
        return True

    def _ask(self, missing: Missing, readers: Sequence[str], silent: set[str]) -> _Came | None:
        """Ask who named it first, then who reads it, then all others; `silent` grows by who does
        not answer. Of what we have made or may read those are looked for that keep our key.
        """
        me, without = self._node.identity.member, None
        ours = me in missing.makers
        reads = ours or me in readers
        first = [*dict.fromkeys((*missing.makers, *readers))]
        if missing.blob in self._halves:  # another first each time: one may keep something back
            at = self._turn % len(first)
            first = first[at:] + first[:at]
        for member in dict.fromkeys((*first, *self._peers.members)):
            if member in silent or member not in self._peers.members:
                continue
            try:
                came = self._from(member, missing, missing.makers == (member,) and reads)
            except OutsideFault as fault:
                silent.add(member)
                if isinstance(fault, OtherBytes):
                    self._lied[member] = missing.blob
                continue
            self._heard.add(member)
            if came is not None and (came.opens or not reads):
                without = came
                break
            without = without or came
        # Who made it, or wrapped a key for us, and was silent is asked again; of ours that may be
        # anybody.
        keepers = {*missing.makers, *(readers if reads else ())}
        absent = frozenset(silent if ours else silent & keepers)
        self._absent.pop(missing.blob, None)
        if absent and (without is None or not without.opens):
            self._absent[missing.blob] = absent
        if without is None:
            return None
        unwraps = without.fetched.wrap is None or without.reader is not None
        whole = without.opens or (unwraps and not absent)
        return replace(without, whole=whole, reads=reads)

    def _from(self, member: str, missing: Missing, maker: bool) -> _Came | None:
        """What a member has of a blob; where its bytes are here, the key alone. What does not open
        it is no key, but of who can only be its `maker`: that is told of where it is read.
        """
        name, most = missing.blob, missing.length if missing.length >= 0 else None
        if name in self._halves:
            keys = self._peers.keys(member, name, most)
            found = Fetched(b"") if keys is None else Fetched(b"", keys.wrap, keys.rows)
        elif (fetched := self._peers.fetch(member, name, most)) is None:
            return None
        elif digest(fetched.data) != name:
            raise OtherBytes(f"{member} hands over other bytes", retry=True)
        else:
            found = fetched
        if found.wrap is None:
            return _Came(missing, member, found)
        me = self._node.identity
        key, reader = b"", None
        try:
            key, reader = unwrap_any(found.wrap, (me.box, *me.boxes))
            unseal(found.data or self._here(name), key)
        except RecordDamaged:
            if maker:
                return _Came(missing, member, found, key, reader)
            return _Came(missing, member, replace(found, wrap=None, rows=None))
        return _Came(missing, member, found, key, reader, opens=True)

    def _here(self, name: str) -> bytes:
        with self._node.store.reading() as reading:
            return reading.blob(name) or b""

    def _store(self, found: Sequence[_Came]) -> int:
        """Keep what came, in one transaction: each waits for the block that is being applied; how
        many are new or whole now.
        """
        if not found:
            return 0
        new = len({each.missing.blob for each in found} - self._halves)
        whole, sealed = set[str](), set[str]()
        with self._node.store.writing() as block:
            for each in found:
                if each.missing.blob not in self._halves:
                    block.put_blob(each.fetched.data, each.missing.media)
                if (block.blob(each.missing.blob) or b"").startswith(MAGIC):
                    sealed.add(each.missing.blob)
                if self._keys(block, each) and each.whole:
                    whole.add(each.missing.blob)
        for each in found:
            blob = each.missing.blob
            if blob in whole:
                self.missing.pop(blob, None)
                self.keyless.pop(blob, None)
                del self._denied[blob]
                self._again.pop(blob, None)
                new += blob in self._halves
                self._halves.discard(blob)
                if each.reads and not each.opens and blob in sealed:
                    self.keyless[blob] = each.missing
                    self._halves.add(blob)
            else:  # asked for again, and in the end as rarely as what nobody has
                self._denied[blob] += 1
                self._halves.add(blob)
        return new

    def _keys(self, block: Writing, came: _Came) -> bool:
        """Keep the keys of a blob that came, for others who may read it too; whether none lacks.
        What its maker sealed so that it does not open stays so.
        """
        missing, fetched = came.missing, came.fetched
        if came.reader is None or fetched.wrap is None:
            return True
        name, data = missing.blob, fetched.data or block.blob(missing.blob) or b""
        block.put_wrap(name, came.reader, fetched.wrap)
        try:
            whole = keep_row_keys(block, name, data, came.key, fetched.rows)
        except RecordDamaged:
            return True
        if came.giver in missing.makers:
            state, named = State(block), missing.listings(came.giver)
            may = dict.fromkeys(who for listing in named for who in parties(state, listing))
            keep_for(block, name, came.key, (came.giver, *may), self._node.random)
        return whole

    def _keep(self) -> None:
        """Write down where we are, where that has changed."""
        now = [each.as_json() for each in self.missing.values()]
        without = canonical([each.as_json() for each in self.keyless.values()])
        kept = canonical(now) if now else None, without
        with self._node.store.reading() as reading:
            upto = looked_through(reading)
        if (upto, self._kept) != (self._read, kept):
            with self._node.store.writing() as block:
                block.put_progress(UPTO, str(self._read).encode("ascii"))
                block.put_progress(LACKING, kept[0])
                block.put_progress(KEYLESS, kept[1])
            self._kept = kept
