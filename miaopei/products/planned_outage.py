"""Planned power-restoration-delay cover by outage plan (计划送电延误险). Illustrative amounts.

As `power_restoration`, but read from outages as the two grid systems report them: who is in scope
stands on a sealed list, each customer has a restoration time of its own. The source (magazine
article on the Ningbo pilot, Yuyao, from August 2020) prints no tariff, limit or premium.
"""

from __future__ import annotations

from ..measures.instant import HOUR, from_beijing
from ..terms import build as b
from ..terms.filing import Product, Revision, Text, Version, input_rule
from ..terms.words import IfMissing, Kind
from .power_restoration import (
    CODES,
    FIRST,
    LAST,
    MINUTE_EN,
    MINUTE_ZH,
    OCCURRENCE_LIMIT,
    delay_of,
    hourly_of,
    late_of,
)

COMMAND, METERS = "grid.command", "grid.meter"
FREEZE = 24 * HOUR

IN_SCOPE = b.observed(
    "in_scope",
    Kind.FLAG,
    low=0,
    high=1,
    zh="是否在停电范围内",
    en="whether the customer is in scope",
    measure="outage.scope",
    sources=(COMMAND,),
    if_missing=IfMissing.HOLD,
    definition_zh="停电开始之前最后一次发布、且停电开始时记录已收到的停电计划，其停电范围名单中有"
    "该用户的，为在范围内；名单中没有的，为不在范围内。同一线路在同一时间内另有先在案停电的，"
    "由人核实是否为同一次停电，同一次停电只赔一次。同一用户的停电时间相互重叠的，无论停电编号或线路名称，"
    "为同一次损失，只赔一次，以应赔较高者为准。停电开始时记录尚无任何计划、此后才收到的，"
    "由人核实是否已在停电前通知用户。",
    definition_en="In scope is who stands on the scope list of the outage plan last published "
    "before the outage began and on the record by then; who does not stand on it is not. Where "
    "another outage of the same feeder that was on the record first runs in the same time, a "
    "person decides whether the two are one; one outage is paid once. Times without power of one "
    "customer that overlap are one loss, whatever the outage's number or the feeder's name, and "
    "paid once, the more of what is due for each. Where the "
    "record had no plan by then and one comes later, a person decides whether customers had been "
    "notified in time.",
)
PLANNED = b.observed(
    "planned_restoration",
    Kind.INSTANT,
    low=FIRST,
    high=LAST,
    zh="计划复电时间",
    en="planned restoration time",
    measure="outage.planned",
    sources=(COMMAND,),
    if_missing=IfMissing.HOLD,
    definition_zh="停电开始之前最后一次发布并可通知用户的停电计划所载的计划复电时间：停电开始时记录"
    "已收到的方为可通知用户；此后才收到的变更或取消，无论其自称何时发布，只作记录，不影响赔付。"
    f"停电开始以实际停电时间为准，未报告的以计划停电时间为准。{MINUTE_ZH}",
    definition_en="The planned restoration time of the outage plan last published and open to be "
    "notified before the outage began: what the record had by then. A change or cancellation that "
    "it receives later is recorded only and moves no money, whenever it says it was published. An "
    "outage begins when power was actually cut or, where that is not reported, when it was planned "
    f"to be. {MINUTE_EN}",
)
ACTUAL = b.observed(
    "actual_restoration",
    Kind.INSTANT,
    low=FIRST,
    high=LAST,
    zh="实际复电时间",
    en="actual restoration time",
    measure="outage.restored",
    params={"plan": COMMAND},
    sources=(COMMAND, METERS),
    if_missing=IfMissing.HOLD,
    definition_zh="该用户的实际复电时间。供电服务指挥系统与用电采集系统所报时间相差在容差之内的，"
    "以前者为准；冻结期满仍只有一个系统报告的，以该系统为准；超出容差的，由人确认。"
    f"{MINUTE_ZH}",
    definition_en="When power was back for the customer. Where the supply-service command system "
    "and the electricity-use acquisition system differ by no more than the tolerance, the former "
    "counts; where only one has reported when the freeze ends, that one; beyond the tolerance a "
    f"person decides. {MINUTE_EN}",
)
CAUSE = b.observed_code(
    "outage_cause",
    CODES,
    zh="延误原因",
    en="the cause of the delay",
    measure="outage.cause",
    sources=(COMMAND,),
    if_missing=IfMissing.HOLD,
    definition_zh="供电服务指挥系统登记的复电延误原因代码；未另行登记的，以停电计划所载原因为准。",
    definition_en="The code of the cause of the late restoration, by the supply-service command "
    "system; where it names none, that of the outage plan.",
)

hourly = hourly_of(late_of(ACTUAL, PLANNED))
delay_rule = b.clause(
    "delay_rule",
    b.either(
        b.every(IN_SCOPE, b.not_(b.one_of(CAUSE, "customer_fault", "war", "lawful_disconnection"))),
        b.least(hourly, OCCURRENCE_LIMIT),
        b.nothing(),
    ),
    zh="按{in_scope}，在范围内且非因用户自身原因、战争或依法停电延误的，赔付{hourly}的金额，"
    "以{occurrence_limit}为限；其余不赔。",
    en="By {in_scope}: for who is, and where neither the customer's own fault, war nor a lawful "
    "disconnection caused the delay, the amount of {hourly}, up to {occurrence_limit}; nothing "
    "otherwise.",
)
delay = delay_of(delay_rule)

PRODUCT = Product(
    id="planned_outage",
    name=Text("计划送电延误险（按停电计划，示例）", "Planned-outage delay cover (illustrative)"),
    peril="outage",
    versions=(
        Version(
            1,
            b.terms("planned_outage", 1, delay),
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
    grouping={"kind": "outage", "plan": "last_recorded", "overlap": "held"},
    area={"own": ["330200"], "surrounding": []},
    inputs=(
        input_rule(IN_SCOPE, freeze_seconds=FREEZE, revision=Revision.FIRST_SETTLES),
        input_rule(PLANNED, freeze_seconds=FREEZE, revision=Revision.FIRST_SETTLES),
        input_rule(
            ACTUAL,
            freeze_seconds=FREEZE,
            operators=2,
            tolerance=5,
            revision=Revision.REVISION_COUNTS,
        ),
        input_rule(CAUSE, freeze_seconds=FREEZE, revision=Revision.REVISION_COUNTS),
    ),
    benefits=("delay",),
    illustrative=True,
    notes=Text(
        "示例产品：费率、限额、免赔时间与除外原因均为本平台所拟，不得用于销售。两个电网系统同属"
        "一家供电企业；合同要求两个系统一致，故分别登记为两个机构。",
        "An example: tariff, limits, deductible and exclusions are ours and not for sale. Both "
        "grid systems belong to one utility; the contract asks that the two systems agree, and "
        "they are registered as two operators for that reason.",
    ),
)
