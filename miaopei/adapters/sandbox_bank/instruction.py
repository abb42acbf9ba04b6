"""What came over the wire, checked: instructions and payments in. A fault is a coded reason."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

LARGEST_FEN = 2**53 - 1
ID_LENGTH = 200
PRINTABLE = re.compile("[!-~]+")
ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
TEXT_LENGTH = 500
REQUIRED = ("debtor_account", "creditor_account", "remittance", "end_to_end_id")
KNOWN = {"id", "amount_fen", "currency", "creditor_name", "uetr", *REQUIRED}


class NotAnInstruction(ValueError):
    """There is no usable id, so nothing can be answered about it; the whole call is refused."""


@dataclass(frozen=True)
class Received:
    """One instruction. `fingerprint` covers all that came; `fault` is why it cannot be paid."""

    id: str
    fingerprint: str
    amount_fen: int
    debtor: str
    creditor: str
    end_to_end_id: str
    remittance: str
    fault: str | None


@dataclass(frozen=True)
class PayIn:
    """What a customer pays in: from the account `payer` here, or from another bank (None)."""

    number: str
    amount_fen: int
    reference: str
    end_to_end_id: str
    payer: str | None


def pay_in(value: object) -> PayIn:
    """Errors   NotAnInstruction says which field is wanted."""
    asked = value if isinstance(value, dict) else {}
    number, fen, payer = asked.get("number"), asked.get("amount_fen"), asked.get("payer")
    reference, end = asked.get("reference", ""), asked.get("end_to_end_id", "NOTPROVIDED")
    texts = (number, reference, end, "" if payer is None else payer)
    if not number or any(type(text) is not str or len(text) > 140 for text in texts):
        raise NotAnInstruction("give number, amount_fen, and reference, end_to_end_id, payer")
    if type(fen) is not int or not 0 < fen <= LARGEST_FEN or number == payer:
        raise NotAnInstruction("amount_fen is an integer from 1, from another account")
    return PayIn(str(number), fen, str(reference), str(end), payer)


def usable_id(value: object) -> str:
    """An instruction id: 1 to 200 printable ASCII characters without spaces.

    Errors   NotAnInstruction.
    """
    if type(value) is not str or not 1 <= len(value) <= ID_LENGTH:
        raise NotAnInstruction("an id of 1 to 200 characters is needed")
    if PRINTABLE.fullmatch(value) is None:
        raise NotAnInstruction("an id is printable ASCII without spaces")
    return value


def receive(value: object) -> Received:
    """Read one instruction.

    Errors   NotAnInstruction where it has no usable id.
    """
    if not isinstance(value, dict):
        raise NotAnInstruction("an instruction is a JSON object")
    key = usable_id(value.get("id"))
    whole = ENCODER.encode(value)
    amount = value.get("amount_fen")
    payable = type(amount) is int and 0 < amount <= LARGEST_FEN
    return Received(
        id=key,
        fingerprint=hashlib.sha256(whole.encode()).hexdigest(),
        amount_fen=amount if payable and isinstance(amount, int) else 0,
        debtor=_text(value, "debtor_account"),
        creditor=_text(value, "creditor_account"),
        end_to_end_id=_text(value, "end_to_end_id"),
        remittance=_text(value, "remittance"),
        fault=_fault(value, payable=payable),
    )


def _fault(value: dict[str, Any], *, payable: bool) -> str | None:
    texts = [value.get(name) for name in REQUIRED]
    if name := value.get("creditor_name"):
        texts.append(name)
    if set(value) - KNOWN or any(type(t) is not str or len(t) > TEXT_LENGTH for t in texts):
        return "bad_instruction"
    if value.get("currency") != "CNY":
        return "bad_currency"
    if not payable:
        return "bad_amount"
    if value["debtor_account"] == value["creditor_account"]:
        return "same_account"
    return None


def _text(value: dict[str, Any], name: str) -> str:
    text = value.get(name)
    return text[:TEXT_LENGTH] if type(text) is str else ""
