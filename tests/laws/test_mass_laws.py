"""What is done to a million at once is what would be done to each alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miaopei.claims.claim import STATES, ClaimLeaf, claim_salt
from miaopei.claims.confirm import confirm, sampled
from miaopei.claims.leaves import (
    PAGE,
    claims_from,
    hashes_of,
    leaf_bytes,
    leaves_of,
    page_hashes,
    salted,
)
from miaopei.claims.orders import About, order_row, orders_of, sorted_orders
from miaopei.claims.payout import instruction_row, payouts_of
from miaopei.errors import Refused
from miaopei.ledger.merkle import leaf_hash, root_of
from miaopei.market.allocation import split_columns
from miaopei.market.placement import Placement, Share
from miaopei.measures.identity import LARGEST, canonical
from miaopei.node.vault.persons import _known
from miaopei.policies.book import Recorded, effective
from miaopei.policies.row import (
    PolicyRow,
    Transaction,
    row_bytes,
    row_from_bytes,
    rows_from_bytes,
)
from miaopei.policies.schedule import from_rows, in_force, joined
from miaopei.terms.columnar import settle_many
from tests.support.products import hills

FEN = st.integers(0, LARGEST)
HEX = st.binary(min_size=32, max_size=32).map(bytes.hex)
TRIGGER = "5a" * 32


@st.composite
def leaves(draw: st.DrawFn) -> ClaimLeaf:
    """A claim with any figures."""
    amounts = [draw(FEN) for _ in range(6)]
    policy = draw(HEX)[:32]
    return ClaimLeaf(TRIGGER, policy, draw(FEN), *amounts, draw(st.sampled_from(STATES)), draw(HEX))


@st.composite
def placements(draw: st.DrawFn) -> Placement:
    """One to five carriers in any shares."""
    cuts = draw(st.sets(st.integers(1, 999_999), max_size=4))
    edges = [0, *sorted(cuts), 1_000_000]
    parts = [b - a for a, b in pairwise(edges)]
    return Placement(tuple(Share(f"保险{i}", ppm) for i, ppm in enumerate(parts)), True)


@given(st.lists(leaves(), max_size=5))
def test_leaves_as_columns_are_the_leaves(values: Sequence[ClaimLeaf]) -> None:
    claims = claims_from([leaf.as_json() for leaf in values])
    made = leaf_bytes(claims, TRIGGER)
    assert made == [canonical(leaf.as_json()) for leaf in values]
    assert list(leaves_of(claims, TRIGGER)) == list(values)
    assert hashes_of(made) == [leaf_hash(leaf.commitment()) for leaf in values]
    salts = [leaf.salt for leaf in leaves_of(salted(claims, TRIGGER), TRIGGER)]
    assert salts == [claim_salt(leaf.salt, TRIGGER) for leaf in values]


@pytest.mark.parametrize("count", [0, 1, PAGE - 1, PAGE, PAGE + 1, 5 * PAGE, 7 * PAGE + 300])
def test_the_heads_of_pages_have_the_head_of_the_whole(count: int) -> None:
    hashes = [leaf_hash(number.to_bytes(4, "big")) for number in range(count)]
    assert root_of(page_hashes(hashes)) == root_of(hashes)


@given(placements(), st.lists(FEN, min_size=1, max_size=20))
def test_amounts_are_split_alike_alone_and_together(
    placement: Placement, amounts: list[int]
) -> None:
    parts = split_columns(placement, np.array(amounts, np.int64))
    assert parts.tolist() == [list(placement.split(fen).values()) for fen in amounts]


@given(placements(), st.lists(leaves(), max_size=5), st.integers(0, 9))
def test_orders_as_columns_are_the_payouts(
    placement: Placement, values: Sequence[ClaimLeaf], revision: int
) -> None:
    trigger = {"occurrence": "0b" * 32, "benefit": "房屋", "revision": revision}
    about = About.of(trigger, placement)
    claims = claims_from([leaf.as_json() for leaf in values])
    parts = split_columns(placement, claims["pay_fen"].astype(np.int64))
    orders = orders_of(claims, about, parts)
    wanted = [p for leaf in values for p in payouts_of(leaf, trigger, placement)]
    shared = asdict(about)
    told = [
        order_row(shared, o["payout"].tobytes().hex(), o["policy"].tobytes().hex(),
                  int(o["share"]), int(o["amount_fen"]))
        for o in orders
    ]  # fmt: skip
    ends = [(f"carrier/{p.carrier}", f"policy/{p.policy}") for p in wanted]
    assert told == [instruction_row(p, *end) for p, end in zip(wanted, ends, strict=True)]
    ids = [o["payout"].tobytes() for o in sorted_orders([orders])]
    assert sorted(ids) == sorted(bytes.fromhex(p.id) for p in wanted)


TEXT = st.text(max_size=6) | st.sampled_from(["b", "{}", "book-1"])
WHOLE = st.integers(-LARGEST, LARGEST) | st.integers(-3, 3)


@st.composite
def sealed_rows(draw: st.DrawFn) -> list[bytes]:
    """Bytes of rows, sound or not, of like inputs or not; some of them spoilt."""
    found = []
    names = draw(st.lists(TEXT, max_size=2, unique=True))
    for _ in range(draw(st.integers(1, 4))):
        own = names if draw(st.booleans()) else draw(st.lists(TEXT, max_size=2, unique=True))
        row = PolicyRow(
            draw(TEXT), draw(HEX)[:32], draw(st.sampled_from(Transaction)), draw(WHOLE),
            draw(WHOLE), draw(WHOLE), draw(WHOLE), draw(WHOLE), draw(HEX),
            draw(st.none() | TEXT), {name: draw(WHOLE) for name in own},
        )  # fmt: skip
        try:
            data = row_bytes(row)
        except Refused:
            continue
        if draw(st.integers(0, 3)) == 0:
            at = draw(st.integers(0, len(data) - 1))
            data = data[:at] + draw(st.binary(max_size=2)) + data[at + 1 :]
        found.append(data)
    return found


@given(sealed_rows())
def test_many_rows_are_read_as_each_alone(values: list[bytes]) -> None:
    def told(read: Callable[[], list[PolicyRow]]) -> Any:
        try:
            return read()
        except Refused as refused:
            return refused.refusals

    assert told(lambda: rows_from_bytes(values)) == told(
        lambda: [row_from_bytes(v) for v in values]
    )


@given(
    st.dictionaries(TEXT, TEXT | st.sampled_from(["刘一", 'a"b', "e\u0301", "\x7f"]), max_size=3)
)
def test_what_is_known_of_a_person_is_sealed_in_canonical_bytes(fields: dict[str, str]) -> None:
    salts = dict.fromkeys(fields, "5a" * 32)
    try:
        wanted: Any = canonical({"fields": fields, "salts": salts})
    except Refused as refused:
        wanted = refused.refusals
    try:
        found: Any = _known(fields, salts)
    except Refused as refused:
        found = refused.refusals
    assert found == wanted


@st.composite
def books(draw: st.DrawFn) -> list[Recorded]:
    """A few policies with versions in any order of time, in batches."""
    rows: list[Recorded] = []
    at = 0
    for position in range(draw(st.integers(1, 12))):
        at = at + draw(st.integers(0, 5)) if draw(st.booleans()) else at
        since = draw(st.integers(0, 20))
        row = PolicyRow(
            "b", f"{draw(st.integers(0, 3)):032x}", draw(st.sampled_from(Transaction)), position,
            since, since + draw(st.integers(1, 20)), 0, 0, f"{position:064x}",
            declared={"sum": draw(st.integers(0, 9))},
        )  # fmt: skip
        rows.append(Recorded(position, at, row))
    return rows


@given(books(), st.integers(0, 30), st.integers(0, 12), st.integers(0, 12), st.booleans())
def test_what_is_in_force_is_found_alike_by_rows_and_columns(
    rows: list[Recorded], instant: int, cut: int, start: int, arrears: bool
) -> None:
    size, start = min(cut, len(rows)), min(start, len(rows))
    firsts: dict[str, int] = {}
    for recorded in rows[:start]:
        firsts.setdefault(recorded.row.policy, recorded.position)
    schedule = joined(
        from_rows("b", [r.row for r in rows[:start]]),
        from_rows("b", [r.row for r in rows[start:]], start, firsts),
    )
    times = [(r.position, r.recorded_at) for r in rows]
    found = in_force(schedule.upto(size), instant, times, arrears=arrears)
    wanted = effective(rows, instant, size, arrears=arrears)
    assert found.first.tolist() == [e.first for e in wanted]
    assert found.chosen.tolist() == [e.chosen.position for e in wanted]
    assert found.late.tolist() == [e.late for e in wanted]
    late = [(i, e) for i, e in enumerate(wanted) if e.late]  # only these are asked what stood
    assert [int(found.stood[i]) for i, _ in late] == [
        -1 if e.in_time is None else e.in_time.position for _, e in late
    ]


@given(st.lists(st.integers(1, 100), min_size=1, max_size=300), st.data())
def test_a_false_amount_is_found_and_named(shares: list[int], data: st.DataObject) -> None:
    terms = hills(units=True).versions[0].terms
    seen, columns = {"role": 1, "magnitude": 56}, {"shares": np.array(shares, np.int64)}
    none = np.zeros(len(shares), np.int64)
    amounts = settle_many(terms, "house", seen, columns, none)
    assert confirm(terms, "house", seen, columns, none, amounts) is None
    at = data.draw(st.integers(0, len(shares) - 1))
    false: Any = amounts.copy()
    false[at] += 1
    found = confirm(terms, "house", seen, columns, none, false)
    assert found is not None
    assert (found.row, found.columnar, found.exact) == (at, int(false[at]), int(amounts[at]))


@given(st.integers(0, 2**64 - 1))
def test_the_zeros_that_are_looked_at_follow_from_a_salt(salt: int) -> None:
    """About one in 97 of any rows, others for another salt, the same for the same."""
    rows = 97 * 200
    chosen = sampled(rows, salt)
    assert (chosen == sampled(rows, salt)).all()
    assert 100 < chosen.sum() < 320
    assert (chosen[: rows // 2] == sampled(rows // 2, salt)).all()
    other = sampled(rows, salt ^ 1 << 40)
    assert (chosen & other).sum() < 30


def test_a_kernel_that_spares_the_rows_known_before_is_found() -> None:
    terms = hills(units=True).versions[0].terms
    seen, columns = {"role": 1, "magnitude": 56}, {"shares": np.arange(9_700) % 100 + 1}
    none = np.zeros(9_700, np.int64)
    false = settle_many(terms, "house", seen, columns, none)
    false[np.arange(9_700) % 97 != 0] = 0
    for salt in (3, 2**63 + 11):
        found = confirm(terms, "house", seen, columns, none, false, salt=salt)
        assert found is not None
        assert found.columnar == 0 < found.exact
