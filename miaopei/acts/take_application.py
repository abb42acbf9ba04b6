"""`take_application`: somebody wants a policy. Recorded and answered in the same act.

Body: {application, order, listing, offer, channel, agent, holder, feeder, facts, declared, since,
until, commitments, looked}. Nothing in it is personal: `holder` marks the subject, `commitments`
bind what the member keeps of the applicant, `looked` says what was looked up. So every member
comes to the same answer by the same rules. Source: docs/specs/policies.md, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..measures.shape import Types
from ..policies.row import HEX_32
from ..underwriting.answer import answer
from ..underwriting.asked import Answer, Asked, Connection, Known, Span
from ..underwriting.offer import Offer, Way
from ..underwriting.tariff import ONE
from . import change_account, sold
from .base import Moment, Outcome, check_id, fields, known, refuse
from .blobs import is_digest
from .envelope import Act
from .facts import product_of
from .file_offer import current_offer
from .pauses import check_open
from .source_state import silent_sources
from .state import State

KIND = "take_application"
ROLES = frozenset({"operator", "carrier", "channel"})
TEXT = (str, type(None))
BODY: dict[str, Types] = {
    "application": str, "order": TEXT, "listing": str, "offer": int, "channel": str, "agent": TEXT,
    "holder": TEXT, "feeder": TEXT, "facts": dict, "declared": dict, "since": int, "until": int,
    "commitments": dict, "looked": dict,
}  # fmt: skip
FOUND = ("covered", "announced", "beside")  # in `looked` only where something was found
KEPT = (
    *("order", "listing", "offer", "channel", "agent", "holder", "feeder", "facts", "declared"),
    *("until", "looked"),
)


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for what cannot be answered; an application that is not eligible is answered so."""
    body = dict(zip(BODY, fields(act.body, **BODY), strict=True))
    name, listing, since, until = (body[n] for n in ("application", "listing", "since", "until"))
    channel, agent, holder, feeder = (body[n] for n in ("channel", "agent", "holder", "feeder"))
    facts, declared, looked = body["facts"], body["declared"], body["looked"]
    known(state, "listing", listing, "act.listing_not_known")
    check_open(state, listing)
    offer = current_offer(state, listing)
    if body["offer"] != offer.number:
        raise refuse("act.offer_superseded", number=body["offer"], current=offer.number)
    _check_names(state, name, body["order"], feeder, holder)
    check_channel(offer, channel, agent)
    _check_texts(facts, declared, body["commitments"])
    before = looked_covered(looked)
    hits, connection = check_looked(state, offer.sanctions(), looked)
    silent = silent_now(state, listing, now)
    asked = Asked(since, until, facts, declared, holder, feeder)
    covered = [*sold.spans(state, "holder", f"{listing}/{holder}/", now.time), *before]
    nearby = sold.spans(state, "exposure", f"{listing}/{feeder}/", now.time)
    found = looked_plans(looked), looked_beside(looked)
    known_of = Known(now.time, covered, nearby, hits, silent, connection, *found)
    said = answer(offer, asked, known_of)
    value = {
        **new_value(name, "issue", name, act, now, said),
        **{name: body[name] for name in KEPT},
        "at": since,
        "figures": whole(offer, declared),
    }
    if said.verdict != "refused":
        rows = [{"transaction": "issue", "since": since, "until": until, "number": 1}]
        value["rows"] = [{**rows[0], "declared": value["figures"]}]
        if offer.hold_seconds is None:
            sold.expose(state, value, [sold.term_of(value)])  # nobody else gets the same room
        if now.rules >= change_account.SINCE:
            change_account.bind(state, name, act, now, body["commitments"])
    outcome = Outcome()
    sold.answered(state, outcome, now, value)
    return outcome


def new_value(
    name: str, kind: str, policy: str, act: Act, now: Moment, said: Answer
) -> dict[str, Any]:
    """An application as it stands right after its answer, before what follows from that."""
    return {
        "id": name,
        "kind": kind,
        "policy": policy,
        "state": str(said.verdict),
        "reasons": [reason.as_json() for reason in said.reasons],
        "premium_fen": said.premium_fen,
        "steps": [step.as_json() for step in said.steps],
        "loading_ppm": ONE,
        "extra_fen": 0,
        "refund_fen": 0,
        "paid_fen": 0,
        "reference": None,
        "deadline": None,
        "until_late": None,
        "duty": None,
        "rows": [],
        "refunds": [],
        "batch": None,
        "recorded_at": None,
        "asked_at": now.time,
        "answered_by": None,
        "by": act.by,
        "act": act.id,
    }


def whole(offer: Offer, declared: Mapping[str, int]) -> dict[str, int]:
    """All that the terms read: what was declared, and nothing reinstated yet."""
    name = offer.changes.reinstate
    return dict(declared) if name is None else {**declared, name: 0}


def check_channel(offer: Offer, name: str, agent: str | None) -> None:
    """Errors   Refused act.channel_not_known, act.agent_missing, act.bad_body."""
    channel = offer.channel(name)
    if channel is None:
        known_ones = ", ".join(c.id for c in offer.channels)
        raise refuse("act.channel_not_known", channel=name[:40], known=known_ones)
    if (channel.way is Way.OFFLINE) != (agent is not None):
        raise refuse("act.agent_missing", channel=name, way=str(channel.way))
    if agent is not None:
        check_id("agent", agent)


def check_looked(
    state: State, wanted: str | None, looked: Mapping[str, Any]
) -> tuple[list[str], Connection]:
    """What was looked up: hits on the sanctions list that is wanted, and the connection.

    Errors   Refused act.sanctions_not_looked for a list that is not the last version filed.
    """
    asked = {name: value for name, value in looked.items() if name not in FOUND}
    sanctions, connection = fields(asked, sanctions=(dict, type(None)), connection=str)
    if connection not in set(Connection):
        raise refuse("act.bad_body", field="connection", why="is no known word")
    hits = list[Any]()
    if wanted is not None:
        filed = known(state, "sanctions", wanted, "act.sanctions_not_filed")
        given = {"list": str, "version": int, "hits": list}
        source, version, hits = fields(sanctions or {}, **given)
        if (source, version) != (wanted, filed["version"]):
            facts = {"version": version, "current": filed["version"]}
            raise refuse("act.sanctions_not_looked", list=source[:60], **facts)
        if any(hit not in ("id", "name") for hit in hits):
            raise refuse("act.bad_body", field="hits", why="each is id or name")
    return hits, Connection(connection)


def looked_covered(looked: Mapping[str, Any]) -> list[Span]:
    """Cover of the same person that the member found in its book: brought in, or by an older token.

    Errors   Refused act.bad_body.
    """
    found = looked.get("covered")
    if found is None:
        return []
    if not isinstance(found, list) or [type(each) for each in found] != [int, int]:
        raise refuse("act.bad_body", field="covered", why="needs since and until")
    return [Span(*found)]


def looked_plans(looked: Mapping[str, Any]) -> int:
    """How many outages the member found announced within the cover.

    Errors   Refused act.bad_body.
    """
    found = looked.get("announced", 0)
    if type(found) is not int or found < 0:
        raise refuse("act.bad_body", field="announced", why="needs a count")
    return found


def looked_beside(looked: Mapping[str, Any]) -> list[str]:
    """Other listings under which the member found the same person covered.

    Errors   Refused act.bad_body.
    """
    found = looked.get("beside", [])
    if not isinstance(found, list) or any(type(each) is not str for each in found):
        raise refuse("act.bad_body", field="beside", why="needs the ids of listings")
    return found


def silent_now(state: State, listing: str, now: Moment) -> list[str]:
    """Sources of a listing's product that nobody hears: what rests on them is not sold."""
    product = product_of(state, state.need("listing", listing)["product"])
    return [silence.source for silence in silent_sources(state, product, now.time)]


def _check_names(
    state: State, name: str, order: str | None, feeder: str | None, holder: str | None
) -> None:
    for field, number in (("application", name), ("order", order)):
        if number is not None and not HEX_32.fullmatch(number):
            raise refuse("act.bad_body", field=field, why="needs 32 hex digits")
    if state.has("application", name) or state.has("policy", name):
        raise refuse("act.application_known", id=name)
    if feeder is not None:
        check_id("feeder", feeder)
    if holder is not None and not is_digest(holder):
        raise refuse("act.bad_body", field="holder", why="needs 64 hex digits")


def _check_texts(
    facts: Mapping[str, Any], declared: Mapping[str, Any], commitments: Mapping[str, Any]
) -> None:
    """Kinds of the values; which of them there must be is the offer's to say."""
    if any(type(value) is not str for value in facts.values()):
        raise refuse("act.bad_body", field="facts", why="each answer is a text")
    if any(type(value) is not int for value in declared.values()):
        raise refuse("act.bad_body", field="declared", why="each figure is an integer")
    for name, value in commitments.items():
        if type(value) is not str or not is_digest(value):
            raise refuse("act.bad_body", field=name[:40], why="needs 64 hex digits")
