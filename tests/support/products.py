"""Made-up covers for tests: the shape of an earthquake index cover with any rule of evidence.

Figures are ours. The area is Dali prefecture, so one filed area is enough.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from miaopei.measures.instant import HOUR
from miaopei.measures.money import wan
from miaopei.terms import build as b
from miaopei.terms.filing import Product, Revision, Text, Version, input_rule
from miaopei.terms.words import Code, IfMissing, Kind

OURS = b.source("测试用，自拟", "made up for tests", dated="2026-01-01")
STEPS: tuple[tuple[int, int | None], ...] = (
    (0, 0),
    (50, wan(100)),
    (55, wan(300)),
    (60, wan(600)),
    (65, wan(1_000)),
)
AREA = "532900"  # Dali prefecture
GROUPING: Mapping[str, Any] = {
    "kind": "shocks",
    "threshold_tenths": 50,
    "hours": 72,
    "km": 50,
    "same_shock_seconds": 60,
    "same_shock_km": 100,
    "counted_types": ["Ms", "M"],
}


def area(code: str = AREA) -> dict[str, Any]:
    """An area set that comes with the package, in the form that is filed."""
    value: dict[str, Any] = json.loads(
        (files("miaopei") / "data" / "areas" / f"{code}.json").read_bytes()
    )
    return value


def hills(
    id: str = "hills",
    *,
    revision: Revision = Revision.FIRST_SETTLES,
    sources: Sequence[str] = ("cenc.rapid",),
    operators: int = 1,
    tolerance: int = 0,
    steps: Sequence[tuple[int, int | None]] = STEPS,
    year_fen: int = wan(1_200),
    since: int | None = 0,
    until: int | None = None,
    units: bool = False,
) -> Product:
    """A cover of houses in one prefecture by the magnitude of the main shock.

    `units`: each policy declares 1 to 100 shares of 1 yuan for each tenth above 4.9, which the
    terms read beside the band; else every policy is paid the band's amount.
    """
    role = b.observed_code(
        "role",
        (Code(0, "outside", "其他地区", "elsewhere"), Code(1, "own", "本地区", "the prefecture")),
        zh="震中位置",
        en="place of the epicentre",
        measure="shock.role",
        sources=sources,
        fallback=("cenc.catalogue",),
        if_missing=IfMissing.HOLD,
        definition_zh="主震震中是否在本地区。",
        definition_en="Whether the main shock's epicentre lies in the prefecture.",
    )
    magnitude = b.observed(
        "magnitude",
        Kind.MAGNITUDE,
        low=0,
        high=100,
        zh="震级",
        en="magnitude",
        measure="shock.magnitude",
        sources=sources,
        fallback=("cenc.catalogue",),
        if_missing=IfMissing.HOLD,
        definition_zh="主震震级。",
        definition_en="The magnitude of the main shock.",
    )
    year = b.figure("house_year", year_fen, Kind.MONEY, zh="年度限额", en="the limit", source=OURS)
    band = b.clause(
        "band_limit",
        b.bands(magnitude, *steps, source=OURS),
        zh="按{magnitude}所在的档。",
        en="By the band of the {magnitude}.",
    )
    amount = band
    if units:
        shares = b.declared("shares", Kind.COUNT, low=1, high=100, zh="份数", en="shares")
        each = b.figure("each", 100_000, Kind.MONEY, zh="每份", en="each share", source=OURS)
        amount = b.clause(
            "by_shares",
            b.least(b.times(shares, each), band),
            zh="{shares}乘以{each}，以{band_limit}为限。",
            en="The {shares} times {each}, at most {band_limit}.",
        )
    rule = b.clause(
        "house_rule",
        b.either(b.one_of(role, "own"), amount, b.nothing()),
        zh=f"震中在本地区的，赔付{{{amount.name}}}。",
        en=f"For an epicentre in the prefecture, {{{amount.name}}}.",
    )
    left = b.clause(
        "house_left",
        b.minus(year, b.spent("house", year)),
        zh="{house_year}减去本年度已赔。",
        en="What is left of {house_year}.",
    )
    house = b.clause(
        "house",
        b.least(rule, left),
        zh="{house_rule}，以{house_left}为限。",
        en="{house_rule}, at most {house_left}.",
    )
    quorum = {"operators": operators, "tolerance": tolerance}
    return Product(
        id=id,
        name=Text("山地（测试）", "Hills (test)"),
        peril="earthquake",
        versions=(Version(1, b.terms(id, 1, house), since, until, Text("自拟", "made up")),),
        grouping=GROUPING,
        area={
            "own": [AREA],
            "surrounding": [],
            "cells": area()["set"],
            "resolution": area()["resolution"],
        },
        inputs=(
            input_rule(role, freeze_seconds=12 * HOUR, revision=revision, **quorum),
            input_rule(magnitude, freeze_seconds=12 * HOUR, revision=revision, **quorum),
        ),
        benefits=("house",),
        illustrative=True,
        notes=Text("测试用。", "For tests."),
    )
