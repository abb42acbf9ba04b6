"""Terms and rows at random: the whole vocabulary, whole ranges, now and then a bad value."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from miaopei.errors import Refused
from miaopei.measures.money import Rounding
from miaopei.measures.place import LARGEST_RADIUS, SMALLEST_RADIUS
from miaopei.terms import build as b
from miaopei.terms import words as w
from miaopei.terms.bounds import Bounds
from miaopei.terms.check.texts import used
from miaopei.terms.exact import Result, settle
from miaopei.terms.words import Kind

OURS = b.source("虚构", "made up", dated="2026-01-01")
EDGE = 2**30


def seen(name: str, kind: Kind, low: int, high: int) -> w.Observed:
    return b.observed(
        name, kind, low=low, high=high, zh=f"观测{name}", en=f"seen {name}", measure="value",
        sources=("s",), definition_zh="虚构", definition_en="made up", if_missing=w.IfMissing.HOLD,
    )  # fmt: skip


ROLE = b.observed_code(
    "role",
    (w.Code(0, "no", "否", "no"), w.Code(1, "yes", "是", "yes"), w.Code(2, "so", "半", "so")),
    zh="角色", en="role", measure="value", sources=("s",), definition_zh="虚构",
    definition_en="made up", if_missing=w.IfMissing.HOLD,
)  # fmt: skip
INPUTS: tuple[w.Observed | w.Declared, ...] = (
    seen("magnitude", Kind.MAGNITUDE, 0, 100),
    seen("part", Kind.LOSS, 0, 900),
    seen("whole", Kind.LOSS, 0, 900),
    seen("count", Kind.COUNT, 0, 50),
    seen("start", Kind.INSTANT, 1_000, 2_000),
    seen("end", Kind.INSTANT, 1_000, 2_000),
    seen("flag", Kind.FLAG, 0, 1),
    *(seen(f"centre_{axis}", Kind.PART, -EDGE, EDGE) for axis in "xyz"),
    ROLE,
    b.declared("plan", Kind.COUNT, low=0, high=7, zh="方案", en="plan"),
    b.declared("cap", Kind.MONEY, low=0, high=10_000, zh="上限", en="cap"),
    b.declared("grace", Kind.MINUTES, low=0, high=300, zh="宽限", en="grace"),
    *(
        b.declared(
            f"place_{axis}", Kind.PART, low=-EDGE, high=EDGE, zh=f"位置{axis}", en=f"place {axis}"
        )
        for axis in "xyz"
    ),
    b.declared("ratio", Kind.RATIO, low=0, high=10**6, zh="比例", en="ratio"),
)
PLACES = [tuple(i for i in INPUTS if i.name.startswith(name)) for name in ("place_", "centre_")]
BY_KIND = {kind: [i for i in INPUTS if i.kind is kind] for kind in Kind}
YEAR = b.figure("year", 20_000, Kind.MONEY, zh="年限额", en="year limit", source=OURS)


@st.composite
def words(draw: st.DrawFn, kind: Kind, depth: int) -> w.Word:
    """A word of one kind; figures are named by kind and value, so one name is one number."""
    if depth <= 0 or draw(st.integers(0, 5)) == 0:
        return draw(leaves(kind))

    def below(of: Kind) -> w.Word:
        return draw(words(of, depth - 1))

    if kind is Kind.FLAG:
        return draw_flag(draw, below)
    choices = ["either", "least", "most"]
    choices += ["band", "tier", "pro_rata", "times", "plus", "minus"] if kind is Kind.MONEY else []
    choices += ["minus"] if kind is Kind.MINUTES else []
    match draw(st.sampled_from(choices)):
        case "either":
            return b.either(below(Kind.FLAG), below(kind), below(kind))
        case "least":
            return b.least(below(kind), below(kind))
        case "most":
            return b.most(below(kind), below(kind))
        case "plus":
            return b.plus(below(kind), below(kind))
        case "times":
            return b.times(below(Kind.COUNT), below(kind))
        case "minus" if kind is Kind.MINUTES:
            return b.minus(below(Kind.INSTANT), below(Kind.INSTANT))
        case "minus":
            return b.minus(below(kind), below(kind))
        case "band":
            return draw_band(draw, below(draw(st.sampled_from([Kind.MAGNITUDE, Kind.LOSS]))))
        case "tier":
            rates = draw(st.lists(st.integers(0, 90), min_size=1, max_size=3))
            counting, size = draw(
                st.sampled_from(
                    [(w.Counting.STARTED, 60), (w.Counting.FULL, 7), (w.Counting.EXACT, 1)]
                )
            )
            steps = [(4 * index, fen) for index, fen in enumerate(rates)]
            of = below(Kind.MINUTES)
            return b.tiers(of, *steps, counting=counting, size=size, source=OURS)
    shares = draw(st.sampled_from([Kind.LOSS, Kind.RATIO]))
    amount = b.most(below(Kind.MONEY), b.nothing())
    whole = b.whole(Kind.RATIO) if shares is Kind.RATIO else below(shares)
    rounding = draw(st.sampled_from([Rounding.HALF_UP, Rounding.DOWN]))
    unit = draw(st.sampled_from([1, 10, 1_000]))
    return b.pro_rata(amount, below(shares), whole, unit_fen=unit, rounding=rounding)


@st.composite
def leaves(draw: st.DrawFn, kind: Kind) -> w.Word:
    value = draw(st.integers(1_000, 2_000) if kind is Kind.INSTANT else st.integers(0, 60))
    figure = b.figure(
        f"{kind}_{value}", value, kind, zh=f"数{kind}", en=f"figure {kind}", source=OURS
    )
    options: list[w.Word] = [*BY_KIND[kind]]
    options += [] if kind in {Kind.FLAG, Kind.CODE} else [figure]
    options += [b.spent("cover", YEAR)] if kind is Kind.MONEY else []
    return draw(st.sampled_from(options))


def draw_flag(draw: st.DrawFn, below: Any) -> w.Word:
    match draw(st.integers(0, 5)):
        case 5:
            metres = draw(st.integers(SMALLEST_RADIUS, LARGEST_RADIUS))
            radius = b.figure(f"m_{metres}", metres, Kind.METRES, zh="半径", en="radius",
                              source=OURS)  # fmt: skip
            return b.near(*draw(st.permutations(PLACES)), radius)
        case 0:
            kind = draw(st.sampled_from([Kind.MAGNITUDE, Kind.MONEY, Kind.INSTANT, Kind.MINUTES]))
            return b.at_least(below(kind), below(kind))
        case 1:
            names = draw(st.lists(st.sampled_from(["no", "yes", "so"]), min_size=1, unique=True))
            return b.one_of(ROLE, *names)
        case 2:
            return b.every(below(Kind.FLAG), below(Kind.FLAG))
        case 3:
            return b.any_of(below(Kind.FLAG), below(Kind.FLAG))
    return b.not_(below(Kind.FLAG))


def draw_band(draw: st.DrawFn, of: w.Word) -> w.Word:
    """Rows over all that `of` can be, some of them unset; or one row for each plan."""
    if draw(st.integers(0, 3)) == 0:
        plan = next(item for item in INPUTS if item.name == "plan")
        fen = draw(st.lists(st.integers(0, 5_000), min_size=8, max_size=8))
        end = draw(st.sampled_from([8, None]))
        return b.bands(plan, *enumerate(fen), end=end, source=OURS)
    least, most = Bounds().of(of)
    inner = draw(st.lists(st.integers(least, most), max_size=4, unique=True))
    values = st.one_of(st.integers(0, 5_000), st.none())
    return b.bands(of, *((low, draw(values)) for low in sorted({least, *inner})), source=OURS)


@st.composite
def terms(draw: st.DrawFn) -> w.Terms:
    """Terms with one benefit, never below zero, with the texts that its bodies call for."""
    rule = said("rule", draw(words(Kind.MONEY, 4)))
    left = said("left", b.minus(YEAR, b.spent("cover", YEAR)))
    again = b.plus(rule, b.nothing()) if draw(st.booleans()) else rule
    cover = said("cover", b.most(b.least(again, left), b.nothing()))
    return b.terms("made_up", 1, cover)


def said(name: str, body: w.Word) -> w.Clause:
    clause = b.clause(name, body, zh="", en="")
    must, may = used(clause)
    cited = "".join(f"{{{item}}}" for item in sorted(must | may))
    return b.clause(name, body, zh=f"按{cited}", en=f"by {cited}")


def row(draw: Any, listed: w.Terms) -> tuple[dict[str, int], dict[str, int], int]:
    """One row of inputs; now and then one is missing or out of its range."""
    observed, declared = {}, {}
    for item in listed.inputs:
        value = draw(st.integers(item.low, item.high))
        if draw(st.integers(0, 30)) == 0:
            value = item.high + 1
        (observed if isinstance(item, w.Observed) else declared)[item.name] = value
    return observed, declared, draw(st.integers(0, YEAR.value))


def exactly(listed: w.Terms, one: tuple[dict[str, int], dict[str, int], int]) -> Result | str:
    try:
        return settle(listed, "cover", one[0], one[1], {"cover": one[2]})
    except Refused as refused:
        return refused.refusals[0].code
