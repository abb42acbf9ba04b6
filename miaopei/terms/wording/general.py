"""The sentences of the general conditions, in zh and en, with {names} of what a filing holds.

Which of them a filing has, and what fills them, is in `conditions`. No sentence types a number.
Source: docs/specs/evidence.md, docs/specs/terms.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..filing import Text


@dataclass(frozen=True, slots=True)
class Sentence:
    """One condition, with {names} of what the filing holds and of conditions before it."""

    name: str
    title: Text
    text: Text


SEQUENCE = Sentence(
    "sequence",
    Text("地震序列", "Sequence of earthquakes"),
    Text(
        "序列自第一次由计入来源报出、震级（{types}）不低于{threshold}的地震起；此后{hours}之内、"
        "距其震中{km}之内的地震，无论大小，均属该序列。首次裁定后起点不再变动；"
        "此后才收录的地震，在起点之前或之后{hours}之内且距离在{km}之内的，归入该序列。"
        "一个序列为一次事故。",
        "A sequence opens with the first earthquake that a counted source reports with a "
        "magnitude ({types}) of {threshold} or more. Every earthquake of the {hours} after it "
        "and within {km} of its epicentre, of whatever size, belongs to it. From the first "
        "decision on the opening stays as it is; an earthquake recorded only then belongs to the "
        "sequence where it lies within {hours} before or after the opening and within {km}. One "
        "sequence is one occurrence.",
    ),
)
SAME_SHOCK = Sentence(
    "same_shock",
    Text("同一次地震", "One and the same earthquake"),
    Text(
        "不同来源的记录，发震时刻相差不超过{same_seconds}且相距不超过{same_km}的，为同一次地震；"
        "同一来源的两条记录总是两次地震。",
        "Records of different sources are one earthquake where their origin times are at most "
        "{same_seconds} and their epicentres at most {same_km} apart; two records of one source "
        "are always two earthquakes.",
    ),
)
LIKE_SHOCK = Sentence(
    "like_shock",
    Text("震级相近的记录", "Records of like magnitude"),
    Text(
        "不同来源的记录，震级相差不超过{like_tenths}、相距不超过{same_km}且发震时刻相差不超过"
        "{like_seconds}的，"
        "也为{same_shock}所称同一次地震，并先于其他记录配对；配对以时刻最近者为先，"
        "相同的以距离最近者为先。",
        "Records of different sources whose magnitudes differ by at most {like_tenths} and whose "
        "epicentres are at most {same_km} apart are one earthquake in the sense of {same_shock} "
        "also where their origin times are at most {like_seconds} apart, and are joined before "
        "others; the nearest in time first, then the nearest in place.",
    ),
)
MAIN_SHOCK = Sentence(
    "main_shock",
    Text("主震", "Main shock"),
    Text(
        "{sequence}所称序列中震级最大的地震为主震，震级相同的取最早的一次；"
        "条款版本和保单以主震发震时刻为准。",
        "The main shock is the earthquake of highest magnitude of a sequence ({sequence}), the "
        "earliest among equals; its origin time chooses the version of the terms and the policies.",
    ),
)
EVERY_SHOCK = Sentence(
    "main_shock",
    Text("主震与应付额", "Main shock and what is owed"),
    Text(
        "{sequence}所称序列中，震级不低于{threshold}的每一次地震，"
        "各按其发震时刻有效的条款版本和保单，如同唯一的主震单独计算。"
        "每份保单的每项保障对该序列的应付额，为该项保障各额中最大的一个，不相加；给出该额的地震为"
        "该保单该项保障的主震，金额相同的取最早的一次。"
        "已付一部分而后另一次地震给出更大金额的，补付差额；已付的不收回。"
        "因此，同一序列中在各自截止时点之前收录的事实，收录的先后不改变赔款。",
        "In a sequence ({sequence}) each earthquake of {threshold} or more is worked out by "
        "itself, as if it were the only main shock, under the version of the terms and the "
        "policies in force at its origin time. What a policy is owed under each benefit for the "
        "sequence is the greatest of that benefit's amounts, never their sum; the earthquake that "
        "gives it is the main shock for that benefit of the policy, the earliest among equals. "
        "Where another earthquake gives more than has been paid the difference is paid, and "
        "nothing paid is taken back. So the order in which facts of one sequence are recorded, "
        "each before its deadline, does not change "
        "what is paid.",
    ),
)
EVENT = Sentence(
    "sequence",
    Text("事故", "Occurrence"),
    Text(
        "同一事件编号的各项读数为一次事故。",
        "All readings under one event number are one occurrence.",
    ),
)
DISTANCE = Sentence(
    "distance",
    Text("距离", "Distance"),
    Text(
        "两处的距离以半径{sphere}的球面上的大圆弧长为准，不以椭球面、地图投影、道路或其他方法量得的"
        "距离为准。纬度和经度四舍五入至{step}度，换算为长度{scale}的向量，三个分量各取最近的整数；"
        "保险标的的三个分量在出单时固定，即保单所载位置。两处向量的整数点积不小于半径所对应的"
        "界限（长度平方乘以该弧所对圆心角的余弦，进为整数）的，为不超过该半径，恰等于界限的计入。"
        "取整使各半径的边界移动不超过{edge}。",
        "The distance of two places is the length of the great-circle arc on a sphere of radius "
        "{sphere}; what is measured on an ellipsoid, on a map, along roads or in any other way "
        "does not count. Latitude and longitude are rounded half up to {step} degrees and turned "
        "into a vector of length {scale}, each of its three parts the nearest integer; those of "
        "what is insured are fixed when the policy is issued and are the place that it states. A "
        "place lies within a radius where the integer product of both vectors is at least the "
        "limit of that radius (the length squared times the cosine of the angle of the arc, "
        "rounded up to an integer); exactly the limit is within. Rounding moves the edge of a "
        "radius by at most {edge}.",
    ),
)
IN_FORCE = Sentence(
    "in_force",
    Text("有效期", "In force"),
    Text(
        "条款版本和保单自其起始时刻起（含）至终止时刻止（不含）有效。",
        "A version of the terms and a policy are in force from the moment they begin (included) "
        "to the moment they end (not included).",
    ),
)
LATE = Sentence(
    "late_policy",
    Text("事后登记的保单", "Policies recorded after the event"),
    Text(
        "保单或其变更在赔款所依的地震或事件发生之后才登记，且计入与否赔款不同的，按两者中较大的金额留存，"
        "暂不支付，由人工核定：付留存的金额、付另一金额或不予赔付；理由与核定人登记在案。",
        "Where a policy or a change of it was recorded after the earthquake or event on which the "
        "payout rests, and the amount differs with and without it, the greater amount is held and "
        "not paid until a person decides: the amount held, the other one, or nothing; reason and "
        "name stand on the record.",
    ),
)
YEAR = Sentence(
    "policy_year",
    Text("保险年度", "Policy year"),
    Text(
        "保险年度自保单载明的起算时刻起，以北京时间的周年日为界；起算日为闰日的，在没有闰日的年份以"
        "二月的最后一日为周年日。一次事故整体计入其赔款所依地震或事件发生时刻所在的年度；"
        "年度限额按结案的先后扣减，已结案的不因其后的事故重新计算。",
        "A policy year runs from the moment that the policy states to its anniversary by Beijing "
        "time; where that moment lies on a leap day, the anniversary in a year without one is on "
        "the last day of February. An occurrence counts whole in the year in which the earthquake "
        "or event lies that its payout rests on; a yearly limit is used up in the order of "
        "settlement, and what has settled is not reopened by later occurrences.",
    ),
)
CAP = Sentence(
    "occurrence_cap",
    Text("每次事故的总限额", "The most that one occurrence pays"),
    Text(
        "挂牌{listing}约定：一次事故对该挂牌全部保单的赔款合计不超过{cap}；合计超过的，各保单按其应赔金额"
        "占合计的比例分得，先取整至分，余下的分按余数从大到小分配，使合计恰为该数。"
        "待人工核定的理赔照样占其份额。",
        "By the listing {listing} one occurrence pays at most {cap} over all policies of the "
        "listing. Where they are owed more in all, each has its share of that sum in proportion "
        "to what it is owed, rounded down to the fen, and the fen that are left go to the largest "
        "remainders, so that the shares add up to the sum exactly. A claim that is held for a "
        "person keeps its share.",
    ),
)
AREA = Sentence(
    "area",
    Text("本地区与周边地区", "Insured and surrounding area"),
    Text(
        "本地区为{own}；周边地区为{surrounding}；此外均为其他地区。以行政区划的州市为单位。",
        "The insured prefecture is {own}; the surrounding prefectures are {surrounding}; all else "
        "is elsewhere. The divisions are the prefectures as administered.",
    ),
)
ROUNDING = Sentence(
    "rounding",
    Text("取整", "Rounding"),
    Text(
        "占比不取整；按占比计算的金额一次{how}至{unit}。",
        "A share is not rounded; an amount that rests on one is rounded once, {how} to {unit}.",
    ),
)
SETTLES = Sentence(
    "facts",
    Text("事实何时定下", "When a fact is fixed"),
    Text(
        "{input}：以{sources}为准，收录后即据以结案。自{started}起{freeze}为截止时点，"
        "首次收录较晚的，至首次收录后一小时。截止时点仍未收录的，{fallback}。",
        "{input}: by {sources}; it settles as soon as it is recorded. The deadline is {freeze} "
        "after {started}, or an hour after the first word on it is recorded, if that is later. If "
        "none is on file by then, {fallback}.",
    ),
)
WAITS = Sentence(
    "facts",
    Text("事实何时定下", "When a fact is fixed"),
    Text(
        "{input}：以{sources}为准，收录后即据以结案。自{started}起{freeze}为截止时点。"
        "截止时点仍未收录的，{fallback}。",
        "{input}: by {sources}; it settles as soon as it is recorded. The deadline is {freeze} "
        "after {started}. If none is on file by then, {fallback}.",
    ),
)
AGREE = Sentence(
    "facts",
    Text("事实何时定下", "When a fact is fixed"),
    Text(
        "{input}：以{sources}为准；有{operators}个机构的完整报告相差不超过{tolerance}的，收录后即据以"
        "结案。自首份完整报告收录起{freeze}为截止时点：届时仍只有一个机构报告的，以其为准；"
        "相差更多的，由人工核定。",
        "{input}: by {sources}; it settles as soon as complete reports of {operators} operators "
        "that differ by at most {tolerance} are recorded. The deadline is {freeze} after the first "
        "complete report is recorded: where only one operator has reported by then, its report "
        "counts; where they differ by more, a person decides.",
    ),
)
CLOSES = Sentence(
    "no_report",
    Text("没有报告", "No report"),
    Text(
        "{input}：自{started}起{close}仍未收录的，需要该事实的赔付以无报告关闭，不赔付，"
        "其他赔付不受影响；其后收录的，重新打开。"
        "报告没有写明的视为缺失，不视为零。",
        "{input}: where none is on file {close} after {started}, what needs it is closed as not "
        "reported and is not paid; what does not need it is not affected. One recorded later "
        "opens it again. What a report does not name is missing, not zero.",
    ),
)
DEADLINE = Sentence(
    "deadline",
    Text("截止时点的当秒", "The second of a deadline"),
    Text(
        "在截止或关闭时点的当秒收录的，为按时收录；但在当秒之内、记录已按该时点处理之后才收录的，"
        "视为其后收录。",
        "What is recorded in the second of a deadline or closing is in time, unless the record has "
        "acted on that moment before it within the second; then it counts as recorded afterwards.",
    ),
)
STANDS = Sentence(
    "after_settlement",
    Text("结案之后", "After settlement"),
    Text(
        "{input}：结案所用的数值不再变动；其后就同一次地震或同一事件收录的其他数值只作展示，"
        "不变动赔款。",
        "{input}: the value that settled stands; any other value of the same earthquake or event "
        "recorded afterwards is shown and moves no money.",
    ),
)
ADJUSTS = Sentence(
    "after_settlement",
    Text("结案之后", "After settlement"),
    Text(
        "{input}：其后收录的新版本按新数字重新计算；应付额多于已付的，补付差额；"
        "少于已付的，{less}。",
        "{input}: a later version is worked out anew; where more is owed than was paid the "
        "difference is paid; where less, {less}.",
    ),
)
SAME_VERSION = Sentence(
    "same_version",
    Text("同一版本数字不同", "One version, two figures"),
    Text(
        "同一机构对报告或通报的同一版本给出不同数字的，两个数字一并列明，由人工核定；"
        "其中一个已据以结案的，核定之前已付的不变动。",
        "Where one body gives two different figures in one and the same version of a report or "
        "notice, both are shown and a person decides; where one of them has settled before, what "
        "was paid stands until then.",
    ),
)
SENTENCES = (
    SEQUENCE, SAME_SHOCK, LIKE_SHOCK, MAIN_SHOCK, EVERY_SHOCK, EVENT, DISTANCE, IN_FORCE, LATE,
    YEAR, CAP, AREA, ROUNDING, SETTLES, WAITS, AGREE, CLOSES, DEADLINE, STANDS, ADJUSTS,
    SAME_VERSION,
)  # fmt: skip
