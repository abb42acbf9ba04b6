"""camt.054.001.08: money that came into an account, entry by entry, with totals."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from .writing import Document, when, yuan

MESSAGE = "camt.054.001.08"
TEXT = 140  # Max140Text
SHORT = 35  # Max35Text


@dataclass(frozen=True)
class Movement:
    """One entry of an account as the store holds it; `amount_fen` above zero."""

    number: int
    at: int
    amount_fen: int
    end_to_end_id: str
    counterparty: str | None
    name: str | None
    text: str


def write(account: str, after: int, entries: Sequence[Movement], *, last: bool, now: int) -> bytes:
    """The notification of some entries behind number `after`; `last` where no further page is."""
    page = f"{account}/{after}/{entries[-1].number if entries else after}/{now}"
    key = f"N-{hashlib.sha256(page.encode()).hexdigest()[:30]}"
    document = Document(MESSAGE, "BkToCstmrDbtCdtNtfctn")
    put = document.put
    header = put(document.body, "GrpHdr")
    put(header, "MsgId", key)
    put(header, "CreDtTm", when(now))
    told = put(document.body, "Ntfctn")
    put(told, "Id", key)
    pages = put(told, "NtfctnPgntn")
    put(pages, "PgNb", "1")
    put(pages, "LastPgInd", "true" if last else "false")
    put(told, "CreDtTm", when(now))
    about = put(told, "Acct")
    put(about, "Id/Othr/Id", account)
    put(about, "Ccy", "CNY")
    totals = put(told, "TxsSummry")
    for name in ("TtlNtries", "TtlCdtNtries"):
        total = put(totals, name)
        put(total, "NbOfNtries", str(len(entries)))
        put(total, "Sum", yuan(sum(entry.amount_fen for entry in entries)))
    for entry in entries:
        _entry(document, told, entry)
    return document.data()


def _entry(document: Document, told: etree._Element, entry: Movement) -> None:
    put, ref = document.put, f"SANDBOX-IN-{entry.number:012d}"
    one = put(told, "Ntry")
    put(one, "NtryRef", str(entry.number))
    document.amount(one, "Amt", entry.amount_fen)
    put(one, "CdtDbtInd", "CRDT")
    put(one, "Sts/Cd", "BOOK")
    put(one, "BookgDt/DtTm", when(entry.at))
    put(one, "AcctSvcrRef", ref)
    kind = put(one, "BkTxCd/Domn")
    put(kind, "Cd", "PMNT")
    family = put(kind, "Fmly")
    put(family, "Cd", "RCDT")
    put(family, "SubFmlyCd", "DMCT")
    details = put(one, "NtryDtls/TxDtls")
    refs = put(details, "Refs")
    put(refs, "AcctSvcrRef", ref)
    fits = 1 <= len(entry.end_to_end_id) <= SHORT
    put(refs, "EndToEndId", entry.end_to_end_id if fits else "NOTPROVIDED")
    document.amount(details, "Amt", entry.amount_fen)
    put(details, "CdtDbtInd", "CRDT")
    if entry.name or entry.counterparty:
        who = put(details, "RltdPties")
        if entry.name:
            put(who, "Dbtr/Pty/Nm", entry.name[:TEXT])
        if entry.counterparty and len(entry.counterparty) <= SHORT - 1:
            put(who, "DbtrAcct/Id/Othr/Id", entry.counterparty)
    if entry.text:
        put(details, "RmtInf/Ustrd", entry.text[:TEXT])
