"""Reading a JSON object with exactly the fields named, each of its kind; nothing else passes."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any

from ..errors import Refusal, Refused

Wanted = type | tuple[type, ...]
OPTIONAL_TEXT = (str, NoneType)
OPTIONAL_INTEGER = (int, NoneType)


def read(value: object, code: str, **kinds: Wanted) -> list[Any]:
    """The named fields in the order asked for. A flag is not an integer.

    Errors   Refused `code` with the facts field and why; all faults at once.
    """
    if not isinstance(value, Mapping):
        raise Refused(Refusal(code, {"field": "$", "why": f"is {type(value).__name__}"}))
    faults = [(str(name)[:60], "not known") for name in value if name not in kinds]
    for name, kind in kinds.items():
        wanted = kind if isinstance(kind, tuple) else (kind,)
        if name not in value:
            faults.append((name, "missing"))
        elif type(value[name]) not in wanted:
            faults.append((name, f"is {type(value[name]).__name__}"))
    if faults:
        raise Refused(*(Refusal(code, {"field": field, "why": why}) for field, why in faults))
    return [value[name] for name in kinds]
