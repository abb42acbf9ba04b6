"""What a running member answers about the key for its acts, over its control socket."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ....acts.base import CHANGED
from ....acts.change_key import KIND, body_of
from ....acts.state import State
from ....errors import Refused
from ....measures.suites import public_hex
from ....wiring.consortium import Seated
from ..control import Command, Tell

Json = dict[str, Any]


def answers(seated: Seated) -> Mapping[str, Command]:
    """Commands of one member."""
    node = seated.member.node

    def change_key(_: Tell, asked: Json) -> Json:
        """Say ourselves that the key that stands ready is ours from now on."""
        seated.key_ready()
        node.go_by_next()
        following = node.identity.next
        if following is not None:
            body = body_of(following, node.chain, node.identity.member, asked["until"])
            try:
                node.accept(KIND, f"key-{body['key'][:24]}-{body['until']}", body)
            except Refused:
                if not node.go_by_next() or node.identity.next is not None:
                    raise  # else it is ours by now: it was said before, or by votes
        return standing()

    def key_stands(*_: Any) -> Json:
        """Whether the record has given us a key that we have."""
        seated.key_ready()
        node.go_by_next()
        return standing()

    def key_wish(_: Tell, asked: Json) -> Json:
        """What the others say so that the key that stands ready is ours: its own word is in it."""
        seated.key_ready()
        following = node.identity.next
        assert following is not None, "made before it is asked for"
        return body_of(following, node.chain, node.identity.member, asked["until"])

    def standing() -> Json:
        """`sources` are those that know us by earlier keys alone: to be registered anew."""
        in_force = node.go_by_next()
        own, following = public_hex(node.identity.acts), node.identity.next
        with node.reading() as (_, state):
            sources = list(_left(state, node.identity.member, own))
        waits = None if following is None else public_hex(following)
        return {"key": own, "in_force": in_force, "next": waits, "sources": sources}

    return {"change_key": change_key, "key_stands": key_stands, "key_wish": key_wish}


def _left(state: State, member: str, own: str) -> Iterator[str]:
    earlier = set((state.get("member", member) or {}).get(CHANGED, {}))
    for name, source in state.range("source", ""):
        keys = {key["key"] for key in source["keys"] if key["until"] is None}
        if keys & earlier and own not in keys:
            yield name
