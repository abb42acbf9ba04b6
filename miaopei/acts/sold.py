"""What every application for a policy or a change goes through: answered, paid, lapsed, in force.

States: `referred` (a person answers), `accepted` (premium is awaited), `ready` (nothing is awaited:
rows may enter the book), `admitted`, `in_force`; or `refused`, `lapsed`. Cover never begins before
the premium has arrived. Source: docs/specs/policies.md, sections 2 and 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..accounts import premiums
from ..market.placement import Placement
from ..measures.identity import content_id
from ..policies.row import Transaction
from ..policies.stack import Change, Segment, at_instant, in_effect
from ..underwriting.asked import Asked, Known, Span, Verdict
from ..underwriting.offer import Offer
from ..underwriting.rules import Accumulation, Once
from .base import Made, Moment, Outcome, by_itself, clock_key, ripe_in
from .entries import post
from .file_offer import offer_of
from .state import State

Application = dict[str, Any]
DIGITS = 14  # of a payment reference, before its two check digits


def put(state: State, outcome: Outcome, value: Application) -> None:
    """Write an application as it stands now; each change of it is a leaf."""
    state.put("application", value["id"], value)
    shown = {**value, "of": value["id"]}
    outcome.made.append(Made("application", content_id("application", shown), shown, ()))


def answered(state: State, outcome: Outcome, now: Moment, value: Application) -> None:
    """What follows from an answer: a premium to be paid by a time, rows to be written, or an end.

    `value["state"]` is the verdict.
    """
    offer = offer_of(state, value["listing"], value["offer"])
    if value["state"] == "refused":
        close(state, value)
    elif value["state"] == "referred":
        latest = value["at"] if value["at"] > now.time else now.time + offer.pay_within_seconds
        _wait(state, value, latest, latest)
    elif value["premium_fen"]:
        latest = now.time + offer.pay_within_seconds
        if value["at"] > now.time:
            latest = min(latest, value["at"])
        if value["kind"] == "issue" and offer.hold_seconds is not None:
            expose(state, value, [term_of(value)], held_until=now.time + offer.hold_seconds)
        value["reference"] = _free_reference(state, value["id"])
        state.put("due", value["reference"], value["id"])
        _wait(state, value, latest, latest + offer.bank_grace_seconds)
    else:
        ready(state, value, now)
    put(state, outcome, value)


def ready(state: State, value: Application, now: Moment) -> None:
    """Nothing is awaited any more: a duty to write the rows."""
    stop_waiting(state, value)
    value["state"] = "ready"
    if value["kind"] == "issue":
        expose(state, value, [term_of(value)])  # from here on the room is theirs
    key = f"admit/{value['listing']}/{clock_key(now.time, value['id'])}"
    state.put("duty", key, {"application": value["id"], "by": value["by"]})
    value["duty"] = key


def _wait(state: State, value: Application, deadline: int, until: int) -> None:
    stop_waiting(state, value)
    value["deadline"], value["until_late"] = deadline, until
    state.put("deadline", clock_key(until, value["id"]), value["id"])


def stop_waiting(state: State, value: Application) -> None:
    """Take its deadline away, where it has one."""
    if value["until_late"] is not None:
        state.delete("deadline", clock_key(value["until_late"], value["id"]))
        value["until_late"] = None


def ripen(state: State, outcome: Outcome, now: Moment) -> None:
    """What has waited too long lapses; what had arrived for it goes back."""
    for _, name in ripe_in(state, "deadline", now.time):
        with by_itself(state, outcome):
            _lapse(state, outcome, now, state.need("application", name))


def _lapse(state: State, outcome: Outcome, now: Moment, value: Application) -> None:
    stop_waiting(state, value)
    value["state"] = "lapsed"
    close(state, value)
    if value["paid_fen"]:
        return_deposit(state, outcome, now, value, value["paid_fen"], "lapsed")
        value["paid_fen"] = 0
    put(state, outcome, value)


def close(state: State, value: Application) -> None:
    """A refused or lapsed application holds nothing any more."""
    stop_waiting(state, value)
    policy = state.get("policy", value["policy"])
    if policy is None:
        expose(state, value, ())
        return
    state.delete("open_change", value["policy"])
    expose(state, policy, segments_of(policy))


def segments_of(policy: Mapping[str, Any]) -> tuple[Segment, ...]:
    """What stands of a policy."""
    return in_effect(Change.from_json(change) for change in policy["changes"])


def state_at(segments: Sequence[Segment], now: int) -> str:
    """Where a policy stands at an instant: on_risk, pending, cancelled or expired."""
    if at_instant(segments, now) is not None:
        return "on_risk"
    live = [s for s in segments if s.in_force]
    if any(now < s.since for s in live):
        return "pending"
    ended = [s for s in segments if s.since <= now]
    return "cancelled" if (ended and not ended[-1].in_force) or not live else "expired"


def segment_json(segment: Segment) -> dict[str, Any]:
    """What a segment says to whoever looks at a policy."""
    return {
        "since": segment.since,
        "until": segment.until,
        "declared": dict(segment.declared),
        "in_force": segment.in_force,
    }


def expose(
    state: State,
    value: dict[str, Any],
    segments: Iterable[Segment],
    more: Iterable[Segment] = (),
    held_until: int | None = None,
) -> None:
    """What a policy adds to its feeder and its holder, now or once `more` stands.

    `held_until`: only so long (UTC seconds), as long as nothing was paid for it.
    """
    standing = [s for s in (*segments, *more) if s.in_force]
    key = f"{value['listing']}/{value['holder']}/{value['policy']}"
    feeder = f"{value['listing']}/{value['feeder']}/{value['policy']}"
    if not standing:
        state.delete("holder", key)
        state.delete("exposure", feeder)
        return
    span = {"since": min(s.since for s in standing), "until": max(s.until for s in standing)}
    if held_until is not None:
        span["held_until"] = held_until
    if value["holder"] is not None:
        state.put("holder", key, span)
    of = _counted(offer_of(state, value["listing"], value["offer"]))
    if value["feeder"] is not None and of is not None:
        state.put("exposure", feeder, {**span, "fen": max(s.declared[of] for s in standing)})


def term_of(value: Mapping[str, Any]) -> Segment:
    """The term that an application for a new policy asks for."""
    name = value["id"]
    return Segment(value["at"], value["until"], value["figures"], name, name, Transaction.ISSUE)


def held(span: Mapping[str, Any]) -> bool:
    """Whether a room is only held for who has not paid yet."""
    return "held_until" in span


def stands(span: Mapping[str, Any], now: int) -> bool:
    """Whether a room is taken still: for good, or for the time that unpaid ones hold it."""
    return bool(span.get("held_until", now + 1) > now)


def spans(state: State, table: str, prefix: str, now: int, but: str = "") -> list[Span]:
    """The rooms that are taken under a prefix, but for that of one policy.

    Nobody is kept from buying for a customer by what somebody else has not paid.
    """
    return [
        Span(value["since"], value["until"], value.get("fen", 0))
        for key, value in state.range(table, prefix)
        if stands(value, now)
        and key != f"{prefix}{but}"
        and not (table == "holder" and held(value))
    ]


def _room_gone(state: State, value: Application, now: Moment) -> bool:
    """Whether others have taken the room of an application since it stopped being held."""
    offer = offer_of(state, value["listing"], value["offer"])
    if value["kind"] != "issue" or offer.hold_seconds is None:
        return False
    listing, policy = value["listing"], value["policy"]
    figures = {name: value["figures"][name] for name in offer.declared()}
    whom = value["holder"], value["feeder"]
    asked = Asked(value["at"], value["until"], value["facts"], figures, *whom)
    covered = spans(state, "holder", f"{listing}/{value['holder']}/", now.time, policy)
    nearby = spans(state, "exposure", f"{listing}/{value['feeder']}/", now.time, policy)
    known = Known(now.time, covered, nearby)
    rules = [rule for rule in offer.rules if isinstance(rule, Once | Accumulation)]
    found = [reason for rule in rules for reason in rule.look(asked, known)]
    return any(reason.verdict is Verdict.REFUSED for reason in found)


def _counted(offer: Offer) -> str | None:
    """The declared amount that accumulates on a feeder."""
    return next((rule.of for rule in offer.rules if isinstance(rule, Accumulation)), None)


# money ------------------------------------------------------------------------------------------
def credit(
    state: State, outcome: Outcome, now: Moment, value: Application, arrived: dict[str, Any]
) -> str:
    """Count money that came in for an application; what it was used for, in a word.

    Too little waits for the rest, what is too much or comes too late goes back.
    """
    fen = arrived["amount_fen"]
    in_time = value["state"] == "accepted" and arrived["at"] <= value["deadline"]
    if in_time and _room_gone(state, value, now):
        back, value["paid_fen"], value["state"] = fen + value["paid_fen"], 0, "lapsed"
        close(state, value)
        return_deposit(state, outcome, now, value, back, "room_gone")
        put(state, outcome, value)
        return "returned"
    missing = value["premium_fen"] - value["paid_fen"] if in_time else 0
    counts = min(fen, missing)
    value["paid_fen"] += counts
    if counts and value["paid_fen"] == value["premium_fen"]:
        ready(state, value, now)
    if fen > counts:
        why = "surplus" if counts else "paid_again" if value["paid_fen"] else "too_late"
        return_deposit(state, outcome, now, value, fen - counts, why)
    put(state, outcome, value)
    if not counts:
        return "returned"
    if fen > counts:
        return "premium_and_surplus"
    return "premium" if value["paid_fen"] == value["premium_fen"] else "part"


def return_deposit(
    state: State, outcome: Outcome, now: Moment, value: Application, fen: int, why: str
) -> None:
    """Money that bought nothing goes back to the account on file."""
    offer = offer_of(state, value["listing"], value["offer"])
    debt = _refund(state, outcome, now, value, offer.collector, fen, why)
    key = clock_key(now.time, f"{debt}/owed")
    post(state, outcome, premiums.deposit_to_return(key, now.time, debt, offer.collector, fen))


def return_premium(
    state: State, outcome: Outcome, now: Moment, value: Application, fen: int
) -> None:
    """Premium of a policy that was changed or cancelled goes back, each carrier's part of it."""
    offer = offer_of(state, value["listing"], value["offer"])
    listing = state.need("listing", value["listing"])["listing"]
    parts = Placement.from_json(listing["placement"]).split(fen)
    why = str(value["kind"])
    debt = _refund(state, outcome, now, value, offer.collector, fen, why)
    key = clock_key(now.time, f"{debt}/owed")
    entry = premiums.premium_to_return(key, now.time, debt, offer.collector, parts)
    post(state, outcome, entry)


def _refund(
    state: State,
    outcome: Outcome,
    now: Moment,
    value: Application,
    collector: str,
    fen: int,
    why: str,
) -> str:
    """A debt to a policyholder, paid through the bank as every debt is."""
    said = {
        "v": 1,
        "application": value["id"],
        "policy": value["policy"],
        "number": len(value["refunds"]) + 1,
        "amount_fen": fen,
        "why": why,
    }
    debt = content_id("refund", said)
    payer = state.need("listing", value["listing"])["listing"]["payer"]
    payment = {
        "kind": "refund",
        "payer": payer,
        "holder": collector,
        "listing": value["listing"],
        "policy": value["policy"],
        "due_fen": fen,
        "executed_fen": 0,
        "open_fen": {collector: fen},
        "batches": 0,
        "last_at": None,
    }
    state.put("payment", debt, payment)
    state.put("duty", f"pay/{debt}", {"debt": debt, "payer": payer})
    outcome.made.append(Made("refund", debt, said, (value["id"],)))
    value["refunds"].append(debt)
    return debt


# references -------------------------------------------------------------------------------------
def _free_reference(state: State, application: str) -> str:
    """A payment reference that nobody else has."""
    for attempt in range(100):
        name = reference(application, attempt)
        if not state.has("due", name):
            return name
    raise AssertionError("a hundred references in a row are taken")


def reference(application: str, attempt: int = 0) -> str:
    """MP and 16 digits, of which two check the others (as an IBAN's do): no slip goes unseen."""
    number = int(content_id("reference", [application, attempt]), 16) % 10**DIGITS
    return f"MP{number:0{DIGITS}d}{98 - number * 100 % 97:02d}"


def is_reference(text: str) -> bool:
    """Whether the check digits fit."""
    digits = text[2:]
    fits = text[:2] == "MP" and len(digits) == DIGITS + 2 and digits.isascii() and digits.isdigit()
    return fits and int(digits) % 97 == 1
