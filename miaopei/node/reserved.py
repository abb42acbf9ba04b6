"""Claims that are held until a person releases them: how many, of what sum, of which policies.

A held claim is settled at nothing, so nothing that counts payments shows it. Source:
docs/specs/record.md, section 7.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..acts.release import holding
from ..acts.state import State
from .mass.histories import HELD
from .ports import Reading


@dataclass(frozen=True)
class Reserved:
    """The held claims of one settlement; `trigger` is the value of the one that it settled.

    Shapes   policy and fen: (claims,), in book order; fen is what each may yet be paid. Both are
             empty where this member is outside the book's group: then nobody here knows.
    """

    settlement: str
    trigger: dict[str, Any]
    policy: tuple[str, ...]
    fen: tuple[int, ...]

    @property
    def sealed(self) -> bool:
        """Whether this member may not read which claims they are."""
        return not self.policy

    @property
    def total_fen(self) -> int:
        """The sum that is kept for them."""
        return sum(self.fen)

    def as_json(self) -> dict[str, Any]:
        """Settlement and policies as `release` takes them."""
        each = [{"policy": p, "fen": fen} for p, fen in zip(self.policy, self.fen, strict=True)]
        return {"settlement": self.settlement, "total_fen": self.total_fen, "claims": each}


def reserved(reading: Reading, state: State) -> Iterator[Reserved]:
    """What stands held, by settlement, in the order of their ids."""
    for settlement, trigger in holding(state):
        held = held_of(reading, trigger)
        names, fen = tuple(name for name, _ in held), tuple(each for _, each in held)
        yield Reserved(settlement, state.need("trigger", trigger), names, fen)


def held_of(reading: Reading, trigger: str) -> list[tuple[str, int]]:
    """Policies whose claims of a trigger are held, and what each may yet be paid: what is owed,
    less what the occurrence has settled before."""
    claims = reading.claim_columns(trigger)
    held = claims[claims["state"] == HELD]
    owed, settled = held["owed_fen"].tolist(), held["settled_fen"].tolist()
    names = [bytes(name).hex() for name in held["policy"]]
    return [(name, max(0, o - s)) for name, o, s in zip(names, owed, settled, strict=True)]
