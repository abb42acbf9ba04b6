"""The bank's operations: each takes what was asked and gives an answer, with what goes wrong."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from .books import DIED, Books, unknown
from .instruction import NotAnInstruction, pay_in, receive, usable_id
from .messages import initiation, status
from .messages.notification import write as camt054
from .script import BadRule, Plan, Script
from .signing import NAME, Signer

LARGEST_BATCH = 5_000
LARGEST_PAGE = 1_000
T = TypeVar("T")


class Problem(Exception):
    """The call itself cannot be answered."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        self.status, self.code, self.detail = status, code, detail
        super().__init__(detail)


@dataclass(frozen=True)
class Answer:
    """What is said, and what goes wrong in saying it."""

    body: dict[str, Any]
    status: int = 200
    plan: Plan = field(default_factory=Plan)
    message: bytes | None = None  # an ISO 20022 document instead of the body
    signature: str = ""  # over the message, by the bank's key


class Bank:
    """One sandbox bank. Calls are decided one after the other; waiting happens outside the lock."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._books = Books(folder / "bank.sqlite3")
        self._script = Script(self._books.store)
        self._signer = Signer(folder / "bank.key")

    def about(self) -> Answer:
        """Who answers here."""
        return Answer({"protocol": 1, "largest_batch": LARGEST_BATCH})

    def public_key(self) -> Answer:
        """The key that signs closing statements."""
        with self._lock:
            return Answer({"algorithm": "Ed25519", "public_key": self._signer.public_key()})

    def pay(self, data: bytes) -> Answer:
        """Decide the instructions of a pain.001, each with its own outcome in a pain.002."""
        try:
            asked = initiation.read(data)
        except initiation.NotAMessage as error:
            raise Problem(400, "bad_message", str(error)) from None
        received = [_usable(receive, value) for value in _batch(asked.values, "instructions")]
        ids = [item.id for item in received]

        def _work(plan: Plan, now_ms: int) -> Answer:
            now, bank = now_ms // 1000, f"{NAME['zh']} / {NAME['en']}"
            fault = asked.fault or self._books.message_fault(asked.id, received)
            if fault is not None:
                return self._signed(status.refuse(asked, *fault, bank, now))
            outcomes = _bent(self._books.pay(received, plan, now_ms), plan)
            twice = plan.twice == "list"
            return self._signed(status.write(asked, outcomes, bank, now, twice=twice))

        return self._call("pay", ids, _work)

    def ask(self, ids: object) -> Answer:
        """What the bank holds of each id."""
        wanted = [_usable(usable_id, value) for value in _batch(ids, "ids")]

        def _work(plan: Plan, _now_ms: int) -> Answer:
            held = self._books.payments(wanted)
            found = [held[key].outcome() if key in held else unknown(key) for key in wanted]
            told = _bent(found, plan)
            return Answer({"outcomes": told * 2 if plan.twice == "list" else told})

        return self._call("ask", wanted, _work)

    def close(self, value: object) -> Answer:
        """Declare, signed, that an id was not paid and never will be; refused if it has paid."""
        key = _usable(usable_id, value)

        def _work(plan: Plan, now_ms: int) -> Answer:
            held = self._books.payments([key]).get(key)
            paid = held is not None and held.state in ("executed", "pending")
            if held is not None and paid and plan.rule("deny", key) is None:
                why = "already_paid" if held.state == "executed" else "still_pending"
                return Answer({"problem": why, "outcome": held.outcome()}, 409)
            done = self._books.closed(key)
            if done is None:
                state = "nothing" if held is None else "refused"
                done = self._signer.close(key, state, now_ms // 1000)
                self._books.close(key, *done)
            statement, signature = done
            return Answer(
                {
                    "id": key,
                    "statement": statement,
                    "signature": signature,
                    "public_key": self._signer.public_key(),
                }
            )

        return self._call("close", [key], _work)

    def statement(self, number: str, after: int, limit: int) -> Answer:
        """A page of an account's movements with running balances."""

        def _work(_plan: Plan, _now_ms: int) -> Answer:
            account = self._books.accounts([number]).get(number)
            if account is None:
                raise Problem(404, "unknown_account", f"no account {number!r} here")
            size = max(1, min(limit, LARGEST_PAGE))
            rows = self._books.movements(number, after, size + 1)
            names = ("number", "at", "amount_fen", "balance_fen", "id", "end_to_end_id")
            lines = [
                dict(zip((*names, "counterparty", "text"), row, strict=True)) for row in rows[:size]
            ]
            return Answer(
                {
                    "account": number,
                    "name": account.name,
                    "open": account.open,
                    "balance_fen": account.balance_fen,
                    "lines": lines,
                    "next_after": rows[size - 1][0] if len(rows) > size else None,
                }
            )

        return self._call("statement", [], _work)

    def credits(self, number: str, after: int, limit: int) -> Answer:
        """camt.054: what came into an account behind a number, oldest first."""

        def _work(_plan: Plan, now_ms: int) -> Answer:
            if number not in self._books.accounts([number]):
                raise Problem(404, "unknown_account", f"no account {number!r} here")
            size = max(1, min(limit, LARGEST_PAGE))
            found = self._books.credited(number, after, size + 1)
            page, last = found[:size], len(found) <= size
            return self._signed(camt054(number, after, page, last=last, now=now_ms // 1000))

        return self._call("credits", [], _work)

    def _signed(self, message: bytes) -> Answer:
        return Answer({}, message=message, signature=self._signer.sign(message))

    def pay_in(self, value: object) -> Answer:
        """Control: a customer pays into an account, with a reference."""
        asked = _usable(pay_in, value)
        with self._lock, self._books.transaction():
            reason = self._books.pay_in(asked, int(time.time()))
        if reason is not None:
            raise Problem(409, reason, f"nothing was paid into {asked.number!r}")
        return Answer({"number": asked.number, "amount_fen": asked.amount_fen})

    def open_accounts(self, accounts: object) -> Answer:
        """Control: open accounts with opening balances; one that is open already stays."""
        rows = [_account(value) for value in _batch(accounts, "accounts")]
        with self._lock, self._books.transaction():
            taken = self._books.open_accounts(rows, int(time.time()))
            if taken is not None:
                raise Problem(409, "number_taken", f"account {taken!r} has another name")
        return Answer({"accounts": len(rows)})

    def change_account(self, value: object) -> Answer:
        """Control: close or open an account, or put money into it."""
        asked = value if isinstance(value, dict) else {}
        number, is_open, fen = asked.get("number"), asked.get("open"), asked.get("deposit_fen", 0)
        if (
            type(number) is not str
            or type(fen) is not int
            or type(is_open) not in (bool, type(None))
        ):
            raise Problem(400, "bad_request", "give number, and open or deposit_fen")
        with self._lock, self._books.transaction():
            if number not in self._books.accounts([number]):
                raise Problem(404, "unknown_account", f"no account {number!r} here")
            if is_open is not None:
                self._books.set_open(number, is_open=is_open)
            if fen:
                self._books.deposit(number, fen, "deposit by control", int(time.time()))
        return Answer({"number": number})

    def script(self, rules: Sequence[object] = (), *, clear: bool = False) -> Answer:
        """Control: add rules, or behave from now on; answers with the rules that are left."""
        with self._lock:
            if clear:
                self._script.clear()
            try:
                self._script.add(rules)
            except BadRule as error:
                raise Problem(400, "bad_rule", str(error)) from None
            return Answer({"rules": self._script.rules()})

    def release(self, ids: object, code: object) -> Answer:
        """Control: decide pending payments now, all or those named; `code` refuses them."""
        named = None if ids is None else [_usable(usable_id, v) for v in _batch(ids, "ids")]
        if code is not None and type(code) is not str:
            raise Problem(400, "bad_request", "`code` is a reason")
        with self._lock, self._books.transaction():
            waiting = self._books.pending(named)
            self._books.settle(waiting, int(time.time()), code)
            held = self._books.payments([payment.id for payment in waiting])
        return Answer({"outcomes": [held[payment.id].outcome() for payment in waiting]})

    def stop(self) -> None:
        """Let the call in hand finish, then put the store away. Nothing is answered after."""
        self._lock.acquire()
        self._books.store.close()

    def _call(
        self, operation: str, ids: Sequence[str], work: Callable[[Plan, int], Answer]
    ) -> Answer:
        with self._lock:
            plan = self._script.take(operation, ids)
            if plan.silent == "before":
                return Answer({}, plan=plan)
            now_ms = time.time_ns() // 1_000_000
            with self._books.transaction(die=plan.die == "before"):
                self._books.settle_due(now_ms)
                answer = work(plan, now_ms)
        if plan.die == "after":
            os._exit(DIED)
        return replace(answer, plan=plan)


def enveloped(body: dict[str, Any]) -> dict[str, Any]:
    """Every answer says that this is a sandbox and whose."""
    return {"sandbox": True, "bank": NAME, **body}


def _bent(outcomes: list[dict[str, Any]], plan: Plan) -> list[dict[str, Any]]:
    """The outcomes as told: with a wrong amount, or refused though paid, by the script."""
    for outcome in outcomes:
        rule = plan.rule("different_amount", outcome["id"])
        if rule is not None and outcome["amount_fen"] is not None:
            outcome["amount_fen"] += rule.options.get("by_fen", 1)
        denied = plan.rule("deny", outcome["id"])
        if denied is not None and outcome["state"] == "executed":
            code = denied.options.get("code", "account_closed")
            outcome |= {"state": "refused", "code": code, "ref": None, "executed_at": None}
    return outcomes


def _batch(values: object, name: str) -> list[Any]:
    if not isinstance(values, list) or not values:
        raise Problem(400, "bad_request", f"`{name}` is a list that is not empty")
    if len(values) > LARGEST_BATCH:
        raise Problem(413, "too_many", f"at most {LARGEST_BATCH} in one call, not {len(values)}")
    return values


def _usable(read: Callable[[object], T], value: object) -> T:
    try:
        return read(value)
    except NotAnInstruction as error:
        raise Problem(400, "bad_request", str(error)) from None


def _account(value: object) -> tuple[str, str, int]:
    asked = value if isinstance(value, dict) else {}
    number, name, fen = asked.get("number"), asked.get("name", ""), asked.get("balance_fen", 0)
    if type(number) is not str or not number or type(name) is not str or type(fen) is not int:
        raise Problem(400, "bad_request", "an account has number, name and balance_fen")
    if not 0 <= fen <= 2**53 - 1:
        raise Problem(400, "bad_request", "balance_fen is from 0 to 2^53 - 1")
    return number, name, fen
