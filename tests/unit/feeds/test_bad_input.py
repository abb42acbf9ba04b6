"""Bad input: every broken row is a named refusal beside its good neighbours."""

from __future__ import annotations

from pathlib import Path

import pytest

from miaopei.adapters.feeds import Reading, read, reading
from miaopei.errors.texts import say
from miaopei.evidence.source import Box

HERE = Path(__file__).parents[2] / "data" / "feeds"
NOW = 1_700_000_000
HEAD = "序号,发震日期（北京时间）,经度(°),纬度(°),震源深度(Km),震级类型,震级,震中位置,事件类型\n"
GOOD = "87,2021-05-21 21:48:35,99.88,25.7,10,Ms,6.5,云南漾濞,天然地震\n"


def codes(found: Reading) -> list[str]:
    for refusal in found.refusals:
        for language in ("zh", "en"):
            sentence = say(refusal, language)
            assert "?" not in sentence, sentence
            assert not sentence.startswith(refusal.code), sentence
    return [refusal.code for refusal in found.refusals]


def line(**changes: str) -> str:
    parts = dict(
        zip(
            ("n", "time", "lon", "lat", "depth", "type", "mag", "place", "event"),
            GOOD.strip().split(","),
            strict=True,
        )
    )
    return ",".join({**parts, **changes}.values()) + "\n"


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (line(lon="25.7", lat="99.88"), "evidence.swapped"),
        (line(lon="200", lat="95"), "evidence.out_of_range"),
        (line(lat="25,7"), "feed.bad_columns"),
        (line(lat="north"), "place.not_a_number"),
        (line(lat=""), "feed.missing_field"),
        (line(mag=""), "feed.missing_field"),
        (line(mag="big"), "place.not_a_number"),
        (line(mag="65"), "evidence.bad_value"),
        (line(time="2021-02-30 00:00:00"), "instant.not_a_time"),
        (line(time="1990-05-21 21:48:35"), "instant.before_fixed_offset"),
        (line(time="2099-05-21 21:48:35"), "evidence.in_future"),
        (line(event="外星人"), "feed.unknown_event_type"),
        (line(depth="deep"), "place.not_a_number"),
        (line(depth="9999"), "evidence.bad_value"),
        (line(place='"云南'), "feed.bad_row"),
        ("x" * 70_000 + "\n", "feed.line_too_long"),
        ("only,three,columns\n", "feed.bad_columns"),
    ],
)
def test_a_broken_line_is_refused_by_name_and_its_neighbours_are_read(bad, code) -> None:
    found = read((HEAD + GOOD + bad + GOOD.replace("21:48", "22:48")).encode(), NOW)
    assert codes(found) == [code]
    assert len(found.observations) == 2
    assert found.refusals[0].facts["line"] == 3


@pytest.mark.parametrize("cut", range(1, 9))
def test_a_torn_last_line_is_refused_and_the_rest_is_read(cut) -> None:
    torn = ",".join(GOOD.strip().split(",")[:cut])
    found = read((HEAD + GOOD + torn).encode(), NOW)
    assert codes(found) == ["feed.torn_line"]
    assert len(found.observations) == 1


def test_a_last_line_torn_inside_a_character_is_torn() -> None:
    found = read((HEAD + GOOD + GOOD).encode()[:-2], NOW)
    assert codes(found) == ["feed.torn_line"]


def test_a_last_line_torn_inside_its_last_word_is_not_taken_for_an_earthquake() -> None:
    found = read((HEAD + GOOD + line(event="天然地")).encode().removesuffix(b"\n"), NOW)
    assert codes(found) == ["feed.unknown_event_type"]


def test_a_whole_last_line_without_line_end_is_read() -> None:
    found = read((HEAD + GOOD).encode().removesuffix(b"\n"), NOW)
    assert codes(found) == []
    assert len(found.observations) == 1


def test_a_collapse_is_an_observation_that_says_so() -> None:
    (found,) = read((HEAD + line(event="塌陷")).encode(), NOW).observations
    assert found.values["event_type"] == "collapse"


def test_a_duplicate_row_is_the_same_observation() -> None:
    found = read((HEAD + GOOD + GOOD.replace("87", "88", 1)).encode(), NOW)
    assert len({o.id for o in found.observations}) == 1


def test_one_broken_line_does_not_change_how_the_others_are_decoded() -> None:
    data = (HEAD + GOOD).encode() + b"88,\xff\xfe,1,2,3,4,5,6,7\n" + GOOD.encode()
    found = read(data, NOW)
    assert codes(found) == ["feed.bad_text"]
    assert {o.values["place"] for o in found.observations} == {"云南漾濞"}


def test_positions_outside_the_sources_box_are_refused() -> None:
    box = Box(21_000_000, 97_000_000, 29_000_000, 106_000_000)
    assert codes(read((HEAD + GOOD).encode(), NOW, box)) == []
    assert codes(read((HEAD + line(lat="45")).encode(), NOW, box)) == ["evidence.outside_box"]


USGS = (HERE / "yangbi_2021.geojson").read_text("utf-8")
FEATURE = USGS[USGS.index('{"type":"Feature",') : USGS.index('\n],"bbox"')]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('"mag":6.1', '"mag":null', "feed.missing_field"),
        ('"mag":6.1', '"mag":"6.1"', "feed.missing_field"),
        ('"mag":6.1', '"mag":NaN', "place.not_a_number"),
        ('"mag":6.1', '"mag":6.1e0', "place.not_a_number"),
        ('"status":"reviewed"', '"status":"deleted"', "feed.unknown_status"),
        ("[100.0076,25.7614,10]},", "[25.7614,100.0076,10]},", "evidence.swapped"),
        ("[100.0076,25.7614,10]},", "[]},", "feed.bad_row"),
        ('"geometry":{', '"geometry":null,"was":{', "feed.bad_row"),
        ('"id":"us7000e532"', '"id":""', "feed.missing_field"),
        ('"time":1621604917312', '"time":1921604917312', "evidence.in_future"),
        ('"time":1621604917312', '"time":"yesterday"', "feed.missing_field"),
        ('"time":1621604917312', '"time":99999999999999999999', "evidence.bad_value"),
    ],
)
def test_a_broken_feature_is_refused_by_name(old, new, code) -> None:
    assert old in USGS
    found = read(USGS.replace(old, new, 1).encode(), NOW)
    assert found.format == "usgs-geojson"
    assert code in codes(found)
    assert found.observations == ()


def test_a_missing_depth_is_null_and_a_blast_says_so() -> None:
    (found,) = read(USGS.replace("25.7614,10]},", "25.7614,null]},", 1).encode(), NOW).observations
    assert found.values["depth_m"] is None
    blast = USGS.replace('"type":"earthquake"', '"type":"quarry blast"', 1)
    (found,) = read(blast.encode(), NOW).observations
    assert found.values["event_type"] == "explosion"


@pytest.mark.parametrize(
    ("old", "new", "good"),
    [
        ('"mag":6.1', '"mag":5.1,"mag":6.1', 1),
        ('"coordinates":', '"coordinates":[1,2,3],"coordinates":', 1),
        ('"features":[', '"features":[],"features":[', 0),
        ('{"type":"FeatureCollection"', '{"type":"Feature","type":"FeatureCollection"', 0),
    ],
)
def test_a_json_key_that_stands_twice_is_refused_by_name(old: str, new: str, good: int) -> None:
    assert old in USGS
    text = USGS.replace(old, new, 1).replace('\n],"bbox"', f',\n{FEATURE}],"bbox"')
    found = read(text.encode(), NOW)
    assert codes(found) == ["feed.key_twice"]
    assert len(found.observations) == good


def test_many_features_each_name_their_line() -> None:
    many = 20_000
    text = '{"type":"FeatureCollection","features":[\n' + ",\n".join([FEATURE] * many) + "]}"
    found = read(text.encode(), NOW)
    assert [row.line for row in found.rows] == list(range(2, many + 2))


def test_torn_json_is_refused() -> None:
    assert codes(read(USGS[:-40].encode(), NOW)) == ["feed.bad_row"]
    assert read(USGS.encode()[:700]).observations == ()


QUAKEML = (HERE / "yangbi_2021.quakeml").read_text("utf-8")
POSITION = """<longitude><value>100.0076</value></longitude>
<latitude><value>25.7614</value></latitude>"""


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("<mag><value>6.1</value></mag>", "<mag><value>6.1.1</value></mag>", "place.not_a_number"),
        ("<mag><value>6.1</value></mag>", "", "feed.missing_field"),
        (
            POSITION,
            POSITION.replace("25.7614", "90.1").replace("100.0076", "25"),
            "evidence.swapped",
        ),
        ("<time><value>2021-05-21T13:48:37.312Z", "<time><value>soon", "instant.not_a_time"),
        ("<evaluationStatus>reviewed", "<evaluationStatus>rejected", "feed.unknown_status"),
        ("7000e532/mww</preferredMagnitudeID>", "x</preferredMagnitudeID>", "feed.missing_field"),
    ],
)
def test_a_broken_quakeml_event_is_refused_by_name(old, new, code) -> None:
    assert old in QUAKEML
    text = QUAKEML.replace(old, new, 1)
    found = read(text.encode(), NOW)
    assert codes(found) == [code]


def test_a_quakeml_of_another_agency_speaks_for_that_agency() -> None:
    text = QUAKEML.replace('catalog:eventsource="us" catalog:eventid="7000e532" ', "")
    (found,) = read(
        text.replace("<agencyID>us<", "<agencyID>GFZ Potsdam<").encode(), NOW
    ).observations
    assert found.source == "quakeml.gfz-potsdam"
    assert found.event_key == "quakeml:us.anss.org/event/7000e532"


@pytest.mark.parametrize("cut", ["6<!--x-->.1", "6<?x y?>.1", "<!-- 5 -->6.1"])
def test_a_comment_inside_a_number_does_not_cut_it(cut: str) -> None:
    text = QUAKEML.replace("<value>6.1<", f"<value>{cut}<", 1)
    (found,) = read(text.encode(), NOW).observations
    assert found.values["magnitude_raw"] == "6.1"


def test_an_element_inside_a_number_is_refused() -> None:
    text = QUAKEML.replace("<value>6.1<", "<value>6<b/>.1<", 1)
    assert codes(read(text.encode(), NOW)) == ["feed.bad_row"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-7", "cp037"])
def test_another_encoding_is_refused_and_hides_no_entities(encoding: str) -> None:
    plain = QUAKEML.replace("UTF-8", encoding, 1)
    bad = plain.replace("<q:quakeml", '<!DOCTYPE q [<!ENTITY e "6.1">]><q:quakeml', 1)
    for text in (plain, bad.replace("<value>6.1<", "<value>&e;<")):
        found = read(text.encode(encoding), NOW)
        assert found.observations == ()
        assert len(found.refusals) == 1
    named = {"utf-16-le": "feed.entities", "utf-7": "feed.entities"}  # others begin with no "<"
    assert found.refusals[0].code == named.get(encoding, "feed.unknown_format")
    if encoding in named:
        assert codes(read(plain.encode(encoding), NOW)) == ["feed.xml_encoding"]


def test_entities_are_never_opened(tmp_path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("6.1")
    text = QUAKEML.replace(
        "<q:quakeml", f'<!DOCTYPE q [<!ENTITY e SYSTEM "{secret.as_uri()}">]><q:quakeml', 1
    ).replace("<value>6.1<", "<value>&e;<")
    assert codes(read(text.encode(), NOW)) == ["feed.entities"]
    bomb = '<!DOCTYPE b [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><b>&b;</b>'
    assert codes(read(bomb.encode(), NOW))[0] in {"feed.entities", "feed.bad_xml"}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "feed.unknown_format"),
        (b"\n\n\n", "feed.unknown_format"),
        (b"\x00\x01\x02\xff", "feed.unknown_format"),
        (b"hello, world\n", "feed.unknown_format"),
        ("year,deaths\n1990,3\n".encode("utf-16"), "feed.unknown_format"),
        (b"{}", "feed.unknown_format"),
        (b'{"type":"FeatureCollection","features":[{"properties":{}}]}', "feed.unknown_format"),
        (b"[" * 100_000, "feed.unknown_format"),
        (b'{"type":"FeatureCollection","mag":' + b"[" * 100_000, "feed.bad_row"),
        (b"<html></html>", "feed.quakeml_version"),
        (b"<q:quakeml", "feed.bad_xml"),
        (QUAKEML.replace("bed/1.2", "bed/1.1").encode(), "feed.quakeml_version"),
        (b"group,item,item_zh,loss_wan\nhouses,civil houses,\xe6,1\n", "feed.items_without_event"),
    ],
)
def test_what_is_no_feed_gets_one_named_refusal(data, code) -> None:
    found = read(data, NOW)
    assert codes(found) == [code]
    assert found.observations == ()


def test_a_huge_file_is_refused_before_it_is_read(monkeypatch) -> None:
    monkeypatch.setattr("miaopei.adapters.feeds.LARGEST_FILE", 100)
    assert codes(read((HEAD + GOOD * 3).encode(), NOW)) == ["feed.too_large"]


def test_very_many_rows_end_with_a_named_refusal(monkeypatch) -> None:
    monkeypatch.setattr("miaopei.adapters.feeds.tables.MOST_ROWS", 2)
    found = read((HEAD + GOOD * 5).encode(), NOW)
    assert codes(found) == ["feed.too_many_rows"]
    assert len(found.observations) == 2
    assert reading.MOST_ROWS == 200_000


LOSSES = "date,event,area,civil_house_loss_wan,event_total_civil_house_loss_wan,total_is"
LOSSES += ",issuer,version\n"
LOSS = "2018-09-08,普洱墨江,玉溪市,510,94860,printed,assessors,1\n"


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (LOSS.replace("玉溪市", "亚特兰蒂斯"), "feed.unknown_area"),
        (LOSS.replace("510", "510.25"), "feed.too_fine"),
        (LOSS.replace("510", "-510"), "evidence.bad_value"),
        (LOSS.replace("510", ""), "feed.missing_field"),
        (LOSS.replace("510", "half"), "place.not_a_number"),
        (LOSS.replace(",1\n", ",0\n"), "evidence.bad_value"),
        (LOSS.replace("assessors", ""), "feed.missing_field"),
        (LOSS.replace("2018-09-08", "last year"), "instant.not_a_time"),
        (LOSS.replace("2018-09-08", "2099-09-08"), "evidence.in_future"),
    ],
)
def test_a_broken_loss_report_is_refused_by_name(bad, code) -> None:
    found = read((LOSSES + LOSS + bad).encode(), NOW)
    assert codes(found) == [code]
    assert len(found.observations) == 1


@pytest.mark.parametrize("total", ["", "0", "509"])
def test_a_total_missing_zero_or_too_small_is_recorded_as_printed(total) -> None:
    """The contract's rule refuses to divide by it, not the reader: see test_reports."""
    (found,) = read((LOSSES + LOSS.replace("94860", total)).encode(), NOW).observations
    units = None if total == "" else int(total) * 10
    assert found.values["totals"] == {"civil_houses": units}


ITEMS = "date,event,area,issuer,version,item,loss_wan\n"
ITEM = "2021-05-21,漾濞,532900,assessors,1,民房,197250\n"


def test_a_report_with_an_unreadable_or_doubled_item_is_not_taken_in_part() -> None:
    other = ITEM.replace("民房", "教育")
    assert codes(read((ITEMS + ITEM + other[:30]).encode(), NOW)) == [
        "feed.incomplete_report",
        "feed.torn_line",
    ]
    assert codes(read((ITEMS + ITEM + ITEM).encode(), NOW)) == ["feed.item_twice"]
    assert codes(read((ITEMS + ITEM.replace("民房", "宫殿")).encode(), NOW)) == [
        "feed.unknown_item"
    ]
    (whole,) = read((ITEMS + ITEM + other).encode(), NOW).observations
    assert whole.values["items"] == {"532900": {"civil_houses": 1_972_500, "education": 1_972_500}}


def test_codes_outside_the_names_on_file_are_taken_as_codes() -> None:
    (found,) = read((LOSSES + LOSS.replace("玉溪市", "510100")).encode(), NOW).observations
    assert set(found.values["items"]) == {"510100"}
