"""Claim leaves as columns: their canonical bytes, commitments and pages, a million at a time.

The bytes are those of `ClaimLeaf.as_json`; a law holds them equal. Leaves stand in pages of 1,024,
each a complete sub-tree of the tree of claims, so that one leaf is proved from its page alone.
Source: docs/specs/record.md, section 7.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..ledger.merkle import leaf_hashes, root_of
from ..measures.identity import SPACE
from ..measures.suites import in_use
from .claim import STATES, ClaimLeaf

PAGE = 1_024  # leaves; a power of two
AMOUNTS = ("gross_fen", "spent_fen", "terms_fen", "owed_fen", "settled_fen", "pay_fen")
# One claim. `first` is the position of its policy's first row, which orders claims; it is not part
# of the leaf. `state` counts in STATES; `policy` and `salt` are raw bytes.
CLAIM = np.dtype(
    [
        *(("first", "<i8"), ("position", "<i8")),
        *((name, "<i8") for name in AMOUNTS),
        *(("policy", "u1", 16), ("salt", "u1", 32), ("state", "u1")),
    ]
)
Claims = NDArray[np.void]
INNER, OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
INNER_REST, OUTER_REST = b"\x36" * 32, b"\x5c" * 32
KIND = SPACE + b"claim\0"
LEAF = (
    b'{"gross_fen":%d,"owed_fen":%d,"pay_fen":%d,"policy":"%b","position":%d,"salt":"%b",'
    b'"settled_fen":%d,"spent_fen":%d,"state":"%b","terms_fen":%d,"trigger":"'
)


def salted(claims: Claims, trigger: str) -> Claims:
    """The claims with the salts of their leaves in place of those of their rows.

    Same as  claim.claim_salt for each: HMAC of the suite, keys of 32 bytes, written out.
    """
    message = INNER_REST + b"miaopei/v1/claim\0" + bytes.fromhex(trigger)
    salts = claims["salt"].tobytes()
    digest, made = in_use.digest, []
    for at in range(0, len(salts), 32):
        key = salts[at : at + 32]
        inner = digest(key.translate(INNER) + message)
        made.append(digest(key.translate(OUTER) + OUTER_REST + inner))
    result = claims.copy()
    result["salt"] = np.frombuffer(b"".join(made), np.uint8).reshape(-1, 32)
    return result


def leaf_bytes(claims: Claims, trigger: str) -> list[bytes]:
    """Canonical bytes of each leaf, in order.

    Same as  canonical(leaf.as_json()) for each.
    """
    form = LEAF + trigger.encode("ascii") + b'","v":1}'
    names = [state.encode("ascii") for state in STATES]
    policies, salts = claims["policy"].tobytes().hex().encode(), claims["salt"].tobytes().hex()
    salts_hex = salts.encode()
    figures = [claims[name].tolist() for name in (*AMOUNTS, "position", "state")]
    return [
        form
        % (
            *(gross, owed, pay, policies[32 * i : 32 * i + 32], position),
            *(salts_hex[64 * i : 64 * i + 64], settled, spent, names[state], terms),
        )
        for i, (gross, spent, terms, owed, settled, pay, position, state) in enumerate(
            zip(*figures, strict=True)
        )
    ]


def hashes_of(leaves: Sequence[bytes]) -> list[bytes]:
    """The hash of each leaf's commitment in the tree of claims."""
    digest = in_use.digest
    return leaf_hashes(digest(KIND + leaf) for leaf in leaves)


def page_hashes(hashes: Sequence[bytes]) -> list[bytes]:
    """The head of each page; the tree over them has the head of the tree of claims.

    Same as  root_of(hashes) == root_of(page_hashes(hashes)), where pages begin at leaf 0.
    """
    return [root_of(hashes[at : at + PAGE]) for at in range(0, len(hashes), PAGE)]


def pages(claims: Claims) -> Iterator[Claims]:
    """The claims of each page."""
    for at in range(0, len(claims), PAGE):
        yield claims[at : at + PAGE]


def leaves_of(claims: Claims, trigger: str) -> Iterator[ClaimLeaf]:
    """Each claim as a value."""
    policies, salts = claims["policy"].tobytes().hex(), claims["salt"].tobytes().hex()
    figures = [claims[name].tolist() for name in ("position", *AMOUNTS, "state")]
    for i, (position, *amounts, state) in enumerate(zip(*figures, strict=True)):
        yield ClaimLeaf(
            trigger=trigger,
            policy=policies[32 * i : 32 * i + 32],
            position=position,
            state=STATES[state],
            salt=salts[64 * i : 64 * i + 64],
            **dict(zip(AMOUNTS, amounts, strict=True)),
        )


def claims_from(values: Sequence[Any], firsts: Sequence[int] | None = None) -> Claims:
    """Claims as columns from their JSON forms; without `firsts` their own positions order them."""
    claims = np.zeros(len(values), CLAIM)
    for name in ("position", *AMOUNTS):
        claims[name] = [value[name] for value in values]
    claims["first"] = claims["position"] if firsts is None else firsts
    claims["state"] = [STATES.index(value["state"]) for value in values]
    for name, width in (("policy", 16), ("salt", 32)):
        raw = bytes.fromhex("".join(value[name] for value in values))
        claims[name] = np.frombuffer(raw, np.uint8).reshape(-1, width)
    return claims


def unpacked(*bodies: bytes) -> Claims:
    """The claims of pages, one after another, from the bytes that are kept (`Claims.tobytes`).

    Errors   ValueError where these are no whole claims, or one is in a state that there is not.
    """
    claims = np.frombuffer(b"".join(bodies), CLAIM)
    if (beyond := claims["state"] >= len(STATES)).any():
        raise ValueError(f"claim {int(beyond.argmax())}: no such state")
    return claims
