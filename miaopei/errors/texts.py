"""Sentences for refusals, in zh and en. The only place that reads the text tables."""

from __future__ import annotations

import re
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

# What the operating system says of a file or address, in Chinese; it says it in English only.
SYSTEM_ZH = {
    "Permission denied": "没有权限",
    "Operation not permitted": "不允许",
    "No such file or directory": "没有这个文件或文件夹",
    "File exists": "已经存在",
    "Not a directory": "路径中有一段不是文件夹",
    "Is a directory": "这是一个文件夹",
    "No space left on device": "磁盘已满",
    "Disk quota exceeded": "超出磁盘配额",
    "Read-only file system": "文件系统只读",
    "File name too long": "名称过长",
    "Too many open files": "打开的文件过多",
    "Input/output error": "读写出错",
    "Address already in use": "地址已被占用",
    "Connection refused": "连接被拒绝",
}

# Where Python's reader of JSON stopped; what it says before that is English only.
NOT_JSON = re.compile(r"^[A-Z][^\n]*: line (\d+) column (\d+) \(char \d+\)$")


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
    if language == "zh" and type(fact) is str:
        if (place := NOT_JSON.search(fact)) is not None:
            return f"读到第 {place[1]} 行第 {place[2]} 列为止"
        return SYSTEM_ZH.get(fact, fact)
    return fact
