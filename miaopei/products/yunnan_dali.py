"""Earthquake index cover of Dali prefecture, Yunnan: houses and residents' deaths, two versions.

Source: doi 10.11899/zzfy20210303, Tables 1, 2 and 4; press of 2015-08-21 on the start of the pilot.
"""

from __future__ import annotations

from ..measures.instant import from_beijing
from ..measures.money import wan
from ..terms import build as b
from ..terms.filing import Product, Text, Version
from . import yunnan_index as index

START, PILOT_END = from_beijing("2015-08-20"), from_beijing("2018-08-20")

WEAK = b.source(
    "第一版的 40%；来自可信度较低的公开资料（baoxiank.com/yiliao/59597），非合同原文",
    "40 % of version 1; a weak public source (baoxiank.com/yiliao/59597), not the contract",
    dated="2018-08-20",
)
TABLE_4 = b.source(
    f"{index.PAPER} 表 4：2021-05-21 漾濞 6.4 级赔款 4,000 万元",
    f"{index.PAPER}, Table 4: 40 million yuan paid for Yangbi, Ms 6.4, on 2021-05-21",
    dated="2021",
)
UNCHANGED = b.source(
    "假定与第一版相同；未见资料", "assumed unchanged from version 1; no source speaks of it",
    dated="2018-08-20",
)  # fmt: skip
DEATHS_V1 = b.source(
    f"{index.PAPER} 表 1 注；新华社 2015-08-21",
    f"{index.PAPER}, note of Table 1; Xinhua 2015-08-21",
    dated="2015-08-21",
)

HOUSE_V1 = index.house(
    b.bands(
        index.MAGNITUDE,
        (0, 0),
        (50, wan(2_800)),
        (55, wan(5_000)),
        (60, wan(10_000)),
        (65, wan(20_000)),
        (70, wan(42_000)),
        source=index.TABLE_1,
    ),
    index.house_year(wan(42_000), index.TOP_BAND),
)
HOUSE_V2 = index.house(
    b.bands(
        index.MAGNITUDE,
        (0, 0),
        (50, wan(1_120)),
        (55, wan(2_000)),
        (60, wan(4_000), TABLE_4),
        (65, wan(8_000)),
        (70, wan(16_800)),
        source=WEAK,
    ),
    index.house_year(wan(16_800), WEAK),
)

PRODUCT = Product(
    id="yunnan_dali",
    name=Text("云南大理州地震指数保险", "Earthquake index cover, Dali prefecture, Yunnan"),
    peril="earthquake",
    versions=(
        Version(
            1,
            index.terms(
                "yunnan_dali", 1, HOUSE_V1, index.deaths(index.deaths_year(wan(8_000), DEATHS_V1))
            ),
            START,
            PILOT_END,
            Text(
                "三年试点（2015-08-20 起）的赔付标准，见论文表 1。各档数值均为原文所印；"
                "房屋年度累计限额系推断。",
                "The scale of the three-year pilot from 2015-08-20, Table 1 of the paper. Every "
                "band is printed there; the yearly house limit is inferred.",
            ),
        ),
        Version(
            2,
            index.terms(
                "yunnan_dali", 2, HOUSE_V2, index.deaths(index.deaths_year(wan(8_000), UNCHANGED))
            ),
            PILOT_END,
            None,
            Text(
                "依据薄弱。"
                "表 4 所印 2021-05-21 漾濞 6.4 级赔款 4,000 万元与表 1 的 10,000 万元不符；"
                "一处可信度较低的公开资料称 2018 年 8 月试点期满后标准降为原来的 40%，"
                "而 10,000 的 40% 恰为 4,000。因此各档取第一版的 40%，"
                "其中只有6.0 至 6.4 级一档有原文佐证。死亡保险假定不变。",
                "Weak. Table 4 prints 40 million yuan paid for Yangbi, Ms 6.4, on 2021-05-21, "
                "where Table 1 gives 100 million. A weak public source says that the scale was "
                "cut to 40 % when the pilot ended in August 2018, and 40 % of 100 million is 40 "
                "million. So every band is 40 % of version 1; only the one from 6.0 to 6.4 is "
                "borne out by print. The death cover is assumed unchanged.",
            ),
        ),
    ),
    grouping=index.GROUPING,
    area={
        "own": ["532900"],
        "surrounding": ["530500", "530700", "530800", "530900", "532300", "533300"],
        "cells": index.CELLS,
        "resolution": index.RESOLUTION,
    },
    inputs=index.RULES,
    benefits=("house", "deaths"),
    illustrative=False,
    notes=Text(
        f"周边地区：保山、丽江、普洱、临沧、楚雄、怒江。{index.ERRATUM_ZH}{index.INFERRED_ZH}",
        f"Surrounding: Baoshan, Lijiang, Pu'er, Lincang, Chuxiong, Nujiang. {index.ERRATUM_EN} "
        f"{index.INFERRED_EN}",
    ),
)
