"""What a JSON object must look like: exactly these fields, each of its kind.

Types are compared, not instances: `True` is no integer here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeGuard

Types = type | tuple[type, ...]


def exactly(value: object, names: Collection[str]) -> TypeGuard[Mapping[str, Any]]:
    """Whether a value is an object with these fields and no other."""
    return isinstance(value, Mapping) and set(value) == set(names)


def misfit(value: Mapping[str, Any], kinds: Mapping[str, Types]) -> tuple[str, str] | None:
    """The first field that is not as said, and why: "not known", "missing" or "is <type>"."""
    if extra := sorted(set(value) - set(kinds)):
        return str(extra[0])[:60], "not known"
    for name, kind in kinds.items():
        if name not in value:
            return name, "missing"
        if type(value[name]) not in (kind if isinstance(kind, tuple) else (kind,)):
            return name, f"is {type(value[name]).__name__}"
    return None
