"""What is read once for an act is what the record says, whatever windows are asked for."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from miaopei.acts.base import clock_key
from miaopei.acts.facts import facts_of
from miaopei.acts.on_file import OnFile
from miaopei.acts.state import State
from miaopei.adapters.memory_store import MemoryStore
from miaopei.evidence.grouping import Occurrence, Shock
from miaopei.measures.instant import DAY, beijing_text, from_beijing
from tests.support.facts import quake
from tests.support.town import Town

START = from_beijing("2016-01-01")
windows = st.lists(st.tuples(st.integers(-3, 60), st.integers(-3, 60)), min_size=1, max_size=12)


@given(days=st.sets(st.integers(0, 50), max_size=12), asked=windows)
@settings(max_examples=30, deadline=None)
def test_facts_of_any_windows_are_those_on_file(
    days: set[int], asked: Sequence[tuple[int, int]]
) -> None:
    town = Town().set_up()
    town.at(START + 90 * DAY)
    if days:
        town.tell(*(quake(beijing_text(START + day * DAY), "5.1") for day in sorted(days)))
    with town.state() as state:
        on_file = OnFile(state)
        for first, last in asked:
            low, high = START + first * DAY, START + last * DAY
            assert on_file.facts("shock", low, high) == facts_of(state, "shock", low, high)


moments = st.integers(0, 30)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), moments, moments),
        st.tuples(st.just("put"), moments, st.integers(1, 3)),
        st.tuples(st.just("take"), moments, st.just(0)),
    ),
    max_size=25,
)


@given(there=st.sets(moments, max_size=8), steps=steps)
def test_occurrences_are_those_of_the_record_with_all_that_was_written_since(
    there: set[int], steps: Sequence[tuple[str, int, int]]
) -> None:
    store = MemoryStore()
    with store.writing() as block:
        state = State(block)
        on_file = OnFile(state)
        for moment in there:
            state.put("occurrence", _key(moment), _occurrence(moment, 1).as_json())
        for what, moment, more in steps:
            if what == "ask":
                found = state.between("occurrence", _from(moment), _from(more))
                wanted = [(key, Occurrence.from_json(value)) for key, value in found]
                assert on_file.occurrences("rule", moment, more) == wanted
            else:
                on_file.keep("rule", _key(moment), _occurrence(moment, more) if more else None)


def _from(moment: int) -> str:
    return f"rule/{moment:012d}"


def _key(moment: int) -> str:
    return f"rule/{clock_key(moment, 'x')}"


def _occurrence(moment: int, shocks: int) -> Occurrence:
    several = tuple(Shock(str(n), (str(n),)) for n in range(shocks))
    return Occurrence("x", "0", moment, 0, 0, several)
