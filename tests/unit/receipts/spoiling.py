"""Spoilt receipts of many sorts, drawn by a seed: none of them may hold, none may crash anybody.

The forger here holds a member's key and may sign the file anew; not the log's, nor two thirds of a
consortium's (that forger is in tests/unit/claims/forging.py).
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from miaopei.claims.receipt import DOMAIN, from_json
from miaopei.errors import Refused
from miaopei.ledger.checkpoint import verifier_key
from miaopei.measures.identity import canonical
from tests.unit.claims.replayed import IDENTITY, ORIGIN
from tests.unit.receipts.certified import certified, seats
from tests.unit.receipts.gathered import Held, gathered, quakes

Draw = random.Random
MADE_UP = Ed25519PrivateKey.from_private_bytes(b"made up".ljust(32))
# Parts that say what is paid to whom and why. (A receipt may show more members or facts than it
# needs, so those of another receipt of the same record do no harm.)
PARTS = ("row", "claim", "payouts", "checkpoint")
ROLES = ("genesis", "product", "listing", "trigger", "decisions", "settlement", "case", "blocks")


def signed(value: Any, key: Ed25519PrivateKey = IDENTITY.acts) -> bytes:
    """The file signed anew by a member; where it is no receipt any more, as it is."""
    try:
        return from_json({**value, "sig": ""}).signed(key.sign).to_bytes()
    except Refused:
        return canonical(value)


def places(data: bytes, text: bytes) -> list[int]:
    """Where a text stands."""
    return [match.start() for match in re.finditer(re.escape(text), data)]


def some_bytes(good: Held, draw: Draw) -> bytes:
    data = bytearray(good.data)
    for _ in range(draw.randint(1, 3)):
        data[draw.randrange(len(data))] ^= draw.randint(1, 255)
    return bytes(data)


def truncated(good: Held, draw: Draw) -> bytes:
    return good.data[: draw.randrange(len(good.data))]


def pieced(good: Held, draw: Draw) -> bytes:
    """The head of one file and the tail of another; or more after the end."""
    other = draw.choice(gathered()).data
    at = draw.randrange(len(good.data))
    return draw.choice((good.data[:at] + other[at:], good.data + other, good.data + b"\n"))


def swapped(good: Held, draw: Draw) -> bytes:
    """Parts of two good receipts in one, signed anew."""
    value, other = json.loads(good.data), json.loads(draw.choice(gathered()).data)
    if draw.random() < 0.5:
        part = draw.choice(PARTS)
        value[part] = other[part]
    else:
        role = draw.choice(ROLES)
        value["leaves"][role] = other["leaves"][role]
    return signed(value)


def changed(good: Held, draw: Draw) -> bytes:
    """One value of an entry, a row or a claim, signed anew."""
    value = json.loads(good.data)
    holder: Any = value
    steps = 0
    name: Any = "leaves"
    while True:
        inner = holder[name]
        if not isinstance(inner, dict | list) or not inner or (steps > 4 and draw.random() < 0.2):
            break
        holder = inner
        name = draw.choice(sorted(inner)) if isinstance(inner, dict) else draw.randrange(len(inner))
        steps += 1
    holder[name] = draw.choice((0, -1, 10**15, "0", "f" * 64, None, [], {}, True, "漾濞"))
    return signed(value)


def made_up_member(good: Held, draw: Draw) -> bytes:
    """Signed by a key that no member has, in a member's name or in one that is made up."""
    value = json.loads(good.data)
    value["signer"] = draw.choice((value["signer"], "nobody"))
    if draw.random() < 0.5:
        key = MADE_UP.public_key().public_bytes_raw().hex()
        members = value["leaves"]["genesis"][0]["leaf"]["value"]["members"]
        members[0]["keys"] = [{"key": key, "since": 0, "until": None}]
    return signed(value, MADE_UP)


def doubled_name(good: Held, draw: Draw) -> bytes:
    """A name that stands twice in an object."""
    place = draw.choice(places(good.data, b'{"'))
    end = good.data.index(b'"', place + 2) + 1
    return good.data[: place + 1] + good.data[place + 1 : end] + b":0," + good.data[place + 1 :]


def odd_number(good: Held, draw: Draw) -> bytes:
    """A number beyond all limits, with a fraction, or in another spelling."""
    at = draw.choice(places(good.data, b'"index"'))
    odd = (b"9" * 5_000, b"1e3", b"1.0", b"-0", b"01", b"9007199254740992", b"NaN", b"1E400", b"+1")
    end = at + 8
    while good.data[end : end + 1].isdigit():
        end += 1
    return good.data[: at + 8] + draw.choice(odd) + good.data[end:]


def misspelt(good: Held, was: bytes, now: bytes) -> Held:
    """The first of some bytes spelled otherwise, and those bytes signed anew by the member."""
    value = json.loads(good.data)
    said = value.pop("sig").encode()
    unsigned = canonical(value)
    assert was in unsigned
    sig = IDENTITY.acts.sign(DOMAIN + unsigned.replace(was, now, 1)).hex().encode()
    data = good.data.replace(was, now, 1).replace(said, sig)
    return replace(good, name=f"{now!r} in {good.name}", data=data)


def deep(good: Held, draw: Draw) -> bytes:
    """Values in values in values: alone, or in the place of an act's body."""
    levels = draw.choice((100, 1_000, 100_000))
    nested = draw.choice((b"[" * levels + b"]" * levels, b'{"a":' * levels + b"0" + b"}" * levels))
    if draw.random() < 0.3:
        return nested
    at = draw.choice(places(good.data, b'"body":'))
    return good.data[: at + 7] + nested + good.data[at + 7 :]


def other_spelling(good: Held, draw: Draw) -> bytes:
    """The same values in bytes that are not the canonical ones."""
    value = json.loads(good.data)
    return draw.choice(
        (
            json.dumps(value, ensure_ascii=False).encode(),
            json.dumps(value, separators=(",", ":"), ensure_ascii=True).encode(),
            json.dumps(dict(reversed(value.items())), separators=(",", ":")).encode(),
            b"\xef\xbb\xbf" + good.data,
            good.data.decode().encode("utf-16"),
            b" " + good.data,
        )
    )


SORTS: dict[str, Callable[[Held, Draw], bytes]] = {
    "bytes": some_bytes, "truncated": truncated, "pieced": pieced, "swapped": swapped,
    "changed": changed, "made_up_member": made_up_member, "doubled_name": doubled_name,
    "odd_number": odd_number, "deep": deep, "other_spelling": other_spelling,
}  # fmt: skip


def spoilt(count: int, seed: int) -> list[Held]:
    """So many spoilt files; the sorts take turns."""
    draw, found, sorts = Draw(seed), [], (*SORTS, "held_against", "certificate")
    good = {held.data for held in gathered()}
    while len(found) < count:
        sort = sorts[len(found) % len(sorts)]
        held = draw.choice(gathered())
        if sort == "held_against":
            found.append(_against(held, draw))
        elif sort == "certificate":
            found.append(_certificate(draw))
        elif (data := SORTS[sort](held, draw)) not in good:
            found.append(replace(held, name=f"{sort} of {held.name}", data=data))
    return found


def _against(held: Held, draw: Draw) -> Held:
    """A good file held against the key of another log, another genesis, or what is none."""
    key = draw.choice((verifier_key(ORIGIN, MADE_UP), "", "miaopei+00000000+AAAA"))
    genesis = draw.choice((b"{", b"", b"[]", canonical({"name": "other", "seats": seats()})))
    named = f"held_against of {held.name}"
    if held.genesis is None:
        return replace(held, name=named, vkey=key or None)
    return replace(held, name=named, genesis=genesis)


@cache
def _certified() -> tuple[bytes, bytes, bytes]:
    """A consortium's receipt, its genesis, and the same by six forgers under their own genesis."""
    receipt, genesis = certified(quakes()["house outside_area"])
    forger, _ = certified(quakes()["house outside_area"], tuple(f"forger{i}" for i in range(6)))
    return receipt.to_bytes(), genesis, forger.to_bytes()


def _certificate(draw: Draw) -> Held:
    """A consortium's receipt with another certificate, signed anew."""
    data, genesis, forged = _certified()
    value = json.loads(data)
    shown = value["certificate"]
    head, votes = shown["header"], shown["commit"]["votes"]
    theirs = json.loads(forged)["certificate"]
    changes: list[Callable[[], Any]] = [
        lambda: votes.__setitem__(draw.randrange(5), None),
        lambda: votes[draw.randrange(5)].update(sig="00" * 64),
        lambda: votes[draw.randrange(5)]["time"].__setitem__(1, draw.randrange(10**9)),
        votes.reverse,
        lambda: shown["commit"].update(round=draw.choice((0, 2, 2**53 - 1, -1))),
        lambda: head.update(app=draw.randbytes(32).hex()),
        lambda: head.update(height=draw.choice((1, 41, 43, 2**53 - 1, -1))),
        lambda: shown.update(changes=[]),
        lambda: shown.update(changes=shown["changes"] * 2),
        lambda: shown.update(changes=[None] * 1_001),
        shown["voters"].pop,
        lambda: shown.update(left=head),
        lambda: value.update(certificate=theirs),
        lambda: value.update(certificate={**theirs, "changes": shown["changes"]}),
    ]
    draw.choice(changes)()
    return Held("certificate", signed(value), None, genesis)
