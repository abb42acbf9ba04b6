"""`file_area`: the cells and county names of one division, for deciding where an epicentre lies.

Body: the JSON of an evidence AreaSet (one prefecture). Filed once; a changed border is a new set.
"""

from __future__ import annotations

from ..evidence.area import AreaSet
from .base import Moment, Outcome, refuse
from .envelope import Act
from .state import State

KIND = "file_area"
ROLES = frozenset({"operator"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused where the set's name and code are taken by other cells."""
    area = AreaSet.from_json(act.body)
    key = f"{area.set}/{area.code}"
    if state.has("area", key):
        raise refuse("act.area_taken", id=key)
    state.put("area", key, {**area.as_json(), "act": act.id})
    return Outcome()
