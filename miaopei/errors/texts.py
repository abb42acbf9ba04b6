"""Sentences for refusals, in zh and en. The only place that reads the text tables."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from functools import cache
from importlib.resources import files
from typing import Literal

from . import Fact, Refusal

Language = Literal["zh", "en"]

# Facts of these names that count seconds since 1970 are told as a person reads a clock.
INSTANTS = {"at", "time", "block", "since", "until", "next", "again", "now", "later", "ends"}
EARLIEST, LATEST = 684_867_600, 4_102_444_800  # from when the offset is fixed (1991) up to 2100
BEIJING = timezone(timedelta(hours=8))
ZONE = {"zh": "（北京时间）", "en": " Beijing time"}


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
    facts = {name: _told(name, fact, language) for name, fact in refusal.facts.items()}
    return texts[language].format_map(_Facts(facts))


def _told(name: str, fact: Fact, language: Language) -> Fact:
    if name in INSTANTS and type(fact) is int and EARLIEST <= fact < LATEST:
        moment = datetime.fromtimestamp(fact, BEIJING)
        return f"{moment:%Y-%m-%d %H:%M:%S}{ZONE[language]}"
    return fact
