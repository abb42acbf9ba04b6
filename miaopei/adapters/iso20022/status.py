"""pain.002.001.10: a bank's word on the instructions of one message, as outcomes of the port.

What is not clear of the message as a whole is silence; a status that is not known is taken as "not
decided" for its own instruction only, and a duplicate is a conflict, never a refusal.
"""

from __future__ import annotations

import re

from ...accounts.rail import Outcome, OutcomeState
from ...errors import OutsideFault
from . import initiation
from .initiation import Initiation
from .reading import Flat, Part, document, fen, unclear

MESSAGE = "pain.002.001.10"
STATES = {
    "ACSC": OutcomeState.EXECUTED,  # settled on the debtor's account
    "ACCC": OutcomeState.EXECUTED,  # settled on the creditor's account
    "RJCT": OutcomeState.REFUSED,
}
DUPLICATES = frozenset({"AM05", "DU01", "DU02", "DU03", "DU04", "DU05"})
REASONS = {
    "AC01": "unknown_account",
    "AC02": "unknown_account",
    "AC03": "unknown_account",
    "AC04": "account_closed",
    "AC05": "account_closed",
    "AC07": "account_closed",
    "AM01": "bad_amount",
    "AM02": "bad_amount",
    "AM12": "bad_amount",
    "AM03": "bad_currency",
    "AM11": "bad_currency",
    "AM04": "insufficient_funds",
}
OWN = re.compile(r"[a-z_]{1,35}")


def outcomes(data: bytes, sent: Initiation, bank: str, *, sandbox: bool) -> list[Outcome]:
    """One outcome an instruction, in the order in which they were sent.

    Errors   OutsideFault: with retry=False where the bank took nothing of the message; otherwise
             for what is not whole: another message, counts or sums that differ, one not spoken of.
    """
    said = document(data, MESSAGE)
    _about(said, sent)
    found: dict[str, Outcome] = {}
    for part in map(Flat, said.all("OrgnlPmtInfAndSts/TxInfAndSts")):
        key = part.need("OrgnlInstrId")
        if key not in sent.sent:
            raise unclear(f"an answer for {key}, which was not sent")
        outcome = _outcome(part, sent, key, bank, sandbox=sandbox)
        if found.setdefault(key, outcome) != outcome:
            raise unclear(f"two different answers for {key}")
    if found.keys() != sent.sent.keys():
        raise unclear(f"{len(found)} answers for {len(sent.sent)} instructions")
    _counted(said, found)
    return [found[key].against(s.instruction.amount_fen) for key, s in sent.sent.items()]


def _about(said: Part, sent: Initiation) -> None:
    """It answers our message, and has read the same number and sum in it.

    Errors   OutsideFault.
    """
    (group,) = said.all("OrgnlGrpInfAndSts")
    if (group.need("OrgnlMsgId"), group.need("OrgnlMsgNmId")) != (sent.id, initiation.MESSAGE):
        raise unclear("an answer to another message")
    parts = said.all("OrgnlPmtInfAndSts")
    if group.text("GrpSts") == "RJCT" and not parts:
        why = group.text("StsRsnInf/Rsn/Cd") or group.text("StsRsnInf/Rsn/Prtry")
        detail = group.text("StsRsnInf/AddtlInf") or ""
        raise OutsideFault(f"the bank took nothing of the message: {why} {detail}", retry=False)
    if group.number("OrgnlNbOfTxs") != len(sent.sent):
        raise unclear(f"{group.number('OrgnlNbOfTxs')} read, {len(sent.sent)} sent")
    if fen(group.need("OrgnlCtrlSum")) != sent.total_fen:
        raise unclear("the control sum that was read is not the one that was sent")


def _counted(said: Part, found: dict[str, Outcome]) -> None:
    """Where the bank counts by status, the counts are those of its own list."""
    counts: dict[OutcomeState, int] = {}
    told: dict[OutcomeState, int] = {}
    for outcome in found.values():
        clash = outcome.state is OutcomeState.CONFLICT
        state = OutcomeState.REFUSED if clash else outcome.state
        counts[state] = counts.get(state, 0) + 1
    for part in said.all("OrgnlGrpInfAndSts/NbOfTxsPerSts"):
        of = STATES.get(part.need("DtldSts"), OutcomeState.PENDING)
        told[of] = told.get(of, 0) + part.number("DtldNbOfTxs")
    if told and told != counts:
        raise unclear(f"counts by status {told}, which are not those of the list")


def _outcome(part: Part, sent: Initiation, key: str, bank: str, *, sandbox: bool) -> Outcome:
    said, instruction = sent.sent[key], sent.sent[key].instruction
    reference = part.text("OrgnlUETR")  # a bank that does not keep it leaves it out
    if part.text("OrgnlEndToEndId") != said.end_to_end_id or reference not in (said.uetr, None):
        raise unclear(f"{key} under another end-to-end id or UETR")
    state = STATES.get(part.need("TxSts"), OutcomeState.PENDING)
    whole = part.text("OrgnlTxRef/Amt/InstdAmt")
    amount = None if whole is None else part.fen("OrgnlTxRef/Amt/InstdAmt", instruction.currency)
    ref = at = code = None
    if state is OutcomeState.EXECUTED:
        ref, at = part.need("AcctSvcrRef"), part.time("AccptncDtTm")
        if amount is None:
            raise unclear(f"{key} settled, without its amount")
    elif state is OutcomeState.PENDING and amount is None:
        amount = instruction.amount_fen
    elif state is OutcomeState.REFUSED:
        state, code = _refused(part, key)
    return Outcome(instruction.id, state, amount, ref, at, code, bank, sandbox)


def _refused(part: Part, key: str) -> tuple[OutcomeState, str]:
    reason = part.text("StsRsnInf/Rsn/Cd")
    if reason in DUPLICATES:
        return OutcomeState.CONFLICT, "bank.conflict"
    if reason is not None:
        return OutcomeState.REFUSED, f"bank.{REASONS.get(reason, reason.lower())}"
    own = part.text("StsRsnInf/Rsn/Prtry") or ""
    if not own:
        raise unclear(f"{key} refused without a reason")
    return OutcomeState.REFUSED, f"bank.{own if OWN.fullmatch(own) else 'other'}"
