"""What is said to a bank and what a bank says back: plain values of the port `Rail`.

They live here because both `node` (which orders payments) and `adapters` (which speak to banks)
may import this room, and neither may import the other. No protocol of any bank stands here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from ..errors import Refusal


@dataclass(frozen=True)
class Instruction:
    """An order to pay. `id` is the bank's idempotency key: the same id never pays twice.

    Units   amount_fen in fen, above zero.
    """

    id: str
    amount_fen: int
    debtor_account: str = field(repr=False)  # personal: in no message and no trace of an error
    creditor_account: str = field(repr=False)
    remittance: str
    end_to_end_id: str
    creditor_name: str | None = field(default=None, repr=False)
    currency: str = "CNY"


class OutcomeState(StrEnum):
    """What is known of an instruction at the bank."""

    EXECUTED = "executed"  # paid, final
    REFUSED = "refused"  # the bank will never pay this id, final
    PENDING = "pending"  # the bank holds it and has not decided
    UNKNOWN = "unknown"  # the bank was asked and does not hold it
    CONFLICT = "conflict"  # the id was used before for something else: an alarm, not a refusal
    DIFFERENT_AMOUNT = "different_amount"  # says it paid another amount: an alarm
    # No answer. Never returned by a rail, which raises OutsideFault(retry=True) for the whole
    # call; here for those who note it beside an instruction. It is never a refusal.
    SILENT = "silent"

    @property
    def final(self) -> bool:
        """Whether the bank's word can no longer change."""
        return self in (OutcomeState.EXECUTED, OutcomeState.REFUSED)


@dataclass(frozen=True)
class Outcome:
    """A bank's word on one instruction.

    Units   amount_fen as the bank states it (None where it holds nothing), at in UTC seconds by
            the bank's clock. `ref` is the bank's reference, `code` the reason of a refusal
            (`bank.<reason>`), `sandbox` whether the bank says that no real money moves.
    """

    id: str
    state: OutcomeState
    amount_fen: int | None = None
    ref: str | None = None
    at: int | None = None
    code: str | None = None
    bank: str = ""
    sandbox: bool = False

    def against(self, amount_fen: int) -> Outcome:
        """The same word, or `different_amount` where the bank speaks of another amount."""
        states = (OutcomeState.EXECUTED, OutcomeState.PENDING)
        if self.state in states and self.amount_fen != amount_fen:
            return replace(self, state=OutcomeState.DIFFERENT_AMOUNT)
        return self

    def refusal(self) -> Refusal:
        """The reason of a refusal or conflict as a value with texts in zh and en."""
        code = self.code or f"bank.{self.state}"
        return Refusal(code, {"id": self.id, "amount_fen": self.amount_fen, "bank": self.bank})

    def as_json(self) -> dict[str, Any]:
        """The form that is kept and recorded."""
        return {
            "id": self.id,
            "state": str(self.state),
            "amount_fen": self.amount_fen,
            "ref": self.ref,
            "at": self.at,
            "code": self.code,
            "bank": self.bank,
            "sandbox": self.sandbox,
        }


@dataclass(frozen=True)
class ClosedId:
    """A bank's signed word that it has not paid an instruction and will never accept it.

    `statement` is the exact signed bytes, `signature` Ed25519 over them, `key` the raw public key;
    whoever relies on it compares `key` with the one the record names for that bank.
    """

    id: str
    statement: bytes
    signature: bytes
    key: bytes

    def as_json(self) -> dict[str, Any]:
        """Bytes as lower-case hex."""
        return {
            "id": self.id,
            "statement": self.statement.hex(),
            "signature": self.signature.hex(),
            "key": self.key.hex(),
        }


@dataclass(frozen=True)
class StatementLine:
    """One movement of an account. `amount_fen` is above zero for money that came in.

    `instruction` and `end_to_end_id` are those of the bank, which may have short names for ours.
    """

    number: int
    at: int
    amount_fen: int
    balance_fen: int
    instruction: str | None
    end_to_end_id: str | None
    counterparty: str | None
    text: str


@dataclass(frozen=True)
class StatementPage:
    """Movements in the order in which they were made; `next_after` is None on the last page."""

    account: str
    balance_fen: int
    lines: tuple[StatementLine, ...]
    next_after: int | None


@dataclass(frozen=True)
class Credit:
    """Money that came into an account of ours.

    Units   amount_fen in fen, above zero; at in UTC seconds by the bank's clock. `reference` is
            what the payer wrote ("" for nothing), `ref` the bank's own, the same for ever: who
            books a credit keeps it, so that no credit counts twice.
    """

    reference: str
    amount_fen: int
    at: int
    ref: str
    end_to_end_id: str


@dataclass(frozen=True)
class Credits:
    """Credits in the order in which they were booked; `next_after` is what to ask behind next.

    It is the number asked behind where nothing has come since; ask until no line comes.
    """

    lines: tuple[Credit, ...]
    next_after: int
