"""Checkpoints and keys against what other programs signed, and malformed ones."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from miaopei.errors import Refused
from miaopei.ledger.checkpoint import (
    parse,
    read_verifier_key,
    sign,
    sign_note,
    verifier_key,
    verify,
)

# golang.org/x/mod/sumdb/note: the example of its documentation.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_KEY = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETERS_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETERS_LINE = (
    "— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# transparency-dev/tessera v1.0.4: testdata/build_log.sh and testdata/log/checkpoint, checkpoint.0.
TESSERA = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
TESSERAS_KEY = "AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg"
TESSERAS = {
    15: (
        "example.com/log/testdata\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n\n"
        "— example.com/log/testdata M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zfcBOhg+"
        "CKubMt53MvIt/uEWP6zdkdIQzd/fmwlM/dlPWF74ewI=\n"
    ),
    0: (
        "example.com/log/testdata\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n"
        "— example.com/log/testdata M9e0lhxJACzE1KoUdqKuPa+9p6R7dSW8BlEvrg/noo8FkGg6"
        "PbJoRNOcdjqjOq89wVvTA60eubCc4oufo5BvIVEgtQc=\n"
    ),
}
GOOD = TESSERAS[15]


def private(text):
    raw = base64.b64decode(text)
    assert raw[0] == 1
    return Ed25519PrivateKey.from_private_bytes(raw[1:])


def code(call, *arguments):
    with pytest.raises(Refused) as seen:
        call(*arguments)
    return seen.value.refusals[0].code


def test_the_verifier_keys_that_go_prints():
    assert verifier_key("PeterNeumann", private(PETERS_KEY)) == PETER
    assert verifier_key("example.com/log/testdata", private(TESSERAS_KEY).public_key()) == TESSERA
    assert read_verifier_key(PETER).as_text() == PETER


def test_the_note_that_go_signs():
    note = sign_note(PETERS_TEXT, "PeterNeumann", private(PETERS_KEY))
    assert note == f"{PETERS_TEXT}\n{PETERS_LINE}"


@pytest.mark.parametrize("size", TESSERAS)
def test_the_checkpoint_that_tessera_signs(size):
    head = verify(TESSERAS[size], TESSERA)
    assert (head.origin, head.size) == ("example.com/log/testdata", size)
    assert sign(head.origin, size, head.root, private(TESSERAS_KEY)) == TESSERAS[size]
    assert verify(TESSERAS[size].encode(), TESSERA) == head


def test_lines_of_other_keys_are_kept_and_ignored():
    other = sign_note(parse(GOOD).body, "witness.example", private(PETERS_KEY))
    line = other.rpartition("\n\n")[2]
    for text in (GOOD + line, GOOD.replace("\n\n", f"\n\n{line}")):
        head = verify(text, TESSERA)
        assert head.size == 15
        assert {s.name for s in head.signatures} == {"witness.example", head.origin}


def test_extension_lines_are_signed_and_kept():
    body = parse(GOOD).body + "an extension\nanother\n"
    head = verify(sign_note(body, "example.com/log/testdata", private(TESSERAS_KEY)), TESSERA)
    assert head.extensions == ("an extension", "another")
    assert head.body == body


def test_another_key_of_the_same_name_is_no_signature():
    stranger = verifier_key("example.com/log/testdata", private(PETERS_KEY))
    assert code(verify, GOOD, stranger) == "ledger.checkpoint_unsigned"


def test_the_key_of_another_log_is_refused():
    assert code(verify, GOOD, PETER) == "ledger.checkpoint_origin"


def test_every_line_of_our_key_must_hold():
    twice = GOOD + GOOD.rpartition("\n\n")[2].replace("/dlPWF74", "/dlPWF75")
    assert code(verify, twice, TESSERA) == "ledger.checkpoint_signature"
    assert code(verify, GOOD.replace("\n15\n", "\n16\n"), TESSERA) == "ledger.checkpoint_signature"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "\n\n",
        GOOD[:-1],
        GOOD + "\n",
        "\n" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("15\n", "015\n"),
        GOOD.replace("15\n", "+15\n"),
        GOOD.replace("15\n", "１５\n"),
        GOOD.replace("15\n", "99999999999999999999\n"),
        GOOD.replace("15\n", "9223372036854775808\n"),
        GOOD.replace("15\n", "\n"),
        GOOD.replace("3cs=\n", "3cs\n"),
        GOOD.replace("3cs=\n", "3ct=\n"),  # the same bytes, spelt with a stray bit
        GOOD.replace("3cs=\n", "3cs=\t\n"),
        GOOD.replace("rKbD", "AAAArKbD"),
        GOOD.replace("—", "-"),
        GOOD.replace("— ", "—"),
        GOOD.replace("— example.com/log/testdata ", "— "),
        GOOD.replace("— example", "— exa+mple"),
        GOOD.replace("ewI=", "ewJ="),
        GOOD.replace("M9e0luh4jTG+", "M9e0*uh4jTG+"),
        GOOD.partition("— ")[0],
        GOOD + "— a AAAA\n",
        GOOD + "— a AAAAAAA=\n" * 101,
        GOOD.replace("testdata\n15", "testdata\0\n15"),
        GOOD.replace("testdata\n15", "testdata\ud800\n15"),
        "x" * 1_000_001,
    ],
)
def test_malformed_checkpoints(text):
    assert code(verify, text, TESSERA) == "ledger.checkpoint_malformed"


def test_bytes_that_are_no_utf8_are_malformed():
    data = GOOD.encode().replace(b"testdata\n15", b"testdat\xff\n15")
    assert code(verify, data, TESSERA) == "ledger.checkpoint_malformed"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PeterNeumann",
        PETER[:-1],
        PETER + "=",
        PETER.replace("c74f20a3", "c74f20a4"),
        PETER.replace("c74f20a3", "C74F20A3"),
        PETER.replace("PeterNeumann", ""),
        PETER.replace("PeterNeumann", "Peter Neumann"),
        PETER.replace("+ARpc", "+BBpc"),
        PETER + "\n",
        "\ud800" + PETER,
    ],
)
def test_malformed_verifier_keys(text):
    assert code(read_verifier_key, text) == "ledger.vkey_malformed"


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\nb", "a\u2003b"])
def test_names_that_no_note_can_bear(name):
    assert code(sign, name, 0, bytes(32), private(PETERS_KEY)) == "ledger.key_name"
    assert code(verifier_key, name, private(PETERS_KEY)) == "ledger.key_name"


def test_sizes_and_roots_out_of_range_are_not_signed():
    for size, root in [(-1, bytes(32)), (2**63, bytes(32)), (1, bytes(31))]:
        assert code(sign, "a", size, root, private(PETERS_KEY)) == "ledger.checkpoint_malformed"
