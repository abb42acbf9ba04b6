"""pain.002.001.10: the bank's word on every instruction of a message."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from .initiation import MESSAGE as ORIGINAL
from .initiation import Initiation
from .writing import namespace, when, yuan

MESSAGE = "pain.002.001.10"
STATUSES = {"executed": "ACSC", "refused": "RJCT", "pending": "PDNG", "conflict": "RJCT"}
# What the bank says of itself -> ISO reason code; any other reason is given as its own word.
REASONS = {
    "unknown_account": "AC01",
    "account_closed": "AC04",
    "insufficient_funds": "AM04",
    "bad_amount": "AM12",
    "bad_currency": "AM03",
    "conflict": "DU03",
}
Answer = dict[str, Any]


def write(
    asked: Initiation, outcomes: Sequence[Answer], bank: str, now: int, *, twice: bool = False
) -> bytes:
    """The report: `outcomes` in the order of the instructions; each said again where `twice`."""
    counts = Counter(STATUSES[outcome["state"]] for outcome in outcomes)
    status = next(iter(counts)) if len(counts) == 1 else "PART"
    parts = [_begin(asked, bank, now), f"<GrpSts>{status}</GrpSts>"]
    for each, count in sorted(counts.items()):
        per = f"<DtldNbOfTxs>{count}</DtldNbOfTxs><DtldSts>{each}</DtldSts>"
        parts.append(f"<NbOfTxsPerSts>{per}</NbOfTxsPerSts>")
    parts.append("</OrgnlGrpInfAndSts>")
    said = iter(outcomes)
    for name, values in asked.parts:
        parts.append(
            f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{escape(name)}</OrgnlPmtInfId>"
            f"<OrgnlNbOfTxs>{len(values)}</OrgnlNbOfTxs>"
        )
        parts += [_transaction(value, next(said)) * (2 if twice else 1) for value in values]
        parts.append("</OrgnlPmtInfAndSts>")
    return _whole(parts)


def refuse(asked: Initiation, code: str, why: str, bank: str, now: int) -> bytes:
    """The report on a message of which nothing is taken."""
    reason = f"<Rsn><Cd>{code}</Cd></Rsn><AddtlInf>{escape(why[:105])}</AddtlInf>"
    status = f"<GrpSts>RJCT</GrpSts><StsRsnInf>{reason}</StsRsnInf></OrgnlGrpInfAndSts>"
    return _whole([_begin(asked, bank, now), status])


def _begin(asked: Initiation, bank: str, now: int) -> str:
    key = hashlib.sha256(f"{asked.id}/{now}".encode()).hexdigest()[:30]
    total = f"<OrgnlCtrlSum>{asked.total}</OrgnlCtrlSum>" if asked.total else ""
    return (
        f"<GrpHdr><MsgId>S-{key}</MsgId><CreDtTm>{when(now)}</CreDtTm>"
        f"<DbtrAgt><FinInstnId><Nm>{escape(bank)}</Nm></FinInstnId></DbtrAgt></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{escape(asked.id)}</OrgnlMsgId>"
        f"<OrgnlMsgNmId>{ORIGINAL}</OrgnlMsgNmId><OrgnlNbOfTxs>{asked.count}</OrgnlNbOfTxs>{total}"
    )


def _whole(parts: list[str]) -> bytes:
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{namespace(MESSAGE)}">'
    body = "".join(parts)
    return f"{head}<CstmrPmtStsRpt>{body}</CstmrPmtStsRpt></Document>".encode()


def _transaction(value: dict[str, Any], outcome: Answer) -> str:
    reason = amount = ""
    if outcome["code"]:
        known = REASONS.get(outcome["code"])
        name, code = ("Cd", known) if known else ("Prtry", escape(outcome["code"][:35]))
        reason = f"<StsRsnInf><Rsn><{name}>{code}</{name}></Rsn></StsRsnInf>"
    if outcome["amount_fen"] is not None:
        yuans, currency = yuan(outcome["amount_fen"]), value["currency"] or "CNY"
        told = f'<Amt><InstdAmt Ccy="{currency}">{yuans}</InstdAmt></Amt>'
        amount = f"<OrgnlTxRef>{told}</OrgnlTxRef>"
    at, ref = outcome["executed_at"], outcome["ref"]
    return (
        f"<TxInfAndSts><OrgnlInstrId>{escape(outcome['id'])}</OrgnlInstrId>"
        f"<OrgnlEndToEndId>{escape(value['end_to_end_id'])}</OrgnlEndToEndId>"
        f"{_if(value['uetr'], 'OrgnlUETR')}<TxSts>{STATUSES[outcome['state']]}</TxSts>{reason}"
        f"{_if(at is not None and when(at), 'AccptncDtTm')}{_if(ref, 'AcctSvcrRef')}{amount}"
        "</TxInfAndSts>"
    )


def _if(text: object, name: str) -> str:
    return f"<{name}>{text}</{name}>" if text else ""
