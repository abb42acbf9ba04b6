"""What lineage reads of a record, and how an id, or the beginning of one, is found in it.

The port `Trail` is answered by the command line and the portal from a member's store.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from ...errors import Refusal, Refused
from ...evidence.kinds import OUTAGE
from ...measures.identity import content_id
from ...measures.instant import beijing_day
from ...policies.book import Recorded
from ...policies.row import PolicyRow

Json = Mapping[str, Any]
SHORTEST = 8
DAY = re.compile(r"\d{4}-\d\d-\d\d")  # no id looks like it: an instruction ends in its number
KINDS = ("payout", "claim", "settlement", "trigger", "case", "observation", "act", "source")


class Trail(Protocol):
    """The record to read: shared state, leaves, and this member's own rows, claims and payments."""

    def get(self, table: str, key: str) -> Any | None:
        """The value at a key of the shared state, or None."""

    def range(self, table: str, prefix: str) -> Iterator[tuple[str, Any]]:
        """All keys that begin with `prefix`, in byte order."""

    def place(self, name: str) -> int | None:
        """Where an act, a made record or a block ("block/<height>") stands in the log."""

    def leaf(self, position: int) -> bytes:
        """One leaf of the log."""

    def rows(self, book: str, size: int) -> Sequence[Recorded]:
        """The first rows of a book."""

    def observed(self, trigger: Json, row: PolicyRow, /) -> Observed | None:
        """The inputs of a trigger as one policy reads them; None where lists are sealed here."""

    def claims(self, trigger: str) -> Sequence[dict[str, Any]]:
        """The claim leaves of a trigger, in book order; none where nothing is decided here."""

    def instructions(self, debt: str) -> Sequence[dict[str, Any]]:
        """The payment instructions of a settlement or an allotment, where this member pays it."""

    def pays(self, debt: str) -> bool:
        """Whether what is owed is paid here: who pays alone keeps instructions."""

    def blob(self, name: str) -> bytes | None:
        """A public blob by its digest."""


@dataclass(frozen=True)
class Observed:
    """Inputs of one policy by name; of `unknown` ones the value only stands in."""

    values: Mapping[str, int]
    unknown: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ShutOut:
    """A member that a book is not open to, whom it is open to, and who of these may grant it."""

    member: str
    parties: tuple[str, ...]
    holders: tuple[str, ...]


@dataclass(frozen=True)
class Named:
    """A thing that an id stands for; `value` is what the record or the member holds of it."""

    what: str
    id: str
    value: Any


@dataclass(frozen=True)
class Index:
    """Look-ups over a trail that several sentences need.

    `shut_out`: for whom a listing's book is sealed where not for the member that asks; it is told
    to a member alone, and to nobody on its pages.
    """

    trail: Trail
    shut_out: Callable[[str], ShutOut | None] = lambda _: None

    def find(self, text: str) -> Named:
        """What an id stands for; 8 characters or more of its beginning do if they fit nothing else.

        A day (YYYY-MM-DD, Beijing) stands for the occurrence whose deciding instant lies in it, an
        outage's number for what became of that outage.

        Errors   Refused lineage.too_short, unknown, ambiguous.
        """
        wanted = text.strip().lower()
        source = self.trail.get("source", wanted)
        if source is not None:
            return Named("source", wanted, source)
        numbered = self._numbered(text.strip())
        if DAY.fullmatch(wanted) is None and not numbered:
            wanted = wanted.partition("-")[0]  # an instruction's number says nothing more
        if len(wanted) < SHORTEST:
            raise _no("too_short", given=text[:80], least=SHORTEST)
        found: dict[tuple[str, str], Named] = {}
        for named in numbered or self._matching(wanted):
            found.setdefault((named.what, named.id), named)
        if not found:
            raise _no("unknown", given=text[:80])
        if len(found) > 1:
            several = ", ".join(f"{what} {id[:16]}" for what, id in list(found)[:5])
            raise _no("ambiguous", given=text[:80], several=several)
        return next(iter(found.values()))

    def _numbered(self, number: str) -> list[Named]:
        """The occurrences of the outage with this number; its plans where there is none."""
        said = [
            (id, entry)
            for id, entry in self.trail.range("observation", "")
            if entry["observation"]["kind"] == OUTAGE
            and entry["observation"]["event_key"] == number
        ]
        plans = {id for id, _ in said}
        founded = {
            key.rpartition("/")[2]
            for key, value in self.trail.range("occurrence", "")
            if value["founding"] in plans
        }
        opened = founded & {key.split("/")[1] for key, _ in self.trail.range("case", "")}
        return [Named("occurrence", id, None) for id in sorted(opened)] or [
            Named("observation", id, entry) for id, entry in said
        ]

    def _matching(self, wanted: str) -> Iterator[Named]:
        if DAY.fullmatch(wanted):
            for key, value in self.trail.range("case", ""):
                if value["instant"] is not None and beijing_day(value["instant"]) == wanted:
                    yield Named("occurrence", key.split("/")[1], value)
            return
        for table in ("observation", "trigger", "settlement"):
            for key, value in self.trail.range(table, wanted):
                yield Named(table, key, value)
        for key, value in self.trail.range("act", wanted):
            yield Named("act", key, value)
        for key, value in self.trail.range("case", ""):
            name = content_id("case", value)
            occurrence = key.split("/")[1]
            if name.startswith(wanted):
                yield Named("case", name, value)
            elif occurrence.startswith(wanted):
                yield Named("occurrence", occurrence, value)
        for trigger, settlement in self.decided:
            for claim in self.trail.claims(trigger):
                name = content_id("claim", claim)
                if name.startswith(wanted):
                    yield Named("claim", name, claim)
                elif str(claim["policy"]).startswith(wanted):
                    yield Named("policy", claim["policy"], claim)
            for debt in (settlement, *self.allotments.get(settlement, ())):
                for row in self.trail.instructions(debt):
                    if row["payout"].startswith(wanted):
                        yield Named("payout", row["payout"], {**row, "debt": debt})

    @cached_property
    def decided(self) -> tuple[tuple[str, str], ...]:
        """Triggers that have settled, with their settlements, in the order of their books."""
        found = []
        for _, settlement in self.trail.range("settled", ""):
            found.append((self.settlement(settlement)["trigger"], settlement))
        return tuple(found)

    @cached_property
    def allotments(self) -> Mapping[str, list[str]]:
        """Acts that handed a settlement's payout on to a list."""
        found: dict[str, list[str]] = {}
        for key, value in self.trail.range("allotment", ""):
            found.setdefault(key.partition("/")[0], []).append(value["act"])
        return found

    def need(self, table: str, key: str) -> Any:
        """A value that must be there."""
        value = self.trail.get(table, key)
        if value is None:
            raise LookupError(f"{table}/{key}")
        return value

    def settlement(self, id: str) -> dict[str, Any]:
        """A settlement's value."""
        value: dict[str, Any] = self.need("settlement", id)["settlement"]
        return value

    def of_trigger(self, trigger: str) -> str | None:
        """The settlement of a trigger, if it has settled."""
        return next((s for t, s in self.decided if t == trigger), None)

    def held(self, trigger: str) -> dict[str, int]:
        """policy -> fen of its claims that are still held: none once a later word has been said."""
        value = self.need("trigger", trigger)
        key = f"{value['listing']}/{value['occurrence']}/{value['benefit']}"
        weighed = self.trail.get("weighed", key)
        if weighed is None:
            last = self.need("case", key)["settlement"]
            weighed = {"": last and self.settlement(last)["trigger"]}
        if trigger not in weighed.values():
            return {}
        return {
            claim["policy"]: max(0, claim["owed_fen"] - claim["settled_fen"])
            for claim in self.trail.claims(trigger)
            if claim["state"] == "held"
        }

    def leaf(self, name: str) -> dict[str, Any]:
        """A leaf by the id of its act or record, with its position and its block's time."""
        place = self.trail.place(name)
        if place is None:
            raise LookupError(f"not in the log: {name}")
        leaf: dict[str, Any] = json.loads(self.trail.leaf(place))
        return {**leaf, "position": place, "time": self.time(leaf["height"])}

    def time(self, height: int) -> int:
        """The time of a block that has leaves."""
        place = self.trail.place(f"block/{height}")
        if place is None:
            return int(self.need("genesis", "it")["time"])
        return int(json.loads(self.trail.leaf(place))["time"])

    def name(self, table: str, id: str) -> dict[str, str]:
        """A member's or source's name in both languages; its id where it has none."""
        entry = self.trail.get(table, id)
        return {"zh": id, "en": id} if entry is None else dict(entry["name"])


def _no(code: str, **facts: str | int) -> Refused:
    return Refused(Refusal(f"lineage.{code}", facts))
