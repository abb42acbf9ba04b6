"""A settlement made again: by a reader of the book, on its own copy, every row read exactly.

Whoever decides or pays a listing may at any time. Whoever was granted its book may while the grant
lasts, for its purpose, and the record holds that it was used before anything is read.
Source: docs/specs/consortium.md, section 6.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ...acts.raise_rules import rules_at
from ...acts.readers import BookGrant, grant_for, parties, why_not
from ...acts.rule_sets import since
from ...acts.state import State
from ...acts.use_grant import KIND, last_use
from ...errors import Refusal, Refused
from ..effects.keeper import opened_upto
from ..mass.run import Reads, as_filed
from ..node import Node
from ..ports import Reading
from ..vault.blobs import opens
from .parts import Upto, lists_of
from .verdict import Verdict, made_again

WAIT_SECONDS, LOOK_SECONDS = 60.0, 0.2
SHORTEST = 8  # digits of a settlement's id that are asked for at least
Heard = Callable[[int, int], None]  # how many are done, of how many


@dataclass(frozen=True)
class Wanted:
    """A settlement to make again, where it stands in its book, and what must be here for it."""

    settlement: str
    listing: str
    book: str
    need: Upto
    lists: tuple[str, ...]


class Recomputer:
    """Makes settlements again on one member."""

    def __init__(self, node: Node, reads: Reads = as_filed) -> None:
        self.node, self._reads = node, reads

    def run(
        self,
        which: str | None,
        purpose: str = "",
        heard: Heard = lambda _done, _of: None,
        wait: float = WAIT_SECONDS,
    ) -> tuple[list[Verdict], list[Refusal]]:
        """Verdicts of one settlement, by the beginning of its id, or of all that we may read; and
        why the books of others stay closed.

        Errors   Refused grant.* where nothing may be read, act.settlement_not_known, grant.not_here
                 where it has not all come; OutsideFault (retry) where our use does not get onto the
                 record.
        """
        with self.node.reading() as (_, state):
            wanted = list(_wanted(state, which))
            if not wanted:
                raise _no("act.settlement_not_known", id=(which or "")[:64])
            rights, closed = self._rights(state, wanted, purpose)
        wanted = [each for each in wanted if each.listing in rights]
        if not wanted:
            raise Refused(*closed)
        self._wait(wanted, wait)
        self._log(wanted, rights)
        verdicts = []
        for number, each in enumerate(wanted):
            heard(number, len(wanted))
            with self.node.reading() as (reading, state):
                verdicts.append(made_again(self.node, reading, state, each.settlement, self._reads))
        heard(len(wanted), len(wanted))
        return verdicts, closed

    def _rights(
        self, state: State, wanted: Sequence[Wanted], purpose: str
    ) -> tuple[dict[str, BookGrant | None], list[Refusal]]:
        """By which grant each listing may be read, None where it is our duty; why others not."""
        me = self.node.identity.member
        head = self.node.time()
        rights: dict[str, BookGrant | None] = {}
        closed = []
        for listing in dict.fromkeys(each.listing for each in wanted):
            if me in parties(state, listing):
                rights[listing] = None
                continue
            try:
                rights[listing] = grant_for(state, listing, me, head, purpose)
            except LookupError:
                closed.append(why_not(state, listing, me, head, purpose))
        return rights, closed

    def _wait(self, wanted: Sequence[Wanted], seconds: float) -> None:
        """Until all that is needed has come and is opened here.

        Errors   Refused grant.not_here naming the first settlement of which something lacks.
        """
        end = time.monotonic() + seconds
        while True:
            with self.node.reading() as (reading, _):
                lacking = [each for each in wanted if not self._here(reading, each)]
            if not lacking:
                return
            if time.monotonic() >= end:
                first = lacking[0].settlement[:16]
                raise _no("grant.not_here", of=len(wanted), settlement=first, lacking=len(lacking))
            time.sleep(LOOK_SECONDS)

    def _here(self, reading: Reading, wanted: Wanted) -> bool:
        upto = opened_upto(reading, wanted.book)
        return (
            upto.rows >= wanted.need.rows
            and upto.counter >= wanted.need.counter
            and all(opens(reading, blob, self.node.identity) for blob in wanted.lists)
        )

    def _log(self, wanted: Sequence[Wanted], rights: dict[str, BookGrant | None]) -> None:
        """Have the record hold what is read under which grant.

        Errors   Refused grant.rules, grant.*; OutsideFault (retry).
        """
        many = Counter(each.listing for each in wanted)
        for listing, grant in rights.items():
            if grant is None:
                continue
            with self.node.reading() as (reading, state):
                rules = rules_at(state, reading.head().height + 1)
                number = last_use(state, self.node.identity.member) + 1
            if rules < (needed := since(KIND)):
                raise _no("grant.rules", rules=rules, needed=needed)
            body = {
                "holder": grant.holder,
                "purpose": grant.purpose,
                "listing": listing,
                "number": number,
                "settlements": many[listing],
            }
            self.node.accept(KIND, f"use-{number}", body)


def _wanted(state: State, which: str | None) -> Iterator[Wanted]:
    """Settlements in the order of their books whose ids begin so; all where none is named."""
    if which is not None and len(which) < SHORTEST:
        return
    for key, settlement in state.range("settled", ""):
        if which is not None and not settlement.startswith(which):
            continue
        said = state.need("settlement", settlement)["settlement"]
        trigger = state.need("trigger", said["trigger"])
        need = Upto(trigger["book_size"], int(key.rpartition("/")[2]))
        lists = tuple(lists_of(trigger))
        yield Wanted(settlement, said["listing"], trigger["book"], need, lists)


def _no(code: str, **facts: str | int) -> Refused:
    return Refused(Refusal(code, facts))
