"""What payer and standby payer of a listing do for a mandate, asked for over control sockets.

Accounts lie with who pays and in no blob or act, so they are handed over beside the record. What is
handed over is what a take-over needs: the policies' payees and the carriers' accounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....acts.state import State
from ....errors import Refusal, Refused
from ....wiring.consortium import Seated
from ..control import Command, Tell
from ..plan import no_listing

AT_ONCE = 5_000  # policies of which the payees are told in one answer
FIELDS = ("account", "name")
Json = dict[str, Any]


def answers(seated: Seated) -> Mapping[str, Command]:
    """Commands of one member."""
    node = seated.member.node
    me = node.identity.member

    def payees(_: Tell, asked: Json) -> Json:
        """Whom we pay under a listing, from a position of its book on; null ends it."""
        start = int(asked["start"])
        with node.reading() as (reading, state):
            listing = _of(state, asked["listing"], "payer", me)
            size = (state.get("book", listing["book"]) or {"size": 0})["size"]
            end = min(size, start + AT_ONCE)
            rows = reading.rows_between(listing["book"], start, end)
            names = list(dict.fromkeys(f"policy/{row.row.policy}" for row in rows))
            if not start:
                names += [f"carrier/{s['carrier']}" for s in listing["placement"]["shares"]]
            found = reading.payees(names)
        told = {
            name: {field: kept[field] for field in FIELDS}
            for name, kept in found.items()
            if set(FIELDS) <= kept.keys()
        }
        return {"payees": told, "next": end if end < size else None}

    def keep_payees(_: Tell, asked: Json) -> int:
        """Keep whom to pay under a listing once we have taken over; how many are new or changed."""
        given: Json = asked["payees"]
        with node.store.writing() as block:
            _of(State(block), asked["listing"], "standby_payer", me)
            there = block.payees(list(given))
            block.put_payees((name, one) for name, one in given.items() if name not in there)
            changed = [
                n for n, old in there.items() if any(old.get(f) != given[n][f] for f in FIELDS)
            ]
            for name in changed:
                block.put_payee(name, {**there[name], **given[name]})
        return len(given) - len(there) + len(changed)

    return {"payees": payees, "keep_payees": keep_payees}


def _other(kept: Json, given: Json) -> bool:
    return any(kept.get(field) != given[field] for field in FIELDS)


def _of(state: State, name: str, part: str, me: str) -> Json:
    """A listing in which we have this part.

    Errors   Refused net.no_listing, net.no_standby, net.not_its_payer.
    """
    entry = state.get("listing", name)
    if entry is None:
        raise no_listing(state, str(name))
    listing: Json = entry["listing"]
    if listing["standby_payer"] is None:
        raise Refused(Refusal("net.no_standby", {"listing": name}))
    if listing[part] != me:
        facts = {"listing": name, "member": me, "payer": str(listing[part])}
        raise Refused(Refusal("net.not_its_payer", facts))
    return listing
