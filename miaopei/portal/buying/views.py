"""What buying shows of the record: offers, applications, policies. Nothing of any person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ...acts.file_offer import on_sale
from ...acts.pauses import paused_since
from ...acts.sold import segment_json, segments_of, state_at
from ...errors import Refusal
from ...settings import Language
from ...underwriting.offer import Offer, Words
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
            "pool": pool(desk, found),
            "paused_since": paused_since(desk.state, found.listing)}  # fmt: skip


def pool(desk: Desk, found: Offer) -> dict[str, Any]:
    """Policies in force at the record's time, and a warning where they are fewer than needed."""
    by_channel = desk.once(("pool", found.listing), lambda: _on_risk(desk, found.listing))
    count = by_channel.total()
    return {
        "policies": count,
        "least": found.least_policies,
        "below": count < found.least_policies,
        "by_channel": dict(sorted(by_channel.items())),
    }


def _on_risk(desk: Desk, listing: str) -> Counter[str]:
    """How many policies of a listing are in force, by channel; one that sold any is there."""
    now, channels = desk.head.time, Counter[str]()
    for key, channel in desk.state.range("sold", f"{listing}/"):
        policy = desk.state.need("policy", key.rpartition("/")[2])
        channels[channel] += state_at(segments_of(policy), now) == "on_risk"
    return channels


def application(desk: Desk, id: str) -> dict[str, Any] | None:
    """One application by its number."""
    value = desk.state.get("application", id)
    return None if value is None else application_view(desk, value)


def application_view(desk: Desk, value: Mapping[str, Any]) -> dict[str, Any]:
    """An application with its reasons in words, and what goes back."""
    of = offer(desk, value["listing"])
    return {
        **{name: value[name] for name in APPLICATION},
        "reasons": [_reason(reason, of) for reason in value["reasons"]],
        "refunds": list(_refunds(desk, value)),
    }


def others_of(desk: Desk, value: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The other applications for the same policy, the first asked first."""
    changes = desk.once("changes", lambda: _changes(desk))
    numbers = [value["policy"], *changes.get(value["policy"], ())]
    found = (desk.state.need("application", each) for each in numbers if each != value["id"])
    return sorted(found, key=lambda each: (each["asked_at"], each["id"]))


def _changes(desk: Desk) -> dict[str, list[str]]:
    """Numbers of the applications for changes, by policy; that for a policy bears its number."""
    found: dict[str, list[str]] = {}
    for key, value in desk.state.range("application", ""):
        if key != value["policy"]:
            found.setdefault(value["policy"], []).append(key)
    return found


def applications(
    desk: Desk, listing: str | None, state: str | None, start: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The applications behind `start`, in the order of their numbers."""
    for key, value in desk.state.between("application", start, "\x7f"):
        if listing in (None, value["listing"]) and state in (None, value["state"]):
            yield key, value


def policy(desk: Desk, number: str) -> dict[str, Any] | None:
    """One policy by its number."""
    value = desk.state.get("policy", number)
    return None if value is None else policy_view(desk, value)


def policy_view(desk: Desk, value: Mapping[str, Any]) -> dict[str, Any]:
    """A policy with what stands of it and every transaction."""
    segments = segments_of(value)
    return {
        **{name: value[name] for name in POLICY},
        "state": state_at(segments, desk.head.time),
        "segments": [segment_json(segment) for segment in segments],
        "transactions": [{name: c[name] for name in TRANSACTION} for c in value["changes"]],
    }


def policies(
    desk: Desk, listing: str | None, start: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The policies behind `start`, in the order of their numbers."""
    for key, value in desk.state.between("policy", start, "\x7f"):
        if listing in (None, value["listing"]):
            yield key, value


def _reason(reason: Mapping[str, Any], of: Offer | None) -> dict[str, Any]:
    """A reason with its sentences, in which questions and answers have their names."""
    said = {
        each: texts.sentence(Refusal(reason["code"], _named(reason["facts"], of, each)), each)
        for each in texts.LANGUAGES
    }
    return {**reason, "texts": said}


def _named(facts: Mapping[str, Any], of: Offer | None, language: Language) -> Mapping[str, Any]:
    """The facts of a reason with an offer's words in place of its codes."""
    asked = () if of is None else of.questions
    question = next((each for each in asked if each.name == facts.get("fact")), None)
    if question is None:
        return facts

    def word(words: Words) -> str:
        return words.zh if language == "zh" else words.en

    def answer(code: str) -> str:
        return word(question.choices[code]) if code in question.choices else code

    comma = "、" if language == "zh" else ", "
    named = {"fact": word(question.words), "value": answer(str(facts.get("value")))}
    named["allowed"] = comma.join(answer(each) for each in str(facts.get("allowed")).split(", "))
    return {**facts, **named}


def _refunds(desk: Desk, value: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for debt in value["refunds"]:
        payment = desk.state.need("payment", debt)
        yield {"id": debt, "due_fen": payment["due_fen"], "paid_fen": payment["executed_fen"]}
