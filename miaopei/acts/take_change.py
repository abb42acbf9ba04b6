"""`take_change`: a policy is to be endorsed, renewed, cancelled or reinstated. Answered at once.

Body: {application, policy, transaction, at, declared, channel, agent, spent_fen, looked}. A change
that takes effect before one that is recorded is put in its place: the later ones are reversed and
applied again. What it costs, or gives back, is the difference of what stands before and after.
Source: docs/specs/policies.md, section 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..errors import Fact
from ..measures.instant import beijing_text, period_of
from ..measures.money import Rounding, divide
from ..policies.row import HEX_32, Transaction
from ..policies.stack import Change, Segment, at_instant, charged, check_change, in_effect, overlay
from ..underwriting.answer import answer_change, premium, raises, verdict_of
from ..underwriting.asked import Asked, Known, Reason, Span, Step, Verdict
from ..underwriting.offer import Allowed, Offer
from ..underwriting.rules import at_midnight, listed_by, no
from ..underwriting.tariff import ONE
from . import sold
from .base import Moment, Outcome, fields, known, refuse
from .envelope import Act
from .file_offer import current_offer, offer_of
from .pauses import check_open
from .state import State
from .take_application import (
    check_channel,
    check_looked,
    looked_plans,
    new_value,
    silent_now,
    whole,
)

KIND = "take_change"
ROLES = frozenset({"operator", "carrier", "channel"})
TEXT, INTEGER = (str, type(None)), (int, type(None))
WHAT = ("endorse", "renew", "cancel", "reinstate")
RAISES_SINCE = 4  # the rule set from which a raise waits, and nothing is reinstated twice


@dataclass(frozen=True)
class Wish:
    """A change that is asked for, the policy it is about, and what stands before and after."""

    policy: dict[str, Any]
    offer: Offer
    change: Change
    before: tuple[Segment, ...]
    after: tuple[Segment, ...]

    @property
    def transaction(self) -> Transaction:
        """What it is."""
        return self.change.transaction

    @property
    def standing(self) -> Segment | None:
        """What stands at its instant once it is done."""
        return at_instant(self.after, self.change.at)


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for what cannot be answered: nothing in force, nothing changed, one already open."""
    name, policy_id, what, at, declared, channel, agent, spent, looked = fields(
        act.body, application=str, policy=str, transaction=str, at=int, declared=dict,
        channel=str, agent=TEXT, spent_fen=INTEGER, looked=dict,
    )  # fmt: skip
    if not HEX_32.fullmatch(name) or what not in WHAT:
        raise refuse("act.bad_body", field="transaction", why=f"is none of {', '.join(WHAT)}")
    if state.has("application", name):
        raise refuse("act.application_known", id=name)
    policy = known(state, "policy", policy_id, "act.policy_not_known")
    if (other := state.get("open_change", policy_id)) is not None:
        raise refuse("act.change_open", policy=policy_id, application=other)
    if what != "cancel":  # nobody is kept in a policy by what is not sold
        check_open(state, policy["listing"])
    if any(type(value) is not int for value in declared.values()):
        raise refuse("act.bad_body", field="declared", why="each figure is an integer")
    wish = wished(state, policy, name, Transaction(what), at, declared)
    check_channel(wish.offer, channel, agent)
    # Who renews is looked up again; other changes ask nothing of a list.
    wanted = wish.offer.sanctions() if wish.transaction is Transaction.RENEW else None
    hits, _ = check_looked(state, wanted, looked)
    silent = silent_now(state, policy["listing"], now)
    diff = cost(state, wish)
    reasons = list(_reasons(state, wish, now, spent, hits))
    known_of = replace(_known(state, wish, now, silent), announced=looked_plans(looked))
    raised = _raised_from(wish) if now.rules >= RAISES_SINCE and at >= now.time else None
    said = answer_change(wish.offer, _asked(wish), known_of, reasons, raised)
    if wish.transaction is Transaction.CANCEL:  # nobody is kept in a policy by what is not sold
        said = replace(said, verdict=verdict_of(reasons), reasons=tuple(reasons))
    fee = 0 if wish.transaction is not Transaction.CANCEL else wish.offer.changes.cancel_fee_fen
    begun = len(policy["numbers"]) + 1
    value = {
        **new_value(name, what, policy_id, act, now, said),
        **{name: policy[name] for name in ("listing", "holder", "feeder", "facts")},
        "offer": wish.offer.number,
        "order": None,
        "channel": channel,
        "agent": agent,
        "declared": declared,
        "at": at,
        "until": wish.change.until,
        "looked": looked,
        "premium_fen": max(0, diff),
        "refund_fen": max(0, -diff - fee),
        "extra_fen": wish.change.extra_fen,
        "figures": dict(wish.change.declared),
    }
    value["steps"] = [*value["steps"], Step("pro_rata", diff).as_json()]
    outcome = Outcome()
    if value["state"] != "refused":
        parts = overlay(wish.before, wish.after)
        value["rows"] = [_row(part, begun + i) for i, part in enumerate(parts)]
        state.put("open_change", policy_id, name)
        sold.expose(state, policy, wish.before, wish.after)
    sold.answered(state, outcome, now, value)
    return outcome


def wished(
    state: State, policy: dict[str, Any], name: str, what: Transaction, at: int, declared: Any
) -> Wish:
    """The change as one of the policy's stack.

    Errors   Refused policies.*, act.not_endorsed, act.not_reinstated.
    """
    changes = [Change.from_json(change) for change in policy["changes"]]
    before = in_effect(changes)
    offer = offer_of(state, policy["listing"], policy["offer"])
    until, figures = 0, dict(declared)
    if what is Transaction.RENEW:
        offer = current_offer(state, policy["listing"])
        until = period_of(at, policy["year_from"])[1]
        figures = whole(offer, declared)
    if what in (Transaction.ENDORSE, Transaction.RENEW):
        allowed = offer.changes.endorse
        if extras := sorted(set(declared) - set(allowed)):
            raise refuse("act.not_endorsed", name=extras[0][:40], allowed=", ".join(allowed))
    elif what is Transaction.REINSTATE:
        wanted = offer.changes.reinstate
        if wanted is None or set(declared) != {wanted} or declared[wanted] <= 0:
            raise refuse("act.not_reinstated", name=wanted)
    elif declared:
        raise refuse("act.not_endorsed", name=min(declared)[:40], allowed="")
    change = Change(name, what, at, len(changes), until, figures)
    if what is Transaction.REINSTATE and (found := at_instant(before, at)) is not None:
        year = price_of(state, policy, found)
        amount = next(iter(figures.values()))
        extra = divide(year * amount, offer.changes.reinstate_of_fen, Rounding.HALF_UP)
        change = replace(change, extra_fen=extra)
    return Wish(policy, offer, change, before, check_change(changes, change))


def cost(state: State, wish: Wish) -> int:
    """What the change costs, in fen; below zero what it gives back."""
    policy, new = wish.policy, wish.change.id

    def price(segment: Segment) -> int:
        offer = wish.offer if segment.term == new else None
        return price_of(state, policy, segment, offer)

    year = policy["year_from"]
    after, before = (charged(side, year, price) for side in (wish.after, wish.before))
    return after - before + wish.change.extra_fen


def price_of(
    state: State, policy: dict[str, Any], segment: Segment, offer: Offer | None = None
) -> int:
    """The premium of a whole year on the figures of a segment, by the offer of its term."""
    term = policy["terms"].get(segment.term, {"offer": policy["offer"], "loading_ppm": ONE})
    offer = offer or offer_of(state, policy["listing"], term["offer"])
    figures = {name: segment.declared[name] for name in offer.declared()}
    return premium(offer, policy["facts"], figures, term["loading_ppm"])[0]


def _reasons(
    state: State, wish: Wish, now: Moment, spent: int | None, hits: list[str]
) -> Iterator[Reason]:
    """What the change itself brings up."""
    at, rules = wish.change.at, wish.offer.changes
    listed = state.need("listing", wish.policy["listing"])
    times = {"at": beijing_text(at), "now": beijing_text(now.time)}
    if not at_midnight(at):
        yield no("not_midnight", Verdict.REFUSED, since=times["at"])
    if at < now.time and not listed["arrears"]:
        yield no("backdated", Verdict.REFERRED, **times)
    later = [c["at"] for c in wish.policy["changes"] if c["at"] > at]
    if later and rules.out_of_sequence is not Allowed.ALLOWED:
        verdict = Verdict(str(rules.out_of_sequence))
        yield no("out_of_sequence", verdict, at=times["at"], later=beijing_text(min(later)))
    if wish.transaction is Transaction.CANCEL and rules.cancel is not Allowed.ALLOWED:
        verdict = Verdict(str(rules.cancel))
        yield no("cancel_not_offered", verdict, allowed=str(rules.cancel))
    if wish.transaction is Transaction.REINSTATE:
        before, wanted = spent or 0, sum(wish.change.declared.values())
        had = _reinstated(wish, now)
        if wanted + had > before:
            sums: dict[str, Fact] = {"wanted": wanted, "spent": before, "had": had}
            yield no("reinstates_too_much", Verdict.REFUSED, **sums)
    if wish.transaction is Transaction.RENEW:
        yield from listed_by(wish.offer.sanctions() or "", hits)


def _reinstated(wish: Wish, now: Moment) -> int:
    """What was reinstated before, in the policy year of the change, from whatever instant on.

    Up to rule set 3 only what holds at the instant of the change was counted.
    """
    if now.rules >= RAISES_SINCE:
        year = period_of(wish.change.at, wish.policy["year_from"])
        mine = (Change.from_json(change) for change in wish.policy["changes"])
        return sum(
            sum(change.declared.values())
            for change in mine
            if change.transaction is Transaction.REINSTATE and year[0] <= change.at < year[1]
        )
    found = at_instant(wish.before, wish.change.at)
    name = wish.offer.changes.reinstate
    return 0 if found is None or name is None else found.declared[name]


def _raised_from(wish: Wish) -> int | None:
    """The first instant from which more can be due; a renewal is held against what it follows."""
    last = wish.before[-1]
    for part in overlay(wish.before, wish.after):
        if not part.in_force:
            continue
        old = at_instant(wish.before, part.since)
        if old is None and part.since >= last.until:
            name = wish.offer.changes.reinstate  # begins anew with each term
            old = last if name is None else replace(last, declared={**last.declared, name: 0})
        if old is None or raises(wish.offer, old.declared, part.declared):
            return part.since
    return None


def _asked(wish: Wish) -> Asked:
    """The policy as it will stand, as the rules of an offer look at it."""
    segment = wish.standing or at_instant(wish.before, wish.change.at) or wish.before[-1]
    figures = {name: segment.declared[name] for name in wish.offer.declared()}
    policy, since = wish.policy, min(wish.change.at, segment.since)
    return Asked(since, segment.until, policy["facts"], figures, policy["holder"], policy["feeder"])


def _known(state: State, wish: Wish, now: Moment, silent: list[str]) -> Known:
    prefix = f"{wish.policy['listing']}/{wish.policy['feeder']}/"
    nearby = [
        Span(v["since"], v["until"], v["fen"])
        for key, v in state.range("exposure", prefix)
        if key != f"{prefix}{wish.policy['policy']}" and sold.stands(v, now.time)
    ]
    return Known(now.time, nearby=nearby, silent=silent)


def _row(part: Segment, number: int) -> dict[str, Any]:
    """What the row of a part must say."""
    kind = part.transaction
    if not part.in_force:
        kind = Transaction.CANCEL
    elif kind is Transaction.ISSUE:
        kind = Transaction.ENDORSE
    return {
        "transaction": str(kind),
        "since": part.since,
        "until": part.until,
        "number": number,
        "declared": dict(part.declared),
    }
