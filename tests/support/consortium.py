"""Members of a consortium for tests: their keys from their names, and a genesis that seats them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from miaopei.acts.envelope import Act, sign
from miaopei.acts.freshness import LONGEST, SINCE
from miaopei.measures.identity import content_id
from miaopei.node.order.founding import Founder, consortium_genesis
from miaopei.node.order.parcel import Parcel, time_item
from miaopei.node.ports import Identity
from tests.support.town import identity, secret

SIX = ("utility", "insurer", "agent", "regulator", "cloud", "notary")
START = 1_000_000


def key(member: str, what: str) -> Ed25519PrivateKey:
    """One of a member's keys."""
    return Ed25519PrivateKey.from_private_bytes(secret(f"{member}/{what}"))


def public(member: str, what: str) -> str:
    """Its public half, in hex."""
    return key(member, what).public_key().public_bytes_raw().hex()


def founder(member: str, roles: Sequence[str] = ("operator", "gateway", "decider")) -> Founder:
    """A founding member with all its keys."""
    me = identity(member)
    return Founder(
        id=member,
        name={"zh": f"成员{member}", "en": member},
        roles=tuple(roles),
        acts=me.acts.public_key().public_bytes_raw().hex(),
        engine=public(member, "engine"),
        node=public(member, "node"),
        peer=public(member, "peer"),
        log=me.log.public_key().public_bytes_raw().hex(),
        box=me.box.public_key().public_bytes_raw().hex(),
    )


def genesis(members: Sequence[str] = SIX, *, clock: str = "live") -> dict[str, Any]:
    """A consortium of these members."""
    return consortium_genesis(
        "six",
        [
            founder(m, ("operator", "gateway", "decider", *(["clock"] if m == "cloud" else [])))
            for m in members
        ],
        clock=clock,
        time=START,
        origin="example.org/six",
        replay_source="cloud" if clock == "replay" else None,
    )


def act(value: dict[str, Any], by: str, kind: str, ref: str, body: dict[str, Any]) -> Act:
    """An act of one member; in a live record it may be taken for as long as any."""
    ended = value["clock"] == "live" and value["rules"] >= SINCE
    until = value["time"] + LONGEST if ended else None
    return sign(identity(by).acts, content_id("chain", value), kind, by, ref, body, until)


def newcomer(value: dict[str, Any], name: str, by: str = "utility") -> Act:
    """An act that names one more participant."""
    body = {
        "id": name, "name": {"zh": "参与者", "en": name}, "operator": name, "roles": [], "keys": [],
    }  # fmt: skip
    return act(value, by, "admit_member", name, body)


def block(time: int | None, *acts: Act, attempt: int = 1) -> list[bytes]:
    """The items of a block: the proposer's clock, then one parcel."""
    items = [] if time is None else [time_item(time)]
    return [*items, *([Parcel(attempt, acts).to_bytes()] if acts else [])]


def who(member: str) -> Identity:
    """A member's own keys."""
    return identity(member)
