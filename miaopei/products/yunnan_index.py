"""What the Yunnan earthquake index covers have in common: wording, inputs, evidence, grouping.

The figures of each prefecture stand in its own file. Source: paper of 2021 on the Yunnan index
covers and the Yangbi earthquake (doi 10.11899/zzfy20210303), Table 1 and its note.
"""

from __future__ import annotations

from typing import Any

from ..measures.instant import DAY, HOUR
from ..measures.money import wan
from ..terms import build as b
from ..terms.filing import InputRule, Revision, input_rule
from ..terms.words import Band, Clause, Code, Figure, IfMissing, Kind, Source, Terms

PAPER = "doi 10.11899/zzfy20210303"
TABLE_1 = b.source(f"{PAPER} 表 1", f"{PAPER}, Table 1", dated="2021")
NOTE_1 = b.source(f"{PAPER} 表 1 注", f"{PAPER}, note of Table 1", dated="2021")
TOP_BAND = b.source(
    f"推断：取最高一档；{PAPER} 表 1 注未印房屋限额",
    f"inferred: the top band; the note of Table 1 ({PAPER}) prints no house limit",
    dated="2021",
)
TEN_YUAN = 1_000  # fen; the paper prints payouts to 0.001 万元
GROUPING: dict[str, Any] = {
    "kind": "shocks",
    "threshold_tenths": 50,
    "hours": 72,
    "km": 50,
    "same_shock_seconds": 60,
    "same_shock_km": 100,
    "like_shock_seconds": 120,
    "like_shock_tenths": 5,
    "counted_types": ["Ms", "M"],
    "decides": "every_shock",
    "same_version": "held",
}
CELLS, RESOLUTION = "cn-prefectures-h3-v1", 7

ROLE = b.observed_code(
    "role",
    (
        Code(0, "outside", "其他地区", "elsewhere"),
        Code(1, "own", "本地区", "the insured prefecture"),
        Code(2, "surrounding", "周边地区", "a surrounding prefecture"),
    ),
    zh="震中位置",
    en="place of the epicentre",
    measure="shock.role",
    sources=("cenc.rapid",),
    fallback=("cenc.catalogue",),
    if_missing=IfMissing.HOLD,
    definition_zh="主震震中落在本地区、周边地区（与本地区接壤并在产品中列名的州市）还是其他地区。"
    "由正式速报的参考地名和震中坐标各判定一次；两者不一致时由人工核定。",
    definition_en="Whether the main shock's epicentre lies in the insured prefecture, in a "
    "surrounding one (those that border on it and are named in the product) or elsewhere. "
    "Decided twice, by the place name of the official rapid report and by its position; where "
    "they differ, by a person.",
)
MAGNITUDE = b.observed(
    "magnitude",
    Kind.MAGNITUDE,
    low=0,
    high=100,
    zh="主震震级",
    en="main-shock magnitude",
    measure="shock.magnitude",
    sources=("cenc.rapid",),
    fallback=("cenc.catalogue",),
    if_missing=IfMissing.HOLD,
    definition_zh="中国地震台网正式速报的面波震级，取一位小数，第二位小数四舍五入；"
    "截止时点仍无速报的，为地震目录的面波震级。何为序列、主震和截止时点，见通则。",
    definition_en="The surface-wave magnitude of the official rapid report of the China "
    "Earthquake Networks Centre, to one decimal, half up; where no rapid report is on file at the "
    "deadline, the surface-wave magnitude of the catalogue. What a sequence, a main shock and the "
    "deadline are is said in the general conditions.",
)
LARGEST_LOSS = 200_000_000  # units of 0.1 万元: 200 billion yuan
LOSS_AREA = b.observed(
    "loss_area",
    Kind.LOSS,
    low=0,
    high=LARGEST_LOSS,
    zh="本地区民房地震损失",
    en="civil-house loss in the insured prefecture",
    measure="loss.area",
    params={"item": "civil_houses"},
    sources=("loss.national",),
    if_missing=IfMissing.CLOSE,
    definition_zh="国家灾评报告中本地区民房的直接经济损失。报告未列本地区的，视为缺失，不视为零。",
    definition_en="The direct loss of civil houses in the insured prefecture by the national "
    "loss assessment report. A prefecture that the report does not name is missing, not zero.",
)
LOSS_TOTAL = b.observed(
    "loss_total",
    Kind.LOSS,
    low=0,
    high=LARGEST_LOSS,
    zh="该次地震民房总损失",
    en="total civil-house loss of the earthquake",
    measure="loss.total",
    params={"item": "civil_houses"},
    sources=("loss.national",),
    if_missing=IfMissing.CLOSE,
    definition_zh="同一份国家灾评报告中该次地震民房直接经济损失的总额。",
    definition_en="The direct loss of civil houses in the whole earthquake by the same report.",
)
DEATHS = b.observed(
    "death_count",
    Kind.COUNT,
    low=0,
    high=10_000_000,
    zh="遇难居民人数",
    en="residents who lost their lives",
    measure="deaths.area",
    sources=("deaths.official",),
    if_missing=IfMissing.CLOSE,
    definition_zh="官方通报的、因该次地震遇难的本地区居民人数，以通报单位、版本和日期为准。",
    definition_en="The residents of the insured prefecture who died of the earthquake, by "
    "official notice with its issuer, version and date.",
)


def trigger() -> Figure:
    """The magnitude from which both covers respond."""
    return b.figure(
        "trigger",
        50,
        Kind.MAGNITUDE,
        zh="起赔震级",
        en="the lowest magnitude that pays",
        source=b.source(
            f"{PAPER} 表 1 最低一档 5.0-5.4 级；死亡保险适用此震级系假定，表中未写明",
            f"{PAPER}, Table 1: lowest band 5.0-5.4; that it holds for deaths is assumed",
            dated="2021",
        ),
    )


def per_death() -> Figure:
    """The amount for each death, the same in both prefectures."""
    return b.figure(
        "per_death",
        wan(10),
        Kind.MONEY,
        zh="每人死亡赔偿限额",
        en="the amount for each death",
        source=NOTE_1,
    )


def house_year(amount_fen: int, source: Source) -> Figure:
    """The yearly limit of the house cover."""
    return b.figure(
        "house_year",
        amount_fen,
        Kind.MONEY,
        zh="房屋年度累计赔付限额",
        en="the yearly limit of the house cover",
        source=source,
    )


def deaths_year(amount_fen: int, source: Source) -> Figure:
    """The yearly limit of the death cover."""
    return b.figure(
        "deaths_year",
        amount_fen,
        Kind.MONEY,
        zh="居民死亡保险年度累计赔偿限额",
        en="the yearly limit of the death cover",
        source=source,
    )


def house(band: Band, year: Figure) -> Clause:
    """The house cover: the limit inside, a share of it from the surroundings, a yearly cap."""
    band_limit = b.clause(
        "band_limit",
        band,
        zh="每次地震的房屋赔付限额，按{magnitude}所在的震级档确定。",
        en="The house limit of an earthquake is that of the band in which the {magnitude} lies.",
    )
    start = trigger()
    house_share = b.clause(
        "house_share",
        b.either(
            b.at_least(MAGNITUDE, start),
            b.pro_rata(band_limit, LOSS_AREA, LOSS_TOTAL, unit_fen=TEN_YUAN),
            b.nothing(),
        ),
        zh="震中在周边地区的，{magnitude}不低于{trigger}时，"
        "赔付额为{band_limit}的限额乘以{loss_area}在{loss_total}中的占比；占比不取整，"
        "只对赔付额取整。",
        en="For an epicentre in a surrounding prefecture and a {magnitude} of at least "
        "{trigger}: the limit of {band_limit} times the share of the {loss_area} in the "
        "{loss_total}. The share is not rounded, only the amount is.",
    )
    house_rule = b.clause(
        "house_rule",
        b.either(
            b.one_of(ROLE, "own"),
            band_limit,
            b.either(b.one_of(ROLE, "surrounding"), house_share, b.nothing()),
        ),
        zh="震中在本地区的，全额赔付{band_limit}的限额；震中在周边地区的，按{house_share}赔付；"
        "震中在其他地区的，不赔付。",
        en="For an epicentre in the insured prefecture, the whole limit of {band_limit}; in a "
        "surrounding prefecture, the amount of {house_share}; elsewhere, nothing.",
    )
    house_left = b.clause(
        "house_left",
        b.minus(year, b.spent("house", year)),
        zh="一个保险年度内房屋赔付累计不超过{house_year}；扣除本年度其他地震序列已定赔款后为剩余限额。",
        en="House payouts add up to at most {house_year} in a policy year; what other "
        "sequences of the year have settled is taken off.",
    )
    return b.clause(
        "house",
        b.least(house_rule, house_left),
        zh="房屋赔付为{house_rule}的金额，以{house_left}的剩余限额为限。",
        en="The house payout is the amount of {house_rule}, at most what is left by {house_left}.",
    )


def deaths(year: Figure) -> Clause:
    """The residents' death cover: an amount for each death, a year's cap."""
    start = trigger()
    deaths_rule = b.clause(
        "deaths_rule",
        b.either(
            b.every(b.one_of(ROLE, "own", "surrounding"), b.at_least(MAGNITUDE, start)),
            b.times(DEATHS, per_death()),
            b.nothing(),
        ),
        zh="震中在本地区或周边地区，且{magnitude}不低于{trigger}的，每名遇难居民给付{per_death}。",
        en="For an epicentre in the insured or a surrounding prefecture and a {magnitude} of at "
        "least {trigger}: {per_death} for each resident who lost their life.",
    )
    deaths_left = b.clause(
        "deaths_left",
        b.minus(year, b.spent("deaths", year)),
        zh="一个保险年度内居民死亡给付累计不超过{deaths_year}；"
        "扣除本年度其他地震序列已定赔款后为剩余限额。",
        en="Death benefits add up to at most {deaths_year} in a policy year; what other "
        "sequences of the year have settled is taken off.",
    )
    return b.clause(
        "deaths",
        b.least(deaths_rule, deaths_left),
        zh="居民死亡给付为{deaths_rule}的金额，以{deaths_left}的剩余限额为限。",
        en="The death benefit is the amount of {deaths_rule}, at most what is left by "
        "{deaths_left}.",
    )


def terms(id: str, version: int, house_cover: Clause, death_cover: Clause) -> Terms:
    """One version of the contract of one prefecture."""
    return b.terms(id, version, house_cover, death_cover)


RULES: tuple[InputRule, ...] = (
    input_rule(ROLE, freeze_seconds=12 * HOUR, revision=Revision.FIRST_SETTLES),
    input_rule(MAGNITUDE, freeze_seconds=12 * HOUR, revision=Revision.FIRST_SETTLES),
    *(
        input_rule(
            of,
            freeze_seconds=180 * DAY,
            revision=Revision.REVISION_COUNTS,
            close_after_seconds=180 * DAY,
        )
        for of in (LOSS_AREA, LOSS_TOTAL, DEATHS)
    ),
)

ERRATUM_ZH = (
    "原文公式印作“每次地震保险赔款=主震震级保险赔付限额×(试点地区民房地震损失-该次地震民房总损失)"
    "”，其中“-”系“÷”之误：上一句写明按“占比”计算，相减得负数且量纲不符。本产品按占比计算。"
    "赔付额四舍五入至十元、占比不取整，是唯一与原文表 2 两行赔款相符的规则。"
)
ERRATUM_EN = (
    "The source prints the formula as limit x (loss in the pilot area - total loss of the "
    "earthquake). The '-' is a misprint of a division sign: the sentence before it speaks of a "
    "share, and a difference would be negative. Read here as a share. An unrounded share with "
    "the payout rounded half up to 10 yuan is the only rule that fits both such rows of Table 2."
)
INFERRED_ZH = (
    "房屋年度累计限额在原文注中未印数字，取最高一档限额，系推断。"
    "死亡给付要求震级不低于起赔震级、震中在本地区或周边地区，原文未写明，系假定。"
    "周边地区原文未列名，取与试点地区接壤的州市。"
)
INFERRED_EN = (
    "The note of Table 1 prints no house aggregate: the top band's limit is taken, inferred. "
    "That the death cover needs the lowest magnitude and an epicentre in the insured or a "
    "surrounding prefecture is assumed; the source is silent. Surrounding prefectures are not "
    "named in the source: those that border on the pilot area are taken."
)
