"""Personal data as they may be shown on a screen: enough to recognise, too little to use.

One rule a field, by its name; a field without a rule is hidden whole.
"""

from __future__ import annotations

from collections.abc import Mapping

HIDDEN = "****"


def masked(fields: Mapping[str, str]) -> dict[str, str]:
    """Every field masked by its own rule."""
    return {name: mask(name, value) for name, value in fields.items()}


def mask(field: str, value: str) -> str:
    """张三 -> 张*, 13812340000 -> 138****0000, an account or meter its last four, an address its
    first six; what would show the half or more of a short value shows nothing.
    """
    match field:
        case "name":
            return value[:1] + "*" * min(len(value) - 1, 3)
        case "phone":
            return _ends(value, 3, 4)
        case "account" | "meter" | "customer":
            return _ends(value, 0, 4)
        case "address":
            return _ends(value, 6, 0)
        case _:
            return HIDDEN


def _ends(value: str, first: int, last: int) -> str:
    if len(value) < first + last + 3:
        return HIDDEN
    return value[:first] + HIDDEN + value[len(value) - last :]
