"""The audit names file, part, entry and bit, and which of two files the signed root bears out."""

import base64
import random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from miaopei.adapters import tile_files
from miaopei.errors import Refused
from miaopei.errors.texts import say
from miaopei.ledger.audit import Field, audit, examine
from miaopei.ledger.checkpoint import sign, sign_note, verifier_key
from miaopei.ledger.merkle import Frontier, leaf_hash, root_of

SIZES = [0, 1, 2, 255, 256, 257, 511, 512, 1000]


@pytest.fixture
def files(tmp_path, log_of):
    """files(n): a good log of n entries, as a dictionary that a test may spoil."""

    def make(size):
        log_of(size).write(tmp_path / str(size))
        read = tile_files.reader(tmp_path / str(size))
        return {name: read(name) for name in tile_files.names(tmp_path / str(size))}

    return make


@pytest.fixture(scope="session")
def vkey(log_of):
    return log_of(0).vkey


@pytest.fixture(scope="session")
def large(tmp_path_factory, log_of):
    """65,537 + 300 entries: three levels of tiles."""
    folder = tmp_path_factory.mktemp("large")
    log_of(65_837).write(folder)
    read = tile_files.reader(folder)
    return {name: read(name) for name in tile_files.names(folder)}


def found(files, vkey, **more):
    """All findings; each must be sayable in both languages without a gap."""
    outcome = examine(files.get, vkey, files, **more)
    for finding in outcome.findings:
        for language in ("zh", "en"):
            said = say(finding.refusal(), language)
            assert not said.startswith("ledger.")
            assert "?" not in said
    return outcome.findings


def one(files, vkey):
    (finding,) = found(files, vkey)
    return finding


def flip(data, offset, bit):
    return data[:offset] + bytes([data[offset] ^ 1 << bit]) + data[offset + 1 :]


@pytest.mark.parametrize("size", SIZES)
def test_good_logs_show_nothing(files, vkey, log_of, size):
    outcome = examine(files(size).get, vkey, files(size))
    assert (outcome.size, outcome.signed, outcome.findings) == (size, True, ())
    assert outcome.root == root_of([leaf_hash(each) for each in log_of(size).all])


def test_progress_counts_to_the_size(files, vkey):
    seen = []
    examine(files(600).get, vkey, progress=lambda done, size: seen.append((done, size)))
    assert seen == [(256, 600), (512, 600), (600, 600)]


def test_a_changed_entry_is_named_and_the_tile_is_right(files, vkey):
    log = files(1000)
    log["tile/entries/002"] = flip(log["tile/entries/002"], 1234, 6)
    finding = one(log, vkey)
    assert (finding.file, finding.field) == ("tile/entries/002", Field.ENTRY)
    assert (finding.offset, finding.bit, finding.agrees) == (1234, 6, "tile/0/002")
    assert 512 <= finding.position < 768


def test_a_changed_length_is_named_and_the_entries_after_it_are_fine(files, vkey):
    log = files(1000)
    log["tile/entries/003.p/232"] = flip(log["tile/entries/003.p/232"], 1, 3)
    finding = one(log, vkey)
    assert (finding.field, finding.position) == (Field.ENTRY_LENGTH, 768)
    assert (finding.offset, finding.bit) == (1, 3)


def test_several_faults_in_one_bundle_are_all_named(files, vkey):
    log = files(300)
    bundle = log["tile/entries/000"]
    for offset in (0, 1000, len(bundle) - 1):
        bundle = flip(bundle, offset, 0)
    log["tile/entries/000"] = bundle
    offsets = [finding.offset for finding in found(log, vkey)]
    assert offsets == [0, 1000, len(bundle) - 1]


def test_a_changed_hash_is_named_and_the_entries_are_right(files, vkey):
    log = files(1000)
    log["tile/0/001"] = flip(log["tile/0/001"], 32 * 5 + 7, 0)
    finding = one(log, vkey)
    assert (finding.file, finding.field, finding.position) == ("tile/0/001", Field.HASH, 5)
    assert (finding.offset, finding.bit, finding.agrees) == (167, 0, "tile/entries/001")


def test_a_changed_hash_higher_up_is_told_rightly_by_the_tile_below(large, vkey):
    log = dict(large)
    log["tile/1/000"] = flip(log["tile/1/000"], 32 * 17, 7)
    finding = one(log, vkey)
    assert (finding.file, finding.field, finding.position) == ("tile/1/000", Field.HASH, 17)
    assert finding.agrees == "tile/0/017"


def test_random_flips_at_every_level_of_a_large_log_are_located(large, vkey):
    choose = random.Random(1)
    names = [name for name in large if name.startswith(("tile/1", "tile/2"))]
    names += choose.sample(sorted(large), 9)
    for name in names:
        offset, bit = choose.randrange(len(large[name])), choose.randrange(8)
        finding = one({**large, name: flip(large[name], offset, bit)}, vkey)
        assert (finding.file, finding.offset, finding.bit) == (name, offset, bit)


def test_entry_and_tile_spoilt_together_are_both_named(files, vkey):
    log = files(1000)
    log["tile/entries/001"] = flip(log["tile/entries/001"], 500, 0)
    log["tile/0/001"] = flip(log["tile/0/001"], 8000, 0)
    assert [finding.file for finding in found(log, vkey)] == ["tile/0/001", "tile/entries/001"]
    assert all(finding.agrees for finding in found(log, vkey))


def test_an_entry_changed_together_with_its_hash(files, vkey, log_of):
    """The tile above still bears witness: the pair is named, though not the entry."""
    log, other = files(1000), log_of(1000)
    other.all[300] = b"a forgery"
    bundle, tile = _bundle(other.all[256:512]), [leaf_hash(each) for each in other.all[256:512]]
    log["tile/entries/001"], log["tile/0/001"] = bundle, b"".join(tile)
    finding = one(log, vkey)
    assert (finding.file, finding.field) == ("tile/0/001", Field.REWRITTEN)


def test_an_entry_changed_in_a_partial_bundle_together_with_its_hash(files, vkey, log_of):
    log, other = files(200), log_of(200)
    other.all[7] = b"a forgery"
    log["tile/entries/000.p/200"] = _bundle(other.all)
    log["tile/0/000.p/200"] = b"".join(leaf_hash(each) for each in other.all)
    finding = one(log, vkey)
    assert (finding.file, finding.field) == ("checkpoint", Field.REWRITTEN)


def test_a_log_rewritten_throughout_is_betrayed_by_its_checkpoint(files, vkey, tmp_path, log_of):
    log, other = files(1000), log_of(1000)
    other.all[300] = b"a forgery"
    type(other)(other.all).write(tmp_path / "forged")
    read = tile_files.reader(tmp_path / "forged")
    for name in log:
        log[name] = log[name] if name == "checkpoint" else read(name)
    finding = one(log, vkey)
    assert (finding.file, finding.field) == ("checkpoint", Field.REWRITTEN)


def test_differences_that_nothing_can_settle_are_said_to_be_so(files, vkey, log_of):
    log = files(1000)
    log["tile/entries/001"] = flip(log["tile/entries/001"], 500, 0)
    root = root_of([leaf_hash(b"another log")])
    log["checkpoint"] = sign(vkey.partition("+")[0], 1000, root, _key()).encode()
    rewritten, finding = found(log, vkey)
    assert (rewritten.file, rewritten.field) == ("checkpoint", Field.REWRITTEN)
    assert (finding.file, finding.field) == ("tile/0/001", Field.UNDECIDED)
    assert finding.agrees == "tile/entries/001"


@pytest.mark.parametrize(
    "name", ["tile/entries/001", "tile/0/001", "tile/1/000.p/3", "tile/0/003.p/232", "checkpoint"]
)
def test_a_missing_file_is_named(files, vkey, name):
    log = files(1000)
    del log[name]
    finding = one(log, vkey)
    assert (finding.file, finding.field) == (name, Field.MISSING)


def test_an_entry_changed_where_its_tile_is_missing(files, vkey):
    """Tile 0/001 is gone, but the level above tells whether the bundle is right."""
    log = files(1000)
    del log["tile/0/001"]
    log["tile/entries/001"] = flip(log["tile/entries/001"], 500, 0)
    files_named = {(f.file, f.field) for f in found(log, vkey)}
    assert ("tile/0/001", Field.MISSING) in files_named
    log["tile/entries/001"] = log["tile/entries/001"][:-1]
    files_named = {(f.file, f.field) for f in found(log, vkey)}
    assert ("tile/entries/001", Field.LENGTH) in files_named


@pytest.mark.parametrize("name", ["tile/entries/001", "tile/0/001", "tile/1/000.p/3"])
@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"\0"])
def test_a_file_cut_short_or_grown_is_named(files, vkey, name, change):
    log = files(1000)
    log[name] = change(log[name])
    assert {f.file for f in found(log, vkey)} == {name}
    assert Field.LENGTH in {f.field for f in found(log, vkey)}


def test_every_bit_of_the_checkpoint_is_located(files, vkey):
    log = files(3)
    good = log["checkpoint"]
    parts = {0: Field.ORIGIN, good.index(b"\n") + 1: Field.SIZE, len(good) - 3: Field.SIGNATURE}
    parts[good.index(b"3\n") + 5] = Field.ROOT
    choose = random.Random(2)
    for offset in sorted({*parts, *choose.sample(range(len(good)), 40)}):
        bit = choose.randrange(8)
        finding = one({**log, "checkpoint": flip(good, offset, bit)}, vkey)
        assert (finding.file, finding.offset, finding.bit) == ("checkpoint", offset, bit)
        assert finding.field == parts.get(offset, finding.field)


def test_a_spoilt_checkpoint_does_not_hide_a_spoilt_entry(files, vkey):
    log = files(600)
    log["checkpoint"] = flip(log["checkpoint"], 20, 1)
    log["tile/entries/001"] = flip(log["tile/entries/001"], 99, 1)
    assert [f.file for f in found(log, vkey)] == ["checkpoint", "tile/entries/001"]


def test_the_wrong_key(files, vkey):
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    other = verifier_key(vkey.partition("+")[0], key)
    log = files(300)
    outcome = examine(log.get, other, log)
    assert [f.field for f in outcome.findings] == [Field.UNSIGNED]
    assert not outcome.signed
    for text in ("", vkey[:-1], vkey.replace("unit", "unix")):
        with pytest.raises(Refused):
            examine(log.get, text)


def test_lines_of_witnesses_do_not_disturb(files, vkey):
    log = files(3)
    body = log["checkpoint"].decode().rpartition("\n\n")[0] + "\n"
    line = sign_note(body, "witness.example", Ed25519PrivateKey.from_private_bytes(bytes(32)))
    log["checkpoint"] += line.rpartition("\n\n")[2].encode()
    assert found(log, vkey) == ()


def test_a_checkpoint_that_claims_more_than_there_is(files, vkey):
    log = files(300)
    log["checkpoint"] = log["checkpoint"].replace(b"\n300\n", b"\n300000000000\n")
    assert [f.field for f in found(log, vkey)] == [Field.UNSIGNED, Field.CUT]
    root = base64.b64decode(log["checkpoint"].split(b"\n")[2])
    log["checkpoint"] = sign(vkey.partition("+")[0], 2**62, root, _key()).encode()
    finding = one(log, vkey)
    assert (finding.field, finding.position) == (Field.CUT, 256)


def test_unreadable_checkpoints(files, vkey):
    log = files(3)
    for data in (b"", b"hello", b"\xff" * 300, b"x" * 1_000_000):
        assert one({**log, "checkpoint": data}, vkey).field == Field.TEXT


def test_partial_files_of_earlier_sizes_are_checked_too(tmp_path, vkey, log_of):
    log = log_of(700)
    for size in (5, 250, 300, 600, 700):
        log.cut(size).write(tmp_path)
    read = tile_files.reader(tmp_path)
    files = {name: read(name) for name in tile_files.names(tmp_path)}
    assert found(files, vkey) == ()
    older = [name for name in files if name.endswith(("p/5", "p/250", "p/44", "p/88", "0.p/1"))]
    assert len(older) == 9
    choose = random.Random(3)
    for name in older:
        offset, bit = choose.randrange(len(files[name])), choose.randrange(8)
        finding = one({**files, name: flip(files[name], offset, bit)}, vkey)
        assert (finding.file, finding.offset, finding.bit) == (name, offset, bit)
        assert one({**files, name: files[name] + b"x"}, vkey).field == Field.LENGTH


def test_files_ahead_of_the_checkpoint_are_checked_as_far_as_it_reaches(files, vkey):
    ahead = {**files(700), "checkpoint": files(600)["checkpoint"]}
    for name in ("tile/entries/002.p/88", "tile/0/002.p/88"):
        ahead[name] = files(600)[name]
    assert found(ahead, vkey) == ()
    for name in ("tile/entries/002.p/188", "tile/0/002.p/188"):
        assert one({**ahead, name: flip(ahead[name], 40, 0)}, vkey).file == name
        later = flip(ahead[name], len(ahead[name]) - 1, 0)
        assert found({**ahead, name: later}, vkey) == ()


def test_the_full_file_stands_for_a_partial_one_that_is_gone(files, vkey):
    log = {**files(512), "checkpoint": files(300)["checkpoint"]}
    log["tile/1/000.p/1"] = files(300)["tile/1/000.p/1"]
    assert found(log, vkey) == ()
    log["tile/entries/001"] = flip(log["tile/entries/001"], 20, 0)
    assert one(log, vkey).file == "tile/entries/001"


@pytest.mark.parametrize("name", ["notes.txt", "tile/0/5", "tile/x/000", "tile/0/000.p/256", "a"])
def test_files_of_no_log_are_named(files, vkey, name):
    finding = one({**files(3), name: b"?"}, vkey)
    assert (finding.file, finding.field) == (name, Field.STRAY)


def test_findings_come_one_by_one_as_well(files, vkey):
    log = files(3)
    log["tile/0/000.p/3"] = flip(log["tile/0/000.p/3"], 33, 0)
    assert [f.as_json() for f in audit(log.get, vkey)] == [
        {
            "file": "tile/0/000.p/3",
            "field": "hash",
            "position": 1,
            "offset": 33,
            "bit": 0,
            "agrees": "tile/entries/000.p/3",
        }
    ]


def test_the_empty_log_has_the_empty_root(files, vkey):
    log = files(0)
    assert set(log) == {"checkpoint"}
    root = Frontier().append(leaf_hash(b"")).root()
    log["checkpoint"] = sign(vkey.partition("+")[0], 0, root, _key()).encode()
    assert one(log, vkey).field == Field.REWRITTEN


def _key():
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def _bundle(entries):
    return b"".join(len(each).to_bytes(2, "big") + each for each in entries)
