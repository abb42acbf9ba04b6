"""Tree hashing against the vectors of Certificate Transparency."""

import pytest

from miaopei.errors import Refused
from miaopei.ledger.merkle import (
    Frontier,
    empty_root,
    leaf_hash,
    node_hash,
    root_of,
)

# Public vectors: certificate-transparency and transparency-dev/merkle, testonly/constants.go.
INPUTS = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(bytes.fromhex(each)) for each in INPUTS]


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size):
    assert root_of(LEAVES[:size]).hex() == ROOTS[size]
    assert Frontier().extend(LEAVES[:size]).root().hex() == ROOTS[size]


def test_frontier_of_seven_leaves_is_its_three_complete_subtrees():
    # testonly.CompactTrees()[7] of the same source: node hashes [2][0], [1][2], [0][6].
    frontier = Frontier().extend(LEAVES[:7])
    assert [each.hex() for each in frontier.hashes] == [
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
    ]


def test_appending_one_by_one_is_extending():
    one = Frontier()
    for leaf in LEAVES:
        one = one.append(leaf)
    assert one == Frontier().extend(LEAVES[:3]).extend(LEAVES[3:])


def test_growing_names_every_completed_subtree_once():
    frontier, nodes = Frontier().extend(LEAVES[:3]).grow(LEAVES[3:])
    assert frontier == Frontier().extend(LEAVES)
    places = [(node.level, node.place) for node in nodes]
    three = [(1, 1), (2, 0)]  # completed by leaf 3
    seven = [(1, 3), (2, 1), (3, 0)]
    assert places == [(0, 3), *three, (0, 4), (0, 5), (1, 2), (0, 6), (0, 7), *seven]
    held = {(node.level, node.place): node.hash for node in nodes}
    assert held[1, 1] == node_hash(LEAVES[2], LEAVES[3])
    assert held[3, 0].hex() == ROOTS[8]


def test_json_there_and_back():
    for size in range(9):
        frontier = Frontier().extend(LEAVES[:size])
        assert Frontier.from_json(frontier.as_json()) == frontier
    assert Frontier().root() == empty_root()


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"size": 1, "hashes": []},
        {"size": 2, "hashes": ["00" * 32, "00" * 32]},
        {"size": True, "hashes": ["00" * 32]},
        {"size": 1, "hashes": ["00" * 31]},
        {"size": 1, "hashes": ["AA" * 32]},
        {"size": 1, "hashes": [7]},
        {"size": -1, "hashes": ["00" * 32]},
        {"size": 2**64, "hashes": ["00" * 32]},
        {"size": 1, "hashes": ["00" * 32], "more": 1},
    ],
)
def test_a_frontier_that_is_not_one_is_refused(value):
    with pytest.raises(Refused) as seen:
        Frontier.from_json(value)
    assert seen.value.refusals[0].code == "ledger.frontier_malformed"
