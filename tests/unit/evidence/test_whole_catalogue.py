"""The shipped files of 2015 to 2021 through reader, grouping and findings: the paper's six events.

Expected: magnitudes, areas and losses of Tables 2 and 4 (doi 10.11899/zzfy20210303), which paid;
all other occurrences in an area have no report.
"""

from __future__ import annotations

import itertools

import pytest

from miaopei.adapters.feeds import read, shipped
from miaopei.evidence.findings import Closed, Found, Gathered, find
from miaopei.evidence.grouping import Fact, group
from miaopei.measures.instant import beijing_day, from_beijing
from tests.unit.evidence.facts import DALI, OPERATORS, RULE, YUXI, rule

FILES = ("cenc_catalogue_2015_2021.csv", "cenc_rapid_reports.csv", "loss_reports.csv")
NOW = from_beijing("2023-01-01")
PAID = {  # day of the main shock: area, magnitude in tenths, role, loss and total in 0.1 万元
    "2015-10-30": ("dali", 51, 2, 44_800, 166_419),
    "2016-05-18": ("dali", 50, 1, 96_000, None),
    "2017-03-27": ("dali", 51, 1, 137_900, None),
    "2018-08-13": ("yuxi", 50, 1, 416_500, None),
    "2018-09-08": ("yuxi", 59, 2, 5_100, 948_600),
    "2021-05-21": ("dali", 64, 1, 1_972_500, None),
}


def facts(order: tuple[str, ...], at_once: bool) -> list[Fact]:
    """All rows of the files: as the shipped arrivals assume, or all read in on one later day."""
    delays = shipped.arrivals()["sources"]
    rows = [o for name in order for o in read(shipped.earthquake_file(name)).observations]
    return [
        Fact(
            o,
            from_beijing("2022-06-01") + n if at_once else o.instant + delays[o.source]["seconds"],
            n,
            OPERATORS[o.source],
            True,
        )
        for n, o in enumerate(rows)
    ]


def findings(on_file: list[Fact]) -> dict[tuple[str, str], tuple]:
    occurrences = group(on_file, RULE)
    context = Gathered(on_file, shipped.areas(), RULE, occurrences)
    found = {}
    for name, area in (("dali", DALI), ("yuxi", YUXI)):
        for occurrence in occurrences:
            asked = {
                measure: find(rule(measure), occurrence, area, context, NOW, {})
                for measure in ("shock.magnitude", "shock.role", "loss.area", "loss.total")
            }
            role = asked["shock.role"]
            assert isinstance(role, Found), role
            if role.value:
                values = [f.value if isinstance(f, Found) else None for f in asked.values()]
                losses = [asked["loss.area"], asked["loss.total"]]
                assert all(isinstance(f, Found | Closed) for f in losses)
                found[name, beijing_day(role.detail["instant"])] = tuple(values)
    return found


@pytest.mark.parametrize("at_once", [False, True], ids=["as they came", "all on one day"])
@pytest.mark.parametrize("order", list(itertools.permutations(FILES)))
def test_the_six_paid_events_are_found_whatever_order_the_files_are_read_in(order, at_once) -> None:
    found = findings(facts(order, at_once))
    for day, (area, magnitude, role, loss, total) in PAID.items():
        assert found[area, day] == (magnitude, role, loss, total), day
    others = {key: values for key, values in found.items() if PAID.get(key[1], ("",))[0] != key[0]}
    assert {(key, values[1:]) for key, values in others.items()} == {
        (("dali", "2015-03-01"), (2, None, None)),
        (("dali", "2018-09-08"), (2, None, None)),
        (("dali", "2021-06-10"), (2, None, None)),
        (("yuxi", "2021-06-10"), (2, None, None)),
    }
