"""What a running member answers about seats, approvals and rounds, over its control socket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....acts import pauses, wishes, withdraw_approval
from ....acts.base import Moment
from ....acts.facts import product_of
from ....acts.raise_rules import rules_at
from ....acts.rounds import HELD
from ....acts.rule_sets import votes_decide
from ....acts.seats import KEYS, weight
from ....acts.state import State
from ....acts.voted import member as voted_member
from ....acts.wishes import Wish
from ....errors import Refusal, Refused
from ....node.ports import Head
from ....wiring.consortium import Seated
from ..control import Command, Tell


def answers(seated: Seated) -> Mapping[str, Command]:
    """Commands of one member."""
    node = seated.member.node
    me = node.identity.member

    def meet(_: Tell, asked: dict[str, Any]) -> None:
        seated.meet(asked["member"], asked["blobs"], asked["certificate"])

    def approval(_: Tell, asked: dict[str, Any]) -> dict[str, Any]:
        """Who has wanted something, and at which height it was done (null where it is not)."""
        with node.reading() as (_reading, state):
            wish = wishes.read(state, asked["kind"], asked["body"])
        return {"done": wish.done if wish else None, "by": sorted(wish.by if wish else ())}

    def word(_: Tell, asked: dict[str, Any]) -> dict[str, Any]:
        """Say that we want something, once, by whatever command; what it waits for still. No act
        (null) where our word stands, or it is done.
        """
        kind, body = asked["kind"], asked["body"]
        with node.reading() as (reading, state):
            wish = wishes.read(state, kind, body)
            head = reading.head()
            over = wish is not None and (wish.done is not None or stands(state, wish, head))
        if over:
            return {"act": None, "waits": []}
        done = node.accept(kind, node.word(kind, body), body)
        return {"act": done.act, "waits": [note.as_json() for note in done.notes]}

    def stands(state: State, wish: Wish, head: Head) -> bool:
        """Whether our word does, and does not have to be said once more."""
        open_ = me in wish.by and wish.is_open(state, head.time, head.height)
        return open_ and me not in wish.lacking(state, head.height)

    def by_votes(_: Tell, asked: dict[str, Any]) -> bool:
        """Whether a member is named by votes in the block to come, and by no operator alone."""
        with node.reading() as (reading, state):
            return named_by_votes(state, asked["body"], reading.head())

    def pause(_: Tell, asked: dict[str, Any]) -> dict[str, Any]:
        """Whether a listing is paused, by whom, and whose word waits for a second."""
        with node.reading() as (_reading, state):
            value = state.get(pauses.TABLE, asked["listing"]) or {}
        said = {name: sorted(value.get(name) or {}) for name in ("by", "waiting")}
        return {"paused": bool(value.get("paused")), **said}

    def listed(_: Tell, asked: dict[str, Any]) -> Any:
        """How a listing stands on the record; null where none of this name does."""
        with node.reading() as (_reading, state):
            return state.get("listing", asked["listing"])

    def waiting(*_: Any) -> list[dict[str, Any]]:
        """What waits for a word of ours, each with its name and body."""
        with node.reading() as (reading, state):
            head = reading.head()
            return [
                {
                    **one.as_json(),
                    "name": one.wish.name,
                    "body": one.wish.body,
                    "about": _about(state, one.wish.body),
                }
                for one in wishes.waiting(state, head.time, head.height)
                if me in one.lacks
            ]

    def agree(tell: Tell, asked: dict[str, Any]) -> dict[str, Any]:
        """Say that we want what waits for our word under this name; what it waits for still."""
        found = [one for one in waiting() if one["name"] == asked["name"]]
        if not found:
            raise Refused(Refusal("net.nothing_waits", {"what": str(asked["name"])[:60]}))
        return word(tell, found[0])

    def withdraw(_: Tell, asked: dict[str, Any]) -> dict[str, Any]:
        """Take back our word for what stands under this name."""
        with node.reading() as (_reading, state):
            wish = wishes.named(state, asked["name"])
        said = "" if wish is None else wish.by.get(me, "")
        # Named by the word that it takes back: sent twice it is one act, and a later word's is not.
        ref, body = f"withdraw-{said[:24]}", {"approval": asked["name"], "word": said}
        return {"act": node.accept(withdraw_approval.KIND, ref, body).act}

    def named(_: Tell, asked: dict[str, Any]) -> list[str]:
        """Listings that a member decides or pays."""
        with node.reading() as (_reading, state):
            return [
                name
                for name, value in state.range("listing", "")
                if asked["member"]
                in (*value["listing"]["deciders"], value["listing"]["payer"],
                    value["listing"]["standby_payer"])
            ]  # fmt: skip

    def wanted(_: Tell, asked: dict[str, Any]) -> list[dict[str, Any]]:
        """What members have wanted, by whom, of those names that begin so; `done` ones too where
        that is asked, else what still lacks votes.
        """
        with node.reading() as (reading, state):
            now, done = reading.head(), bool(asked.get("done"))
            found = wishes.every(state, str(asked.get("begin", "")), done=done)
            shown = [_wish(state, wish, now) for wish in found]
        return shown if done else [each for each in shown if each["open"]]

    def entry(_: Tell, asked: dict[str, Any]) -> dict[str, Any] | None:
        """A member as the record names it."""
        with node.reading() as (_reading, state):
            found: dict[str, Any] | None = state.get("member", asked["member"])
        return found

    def held(_: Tell, asked: dict[str, Any]) -> list[dict[str, Any]]:
        """Cases whose deciders have not come to agree, by the beginning of their key."""
        with node.reading() as (_reading, state):
            return [
                {"case": key, "trigger": case["trigger"], "reason": case["reason"]}
                for key, case in state.range("case", asked["case"])
                if case["state"] == HELD
            ]

    def open_round(_: Tell, asked: dict[str, Any]) -> dict[str, Any]:
        """Have a held case decided once more: the round after the one that has ended."""
        with node.reading() as (_reading, state):
            ended = state.get("ended", asked["trigger"])
        if ended is None:
            raise Refused(Refusal("act.no_round_ended", {"trigger": asked["trigger"][:60]}))
        body = {"trigger": asked["trigger"], "round": ended["round"] + 1}
        ref = f"round-{body['round']}-{asked['trigger'][:24]}"
        return {"act": node.accept("open_round", ref, body).act, "round": body["round"]}

    return {
        "meet": meet,
        "approval": approval,
        "word": word,
        "by_votes": by_votes,
        "pause": pause,
        "wishes": wanted,
        "entry": entry,
        "listed": listed,
        "waiting": waiting,
        "agree": agree,
        "withdraw": withdraw,
        "named": named,
        "held": held,
        "open_round": open_round,
    }


def named_by_votes(state: State, body: dict[str, Any], head: Head) -> bool:
    """Whether a member is named by votes in the block after this one."""
    rules = rules_at(state, head.height + 1)
    now = Moment(head.height + 1, head.time, rules, "")
    return votes_decide(rules, voted_member.KIND) and voted_member.by_votes(state, body, now)


def _about(state: State, body: dict[str, Any]) -> dict[str, Any]:
    """Who runs the members that a listing names, and what its product is called."""
    listing = body.get("listing")
    if not isinstance(listing, dict):
        return {}
    named = {listing["payer"], listing["standby_payer"], *listing["deciders"]} - {None}
    operators = {name: state.need("member", name)["operator"] for name in sorted(named)}
    return {"operators": operators, "product": product_of(state, body["product"]).name.as_json()}


def _wish(state: State, wish: Wish, now: Head) -> dict[str, Any]:
    votes, total = weight(state, wish.by)
    return {
        "name": wish.name,
        "kind": wish.kind,
        "body": wish.body,
        "said": {field: given for field, given in wish.body.items() if field not in KEYS},
        "by": sorted(wish.by),
        "lacks": list(wish.lacking(state, now.height)),
        "again": wish.once_more(state, now.height),
        "votes": votes,
        "total": total,
        "done": wish.done,
        "open": wish.is_open(state, now.time, now.height),
    }
