"""Answering an application: every rule looked at, the gravest verdict, and the premium."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..errors import Refusal, Refused
from ..measures.instant import beijing_text
from .asked import Answer, Asked, Known, Reason, Step, Verdict
from .offer import Offer
from .rules import Accumulation, Announced, Dates, Heard, Within
from .tariff import ONE

GRAVITY = (Verdict.REFUSED, Verdict.REFERRED)
OF_A_CHANGE = (Within, Accumulation, Heard)  # rules that a change of an existing policy meets too


def check_asked(offer: Offer, facts: Mapping[str, str], declared: Mapping[str, int]) -> None:
    """Whether an application can be answered at all; all faults at once.

    Errors   Refused underwriting.unknown_fact, .unknown_choice, .unknown_declared.
    """
    faults = []
    questions = {question.name: question for question in offer.questions}
    for name in sorted(set(questions) ^ set(facts)):
        asked = ", ".join(questions)
        faults.append(Refusal("underwriting.unknown_fact", {"fact": name[:40], "asked": asked}))
    for name in sorted(set(questions) & set(facts)):
        choices = questions[name].choices
        if facts[name] not in choices:
            said = {"fact": name, "value": facts[name][:40], "choices": ", ".join(choices)}
            faults.append(Refusal("underwriting.unknown_choice", said))
    wanted = offer.declared()
    for name in sorted(set(wanted) ^ set(declared)):
        known = ", ".join(wanted)
        said = {"name": name[:40], "declared": known}
        faults.append(Refusal("underwriting.unknown_declared", said))
    if faults:
        raise Refused(*faults)


def answer(offer: Offer, asked: Asked, known: Known) -> Answer:
    """The answer to an application for a new policy.

    Errors   Refused as `check_asked`: what cannot be read is not answered.
    """
    check_asked(offer, asked.facts, asked.declared)
    reasons = [reason for rule in offer.rules for reason in rule.look(asked, known)]
    if not offer.since <= known.now or (offer.until is not None and known.now >= offer.until):
        times = {
            "since": beijing_text(offer.since),
            "until": "—" if offer.until is None else beijing_text(offer.until),
        }
        reasons.append(Reason(Refusal("underwriting.not_on_sale", times), Verdict.REFUSED))
    return _with_premium(offer, asked, reasons)


def answer_change(
    offer: Offer,
    asked: Asked,
    known: Known,
    reasons: list[Reason],
    raised_from: int | None = None,
) -> Answer:
    """The answer to a change of a policy: the rules that a standing policy still meets.

    `reasons` are those that the change itself brings. `asked` is the policy as it will stand.
    `raised_from`: when more can be due than before (UTC seconds; None: never more). Nobody raises
    for what is announced, nor sooner than a new policy would begin.
    """
    found = list(reasons)
    for rule in offer.rules:
        if isinstance(rule, OF_A_CHANGE):
            found += rule.look(asked, known)
        elif raised_from is not None and isinstance(rule, Dates):
            found += rule.wait(raised_from, known)
        elif raised_from is not None and isinstance(rule, Announced):
            found += rule.look(replace(asked, since=raised_from), known)
    return _with_premium(offer, asked, found)


def raises(offer: Offer, before: Mapping[str, int], after: Mapping[str, int]) -> bool:
    """Whether more can be due on the figures after than on those before.

    The amount that premium is taken of and what is reinstated raise upwards, a figure that costs
    less the higher it is (a deductible) downwards; any other difference is taken for a raise.
    """
    falls = {table.by: table.falls() for table in offer.tariff.tables}
    up = {offer.tariff.on, offer.changes.reinstate}
    for name in sorted(set(before) | set(after)):
        old, new = before.get(name, 0), after.get(name, 0)
        down = None if name in up else falls.get(name)
        if new != old and (down is None and name not in up):
            return True
        if (new < old) if down else (new > old):
            return True
    return False


def verdict_of(reasons: list[Reason]) -> Verdict:
    """The gravest; accepted where there is no reason."""
    said = {reason.verdict for reason in reasons}
    return next((verdict for verdict in GRAVITY if verdict in said), Verdict.ACCEPTED)


def premium(
    offer: Offer, facts: Mapping[str, str], declared: Mapping[str, int], loading_ppm: int = ONE
) -> tuple[int, tuple[Step, ...]]:
    """The premium of a whole policy year, and its steps.

    Errors   Refused underwriting.no_rate.
    """
    steps = tuple(offer.tariff.steps(facts, declared, loading_ppm))
    return steps[-1].fen, steps


def _with_premium(offer: Offer, asked: Asked, reasons: list[Reason]) -> Answer:
    fen, steps = 0, tuple[Step, ...]()
    try:
        fen, steps = premium(offer, asked.facts, asked.declared)
    except Refused as refused:
        if not reasons:  # somebody whom no rule excludes, and no row of the tariff names
            reasons = [Reason(refusal, Verdict.REFERRED) for refusal in refused.refusals]
    return Answer(verdict_of(reasons), tuple(reasons), fen, steps)
