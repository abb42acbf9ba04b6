"""Sealed rows against the applications they come from, for those who decide on a book."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from ...acts.state import State
from ...policies.row import PolicyRow


def misfits(rows: Sequence[PolicyRow], state: State, applications: Sequence[str]) -> list[str]:
    """Policies whose sealed rows are not what their applications say; for deciders."""
    by_policy: dict[str, list[dict[str, Any]]] = defaultdict(list)
    wanted: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        said = {"transaction": str(row.transaction), "since": row.since, "until": row.until}
        said |= {"number": row.number, "declared": dict(row.declared)}
        by_policy[row.policy].append(said)
    for name in applications:
        value = state.need("application", name)
        wanted[value["policy"]] += value["rows"]
    names = sorted(set(by_policy) | set(wanted))
    return [name for name in names if by_policy.get(name) != wanted.get(name)]
