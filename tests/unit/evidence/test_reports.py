"""Losses and deaths: which report belongs, what is missing, what closes, and what opens again."""

from __future__ import annotations

import pytest

from miaopei.errors.texts import say
from miaopei.evidence.findings import Closed, Found, Held, Waiting, sentence
from miaopei.measures.instant import DAY
from tests.unit.evidence.facts import (
    DALI,
    YUXI,
    ask,
    deaths,
    fact,
    on_file,
    report,
    rule,
    shock,
)

MOJIANG = shock("2018-09-08 10:31:29", "5.9", "23.26", "101.53", name="云南墨江")
CHANGNING = shock("2015-10-30 19:26:39", "5.0", "25.04", "99.44", name="云南昌宁")
PRINTED = report("2018-09-08", {"530400": 5_100}, total=948_600, name="Mojiang 普洱墨江")


def test_the_two_surrounding_rows_of_table_2_give_part_and_total() -> None:
    """In 0.1 万元: 510 and 94,860; 4,480 and 16,641.9 (section 2.1.4 of the rows)."""
    for event, area, words, part, total in [
        (MOJIANG, YUXI, PRINTED, 5_100, 948_600),
        (
            CHANGNING,
            DALI,
            report("2015-10-30", {"532900": 44_800}, total=166_419, name="Changning 保山昌宁"),
            44_800,
            166_419,
        ),
    ]:
        facts = on_file(event, words)
        for measure, value in (("loss.area", part), ("loss.total", total)):
            found = ask(facts, measure, "2019-01-01", area=area)
            assert isinstance(found, Found)
            assert (found.value, found.how, found.because) == (value, "report", (words.id,))
            assert found.detail["version"] == 1


def test_without_a_report_the_case_waits_then_closes_and_a_report_opens_it() -> None:
    facts = on_file(MOJIANG)
    end = MOJIANG.instant + 180 * DAY
    waiting = ask(facts, "loss.area", end - 1, area=YUXI)
    assert isinstance(waiting, Waiting)
    assert (waiting.state, waiting.reason, waiting.until, waiting.owner) == (
        "awaiting_report",
        "no_report",
        end,
        "loss.national",
    )
    closed = ask(facts, "loss.area", end, area=YUXI)
    assert isinstance(closed, Closed)
    assert (closed.state, closed.reason) == ("closed", "no_assessed_loss_reported")
    assert "重新打开" in say(sentence(closed), "zh")
    late = [*facts, fact(PRINTED, 200 * DAY)]
    found = ask(late, "loss.area", MOJIANG.instant + 202 * DAY, area=YUXI)
    assert isinstance(found, Found)


def test_an_area_that_the_report_does_not_name_is_missing_not_zero() -> None:
    found = ask(on_file(MOJIANG, PRINTED), "loss.area", "2018-10-01", area=DALI)
    assert isinstance(found, Waiting)
    assert (found.state, found.reason) == ("awaiting_report", "area_not_named")
    named_zero = report("2018-09-08", {"532900": 0}, total=948_600, name="普洱墨江")
    zero = ask(on_file(MOJIANG, named_zero), "loss.area", "2018-10-01", area=DALI)
    assert isinstance(zero, Found)
    assert zero.value == 0


@pytest.mark.parametrize(
    ("total", "reason"), [(None, "total_missing"), (0, "total_zero"), (5_099, "total_below_part")]
)
def test_a_total_that_cannot_be_divided_by_waits_for_a_better_report(total, reason) -> None:
    first = report("2018-09-08", {"530400": 5_100}, total=total, name="普洱墨江")
    facts = on_file(MOJIANG, first)
    assert isinstance(ask(facts, "loss.area", "2018-10-01", area=YUXI), Found)
    found = ask(facts, "loss.total", "2018-10-01", area=YUXI)
    assert isinstance(found, Waiting)
    assert (found.state, found.reason) == ("awaiting_report", reason)
    better = report("2018-09-08", {"530400": 5_100}, total=948_600, name="普洱墨江", version=2)
    found = ask([*facts, fact(better, 20 * DAY)], "loss.total", "2018-10-01", area=YUXI)
    assert isinstance(found, Found)
    assert found.value == 948_600


def test_a_revised_report_replaces_the_one_before_and_never_overwrites_it() -> None:
    second = report(
        "2018-09-08", {"530400": 6_000}, total=948_600, name=PRINTED.values["place"], version=2
    )
    facts = [*on_file(MOJIANG, PRINTED), fact(second, 30 * DAY)]
    before = ask(facts, "loss.area", "2018-10-01", area=YUXI)
    after = ask(facts, "loss.area", "2018-11-01", area=YUXI)
    assert isinstance(before, Found)
    assert isinstance(after, Found)
    assert (before.value, after.value) == (5_100, 6_000)
    kept = ask(
        facts,
        rule("loss.area", revision="first_settles"),
        "2018-11-01",
        area=YUXI,
        fixed=before.detail["used"],
    )
    assert isinstance(kept, Found)
    assert (kept.value, kept.how) == (5_100, "settled_before")


def test_a_version_that_no_longer_names_the_area_leaves_it_missing() -> None:
    second = report(
        "2018-09-08", {"530800": 9}, total=948_600, name=PRINTED.values["place"], version=2
    )
    facts = [*on_file(MOJIANG, PRINTED), fact(second, 30 * DAY)]
    found = ask(facts, "loss.area", "2018-11-01", area=YUXI)
    assert isinstance(found, Waiting)
    assert found.reason == "area_not_named"


TWIN = shock("2018-09-08 20:00:00", "5.2", "25.70", "99.88", name="云南漾濞")


def occurrence_of(event, *others):
    from miaopei.evidence.grouping import group
    from tests.unit.evidence.facts import RULE

    found = group(on_file(event, *others), RULE)
    return next(o for o in found if o.founding == event.id)


def test_of_two_events_on_one_day_the_place_name_decides() -> None:
    facts = on_file(MOJIANG, TWIN, PRINTED)
    mine = ask(facts, "loss.area", "2018-10-01", area=YUXI, occurrence=occurrence_of(MOJIANG))
    assert isinstance(mine, Found)
    other = ask(facts, "loss.area", "2018-10-01", area=YUXI, occurrence=occurrence_of(TWIN))
    assert isinstance(other, Waiting)
    assert other.reason == "no_report"


def test_where_the_place_name_does_not_decide_a_person_does() -> None:
    vague = report("2018-09-08", {"530400": 5_100}, total=948_600, name="地震")
    facts = on_file(MOJIANG, TWIN, vague)
    found = ask(facts, "loss.area", "2018-10-01", area=YUXI, occurrence=occurrence_of(MOJIANG))
    assert isinstance(found, Held)
    assert (found.state, found.reason) == ("held_person", "report_fits_several")
    told = {"loss_area": {"value": 5_100, "person": "李某", "reason": "报告正文", "act": "ab"}}
    found = ask(
        facts,
        "loss.area",
        "2018-10-01",
        area=YUXI,
        occurrence=occurrence_of(MOJIANG),
        resolutions=told,
    )
    assert isinstance(found, Found)
    assert (found.value, found.because) == (5_100, (vague.id,))


def test_a_report_on_another_day_or_another_prefecture_is_not_taken() -> None:
    for words in (
        report("2018-09-09", {"530400": 1}, total=2, name="普洱墨江"),
        report("2018-09-08", {"530400": 1}, total=2, name="昭通鲁甸"),
    ):
        found = ask(on_file(MOJIANG, words), "loss.area", "2018-10-01", area=YUXI)
        assert isinstance(found, Waiting)
        assert found.reason == "no_report"


def test_the_day_is_the_beijing_day() -> None:
    tonghai = shock("2018-08-13 01:44:24", "5.1", "24.18", "102.72", name="云南通海")
    words = report("2018-08-13", {"530400": 416_500}, name="Tonghai 玉溪市通海")
    found = ask(on_file(tonghai, words), "loss.area", "2018-09-01", area=YUXI)
    assert isinstance(found, Found)
    assert found.value == 416_500


def test_two_official_figures_that_differ_follow_the_order_of_sources() -> None:
    """News of 2016 gives 9,539 万元 for Yunlong, the paper's table 9,600."""
    yunlong = shock("2016-05-18 00:48:48", "5.1", "26.08", "99.58", name="云南洱源")
    table = report("2016-05-18", {"532900": 96_000}, name="Yunlong 大理州云龙")
    news = report("2016-05-18", {"532900": 95_390}, name="大理州云龙", source="loss.provincial")
    facts = on_file(yunlong, news, table)
    both = rule("loss.area", sources=["loss.national", "loss.provincial"])
    found = ask(facts, both, "2016-06-01")
    assert isinstance(found, Found)
    assert (found.value, [s["observation"] for s in found.detail["shown"]]) == (96_000, [news.id])
    strict = {**both, "operators": 2, "tolerance": 100}
    waiting = ask(facts, strict, "2016-06-01")
    assert isinstance(waiting, Waiting)
    assert (waiting.state, waiting.reason) == ("awaiting_quorum", "sources_disagree")
    held = ask(facts, strict, yunlong.instant + 180 * DAY)
    assert isinstance(held, Held)
    assert held.state == "held_conflict"
    lenient = ask(facts, {**strict, "tolerance": 610}, "2016-06-01")
    assert isinstance(lenient, Found)
    assert len(lenient.because) == 2


YANGBI = shock("2021-05-21 21:48:35", "6.4", source="cenc.rapid", kind="M")


def test_deaths_wait_for_the_official_notice_then_close() -> None:
    waiting = ask(on_file(YANGBI), "deaths.area", "2021-06-01")
    assert isinstance(waiting, Waiting)
    assert (waiting.state, waiting.reason) == ("awaiting_death_notice", "no_death_notice")
    closed = ask(on_file(YANGBI), "deaths.area", "2022-06-01")
    assert isinstance(closed, Closed)
    assert closed.reason == "no_deaths_reported"


def test_the_latest_notice_of_the_area_counts() -> None:
    facts = [
        fact(YANGBI, 600),
        fact(deaths("2021-05-21", "532900", 2), DAY),
        fact(deaths("2021-05-21", "532900", 3, version=2), 2 * DAY),
        fact(deaths("2021-05-21", "530500", 9), 2 * DAY),
    ]
    found = ask(facts, "deaths.area", "2021-06-01")
    assert isinstance(found, Found)
    assert (found.value, found.how, found.detail["version"]) == (3, "notice", 2)
    other = ask(facts[:1] + facts[3:], "deaths.area", "2021-06-01")
    assert isinstance(other, Waiting)
    assert other.reason == "area_not_named"
