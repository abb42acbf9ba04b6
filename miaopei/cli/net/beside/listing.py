"""`miaopei begin` on a member's folder: what this member has to do so that a scheme stands.

Each member runs it with the same scheme: an operator puts it on the record, whoever the listings
bind agrees to them on its own copy, and the one that pays issues the policies and keeps whom to
pay. What is done already is not done again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ....acts.base import has_role
from ....acts.wishes import waiting
from ....node import scheme
from ....node.node import Node
from ....node.scheme import Parties
from ....products.shelf import shelf
from ....settings import Language
from ... import live, speak
from ...place import Place

Json = Mapping[str, Any]


def begin(place: Place, name: str, parties: Parties, *, language: Language) -> int:
    """Do this member's part; 1 where others still have to do theirs first.

    Errors   Refused scheme.*, and what the record says against it.
    """
    value = scheme.read(Path(name).read_bytes()) if Path(name).is_file() else scheme.load(name)
    speaker = speak.Speaker(language)
    with live.with_bank(place) as (member, bank):
        node = member.node
        acts = scheme.set_up(node, value, shelf(), parties) if _is_ours(node, value) else 0
        agreed = scheme.agree(node, value, shelf(), parties)
        lacking, issued = lacks(node, value), 0
        if not lacking and node.identity.member == parties.payer:
            issued = scheme.issue_all(node, value, bank.control if bank.sandbox else None)
        member.work()
    for label in value["labels"][language]:
        speak.out(f"  ! {label}")
    done = {"acts": acts, "agreed": agreed, "policies": issued}
    speak.out(speaker.text("begun_on_member", member=node.identity.member, **done))
    for listing, members in lacking.items():
        facts = {"listing": listing, "members": ", ".join(members) or "-"}
        speak.out(speaker.text("begun_lacks", **facts))
    return 1 if lacking else 0


def lacks(node: Node, value: Json) -> dict[str, tuple[str, ...]]:
    """The scheme's listings that do not stand yet, each with whose word it waits for."""
    with node.reading() as (reading, state):
        head = reading.head()
        open_ = {one.wish.body["listing"]["id"]: one.lacks for one in _listings(state, head)}
        named = [entry["id"] for entry in value["listings"]]
        return {n: open_.get(n, ()) for n in named if not state.has("listing", n)}


def _is_ours(node: Node, value: Json) -> bool:
    """Whether we are an operator, and nobody has begun with this scheme."""
    with node.reading() as (reading, state):
        named = {entry["id"] for entry in value["listings"]}
        begun = {one.wish.body["listing"]["id"] for one in _listings(state, reading.head())}
        stand = {name for name in named if state.has("listing", name)}
        return has_role(state, node.identity.member, ["operator"]) and not named & (begun | stand)


def _listings(state: Any, head: Any) -> list[Any]:
    every = waiting(state, head.time, head.height)
    return [one for one in every if one.wish.kind == "list_product"]
