"""Deciding: the effects that a decider owes the record, carried out at the edge and sent as acts.

Holding batches (open the rows, check them, state the book's root) and deciding triggers (evaluate
the book twice, seal the claims, sign the totals). Each is first written down with its act, so that
a kill anywhere sends the same act again. Source: docs/specs/record.md, sections 5 and 7.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ...acts.base import UNFORESEEN
from ...acts.envelope import Act
from ...acts.state import State
from ...claims.confirm import Spread, alone
from ...errors import Alarm, ReadingsDisagree, Refusal, Refused, SealedUnfit
from ...measures.identity import canonical, read_canonical
from ...terms.columnar import SettleMany
from ...terms.columnar import settle_many as by_columns
from ..granted.parts import lists_of
from ..mass import alarms
from ..mass.holding import hold, hold_late
from ..mass.run import MassRun, Reads, Tell, as_filed, silent
from ..mass.schedules import Schedules
from ..node import Node
from ..ports import Reading, ScheduleFiles
from ..vault.blobs import opens, told_of
from .differing import behind, next_round, show, to_show
from .keeper import Keeper

DUTIES = ("hold/", "decide/")
Make = Callable[[], Act | None]
MOVED = (
    "book.moved",
    "act.counter_moved",
    "act.trigger_not_open",
    "act.batch_in_force",
    "act.round_not_open",
    "act.no_round_ended",
)  # made again on the new state
MOST_KEPT = 20  # reasons written down for one duty


def unforeseen(duty: str, error: Exception) -> Refused:
    """What another's bytes have brought out of a duty, where several share a record."""
    if isinstance(error, SealedUnfit):
        return Refused(told_of(error, duty))
    return Refused(Refusal("net.duty_unforeseen", {"duty": duty, "why": type(error).__name__}))


class Decider:
    """Carries out this node's duties to hold and to decide."""

    def __init__(
        self,
        node: Node,
        keeper: Keeper | None = None,
        *,
        files: ScheduleFiles | None = None,
        settle_many: SettleMany = by_columns,
        spread: Spread = alone,
        tell: Tell = silent,
        reads: Reads = as_filed,
    ) -> None:
        """`files` keep the columns of books, `settle_many` reads them, `spread` uses the cores."""
        self.node, self._keeper = node, keeper
        self.settle_many, self.spread, self.tell = settle_many, spread, tell
        self.reads = reads
        self.schedules = Schedules(files)
        self._quiet: int | None = None  # the log's size at which nothing was due beside the duties

    def run(self) -> int:
        """Do every duty that can be done now; the number done. Alarms are not caught here.

        A batch whose rows do not check is left standing with its reasons (`refusals`), and does not
        keep the others from being done.
        """
        done, passed = 0, set[str]()
        while (due := self._due(passed)) is not None:
            duty, act = due
            (result,) = self.node.submit([act])
            if not result.ok and result.refusals[0].code not in MOVED:
                raise Alarm("the record refuses our decision", code=result.refusals[0].code)
            passed.add(duty)  # what is still due after it is looked at by the next run
            done += result.ok
        if waiting := self.schedules.waiting():  # columns stand ready before any event
            with self.node.store.writing() as block:
                for book in waiting:
                    self.schedules.settle(block, State(block), book)
        return done

    def refusals(self) -> dict[str, list[dict[str, Any]]]:
        """The duties that stand because the rows do not check, with the reasons."""
        with self.node.reading() as (reading, state):
            duties = [key for prefix in DUTIES for key, _ in state.range("duty", prefix)]
            kept = {key: reading.progress(f"refused/{key}") for key in duties}
        return {key: read_canonical(said) for key, said in kept.items() if said is not None}

    def _due(self, passed: set[str]) -> tuple[str, Act] | None:
        """The next duty and the act that does it; `passed` grows by those that cannot be done."""
        with self.node.reading() as (reading, state):
            wanted = self._wanted(reading, state)
        for key, make in wanted:
            if key in passed:
                continue
            try:
                if act := make():
                    return key, act
            except Refused as refused:
                self._keep(key, refused)
            except (SealedUnfit, *UNFORESEEN) as error:
                if self._keeper is None:
                    raise  # nobody else's bytes: what we wrote is damaged, or a fault of ours
                self._keep(key, unforeseen(key, error))
            except ReadingsDisagree as alarm:  # written down for who looks into it, and passed on
                with self.node.store.writing() as block:
                    alarms.keep(block, key.rpartition("/")[2], alarm)
                raise
            passed.add(key)
        return None

    def _wanted(self, reading: Reading, state: State) -> list[tuple[str, Make]]:
        """All that may be due of us, and how it is done: first to hold, then to decide."""
        holds, decides = (list(state.range("duty", prefix)) for prefix in DUTIES)
        wanted: list[tuple[str, Make]] = []
        wanted += [(key, partial(self._hold, duty["batch"])) for key, duty in holds]
        head = reading.head()
        late, others = ([], []) if self._quiet == head.size else self._beside(state, head.height)
        self._quiet = None if late or others else head.size  # nothing new until the record grows
        wanted += late
        wanted += [(key, partial(self._decide, duty["trigger"])) for key, duty in decides]
        return wanted + others

    def _beside(
        self, state: State, height: int
    ) -> tuple[list[tuple[str, Make]], list[tuple[str, Make]]]:
        """What is due where several decide: to hold what was missed, then all that is said late."""
        me = self.node.identity.member
        late: list[tuple[str, Make]] = [
            (f"hold late/{batch}", partial(hold_late, self.node, batch, self._at_hand))
            for batch in behind(state, height, me)
        ]
        others: list[tuple[str, Make]] = [
            (f"late/{trigger}", partial(self._decide, trigger))
            for trigger, _ in state.range("late", "")
        ]
        for trigger, ended in state.range("ended", ""):
            if me in ended["silent"]:
                make = partial(next_round, self.node, trigger, ended["round"] + 1, self._at_hand)
                others.append((f"round/{trigger}", make))
        others += [
            (f"show/{difference}", partial(show, self._run(), difference))
            for difference in to_show(state, me)
        ]
        return late, others

    def _keep(self, duty: str, refused: Refused) -> None:
        """Write down why a duty stands; the last word counts."""
        said = canonical([refusal.as_json() for refusal in refused.refusals[:MOST_KEPT]])
        with self.node.store.writing() as block:
            block.put_progress(f"refused/{duty}", said)

    def _hold(self, batch_id: str) -> Act | None:
        return hold(self.node, self.schedules, batch_id, self._at_hand)

    def _decide(self, trigger_id: str) -> Act | None:
        return self._run().decide(trigger_id)

    def _run(self) -> MassRun:
        return MassRun(
            self.node, self.schedules, self.settle_many, self.spread, self._at_hand, self.tell,
            self.reads,
        )  # fmt: skip

    def _at_hand(self, block: Reading, state: State, about: dict[str, Any]) -> bool:
        """Whether all that the record says of a book is opened here, and the rows of a batch or the
        lists of a trigger have come; in solo they always are.
        """
        if self._keeper is None:
            return True
        wanted = [about["rows"]["blob"]] if "rows" in about else lists_of(about)
        here = all(opens(block, blob, self.node.identity) for blob in wanted)
        return here and self._keeper.has(block, state, about["book"])
