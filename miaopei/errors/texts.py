"""Sentences for refusals, in zh and en. The only place that reads the text tables."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Literal

from . import Refusal

Language = Literal["zh", "en"]


@cache
def table(room: str) -> dict[str, dict[str, str]]:
    """Code name -> {zh, en} for one room; empty where the room has no texts."""
    path = files("miaopei.errors") / "texts" / f"{room}.toml"
    return tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}


def rooms() -> Iterable[str]:
    """Rooms that have a table."""
    folder = files("miaopei.errors") / "texts"
    return sorted(
        p.name.removesuffix(".toml") for p in folder.iterdir() if p.name.endswith(".toml")
    )


class _Facts(dict[str, object]):
    def __missing__(self, name: str) -> str:
        return "?"


def say(refusal: Refusal, language: Language = "en") -> str:
    """The refusal as one or two sentences: the thing, the value, the limit, the next step."""
    room, _, name = refusal.code.partition(".")
    texts = table(room).get(name)
    if texts is None:
        return f"{refusal.code} {dict(refusal.facts)}"
    return texts[language].format_map(_Facts(refusal.facts))
