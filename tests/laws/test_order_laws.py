"""The order in which the facts of a sequence are read never changes what it pays.

Each story crosses what used to matter: the end of a version of the terms, of a policy, of a policy
year, the border of the area. Its facts are read in two orders, with settlements in between, and
every policy is paid the same, to the fen: the greatest of what the shocks give, worked out here by
itself from the printed tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from miaopei.measures.instant import HOUR, beijing_day, beijing_text, from_beijing
from miaopei.measures.money import wan
from miaopei.node.gateway import Row
from miaopei.products.shelf import shelf
from tests.support.facts import Spot, catalogue, losses, quake
from tests.support.town import ONE_CARRIER, Town

DALI = shelf().find("yunnan_dali")
SPOTS: tuple[Spot, ...] = (
    ("25.75", "98.90", "云南云龙"),  # in Dali
    ("25.80", "98.80", "云南泸水"),  # in Nujiang, which borders on it
    ("25.85", "98.65", "缅甸"),  # elsewhere; all three within 30 km
)
OWN, SURROUNDING, OUTSIDE = range(3)
MINUTE = 60
TURN = from_beijing("2018-08-20")  # version 1 ends, version 2 begins
LIMITS = {  # 万元 from 5.0, 5.5, 6.0, 6.5 and 7.0 on (Table 1; version 2 is 40 % of it)
    1: (2_800, 5_000, 10_000, 20_000, 42_000),
    2: (1_120, 2_000, 4_000, 8_000, 16_800),
}
STEPS = (50, 55, 60, 65, 70)


@dataclass(frozen=True)
class Quake:
    """One shock: when, where, what each of the two sources says (tenths; None: nothing)."""

    at: int
    spot: int
    rapid: int | None
    later: int | None

    @property
    def tenths(self) -> int:
        """The value that settles: the official one, else the catalogue's."""
        value = self.later if self.rapid is None else self.rapid
        assert value is not None
        return value

    def rows(self) -> list[Row]:
        """What the two sources print; the catalogue times it 70 s later."""
        found = []
        if self.rapid is not None:
            when, text = beijing_text(self.at), f"{self.rapid / 10:.1f}"
            found.append(quake(when, text, SPOTS[self.spot]))
        if self.later is not None:
            when, text = beijing_text(self.at + 70), f"{self.later / 10:.1f}"
            found.append(catalogue(when, text, SPOTS[self.spot]))
        return found


@dataclass(frozen=True)
class Story:
    """A sequence around the turn, when a policy ends and another begins, a report or none."""

    quakes: tuple[Quake, ...]
    ends: int
    begins: int
    year: str
    report: tuple[int, int] | None

    def rows(self) -> list[Row]:
        """All its facts."""
        found = [row for each in self.quakes for row in each.rows()]
        if self.report is not None:
            part, total = self.report
            found.append(losses(beijing_day(self.quakes[0].at), {"532900": part}, total))
        return found


@st.composite
def quakes(draw: st.DrawFn, at: int) -> Quake:
    spot = draw(st.sampled_from([OWN, OWN, SURROUNDING, OUTSIDE]))
    rapid = draw(st.none() | st.integers(48, 72))
    if rapid is None:
        later: int | None = draw(st.integers(48, 72))
    else:
        later = draw(st.none() | st.integers(rapid - 4, rapid + 4))
    return Quake(at, spot, rapid, later)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Shocks of 60 hours, ten minutes apart at least, before and after the turn."""
    first = TURN - draw(st.integers(0, 60)) * HOUR
    steps = sorted(draw(st.sets(st.integers(0, 360), min_size=2, max_size=5)))
    found = tuple(draw(quakes(first + 10 * MINUTE * step)) for step in steps)
    moments = st.sampled_from([q.at for q in found]) | st.just(TURN)
    part = draw(st.integers(1, 90_000))
    return Story(
        found,
        ends=draw(moments) + draw(st.sampled_from([0, 1, HOUR])),
        begins=draw(moments) + draw(st.sampled_from([0, 1, HOUR])),
        year=beijing_text(draw(moments) - 3 * 365 * 24 * HOUR),
        report=draw(st.none() | st.just((part, part + draw(st.integers(0, 90_000))))),
    )


def amount(story: Story, one: Quake) -> int:
    """What one shock gives alone, in fen; a share is rounded half up to 10 yuan."""
    step = sum(one.tenths >= low for low in STEPS)
    if not step or one.spot == OUTSIDE:
        return 0
    limit = wan(LIMITS[1 if one.at < TURN else 2][step - 1])
    if one.spot == OWN:
        return limit
    if story.report is None:
        return 0
    part, total = story.report
    return (2 * limit * part + 1_000 * total) // (2_000 * total) * 1_000


def at_of(one: Quake) -> int:
    """When a shock counts as having struck: by the word that settles."""
    return one.at if one.rapid is not None else one.at + 70


def owed(story: Story, since: int, until: int) -> int:
    """The greatest of what the shocks within a policy give it."""
    given_by = [amount(story, one) for one in story.quakes if since <= at_of(one) < until]
    return max(given_by, default=0)


def paid(story: Story, rows: Sequence[Row], works: Sequence[bool]) -> tuple[Counter[str], Town]:
    """What each policy is paid when the facts are read in this order, and where it was."""
    town = Town().set_up(("532900", *DALI.area["surrounding"]))
    listing = town.list_product(DALI, placement=ONE_CARRIER)
    text = beijing_text
    town.issue([
        town.policy(listing, "2018-01-01", "2020-01-01", policy="aa" * 16),
        town.policy(listing, "2018-01-01", text(story.ends), policy="bb" * 16),
        town.policy(listing, text(story.begins), "2020-01-01", policy="cc" * 16),
        town.policy(listing, "2018-01-01", "2020-01-01", year_from=story.year, policy="dd" * 16),
    ])  # fmt: skip
    town.at(story.quakes[-1].at + 24 * HOUR)
    for row, work in zip(rows, works, strict=True):
        town.tell(row)
        if work:
            town.work()
        town.at(town.now + 60)
    town.at(town.now + 13 * HOUR)  # past every deadline
    town.work()
    sums: Counter[str] = Counter()
    for settlement in town.settlements(listing):
        for claim in town.claims(settlement["trigger"]):
            sums[claim.policy[:2]] += claim.pay_fen
    return sums, town


@settings(max_examples=60)
@given(stories(), st.data())
def test_any_order_pays_the_greatest_to_every_policy(story: Story, data: st.DataObject) -> None:
    rows = story.rows()
    days = {beijing_day(q.at) for q in story.quakes}
    assert all(b.at - a.at >= 10 * MINUTE for a, b in pairwise(story.quakes)), days
    ever = from_beijing("2018-01-01"), from_beijing("2020-01-01")
    wanted = {
        "aa": owed(story, *ever),
        "bb": owed(story, ever[0], story.ends),
        "cc": owed(story, story.begins, ever[1]),
        "dd": owed(story, *ever),
    }
    works = st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))
    for _ in range(2):
        order, pauses = data.draw(st.permutations(rows)), data.draw(works)
        sums, town = paid(story, order, pauses)
        assert {name: sums[name] for name in wanted} == wanted
        town.balance()
