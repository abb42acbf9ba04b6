"""Earthquake index cover of Yuxi city, Yunnan: houses and residents' deaths, one version.

Source: doi 10.11899/zzfy20210303, Tables 1 and 2.
"""

from __future__ import annotations

from ..measures.instant import from_beijing
from ..measures.money import wan
from ..terms import build as b
from ..terms.filing import Product, Text, Version
from . import yunnan_index as index

HOUSE = index.house(
    b.bands(
        index.MAGNITUDE,
        (0, 0),
        (50, wan(1_600)),
        (55, wan(3_000)),
        (60, wan(6_000)),
        (65, wan(12_000)),
        (70, wan(24_000)),
        source=index.TABLE_1,
    ),
    index.house_year(wan(24_000), index.TOP_BAND),
)
DEATHS = index.deaths(index.deaths_year(wan(4_600), index.NOTE_1))

PRODUCT = Product(
    id="yunnan_yuxi",
    name=Text("云南玉溪市地震指数保险", "Earthquake index cover, Yuxi city, Yunnan"),
    peril="earthquake",
    versions=(
        Version(
            1,
            index.terms("yunnan_yuxi", 1, HOUSE, DEATHS),
            from_beijing("2018-01-01"),
            None,
            Text(
                "起期系推断：原文未载，只知 2018-08-13 通海地震已赔付，取该年首日。止期未知。"
                "各档数值见论文表 1。",
                "The start is inferred: the source gives none, only that the Tonghai earthquake "
                "of 2018-08-13 was paid; the first day of that year is taken. No end is known. "
                "The bands are those of Table 1 of the paper.",
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
        f"周边地区：昆明、普洱、楚雄、红河。{index.ERRATUM_ZH}{index.INFERRED_ZH}",
        f"Surrounding: Kunming, Pu'er, Chuxiong, Honghe. {index.ERRATUM_EN} {index.INFERRED_EN}",
    ),
)
