"""Rows about persons inside a batch: each under a key of its own, to be destroyed alone.

The keys lie beside the blob, wrapped under its data key, one slot a row; a slot of zeros is a row
without a key of its own, or one that was erased. Which were erased is written down beside: zeros
alone are a key that was kept back. Source: docs/specs/record.md, section 4.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

from cryptography.exceptions import InvalidTag

from ...errors import SealedUnfit
from ...measures.identity import canonical, id_of
from ...measures.suites import Cipher, in_use

READER = "rows"  # under which name the slots of a batch lie beside its wraps
MARK, GONE = (
    b"MPR1",
    b'{"erased":',
)  # how a row with a key of its own begins, and what is left of one
ROW_AAD, KEY_AAD = b"miaopei/v1/row-body\0", b"miaopei/v1/row-key\0"
NONCE, TAG = 12, 16
POLICY = re.compile(rb'"policy":"([0-9a-f]{32})"')
Random = Callable[[int], bytes]


def seal_rows(
    rows: Sequence[bytes], commitments: Sequence[bytes], random: Random
) -> tuple[list[bytes], list[bytes | None]]:
    """The rows as they stand in a batch, and the key of each that is about a person.

    Shapes   one a row: canonical bytes and commitment in; what is framed and a key or None out.
    """
    framed: list[bytes] = []
    keys: list[bytes | None] = []
    for row, commitment in zip(rows, commitments, strict=True):
        policy = POLICY.search(row)
        if b'"subject":null' in row or policy is None:
            framed.append(row)
            keys.append(None)
            continue
        key, nonce = random(in_use.suite.key_bytes), random(NONCE)
        body = in_use.suite.cipher(key).encrypt(nonce, row, ROW_AAD + commitment)
        framed.append(MARK + commitment + bytes.fromhex(policy[1].decode()) + nonce + body)
        keys.append(key)
    return framed, keys


def slots_of(
    keys: Sequence[bytes | None], commitments: Sequence[bytes], data_key: bytes, random: Random
) -> bytes:
    """The keys of a batch's rows, each wrapped under its data key; b"" where none has one."""
    if not any(keys):
        return b""
    cipher, erased, found = in_use.suite.cipher(data_key), bytes(slot_bytes()), []
    for key, commitment in zip(keys, commitments, strict=True):
        nonce = b"" if key is None else random(NONCE)
        wrapped = key and nonce + cipher.encrypt(nonce, key, KEY_AAD + commitment)
        found.append(wrapped or erased)
    return b"".join(found)


def open_rows(framed: Sequence[bytes], slots: bytes | None, data_key: bytes) -> list[bytes]:
    """The canonical bytes of the rows; of an erased one what is left of it.

    Errors   SealedUnfit (alarm) where a slot is missing, altered, or not asked for.
    """
    size = slot_bytes()
    if slots is not None and len(slots) != size * len(framed):
        raise SealedUnfit("the keys of a batch's rows are not as many as its rows")
    cipher = in_use.suite.cipher(data_key)
    return [
        _open(cipher, row, None if slots is None else slots[at * size : (at + 1) * size])
        for at, row in enumerate(framed)
    ]


def readable(
    framed: Sequence[bytes], slots: bytes | None, data_key: bytes
) -> tuple[list[bytes], list[int]]:
    """The rows as `open_rows`, but one that does not open is as if erased; which those are."""
    size, cipher = slot_bytes(), in_use.suite.cipher(data_key)
    given = slots if slots is not None and len(slots) == size * len(framed) else bytes(0)
    rows, lacking = list[bytes](), list[int]()
    for at, row in enumerate(framed):
        if not row.startswith(MARK):
            rows.append(row)
            continue
        try:
            rows.append(_open(cipher, row, given[at * size : (at + 1) * size]))
        except SealedUnfit:
            rows.append(_open(cipher, row, b""))
        if rows[-1].startswith(GONE):
            lacking.append(at)
    return rows, lacking


def destroyed(slots: bytes, index: int) -> bytes:
    """The slots without the key of one row."""
    size = slot_bytes()
    return slots[: index * size] + bytes(size) + slots[(index + 1) * size :]


def slot_bytes() -> int:
    """The length of a slot: nonce, wrapped key and its tag."""
    return NONCE + in_use.suite.key_bytes + TAG


def commitment_of(row: bytes) -> bytes:
    """What the book's tree holds for a row, whole or erased."""
    gone = row.startswith(GONE)
    return bytes.fromhex(json.loads(row)["erased"] if gone else id_of("row", row))


def _open(cipher: Cipher, row: bytes, slot: bytes | None) -> bytes:
    if not row.startswith(MARK):
        if slot is not None and slot.strip(b"\0"):
            raise SealedUnfit("a row that has no key of its own has one beside it")
        return row
    if slot is None:
        raise SealedUnfit("the keys of a batch's rows are missing")
    at = len(MARK)
    commitment, policy = row[at : at + 32], row[at + 32 : at + 48]
    if not slot.strip(b"\0"):
        return canonical({"erased": commitment.hex(), "policy": policy.hex()})
    nonce, body = row[at + 48 : at + 48 + NONCE], row[at + 48 + NONCE :]
    try:
        key = cipher.decrypt(slot[:NONCE], slot[NONCE:], KEY_AAD + commitment)
        return in_use.suite.cipher(key).decrypt(nonce, body, ROW_AAD + commitment)
    except (InvalidTag, ValueError):
        raise SealedUnfit("a row does not open under its key", row=commitment.hex()) from None
