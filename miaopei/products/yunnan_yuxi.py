"""Earthquake index cover of Yuxi city, Yunnan: houses and residents' deaths, one version.

Source: doi 10.11899/zzfy20210303, Tables 1 and 2.
"""

from __future__ import annotations

from ..measures.instant import from_beijing
from ..measures.money import wan
from ..terms import build as b
from ..terms.filing import Product, Text, Version
from ..terms.words import Kind
from . import yunnan_index as index

TABLE_1 = f"{index.PAPER}, Table 1"

PER_DEATH = b.figure(
    "per_death", wan(10), Kind.MONEY,
    zh="每人死亡赔偿限额", en="the amount for each death", source=f"{TABLE_1}, note", dated="2021",
)  # fmt: skip
DEATHS_YEAR = b.figure(
    "deaths_year", wan(4_600), Kind.MONEY,
    zh="居民死亡保险年度累计赔偿限额", en="the yearly limit of the death cover",
    source=f"{TABLE_1}, note", dated="2021",
)  # fmt: skip
BANDS = b.bands(
    index.MAGNITUDE,
    (0, 0),
    (50, wan(1_600)),
    (55, wan(3_000)),
    (60, wan(6_000)),
    (65, wan(12_000)),
    (70, wan(24_000)),
    source=TABLE_1,
    dated="2021",
)
HOUSE_YEAR = b.figure(
    "house_year", wan(24_000), Kind.MONEY,
    zh="房屋年度累计赔付限额", en="the yearly limit of the house cover",
    source="inferred: the top band; the note of Table 1 prints no house number", dated="2021",
)  # fmt: skip

PRODUCT = Product(
    id="yunnan_yuxi",
    name=Text("云南玉溪市地震指数保险", "Earthquake index cover, Yuxi city, Yunnan"),
    peril="earthquake",
    versions=(
        Version(
            1,
            index.terms(
                "yunnan_yuxi",
                1,
                index.house(BANDS, HOUSE_YEAR),
                index.deaths(PER_DEATH, DEATHS_YEAR),
            ),
            from_beijing("2018-01-01"),
            None,
            Text(
                "起期系推断:原文未载,只知 2018-08-13 通海地震已赔付,取该年首日。止期未知。各档数值"
                "见论文表 1。",
                "The start is inferred: the source gives none, only that the Tonghai earthquake of "
                "2018-08-13 was paid; the first day of that year is taken. No end is known. The "
                "bands "
                "are those of Table 1 of the paper.",
            ),
        ),
    ),
    grouping=index.GROUPING,
    area={
        "own": ["530400"],
        "surrounding": ["530100", "530800", "532300", "532500"],
        "cells": index.CELLS,
        "resolution": index.RESOLUTION,
    },
    inputs=index.RULES,
    benefits=("house", "deaths"),
    illustrative=False,
    notes=Text(
        f"周边地区:昆明、普洱、楚雄、红河。{index.ERRATUM_ZH}{index.INFERRED_ZH}",
        f"Surrounding: Kunming, Pu'er, Chuxiong, Honghe. {index.ERRATUM_EN} {index.INFERRED_EN}",
    ),
)
