"""The bank's own store: accounts, payments, closed ids and movements, in one SQLite file.

Every call is one transaction brought to disk before the answer (WAL, synchronous=FULL), so what
was answered survives SIGKILL and loss of power.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .instruction import PayIn, Received
from .messages.notification import Movement
from .script import Plan

DIED = 9
SCHEMA = """
CREATE TABLE IF NOT EXISTS account (
  number TEXT PRIMARY KEY, name TEXT NOT NULL, balance_fen INTEGER NOT NULL,
  open INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS payment (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, fingerprint TEXT NOT NULL,
  debtor TEXT NOT NULL, creditor TEXT NOT NULL, amount_fen INTEGER NOT NULL,
  end_to_end_id TEXT NOT NULL, remittance TEXT NOT NULL, state TEXT NOT NULL, code TEXT,
  at INTEGER NOT NULL, due_ms INTEGER) STRICT;
CREATE INDEX IF NOT EXISTS payment_due ON payment (due_ms, seq) WHERE state = 'pending';
CREATE TABLE IF NOT EXISTS closed (
  id TEXT PRIMARY KEY, statement TEXT NOT NULL, signature TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS movement (
  seq INTEGER PRIMARY KEY, account TEXT NOT NULL, at INTEGER NOT NULL,
  amount_fen INTEGER NOT NULL, balance_fen INTEGER NOT NULL, payment TEXT,
  end_to_end_id TEXT, counterparty TEXT, text TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS movement_account ON movement (account, seq);
CREATE TABLE IF NOT EXISTS message (
  id TEXT PRIMARY KEY, fingerprint TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS script (
  number INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT NOT NULL, operation TEXT NOT NULL,
  instruction TEXT, calls INTEGER, options TEXT NOT NULL) STRICT;
"""


@dataclass
class Account:
    """One account as it stands within a transaction."""

    number: str
    name: str
    balance_fen: int
    open: bool


@dataclass(frozen=True)
class Payment:
    """One instruction that the bank holds. `at` is when it was executed, refused or received."""

    seq: int
    id: str
    fingerprint: str
    debtor: str
    creditor: str
    amount_fen: int
    end_to_end_id: str
    remittance: str
    state: str
    code: str | None
    at: int
    due_ms: int | None

    def outcome(self) -> dict[str, Any]:
        """The bank's word on it."""
        executed, refused = self.state == "executed", self.state == "refused"
        return {
            "id": self.id,
            "state": self.state,
            "amount_fen": self.amount_fen,
            "ref": f"SANDBOX-{self.seq:012d}" if executed else None,
            "executed_at": self.at if executed else None,
            "code": self.code if refused else None,
        }


class Books:
    """The store. Every method is called under the bank's lock; times are given by the caller."""

    def __init__(self, path: Path) -> None:
        self.store = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.store.execute("PRAGMA journal_mode = WAL")
        self.store.execute("PRAGMA synchronous = FULL")
        self.store.executescript(SCHEMA)

    @contextmanager
    def transaction(self, *, die: bool = False) -> Iterator[None]:
        """All of it on disk, or none. `die` ends the process when all is written but the commit."""
        self.store.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.store.execute("ROLLBACK")
            raise
        if die:
            os._exit(DIED)
        self.store.execute("COMMIT")

    def open_accounts(self, rows: Sequence[tuple[str, str, int]], now: int) -> str | None:
        """Open accounts (number, name, opening balance), each once; a number that is another's."""
        held = self.accounts([number for number, _, _ in rows])
        fresh = {row[0]: row for row in rows if row[0] not in held}
        names = {number: account.name for number, account in held.items()}
        names |= {number: name for number, name, _ in fresh.values()}
        for number, name, _ in rows:
            if names[number] != name:
                return number
        self.store.executemany(
            "INSERT INTO account VALUES (?, ?, 0, 1)",
            [(number, name) for number, name, _ in fresh.values()],
        )
        posting = Posting(self, list(fresh), now)
        for number, _, balance_fen in fresh.values():
            if balance_fen:
                posting.move(number, balance_fen, None, "", "opening balance")
        posting.write()
        return None

    def deposit(self, number: str, amount_fen: int, text: str, now: int) -> None:
        """Money from nowhere: a sandbox has no central bank."""
        posting = Posting(self, [number], now)
        posting.move(number, amount_fen, None, "", text)
        posting.write()

    def pay_in(self, asked: PayIn, now: int) -> str | None:
        """Money into an account, from another one here or from another bank; why not, if not."""
        numbers = [n for n in (asked.number, asked.payer) if n]
        posting = Posting(self, numbers, now)
        reason = posting.pay_in(asked)
        posting.write()
        return reason

    def credited(self, number: str, after: int, limit: int) -> list[Movement]:
        """What payers sent to an account, in order, from behind a number."""
        rows = self.store.execute(
            "SELECT m.seq, m.at, m.amount_fen, m.end_to_end_id, m.counterparty, a.name, m.text "
            "FROM movement m LEFT JOIN account a ON a.number = m.counterparty "
            "WHERE m.account = ? AND m.seq > ? AND m.amount_fen > 0 "
            "AND m.end_to_end_id IS NOT NULL ORDER BY m.seq LIMIT ?",
            (number, after, limit),
        )
        return [Movement(*row) for row in rows]

    def set_open(self, number: str, *, is_open: bool) -> None:
        """Close an account or open it again."""
        self.store.execute("UPDATE account SET open = ? WHERE number = ?", (is_open, number))

    def message_fault(self, key: str, received: Sequence[Received]) -> tuple[str, str] | None:
        """A message id is one message's for ever: the same again is answered, another is not."""
        whole = hashlib.sha256("".join(item.fingerprint for item in received).encode()).hexdigest()
        self.store.execute("INSERT OR IGNORE INTO message VALUES (?, ?)", (key, whole))
        row = self.store.execute("SELECT fingerprint FROM message WHERE id = ?", (key,)).fetchone()
        return None if row[0] == whole else ("DU01", "the message id was used for other content")

    def pay(self, received: Sequence[Received], plan: Plan, now_ms: int) -> list[dict[str, Any]]:
        """Decide each instruction. The first answer for an id is the answer for ever."""
        now = now_ms // 1000
        held = self.payments([r.id for r in received])
        closed = self._among("SELECT id FROM closed WHERE id IN", [r.id for r in received])
        shut = {row[0] for row in closed}
        posting = Posting(self, [n for r in received for n in (r.debtor, r.creditor)], now)
        seq, fresh, outcomes = self.next_number("payment"), list[Payment](), list[dict[str, Any]]()
        for item in received:
            if (known := held.get(item.id)) is not None:
                same = known.fingerprint == item.fingerprint
                outcomes.append(known.outcome() if same else _conflict(item.id))
            elif item.id in shut:
                outcomes.append(_closed(item))
            else:
                payment = _decide(item, seq + len(fresh), plan, posting, now_ms)
                fresh.append(payment)
                held[item.id] = payment
                outcomes.append(payment.outcome())
        self.store.executemany(
            "INSERT INTO payment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [tuple(vars(payment).values()) for payment in fresh],
        )
        posting.write()
        return outcomes

    def settle(self, payments: Iterable[Payment], now: int, code: str | None = None) -> None:
        """Decide pending payments now, in the order in which they came; `code` refuses them."""
        waiting = list(payments)
        posting = Posting(self, [n for p in waiting for n in (p.debtor, p.creditor)], now)
        for payment in waiting:
            reason = code or posting.execute(payment)
            state = "refused" if reason else "executed"
            self.store.execute(
                "UPDATE payment SET state = ?, code = ?, at = ?, due_ms = NULL WHERE seq = ?",
                (state, reason, now, payment.seq),
            )
        posting.write()

    def settle_due(self, now_ms: int) -> None:
        """Pay what was put off until now."""
        rows = self.store.execute(
            "SELECT * FROM payment WHERE state = 'pending' AND due_ms <= ? ORDER BY due_ms, seq",
            (now_ms,),
        ).fetchall()
        if rows:
            self.settle((Payment(*row) for row in rows), now_ms // 1000)

    def pending(self, ids: Sequence[str] | None) -> list[Payment]:
        """Pending payments, all or those named."""
        rows = self.store.execute("SELECT * FROM payment WHERE state = 'pending' ORDER BY seq")
        waiting = [Payment(*row) for row in rows]
        return [payment for payment in waiting if ids is None or payment.id in ids]

    def payments(self, ids: Sequence[str]) -> dict[str, Payment]:
        """Those of the ids that the bank holds."""
        rows = self._among("SELECT * FROM payment WHERE id IN", ids)
        return {payment.id: payment for payment in (Payment(*row) for row in rows)}

    def accounts(self, numbers: Sequence[str]) -> dict[str, Account]:
        """Those of the numbers that are accounts here."""
        rows = self._among("SELECT * FROM account WHERE number IN", numbers)
        return {row[0]: Account(row[0], row[1], row[2], bool(row[3])) for row in rows}

    def closed(self, instruction: str) -> tuple[str, str] | None:
        """Statement and signature of a closed id."""
        row: tuple[str, str] | None = self.store.execute(
            "SELECT statement, signature FROM closed WHERE id = ?", (instruction,)
        ).fetchone()
        return row

    def close(self, instruction: str, statement: str, signature: str) -> None:
        """Never accept this id."""
        values = (instruction, statement, signature)
        self.store.execute("INSERT INTO closed VALUES (?, ?, ?)", values)

    def movements(self, number: str, after: int, limit: int) -> list[tuple[Any, ...]]:
        """Movements of one account in order, from behind a number."""
        return self.store.execute(
            "SELECT seq, at, amount_fen, balance_fen, payment, end_to_end_id, counterparty, text "
            "FROM movement WHERE account = ? AND seq > ? ORDER BY seq LIMIT ?",
            (number, after, limit),
        ).fetchall()

    def next_number(self, table: str) -> int:
        """The number that the next row of a table gets."""
        row = self.store.execute(f"SELECT coalesce(max(seq), 0) + 1 FROM {table}").fetchone()
        return int(row[0])

    def _among(self, select: str, keys: Sequence[str]) -> list[tuple[Any, ...]]:
        unique = list(dict.fromkeys(keys))
        marks = ",".join("?" * len(unique))
        return self.store.execute(f"{select} ({marks})", unique).fetchall()


class Posting:
    """Movements made within one transaction: balances read once, written once."""

    def __init__(self, books: Books, numbers: Sequence[str], now: int) -> None:
        self._books, self._now = books, now
        self._accounts = books.accounts(numbers)
        self._moves: list[tuple[Any, ...]] = []
        self._first: int = books.next_number("movement")

    def execute(self, payment: Payment) -> str | None:
        """Move the money, or give the reason why not."""
        debtor = self._accounts.get(payment.debtor)
        creditor = self._accounts.get(payment.creditor)
        if debtor is None or creditor is None:
            return "unknown_account"
        if not (debtor.open and creditor.open):
            return "account_closed"
        if debtor.balance_fen < payment.amount_fen:
            return "insufficient_funds"
        key, end, text = payment.id, payment.end_to_end_id, payment.remittance
        self.move(debtor.number, -payment.amount_fen, key, creditor.number, text, end)
        self.move(creditor.number, payment.amount_fen, key, debtor.number, text, end)
        return None

    def pay_in(self, asked: PayIn) -> str | None:
        """As `execute`, for a payment that did not come as an instruction of ours."""
        to, payer = self._accounts.get(asked.number), self._accounts.get(asked.payer or "")
        if to is None or (asked.payer and payer is None):
            return "unknown_account"
        if not to.open or (payer is not None and not payer.open):
            return "account_closed"
        if payer is not None:
            if payer.balance_fen < asked.amount_fen:
                return "insufficient_funds"
            self.move(payer.number, -asked.amount_fen, None, to.number, asked.reference,
                      asked.end_to_end_id)  # fmt: skip
        self.move(to.number, asked.amount_fen, None, asked.payer or "", asked.reference,
                  asked.end_to_end_id)  # fmt: skip
        return None

    def move(
        self,
        number: str,
        amount_fen: int,
        payment: str | None,
        counterparty: str,
        text: str,
        end_to_end_id: str | None = None,
    ) -> None:
        """One movement, with the balance after it."""
        account = self._accounts[number]
        account.balance_fen += amount_fen
        self._moves.append(
            (
                self._first + len(self._moves),
                number,
                self._now,
                amount_fen,
                account.balance_fen,
                payment,
                end_to_end_id,
                counterparty or None,
                text,
            )
        )

    def write(self) -> None:
        """Into the transaction that is open."""
        if not self._moves:
            return
        store = self._books.store
        store.executemany("INSERT INTO movement VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", self._moves)
        moved = {move[1] for move in self._moves}
        store.executemany(
            "UPDATE account SET balance_fen = ? WHERE number = ?",
            [(self._accounts[number].balance_fen, number) for number in sorted(moved)],
        )


def _decide(item: Received, seq: int, plan: Plan, posting: Posting, now_ms: int) -> Payment:
    """What becomes of an instruction that came for the first time."""
    now = now_ms // 1000
    payment = Payment(
        *(seq, item.id, item.fingerprint, item.debtor, item.creditor, item.amount_fen),
        *(item.end_to_end_id, item.remittance, "executed", None, now, None),
    )
    if item.fault:
        return replace(payment, state="refused", code=item.fault)
    if rule := plan.rule("refuse", item.id):
        code = rule.options.get("code", "account_closed")
        return replace(payment, state="refused", code=code)
    if rule := plan.rule("pay_late", item.id):
        seconds = rule.options.get("seconds")
        due_ms = None if seconds is None else now_ms + int(seconds * 1000)
        return replace(payment, state="pending", due_ms=due_ms)
    reason = posting.execute(payment)
    return replace(payment, state="refused", code=reason) if reason else payment


def _conflict(instruction: str) -> dict[str, Any]:
    """The id was used for something else. Nothing is said of a payment: ask for it."""
    return _bare(instruction, "conflict", "conflict")


def _closed(item: Received) -> dict[str, Any]:
    return _bare(item.id, "refused", "closed_id") | {"amount_fen": item.amount_fen}


def unknown(instruction: str) -> dict[str, Any]:
    """The bank does not hold this id."""
    return _bare(instruction, "unknown", None)


def _bare(instruction: str, state: str, code: str | None) -> dict[str, Any]:
    return {
        "id": instruction,
        "state": state,
        "amount_fen": None,
        "ref": None,
        "executed_at": None,
        "code": code,
    }
