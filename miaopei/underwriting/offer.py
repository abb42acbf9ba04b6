"""An offer 承保方案: how one listing is sold, in versions; a policy keeps the one it was sold on.

Terms say what is paid; an offer says who may buy, at what premium, by which channels, and what may
be changed later. Source: docs/specs/policies.md, section 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from ..accounts.shape import OPTIONAL_INTEGER, OPTIONAL_TEXT, read
from ..errors import Refusal, Refused
from ..measures.identity import content_id
from .rules import OneOf, Rule, Sanctions, Within, bad, rule_from, rule_json
from .tariff import Tariff

FORMAT = "miaopei.offer/1"
CODE = "underwriting.bad_field"
TYING = ("requires", "compulsory", "only_with", "tied")  # what no offer may say of another listing
PARTS: dict[str, type | tuple[type, ...]] = {
    "format": str, "listing": str, "number": int, "name": dict, "notes": dict,
    "illustrative": bool, "since": int, "until": OPTIONAL_INTEGER, "questions": list,
    "rules": list, "tariff": dict, "collector": str, "pay_within_seconds": int,
    "bank_grace_seconds": int, "least_policies": int, "related": list, "channels": list,
    "changes": dict,
}  # fmt: skip


class Allowed(StrEnum):
    """What becomes of a wish to change a policy."""

    ALLOWED = "allowed"
    REFERRED = "referred"
    REFUSED = "refused"


class Way(StrEnum):
    """How a channel sells."""

    ONLINE = "online"  # the public page
    OFFLINE = "offline"  # keyed by an agent, who is named
    PARTNER = "partner"  # by API, with a token of its own


@dataclass(frozen=True)
class Words:
    """One text in both languages."""

    zh: str
    en: str

    def as_json(self) -> dict[str, str]:
        """The form that is filed."""
        return {"zh": self.zh, "en": self.en}

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Errors   Refused underwriting.bad_field."""
        return cls(*read(value, CODE, zh=str, en=str))


@dataclass(frozen=True)
class Question:
    """What an applicant is asked, and the answers there are: id -> words."""

    name: str
    words: Words
    choices: Mapping[str, Words]


@dataclass(frozen=True)
class Channel:
    """A way in, by its id, which stands on each policy."""

    id: str
    way: Way
    words: Words


@dataclass(frozen=True)
class Changes:
    """What may be changed after the issue, and what it costs.

    `endorse`: declared figures that may change; `out_of_sequence`: a change that takes effect
    before one that is recorded already; `reinstate`: the declared figure that a reinstatement adds
    to (None: none), `reinstate_of_fen` the yearly limit that a whole premium reinstates.
    """

    endorse: tuple[str, ...]
    out_of_sequence: Allowed
    cancel: Allowed
    cancel_fee_fen: int
    reinstate: str | None
    reinstate_of_fen: int

    def as_json(self) -> dict[str, Any]:
        """The form that is filed."""
        return {
            "endorse": list(self.endorse),
            "out_of_sequence": str(self.out_of_sequence),
            "cancel": str(self.cancel),
            "cancel_fee_fen": self.cancel_fee_fen,
            "reinstate": self.reinstate,
            "reinstate_of_fen": self.reinstate_of_fen,
        }

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Errors   Refused underwriting.bad_field."""
        endorse, out, cancel, fee, reinstate, of_fen = read(
            value, CODE, endorse=list, out_of_sequence=str, cancel=str, cancel_fee_fen=int,
            reinstate=OPTIONAL_TEXT, reinstate_of_fen=int,
        )  # fmt: skip
        if any(type(name) is not str for name in endorse):
            raise bad("changes.endorse", "needs names")
        for field, said in (("out_of_sequence", out), ("cancel", cancel)):
            if said not in set(Allowed):
                raise bad(f"changes.{field}", f"'{said[:20]}' is none of {', '.join(Allowed)}")
        if fee < 0 or (reinstate is not None and of_fen <= 0):
            raise bad("changes.reinstate_of_fen", "a limit above zero, and no fee below zero")
        return cls(tuple(endorse), Allowed(out), Allowed(cancel), fee, reinstate, of_fen)


@dataclass(frozen=True)
class Offer:
    """One version of how a listing is sold.

    `since`, `until`: when it may be bought; `collector`: the carrier whose account takes premium;
    `pay_within_seconds`: from the answer; `bank_grace_seconds`: how long a bank's word of money
    that came in time may take; `least_policies`: fewer in force are warned of; `hold_seconds`: how
    long an unpaid application keeps others out of its room (None, in offers that do not say it: as
    long as it may be paid).
    """

    listing: str
    number: int
    name: Words
    notes: Words
    illustrative: bool
    since: int
    until: int | None
    questions: tuple[Question, ...]
    rules: tuple[Rule, ...]
    tariff: Tariff
    collector: str
    pay_within_seconds: int
    bank_grace_seconds: int
    least_policies: int
    related: tuple[str, ...]
    channels: tuple[Channel, ...]
    changes: Changes
    hold_seconds: int | None = None

    @property
    def hash(self) -> str:
        """Content id of the filed form."""
        return content_id("offer", self.as_json())

    def channel(self, name: str) -> Channel | None:
        """The channel of an id."""
        return next((channel for channel in self.channels if channel.id == name), None)

    def sanctions(self) -> str | None:
        """The sanctions list that applicants are looked up in."""
        return next((rule.source for rule in self.rules if isinstance(rule, Sanctions)), None)

    def declared(self) -> dict[str, Within]:
        """The declared figures that an applicant chooses, with their range."""
        return {rule.name: rule for rule in self.rules if isinstance(rule, Within)}

    def as_json(self) -> dict[str, Any]:
        """The form that is filed."""
        held = {} if self.hold_seconds is None else {"hold_seconds": self.hold_seconds}
        return {
            **held,
            "format": FORMAT,
            "listing": self.listing,
            "number": self.number,
            "name": self.name.as_json(),
            "notes": self.notes.as_json(),
            "illustrative": self.illustrative,
            "since": self.since,
            "until": self.until,
            "questions": [
                {
                    "name": q.name,
                    "words": q.words.as_json(),
                    "choices": [{"id": c, **w.as_json()} for c, w in q.choices.items()],
                }
                for q in self.questions
            ],
            "rules": [rule_json(rule) for rule in self.rules],
            "tariff": self.tariff.as_json(),
            "collector": self.collector,
            "pay_within_seconds": self.pay_within_seconds,
            "bank_grace_seconds": self.bank_grace_seconds,
            "least_policies": self.least_policies,
            "related": list(self.related),
            "channels": [
                {"id": c.id, "way": str(c.way), **c.words.as_json()} for c in self.channels
            ],
            "changes": self.changes.as_json(),
        }

    @classmethod
    def from_json(cls, value: object) -> Self:
        """An offer from its form, with every part checked.

        Errors   Refused underwriting.tied_sale for one that makes another cover a condition,
                 underwriting.bad_field, underwriting.unknown_rule.
        """
        _never_tied(value)
        hold, rest = None, value
        if isinstance(value, Mapping) and "hold_seconds" in value:
            hold = value["hold_seconds"]
            rest = {name: part for name, part in value.items() if name != "hold_seconds"}
            if type(hold) is not int or hold < 0:
                raise bad("hold_seconds", "needs seconds, not below zero")
        said = dict(zip(PARTS, read(rest, CODE, **PARTS), strict=True))
        if said["format"] != FORMAT or said["number"] < 1:
            raise bad("format", f"is not {FORMAT}, or its number is below 1")
        if min(said["pay_within_seconds"], said["bank_grace_seconds"], said["least_policies"]) < 0:
            raise bad("pay_within_seconds", "no time or number below zero")
        if any(type(name) is not str for name in said["related"]):
            raise bad("related", "needs the ids of listings")
        found = cls(
            said["listing"],
            said["number"],
            Words.from_json(said["name"]),
            Words.from_json(said["notes"]),
            said["illustrative"],
            said["since"],
            said["until"],
            tuple(_question(question) for question in said["questions"]),
            tuple(rule_from(rule) for rule in said["rules"]),
            Tariff.from_json(said["tariff"]),
            said["collector"],
            said["pay_within_seconds"],
            said["bank_grace_seconds"],
            said["least_policies"],
            tuple(said["related"]),
            tuple(_channel(channel) for channel in said["channels"]),
            Changes.from_json(said["changes"]),
            hold,
        )
        _fits(found)
        return found


def _never_tied(value: object) -> None:
    """Another cover may be offered beside this one and is never a condition of it."""
    if not isinstance(value, Mapping):
        return
    related = value.get("related")
    parts = [value, *(related if isinstance(related, list) else ())]
    for part in parts:
        for name in TYING:
            if isinstance(part, Mapping) and name in part:
                listing = str(value.get("listing"))[:60]
                raise Refused(Refusal("underwriting.tied_sale", {"listing": listing, "by": name}))


def _question(value: object) -> Question:
    name, words, choices = read(value, CODE, name=str, words=dict, choices=list)
    found: dict[str, Words] = {}
    for choice in choices:
        key, zh, en = read(choice, CODE, id=str, zh=str, en=str)
        found[key] = Words(zh, en)
    if not found or len(found) != len(choices):
        raise bad(f"questions.{name}", "needs choices, each once")
    return Question(name, Words.from_json(words), found)


def _channel(value: object) -> Channel:
    key, way, zh, en = read(value, CODE, id=str, way=str, zh=str, en=str)
    if way not in set(Way):
        raise bad("channels", f"'{way[:20]}' is none of {', '.join(Way)}")
    return Channel(key, Way(way), Words(zh, en))


def _fits(offer: Offer) -> None:
    """Names that rules and tariff cite are asked for; each name and channel stands once."""
    questions = {q.name for q in offer.questions}
    declared = set(offer.declared())
    for rule in offer.rules:
        if isinstance(rule, OneOf) and rule.fact not in questions:
            raise bad("rules", f"no question is named '{rule.fact[:40]}'")
    for by in (t.by for t in offer.tariff.tables):
        if by not in questions | declared:
            raise bad("tariff", f"nothing is asked or declared as '{by[:40]}'")
    if offer.tariff.on not in declared:
        raise bad("tariff", f"no range is given for '{offer.tariff.on[:40]}'")
    names = [channel.id for channel in offer.channels]
    if not names or len(set(names)) != len(names) or len(questions) != len(offer.questions):
        raise bad("channels", "needs channels; each channel and each question once")
    if offer.listing in offer.related:
        raise bad("related", "names the listing itself")
