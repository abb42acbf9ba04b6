"""The small data files that come with the package (miaopei/data, provenance in its README)."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from ...evidence.area import AreaSet
from ...evidence.names import Names
from ...evidence.source import Source
from ...terms.filing import Text

_DATA = files("miaopei") / "data"


@cache
def areas() -> tuple[AreaSet, ...]:
    """The prefectures of Yunnan, in code order."""
    folder = _DATA / "areas"
    found = [json.loads(p.read_text("utf-8")) for p in folder.iterdir() if p.name.endswith(".json")]
    return tuple(sorted(map(AreaSet.from_json, found), key=lambda area: area.code))


@cache
def names() -> Names:
    """The place names of those prefectures and their counties."""
    return Names.of(areas())


@cache
def sources() -> tuple[Source, ...]:
    """Register entries of the sources read here, without keys: an operator adds its own."""
    found = json.loads((_DATA / "sources.json").read_text("utf-8"))
    return tuple(Source.from_json(entry) for entry in found)


@cache
def spoken() -> dict[str, Text]:
    """What a wording calls the areas and the sources, by area code and by source id."""
    named = {area.code: area.name for area in areas()} | {each.id: each.name for each in sources()}
    return {key: Text(name["zh"], name["en"]) for key, name in named.items()}


@cache
def arrivals() -> dict[str, Any]:
    """How long after an event each source is assumed to have spoken, for a replay. Assumed."""
    found: dict[str, Any] = json.loads((_DATA / "replay_arrivals.json").read_text("utf-8"))
    return found


def earthquake_file(name: str) -> bytes:
    """The bytes of one file of miaopei/data/earthquake."""
    return (_DATA / "earthquake" / name).read_bytes()
