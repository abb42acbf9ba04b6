"""Every format on files in the form of its publisher: what is read, and that like is like."""

from __future__ import annotations

import json
from pathlib import Path

import h3
import pytest

from miaopei.adapters.feeds import FORMATS, read, shipped
from miaopei.evidence.kinds import subtotals
from miaopei.evidence.observation import Observation
from miaopei.measures.identity import digest
from miaopei.measures.instant import beijing_text, utc_text

HERE = Path(__file__).parents[2] / "data" / "feeds"
NOW = 1_700_000_000


def file(name: str) -> bytes:
    return (HERE / name).read_bytes()


def one(data: bytes) -> Observation:
    reading = read(data, NOW)
    assert reading.refusals == ()
    (found,) = reading.observations
    return found


YANGBI = {
    "geojson": "yangbi_2021.geojson",
    "csv": "yangbi_2021_comcat.csv",
    "quakeml": "yangbi_2021.quakeml",
}


@pytest.mark.parametrize("name", YANGBI.values())
def test_usgs_on_yangbi_2021_as_published(name) -> None:
    found = one(file(name))
    values = found.values
    assert (found.source, found.event_key, found.status) == (
        "usgs.comcat",
        "us7000e532",
        "reviewed",
    )
    assert utc_text(values["origin"]) == "2021-05-21T13:48:37Z"
    assert (values["lat_udeg"], values["lon_udeg"], values["depth_m"]) == (
        25_761_400,
        100_007_600,
        10_000,
    )
    assert (values["magnitude_raw"], values["magnitude_tenths"], values["magnitude_type"]) == (
        "6.1",
        61,
        "mww",
    )
    assert values["place"] == "26 km NW of Dali, China"
    assert values["event_type"] == "earthquake"
    assert h3.is_valid_cell(values["cell"])
    assert h3.cell_to_latlng(values["cell"]) == pytest.approx((25.7614, 100.0076), abs=0.01)


def test_the_same_fact_in_three_formats_is_one_observation() -> None:
    assert len({one(file(name)).id for name in YANGBI.values()}) == 1


def test_a_later_estimate_is_a_later_revision_under_the_same_key() -> None:
    first, then = one(file("yangbi_2021_first.geojson")), one(file("yangbi_2021.geojson"))
    assert first.event_key == then.event_key
    assert first.revision < then.revision
    assert (first.status, first.values["magnitude_raw"]) == ("automatic", "6")
    assert first.values["magnitude_tenths"] == 60


def test_the_catalogue_is_read_whole_with_the_bytes_of_each_line() -> None:
    data = shipped.earthquake_file("cenc_catalogue_2015_2021.csv")
    reading = read(data, NOW)
    assert (reading.format, reading.source) == ("cenc-catalogue-csv", "cenc.catalogue")
    assert reading.file_digest == digest(data)
    assert len(reading.observations) == 536
    assert reading.refusals == ()
    lines = data.split(b"\n")
    for row in reading.rows:
        assert row.original == lines[row.line - 1] + b"\n"
        assert row.part == f"line {row.line}"
    kinds = [o.values["magnitude_type"] for o in reading.observations]
    assert set(kinds) == {"Ms", "ML"}
    collapses = [o for o in reading.observations if o.values["event_type"] == "collapse"]
    assert [beijing_text(o.instant) for o in collapses] == ["2019-04-24 23:55:25"]


CATALOGUE_HEAD = (
    "序号,发震日期（北京时间）,经度(°),纬度(°),震源深度(Km),震级类型,震级,震中位置,事件类型\n"
)
LINE = "87,2021-05-21 21:48:35,99.88,25.7,10,Ms,6.5,云南漾濞,天然地震\n"


def test_bom_gbk_crlf_and_missing_zeros_give_the_same_observation() -> None:
    text = CATALOGUE_HEAD + LINE
    other = CATALOGUE_HEAD + "1,2021-5-21 21:48:35,99.880,25.70,10.0,MS,6.5, 云南漾濞 ,天然地震\n"
    forms = [
        text.encode(),
        b"\xef\xbb\xbf" + text.encode(),
        text.encode("gbk"),
        text.replace("\n", "\r\n").encode("gb18030"),
        other.encode(),
    ]
    assert len({one(form).id for form in forms}) == 1


def test_rapid_reports_in_both_forms() -> None:
    long = read(shipped.earthquake_file("cenc_rapid_reports.csv"), NOW)
    assert [(o.values["magnitude_raw"], o.values["magnitude_type"]) for o in long.observations] == [
        ("5.1", "M"),
        ("5.0", "M"),
        ("5.0", "M"),
        ("6.4", "Ms"),
    ]
    short = read(
        b"level,time_beijing,latitude,longitude,depth_km,location\n"
        + "2.9,2021-05-23 00:17:19,25.59,99.99,9,云南大理州漾濞县\n".encode(),
        NOW,
    )
    assert (long.format, short.format) == ("cenc-rapid-csv", "cenc-rapid-csv")
    (small,) = short.observations
    assert (small.source, small.values["magnitude_type"], small.values["magnitude_tenths"]) == (
        "cenc.rapid",
        "M",
        29,
    )


def test_loss_reports_in_units_of_a_tenth_of_a_wan() -> None:
    reading = read(shipped.earthquake_file("loss_reports.csv"), NOW)
    assert reading.format == "loss-report-csv"
    by_day = {o.values["event_day"]: o.values for o in reading.observations}
    assert by_day["2015-10-30"]["items"] == {"532900": {"civil_houses": 44_800}}
    assert by_day["2015-10-30"]["totals"] == {"civil_houses": 166_419}
    assert "inferred" in by_day["2015-10-30"]["total_is"]
    assert by_day["2018-09-08"]["items"] == {"530400": {"civil_houses": 5_100}}
    assert by_day["2018-09-08"]["totals"] == {"civil_houses": 948_600}
    assert by_day["2016-05-18"]["totals"] == {"civil_houses": None}


def test_table_3_is_one_report_of_fourteen_items() -> None:
    reading = read(shipped.earthquake_file("loss_items_yangbi_2021.csv"), NOW)
    (found,) = reading.observations
    assert (reading.format, reading.rows[0].part) == ("loss-items-csv", "lines 2-15")
    items = found.values["items"]["532900"]
    assert len(items) == 14
    assert subtotals(items) == {
        "houses": 2_118_900,
        "lifelines": 788_400,
        "other": 348_800,
        "total": 3_256_100,
    }
    whole = read(shipped.earthquake_file("loss_reports.csv"), NOW).observations[-1]
    assert whole.event_key == found.event_key


def test_death_notices_name_event_area_and_version() -> None:
    text = "date,event,area,deaths,issuer,version\n2021-05-21,漾濞,大理州,3,大理州政府,2\n"
    found = one(text.encode())
    assert (found.kind, found.source, found.revision) == ("deaths", "deaths.official", 2)
    assert (found.values["area"], found.values["count"]) == ("532900", 3)


def test_a_reading_is_plain_json_for_the_command_line() -> None:
    value = json.loads(json.dumps(read(file("yangbi_2021.geojson"), NOW).as_json()))
    assert value["format"] in FORMATS
    assert value["rows"][0]["observation"]["values"]["magnitude_raw"] == "6.1"
    assert value["rows"][0]["id"] == one(file("yangbi_2021.geojson")).id


def test_shipped_sources_are_those_that_the_readers_name_and_arrivals_are_assumed() -> None:
    register = {source.id: source for source in shipped.sources()}
    assert {
        "cenc.rapid",
        "cenc.catalogue",
        "usgs.comcat",
        "loss.national",
        "deaths.official",
        "grid.command",
        "grid.meter",
        "grid.service",
    } == set(register)
    assert register["cenc.rapid"].operator == register["cenc.catalogue"].operator
    assert not register["usgs.comcat"].counted
    arrivals = shipped.arrivals()
    assert arrivals["assumed"] is True
    assert set(arrivals["label"]) == {"zh", "en"}
    assert arrivals["sources"]["cenc.rapid"] == {"from": "origin", "seconds": 600}
    assert arrivals["sources"]["loss.national"]["seconds"] == 8 * 86_400
