"""The genesis of a consortium: who sits in it from the first block, in which roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...acts.rule_sets import RULES
from ...measures.identity import canonical
from ...measures.suites import in_use


def entry(
    member: str, name: Mapping[str, str], roles: Iterable[str], key: str | None
) -> dict[str, Any]:
    """A member as the record names it: an operator of its own, by one key for its acts or none."""
    keys = [] if key is None else [{"key": key, "since": 0, "until": None}]
    told = {"id": member, "name": dict(name), "operator": member}
    return {**told, "roles": sorted(roles), "keys": keys}


@dataclass(frozen=True)
class Founder:
    """One founding member. Keys are raw public keys in hex; power 0 reads along without a vote."""

    id: str
    name: dict[str, str]
    roles: tuple[str, ...]
    acts: str
    engine: str
    node: str
    peer: str
    log: str
    box: str
    power: int = 1

    @property
    def entry(self) -> dict[str, Any]:
        """The member as the record names it."""
        return entry(self.id, self.name, self.roles, self.acts)

    @property
    def seat(self) -> dict[str, Any]:
        """The member's seat as the record keeps it."""
        return {
            "member": self.id,
            "power": self.power,
            "engine": self.engine,
            "node": self.node,
            "peer": self.peer,
            "log": self.log,
            "box": self.box,
        }


def consortium_genesis(
    name: str,
    founders: Sequence[Founder],
    *,
    clock: str,
    time: int,
    origin: str,
    replay_source: str | None = None,
    rules: int = RULES,
) -> dict[str, Any]:
    """The genesis value. Each founder is an operator of its own. `rules`: those it begins with."""
    value: dict[str, Any] = {
        "v": 1,
        "name": name,
        "suite": in_use.suite.name,
        "clock": clock,
        "rules": rules,
        "origin": origin,
        "log_key": None,
        "time": time,
        "replay_source": replay_source,
        "members": [founder.entry for founder in founders],
        "seats": [founder.seat for founder in founders],
    }
    canonical(value)
    return value
