"""What of this member rests on a blob that another has named: then it is damage that it lacks.

The record's state names most blobs for good. A member rests on those that it has held, decided or
paid on, and on the books that it decides or pays; what else others name is theirs to answer for.
"""

from __future__ import annotations

from collections.abc import Set
from functools import cached_property
from typing import Any

from ....acts.blobs import CLAIMS, CLOSED, LINES, OUTCOMES, ROWS
from ....acts.envelope import from_json
from ....acts.readers import parties
from ....acts.seats import seats
from ....acts.state import State
from ....errors import RecordDamaged
from ....evidence.kinds import LIST
from ...effects.keeper import opened_upto
from ...effects.standby import ASKED
from ...fetching.missing import keyless, lacking, looked_through
from ...granted.parts import Upto, claims_of, lists_of
from ...ports import Identity, Reading
from ...vault.blobs import wrap_for
from ...vault.rowkeys import READER
from .references import UNREADABLE, Named

ANSWERS = (OUTCOMES, CLOSED)  # of a bank, on which a payer goes on, or else on its word alone


class Resting:
    """Asked of what does not fit only: a sound record needs none of it."""

    def __init__(self, reading: Reading, identity: Identity) -> None:
        self._reading, self._me = reading, identity
        self._state = State(reading)

    # what was here -------------------------------------------------------------------------------
    def was_here(self, named: Named) -> bool:
        """Whether a blob that is not here has been: its keys lie here still, or the fetcher has
        looked for it and did not lack it.
        """
        name, _ = named.key
        if self.has_keys(name):
            return True
        return named.position < looked_through(self._reading) and name not in self.lacking

    def has_keys(self, name: str) -> bool:
        """Whether keys of ours to a blob lie here."""
        slots = self._reading.wrapped(name, READER)
        return slots is not None or wrap_for(self._reading, name, self._me) is not None

    def had_key(self, named: Named) -> bool:
        """Whether there was a key of ours to a blob to which none is here: its rows were opened
        here, or we keep its key for others still.
        """
        name, media = named.key
        boxes = (seat["box"] for _, seat in seats(self._state))
        if any(self._reading.wrapped(name, box) is not None for box in boxes):
            return True
        batch = self._state.get("batch", from_json(named.act).id) if media == ROWS else None
        if batch is None:
            return False
        opened = opened_upto(self._reading, batch["book"]).rows
        held = self._me.member in batch["statements"]
        return held or (batch["first"] is not None and batch["first"] < opened)

    @cached_property
    def keyless(self) -> set[str]:
        """The blobs that are here and ours to read, and to which nobody has given us a key."""
        return {each.blob for each in keyless(self._reading)}

    @cached_property
    def lacking(self) -> set[str]:
        """The blobs that are not here, or whose keys are not, and that are asked of the others."""
        return {each.blob for each in lacking(self._reading)}

    # what stands on it ---------------------------------------------------------------------------
    def rests(self, named: Named, fit: Set[tuple[str, str]]) -> bool:
        """Whether anything of ours rests on what an act of another names; `fit` are members and
        blobs of theirs that are here and hold what they said.

        By the reference of this very act: who names somebody else's blob changes nothing of it.
        """
        blob, media = named.key
        if media == ROWS:
            return self._batch(named)
        if media == CLAIMS and named.act["kind"] == "decide":
            return self._claims(named, fit)
        if media in ANSWERS:
            debt = str(named.act["body"].get("debt"))
            return self._pays(debt) and self._reading.progress(f"{ASKED}{debt}") is None
        if media == LINES:
            debt = from_json(named.act).id
            return self._pays(debt) and ordered(self._reading, debt)
        return media == LIST and blob in self._lists

    def _batch(self, named: Named) -> bool:
        """The rows of a batch that we have held; or that is in force, in a book that is ours or as
        far as it was opened here.
        """
        batch = self._state.get("batch", from_json(named.act).id)
        if batch is None:
            return False
        if self._me.member in batch["statements"]:
            return True
        first = batch["first"]
        return first is not None and self._reads(batch["book"], Upto(rows=first + 1))

    def _claims(self, named: Named, fit: Set[tuple[str, str]]) -> bool:
        """The claims of a settlement: those of any decider that was equal serve as well."""
        one = named.act["by"], named.reference["blob"]
        for said in self._settled:
            if said["trigger"] == named.act["body"].get("trigger"):
                equal = set(claims_of(self._state, said))
                if one in equal and not (equal - {one}) & fit:
                    return True
        return False

    @cached_property
    def _lists(self) -> set[str]:
        """The sealed lists on which settlements of our books rest."""
        triggers = (self._state.need("trigger", said["trigger"]) for said in self._settled)
        return {blob for trigger in triggers for blob in lists_of(trigger)}

    @cached_property
    def _settled(self) -> list[dict[str, Any]]:
        """The settlements of books that are ours, and of others as far as opened here."""
        found = list[dict[str, Any]]()
        for key, settlement in self._state.range("settled", ""):
            book, _, counter = key.rpartition("/")
            if self._reads(book, Upto(counter=int(counter))):
                found.append(self._state.need("settlement", settlement)["settlement"])
        return found

    def _reads(self, book: str, far: Upto) -> bool:
        """Whether a book is ours to decide or pay, or was opened here by a grant so far."""
        if self._me.member in parties(self._state, self._state.need("book", book)["listing"]):
            return True
        opened = opened_upto(self._reading, book)
        return opened.rows >= far.rows and opened.counter >= far.counter

    def _pays(self, debt: str) -> bool:
        payment = self._state.get("payment", debt)
        return payment is not None and payment["payer"] == self._me.member


def ordered(reading: Reading, debt: str) -> bool:
    """Whether orders of a debt were ever made here; one that cannot be read was made as well."""
    try:
        return reading.progress(f"pay/{debt}") is not None or bool(reading.instructions(debt))
    except (RecordDamaged, *UNREADABLE):
        return True
