"""Suites: the standards' own examples, other libraries' answers, and what keeps suites apart."""

from __future__ import annotations

import hashlib
import hmac
import os
import pickle
from collections.abc import Iterator

import gmssl_pyx
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from miaopei.adapters.keys import fresh
from miaopei.errors import RecordDamaged, Refused
from miaopei.ledger import checkpoint
from miaopei.ledger.merkle import empty_root, leaf_hash, root_of
from miaopei.measures.identity import content_id
from miaopei.measures.suites import (
    INTL,
    KNOWN,
    Suite,
    demand,
    in_use,
    named,
    of_public,
    within,
)
from miaopei.measures.suites.gm import GM, Sm2Key
from miaopei.node.vault.rowkeys import open_rows, seal_rows, slots_of
from miaopei.node.vault.sealing import seal, unseal, unwrap, wrap
from miaopei.products.yunnan_dali import PRODUCT

# GB/T 32918.5-2017, annex A: the key pair of all its examples.
PRIVATE = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
PUBLIC = (
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
KEY = Sm2Key(bytes.fromhex(PRIVATE + PUBLIC))
RAW = KEY.public_key().public_bytes_raw()


def raw(text: str) -> bytes:
    return bytes.fromhex(text)


@pytest.fixture(params=["intl", "gm"])
def suite(request: pytest.FixtureRequest) -> Iterator[Suite]:
    with within(named(request.param)):
        yield in_use.suite


# the standards' examples ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
)
def test_sm3_gives_the_examples_of_gbt_32905(message: bytes, wanted: str) -> None:
    assert GM.digest(message).hex() == wanted


def test_sm4_gives_the_example_of_gbt_32907() -> None:
    """Annex A: key and block are the same; the library's cipher is what `gm` builds GCM on."""
    block = raw("0123456789abcdeffedcba9876543210")
    made = Cipher(algorithms.SM4(block), modes.ECB()).encryptor()
    assert made.update(block) == raw("681edf34d206965e86b3e94f536e4246")


def test_sm4_gcm_gives_the_example_of_rfc_8998() -> None:
    """Appendix A.1: ciphertext, then the tag of 16 bytes."""
    nonce, about = raw("00001234567800000000abcd"), raw("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    plain = b"".join(bytes([byte]) * 8 for byte in (0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0xEE, 0xAA))
    wanted = raw(
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        "83de3541e4c2b58177e065a9bf7b62ec"
    )
    cipher = GM.cipher(raw("0123456789abcdeffedcba9876543210"))
    assert cipher.encrypt(nonce, plain, about) == wanted
    assert cipher.decrypt(nonce, wanted, about) == plain


def test_sm2_verifies_the_signature_of_gbt_32918() -> None:
    """Part 5, A.2: "message digest" under the default name of a signer."""
    shown = raw(
        "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
        "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
    )
    assert GM.verify(RAW, shown, b"message digest")
    assert not GM.verify(RAW, shown, b"message digesT")


def test_sm2_opens_what_gbt_32918_encrypted() -> None:
    """Part 5, A.3: "encryption standard" as C1 C3 C2, here in the DER of GM/T 0009."""
    c1 = raw(
        "04EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73"
        "E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0"
    )
    c3 = raw("59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766")
    c2 = raw("21886CA989CA9C7D58087307CA93092D651EFA")
    body = b"\x02\x20" + c1[:32] + b"\x02\x21\0" + c1[32:] + b"\x04\x20" + c3 + b"\x04\x13" + c2
    assert GM.unwrap(b"\x30" + bytes([len(body)]) + body, KEY) == b"encryption standard"


# other libraries' answers -----------------------------------------------------------------------
@given(data=st.binary(max_size=300), key=st.binary(min_size=1, max_size=100))
def test_sm3_and_its_hmac_are_those_of_openssl(data: bytes, key: bytes) -> None:
    assert GM.digest(data) == hashlib.new("sm3", data).digest()
    assert GM.hmac(key, data) == hmac.new(key, data, "sm3").digest()


@given(
    key=st.binary(min_size=16, max_size=16),
    nonce=st.binary(min_size=12, max_size=12),
    data=st.binary(min_size=1, max_size=200),
    about=st.binary(max_size=40),
)
def test_sm4_gcm_is_that_of_gmssl(key: bytes, nonce: bytes, data: bytes, about: bytes) -> None:
    body, tag = gmssl_pyx.sm4_gcm_encrypt(key, nonce, about, data)
    assert GM.cipher(key).encrypt(nonce, data, about) == body + tag


# each suite alike -------------------------------------------------------------------------------
def test_what_is_signed_holds_and_nothing_else_does(suite: Suite) -> None:
    key = suite.signing(suite.new_signing(os.urandom))
    public, shown = key.public_key().public_bytes_raw(), key.sign(b"said")
    assert len(public) == suite.public_bytes
    assert len(shown) == suite.signature_bytes
    assert suite.verify(public, shown, b"said")
    assert not suite.verify(public, shown, b"sai")
    for at in (0, 31, 32, 63):
        assert not suite.verify(
            public, shown[:at] + bytes([shown[at] ^ 1]) + shown[at + 1 :], b"said"
        )
    for odd in (b"", bytes(64), shown[:-1], shown + b"\0", b"\xff" * 64):
        assert not suite.verify(public, odd, b"said")
    for odd in (b"", bytes(32), bytes(65), public[:-1], b"\x04" + b"\x01" * 64, public + b"\0"):
        assert not suite.verify(odd, shown, b"said")


def test_what_is_sealed_opens_for_its_reader_alone(suite: Suite) -> None:
    mine, other = fresh("mine"), fresh("other")
    sealed, key = seal(b"rows", os.urandom)
    wrapped = wrap(key, mine.box.public_key().public_bytes_raw(), os.urandom)
    assert len(key) == suite.key_bytes
    assert unseal(sealed, unwrap(wrapped, mine.box)) == b"rows"
    with pytest.raises(RecordDamaged):
        unwrap(wrapped, other.box)
    with pytest.raises(RecordDamaged):
        unwrap(wrapped[:-1], mine.box)
    with pytest.raises(RecordDamaged):
        unseal(sealed[:-1] + bytes([sealed[-1] ^ 1]), key)
    with pytest.raises(RecordDamaged):
        unseal(sealed, bytes(suite.key_bytes))


def test_a_cipher_tells_what_was_altered(suite: Suite) -> None:
    cipher = suite.cipher(suite.key_of(bytes(32)))
    sealed = cipher.encrypt(bytes(12), b"words", b"about")
    with pytest.raises(InvalidTag):
        cipher.decrypt(bytes(12), sealed, b"something else")


def test_rows_about_persons_are_sealed_each_for_itself(suite: Suite) -> None:
    row = b'{"policy":"%b","subject":"x"}' % (b"0" * 32)
    framed, keys = seal_rows([row], [bytes(32)], os.urandom)
    slots = slots_of(keys, [bytes(32)], bytes(suite.key_bytes), os.urandom)
    assert len(slots) == 12 + suite.key_bytes + 16
    assert open_rows(framed, slots, bytes(suite.key_bytes)) == [row]


def test_a_checkpoint_is_read_with_its_key(suite: Suite) -> None:
    log = fresh("log").log
    root = root_of([leaf_hash(b"a"), leaf_hash(b"b")])
    text, vkey = (
        checkpoint.sign("example.org/log", 2, root, log),
        checkpoint.verifier_key("example.org/log", log),
    )
    assert checkpoint.suite_of(vkey) == suite.name
    assert checkpoint.verify(text, vkey).root == root


def test_the_shape_of_a_key_names_its_suite(suite: Suite) -> None:
    public = fresh("who").acts.public_key().public_bytes_raw()
    assert KNOWN[suite.name] == (suite.public_bytes, suite.note_type)
    assert of_public(public.hex()) == suite.name
    assert of_public(public.hex()[:-2]) is None


# apart ------------------------------------------------------------------------------------------
def test_ids_and_hashes_differ_and_what_was_computed_before_does_not_stay() -> None:
    under = {}
    for name in ("intl", "gm", "intl"):
        with within(named(name)):
            found = (content_id("x", {"a": 1}), empty_root(), PRODUCT.hash)
            assert under.setdefault(name, found) == found
            again = pickle.loads(pickle.dumps(PRODUCT))
            assert again.hash == PRODUCT.hash
    assert not set(under["intl"]) & set(under["gm"])


def test_a_record_of_another_suite_is_refused_by_name() -> None:
    assert in_use.suite is INTL
    demand("intl")
    with pytest.raises(Refused) as refused:
        demand("gm")
    assert refused.value.refusals[0].as_json()["code"] == "suite.other"
    for stranger in ("sm", None, 7):
        with pytest.raises(Refused) as refused:
            demand(stranger)
        assert refused.value.refusals[0].as_json()["code"] == "suite.unknown"


def test_a_verifier_key_of_another_suite_is_refused_by_name() -> None:
    with within(GM):
        vkey = checkpoint.verifier_key("example.org/log", KEY)
    with pytest.raises(Refused) as refused:
        checkpoint.read_verifier_key(vkey)
    assert refused.value.refusals[0].code == "suite.other"


def test_a_private_key_that_is_not_that_of_its_point_is_no_key() -> None:
    other = Sm2Key(GM.new_signing(os.urandom))
    for odd in (b"", raw(PRIVATE), raw(PRIVATE) + other.public_key().public_bytes_raw()[1:]):
        with pytest.raises(ValueError, match=r"key|point"):
            Sm2Key(odd)


# keys that are none -----------------------------------------------------------------------------
SMALL = (  # all spellings of the eight points of small order, by RFC 7748 and the curve's papers
    "00" * 32, "00" * 31 + "80", "01" + "00" * 31, "01" + "00" * 30 + "80",
    "ec" + "ff" * 30 + "7f", "ec" + "ff" * 31,
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
)  # fmt: skip


@given(secret=st.binary(min_size=32, max_size=32))
def test_every_key_that_is_made_serves_as_one(secret: bytes) -> None:
    public = INTL.signing(secret).public_key().public_bytes_raw()
    assert INTL.signs(public)
    assert INTL.seals(INTL.box(secret).public_key().public_bytes_raw())


def test_every_key_of_gm_that_is_made_serves_as_one() -> None:
    for _ in range(20):
        made = Sm2Key(GM.new_signing(os.urandom)).public_key().public_bytes_raw()
        assert GM.signs(made)
        assert GM.seals(made)
    assert GM.signs(RAW)


@given(public=st.binary(min_size=32, max_size=32))
def test_what_no_signature_can_hold_under_is_no_key(public: bytes) -> None:
    """The library decodes a key where it checks, and says no more than no: half of all bytes."""
    y = int.from_bytes(public, "little") & (1 << 255) - 1
    prime, d = 2**255 - 19, 0x52036CEE2B6FFE738CC740797779E89800700A4D4141D8AB75EB4DCA135978A3
    square = (y * y - 1) * pow(d * y * y + 1, -1, prime) % prime
    root = pow(square, (prime + 3) // 8, prime)
    on_curve = square in (root * root % prime, -root * root % prime)
    assert INTL.signs(public) == (on_curve and y < prime and public.hex() not in SMALL)


@pytest.mark.parametrize("key", SMALL)
def test_what_everybody_can_sign_for_is_no_key(key: str) -> None:
    assert not INTL.signs(raw(key))


@pytest.mark.parametrize("key", ["00" * 32, "01" + "00" * 31, "ec" + "ff" * 30 + "7f"])
def test_what_nothing_secret_can_be_derived_from_is_no_box(key: str) -> None:
    assert not INTL.seals(raw(key))
    with pytest.raises(ValueError, match=r"."):
        wrap(bytes(32), raw(key), os.urandom)


def test_what_is_off_the_curve_is_no_key_of_gm() -> None:
    off = RAW[:-1] + bytes([RAW[-1] ^ 1])
    for bad in (off, b"\x04" + bytes(64), b"\x04" + b"\xff" * 64, RAW[1:] + b"\x04", b""):
        assert not GM.signs(bad)
        assert not GM.seals(bad)
