"""Sealing blobs for their readers: AES-256-GCM under a data key wrapped with X25519.

Source: docs/specs/record.md, section 4. Randomness is the caller's, so that a simulator
can replay it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ...errors import RecordDamaged

MAGIC = b"MPS1"
BLOB_AAD = b"miaopei/v1/blob"
WRAP_INFO = b"miaopei/v1/wrap"
Random = Callable[[int], bytes]


def seal(plain: bytes, random_bytes: Random) -> tuple[bytes, bytes]:
    """Sealed bytes and the new data key that opens them."""
    key, nonce = random_bytes(32), random_bytes(12)
    return MAGIC + nonce + AESGCM(key).encrypt(nonce, plain, BLOB_AAD), key


def unseal(sealed: bytes, key: bytes) -> bytes:
    """The plain bytes.

    Errors   RecordDamaged (alarm) where bytes or key are not what was sealed.
    """
    if sealed[:4] != MAGIC:
        raise RecordDamaged("a sealed blob does not begin as one")
    try:
        return AESGCM(key).decrypt(sealed[4:16], sealed[16:], BLOB_AAD)
    except InvalidTag:
        raise RecordDamaged("a sealed blob does not open under its key") from None


def wrap(data_key: bytes, reader: bytes, random_bytes: Random) -> bytes:
    """The data key for one reader's X25519 public key."""
    mine = X25519PrivateKey.from_private_bytes(random_bytes(32))
    public, nonce = mine.public_key().public_bytes_raw(), random_bytes(12)
    shared = mine.exchange(X25519PublicKey.from_public_bytes(reader))
    return public + nonce + AESGCM(_derive(shared, public, reader)).encrypt(nonce, data_key, None)


def unwrap(wrapped: bytes, key: X25519PrivateKey) -> bytes:
    """The data key, opened with the reader's private key.

    Errors   RecordDamaged (alarm) where the wrap is not for this reader.
    """
    public, nonce, body = wrapped[:32], wrapped[32:44], wrapped[44:]
    reader = key.public_key().public_bytes_raw()
    try:
        shared = key.exchange(X25519PublicKey.from_public_bytes(public))
        return AESGCM(_derive(shared, public, reader)).decrypt(nonce, body, None)
    except (InvalidTag, ValueError):
        raise RecordDamaged("a wrapped key does not open for this reader") from None


def frame(rows: Iterable[bytes]) -> bytes:
    """Rows, each preceded by its length in four bytes, big-endian."""
    return b"".join(len(row).to_bytes(4, "big") + row for row in rows)


def unframe(data: bytes) -> list[bytes]:
    """The rows of a framed blob.

    Errors   RecordDamaged (alarm) where a length runs past the end.
    """
    rows, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        row = data[at + 4 : at + 4 + size]
        if len(row) != size or at + 4 > len(data):
            raise RecordDamaged("a row of a blob is cut short", offset=at)
        rows.append(row)
        at += 4 + size
    return rows


def _derive(shared: bytes, ephemeral: bytes, reader: bytes) -> bytes:
    return HKDF(SHA256(), 32, None, WRAP_INFO + ephemeral + reader).derive(shared)
