"""What buying shows of the record: offers, applications, policies. Nothing of any person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ...acts.file_offer import on_sale
from ...acts.sold import segments_of
from ...errors import Refusal
from ...underwriting.offer import Offer
from .. import texts
from ..views.desk import Desk

APPLICATION = (
    *("id", "kind", "policy", "order", "listing", "offer", "channel", "state", "at", "until"),
    *("declared", "premium_fen", "steps", "paid_fen", "refund_fen", "reference", "deadline"),
    *("asked_at", "recorded_at"),
)
TRANSACTION = ("id", "transaction", "at", "recorded", "recorded_at", "fen", "declared", "batch")
POLICY = ("policy", "listing", "offer", "channel", "agent", "order", "year_from")


def offers(desk: Desk) -> list[Offer]:
    """The current offer of every listing that has one."""
    return list(on_sale(desk.state).values())


def offer(desk: Desk, listing: str) -> Offer | None:
    """The current offer of a listing."""
    return on_sale(desk.state).get(listing)


def offer_view(desk: Desk, found: Offer) -> dict[str, Any]:
    """An offer with its pool."""
    related = list(found.related)
    return {"offer": found.as_json(), "hash": found.hash, "related": related,
            "pool": pool(desk, found)}  # fmt: skip


def pool(desk: Desk, found: Offer) -> dict[str, Any]:
    """Policies in force at the record's time, and a warning where they are fewer than needed."""
    now, channels = desk.head.time, Counter[str]()
    for key, channel in desk.state.range("sold", f"{found.listing}/"):
        policy = desk.state.need("policy", key.rpartition("/")[2])
        channels[channel] += state_of(policy, now) == "on_risk"
    count = channels.total()
    return {
        "policies": count,
        "least": found.least_policies,
        "below": count < found.least_policies,
        "by_channel": dict(sorted(channels.items())),
    }


def application(desk: Desk, id: str) -> dict[str, Any] | None:
    """One application by its number."""
    value = desk.state.get("application", id)
    return None if value is None else application_view(desk, value)


def application_view(desk: Desk, value: Mapping[str, Any]) -> dict[str, Any]:
    """An application with its reasons in words, and what goes back."""
    return {
        **{name: value[name] for name in APPLICATION},
        "reasons": [_reason(reason) for reason in value["reasons"]],
        "refunds": list(_refunds(desk, value)),
    }


def applications(desk: Desk, listing: str | None, state: str | None, start: str) -> list[str]:
    """Numbers of the applications behind `start`, in the order of their numbers."""
    return [
        key
        for key, value in desk.state.between("application", start, "\x7f")
        if listing in (None, value["listing"]) and state in (None, value["state"])
    ]


def policy(desk: Desk, number: str) -> dict[str, Any] | None:
    """A policy with what stands of it and every transaction."""
    value = desk.state.get("policy", number)
    if value is None:
        return None
    segments = segments_of(value)
    return {
        **{name: value[name] for name in POLICY},
        "state": state_of(value, desk.head.time),
        "segments": [
            {
                "since": s.since,
                "until": s.until,
                "declared": dict(s.declared),
                "in_force": s.in_force,
            }
            for s in segments
        ],
        "transactions": [{name: c[name] for name in TRANSACTION} for c in value["changes"]],
    }


def policies(desk: Desk, listing: str | None, start: str) -> list[str]:
    """Numbers of the policies behind `start`."""
    rows = desk.state.between("policy", start, "\x7f")
    return [key for key, value in rows if listing in (None, value["listing"])]


def state_of(value: Mapping[str, Any], now: int) -> str:
    """Where a policy stands at an instant."""
    segments = segments_of(dict(value))
    live = [s for s in segments if s.in_force]
    if any(s.since <= now < s.until for s in live):
        return "on_risk"
    if any(now < s.since for s in live):
        return "pending"
    ended = [s for s in segments if s.since <= now]
    return "cancelled" if (ended and not ended[-1].in_force) or not live else "expired"


def _reason(reason: Mapping[str, Any]) -> dict[str, Any]:
    refusal = Refusal(reason["code"], reason["facts"])
    said = {each: texts.sentence(refusal, each) for each in texts.LANGUAGES}
    return {**reason, "texts": said}


def _refunds(desk: Desk, value: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for debt in value["refunds"]:
        payment = desk.state.need("payment", debt)
        yield {"id": debt, "due_fen": payment["due_fen"], "paid_fen": payment["executed_fen"]}
