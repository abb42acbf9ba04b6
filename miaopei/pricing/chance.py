"""Chance by declared seed: whole numbers of 64 bits, the same on every machine and in every order.

A stream is named, and drawn from Philox (a counter turned into bits, Salmon et al. 2011) under a
key that is the hash of seed and name; so no stream depends on how much was drawn from another.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from hashlib import sha256

import numpy as np
from numpy.random import Philox
from numpy.typing import NDArray

from ..errors import Refusal, Refused
from .statistics import PRECISE, poisson_terms

Int64Array = NDArray[np.int64]
UInt64Array = NDArray[np.uint64]
BITS = 64
LARGEST_SEED = 2**53 - 1
MOST_A_YEAR = 400  # events; a higher rate means a unit was mistaken


class Stream:
    """One named stream of whole numbers."""

    def __init__(self, seed: int, name: str) -> None:
        """Errors   Refused pricing.bad_seed."""
        if not 0 <= seed <= LARGEST_SEED:
            raise Refused(Refusal("pricing.bad_seed", {"value": seed, "limit": LARGEST_SEED}))
        key = sha256(f"miaopei.pricing/1\n{seed}\n{name}".encode()).digest()[:16]
        self._bits = Philox(counter=0, key=int.from_bytes(key, "little"))

    def raw(self, count: int) -> UInt64Array:
        """So many numbers of 64 bits, each value as likely as any other."""
        return np.asarray(self._bits.random_raw(count), dtype=np.uint64)

    def below(self, limit: int, count: int) -> Int64Array:
        """So many numbers from 0 to limit - 1, all equally likely: raw ones that would favour the
        lower numbers are thrown away.
        """
        fair = (1 << BITS) - (1 << BITS) % limit
        found = np.empty(0, dtype=np.uint64)
        while len(found) < count:
            more = self.raw(count - len(found))
            if fair < 1 << BITS:
                more = more[more < np.uint64(fair)]
            found = np.concatenate((found, more))
        return (found % np.uint64(limit)).astype(np.int64)

    def pick(self, edges: UInt64Array, count: int) -> Int64Array:
        """So many indexes into a table of `cumulative` chances."""
        return np.searchsorted(edges, self.raw(count), side="right").astype(np.int64)


def cumulative(weights: Sequence[Decimal]) -> UInt64Array:
    """Chances in proportion to weights, as the upper edges of all but the last at scale 2**64."""
    whole, scale = sum(weights, Decimal(0)), Decimal(1 << BITS)
    edges, total = [], Decimal(0)
    for weight in weights[:-1]:
        total += weight
        share = PRECISE.divide(PRECISE.multiply(total, scale), whole)
        edges.append(min(int(share), (1 << BITS) - 1))
    return np.array(edges, dtype=np.uint64)


def poisson(rate: Decimal) -> UInt64Array:
    """The table of how many events a year has at a rate, cut where less than 2**-64 is left.

    Errors   Refused pricing.rate_too_high.
    """
    if not 0 <= rate <= MOST_A_YEAR // 4:
        said = f"{rate:.6g}"
        raise Refused(Refusal("pricing.rate_too_high", {"value": said, "limit": MOST_A_YEAR // 4}))
    terms = poisson_terms(rate, MOST_A_YEAR)
    scale = Decimal(1 << BITS)
    last = next(
        (n for n in range(1, len(terms)) if n > rate and PRECISE.multiply(terms[n], scale) < 1),
        len(terms) - 1,
    )
    return cumulative(terms[: last + 1])
