"""camt.054.001.08: money that came into an account, as values of the port.

An entry that is not booked, or is a reversal, is no credit; totals must be those of the entries.
"""

from __future__ import annotations

from ...accounts.rail import Credit, Credits
from .reading import Part, document, fen, unclear

MESSAGE = "camt.054.001.08"


def credits(data: bytes, account: str, after: int) -> Credits:
    """The credits of one notification, for the account asked for, behind number `after`.

    Errors   OutsideFault(retry=True): unreadable, another account, totals or order that do not fit.
    """
    told = document(data, MESSAGE).all("Ntfctn")
    if len(told) != 1 or told[0].text("Acct/Id/Othr/Id") != account:
        raise unclear("a notification of another account")
    entries = told[0].all("Ntry")
    _totals(told[0], entries)
    lines, last = list[Credit](), after
    for entry in entries:
        number = entry.number("NtryRef")
        if number <= last:
            raise unclear(f"entry {number} after {last}")
        last = number
        if entry.need("CdtDbtInd") == "CRDT" and _is_money(entry):
            lines += _credits(entry)
    return Credits(tuple(lines), last)


def _totals(told: Part, entries: list[Part]) -> None:
    sums = {"TtlNtries": 0, "TtlCdtNtries": 0, "TtlDbtNtries": 0}
    counts = dict.fromkeys(sums, 0)
    for entry in entries:
        side = "TtlCdtNtries" if entry.need("CdtDbtInd") == "CRDT" else "TtlDbtNtries"
        for name in ("TtlNtries", side):
            sums[name] += entry.fen("Amt", "CNY")
            counts[name] += 1
    if told.text("TxsSummry/TtlCdtNtries/NbOfNtries") is None:
        raise unclear("a notification without totals")
    for name, found in sums.items():
        count = told.text(f"TxsSummry/{name}/NbOfNtries")
        total = told.text(f"TxsSummry/{name}/Sum")
        if count is not None and count != str(counts[name]):
            raise unclear(f"{count} entries by {name}, {counts[name]} in the list")
        if total is not None and fen(total) != found:
            raise unclear(f"the sum of {name} is not that of the entries")


def _is_money(entry: Part) -> bool:
    """Booked, and no reversal: those are for a person, and take no cover into force."""
    return entry.text("Sts/Cd") == "BOOK" and entry.text("RvslInd") in (None, "false", "0")


def _credits(entry: Part) -> list[Credit]:
    """One credit a transaction; a bank may book several that came together as one entry."""
    amount, details = entry.fen("Amt", "CNY"), entry.all("NtryDtls/TxDtls")
    if not details:
        raise unclear("an entry without its transaction")
    alone = len(details) == 1
    found = []
    for number, detail in enumerate(details, 1):
        whole = alone and detail.text("Amt") is None
        booked = entry.need("AcctSvcrRef")
        found.append(
            Credit(
                reference=_reference(detail),
                amount_fen=amount if whole else detail.fen("Amt", "CNY"),
                at=entry.time("BookgDt/DtTm"),
                ref=booked if alone else f"{booked}/{number}",
                end_to_end_id=detail.text("Refs/EndToEndId") or "NOTPROVIDED",
            )
        )
    if sum(credit.amount_fen for credit in found) != amount:
        raise unclear("an entry and its transactions differ in amount")
    return found


def _reference(detail: Part) -> str:
    """What the payer wrote: the one structured reference, or else the free text."""
    references = [part.need("Ref") for part in detail.all("RmtInf/Strd/CdtrRefInf")]
    if len(references) == 1:
        return references[0]
    return " ".join(part.own for part in detail.all("RmtInf/Ustrd") if part.own)
