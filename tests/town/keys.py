"""Keys of seats: each member has some of each number, made from its name; a later number is newer.

Same in every run, so that a signature of any key of any run can be made when a checker wants it.
"""

from __future__ import annotations

from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from miaopei.acts.seats import KEYS
from miaopei.node.ports import Identity
from tests.support.town import identity, secret

ENGINES: dict[str, Ed25519PrivateKey] = {}  # of every engine key that a member had, by its public


@cache
def public(member: str, what: str, number: int) -> str:
    """The public half in hex of a member's key of a number; number 1 is what it began with."""
    made = secret(_name(member, what, number))
    if what == "box":
        return X25519PrivateKey.from_private_bytes(made).public_key().public_bytes_raw().hex()
    private = Ed25519PrivateKey.from_private_bytes(made)
    found = private.public_key().public_bytes_raw().hex()
    if what == "engine":
        ENGINES[found] = private
    return found


def seat_keys(member: str, number: int) -> dict[str, str]:
    """All five of a number."""
    return {what: public(member, what, number) for what in KEYS}


@cache
def acts(member: str, number: int) -> Ed25519PrivateKey:
    """A member's key for its acts of a number."""
    if number == 1:
        return identity(member).acts
    return Ed25519PrivateKey.from_private_bytes(secret(_name(member, "acts", number)))


def who(
    member: str, numbers: dict[str, int], signs: int = 1, follows: int | None = None
) -> Identity:
    """A member that goes by its keys of these numbers and opens what was sealed for older ones;
    its acts are signed by the key `signs`, and by `follows` once the record gives it that one.
    """
    boxes = [_box(member, number) for number in range(numbers["box"], 0, -1)]
    log = Ed25519PrivateKey.from_private_bytes(secret(_name(member, "log", numbers["log"])))
    following = None if follows is None else acts(member, follows)
    return Identity(member, acts(member, signs), log, boxes[0], tuple(boxes[1:]), following)


def _box(member: str, number: int) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(secret(_name(member, "box", number)))


def _name(member: str, what: str, number: int) -> str:
    return f"{member}/{what}" if number == 1 else f"{member}/{what} {number}"
