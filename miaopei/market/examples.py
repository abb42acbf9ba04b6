"""Examples for the demonstration and the tests. Everything here is illustrative and says so.

The five insurers of the Dali scheme of 2015 are public (Xinhua, 2015-08-21); their shares are not,
so the shares below are made up and say nothing about these companies. The weight rule is made up
too: the source prints only how many households rebuilt and repaired.
"""

from __future__ import annotations

from .allotment import Household, WeightRule, Work
from .participant import Participant, Role
from .placement import Placement, Share

DALI_CARRIERS = tuple(
    Participant(key, (Role.CARRIER,), zh, en, illustrative=True)
    for key, zh, en in (
        ("chengtai", "诚泰财产保险（示例）", "Chengtai Insurance (example)"),
        ("picc", "中国人民财产保险（示例）", "PICC Property and Casualty (example)"),
        ("pingan", "中国平安财产保险（示例）", "Ping An Property and Casualty (example)"),
        ("continent", "中国大地财产保险（示例）", "China Continent Insurance (example)"),
        ("united", "中华联合财产保险（示例）", "China United Insurance (example)"),
    )
)

DALI_CO_INSURANCE = Placement(
    (
        Share("chengtai", 333_337),
        Share("picc", 266_663),
        Share("pingan", 200_003),
        Share("continent", 133_331),
        Share("united", 66_666),
    ),
    illustrative=True,
)

REBUILT_TEN_TO_ONE = WeightRule(
    "rebuilt_10_repaired_1", {Work.REBUILT: 10, Work.REPAIRED: 1}, illustrative=True
)


def made_up_households(event: str, rebuilt: int, repaired: int) -> list[Household]:
    """A list with printed counts and invented tokens (`made-up/<event>/<number>`)."""
    works = [Work.REBUILT] * rebuilt + [Work.REPAIRED] * repaired
    return [
        Household(f"made-up/{event}/{number:05d}", work) for number, work in enumerate(works, 1)
    ]
