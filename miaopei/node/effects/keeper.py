"""Keeping: what is in force or settled is opened here, also where others were quicker.

A decider that comes late, and a payer that was outvoted, must still hold the rows and the claims
that count. Where blobs are on their way the book waits; what it stands on is never guessed. Who
sealed something else than its words say is named, and any other that said the same serves as well;
a book that has none waits, and no other book with it.
"""

from __future__ import annotations

from typing import Any

from ...acts.base import UNFORESEEN
from ...acts.readers import parties
from ...acts.state import State
from ...claims.leaves import Claims, claims_from, hashes_of, leaf_bytes, page_hashes
from ...errors import Refusal, Refused, SealedUnfit
from ...ledger.merkle import root_of
from ...policies.book import Recorded
from ..granted.parts import Upto, claims_of, parts_of
from ..mass.holding import open_rows
from ..node import Node
from ..ports import Reading, Writing
from ..vault.blobs import left_out, open_values, opens, told_of

# Of a book: how many rows are opened here, and the counter of the last settlement that is.
ROWS_UPTO, CLAIMS_UPTO = "rows/", "claims/"


class Keeper:
    """Carries out what a reader of books owes itself."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def run(self) -> int:
        """Open what is in force and settled and is not here yet; how many blobs were opened.

        Errors   Refused, once all that fits is opened: net.sealed_unfit for each blob of another
                 that does not, net.reader_left_out for who can read nothing; RecordDamaged (alarm)
                 where our own store is not as it was.
        """
        with self.node.reading() as (reading, state):
            granted = next(state.range("grant", ""), None) is not None
            books = [
                name
                for name, book in state.range("book", "")
                if (granted or self._ours(state, book))
                and not _here(reading, name, book)
                and self._reads(reading, state, name, book)
            ]
            unfit = left_out(state)
        done = 0
        for name in books:
            with self.node.store.writing() as block:
                state = State(block)
                done += self._rows(block, state, name, unfit)
                done += self._claims(block, state, name, unfit)
        if unfit:
            raise Refused(*unfit)
        return done

    def has(self, reading: Reading, state: State, book: str) -> bool:
        """Whether all rows and settled claims of a book are opened here."""
        return _here(reading, book, state.need("book", book))

    def _ours(self, state: State, entry: dict[str, Any]) -> bool:
        """Whether we decide or pay a book."""
        return self.node.identity.member in parties(state, entry["listing"])

    def _reads(self, reading: Reading, state: State, book: str, entry: dict[str, Any]) -> bool:
        """Whether a book is ours to open: we decide or pay it, or hold keys to what comes next."""
        if self._ours(state, entry):
            return True
        mine, upto = self.node.identity, opened_upto(reading, book)
        rows = next(parts_of(state, book, Upto(upto.rows, entry["counter"])), None)
        if rows is not None and all(opens(reading, blob, mine) for blob in rows.blobs):
            return True
        claims = next(parts_of(state, book, Upto(entry["size"], upto.counter)), None)
        if claims is None or not any(opens(reading, blob, mine) for blob in claims.either):
            return False
        settlement = state.need("settled", f"{book}/{claims.upto.counter:012d}")
        return upto.rows >= _size_of(state, settlement)

    def _rows(self, block: Writing, state: State, book: str, unfit: list[Refusal]) -> int:
        upto, done = _upto(block, ROWS_UPTO, book), 0
        for _, batch_id in list(state.range("in_force", f"{book}/")):
            batch = state.need("batch", batch_id)
            if batch["first"] < upto:
                continue
            blob = batch["rows"]["blob"]
            if not opens(block, blob, self.node.identity):
                break
            try:
                rows, _, _ = open_rows(block, batch["rows"], self.node, book)
            except (Refused, SealedUnfit) as error:
                unfit.append(told_of(error, f"batch {batch_id}", blob))
                break
            block.put_rows(Recorded(batch["first"] + i, 0, row) for i, row in enumerate(rows))
            upto, done = batch["first"] + len(rows), done + 1
        block.put_progress(f"{ROWS_UPTO}{book}", str(upto).encode("ascii"))
        return done

    def _claims(self, block: Writing, state: State, book: str, unfit: list[Refusal]) -> int:
        upto, done, rows = _upto(block, CLAIMS_UPTO, book), 0, _upto(block, ROWS_UPTO, book)
        for counter in range(upto + 1, state.need("book", book)["counter"] + 1):
            settlement = state.get("settled", f"{book}/{counter:012d}")
            if settlement is None:  # what was paid back counts on, and settles nothing
                upto = counter
                continue
            entry = state.need("settlement", settlement)["settlement"]
            if rows < _size_of(state, settlement):
                break  # claims of rows that are on their way to us
            found = self._settled(block, state, entry, f"settlement {settlement}", unfit)
            if found is None:
                break
            benefit = state.need("trigger", entry["trigger"])["benefit"]
            block.put_claims(entry["trigger"], book, benefit, *found)
            upto, done = counter, done + 1
        block.put_progress(f"{CLAIMS_UPTO}{book}", str(upto).encode("ascii"))
        return done

    def _settled(
        self,
        block: Writing,
        state: State,
        entry: dict[str, Any],
        about: str,
        unfit: list[Refusal],
    ) -> tuple[Claims, list[bytes]] | None:
        """The claims of a settlement and their page heads: of the first decider that was equal and
        whose blob gives what it said; None where none is here that does.
        """
        for member, blob in claims_of(state, entry):
            if not opens(block, blob, self.node.identity):
                continue
            try:
                values = open_values(block, blob, self.node.identity)
                heads = page_hashes(hashes_of(leaf_bytes(claims_from(values), entry["trigger"])))
                if root_of(heads).hex() == entry["claims_root"]:
                    return claims_from(values, _firsts(block, entry["book"], values)), heads
                error: Exception = SealedUnfit("claims do not give the settled root")
            except (Refused, SealedUnfit, *UNFORESEEN) as other:
                error = other
            unfit.append(told_of(error, about, blob, member))
        return None


def _here(reading: Reading, book: str, entry: dict[str, Any]) -> bool:
    return opened_upto(reading, book) == Upto(entry["size"], entry["counter"])


def _firsts(reading: Reading, book: str, claims: list[dict[str, Any]]) -> list[int]:
    """The position of the first row of each claim's policy."""
    size = State(reading).need("book", book)["size"]
    first: dict[str, int] = {}
    for recorded in reading.rows_of(book, size, [claim["policy"] for claim in claims]):
        first.setdefault(recorded.row.policy, recorded.position)
    return [first[claim["policy"]] for claim in claims]


def _size_of(state: State, settlement: str) -> int:
    """How many rows of its book a settlement counted."""
    trigger = state.need("settlement", settlement)["settlement"]["trigger"]
    return int(state.need("trigger", trigger)["book_size"])


def opened_upto(reading: Reading, book: str) -> Upto:
    """How much of a book is opened here."""
    return Upto(_upto(reading, ROWS_UPTO, book), _upto(reading, CLAIMS_UPTO, book))


def _upto(reading: Reading, what: str, book: str) -> int:
    kept = reading.progress(f"{what}{book}")
    return 0 if kept is None else int(kept)
