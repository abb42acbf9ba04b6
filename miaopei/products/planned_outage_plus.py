"""Planned-outage delay cover whose yearly limit can be reinstated after a payout. Illustrative.

The terms are those of `planned_outage`, but for the limit: what was reinstated in the policy year
(恢复保额) is added to it. Twice the yearly limit is the most that a policy year can come to.
"""

from __future__ import annotations

from ..measures.instant import from_beijing
from ..terms import build as b
from ..terms.filing import Product, Text, Version
from ..terms.words import Kind
from . import planned_outage as plain
from .power_restoration import OURS, YEAR_LIMIT, delay_of

REINSTATED = b.declared(
    "reinstated",
    Kind.MONEY,
    low=0,
    high=YEAR_LIMIT.value,
    zh="本年度已恢复的保额",
    en="the amount reinstated in the policy year",
)
MOST = b.figure(
    "delay_most",
    2 * YEAR_LIMIT.value,
    Kind.MONEY,
    zh="年度最高累计赔付",
    en="the most of a policy year",
    source=OURS,
)

delay_left = b.clause(
    "delay_left",
    b.most(
        b.minus(b.plus(YEAR_LIMIT, REINSTATED), b.spent("delay", MOST)),
        b.nothing(),
    ),
    zh="一个保险年度内累计不超过{delay_year}加{reinstated}；扣除本年度其他事故已定赔款"
    "（以{delay_most}为限）后为剩余限额，不足零的按零计。",
    en="At most {delay_year} plus {reinstated} in a policy year; what other occurrences of the "
    "year have settled, up to {delay_most}, is taken off; below zero counts as nothing.",
)
delay = delay_of(plain.delay_rule, delay_left)

PRODUCT = Product(
    id="planned_outage_plus",
    name=Text(
        "计划送电延误险（可恢复保额，示例）",
        "Planned-outage delay cover, limit can be reinstated (illustrative)",
    ),
    peril="outage",
    versions=(
        Version(
            1,
            b.terms("planned_outage_plus", 1, delay),
            from_beijing("2020-08-01"),
            None,
            Text(
                "示例数值，非原文；恢复保额为本平台所拟。",
                "Illustrative values, not from the source; reinstatement is ours.",
            ),
        ),
    ),
    grouping=plain.PRODUCT.grouping,
    area=plain.PRODUCT.area,
    inputs=plain.PRODUCT.inputs,
    benefits=("delay",),
    illustrative=True,
    notes=plain.PRODUCT.notes,
)
