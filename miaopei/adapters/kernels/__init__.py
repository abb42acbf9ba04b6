"""Compiled kernels of filed terms: the fused reading, machine code before any event.

A kernel is kept on disk by what it means (terms, benefit, shape), by the text it was made from, and
by numba and processor. Nothing is ever compiled while an event waits: where no kernel is ready, or
numba is not installed, the NumPy reading answers, with the same bytes.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import ReadingsDisagree, Refusal, Refused
from ...policies import layout as laid
from ...terms import columnar, fused
from ...terms import words as w
from ...terms.canonical import meaning_hash
from ...terms.columnar import Given, Int64Array
from ...terms.fused import Loop, Shape
from .given import arguments, check_years, cut, in_reach, of_years, parts_of, proven, single
from .making import compiled, machine, module, name_of
from .plainly import Paid, Years, joined, paid_plainly, years_plainly
from .room import Answers, Columns, Found, Room, Rooms, gather, turn_of

__all__ = ["Kernels", "Paid", "Prepared", "Years"]

FEW = 16_384  # rows: below, a second thread costs more than it gives
YEARS_AT_ONCE = 32
SHAPES = (Shape.ROWS, Shape.BOOK, Shape.PAID)
FACTS = ("observed", "declared", "spent")


class Prepared(NamedTuple):
    """One kernel that is ready, and how long that took."""

    benefit: str
    shape: Shape
    seconds: float


@dataclass(frozen=True)
class _Kernel:
    loop: Loop
    run: Callable[..., Any]


Key = tuple[str, str, Shape, tuple[str, ...]]


def plain(text: str) -> str:
    """What is compiled is what was written; a test hands in something else to see the alarm."""
    return text


class Kernels:
    """Kernels by meaning, benefit and shape; `folder` must be this user's own, code lies in it."""

    def __init__(self, folder: Path, threads: int = 2, alter: Callable[[str], str] = plain) -> None:
        self.folder, self.threads, self.alter = folder, threads, alter
        self._ready: dict[Key, _Kernel] = {}
        self._meaning: dict[int, tuple[w.Terms, str]] = {}
        self._pool: tuple[int, ThreadPoolExecutor] | None = None
        self._rooms = Rooms()
        self._answers = Answers()

    # Made ready ----------------------------------------------------------------------------------

    def prepare(
        self,
        terms: w.Terms,
        shapes: Sequence[Shape] = SHAPES,
        per_pair: Collection[str] = (),
    ) -> list[Prepared]:
        """Compile (or find on disk) the kernels of every benefit; takes seconds, once.

        Errors   Refused kernels.no_numba; Refused terms.* where the terms cannot be filed.
        """
        if find_spec("numba") is None:
            raise Refused(Refusal("kernels.no_numba", {}))
        return [
            made
            for benefit in terms.benefits
            for shape in shapes
            if (made := self._prepare(terms, benefit.name, shape, per_pair, compiling=True))
        ]

    def load(
        self,
        terms: w.Terms,
        shapes: Sequence[Shape] = SHAPES,
        per_pair: Collection[str] = (),
    ) -> bool:
        """Take what lies ready on disk, never compiling; whether all of it did."""
        if find_spec("numba") is None:
            return False
        found = [
            self._prepare(terms, benefit.name, shape, per_pair, compiling=False) is not None
            for benefit in terms.benefits
            for shape in shapes
        ]
        return all(found)

    def ready(
        self, terms: w.Terms, benefit: str, shape: Shape, per_pair: Collection[str] = ()
    ) -> bool:
        """Whether a kernel will answer; else the NumPy reading does."""
        return self._key(terms, benefit, shape, per_pair) in self._ready

    def _key(
        self, terms: w.Terms, benefit: str, shape: Shape, per_pair: Collection[str] = ()
    ) -> Key:
        known = self._meaning.get(id(terms))
        if known is None or known[0] is not terms:
            known = self._meaning[id(terms)] = (terms, meaning_hash(terms))
        return known[1], benefit, shape, tuple(sorted(per_pair))

    def _prepare(
        self,
        terms: w.Terms,
        benefit: str,
        shape: Shape,
        per_pair: Collection[str],
        *,
        compiling: bool,
    ) -> Prepared | None:
        started = time.perf_counter()
        key = self._key(terms, benefit, shape, per_pair)
        if key not in self._ready:
            loop = fused.loop(terms, benefit, shape, per_pair)
            text = self.alter(module(loop))
            home = self.folder / machine() / f"{key[0][:16]}-{name_of(text)}"
            run = compiled(home, text, compiling=compiling)
            if run is None:
                return None
            self._ready[key] = _Kernel(loop, run)
        return Prepared(benefit, shape, time.perf_counter() - started)

    def _find(
        self, terms: w.Terms, benefit: str, shape: Shape, per_pair: Collection[str] = ()
    ) -> _Kernel | None:
        return self._ready.get(self._key(terms, benefit, shape, per_pair))

    # Answers -------------------------------------------------------------------------------------

    def settle_many(
        self,
        terms: w.Terms,
        benefit: str,
        observed: Given,
        columns: Given,
        spent: Int64Array | Given,
    ) -> Int64Array:
        """As columnar.settle_many, refusals included; two threads where there are many rows.

        Errors   as columnar.settle_many; ReadingsDisagree (alarm) where only the kernel refuses.
        """
        of_spent = spent if isinstance(spent, Mapping) else {benefit: spent}
        shape = Shape.BOOK if all(single(v) for v in observed.values()) else Shape.ROWS
        kernel = self._find(terms, benefit, shape)
        tables = dict(zip(FACTS, (observed, columns, of_spent), strict=True))
        given = None if kernel is None else arguments(kernel.loop, tables)
        if kernel is None or given is None:
            return columnar.settle_many(terms, benefit, observed, columns, spent)
        arrays, rows = given
        amounts = np.empty(rows, dtype=np.int64)
        run = kernel.run
        parts = parts_of(rows, self.threads if rows > FEW else 1)
        refused = self._all([partial(run, *p, *arrays, amounts) for p in parts])
        if -1 in refused:  # what all rows share is refused, if any row asks for it
            return columnar.settle_many(terms, benefit, observed, columns, spent)
        if sum(refused):
            columnar.settle_many(terms, benefit, observed, columns, spent)
            raise ReadingsDisagree("only the kernel refuses a row", benefit=benefit)
        return amounts

    def paid(
        self,
        terms: w.Terms,
        benefit: str,
        observed: Mapping[str, int],
        layout: laid.Layout,
        spent: Int64Array,
        instant: int,
    ) -> Paid:
        """Every row of a book that is in force at the instant and owed something, in its order.

        Shapes   spent: (n,) in the order of the layout, of the benefit itself.
        Same as  exact.settle on each row in force; `refused` are those that it refuses.
        """
        kernel = self._find(terms, benefit, Shape.PAID)
        body = terms.benefit(benefit)
        if kernel is None or not proven(kernel.loop, layout, observed, benefit, spent):
            return paid_plainly(terms, benefit, observed, layout, spent, instant)
        tables: dict[str, Any] = {"observed": observed, "declared": layout.declared}
        given = [
            spent if a.input.table == "spent" else tables[a.input.table][a.input.name]
            for a in kernel.loop.arguments
        ]
        reach = in_reach(body, layout, observed)
        rows = sum(last - first for first, last in reach)
        threads = self.threads if rows > FEW else 1
        parts = deque(enumerate(cut(reach, threads)))
        answer = self._answers.take(rows)

        def work(own: Room, columns: Columns, take: Callable[[], tuple[int, Any]]) -> list[Found]:
            places, amounts = columns
            found, at = [], 0
            while parts:
                try:
                    turn, (first, last) = take()
                except IndexError:  # another thread took the last one meanwhile
                    break
                free = places[at : at + last - first]
                count, bad = kernel.run(first, last, instant, layout.since, layout.until, *given,
                                        own.flags, own.chosen, free, amounts[at:])  # fmt: skip
                if count < 0:  # what all rows share is refused, if any row asks for it
                    return [Found(-1, columns, 0, 0, free)]
                no = free[len(free) - bad :][::-1].copy()
                found.append(Found(turn, columns, at, at + count, no))
                at += count
            return found

        with self._rooms.taken(threads) as rooms:
            # The first goes on from the front and writes where the answer stands in the end.
            tasks = [partial(work, rooms[0], answer, parts.popleft)]
            tasks += [partial(work, own, own.columns(rows), parts.pop) for own in rooms[1:]]
            found = sorted((each for part in self._all(tasks) for each in part), key=turn_of)
            if any(each.turn < 0 for each in found):
                return paid_plainly(terms, benefit, observed, layout, spent, instant)
            owed = sum(each.end - each.at for each in found)
            self._all([partial(gather, found, answer, (n, threads)) for n in range(threads)])
        self._answers.keep(answer)
        return Paid(answer[0][:owed], answer[1][:owed], joined([each.refused for each in found]))

    def years(
        self,
        terms: w.Terms,
        benefit: str,
        years: Int64Array,
        events: Int64Array,
        policy: NDArray[np.int32],
        observed: Mapping[str, NDArray[Any]],
        declared: Mapping[str, NDArray[Any]],
        per_pair: Collection[str] = (),
        *,
        gross: bool = True,
    ) -> Years:
        """What each event pays over all its policies, each policy's limit kept within its year.

        Shapes   years (y + 1,): first event of each; events (e + 1,): first pair of each; policy
                 (m,), once in an event; observed (e,), or (m,) where named in `per_pair`; declared
                 (p,); result (e,) twice.
        Errors   Refused as columnar.settle_many, for the first event that the terms refuse;
                 IndexError for a policy that there is not.
        Same as  exact.settle pair by pair, `spent` the sum of the policy's year so far: what is
                 owed (net), and uncut, before the limits of the year (gross; empty where it is not
                 asked for, which is quicker).
        """
        kernel = self._find(terms, benefit, Shape.YEARS, per_pair)
        net = np.zeros(len(events) - 1, dtype=np.int64)
        uncut = np.zeros(len(net) if gross else 0, dtype=np.int64)
        of_policies = len(next(iter(declared.values()))) if declared else int(policy.max()) + 1
        check_years(years, events, policy, observed, declared, per_pair)
        given = None if kernel is None else of_years(kernel.loop, observed, declared, per_pair)
        asked = (terms, benefit, years, events, policy, observed, declared, per_pair)
        if kernel is None or given is None:
            return years_plainly(*asked, of_policies)
        run, arrays = kernel.run, given
        parts = iter(
            [(y, min(y + YEARS_AT_ONCE, len(years) - 1))
             for y in range(0, len(years) - 1, YEARS_AT_ONCE)]
        )  # fmt: skip

        def work() -> list[int]:
            spent = np.zeros(of_policies, dtype=np.int64)
            return [run(*p, years, events, policy, *arrays, spent, net, uncut) for p in parts]

        refused = [count for part in self._all([work] * self.threads) for count in part]
        if -1 in refused:
            return years_plainly(*asked, of_policies)
        if -2 in refused:
            raise IndexError("a pair names a policy that there is not")
        if sum(refused):
            years_plainly(*asked, of_policies)
            raise ReadingsDisagree("only the kernel refuses a pair", benefit=benefit)
        return Years(net, uncut)

    def _all(self, tasks: Sequence[Callable[[], Any]]) -> list[Any]:
        """Results in order; the first task runs here. A forked child makes threads of its own."""
        if len(tasks) == 1:
            return [tasks[0]()]
        if self._pool is None or self._pool[0] != os.getpid():
            self._pool = os.getpid(), ThreadPoolExecutor(max(1, self.threads - 1))
        others = [self._pool[1].submit(task) for task in tasks[1:]]
        return [tasks[0](), *(other.result() for other in others)]
