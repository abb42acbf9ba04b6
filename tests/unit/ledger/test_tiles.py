"""The layout of static files against the text of C2SP tlog-tiles and its examples."""

import pytest

from miaopei.errors import Refused
from miaopei.ledger.leaf import check_entry, framed
from miaopei.ledger.merkle import Frontier, empty_root, leaf_hash, root_of
from miaopei.ledger.proof import consistency, consistency_in, inclusion, inclusion_in
from miaopei.ledger.tiles import (
    Tile,
    decode_bundle,
    encode_bundle,
    frontier_at,
    growth,
    hashes_of,
    node_reader,
    read_path,
    right_edge,
    tile_bytes,
)

SIZES = [0, 1, 2, 255, 256, 257, 511, 512, 65535, 65536, 65537, 70000]


def test_the_paths_of_the_specification():
    # tlog-tiles, "Merkle Tree": "index 1234067 will be encoded as x001/x234/067".
    assert Tile(0, 1234067).path == "tile/0/x001/x234/067"
    assert Tile(None, 1234067, 8).path == "tile/entries/x001/x234/067.p/8"
    assert Tile(63, 0).path == "tile/63/000"
    assert Tile(1, 999, 255).path == "tile/1/999.p/255"
    assert Tile(1, 1000).path == "tile/1/x001/000"


def test_the_tree_of_70000_of_the_specification():
    # "273 full level 0 tiles, one partial level 0 tile of width 112, one full level 1 tile, one
    # partial level 1 tile of width 17, and one partial level 2 tile of width 1."
    tiles = [tile for tile in growth(0, 70000) if tile.level is not None]
    widths = [(tile.level, tile.width) for tile in tiles]
    assert widths == [(0, 256)] * 273 + [(0, 112), (1, 256), (1, 17), (2, 1)]


def test_the_tree_of_256_of_the_specification():
    # "a full level 0 tile and a partial level 1 tile of width 1"
    assert list(growth(0, 256)) == [Tile(None, 0), Tile(0, 0), Tile(1, 0, 1)]


@pytest.mark.parametrize("size", SIZES)
def test_partial_tiles_have_the_width_of_the_specification(size):
    partial = {tile.level: tile for tile in right_edge(size)}
    for level in range(4):
        width = size // 256**level % 256
        assert (level in partial) == (width > 0)
        if width:
            assert partial[level].width == width
            assert partial[level].index == size // 256 ** (level + 1)


def test_growth_writes_what_changes_and_nothing_else():
    assert list(growth(7, 7)) == []
    assert list(growth(255, 256)) == [Tile(None, 0), Tile(0, 0), Tile(1, 0, 1)]
    assert [t.path for t in growth(257, 258)] == ["tile/entries/001.p/2", "tile/0/001.p/2"]
    for older in SIZES:
        for newer in [size for size in SIZES if size >= older]:
            both = {*growth(0, older), *growth(older, newer)}
            assert both >= set(growth(0, newer))
            assert not {t for t in growth(older, newer) if t in set(growth(0, older))}


def test_reading_paths():
    for tile in growth(0, 70000):
        assert read_path(tile.path) == tile
    assert read_path("tile/entries/x001/x234/067.p/8") == Tile(None, 1234067, 8)


@pytest.mark.parametrize(
    "path",
    [
        "checkpoint",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/00/001",
        "tile/64/001",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/01",
        "tile/8/0/001",
        "tile/entries/../../001",
        "/tile/0/001",
        "tile/0/001\n",
        "tile/0/٠٠١",
    ],
)
def test_other_spellings_name_nothing(path):
    assert read_path(path) is None


def test_bundles_are_framed_with_two_bytes_big_endian():
    assert encode_bundle([b"", b"ab", b"x" * 258]) == b"\0\0" + b"\0\2ab" + b"\1\2" + b"x" * 258
    assert decode_bundle(b"\0\0\0\2ab") == [b"", b"ab"]
    assert decode_bundle(encode_bundle([b"x" * 65535])) == [b"x" * 65535]
    assert decode_bundle(b"") == []


def test_an_entry_that_does_not_fit_is_refused():
    check_entry(b"x" * 65535)
    for call in (check_entry, framed, lambda data: encode_bundle([b"ok", data])):
        with pytest.raises(Refused) as seen:
            call(b"x" * 65536)
        refusal = seen.value.refusals[0]
        assert refusal.code == "ledger.entry_too_long"
        assert refusal.facts == {"length": 65536, "limit": 65535}


@pytest.mark.parametrize(
    ("data", "entry", "offset"), [(b"\0", 0, 0), (b"\0\1a\0", 1, 3), (b"\0\1a\0\2b", 1, 3)]
)
def test_a_torn_bundle_is_refused_where_it_breaks(data, entry, offset):
    with pytest.raises(Refused) as seen:
        decode_bundle(data)
    assert seen.value.refusals[0].facts == {"entry": entry, "offset": offset}


@pytest.mark.parametrize("data", [b"", b"x" * 31, b"x" * 33, b"x" * 32 * 257])
def test_a_tile_of_another_length_is_refused(data):
    with pytest.raises(Refused) as seen:
        hashes_of(data)
    assert seen.value.refusals[0].code == "ledger.tile_malformed"


def _files(leaves, size):
    """All tiles of a size, made by the definition: MTH of slices of 256**level leaves."""
    files = {}
    for tile in growth(0, size):
        if tile.level is not None:
            span = 256**tile.level
            parts = [leaves[n * span : (n + 1) * span] for n in range(tile.first, tile.end)]
            files[tile.path] = tile_bytes(root_of(part) for part in parts)
    return files


@pytest.mark.parametrize("size", [1, 255, 256, 257, 700])
def test_proofs_from_tiles_are_proofs_from_leaves(size):
    leaves = [leaf_hash(b"%d" % n) for n in range(size)]
    read = node_reader(_files(leaves, size).get, size)
    for index in {0, size // 2, size - 1}:
        assert inclusion(index, size, read) == inclusion_in(index, leaves)
    for older in {1, size // 3, size // 2, size}:
        assert consistency(older, size, read) == consistency_in(older, leaves)


def test_a_proof_for_an_older_size_is_made_from_the_tiles_of_the_newer():
    leaves = [leaf_hash(b"%d" % n) for n in range(600)]
    read = node_reader(_files(leaves, 600).get, 600)
    assert inclusion(299, 300, read) == inclusion_in(299, leaves[:300])
    assert consistency(300, 512, read) == consistency_in(300, leaves[:512])


def test_the_full_tile_stands_for_a_partial_one_that_is_gone():
    leaves = [leaf_hash(b"%d" % n) for n in range(512)]
    files = {**_files(leaves, 512), "tile/1/000.p/1": _files(leaves, 256)["tile/1/000.p/1"]}
    read = node_reader(files.get, 300)
    assert inclusion(299, 300, read) == inclusion_in(299, leaves[:300])


def test_a_missing_or_short_tile_is_refused():
    leaves = [leaf_hash(b"%d" % n) for n in range(300)]
    files = _files(leaves, 300)
    short = {**files, "tile/0/000": files["tile/0/000"][:32]}
    for held, code in [({}, "ledger.tile_missing"), (short, "ledger.tile_malformed")]:
        with pytest.raises(Refused) as seen:
            inclusion(7, 300, node_reader(held.get, 300))
        assert seen.value.refusals[0].code == code


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 700])
def test_the_root_rests_on_the_right_edge_alone(size):
    leaves = [leaf_hash(b"%d" % n) for n in range(size)]
    files, rows = _files(leaves, size), [[] for _ in range(3)]
    for tile in right_edge(size):
        rows[tile.level] = hashes_of(files[tile.path])
    assert frontier_at(rows) == Frontier().extend(leaves)
    assert frontier_at([]).root() == empty_root()
