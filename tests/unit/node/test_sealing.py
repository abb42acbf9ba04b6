"""Sealed blobs, as docs/specs/record.md section 4 writes them, read by the library alone."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from miaopei.errors import RecordDamaged
from miaopei.node.vault.blobs import open_blob, seal_blob
from miaopei.node.vault.sealing import frame, reader_of, seal, unframe, unseal, unwrap, wrap
from tests.support.town import Dice, Town, identity, secret

READER = X25519PrivateKey.from_private_bytes(secret("reader"))
RAW = READER.public_key().public_bytes_raw()


def test_a_sealed_blob_is_read_by_the_words_of_the_specification() -> None:
    """ "MPS1" + 12-byte nonce + AES-256-GCM(data key, nonce, plain, AAD "miaopei/v1/blob")."""
    sealed, key = seal(b"rows", Dice("a"))
    assert sealed[:4] == b"MPS1"
    assert AESGCM(key).decrypt(sealed[4:16], sealed[16:], b"miaopei/v1/blob") == b"rows"
    assert len(key) == 32


def test_a_wrapped_key_is_read_by_the_words_of_the_specification() -> None:
    """Ephemeral key (32) + nonce (12) + AES-256-GCM under HKDF over both public keys."""
    wrapped = wrap(b"k" * 32, RAW, Dice("b"))
    shared = READER.exchange(X25519PublicKey.from_public_bytes(wrapped[:32]))
    info = b"miaopei/v1/wrap" + wrapped[:32] + RAW
    derived = HKDF(SHA256(), 32, None, info).derive(shared)
    assert AESGCM(derived).decrypt(wrapped[32:44], wrapped[44:], None) == b"k" * 32
    assert unwrap(wrapped, READER) == b"k" * 32


@pytest.mark.parametrize("bit", range(0, 8 * 36, 7))
def test_one_flipped_bit_anywhere_is_an_alarm(bit: int) -> None:
    sealed, key = seal(b"rows", Dice("c"))
    spoilt = bytearray(sealed)
    spoilt[bit // 8 % len(sealed)] ^= 1 << bit % 8
    with pytest.raises(RecordDamaged):
        unseal(bytes(spoilt), key)
    wrapped = wrap(key, RAW, Dice("d"))
    spoilt = bytearray(wrapped)
    spoilt[bit // 8 % len(wrapped)] ^= 1 << bit % 8
    if spoilt[31] & 0x80 == wrapped[31] & 0x80:  # that bit of a public key is ignored by X25519
        with pytest.raises(RecordDamaged):
            unwrap(bytes(spoilt), READER)


def test_another_reader_cannot_open_it() -> None:
    wrapped = wrap(b"k" * 32, RAW, Dice("e"))
    with pytest.raises(RecordDamaged):
        unwrap(wrapped, X25519PrivateKey.from_private_bytes(secret("neighbour")))


def test_rows_are_framed_with_four_bytes_of_length() -> None:
    assert frame([b"ab", b"", b"c"]) == b"\0\0\0\2ab" + b"\0\0\0\0" + b"\0\0\0\1c"
    assert unframe(frame([b"ab", b"", b"c"])) == [b"ab", b"", b"c"]
    for cut in (b"\0\0\0\2a", b"\0\0", b"\0\0\0\1"):
        with pytest.raises(RecordDamaged):
            unframe(cut)


def test_a_blob_is_opened_by_its_reader_and_by_nobody_without_its_wrap() -> None:
    town = Town()
    with town.store.writing() as block:
        given = seal_blob(block, town.node, [b"one", b"two"], [b"\1" * 32, b"\2" * 32], "x")
    with town.store.reading() as reading:
        assert unframe(open_blob(reading, given["blob"], town.me)) == [b"one", b"two"]
        stored = reading.blob(given["blob"])
        assert stored is not None
        assert b"one" not in stored
        with pytest.raises(RecordDamaged, match="no wrapped key"):
            open_blob(reading, given["blob"], identity("neighbour"))
        with pytest.raises(RecordDamaged, match="missing or altered"):
            open_blob(reading, "0" * 64, town.me)
    assert (given["count"], given["length"]) == (2, len(stored))


def test_other_rows_under_the_same_data_key_do_not_pass_for_those_that_were_named() -> None:
    """Whoever may read a blob has its data key, and could seal other rows with it."""
    town = Town()
    with town.store.writing() as block:
        given = seal_blob(block, town.node, [b"one"], [b"\1" * 32], "x")
    with town.store.reading() as reading:
        wrapped = reading.wrapped(given["blob"], reader_of(town.me.box))
        assert wrapped is not None
        key, nonce = unwrap(wrapped, town.me.box), bytes(12)
        other = AESGCM(key).encrypt(nonce, frame([b"two"]), b"miaopei/v1/blob")
        forged = b"MPS1" + nonce + other
        assert unframe(unseal(forged, key)) == [b"two"]
        with (
            patch.object(reading, "blob", lambda _: forged),
            pytest.raises(RecordDamaged, match="missing or altered"),
        ):
            open_blob(reading, given["blob"], town.me)


def test_each_blob_has_a_data_key_of_its_own() -> None:
    random = Dice("f")
    keys = {seal(b"rows", random)[1] for _ in range(20)}
    assert len(keys) == 20
