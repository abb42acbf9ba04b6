"""Sealing blobs for their readers: under a data key, which is wrapped for each, by the suite.

Source: docs/specs/record.md, section 4. Randomness is the caller's, so that a simulator
can replay it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from cryptography.exceptions import InvalidTag

from ...errors import SealedUnfit
from ...measures.suites import BoxKey, in_use, public_hex

MAGIC = b"MPS1"
BLOB_AAD = b"miaopei/v1/blob"
Random = Callable[[int], bytes]


def seal(plain: bytes, random_bytes: Random) -> tuple[bytes, bytes]:
    """Sealed bytes and the new data key that opens them."""
    suite = in_use.suite
    key, nonce = random_bytes(suite.key_bytes), random_bytes(12)
    return MAGIC + nonce + suite.cipher(key).encrypt(nonce, plain, BLOB_AAD), key


def unseal(sealed: bytes, key: bytes) -> bytes:
    """The plain bytes.

    Errors   SealedUnfit (alarm) where bytes or key are not what was sealed.
    """
    if sealed[:4] != MAGIC:
        raise SealedUnfit("a sealed blob does not begin as one")
    try:
        return in_use.suite.cipher(key).decrypt(sealed[4:16], sealed[16:], BLOB_AAD)
    except (InvalidTag, ValueError):
        raise SealedUnfit("a sealed blob does not open under its key") from None


def wrap(data_key: bytes, reader: bytes, random_bytes: Random) -> bytes:
    """The data key for one reader's public key."""
    return in_use.suite.wrap(data_key, reader, random_bytes)


def unwrap(wrapped: bytes, key: BoxKey) -> bytes:
    """The data key, opened with the reader's private key.

    Errors   SealedUnfit (alarm) where the wrap is not for this reader.
    """
    try:
        return in_use.suite.unwrap(wrapped, key)
    except (InvalidTag, ValueError):
        raise SealedUnfit("a wrapped key does not open for this reader") from None


def unwrap_any(wrapped: bytes, keys: Sequence[BoxKey]) -> tuple[bytes, str]:
    """The data key, and the public key (hex) of the reader that it is wrapped for.

    Errors   SealedUnfit (alarm) where the wrap is for none of these.
    """
    for key in keys:
        with suppress(SealedUnfit):
            return unwrap(wrapped, key), reader_of(key)
    raise SealedUnfit("a wrapped key does not open for this reader")


def reader_of(key: BoxKey) -> str:
    """The name under which wraps for this key lie: its public half in hex."""
    return public_hex(key)


def frame(rows: Iterable[bytes]) -> bytes:
    """Rows, each preceded by its length in four bytes, big-endian."""
    parts = [b""] * (2 * len(kept := list(rows)))
    parts[::2] = [len(row).to_bytes(4, "big") for row in kept]
    parts[1::2] = kept
    return b"".join(parts)


def unframe(data: bytes) -> list[bytes]:
    """The rows of a framed blob.

    Errors   SealedUnfit (alarm) where a length runs past the end.
    """
    rows, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        row = data[at + 4 : at + 4 + size]
        if len(row) != size or at + 4 > len(data):
            raise SealedUnfit("a row of a blob is cut short", offset=at)
        rows.append(row)
        at += 4 + size
    return rows
