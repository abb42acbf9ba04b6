"""Chance by seed: the published generator, and tables that sum to one."""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256
from math import exp, factorial

import pytest

from miaopei.errors import Refused
from miaopei.pricing.chance import Stream, cumulative, poisson
from miaopei.pricing.statistics import of_a_count, of_a_share

MASK = (1 << 64) - 1


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Philox 4x64-10 in plain integers, from the paper (Salmon et al. 2011)."""
    c, k = list(counter), list(key)
    for step in range(10):
        if step:
            k = [(k[0] + 0x9E3779B97F4A7C15) & MASK, (k[1] + 0xBB67AE8584CAA73B) & MASK]
        one, two = 0xD2E7470EE14C6C93 * c[0], 0xCA5A826395121157 * c[2]
        c = [(two >> 64) ^ c[1] ^ k[0], two & MASK, (one >> 64) ^ c[3] ^ k[1], one & MASK]
    return c


def test_philox_gives_the_published_answer() -> None:
    """Random123's known answer for a counter and key of zero."""
    assert [f"{part:016x}" for part in philox([0] * 4, [0] * 2)] == [
        "16554d9eca36314c", "db20fe9d672d0fdc", "d7e772cee186176b", "7e68b68aec7ba23b",
    ]  # fmt: skip


def test_a_stream_is_that_generator_under_the_hash_of_its_name() -> None:
    key = sha256(b"miaopei.pricing/1\n11\nzone/count").digest()[:16]
    words = [int.from_bytes(key[at : at + 8], "little") for at in (0, 8)]
    wanted = [part for block in (1, 2, 3) for part in philox([block, 0, 0, 0], words)]
    assert Stream(11, "zone/count").raw(12).tolist() == wanted


def test_streams_do_not_depend_on_each_other() -> None:
    one = Stream(1, "a")
    one.raw(100)
    assert one.raw(5).tolist() == Stream(1, "a").raw(105)[100:].tolist()
    assert Stream(1, "a").raw(5).tolist() != Stream(1, "b").raw(5).tolist()
    assert Stream(1, "a").raw(5).tolist() != Stream(2, "a").raw(5).tolist()


def test_every_number_below_a_limit_is_as_likely() -> None:
    drawn = Stream(3, "below").below(6, 60_000)
    counts = [int((drawn == face).sum()) for face in range(6)]
    assert sum(counts) == 60_000
    assert sum((count - 10_000) ** 2 / 10_000 for count in counts) < 20.5  # chi square, 0.999


@pytest.mark.parametrize("rate", ["0.05", "0.8", "12"])
def test_poisson_counts_are_poisson(rate: str) -> None:
    edges = poisson(Decimal(rate))
    for number, edge in enumerate(edges.tolist()[:8]):
        chance = sum(exp(-float(rate)) * float(rate) ** k / factorial(k) for k in range(number + 1))
        assert edge / 2**64 == pytest.approx(chance, rel=1e-12)
    drawn = Stream(5, f"poisson {rate}").pick(edges, 40_000)
    assert abs(drawn.mean() - float(rate)) < 4 * (float(rate) / 40_000) ** 0.5


def test_weights_become_edges() -> None:
    assert cumulative([Decimal(1), Decimal(1), Decimal(2)]).tolist() == [2**62, 2**63]


def test_bad_seeds_and_rates_are_refused() -> None:
    with pytest.raises(Refused) as seed:
        Stream(-1, "x")
    assert seed.value.refusals[0].code == "pricing.bad_seed"
    with pytest.raises(Refused) as rate:
        poisson(Decimal(500))
    assert rate.value.refusals[0].code == "pricing.rate_too_high"


def test_intervals_are_those_of_printed_tables() -> None:
    """Garwood's limits (0: 3.689; 1: 0.0253 to 5.572; 10: 4.795 to 18.390) and those of Clopper and
    Pearson (0 of 10: 0.3085; 1 of 10: 0.0025 to 0.4450; 5 of 10: 0.1871 to 0.8129).
    """
    counts = {0: (0.0, 3.689), 1: (0.0253, 5.572), 10: (4.795, 18.390)}
    for count, (low, high) in counts.items():
        found = of_a_count(count)
        assert (float(found.low), float(found.high)) == pytest.approx((low, high), abs=6e-4)
    shares = {0: (0.0, 0.3085), 1: (0.0025, 0.4450), 5: (0.1871, 0.8129), 10: (0.6915, 1.0)}
    for count, (low, high) in shares.items():
        share = of_a_share(count, 10)
        assert (float(share.low), float(share.high)) == pytest.approx((low, high), abs=6e-5)
