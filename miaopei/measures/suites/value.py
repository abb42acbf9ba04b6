"""What a suite is: the hash, the signatures and the sealing that one record uses throughout.

Keys and signatures are raw bytes here; on the record they stand as lower-case hex.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

Random = Callable[[int], bytes]


class PublicKey(Protocol):
    """A public key as the record names it."""

    def public_bytes_raw(self) -> bytes: ...


@runtime_checkable
class SigningKey(Protocol):
    """A key that signs acts, receipts or checkpoints."""

    def sign(self, data: bytes, /) -> bytes: ...
    def public_key(self) -> PublicKey: ...


class BoxKey(Protocol):
    """A key that opens data keys wrapped for its public half."""

    def public_key(self) -> PublicKey: ...


def public_hex(key: SigningKey | BoxKey) -> str:
    """The public half of a key as the record names it: raw, in hex."""
    return key.public_key().public_bytes_raw().hex()


class Cipher(Protocol):
    """Authenticated encryption under one key. Errors   InvalidTag where it does not open."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...
    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...


@dataclass(frozen=True)
class Suite:
    """The hash, signatures and sealing of one record, chosen at its genesis.

    `hash_name` stands in names of fields, `hash_title` is said to people.
    Shapes   digest, hmac: 32 bytes. public_bytes, box_bytes: of a raw public key; signature_bytes:
             of a signature; key_bytes: of a key of `cipher`, which `key_of` makes of 32 bytes.
             signs, seals: whether public bytes are a key that signatures can hold under, and that
             data keys can be wrapped for: a point, and one of the large group.
             `note_type` stands before a public key in a signed note.
    Errors   signing, box: ValueError for bytes that are no key; unwrap: InvalidTag or ValueError
             for a wrap that is not for this reader.
    """

    name: str
    hash_name: str
    hash_title: str
    digest: Callable[[bytes], bytes]
    hmac: Callable[[bytes, bytes], bytes]
    public_bytes: int
    signature_bytes: int
    note_type: bytes
    new_signing: Callable[[Random], bytes]
    signing: Callable[[bytes], SigningKey]
    verify: Callable[[bytes, bytes, bytes], bool]
    key_bytes: int
    cipher: Callable[[bytes], Cipher]
    key_of: Callable[[bytes], bytes]
    box_bytes: int
    new_box: Callable[[Random], bytes]
    box: Callable[[bytes], BoxKey]
    signs: Callable[[bytes], bool]
    seals: Callable[[bytes], bool]
    wrap: Callable[[bytes, bytes, Random], bytes]
    unwrap: Callable[[bytes, BoxKey], bytes]

    def is_public(self, text: str) -> bool:
        """Whether a text has the form of a public key of this suite: lower-case hex."""
        return is_hex(text, self.public_bytes)


def is_hex(text: str, length: int) -> bool:
    """Whether a text is so many bytes in lower-case hex."""
    return len(text) == 2 * length and not text.strip("0123456789abcdef")
