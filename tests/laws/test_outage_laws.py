"""Lists and quorum: one person's value follows the law by which the whole outage's does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miaopei.errors import RecordDamaged, Refused
from miaopei.evidence.findings.quorum import Agreed, agree
from miaopei.evidence.observation import Observation
from miaopei.evidence.outage.lists import (
    SCOPE,
    TIMES,
    Apart,
    Asked,
    agreed,
    beside,
    by_token,
    check,
    commitment,
    commitment_of,
    rows_from_bytes,
)
from miaopei.evidence.shocks import Fact
from miaopei.measures.identity import canonical, read_canonical

SOURCES = ("one", "two", "three")
said = st.dictionaries(st.sampled_from(SOURCES), st.none() | st.integers(0, 30))
hexes = st.text("0123456789abcdef", min_size=64, max_size=64)


def fact(source: str, value: int) -> Fact:
    values = {"at": 0, "name": "x", "value": value, "unit": "minutes", "published_at": None}
    return Fact(Observation("reading", source, "k", 0, "final", values), 0, 0, source, True)


@given(said, st.permutations(SOURCES), st.integers(1, 3), st.integers(0, 10))
def test_a_person_has_the_quorum_of_the_outage(
    values: dict[str, int | None], order: list[str], operators: int, tolerance: int
) -> None:
    ours = agreed(values, Asked(tuple(order), operators, tolerance))
    facts = [fact(s, v) for s, v in values.items() if v is not None]
    rule = {"operators": operators, "tolerance": tolerance}
    theirs = agree(facts, order, rule, lambda f: int(f.observation.values["value"]))
    if isinstance(theirs, Agreed):
        assert ours == theirs.value
    else:
        assert isinstance(ours, Apart)
        names = {"none": "not_on_any_list", "few": "too_few_operators"}
        assert ours.reason == names.get(str(theirs), "sources_disagree")


@given(st.lists(hexes, unique=True, max_size=6))
def test_only_lists_in_the_order_of_tokens_are_read(tokens: list[str]) -> None:
    rows = [{"v": 1, "salt": "0" * 64, "token": t} for t in sorted(tokens)]
    check(rows, SCOPE)
    assert list(by_token(rows)) == sorted(tokens)
    if len(rows) > 1:
        with pytest.raises(Refused):
            check([*rows[1:], rows[0]], SCOPE)
        with pytest.raises(Refused):
            check([rows[0], *rows], SCOPE)
        with pytest.raises(RecordDamaged):
            by_token([*rows, rows[0]])


@given(st.none() | st.integers(0, 9), st.none() | st.integers(0, 9))
def test_nobody_is_back_before_he_was_off(off: int | None, on: int | None) -> None:
    row = {"v": 1, "salt": "0" * 64, "token": "a" * 64, "off": off, "on": on}
    if off is not None and on is not None and on < off:
        with pytest.raises(Refused):
            check([row], TIMES)
    else:
        check([row], TIMES)


@given(st.lists(st.integers(0, 20), unique=True), st.integers(-1, 21))
def test_a_place_is_ones_own_or_leaves_no_room(numbers: list[int], wanted: int) -> None:
    tokens = [f"{n:03d}" for n in sorted(numbers)]
    token = f"{wanted:03d}" if wanted >= 0 else "!"
    shown = beside(tokens, token)
    if token in tokens:
        assert [tokens[i] for i in shown] == [token]
    else:
        below = sum(t < token for t in tokens)  # its neighbours stand at below - 1 and at below
        assert shown == [i for i in (below - 1, below) if 0 <= i < len(tokens)]


times = st.none() | st.integers(-(2**53) + 1, 2**53 - 1)
rows = st.one_of(
    st.fixed_dictionaries({"v": st.just(1), "salt": hexes, "token": hexes}),
    st.fixed_dictionaries(
        {"v": st.just(1), "salt": hexes, "token": hexes, "off": times, "on": times}
    ),
    st.dictionaries(
        st.sampled_from(["v", "salt", "on", "off", "x"]), st.integers() | hexes | times
    ),
)
breaks = st.none() | st.tuples(st.integers(0, 200), st.sampled_from([b"", b" ", b"0", b"-", b"e"]))


@given(rows, breaks)
def test_a_row_is_read_from_its_canonical_bytes_and_from_no_others(
    row: dict[str, object], broken: tuple[int, bytes] | None
) -> None:
    """Also where a byte is taken out or put in."""
    try:
        data = canonical(row)
    except Refused:
        return
    if broken is not None:
        at, byte = broken[0] % (len(data) + 1), broken[1]
        data = data[:at] + byte + data[at + (byte == b"") :]
    wanted, ours = (
        _read(read, data) for read in (read_canonical, lambda d: rows_from_bytes([d])[0])
    )
    assert ours == wanted
    if isinstance(ours, dict):
        assert commitment_of(data) == commitment(ours)


def _read(read: Callable[[bytes], Any], data: bytes) -> Any:
    """The value, or why there is none."""
    try:
        return read(data)
    except Refused as refused:
        return refused.refusals
