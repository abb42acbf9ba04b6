"""`miaopei receipt`: the receipt of one payout, policy or refusal, for whoever is to have it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...acts.state import State
from ...claims.receipt import Receipt
from ...errors import Refusal, Refused
from ...node.ports import Reading
from ...node.proof.receipts import Collector
from ...node.proof.trail import StoreTrail
from ...reports.lineage import Index, Named
from ...settings import Language
from .. import speak
from ..place import Place, write_whole

OF_A_POLICY = ("payout", "claim", "policy")
OF_A_CASE = ("occurrence", "settlement", "trigger")  # as its fields are called


def hand_out(
    place: Place, name: str, policy: str | None, out: Path | None, language: Language
) -> int:
    """Write the receipt of a payout, claim or policy, or of why a case paid nothing.

    `policy`: one of a settlement's, of a case's or of an event's, where the name is no policy's.
    It opens that policy's row, so the file is readable by its owner alone.

    Errors   Refused lineage.unknown, lineage.ambiguous; cli.receipt_of_what; receipt.*.
    """
    with place.record() as member, member.node.reading() as (reading, state):
        index = Index(StoreTrail(reading, state, member.node.identity))
        collector = Collector(reading, member.node.identity, member.certify)
        with knows_policies(place, reading, state, name):
            found = index.find(name)
        receipt = _receipt(index, collector, found, policy)
    data = receipt.to_bytes()
    if out == Path("-"):
        sys.stdout.write(data.decode("utf-8"))
        return 0
    if out is None:
        path = place.keep_receipt(f"{found.what}-{found.id[:16]}", data)
    else:
        path = out
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, data)
    speaker = speak.Speaker(language)
    speak.out(speaker.text("receipt_written", path=str(path)))
    told = {"program": speak.program(), "receipt": str(path), "by": place.checked_by}
    speak.out(speaker.text("next_verify", **told))
    return 0


@contextmanager
def knows_policies(place: Place, reading: Reading, state: State, name: str) -> Iterator[None]:
    """What is not known to lineage may be a policy of which no settlement speaks.

    Errors   Refused cli.policy_not_decided in the place of lineage.unknown.
    """
    try:
        yield
    except Refused as refused:
        if refused.refusals[0].code not in ("lineage.unknown", "lineage.too_short"):
            raise
        for book, entry in state.range("book", ""):
            if reading.rows_of(book, entry["size"], [name.strip()]):
                facts = {"policy": name.strip()[:64], "listing": entry["listing"]}
                facts |= {"program": speak.program(), "where": place.said}
                raise Refused(Refusal("cli.policy_not_decided", facts)) from None
        raise


def _receipt(index: Index, collector: Collector, found: Named, policy: str | None) -> Receipt:
    if found.what in OF_A_POLICY:
        policy = found.id if found.what == "policy" else str(found.value["policy"])
        return _of_policy(collector, _settlement(index, found, policy), policy)
    case = _case(index, found)
    if case is not None and case["settlement"] is None:
        return collector.case_refusal(case["listing"], case["occurrence"], case["benefit"])
    if case is None or policy is None:
        raise Refused(Refusal("cli.receipt_of_what", {"what": found.what, "id": found.id[:16]}))
    return _of_policy(collector, str(case["settlement"]), policy)


def _of_policy(collector: Collector, settlement: str, policy: str) -> Receipt:
    try:
        return collector.payout(settlement, policy)
    except Refused as refused:
        if refused.refusals[0].code != "receipt.nothing_to_pay":
            raise
    return collector.policy_refusal(settlement, policy)


def _settlement(index: Index, found: Named, policy: str) -> str:
    """The settlement of a payout or claim; of a policy the last that it has a claim in."""
    if found.what == "payout":
        debt = str(found.value["debt"])
        payment = index.need("payment", debt)
        return debt if payment["kind"] == "settlement" else str(payment["settlement"])
    if found.what == "claim":
        return index.of_trigger(found.value["trigger"]) or ""
    last = [
        settlement
        for trigger, settlement in index.decided
        if any(claim["policy"] == policy for claim in index.trail.claims(trigger))
    ]
    return last[-1]


def _case(index: Index, found: Named) -> dict[str, Any] | None:
    """The case that is meant, where it is one."""
    if found.what == "case":
        return dict(found.value)
    if found.what not in OF_A_CASE:
        return None
    every = index.trail.range("case", "")
    cases = [dict(case) for _, case in every if case[found.what] == found.id]
    return cases[0] if len(cases) == 1 else None
