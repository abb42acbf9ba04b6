"""pain.001.001.09: instructions written as one message, and the names they have at the bank.

A message speaks of ids of at most 35 characters; ours are longer. The bank's key of an instruction
(`InstrId`), its end-to-end id, its UETR and the id of the message all follow from ours, so that the
same instruction sent again, by whomever, has the same key, and the same batch the same message.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import Any
from xml.sax.saxutils import escape

from ...accounts.rail import Instruction
from ...measures.instant import beijing_day, utc_text
from .reading import yuan

MESSAGE = "pain.001.001.09"
SPACE = f"urn:iso:std:iso:20022:tech:xsd:{MESSAGE}"
SHORT = re.compile(r"[A-Za-z0-9/?:().,'+-]{1,35}")  # what every bank takes in an id
CURRENCY = re.compile(r"[A-Z]{3}")
CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
LARGEST_FEN = 10**18 - 1  # 18 digits in all
NAME = "Miaopei"
BEIJING = timezone(timedelta(hours=8))


def bank_id(name: str) -> str:
    """What an id of ours is called at the bank: itself where it fits, else 136 bits of its hash."""
    return name if SHORT.fullmatch(name) else _hashed("id", name.encode())


def uetr(name: str) -> str:
    """The unique end-to-end reference of an instruction: a UUID of version 4 made from our id."""
    data = bytearray(hashlib.sha256(b"miaopei/v1/uetr" + name.encode()).digest()[:16])
    data[6], data[8] = data[6] & 0x0F | 0x40, data[8] & 0x3F | 0x80
    text = data.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def unsayable(instruction: Instruction) -> str | None:
    """Why a message cannot say this instruction, as a code of the bank's room; None if it can.

    Said alone, so that one account that is no account does not hold up the others of its batch.
    """
    fits = (
        (instruction.debtor_account, 34),
        (instruction.creditor_account, 34),
        (instruction.remittance, 140),
        (instruction.creditor_name or NAME, 140),
    )
    if any(not 0 < len(t) <= most or CONTROL.search(t) or t != t.strip() for t, most in fits):
        return "bank.bad_instruction"
    if not 0 <= instruction.amount_fen <= LARGEST_FEN:
        return "bank.bad_amount"
    return None if CURRENCY.fullmatch(instruction.currency) else "bank.bad_currency"


@dataclass(frozen=True)
class Initiation:
    """A message as it goes out. `sent` gives what was said under each bank id.

    Units   total_fen is the control sum.
    """

    id: str
    data: bytes
    sent: dict[str, Sent]
    total_fen: int


@dataclass(frozen=True)
class Sent:
    """An instruction with its names at the bank."""

    instruction: Instruction
    end_to_end_id: str
    uetr: str


def write(instructions: Sequence[Instruction], now: int) -> Initiation:
    """One message for instructions that can be said; a payment information a debtor's account."""
    sent = {bank_id(i.id): Sent(i, bank_id(i.end_to_end_id), uetr(i.id)) for i in instructions}
    total = sum(i.amount_fen for i in instructions)
    key = _hashed("message", repr([_said(i) for i in instructions]).encode())
    debtors: dict[str, list[str]] = {}
    sums: dict[str, int] = {}
    for name, said in sent.items():
        account = said.instruction.debtor_account
        debtors.setdefault(account, []).append(_transaction(name, said))
        sums[account] = sums.get(account, 0) + said.instruction.amount_fen
    day, created = beijing_day(now), utc_text(now)
    parts = [
        (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{SPACE}"><CstmrCdtTrfInitn>'
            f"<GrpHdr><MsgId>{key}</MsgId><CreDtTm>{created}</CreDtTm>"
            f"<NbOfTxs>{len(instructions)}</NbOfTxs><CtrlSum>{yuan(total)}</CtrlSum>"
            f"<InitgPty><Nm>{NAME}</Nm></InitgPty></GrpHdr>"
        )
    ]
    for number, (account, group) in enumerate(debtors.items(), 1):
        parts.append(
            f"<PmtInf><PmtInfId>{key[:28]}-{number}</PmtInfId><PmtMtd>TRF</PmtMtd>"
            f"<BtchBookg>false</BtchBookg><NbOfTxs>{len(group)}</NbOfTxs>"
            f"<CtrlSum>{yuan(sums[account])}</CtrlSum>"
            f"<ReqdExctnDt><Dt>{day}</Dt></ReqdExctnDt><Dbtr/>"
            f"<DbtrAcct><Id><Othr><Id>{escape(account)}</Id></Othr></Id></DbtrAcct><DbtrAgt>"
            "<FinInstnId><Othr><Id>NOTPROVIDED</Id></Othr></FinInstnId></DbtrAgt>"
            "<ChrgBr>DEBT</ChrgBr>"
        )
        parts += [*group, "</PmtInf>"]
    parts.append("</CstmrCdtTrfInitn></Document>")
    return Initiation(key, "".join(parts).encode(), sent, total)


def _transaction(key: str, said: Sent) -> str:
    i = said.instruction
    name = f"<Cdtr><Nm>{escape(i.creditor_name)}</Nm></Cdtr>" if i.creditor_name else ""
    return (
        f"<CdtTrfTxInf><PmtId><InstrId>{key}</InstrId>"
        f"<EndToEndId>{said.end_to_end_id}</EndToEndId><UETR>{said.uetr}</UETR></PmtId>"
        f'<Amt><InstdAmt Ccy="{i.currency}">{yuan(i.amount_fen)}</InstdAmt></Amt>{name}'
        f"<CdtrAcct><Id><Othr><Id>{escape(i.creditor_account)}</Id></Othr></Id></CdtrAcct>"
        f"<RmtInf><Ustrd>{escape(i.remittance)}</Ustrd></RmtInf></CdtTrfTxInf>"
    )


def _said(i: Instruction) -> tuple[Any, ...]:
    """All that a message says of an instruction, for its own id."""
    parties = (i.debtor_account, i.creditor_account, i.creditor_name)
    return (i.id, i.amount_fen, i.currency, *parties, i.remittance, i.end_to_end_id)


def _hashed(what: str, data: bytes) -> str:
    return hashlib.sha256(f"miaopei/v1/{what}/".encode() + data).hexdigest()[:34]
