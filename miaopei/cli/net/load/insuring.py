"""Covers sold by the thousand and facts brought in: what decisions and payments are measured on."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

from ....adapters.sandbox_bank.control import BankControl
from ....errors import Refused
from ....evidence.observation import Observation
from ....node import scheme
from ....node.gateway import Row, record, refusals_of
from ....node.proof.receipts import Collector
from ....wiring.consortium import Seated
from ..control import Command, Tell
from ..steps import shown

HOLDER = "示例用户"


def answers(seated: Seated) -> Mapping[str, Command]:
    """`insure` issues policies, `facts` brings facts of sources that we sign for, `receipts` makes
    receipts of what was paid.
    """
    node = seated.member.node

    def insure(_: Tell, asked: dict[str, Any]) -> int:
        """Policies in one listing, with accounts at the sandbox bank where there is one."""
        accounts = [f"{asked['tag']}-{number:06d}" for number in range(asked["count"])]
        if seated.told.bank is not None:
            BankControl(seated.told.bank).open_accounts((each, HOLDER, 0) for each in accounts)
        wanted = [
            scheme.Wanted(
                since=asked["since"],
                until=asked["until"],
                year_from=asked["since"],
                premium_fen=0,
                payee={"account": account, "name": HOLDER},
                declared={},
            )
            for account in accounts
        ]
        return scheme.issue(node, asked["listing"], wanted, f"load/{asked['tag']}")

    def facts(_: Tell, asked: dict[str, Any]) -> float:
        """Facts put on the record; the moment at which they were final here."""
        rows = [_row(**each) for each in asked["facts"]]
        results = record(node, rows, int(time.time()))
        at = time.monotonic()
        if refused := refusals_of(results):
            raise Refused(*refused)
        return at

    def receipts(_: Tell, asked: dict[str, Any]) -> list[str]:
        """Receipts of payouts of a listing, so many at most; the text of each."""
        shown(seated)
        made = list[str]()
        with node.reading() as (reading, state):
            collector = Collector(reading, node.identity, seated.member.certify)
            for name, entry in state.range("settlement", ""):
                if entry["settlement"]["listing"] != asked["listing"]:
                    continue
                for claim in reading.claims(entry["settlement"]["trigger"]):
                    if len(made) == asked["count"]:
                        return made
                    if claim["pay_fen"]:
                        receipt = collector.payout(name, claim["policy"])
                        made.append(receipt.to_bytes().decode("utf-8"))
        return made

    return {"insure": insure, "facts": facts, "receipts": receipts}


def _row(observation: dict[str, Any], data: str, media: str, part: str) -> Row:
    raw = data.encode("utf-8")
    return Row(Observation(**observation), raw, media, hashlib.sha256(raw).hexdigest(), part)
