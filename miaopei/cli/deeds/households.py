"""`miaopei allot`: a payout that has arrived is handed on to a list of households, from a file.

The list is read, checked row by row and shown; nothing is recorded without `--yes`. Tokens name
households on the record; accounts and names stay in this member's private tables.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import Fact, Refusal, Refused
from ...market.allotment import Allotment, Household, WeightRule, Work, allot
from ...node.effects.orders import seal_list
from ...settings import Language
from ...wiring import Member
from .. import live, speak
from ..place import Place

COLUMNS = ("token", "work", "weight", "account", "name")
WORKS = {"rebuilt": Work.REBUILT, "重建": Work.REBUILT, "repaired": Work.REPAIRED,
         "修缮": Work.REPAIRED}  # fmt: skip
LARGEST_FILE = 16 * 1024 * 1024


@dataclass(frozen=True)
class Payee:
    """One household of a file, with where its part is to be paid."""

    household: Household
    account: str
    name: str


def read_list(data: bytes) -> tuple[list[Payee], list[Refusal]]:
    """The households of a CSV file in its order, and a refusal for each row that is none.

    Errors   Refused cli.list_unreadable for what is no such file.
    """
    try:
        text = data.decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise _no("list_unreadable", why=type(error).__name__) from None
    if not rows or tuple(cell.strip() for cell in rows[0]) != COLUMNS or len(data) > LARGEST_FILE:
        raise _no("list_unreadable", why=f"its first line is not {','.join(COLUMNS)}")
    found, faults, seen = list[Payee](), list[Refusal](), dict[str, int]()
    for number, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        try:
            payee = _payee(row)
        except ValueError as error:
            faults.append(Refusal("cli.list_row", {"row": number, "why": str(error)}))
            continue
        first = seen.setdefault(payee.household.token, number)
        if first != number:
            why = f"the token stands in row {first} already"
            faults.append(Refusal("cli.list_row", {"row": number, "why": why}))
        found.append(payee)
    return found, faults


def _payee(row: list[str]) -> Payee:
    """Errors   ValueError says what is wrong with the row."""
    cells = [cell.strip() for cell in row]
    if len(cells) != len(COLUMNS):
        raise ValueError(f"{len(cells)} cells, not {len(COLUMNS)}")
    token, work, weight, account, name = cells
    if not token.isascii() or not token.isprintable() or not 0 < len(token) <= 60:
        raise ValueError("the token is 1 to 60 printable ASCII characters")
    if work not in WORKS:
        raise ValueError(f"{work[:20]!r} is neither rebuilt (重建) nor repaired (修缮)")
    if not weight.isdecimal() or not 0 < int(weight) <= 1_000_000:
        raise ValueError(f"the weight {weight[:20]!r} is no whole number from 1 to 1000000")
    if not account or not name:
        raise ValueError("account and name are needed")
    return Payee(Household(token, WORKS[work], int(weight)), account, name)


def preview(divided: Allotment, language: Language) -> Iterator[str]:
    """How many households of each class get how much; the sum to the fen."""
    speaker = speak.Speaker(language)
    for work, (count, fen) in divided.totals().items():
        name = {"rebuilt": ("重建", "rebuilt"), "repaired": ("修缮", "repaired")}[str(work)]
        yield speaker.text("allot_class", work=speaker.pick(*name), count=count, yuan=_yuan(fen))
    count, total = len(divided.lines), sum(line.amount_fen for line in divided.lines)
    yield speaker.text("allot_total", count=count, yuan=_yuan(total), payout=_yuan(total))


def hand_on(
    place: Place, settlement: str, file: Path, rule: WeightRule, policy: str | None,
    holder: str | None, *, yes: bool, as_json: bool = False, language: Language,
) -> int:  # fmt: skip
    """Show what a list gives and, told so, record and pay it; 1 where a row is refused."""
    with live.working(place) as member:
        wanted = (settlement, file, rule, policy, holder)
        return _hand_on(member, *wanted, yes=yes, as_json=as_json, language=language)


def _hand_on(
    member: Member, settlement: str, file: Path, rule: WeightRule, policy: str | None,
    holder: str | None, *, yes: bool, as_json: bool, language: Language,
) -> int:  # fmt: skip
    payees, faults = read_list(file.read_bytes())
    if faults:
        raise Refused(*faults)
    chosen, fen = _claim(member, settlement, policy)
    divided = allot(fen, [payee.household for payee in payees], rule)
    for line in () if as_json else preview(divided, language):
        speak.out(line)
    if not yes:
        if as_json:
            speak.show_json(_as_json(divided, settlement, chosen, recorded=False, duties=0))
        else:
            speak.out(speak.Speaker(language).text("allot_preview"))
        return 0
    with member.node.store.writing() as block:
        for payee in payees:
            kept = {"account": payee.account, "name": payee.name}
            block.put_payee(f"household/{payee.household.token}", kept)
        lines = seal_list(block, member.node, divided)
    body = {
        "settlement": settlement,
        "policy": chosen,
        "holder": holder or _holder(member),
        "total_fen": fen,
        "rule": rule.as_json(),
        "lines": lines,
    }
    member.node.accept("allot", f"allot/{settlement[:24]}/{chosen}", body)
    done = member.work()
    if as_json:
        speak.show_json(_as_json(divided, settlement, chosen, recorded=True, duties=done))
    else:
        speak.out(speak.Speaker(language).text("allotted", count=len(payees), done=done))
    return 0


def _as_json(
    divided: Allotment, settlement: str, policy: str, *, recorded: bool, duties: int
) -> dict[str, Any]:
    """Each class with its households and fen, and each line; no account and no name."""
    totals = divided.totals().items()
    lines = [line.as_json() for line in divided.lines]
    return {
        "settlement": settlement,
        "policy": policy,
        "recorded": recorded,
        "duties": duties,
        "total_fen": sum(line.amount_fen for line in divided.lines),
        "classes": {str(work): {"households": n, "fen": fen} for work, (n, fen) in totals},
        "lines": lines,
    }


def _claim(member: Member, settlement: str, policy: str | None) -> tuple[str, int]:
    """The policy whose payout is handed on, and its amount.

    Errors   Refused act.settlement_not_known, cli.which_policy.
    """
    with member.node.reading() as (reading, state):
        entry: dict[str, Any] | None = state.get("settlement", settlement)
        if entry is None:
            raise Refused(Refusal("act.settlement_not_known", {"id": settlement[:64]}))
        claims = reading.claims(entry["settlement"]["trigger"])
    paid = {c["policy"]: c["pay_fen"] for c in claims if c["pay_fen"]}
    wanted = [p for p in paid if policy in (None, p)]
    if len(wanted) != 1:
        raise _no("which_policy", settlement=settlement[:16], count=len(wanted))
    return wanted[0], paid[wanted[0]]


def _holder(member: Member) -> str:
    """The only policyholder on the record. Errors   Refused cli.which_holder."""
    with member.node.reading() as (_, state):
        named = [m for m, value in state.range("member", "") if "policyholder" in value["roles"]]
    if len(named) != 1:
        raise _no("which_holder", count=len(named))
    return named[0]


def _yuan(fen: int) -> str:
    return f"{fen // 100:,}.{fen % 100:02d}"


def _no(code: str, /, **facts: Fact) -> Refused:
    return Refused(Refusal(f"cli.{code}", facts))
