"""What a demonstration leaves in its folder: receipts, the log's files and key, the register.

Everything here can be made again from the record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...adapters import tile_files
from ...adapters.feeds import shipped
from ...claims.receipt import Receipt
from ...node.proof.receipts import Collector
from ...reports import published
from ...reports.register import Register, register
from ...wiring import Member
from ..place import LogSource, Place, as_lines, log_vkey, write_whole

PRINTED = "published_yunnan.csv"
LABELS = ("replay", "sandbox", "made_up_shares", "assumed_arrivals")


def printed() -> dict[tuple[str, str], published.Printed]:
    """The figures that the source prints."""
    return published.read(shipped.earthquake_file(PRINTED).decode("utf-8"))


def register_of(
    member: Member, receipts: Mapping[str, str] | None = None, labels: tuple[str, ...] = LABELS
) -> Register:
    """The register of a member's record, as it stands."""
    with member.node.reading() as (reading, state):
        now = reading.head().time
        return register(state, now, receipts=receipts, printed=printed(), labels=labels)


def write_all(place: Place, member: Member) -> Register:
    """Write receipts, log and register; the register with the paths of its receipts."""
    receipts = _write_receipts(place, member)
    write_whole(place.folder / "log.vkey", (log_vkey(member) + "\n").encode("utf-8"), public=True)
    with member.node.store.reading() as reading:
        tile_files.write(place.log, LogSource(reading))
    found = register_of(member, receipts)
    write_whole(place.folder / "register.json", as_lines([row.as_json() for row in found.rows]))
    return found


def _write_receipts(place: Place, member: Member) -> dict[str, str]:
    """A receipt for each row, for each policy of a settled one; "listing/occurrence" -> path.

    Said again it writes the same files: what lies there from before is the same row's.
    """
    paths: dict[str, str] = {}
    written: set[str] = set()
    rows = register_of(member).rows
    with member.node.reading() as (reading, state):
        collector = Collector(reading, member.node.identity, member.certify)
        for row in rows:
            case = state.need("case", f"{row.listing}/{row.occurrence}/{row.benefit}")
            for number, receipt in enumerate(_receipts(collector, reading, state, case), 1):
                suffix = "" if number == 1 else f"-{number}"
                name = re.sub(r"[^0-9a-z_-]", "_", f"{row.date}-{row.product}{suffix}")
                if name in written:  # another occurrence of the same day
                    name = f"{name}-{row.occurrence[:8]}"
                written.add(name)
                path = place.keep_receipt(name, receipt.to_bytes())
                paths.setdefault(f"{row.listing}/{row.occurrence}", str(path))
    return paths


def _receipts(
    collector: Collector, reading: Any, state: Any, case: Mapping[str, Any]
) -> Iterator[Receipt]:
    """Of a settled case one for each policy that is paid, else why nothing is; none while open."""
    settlement = case["settlement"]
    if settlement is None:
        if case["state"] not in ("ready", "deciding"):
            yield collector.case_refusal(case["listing"], case["occurrence"], case["benefit"])
        return
    name = state.need("settlement", settlement)["settlement"]["trigger"]
    trigger = state.need("trigger", name)
    paid = {claim["policy"] for claim in reading.claims(name) if claim["pay_fen"]}
    rows = reading.rows(trigger["book"], trigger["book_size"])
    for policy in dict.fromkeys(recorded.row.policy for recorded in rows):
        if policy in paid:
            yield collector.payout(settlement, policy)
        else:
            yield collector.policy_refusal(settlement, policy)
