"""A town whose members take their seats: the acts that hand the order over, and what pins them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from miaopei.acts.envelope import Act
from miaopei.node.order.convening import Founding, continuing
from miaopei.node.order.founding import Founder
from tests.support.consortium import founder, public
from tests.support.town import Town, good

OTHERS = ("cloud", "regulator", "notary")


def seat(town: Town, **more: Any) -> dict[str, Any]:
    """The seat of the member that has ordered alone."""
    me = town.me
    return {
        "member": me.member,
        "power": 1,
        "log": me.log.public_key().public_bytes_raw().hex(),
        "box": me.box.public_key().public_bytes_raw().hex(),
        **{name: public(me.member, name) for name in ("engine", "node", "peer")},
        **more,
    }


def acts(town: Town, others: Sequence[str] = OTHERS, **more: Any) -> list[Act]:
    """The acts of the block that seats the town's member and others."""
    founders: list[Founder] = [founder(member) for member in others]
    seats = [seat(town, **more), *(each.seat for each in founders)]
    return [
        *(town.act("admit_member", each.entry) for each in founders),
        town.act("convene", {"seats": seats}),
    ]


def hand_over(town: Town) -> Founding:
    """Seat them; the file that pins it."""
    with town.store.reading() as reading:
        head = reading.head()
    assert town.node.genesis is not None
    made = continuing(town.node.genesis, acts(town), head, head.time)
    for result in town.node.submit(made.acts):
        good([result])
    return made
