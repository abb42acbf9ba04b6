"""Blobs that acts name, held against what is here: damage of this member, or words of another.

A member answers for what it named itself, for what was here, for bytes that are not those of their
digest, and for keys that do not open what they are kept for; and it is damage too where its work
rests on what another named (`resting`). All else that another named and nobody can check is unfit:
told, with who named it in which act, and nothing here waits for it. Any member may name anything.
What was never here, and is being asked of the others, is no damage yet: it waits, and is told so.
Nor is it damage where nobody ever gave us a key: who seals can keep it from whom it likes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from ....acts.blobs import COMMITMENTS, COMMITTED, ROWS
from ....acts.envelope import from_json
from ....acts.seats import seated
from ....acts.state import State
from ....errors import Fact, RecordDamaged, Refusal
from ....ledger.merkle import Frontier, leaf_hash
from ....measures.identity import content_id, digest, read_canonical
from ...ports import Identity, Reading
from ...vault.blobs import open_blob, open_rows_of, opens, readers, wrap_for
from ...vault.rowkeys import READER, commitment_of, open_rows
from ...vault.sealing import unframe, unseal, unwrap
from .references import UNREADABLE, Named
from .resting import Resting

UNFIT = "inspect.unfit_"  # how the codes begin of what others named and nobody can check
WAITS = "inspect.waits_"  # and of what is not here yet, and asked of the others
# What a misfit is called where it is damage, where another has named it so, and where it waits.
MISSING = ("inspect.blob_missing", "inspect.unfit_missing", "inspect.waits_missing")
LENGTH = ("inspect.blob_length", "inspect.unfit_length", "")
SEALED = ("inspect.blob_sealed", "inspect.unfit_sealed", "inspect.waits_sealed")
ROOT = ("inspect.blob_root", "inspect.unfit_root", "")
NO_KEY = ("", "inspect.unfit_no_key", "")
Opened = dict[tuple[str, str], list[bytes]]


def is_unfit(refusal: Refusal) -> bool:
    """Whether a finding is no damage of this member, but what another has named."""
    return refusal.code.startswith(UNFIT)


def is_waiting(refusal: Refusal) -> bool:
    """Whether a finding is no damage yet: what it speaks of is asked of the other members."""
    return refusal.code.startswith(WAITS)


@dataclass(frozen=True)
class _Misfit:
    """What does not fit of a blob, and facts of it."""

    what: tuple[str, str, str]
    facts: Mapping[str, Fact]


class Looking:
    """One look through the blobs that acts name."""

    def __init__(self, reading: Reading, identity: Identity, blobs: Mapping[str, bytes]) -> None:
        self._reading, self._me, self._blobs = reading, identity, blobs
        self._state = State(reading)
        self._alone = not seated(self._state)
        self._resting = Resting(reading, identity)
        self.opened: Opened = {}  # the rows of what opens here
        self._fit = set[tuple[str, str]]()  # member, and the blob of which it said what is so

    def look(self, named: Sequence[Named]) -> Iterator[Refusal]:
        """What does not fit, damage before what is only unfit."""
        later = list[tuple[Named, _Misfit]]()
        for each in named:
            ours = self._alone or each.act["by"] == self._me.member
            for misfit in self._misfits(each):
                if ours or self._lost(each, misfit):
                    yield self._told(each, misfit)
                elif misfit.what == SEALED and each.key[0] in self._resting.keyless:
                    later.append((each, _Misfit(NO_KEY, {})))
                else:
                    later.append((each, misfit))
        unfit = list[Refusal]()
        for each, misfit in later:
            # Where bytes are those of their digest, another length is a wrong word and no more; a
            # key that was never here cannot be lost.
            wrong = misfit.what in (LENGTH, NO_KEY)
            if not wrong and self._resting.rests(each, self._fit):
                yield self._told(each, misfit)
            else:
                act = {name: each.act[name] for name in ("by", "kind")}
                act["act"] = from_json(each.act).id
                unfit.append(Refusal(misfit.what[1], {**misfit.facts, **_about(each), **act}))
        yield from unfit

    def _told(self, named: Named, misfit: _Misfit) -> Refusal:
        code, _, waits = misfit.what
        about = _about(named)
        if waits and self._waits(named, misfit):
            return Refusal(waits, {**about, "by": named.act["by"]})
        return Refusal(code, {**misfit.facts, **about})

    def _waits(self, named: Named, misfit: _Misfit) -> bool:
        """Whether the fetcher asks for it still, and it or a key that opens it was never here: this
        member was away, or has come back from an older backup; or who has it keeps it back.
        """
        name, _ = named.key
        if name not in self._resting.lacking:
            return False
        if misfit.what == MISSING:
            return not self._resting.has_keys(name)
        return not self._spoilt(named)

    @property
    def lacking(self) -> Set[str]:
        """The blobs that are asked of the others."""
        return self._resting.lacking

    @property
    def keyless(self) -> Set[str]:
        """The blobs to which nobody has given us a key."""
        return self._resting.keyless

    def _misfits(self, named: Named) -> Iterator[_Misfit]:
        """What does not fit of one blob: there, as long as said, opening with our key, its rows
        giving its root.

        What is sealed for others, and no key is here, answers by its digest alone.
        """
        name, media = named.key
        data = self._blobs.get(name)
        if data is None:
            yield _Misfit(MISSING, {})
            return
        if digest(data) != name:
            return  # told already
        if "length" not in named.reference:
            return  # an original, which says all of itself
        if len(data) != named.reference["length"]:
            yield _Misfit(LENGTH, {"length": len(data)})
        read = media == COMMITMENTS or self._must_open(named)
        if not read and not opens(self._reading, name, self._me):
            return
        try:
            commitments = self._commitments(name, media, data)
        except RecordDamaged as alarm:
            yield _Misfit(SEALED, {"why": alarm.what})
            return
        except UNREADABLE as error:
            yield _Misfit(SEALED, {"why": type(error).__name__})
            return
        root = Frontier().extend(leaf_hash(each) for each in commitments).root().hex()
        if (len(commitments), root) != (named.reference["count"], named.reference["root"]):
            yield _Misfit(ROOT, {})
        else:
            self._fit.add((named.act["by"], name))

    def _commitments(self, name: str, media: str, data: bytes) -> list[bytes]:
        """What the root of a blob is made of; its rows are kept in `opened`."""
        if media == COMMITMENTS:
            return [data[at : at + 32] for at in range(0, len(data), 32)]
        if media == ROWS:
            rows = open_rows_of(self._reading, name, self._me)
        else:
            rows = unframe(open_blob(self._reading, name, self._me))
        self.opened[name, media] = rows
        if media == ROWS:
            return [commitment_of(row) for row in rows]
        kind = COMMITTED[media]
        return [bytes.fromhex(content_id(kind, read_canonical(row))) for row in rows]

    def _must_open(self, named: Named) -> bool:
        """Whether a blob is ours to read: always where one member orders, and what we named
        ourselves; else the rows of a book that we decide or pay."""
        if self._alone or named.act["by"] == self._me.member:
            return True
        book = self._state.get("book", str(named.act["body"].get("book")))
        if named.reference["media"] != ROWS or book is None:
            return False
        return self._me.member in readers(self._state, book["listing"])

    def _lost(self, named: Named, misfit: _Misfit) -> bool:
        """Whether it is lost or altered here, whoever named it: bytes that were here, or keys."""
        name, _ = named.key
        if name not in self._blobs:
            return self._resting.was_here(named)
        if misfit.what != SEALED:
            return False
        if wrap_for(self._reading, name, self._me) is None and name in self._resting.keyless:
            return self._spoilt(named) or self._resting.had_key(named)
        return self._spoilt(named)

    def _spoilt(self, named: Named) -> bool:
        """Whether keys that lie here are not as they came.

        A wrap of ours that does not open, or a row's key that does not: none of that kind is ever
        kept from others. Where our wrap opens and the blob does not, its maker has sealed it so.
        """
        name, media = named.key
        slots, found = self._reading.wrapped(name, READER), wrap_for(self._reading, name, self._me)
        if found is None:
            return slots is not None  # they come with a wrap, and never alone
        try:
            key = unwrap(*found)
        except RecordDamaged:
            return True
        try:
            framed = unframe(unseal(self._blobs[name], key))
        except RecordDamaged:
            return False
        try:
            open_rows(framed, slots, key) if media == ROWS else ()
        except RecordDamaged:
            return True
        return False


def _about(named: Named) -> dict[str, Any]:
    name, media = named.key
    return {"blob": name, "media": media, "position": named.position}
