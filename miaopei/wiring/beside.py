"""A member of a consortium seen from a command beside its running node.

The record is read from the member's database. Acts are signed here and handed to the running
member, which puts them in order with the others; what follows from them, its duties, is done there
and nowhere else: whoever stands beside it decides nothing, pays nothing, collects nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..acts.apply import ActResult
from ..acts.base import Made
from ..acts.envelope import Act
from ..adapters.keys import load_or_make
from ..adapters.persons import master_key
from ..adapters.postgres.own.beside import BesideStore
from ..adapters.postgres.schema import holds_persons
from ..errors import Alarm, OutsideFault, Refusal
from ..node.effects.keeper import Keeper
from ..node.order.parcel import parcels
from . import Member, join, system_clock
from .consortium import KEYS_FILE
from .duties import Duty
from .machine import Machine

Ask = Callable[..., Any]  # what a running member is asked: a word, and what goes with it
ORDER_SECONDS = 150.0  # for acts to be final: longer than the member itself waits
LOOK_SECONDS, STILL_SECONDS, MOST_SECONDS = 0.1, 4.0, 30.0  # while duties are waited for
HELD_SECONDS, SEEN_SECONDS = 300.0, 0.5  # for the next word of a decider on a batch; looked at


class Handed:
    """See `node.ports.Orderer`: acts go to the running member of the same folder."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def end(self) -> int | None:
        """See `node.ports.Orderer`: by the clock of the running member."""
        until: int | None = self._ask("end")
        return until

    def submit(self, acts: Sequence[Act]) -> list[ActResult]:
        """When this returns they are final, or refused. Time passes by itself.

        Errors   as `order.consortium`; OutsideFault (retry) where the member is not up.
        """
        told = [
            each
            for part in parcels(acts)
            for each in self._ask(
                "order", acts=[act.as_json() for act in part], seconds=ORDER_SECONDS
            )
        ]
        return [result_from(each) for each in told]


def result_as_json(result: ActResult) -> dict[str, Any]:
    """What became of an act, for another process of this machine."""
    return {
        "act": result.act,
        "ok": result.ok,
        "new": result.new,
        "refusals": [each.as_json() for each in result.refusals],
        "notes": [each.as_json() for each in result.notes],
        "made": [{**vars(each), "because": list(each.because)} for each in result.made],
    }


def result_from(told: dict[str, Any]) -> ActResult:
    """As `result_as_json` has told it."""
    return ActResult(
        act=told["act"],
        ok=told["ok"],
        new=told["new"],
        refusals=tuple(Refusal(each["code"], each["facts"]) for each in told["refusals"]),
        notes=tuple(Refusal(each["code"], each["facts"]) for each in told["notes"]),
        made=tuple(Made(**{**each, "because": tuple(each["because"])}) for each in told["made"]),
    )


@dataclass
class Beside(Member):
    """A member whose duties are those of its running node: they are asked for and waited for."""

    ask: Ask | None = None

    def duties(self) -> Iterator[Duty]:
        """Nothing but to see that they are done where they should be."""
        yield "elsewhere", self._look

    def work(self) -> int:
        """Have the running member do a round, and wait for what follows; how much was done.

        Not for ever: what waits for others goes on there, and stands in `cases` and `status`.
        """
        self._there("round")
        seen, done = self._standing(), set[str]()
        end = time.monotonic() + MOST_SECONDS
        still = time.monotonic() + STILL_SECONDS
        while seen and (now := time.monotonic()) < min(end, still):
            time.sleep(LOOK_SECONDS)
            standing = self._standing()
            if standing != seen:
                still = now + STILL_SECONDS
            done |= seen - standing
            seen = standing
        return len(done)

    def until_held(self, book: str) -> None:
        """Wait until all batches of a book are in force: each decider holds them where it is.

        Errors   OutsideFault (retry) where no decider has said anything for a long time, or this
                 member is not up; Alarm where it has stopped its duties.
        """
        seen, end = None, time.monotonic() + HELD_SECONDS
        while open_ := self._open(book):
            self._look()
            if open_ != seen:
                seen, end = open_, time.monotonic() + HELD_SECONDS
            elif time.monotonic() > end:
                why = f"the deciders do not hold {len(open_)} batches of {book} yet"
                raise OutsideFault(why, retry=True)
            time.sleep(SEEN_SECONDS)

    def _open(self, book: str) -> dict[str, int]:
        """The batches of a book that are not in force, and how many hold each."""
        with self.node.reading() as (_, state):
            return {
                name: len(batch["statements"])
                for name, batch in state.range("batch", "")
                if batch["book"] == book and batch["first"] is None
            }

    def forget(self) -> None:
        """Whoever is erased is forgotten there."""
        self._there("round")

    def log_uses(self) -> None:
        """Uses that were written down go to the record from there."""
        self._there("round")

    def pay_again(self, subject: str) -> int:
        """What the bank has refused for good is ordered again there; how many orders."""
        return int(self._there("pay_again", subject=subject))

    def _look(self) -> None:
        """Errors   OutsideFault where it is not up, Alarm where it has stopped its duties."""
        if (alarm := self._there("standing")["alarm"]) is not None:
            raise Alarm(alarm)

    def _standing(self) -> set[str]:
        with self.node.reading() as (_, state):
            return {key for key, _ in state.range("duty", "")}

    def _there(self, word: str, **asked: Any) -> Any:
        assert self.ask is not None, "a member beside its node can ask it"
        return self.ask(word, **asked)


@contextmanager
def beside(folder: Path, ask: Ask) -> Iterator[Beside]:
    """The member whose folder this is, beside its node; `ask` reaches that node.

    Goes by the suite in use, which the caller has set by the genesis.
    Errors   OutsideFault where its database does not answer.
    """
    told = Machine.of(folder)
    vault = master_key.vault(folder, in_use=lambda: holds_persons(told.database))
    store = BesideStore(told.database, vault)
    try:
        joined = join(
            store,
            load_or_make(folder / KEYS_FILE, told.member),
            system_clock,
            orderer=Handed(ask),
            keeper=Keeper,
            certify=lambda height: dict(ask("certify", height=height)),
        )
        yield Beside(**vars(joined), ask=ask)
    finally:
        store.close()
