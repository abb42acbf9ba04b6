"""Rebuilding: every act of the log applied again into a fresh store, and every byte compared.

Leaves, each block's digest of writes (it stands in the block's leaf), and every row of
`shared.state`. Needs the log alone: no key, no blob, no bank. Blobs and columns are in `inspect`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Protocol

from ...acts.apply import Block, apply_block, begin
from ...acts.envelope import from_json
from ...acts.state import State
from ...errors import Refusal, Refused
from ...measures.identity import digest, read_canonical
from ..order.keep import keep
from ..ports import Reading, Writing

MOST = 20  # differences that are told; what follows a difference often follows from it
TOGETHER = 100  # blocks that are written in one transaction
Progress = Callable[[int, int], object]

# What reading a damaged leaf can raise where a field is not what it should be.
BROKEN = (KeyError, TypeError, ValueError, AttributeError, IndexError)


class Whole(Reading, Protocol):
    """A snapshot that can say which tables it holds."""

    def tables(self) -> Sequence[str]:
        """The names of the tables that hold something, in byte order."""


class Fresh(Protocol):
    """An empty store to rebuild into."""

    def writing(self) -> AbstractContextManager[Writing]: ...
    def reading(self) -> AbstractContextManager[Whole]: ...


@dataclass
class Rebuilt:
    """What a rebuild saw: how much of the log it applied, and every difference."""

    leaves: int = 0
    blocks: int = 0
    rows: int = 0
    differences: list[Refusal] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether every byte was the same."""
        return not self.differences


@dataclass(frozen=True)
class _Block:
    """The leaves of one block as they stand in the log, the block's own leaf last."""

    first: int
    leaves: Sequence[bytes]
    values: Sequence[dict[str, Any]]


def rebuild(reading: Whole, fresh: Fresh, progress: Progress | None = None) -> Rebuilt:
    """Apply the whole log into an empty store and compare.

    Stops after the first block that differs: what comes after rests on it.
    """
    size = reading.head().size
    seen = reapply(reading.leaves(0, size), size, fresh, progress)
    if seen.same:
        with fresh.reading() as made:
            compare(reading, made, seen)
    return seen


def compare(reading: Whole, made: Whole, seen: Rebuilt) -> None:
    """Hold every row of the shared state, and the head, against those made again."""
    _compare_state(reading, made, seen)
    _compare_head(reading, made, seen)


def reapply(
    leaves: Iterable[bytes], size: int, fresh: Fresh, progress: Progress | None = None
) -> Rebuilt:
    """Apply the acts of a log into an empty store and compare the leaves that come of it."""
    seen = Rebuilt()
    try:
        coming = _blocks(leaves, seen)
        _begin(coming, fresh, seen)
        while seen.same and (some := _take(coming)):
            with fresh.writing() as block:
                for each in some:
                    _apply(block, each, seen)
                    if not seen.same:
                        break
            if progress is not None:
                progress(seen.leaves, size)
    except Refused as refused:
        _differs(seen, "leaf_unreadable", position=seen.leaves, why=refused.refusals[0].code)
    except BROKEN as error:
        _differs(seen, "leaf_unreadable", position=seen.leaves, why=type(error).__name__)
    return seen


def _begin(coming: Iterator[_Block], fresh: Fresh, seen: Rebuilt) -> None:
    first = next(coming, None)
    if first is None:
        _differs(seen, "no_genesis")
        return
    with fresh.writing() as block:
        state = State(block)
        leaf = begin(state, first.values[0]["value"])
        keep(block, state, Block(0, first.values[0]["value"]["time"], (leaf,), ("genesis",), ()))
    _compare_leaves(first, [leaf], seen)


def _apply(block: Writing, each: _Block, seen: Rebuilt) -> None:
    """Apply one block's acts again and compare its leaves."""
    own = each.values[-1]
    acts = [from_json(value["act"]) for value in each.values if value["leaf"] == "act"]
    state = State(block)
    made = apply_block(
        state,
        acts,
        height=own["height"],
        at=own["time"],
        previous=block.head().root.hex(),
        keep_refused=True,
    )
    keep(block, state, made)
    _compare_leaves(each, made.leaves, seen)
    seen.blocks += 1


def _blocks(leaves: Iterable[bytes], seen: Rebuilt) -> Iterator[_Block]:
    """Cut the log into blocks. A leaf that is not canonical JSON is told and ends the log."""
    first, held, values = 0, list[bytes](), list[dict[str, Any]]()
    for position, leaf in enumerate(leaves):
        try:
            value = read_canonical(leaf)
        except Refused as refused:
            _differs(seen, "leaf_not_canonical", position=position, why=refused.refusals[0].code)
            return
        held.append(leaf)
        values.append(value)
        if position == 0 or value["leaf"] == "block":
            yield _Block(first, held, values)
            first, held, values = position + 1, [], []
    if held:
        _differs(seen, "block_cut", position=first, count=len(held))


def _take(coming: Iterator[_Block]) -> list[_Block]:
    return [each for _, each in zip(range(TOGETHER), coming, strict=False)]


def _compare_leaves(each: _Block, made: Sequence[bytes], seen: Rebuilt) -> None:
    for offset, (kept, again) in enumerate(zip_longest(each.leaves, made)):
        position = each.first + offset
        if kept == again:
            seen.leaves += 1
        elif kept is None or again is None:
            code = "leaf_lacking" if kept is None else "leaf_too_many"
            _differs(seen, code, position=position, height=each.values[-1].get("height", 0))
            return
        else:
            at, before, after = first_difference(json.loads(kept), json.loads(again))
            _differs(
                seen, "leaf_differs", position=position, field=at,
                kept=_short(before), made=_short(after),
            )  # fmt: skip


def _compare_state(reading: Whole, made: Whole, seen: Rebuilt) -> None:
    """Every row of the shared state, table by table, in byte order."""
    for table in sorted({*reading.tables(), *made.tables()}):
        kept, again = dict(reading.range(table, "")), dict(made.range(table, ""))
        seen.rows += len(again)
        for key in sorted({*kept, *again}):
            if kept.get(key) != again.get(key):
                _state_differs(seen, table, key, kept.get(key), again.get(key))


def _state_differs(
    seen: Rebuilt, table: str, key: str, kept: bytes | None, again: bytes | None
) -> None:
    if kept is None or again is None:
        code = "row_lacking" if kept is None else "row_too_many"
        _differs(seen, code, table=table, key=key)
        return
    try:
        at, before, after = first_difference(json.loads(kept), json.loads(again))
        told = (at, _short(before), _short(after))
    except ValueError:
        told = ("$", digest(kept)[:16], digest(again)[:16])
    _differs(seen, "row_differs", table=table, key=key, field=told[0], kept=told[1], made=told[2])


def _compare_head(reading: Reading, made: Reading, seen: Rebuilt) -> None:
    kept, again = reading.head(), made.head()
    if (kept.size, kept.root) != (again.size, again.root):
        told = [f"{head.size} {head.root.hex()[:16]}" for head in (kept, again)]
        _differs(seen, "head_differs", kept=told[0], made=told[1])


def first_difference(one: Any, other: Any, at: str = "$") -> tuple[str, Any, Any]:
    """Where two JSON values first differ, by path, and both values there."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted({*one, *other}):
            if name not in one or name not in other or one[name] != other[name]:
                return first_difference(one.get(name), other.get(name), f"{at}.{name}")
    if isinstance(one, list) and isinstance(other, list):
        for index, (left, right) in enumerate(zip_longest(one, other)):
            if left != right:
                return first_difference(left, right, f"{at}[{index}]")
    return at, one, other


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= 80 else text[:77] + "..."


def _differs(seen: Rebuilt, code: str, **facts: str | int) -> None:
    if len(seen.differences) < MOST:
        seen.differences.append(Refusal(f"rebuild.{code}", facts))
