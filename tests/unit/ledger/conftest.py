"""Logs to try things on: a source of entries, and folders of static files made from it."""

from collections.abc import Sequence

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from miaopei.adapters import tile_files
from miaopei.ledger.checkpoint import sign, verifier_key
from miaopei.ledger.merkle import Frontier, leaf_hash

ORIGIN = "log.example/unit"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


class Log:
    """Entries in memory, with the checkpoint of their number."""

    vkey = verifier_key(ORIGIN, KEY)

    def __init__(self, entries: Sequence[bytes], origin: str = ORIGIN):
        self.all, self.size = list(entries), len(entries)
        self.root = Frontier().extend(leaf_hash(each) for each in entries).root()
        self.checkpoint = sign(origin, self.size, self.root, KEY)

    def entries(self, start, end):
        return self.all[start:end]

    def cut(self, size):
        return Log(self.all[:size])

    def write(self, folder, **how):
        return tile_files.write(folder, self, **how)


@pytest.fixture(scope="session")
def log_of():
    """log_of(n): a log of n entries of unequal length, one of them empty."""

    def make(size, start=0):
        return Log([b"%d " % n * (n * 7 % 23) for n in range(start, start + size)])

    return make
