"""Our side of a bank: the ports `Rail` and `Incoming` by ISO 20022 (docs/specs/bank.md).

Payments and credits are messages of the standard, signed by the bank. Asking by id, closing an id
and the statement with balances have no message that a customer may send: they are plain calls.
Whatever is not a clear word of the bank about exactly the ids asked for is silence:
OutsideFault(retry=True), and the ids are asked for later.
"""

from __future__ import annotations

import http
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ..accounts.rail import (
    ClosedId,
    Credits,
    Instruction,
    Outcome,
    OutcomeState,
    StatementLine,
    StatementPage,
)
from ..errors import OutsideFault
from .iso20022 import initiation, notification, status
from .iso20022.initiation import bank_id, unsayable
from .iso20022.reading import unclear
from .iso20022.wire import Said, call

LARGEST_BATCH = 5_000
JSON, XML = "application/json", "application/xml"
# The bank's word -> ours. A state that is not here is not understood, which is silence.
STATES = {
    "executed": OutcomeState.EXECUTED,
    "refused": OutcomeState.REFUSED,
    "pending": OutcomeState.PENDING,
    "unknown": OutcomeState.UNKNOWN,
    "conflict": OutcomeState.CONFLICT,
}


@dataclass(frozen=True)
class BankRail:
    """The bank at "http://127.0.0.1:PORT" or "unix:PATH".

    `timeout` in seconds is for a whole call. `key`, the bank's raw public key, is what messages
    and closing statements must be signed with; without it the bank's own first word is taken.
    """

    address: str
    timeout: float
    key: bytes | None = None

    def pay(self, instructions: list[Instruction]) -> list[Outcome]:
        """Order payments by one pain.001; one outcome an instruction, in the same order.

        The same instruction may be sent again: the bank answers what it answered first. One that
        no message can say is refused here, and its id closed like any other refused one.
        Errors   OutsideFault: nothing is known of any of them until they are asked for.
        """
        if not instructions:
            return []
        _sendable([i.id for i in instructions])
        bank = self._bank
        faults = {i.id: code for i in instructions if (code := unsayable(i)) is not None}
        refused = OutcomeState.REFUSED
        found = {
            i.id: Outcome(
                i.id, refused, i.amount_fen, None, None, faults[i.id], bank.name, bank.sandbox
            )
            for i in instructions
            if i.id in faults
        }
        if sayable := [i for i in instructions if i.id not in faults]:
            message = initiation.write(sayable, int(time.time()))
            said = self._said("POST", "/payments", message.data)
            answers = status.outcomes(said, message, bank.name, sandbox=bank.sandbox)
            found |= {outcome.id: outcome for outcome in answers}
        return [found[i.id] for i in instructions]

    def ask(self, ids: list[str], amounts: Mapping[str, int] | None = None) -> list[Outcome]:
        """What the bank holds of each id. `amounts` (id -> fen) shows where it says another amount.

        Errors   OutsideFault.
        """
        if not ids:
            return []
        _sendable(ids)
        expected: dict[str, int | None] = dict.fromkeys(ids)
        expected |= {key: fen for key, fen in (amounts or {}).items() if key in expected}
        names = {bank_id(key): key for key in ids}
        return _outcomes(self._call("POST", "/payments/ask", {"ids": list(names)}), expected, names)

    def close(self, instruction: str) -> ClosedId | Outcome:
        """A signed statement that the id is closed for ever, or what the bank did with it instead.

        Errors   OutsideFault; with retry=False for a statement that does not hold what it should.
        """
        name = bank_id(instruction)
        answer = self._call("POST", "/payments/close", {"id": name})
        if "outcome" in answer.body:
            body = {**answer.body, "outcomes": [answer.body["outcome"]]}
            found = _Answer(answer.status, body)
            return _outcomes(found, {instruction: None}, {name: instruction})[0]
        return _closed(answer.body, instruction, name, self.key or self.public_key())

    def statement(self, account: str, after: int = 0, limit: int = 500) -> StatementPage:
        """A page of movements behind number `after`, oldest first, with running balances.

        Errors   OutsideFault; with retry=False where the bank has no such account.
        """
        path = f"/accounts/{quote(account, safe='')}/statement?after={after}&limit={limit}"
        body = self._call("GET", path).body
        try:
            lines = tuple(_line(row) for row in body["lines"])
            return StatementPage(body["account"], body["balance_fen"], lines, body["next_after"])
        except (KeyError, TypeError) as error:
            raise unclear(f"a statement without {error}") from None

    def public_key(self) -> bytes:
        """The bank's own word for its key, 32 bytes."""
        return self._bank.key

    def credits(self, account: str, after: int = 0, limit: int = 500) -> Credits:
        """Money that came into an account behind number `after`, by camt.054, oldest first.

        Errors   OutsideFault; with retry=False where the bank has no such account.
        """
        path = f"/accounts/{quote(account, safe='')}/credits?after={after}&limit={limit}"
        return notification.credits(self._said("GET", path), account, after)

    @cached_property
    def _bank(self) -> _Bank:
        """Who answers there, asked once: its name, its key, whether it is a sandbox."""
        body = self._call("GET", "/key").body
        try:
            name = f"{body['bank']['zh']} / {body['bank']['en']}"
            key = bytes.fromhex(body["public_key"])
            Ed25519PublicKey.from_public_bytes(key)
        except (KeyError, TypeError, ValueError):
            raise unclear("no name or no key") from None
        return _Bank(name, key, sandbox=body.get("sandbox") is True)

    def _said(self, method: str, path: str, data: bytes | None = None) -> bytes:
        """A message that the bank has signed.

        Errors   OutsideFault(retry=True) for a message not signed with the bank's key.
        """
        key = Ed25519PublicKey.from_public_bytes(self.key or self._bank.key)
        said = call(self.address, self.timeout, method, path, data, XML)
        if said.status != http.HTTPStatus.OK:
            _answer(said)
        try:
            key.verify(bytes.fromhex(said.signature), said.data)
        except (InvalidSignature, ValueError):
            raise unclear("a message that is not signed with the bank's key") from None
        return said.data

    def _call(self, method: str, path: str, body: object = None) -> _Answer:
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        return _answer(call(self.address, self.timeout, method, path, data, JSON))


@dataclass(frozen=True)
class _Bank:
    name: str
    key: bytes
    sandbox: bool


@dataclass(frozen=True)
class _Answer:
    status: int
    body: dict[str, Any]


def _answer(said: Said) -> _Answer:
    """Errors   OutsideFault for anything but a JSON object that answers what was asked."""
    try:
        body = json.loads(said.data)
    except (ValueError, RecursionError) as error:
        raise OutsideFault(f"no answer from the bank: {error}", retry=True) from None
    if not isinstance(body, dict):
        raise OutsideFault("no answer from the bank: no object", retry=True)
    if said.status == http.HTTPStatus.OK or "outcome" in body:
        return _Answer(said.status, body)
    why = f"{body.get('problem')}: {body.get('detail')}"
    ours = 400 <= said.status < 500  # it understood, and will say the same again
    raise OutsideFault(f"the bank answered {said.status}, {why}", retry=not ours)


def _outcomes(
    answer: _Answer, asked: Mapping[str, int | None], names: Mapping[str, str]
) -> list[Outcome]:
    """One outcome an id asked for, in that order. Said twice alike is once; otherwise unclear."""
    found: dict[str, Outcome] = {}
    try:
        who = answer.body["bank"]
        bank, sandbox = f"{who['zh']} / {who['en']}", answer.body["sandbox"] is True
        for said in answer.body["outcomes"]:
            outcome = _outcome(said, names, bank, sandbox=sandbox)
            if found.setdefault(outcome.id, outcome) != outcome:
                raise unclear(f"two different answers for {outcome.id}")
    except (KeyError, TypeError, ValueError) as error:
        raise unclear(f"an answer that cannot be read ({error})") from None
    if found.keys() != asked.keys():
        raise unclear(f"{len(found)} answers for {len(asked)} ids, or for others")
    return [found[key] if fen is None else found[key].against(fen) for key, fen in asked.items()]


def _outcome(
    said: dict[str, Any], names: Mapping[str, str], bank: str, *, sandbox: bool
) -> Outcome:
    """Errors   KeyError, TypeError, ValueError for what is not a whole word."""
    state = STATES[said["state"]]
    key, fen, ref, at, code = (
        said[name] for name in ("id", "amount_fen", "ref", "executed_at", "code")
    )
    if type(key) is not str or type(fen) not in (int, type(None)):
        raise TypeError("id or amount")
    if state is OutcomeState.EXECUTED and not (ref and type(ref) is str and type(at) is int):
        raise ValueError("executed without reference and time")
    if state is OutcomeState.REFUSED and (not code or type(code) is not str):
        raise ValueError("refused without a reason")
    key = names.get(key, key)  # what it is called here
    return Outcome(key, state, fen, ref, at, f"bank.{code}" if code else None, bank, sandbox)


def _closed(body: dict[str, Any], instruction: str, name: str, key: bytes) -> ClosedId:
    try:
        statement, signature = body["statement"].encode(), bytes.fromhex(body["signature"])
        says = json.loads(statement)
        Ed25519PublicKey.from_public_bytes(key).verify(signature, statement)
        if (says["kind"], says["id"]) != ("closed_id", name):
            raise ValueError(f"it speaks of {says['kind']} {says['id']}")
    except InvalidSignature:
        what = f"closing statement for {instruction} is not signed with the bank's key"
        raise OutsideFault(what, retry=False) from None
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        what = f"closing statement for {instruction} does not hold: {error}"
        raise OutsideFault(what, retry=False) from None
    return ClosedId(instruction, statement, signature, key)


def _line(row: dict[str, Any]) -> StatementLine:
    return StatementLine(
        number=row["number"],
        at=row["at"],
        amount_fen=row["amount_fen"],
        balance_fen=row["balance_fen"],
        instruction=row["id"],
        end_to_end_id=row["end_to_end_id"],
        counterparty=row["counterparty"],
        text=row["text"],
    )


def _sendable(ids: Sequence[str]) -> None:
    if len(ids) > LARGEST_BATCH:
        raise ValueError(f"{len(ids)} in one call; send at most {LARGEST_BATCH} at a time")
    if len(set(ids)) != len(ids):
        raise ValueError("an id stands twice in one call")
