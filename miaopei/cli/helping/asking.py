"""Whether help is asked for, and of what: the words that are left without `--lang`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

HELP = frozenset({"-h", "--help"})


def help_words(command: Any, given: Sequence[str]) -> list[str] | None:
    """The words without `--lang` where they ask for help, else None.

    Help knows one option, its language, and a group knows none, so it is read here. A group
    without a command shows its help as well.
    """
    words = list(_without_language(given))
    if HELP & set(words):
        return words
    below = command
    for word in words:
        below = getattr(below, "commands", {}).get(word)
    return words if hasattr(below, "commands") else None


def _without_language(given: Sequence[str]) -> Sequence[str]:
    found, rest = list[str](), list(given)
    while rest:
        word = rest.pop(0)
        if word == "--lang":
            rest[:1] = []
        elif not word.startswith("--lang="):
            found.append(word)
    return found
