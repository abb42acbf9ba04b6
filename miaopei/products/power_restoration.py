"""Power-restoration delay cover (计划送电延误险). Illustrative: every amount is ours.

The source (magazine article on the Ningbo pilot, Yuyao, from August 2020) prints no tariff, limit
or premium; it says only that a restoration later than planned is paid. The cover shows the second
shape of terms: minutes late, paid in tiers.
"""

from __future__ import annotations

from ..measures.instant import HOUR, from_beijing
from ..measures.money import yuan
from ..terms import build as b
from ..terms.filing import Product, Revision, Text, Version, input_rule
from ..terms.words import Clause, Code, Counting, IfMissing, Kind, Word

OURS = b.source(
    "示例数值，非原文", "illustrative value, not from the source", dated="2026-01-01"
)  # fmt: skip
SOURCES = ("grid.command", "grid.meter")
FIRST, LAST = from_beijing("2015-01-01") // 60, from_beijing("2100-01-01") // 60
MINUTE_ZH = "以世界时 1970-01-01 00:00 起的整分钟计，秒数舍去。"
MINUTE_EN = "Whole minutes since 1970-01-01 00:00 UTC; seconds are cut off."

PLANNED = b.observed(
    "planned_restoration",
    Kind.INSTANT,
    low=FIRST,
    high=LAST,
    zh="计划复电时间",
    en="planned restoration time",
    measure="value",
    sources=SOURCES,
    if_missing=IfMissing.HOLD,
    definition_zh="计划停电开始之前最后一次通知用户的计划复电时间；此后的变更只作记录。"
    f"{MINUTE_ZH}",
    definition_en="The planned restoration time last notified to the customer before the "
    f"planned outage began; later changes are recorded only. {MINUTE_EN}",
)
ACTUAL = b.observed(
    "actual_restoration",
    Kind.INSTANT,
    low=FIRST,
    high=LAST,
    zh="实际复电时间",
    en="actual restoration time",
    measure="value",
    sources=SOURCES,
    if_missing=IfMissing.HOLD,
    definition_zh=f"供电服务指挥系统与用电采集系统记录的实际复电时间。{MINUTE_ZH}",
    definition_en="The actual restoration time by the supply-service command system and the "
    f"electricity-use acquisition system. {MINUTE_EN}",
)
CODES = (
    Code(0, "unknown", "未判明", "not determined"),
    Code(1, "grid_work", "电网检修", "work on the grid"),
    Code(2, "weather", "天气", "weather"),
    Code(3, "customer_fault", "用户自身原因", "a fault of the customer"),
    Code(4, "war", "战争", "war"),
    Code(5, "equipment", "电网设备故障", "a fault of grid equipment"),
    Code(6, "third_party", "第三方破坏", "damage by a third party"),
    Code(7, "lawful_disconnection", "依法停电", "lawful disconnection"),
)
CAUSE = b.observed_code(
    "outage_cause",
    CODES,
    zh="延误原因",
    en="the cause of the delay",
    measure="value",
    sources=("grid.command",),
    if_missing=IfMissing.HOLD,
    definition_zh="供电服务指挥系统登记的复电延误原因代码。",
    definition_en="The code of the cause of the late restoration, by the supply-service command "
    "system.",
)
DEDUCTIBLE = b.declared(
    "deductible",
    Kind.MINUTES,
    low=0,
    high=48 * 60,
    zh="免赔时间",
    en="the deductible time",
)
OCCURRENCE_LIMIT = b.declared(
    "occurrence_limit",
    Kind.MONEY,
    low=0,
    high=yuan(100_000),
    zh="每次事故限额",
    en="the limit per occurrence",
)
YEAR_LIMIT = b.figure(
    "delay_year",
    yuan(200_000),
    Kind.MONEY,
    zh="年度累计限额",
    en="the yearly limit",
    source=OURS,
)


def late_of(actual: Word, planned: Word) -> Clause:
    """The clause of how many minutes power was late, less the deductible."""
    return b.clause(
        "late",
        b.most(b.minus(b.minus(actual, planned), DEDUCTIBLE), b.nothing(Kind.MINUTES)),
        zh="恢复延误为{actual_restoration}减{planned_restoration}，再减{deductible}；"
        "不晚于计划的按零计。",
        en="Lateness is the {actual_restoration} minus the {planned_restoration}, less "
        "{deductible}; not later than planned counts as none.",
    )


def hourly_of(late: Word) -> Clause:
    """The clause that pays lateness by started hours."""
    return b.clause(
        "hourly",
        b.tiers(
            late,
            (0, yuan(50)),
            (4, yuan(80)),
            (12, yuan(120)),
            counting=Counting.STARTED,
            size=60,
            source=OURS,
        ),
        zh="{late}的延误按小时分档计付，不足一小时按一小时计。",
        en="The lateness of {late} is paid by the hour in tiers; a started hour counts whole.",
    )


delay_left = b.clause(
    "delay_left",
    b.minus(YEAR_LIMIT, b.spent("delay", YEAR_LIMIT)),
    zh="一个保险年度内累计不超过{delay_year}；扣除本年度其他事故已定赔款后为剩余限额。",
    en="At most {delay_year} in a policy year; what other occurrences of the year have settled "
    "is taken off.",
)


def delay_of(rule: Word, left: Word = delay_left) -> Clause:
    """The clause of the payout: what the rule gives, at most what is left of the year."""
    return b.clause(
        "delay",
        b.least(rule, left),
        zh="延误赔付为{delay_rule}的金额，以{delay_left}的剩余限额为限。",
        en="The delay payout is the amount of {delay_rule}, at most what is left by {delay_left}.",
    )


hourly = hourly_of(late_of(ACTUAL, PLANNED))
delay_rule = b.clause(
    "delay_rule",
    b.either(
        b.one_of(CAUSE, "customer_fault", "war", "lawful_disconnection"),
        b.nothing(),
        b.least(hourly, OCCURRENCE_LIMIT),
    ),
    zh="因用户自身原因、战争或依法停电延误的不赔；其余赔付{hourly}的金额，"
    "以{occurrence_limit}为限。",
    en="Nothing where the customer's own fault, war or a lawful disconnection caused the delay; "
    "otherwise the amount of {hourly}, up to {occurrence_limit}.",
)
delay = delay_of(delay_rule)

PRODUCT = Product(
    id="power_restoration",
    name=Text("计划送电延误险（示例）", "Power-restoration delay cover (illustrative)"),
    peril="outage",
    versions=(
        Version(
            1,
            b.terms("power_restoration", 1, delay),
            from_beijing("2020-08-01"),
            None,
            Text(
                "示例数值，非原文。原文只载“实际复电时间晚于计划复电时间”即启动理赔，"
                "未载费率、限额与保费。",
                "Illustrative values, not from the source, which says only that a claim starts "
                "when the actual restoration is later than planned, and prints no tariff, limit "
                "or premium.",
            ),
        ),
    ),
    grouping={"kind": "reading"},
    area={"own": ["330200"], "surrounding": []},
    inputs=(
        input_rule(PLANNED, freeze_seconds=24 * HOUR, revision=Revision.FIRST_SETTLES, tolerance=0),
        input_rule(ACTUAL, freeze_seconds=24 * HOUR, revision=Revision.FIRST_SETTLES, tolerance=5),
        input_rule(CAUSE, freeze_seconds=24 * HOUR, revision=Revision.FIRST_SETTLES),
    ),
    benefits=("delay",),
    illustrative=True,
    notes=Text(
        "示例产品：费率、限额、免赔时间与除外原因均为本平台所拟，不得用于销售。",
        "An example: tariff, limits, deductible and exclusions are ours and not for sale.",
    ),
)
