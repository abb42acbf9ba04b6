"""Suite `gm`: SM3, SM2 signatures over SM3, SM4-GCM under keys wrapped by SM2 encryption.

SM3 by GB/T 32905, SM2 by GB/T 32918 (parts 2 and 4; curve of part 5), SM4 by GB/T 32907, GCM as in
RFC 8998. A public key is the point written out, 04 and both coordinates; a signature r and s, 32
bytes each; whose name goes into a signature is the default of GM/T 0009. All curve arithmetic is
the library's. A key in a file is private key and public point, since no library derives the one
from the other here. Source: docs/specs/record.md, sections 1, 2 and 4.
"""

from __future__ import annotations

import gmssl_pyx
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from .value import BoxKey, Random, Suite

SIGNER = b"1234567812345678"
POINT = b"\x04"  # both coordinates follow
COORDINATE, KEY, TAG = 32, 16, 16  # bytes
PUBLIC_BYTES = 65
# The curve of GB/T 32918.5: y * y = x * x * x - 3 * x + CURVE, of prime order.
PRIME = 2**256 - 2**224 - 2**96 + 2**64 - 1
CURVE = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
NOTE_TYPE = b"\xffmiaopei/gm/1\0"  # C2SP leaves 0xff to types that it does not know


class Point:
    """A public key."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def public_bytes_raw(self) -> bytes:
        """Point form, 65 bytes."""
        return POINT + self._raw


class Sm2Key:
    """A private key with its public point; signs, and opens what is wrapped for it.

    Errors   ValueError for bytes that are no such pair.
    """

    def __init__(self, raw: bytes) -> None:
        self.private, self._public = raw[:COORDINATE], raw[COORDINATE:]
        if len(self._public) != 2 * COORDINATE:
            raise ValueError("no SM2 key: needs the private key and both coordinates")
        if not verify(POINT + self._public, self.sign(b""), b""):
            raise ValueError("the public point is not that of the private key")

    def sign(self, data: bytes, /) -> bytes:
        """The signature r, s."""
        try:
            made = gmssl_pyx.sm2_sign(self.private, self._public, data, signer_id=SIGNER)
        except gmssl_pyx.GmsslInnerError as error:
            raise ValueError(str(error)) from None
        return b"".join(part.to_bytes(COORDINATE, "big") for part in decode_dss_signature(made))

    def public_key(self) -> Point:
        """The public half."""
        return Point(self._public)


class Sm4Gcm:
    """SM4 in GCM; what comes out is the sealed bytes and a tag of 16."""

    def __init__(self, key: bytes) -> None:
        self._algorithm = algorithms.SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Sealed bytes and tag."""
        made = Cipher(self._algorithm, modes.GCM(nonce)).encryptor()
        made.authenticate_additional_data(associated_data or b"")
        return made.update(data) + made.finalize() + made.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """The plain bytes; InvalidTag where they do not open, ValueError where they are none."""
        body, tag = data[:-TAG], data[-TAG:]
        made = Cipher(self._algorithm, modes.GCM(nonce, tag)).decryptor()
        made.authenticate_additional_data(associated_data or b"")
        return made.update(body) + made.finalize()


def digest(data: bytes) -> bytes:
    """SM3."""
    return gmssl_pyx.sm3_hash(data)


def hmac(key: bytes, message: bytes) -> bytes:
    """HMAC-SM3."""
    return gmssl_pyx.sm3_hmac(key, message)


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether an SM2 signature holds. Of one that does not, the library says so on stderr too."""
    if len(public) != PUBLIC_BYTES or public[:1] != POINT or len(signature) != 2 * COORDINATE:
        return False
    r, s = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:]))
    try:
        point = gmssl_pyx.normalize_sm2_public_key(public)
        shown = encode_dss_signature(r, s)
        return bool(gmssl_pyx.sm2_verify(point, message, shown, signer_id=SIGNER))
    except gmssl_pyx.GmsslInnerError:
        return False


def is_point(public: bytes) -> bool:
    """Whether bytes are a point of the curve: any serves for signatures and for sealing."""
    if len(public) != PUBLIC_BYTES or public[:1] != POINT:
        return False
    x, y = (int.from_bytes(part, "big") for part in (public[1:33], public[33:]))
    return x < PRIME and y < PRIME and (y * y - x * x * x + 3 * x - CURVE) % PRIME == 0


def wrap(data_key: bytes, reader: bytes, _random: Random) -> bytes:
    """The data key by SM2 encryption, DER, C1 C3 C2; the library draws the randomness.

    Errors   ValueError for a reader that is no public key.
    """
    try:
        return gmssl_pyx.sm2_encrypt(gmssl_pyx.normalize_sm2_public_key(reader), data_key)
    except gmssl_pyx.GmsslInnerError as error:
        raise ValueError(str(error)) from None


def unwrap(wrapped: bytes, key: BoxKey) -> bytes:
    """The data key; ValueError where it is not for this reader."""
    assert isinstance(key, Sm2Key), "the keys of a record are of its suite"
    try:
        return gmssl_pyx.sm2_decrypt(key.private, wrapped)
    except gmssl_pyx.GmsslInnerError as error:
        raise ValueError(str(error)) from None


def _new(_random: Random) -> bytes:
    public, private = gmssl_pyx.sm2_key_generate()
    return private + public


def _key_of(secret: bytes) -> bytes:
    return digest(b"miaopei/v1/key\0" + secret)[:KEY]


GM = Suite(
    name="gm",
    hash_name="sm3",
    hash_title="SM3",
    digest=digest,
    hmac=hmac,
    public_bytes=PUBLIC_BYTES,
    signature_bytes=2 * COORDINATE,
    note_type=NOTE_TYPE,
    new_signing=_new,
    signing=Sm2Key,
    verify=verify,
    key_bytes=KEY,
    cipher=Sm4Gcm,
    key_of=_key_of,
    box_bytes=PUBLIC_BYTES,
    new_box=_new,
    box=Sm2Key,
    signs=is_point,
    seals=is_point,
    wrap=wrap,
    unwrap=unwrap,
)
