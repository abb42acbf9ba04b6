"""Laws of the record: what holds for every tree, every proof, every log and every flipped bit."""

import random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from miaopei.adapters import tile_files
from miaopei.errors import Refused
from miaopei.ledger.audit import audit
from miaopei.ledger.checkpoint import Checkpoint, parse, sign, verifier_key, verify
from miaopei.ledger.merkle import Frontier, empty_root, leaf_hash, node_hash, root_of
from miaopei.ledger.proof import (
    check_consistency,
    check_inclusion,
    consistency,
    inclusion,
    nodes_of,
)
from miaopei.ledger.tiles import decode_bundle, encode_bundle, growth

ORIGIN = "log.example/laws"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VKEY = verifier_key(ORIGIN, KEY)
entries = st.lists(st.binary(max_size=40), max_size=70)
sizes = st.integers(0, 2**40)


def mth(leaves):
    """MTH of RFC 6962 section 2.1, word for word, over leaf hashes."""
    if not leaves:
        return empty_root()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(mth(leaves[:k]), mth(leaves[k:]))


def path(m, leaves):
    """PATH of RFC 6962 section 2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m, leaves, whole=True):
    """SUBPROOF of RFC 6962 section 2.1.2, word for word."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def flipped(data, at):
    return data[: at // 8] + bytes([data[at // 8] ^ 1 << at % 8]) + data[at // 8 + 1 :]


@given(entries, st.data())
def test_the_frontier_is_the_recursive_definition(data, drawn):
    leaves = [leaf_hash(each) for each in data]
    cut = drawn.draw(st.integers(0, len(leaves)))
    grown, nodes = Frontier().extend(leaves[:cut]).grow(leaves[cut:])
    assert grown.root() == root_of(leaves) == mth(leaves)
    assert Frontier.from_json(grown.as_json()) == grown
    for node in nodes:
        span = 1 << node.level
        assert node.hash == mth(leaves[node.place * span : (node.place + 1) * span])


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=70))
def test_every_proof_of_every_leaf_verifies_and_is_the_one_of_the_rfc(data):
    leaves = [leaf_hash(each) for each in data]
    size, root, read = len(leaves), mth(leaves), nodes_of(leaves)
    for index, leaf in enumerate(leaves):
        proof = inclusion(index, size, read)
        assert list(proof) == path(index, leaves)
        check_inclusion(leaf, index, size, proof, root)
    for older in range(1, size + 1):
        proof = consistency(older, size, read)
        assert list(proof) == subproof(older, leaves)
        check_consistency(older, mth(leaves[:older]), size, root, proof)


@settings(max_examples=25)
@given(st.integers(1, 70), st.data())
def test_no_proof_verifies_after_any_change_of_one_bit(size, drawn):
    """Every bit of leaf, root and path; every other index; every bit of a consistency proof."""
    leaves = [leaf_hash(b"%d" % n) for n in range(size)]
    root, index = mth(leaves), drawn.draw(st.integers(0, size - 1))
    proof = list(inclusion(index, size, nodes_of(leaves)))
    parts = [leaves[index], root, *proof]
    for part in range(len(parts)):
        for bit in range(256):
            leaf, told, *steps = [
                flipped(each, bit) if n == part else each for n, each in enumerate(parts)
            ]
            with pytest.raises(Refused):
                check_inclusion(leaf, index, size, steps, told)
    for other in set(range(size)) - {index}:
        with pytest.raises(Refused):
            check_inclusion(leaves[index], other, size, proof, root)
    older = drawn.draw(st.integers(1, size))
    parts = [mth(leaves[:older]), root, *consistency(older, size, nodes_of(leaves))]
    for part in range(len(parts)):
        for bit in range(256):
            first, second, *steps = [
                flipped(each, bit) if n == part else each for n, each in enumerate(parts)
            ]
            with pytest.raises(Refused):
                check_consistency(older, first, size, second, steps)


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundles_there_and_back(data):
    assert decode_bundle(encode_bundle(data)) == data


@given(st.binary(max_size=200))
def test_any_bytes_are_a_bundle_or_refused(data):
    try:
        read = decode_bundle(data)
    except Refused:
        return
    assert encode_bundle(read) == data


@given(st.integers(0, 200_000), st.integers(0, 200_000))
def test_growing_in_two_steps_leaves_every_file_of_one_step(some, more):
    two = {*growth(0, some), *growth(some, some + more)}
    assert two >= set(growth(0, some + more))


@given(sizes, st.binary(min_size=32, max_size=32))
def test_checkpoints_there_and_back(size, root):
    text = sign(ORIGIN, size, root, KEY)
    assert verify(text, VKEY) == Checkpoint(ORIGIN, size, root)


@settings(max_examples=5)
@given(sizes, st.binary(min_size=32, max_size=32))
def test_no_checkpoint_verifies_after_any_change_of_one_bit(size, root):
    good = sign(ORIGIN, size, root, KEY).encode("utf-8")
    for bit in range(8 * len(good)):
        with pytest.raises(Refused):
            verify(flipped(good, bit), VKEY)


@given(st.one_of(st.binary(), st.text()))
def test_any_input_is_refused_and_nothing_else(data):
    for call in (lambda: parse(data), lambda: verify(data, VKEY)):
        with pytest.raises(Refused):
            call()


@given(st.integers(0, 200), st.integers(0, 60), st.one_of(st.text(max_size=9), st.just("\n")))
def test_a_checkpoint_with_any_part_replaced_is_refused_or_the_same(start, length, text):
    good = sign(ORIGIN, 1234, bytes(32), KEY)
    changed = good[:start] + text + good[start + length :]
    try:
        head = verify(changed, VKEY)
    except Refused:
        return
    assert head == verify(good, VKEY)


class Log:
    """A source of entries of unequal length."""

    def __init__(self, size):
        choose = random.Random(size)
        self.all = [choose.randbytes(n * 37 % 211) for n in range(size)]

    def cut(self, size):
        part = Log(0)
        part.all = self.all[:size]
        return part

    @property
    def size(self):
        return len(self.all)

    @property
    def checkpoint(self):
        root = Frontier().extend(leaf_hash(each) for each in self.all).root()
        return sign(ORIGIN, self.size, root, KEY)

    def entries(self, start, end):
        return self.all[start:end]


def test_a_thousand_flipped_bits_in_a_folder_are_all_found_and_located(tmp_path):
    """A log that grew in six steps, all its files; one bit anywhere; file, byte and bit named."""
    log = Log(700)
    for size in (3, 200, 256, 300, 600, 700):
        tile_files.write(tmp_path, log.cut(size))
    names = tile_files.names(tmp_path)
    assert list(audit(tile_files.reader(tmp_path), VKEY, names)) == []
    good = {name: (tmp_path / name).read_bytes() for name in names}
    choose, seen = random.Random(20260101), set()
    weights = [max(len(data), 800) for data in good.values()]
    for _ in range(1000):
        (name,) = choose.choices(names, weights)
        bit = choose.randrange(8 * len(good[name]))
        (tmp_path / name).write_bytes(flipped(good[name], bit))
        found = list(audit(tile_files.reader(tmp_path), VKEY, names))
        assert [(f.file, f.offset, f.bit) for f in found] == [(name, bit // 8, bit % 8)]
        (tmp_path / name).write_bytes(good[name])
        seen.add(name)
    assert seen == set(names)


def spoil(choose, files):
    """One damage to one file: flipped, cut, grown, emptied, exchanged or gone."""
    name = choose.choice(sorted(files))
    data = files[name]
    at = choose.randrange(len(data) + 1)
    damages = [
        flipped(data, choose.randrange(8 * len(data))) if data else b"x",
        data[:at],
        data[:at] + choose.randbytes(40) + data[at:],
        b"",
        files[choose.choice(sorted(files))],
        None,
    ]
    damaged = choose.choice(damages)
    if damaged is None:
        del files[name]
    else:
        files[name] = damaged


def test_whatever_is_damaged_the_audit_ends_and_says_something(tmp_path):
    tile_files.write(tmp_path, Log(600))
    read = tile_files.reader(tmp_path)
    good = {name: read(name) for name in tile_files.names(tmp_path)}
    choose = random.Random(7)
    for _ in range(300):
        files = dict(good)
        for _ in range(choose.randrange(1, 6)):
            spoil(choose, files)
        found = list(audit(files.get, VKEY, files))
        assert bool(found) == (files != good)
        changed = {name for name in good if files.get(name) != good[name]}
        named = {finding.file for finding in found}
        assert named & changed or "checkpoint" in named or not changed
