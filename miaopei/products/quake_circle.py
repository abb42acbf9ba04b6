"""Earthquake cover by distance and magnitude, a "cat in a circle". Illustrative: figures are ours.

Each policy states a sum insured and the place of what is insured. The nearer the epicentre and the
stronger the shock, the larger the share of the sum insured that is paid. Any place, any insurer.
"""

from __future__ import annotations

from ..measures.instant import HOUR, from_beijing
from ..measures.money import yuan
from ..measures.place import SCALE_BITS
from ..terms import build as b
from ..terms.filing import Product, Revision, Text, Version, input_rule
from ..terms.words import Clause, Figure, IfMissing, Kind, Observed

OURS = b.source("示例数值，自拟", "illustrative value, made up", dated="2026-01-01")
ONE = 1 << SCALE_BITS
SOURCES, FALLBACK = ("cenc.rapid",), ("cenc.catalogue",)
PERCENT = 10_000  # parts per million
MOST_INSURED = yuan(100_000_000)
# Radius in km and, for each step of magnitude, the share of the sum insured in percent.
STEPS = (0, 55, 60, 65, 70, 75)
RINGS = (
    ("core", 25, (0, 15, 40, 60, 85, 100), "核心圈", "the core ring"),
    ("inner", 50, (0, 5, 25, 40, 65, 90), "内圈", "the inner ring"),
    ("middle", 100, (0, 0, 10, 20, 40, 60), "中圈", "the middle ring"),
    ("outer", 200, (0, 0, 0, 5, 15, 30), "外圈", "the outer ring"),
)

PLACE = tuple(
    b.declared(
        f"place_{axis}",
        Kind.PART,
        low=-ONE,
        high=ONE,
        zh=f"保险标的所在位置，分量{sign}",
        en=f"the place of what is insured, part {axis}",
    )
    for axis, sign in zip("xyz", "甲乙丙", strict=True)
)
SUM_INSURED = b.declared(
    "sum_insured",
    Kind.MONEY,
    low=0,
    high=MOST_INSURED,
    zh="保险金额",
    en="the sum insured",
)


def centre(axis: str, sign: str) -> Observed:
    """One part of the epicentre's unit vector."""
    return b.observed(
        f"centre_{axis}",
        Kind.PART,
        low=-ONE,
        high=ONE,
        zh=f"震中，分量{sign}",
        en=f"the epicentre, part {axis}",
        measure="shock.position",
        params={"part": axis},
        sources=SOURCES,
        fallback=FALLBACK,
        if_missing=IfMissing.HOLD,
        definition_zh="主震震级所依据的那份正式速报所载震中经纬度，"
        "换算为整数单位向量后的一个分量。",
        definition_en="One part of the integer unit vector of the epicentre that the official "
        "rapid report gives on which the main shock's magnitude rests.",
    )


CENTRE = tuple(centre(axis, sign) for axis, sign in zip("xyz", "甲乙丙", strict=True))
MAGNITUDE = b.observed(
    "magnitude",
    Kind.MAGNITUDE,
    low=0,
    high=100,
    zh="主震震级",
    en="main-shock magnitude",
    measure="shock.magnitude",
    sources=SOURCES,
    fallback=FALLBACK,
    if_missing=IfMissing.HOLD,
    definition_zh="中国地震台网正式速报的面波震级，取一位小数。速报缺失的，截止时点后以地震目录的"
    "面波震级为准。同一序列有几次地震的，各次分别计算，以对该保单应付最多的一次为主震，见通则。",
    definition_en="The surface-wave magnitude of the official rapid report of the China "
    "Earthquake Networks Centre, to one decimal. Where no rapid report is on file at the deadline, "
    "that of the catalogue. Of several earthquakes of a sequence each is worked out by itself and "
    "the main shock is the one that gives the policy most: see the general conditions.",
)
YEAR_LIMIT = b.figure(
    "circle_year",
    MOST_INSURED,
    Kind.MONEY,
    zh="年度累计赔款的上限",
    en="the most that a year can have paid",
    source=OURS,
)


def radius(name: str, km: int, zh: str, en: str) -> Figure:
    """How far a ring reaches."""
    return b.figure(
        f"{name}_radius", km * 1000, Kind.METRES, zh=f"{zh}半径", en=f"the radius of {en}",
        source=OURS,
    )  # fmt: skip


def shares() -> Clause:
    """The share of the sum insured, from the innermost ring outwards."""
    outside = b.nothing(Kind.RATIO)
    found: Clause | None = None
    for name, km, percents, zh, en in reversed(RINGS):
        table = b.bands(
            MAGNITUDE,
            *((step, share * PERCENT) for step, share in zip(STEPS, percents, strict=True)),
            kind=Kind.RATIO,
            source=OURS,
        )
        share = b.clause(
            f"{name}_share", table, zh=f"{zh}的赔付比例按震级查表。",
            en=f"The share in {en} is read by magnitude from the table.",
        )  # fmt: skip
        reach = radius(name, km, zh, en)
        rest_zh = "更远的不赔" if found is None else f"更远的按{{{found.name}}}"
        rest_en = "farther away nothing" if found is None else f"farther away by {{{found.name}}}"
        found = b.clause(
            name,
            b.either(b.near(PLACE, CENTRE, reach), share, outside if found is None else found),
            zh=f"保险标的距震中不超过{{{reach.name}}}（含）的，按{{{share.name}}}；{rest_zh}。",
            en=f"Where what is insured lies within {{{reach.name}}} of the epicentre, edge "
            f"included, by {{{share.name}}}; {rest_en}.",
        )
    assert found is not None, "there is at least one ring"
    return found


REACH = radius("outer", RINGS[-1][1], RINGS[-1][3], RINGS[-1][4])
share = shares()
amount = b.clause(
    "amount",
    b.pro_rata(SUM_INSURED, share, b.whole(Kind.RATIO), unit_fen=1),
    zh=f"赔款为{{sum_insured}}乘以{{{share.name}}}的比例，四舍五入至分。",
    en=f"The payout is {{sum_insured}} times the share of {{{share.name}}}, rounded half up to "
    "the fen.",
)
left = b.clause(
    "left",
    b.most(b.minus(SUM_INSURED, b.spent("circle", YEAR_LIMIT)), b.nothing()),
    zh="一个保险年度内累计不超过{sum_insured}，任何保单不超过{circle_year}；"
    "扣除本年度其他事故已定赔款后为剩余限额，不低于零。",
    en="In a policy year at most {sum_insured}, for no policy more than {circle_year}; what other "
    "occurrences of the year have settled is taken off, and no less than nothing is left.",
)
circle = b.clause(
    "circle",
    b.either(b.near(PLACE, CENTRE, REACH), b.least(amount, left), b.nothing()),
    zh="保险标的距震中不超过{outer_radius}（含）的，赔付{amount}的金额，以{left}的剩余限额为限；"
    "更远的不赔。",
    en="Where what is insured lies within {outer_radius} of the epicentre, edge included, the "
    "amount of {amount} is paid, at most what is left by {left}; farther away nothing.",
)

PRODUCT = Product(
    id="quake_circle",
    name=Text(
        "按震中距与震级赔付的地震保险（示例）",
        "Earthquake by distance and magnitude (illustrative)",
    ),
    peril="earthquake",
    versions=(
        Version(
            1,
            b.terms("quake_circle", 1, circle),
            from_beijing("2015-01-01"),
            None,
            Text("示例数值，自拟。", "Illustrative values, made up."),
        ),
    ),
    grouping={
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
    },
    area={"own": [], "surrounding": []},
    inputs=tuple(
        input_rule(item, freeze_seconds=24 * HOUR, revision=Revision.FIRST_SETTLES, tolerance=0)
        for item in (*CENTRE, MAGNITUDE)
    ),
    benefits=("circle",),
    illustrative=True,
    notes=Text(
        "示例产品：比例、半径与限额均为自拟，不得用于销售。保险标的位置在出单时由经纬度换算为"
        "整数单位向量并固定。",
        "An example: shares, radii and limits are made up and not for sale. The place of what is "
        "insured is turned into an integer unit vector and fixed when the policy is issued.",
    ),
)  # fmt: skip
