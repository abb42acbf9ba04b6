"""Suite `intl`: SHA-256, Ed25519, AES-256-GCM under keys wrapped with X25519.

What only sealing needs is imported where it is used: checking a receipt is to start at once.
Source: docs/specs/record.md, sections 1, 2 and 4.
"""

from __future__ import annotations

import hmac as hmacs
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .value import BoxKey, Cipher, Random, Suite

WRAP_INFO = b"miaopei/v1/wrap"
KEY, NONCE = 32, 12  # bytes
PRIME = 2**255 - 19
CURVE = -121_665 * pow(121_666, -1, PRIME) % PRIME  # d of RFC 8032, section 5.1


def digest(data: bytes) -> bytes:
    """SHA-256."""
    return sha256(data).digest()


def hmac(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-256."""
    return hmacs.digest(key, message, "sha256")


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether an Ed25519 signature holds."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def signs(public: bytes) -> bool:
    """Whether bytes are the one spelling of a point of Ed25519 that is not of small order.

    Under one of small order everybody's signature holds. The library decodes a key only where it
    checks a signature; two doublings of what has order 8 give y = 0. RFC 8032, section 5.1.3.
    """
    y = int.from_bytes(public, "little") & (1 << 255) - 1
    above, below = (y * y - 1) % PRIME, (CURVE * y * y + 1) % PRIME  # x * x is the one by the other
    square = pow(above * below, (PRIME - 1) // 2, PRIME) == 1
    small = above == 0 or y == 0 or (y * y * below + above) % PRIME == 0
    return len(public) == KEY and y < PRIME and square and not small


def seals(public: bytes) -> bool:
    """Whether what is derived from an X25519 key is a secret: not nothing, whoever asks."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    try:
        mine = X25519PrivateKey.from_private_bytes(bytes(range(KEY)))
        mine.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        return False
    return True


def cipher(key: bytes) -> Cipher:
    """AES-256-GCM under a key."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def box(raw: bytes) -> BoxKey:
    """An X25519 key from its private bytes."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    return X25519PrivateKey.from_private_bytes(raw)


def wrap(data_key: bytes, reader: bytes, random_bytes: Random) -> bytes:
    """Ephemeral public key, nonce, and the data key under what both sides derive."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    mine = X25519PrivateKey.from_private_bytes(random_bytes(KEY))
    public, nonce = mine.public_key().public_bytes_raw(), random_bytes(NONCE)
    shared = mine.exchange(X25519PublicKey.from_public_bytes(reader))
    return public + nonce + cipher(_derive(shared, public, reader)).encrypt(nonce, data_key, None)


def unwrap(wrapped: bytes, key: BoxKey) -> bytes:
    """The data key; ValueError or InvalidTag where it is not for this reader."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    assert isinstance(key, X25519PrivateKey), "the keys of a record are of its suite"
    public, nonce, body = wrapped[:KEY], wrapped[KEY : KEY + NONCE], wrapped[KEY + NONCE :]
    shared = key.exchange(X25519PublicKey.from_public_bytes(public))
    derived = _derive(shared, public, key.public_key().public_bytes_raw())
    return cipher(derived).decrypt(nonce, body, None)


def _derive(shared: bytes, ephemeral: bytes, reader: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), KEY, None, WRAP_INFO + ephemeral + reader).derive(shared)


def _new(random_bytes: Random) -> bytes:
    return random_bytes(KEY)


INTL = Suite(
    name="intl",
    hash_name="sha256",
    hash_title="SHA-256",
    digest=digest,
    hmac=hmac,
    public_bytes=32,
    signature_bytes=64,
    note_type=b"\x01",
    new_signing=_new,
    signing=Ed25519PrivateKey.from_private_bytes,
    verify=verify,
    key_bytes=KEY,
    cipher=cipher,
    key_of=bytes,
    box_bytes=32,
    new_box=_new,
    box=box,
    signs=signs,
    seals=seals,
    wrap=wrap,
    unwrap=unwrap,
)
