"""What records money that came in: premium of a batch, and what was paid too much and came back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...acts.apply import ActResult
from ...errors import Fact, Refusal, Refused
from ...measures.money import as_yuan, fen_of
from ...settings import Language
from ...wiring import Member
from .. import live, speak
from ..demo import Tail
from ..place import Place
from .open import Owed, Premium, premiums, receivables, years_of

MOST_FEN = 10**15  # far above any premium; what is longer is a slip of the hand
SHORTEST = 8  # characters of a batch's id


def show(place: Place, *, as_json: bool, language: Language) -> int:
    """All that is still to come in."""
    speaker = speak.Speaker(language)
    with place.record() as member, member.node.reading() as (reading, state):
        due, back = list(premiums(state)), list(receivables(reading, state))
    if as_json:
        came = [each.as_json() for each in due]
        speak.show_json({"premium": came, "receivable": [each.as_json() for each in back]})
        return 0
    for premium in due:
        told = {"listing": premium.listing, "batch": premium.batch}
        speak.out(speaker.text("money_premium", **told, yuan=_sum(premium.due_fen)))
        _carriers(premium.due_fen)
    for owed in back:
        told = {"case": owed.case, "policy": owed.policy}
        speak.out(speaker.text("money_owed", **told, yuan=_sum(owed.due_fen)))
        _carriers(owed.due_fen)
    if not due and not back:
        speak.out(speaker.text("money_nothing"))
    return 0


def _carriers(due: Mapping[str, int]) -> None:
    for who, fen in due.items():
        speak.out(f"  {who}  {as_yuan(fen)}")


def _sum(due: Mapping[str, int]) -> str:
    return as_yuan(sum(due.values()))


def receive(
    place: Place, batch: str, parts: Sequence[str], reference: str, year: int | None, *,
    as_json: bool, language: Language,
) -> int:  # fmt: skip
    """Premium of a batch has arrived: all that is open of it, or the parts named."""
    given = parts_of(parts)
    with live.working(place) as member:
        found, about = _batch(member, batch, year)
        carriers = given or found.due_fen
        body = {"batch": found.batch, "year": about, "reference": reference}
        body["carriers"] = [{"carrier": who, "premium_fen": fen} for who, fen in carriers.items()]
        ref = f"premium/{found.batch[:16]}/{reference}"
        result = member.node.accept("receive_premium", ref, body)
        done = member.work()
        left = _left(member, found)
    told = {"batch": found.batch, "received_fen": dict(carriers), "open_fen": left}
    return _said("money_received", told, result, done, as_json=as_json, language=language)


def _left(member: Member, found: Premium) -> int:
    with member.node.reading() as (_, state):
        open_now = [p for p in premiums(state) if p.batch == found.batch]
    return sum(sum(p.due_fen.values()) for p in open_now)


def _batch(member: Member, name: str, year: int | None) -> tuple[Premium, int]:
    """The only batch with premium open whose id begins so, and the year that the entry is about.

    Errors   Refused cli.not_one_batch, cli.which_year.
    """
    with member.node.reading() as (reading, state):
        found = [p for p in premiums(state) if p.batch.startswith(name)]
        if len(found) != 1 or len(name) < SHORTEST:
            raise _no("not_one_batch", batch=name[:64], count=len(found))
        years = {year} if year is not None else years_of(reading, state, found[0].batch)
    if len(years) != 1:
        raise _no("which_year", batch=found[0].batch[:16])
    return found[0], years.pop()


def repay(
    place: Place, case: str, policy: str | None, parts: Sequence[str], reference: str, *,
    as_json: bool, language: Language,
) -> int:  # fmt: skip
    """A policyholder has paid back what was paid too much: all that is open, or the parts named."""
    given = parts_of(parts)
    with live.working(place) as member:
        owed = _owed(member, case, policy)
        carriers = given or owed.due_fen
        _check(owed, carriers)
        listing, occurrence, benefit = owed.case.split("/")
        body: dict[str, Any] = {
            "listing": listing, "occurrence": occurrence, "benefit": benefit,
            "policy": owed.policy, "year": owed.year, "reference": reference,
        }  # fmt: skip
        body["carriers"] = [{"carrier": who, "repaid_fen": fen} for who, fen in carriers.items()]
        tail = Tail(member, speak.Speaker(language))
        ref = f"repay/{owed.case}/{owed.policy}/{reference}"
        result = member.node.accept("repay", ref, body)
        done = member.work()
        lines = [] if as_json else list(tail.lines())
    for line in lines:
        speak.out(line)
    left = sum(owed.due_fen.values()) - sum(carriers.values())
    told = {"case": owed.case, "policy": owed.policy, "repaid_fen": dict(carriers)}
    return _said(
        "money_repaid", {**told, "open_fen": left}, result, done, as_json=as_json, language=language
    )


def _owed(member: Member, case: str, policy: str | None) -> Owed:
    """The only policy that owes something back in a case whose key begins so.

    Errors   Refused cli.not_one_owed.
    """
    with member.node.reading() as (reading, state):
        found = [
            each
            for each in receivables(reading, state)
            if each.case.startswith(case) and each.policy.startswith(policy or "")
        ]
    if len(found) != 1:
        raise _no("not_one_owed", case=case[:120], count=len(found))
    return found[0]


def _check(owed: Owed, carriers: Mapping[str, int]) -> None:
    """A policy pays back at most what it was paid too much; the act knows the case's sums only.

    Errors   Refused cli.more_than_owed.
    """
    due, given = sum(owed.due_fen.values()), sum(carriers.values())
    if given > due:
        yuan = {"due": as_yuan(due), "given": as_yuan(given)}
        raise _no("more_than_owed", policy=owed.policy[:60], **yuan)


def parts_of(given: Sequence[str]) -> dict[str, int]:
    """CARRIER=YUAN, each carrier once -> fen.

    Errors   Refused cli.bad_part, every one of them.
    """
    found, faults = dict[str, int](), list[Refusal]()
    for text in given:
        who, _, yuan = text.partition("=")
        fen = _fen(yuan)
        if fen is None or not who or who in found:
            faults.append(Refusal("cli.bad_part", {"given": text[:80]}))
        else:
            found[who] = fen
    if faults:
        raise Refused(*faults)
    return found


def _fen(yuan: str) -> int | None:
    """Yuan above zero with at most two decimals that count -> fen; None for anything else."""
    try:
        fen = fen_of(yuan)
    except Refused:
        return None
    return fen if 0 < fen <= MOST_FEN else None


def _said(
    code: str, told: Mapping[str, Any], result: ActResult, done: int, *,
    as_json: bool, language: Language,
) -> int:  # fmt: skip
    if as_json:
        speak.show_json({**told, "new": result.new, "act": result.act, "duties": done})
        return 0
    got = next(value for name, value in told.items() if name in ("received_fen", "repaid_fen"))
    facts = {"yuan": _sum(got), "left": as_yuan(told["open_fen"])}
    speak.out(speak.Speaker(language).text(code if result.new else "money_known", **facts))
    return 0


def _no(code: str, /, **facts: Fact) -> Refused:
    return Refused(Refusal(f"cli.{code}", facts))
