"""Proofs against the vectors of Certificate Transparency, and what is refused."""

import pytest

from miaopei.errors import Refused
from miaopei.ledger.merkle import Frontier, empty_root, leaf_hash, root_of
from miaopei.ledger.proof import (
    as_hex,
    check_consistency,
    check_inclusion,
    consistency,
    consistency_in,
    from_hex,
    inclusion,
    inclusion_in,
)

INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
INPUTS = [*INPUTS, "606162636465666768696a6b6c6d6e6f"]
LEAVES = [leaf_hash(bytes.fromhex(each)) for each in INPUTS]
# Public vectors: transparency-dev/merkle v0.0.2, proof/verify_test.go (there indices start at 1).
H = {
    "96": "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f": "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b": "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    "bc": "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca": "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d3": "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "fa": "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "6e": "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "0e": "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "b0": "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
}
INCLUSION = {
    (0, 1): [],
    (0, 8): ["96", "5f", "6b"],
    (5, 8): ["bc", "ca", "d3"],
    (2, 3): ["fa"],
    (1, 5): ["6e", "5f", "bc"],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): ["96", "5f", "6b"],
    (6, 8): ["0e", "ca", "d3"],
    (2, 5): ["5f", "bc"],
    (6, 7): ["0e", "b0", "d3"],
}


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_published_inclusion_proofs(index, size):
    proof = inclusion_in(index, LEAVES[:size])
    assert as_hex(proof) == [H[name] for name in INCLUSION[index, size]]
    check_inclusion(LEAVES[index], index, size, proof, root_of(LEAVES[:size]))


@pytest.mark.parametrize(("older", "newer"), CONSISTENCY)
def test_published_consistency_proofs(older, newer):
    proof = consistency_in(older, LEAVES[:newer])
    assert as_hex(proof) == [H[name] for name in CONSISTENCY[older, newer]]
    check_consistency(older, root_of(LEAVES[:older]), newer, root_of(LEAVES[:newer]), proof)


def test_proofs_are_served_from_stored_nodes():
    nodes = {(n.level, n.place): n.hash for n in Frontier().grow(LEAVES)[1]}
    read = lambda level, place: nodes[level, place]  # noqa: E731
    for size in range(1, 9):
        for index in range(size):
            assert inclusion(index, size, read) == inclusion_in(index, LEAVES[:size])
        for older in range(size + 1):
            assert consistency(older, size, read) == consistency_in(older, LEAVES[:size])


def _code(call, *arguments):
    with pytest.raises(Refused) as seen:
        call(*arguments)
    return seen.value.refusals[0].code


def test_no_proof_of_what_is_not_there():
    assert _code(inclusion_in, 8, LEAVES) == "ledger.index_outside"
    assert _code(inclusion_in, -1, LEAVES) == "ledger.index_outside"
    assert _code(consistency_in, 9, LEAVES) == "ledger.sizes_reversed"


def test_a_proof_for_another_place_fails():
    root, proof = root_of(LEAVES), inclusion_in(3, LEAVES)
    for index in [0, 1, 2, 4, 5, 6, 7]:
        assert _code(check_inclusion, LEAVES[3], index, 8, proof, root) == "ledger.inclusion_fails"
    assert _code(check_inclusion, LEAVES[3], 8, 8, proof, root) == "ledger.index_outside"
    assert _code(check_inclusion, LEAVES[3], 3, 2**63, proof, root) == "ledger.index_outside"


def test_a_proof_too_short_or_too_long_fails():
    root, proof = root_of(LEAVES), inclusion_in(3, LEAVES)
    for changed in [proof[:-1], proof[1:], (*proof, proof[0]), ()]:
        assert _code(check_inclusion, LEAVES[3], 3, 8, changed, root) == "ledger.inclusion_fails"
    older, proof = root_of(LEAVES[:6]), consistency_in(6, LEAVES)
    for changed in [proof[:-1], proof[1:], (*proof, proof[0]), ()]:
        code = _code(check_consistency, 6, older, 8, root, changed)
        assert code == "ledger.consistency_fails"


def test_an_inner_node_does_not_pass_for_a_leaf():
    inner = bytes.fromhex(H["fa"])
    assert (
        _code(check_inclusion, inner, 0, 8, inclusion_in(0, LEAVES)[1:], root_of(LEAVES))
        == "ledger.inclusion_fails"
    )


def test_the_empty_log_is_the_beginning_of_every_log():
    root = root_of(LEAVES)
    check_consistency(0, empty_root(), 8, root, ())
    check_consistency(0, empty_root(), 0, empty_root(), ())
    fails = "ledger.consistency_fails"
    assert _code(check_consistency, 0, root, 8, root, ()) == fails
    assert _code(check_consistency, 0, empty_root(), 0, root, ()) == fails
    assert _code(check_consistency, 0, empty_root(), 8, root, (root,)) == fails
    assert _code(check_consistency, 8, root, 8, LEAVES[0], ()) == fails
    assert _code(check_consistency, 8, root, 7, root, ()) == "ledger.sizes_reversed"


def test_hashes_of_another_length_are_malformed():
    root = root_of(LEAVES)
    malformed = "ledger.proof_malformed"
    assert _code(check_inclusion, LEAVES[0], 0, 8, (b"short",), root) == malformed
    assert _code(check_consistency, 2, b"", 8, root, ()) == malformed


@pytest.mark.parametrize("value", [None, {}, "ab", ["ab"], ["AB" * 32], [7], ["00" * 32] * 65])
def test_a_proof_in_a_file_must_be_hex(value):
    assert _code(from_hex, value) == "ledger.proof_malformed"


def test_hex_there_and_back():
    proof = inclusion_in(5, LEAVES)
    assert from_hex(as_hex(proof)) == proof
