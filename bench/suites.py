"""What the two suites of a record cost: hashing, signing, checking, sealing, wrapping.

Each work is repeated in five rounds; the fastest round counts, divided by its repetitions.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

from miaopei.adapters.keys import fresh
from miaopei.measures.suites import Suite, named, within
from miaopei.node.vault.sealing import seal, unseal, unwrap, wrap

from .journey import row

ROUNDS = 5
ENTRY, ACT, BLOB = bytes(64), os.urandom(600), os.urandom(1_000_000)


def run() -> Iterator[dict[str, Any]]:
    """One row a work and suite."""
    for name in ("intl", "gm"):
        suite = named(name)
        with within(suite):
            yield from _of(suite)


def _of(suite: Suite) -> Iterator[dict[str, Any]]:
    me = fresh("bench")
    public, shown = me.acts.public_key().public_bytes_raw(), me.acts.sign(ACT)
    box = me.box.public_key().public_bytes_raw()
    sealed, key = seal(BLOB, os.urandom)
    wrapped = wrap(key, box, os.urandom)
    works: tuple[tuple[str, str, int, Callable[[], object]], ...] = (
        ("hash", "hash 64 bytes", 20_000, lambda: suite.digest(ENTRY)),
        ("hash-1mb", "hash 1 MB", 5, lambda: suite.digest(BLOB)),
        ("sign", "sign an act of 600 bytes", 50, lambda: me.acts.sign(ACT)),
        ("check", "check its signature", 50, lambda: suite.verify(public, shown, ACT)),
        ("seal", "seal 1 MB under a new key", 3, lambda: seal(BLOB, os.urandom)),
        ("open", "open 1 MB", 3, lambda: unseal(sealed, key)),
        ("wrap", "wrap a data key for a reader", 50, lambda: wrap(key, box, os.urandom)),
        ("unwrap", "unwrap it", 50, lambda: unwrap(wrapped, me.box)),
    )
    for id, work, times, do in works:
        yield row(f"S.{suite.name}.{id}", f"{suite.name}: {work}", _microseconds(do, times), "µs")


def _microseconds(work: Callable[[], object], times: int) -> float:
    fastest = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(times):
            work()
        fastest = min(fastest, time.perf_counter() - began)
    return fastest / times * 1e6
