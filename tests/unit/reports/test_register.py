"""The register against the paper's tables and a plain count of the catalogue."""

from __future__ import annotations

import csv
import json
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

import miaopei
from miaopei.adapters.feeds import shipped
from miaopei.cli.demo import history
from miaopei.cli.demo.whatif import what_if
from miaopei.errors.texts import say
from miaopei.measures.instant import DAY, HOUR, from_beijing
from miaopei.node import scheme
from miaopei.node.node import genesis_value
from miaopei.node.ports import Identity
from miaopei.node.replay import replay
from miaopei.products.shelf import shelf
from miaopei.reports import published
from miaopei.reports.register import Register, register
from miaopei.wiring import Member, in_memory

DATA = Path(miaopei.__file__).parent / "data"
# Rows 1 to 6 of Tables 2 and 4: day, product, version, magnitude, loss and payout in yuan, ratio.
PAPER = [
    ("2015-10-30", "yunnan_dali", 1, 5.1, 44_800_000, 7_537_600, "16.83"),
    ("2016-05-18", "yunnan_dali", 1, 5.0, 96_000_000, 28_000_000, "29.17"),
    ("2017-03-27", "yunnan_dali", 1, 5.1, 137_900_000, 28_000_000, "20.30"),
    ("2018-08-13", "yunnan_yuxi", 1, 5.0, 416_500_000, 16_000_000, "3.84"),
    ("2018-09-08", "yunnan_yuxi", 1, 5.9, 5_100_000, 161_290, "3.16"),
    ("2021-05-21", "yunnan_dali", 2, 6.4, 1_972_500_000, 40_000_000, "2.03"),
]


def member_at(until: str) -> Member:
    """A record in memory with the Yunnan scheme and the whole history up to a day."""
    identity = Identity(
        "miaopei",
        Ed25519PrivateKey.generate(),
        Ed25519PrivateKey.generate(),
        X25519PrivateKey.generate(),
    )
    member = in_memory(identity)
    value = genesis_value(
        "test", identity, clock="replay", time=from_beijing("2015-01-01"),
        origin="miaopei.invalid/test", member_name={"zh": "测试", "en": "test"},
    )  # fmt: skip
    member.node.found(value)
    scheme.apply(member.node, scheme.load("yunnan"), shelf())
    member.work()
    end = from_beijing(until)
    coming = [a for a in history.arrivals(history.shipped_readings()) if a.at <= end]
    for _ in replay(member.node, coming, end, member.work):
        pass
    return member


@cache
def whole() -> Register:
    return of(member_at("2022-07-01"))


def of(member: Member, labels: tuple[str, ...] = ()) -> Register:
    with member.node.reading() as (reading, state):
        printed = published.read(shipped.earthquake_file("published_yunnan.csv").decode())
        return register(state, reading.head().time, printed=printed, labels=labels)


def test_the_six_printed_rows_come_out_of_stored_events() -> None:
    found = [
        (
            row["date"], row["product"], row["terms_version"], row["magnitude"],
            row["loss_fen"] // 100, row["payout_fen"] // 100, row["ratio_percent"],
        )
        for row in (each.as_json() for each in whole().paid)
    ]  # fmt: skip
    assert found == PAPER


def test_what_is_printed_stands_beside_and_is_called_so() -> None:
    rows = {row.date: row.as_json()["published"] for row in whole().paid}
    assert {row["label"] for row in rows.values()} == {"as published"}
    assert rows["2021-05-21"]["timeliness"] == {"value": "22", "unit": "hours"}
    assert rows["2017-03-27"]["timeliness"] == {"value": "1.3", "unit": "working_days"}
    homes = [rows[day]["households"] for day in sorted(rows)]
    assert [home["rebuilt"] for home in homes] == [327, 870, 876, 6425, None, None]
    assert sum(home["repaired"] or 0 for home in homes) == 15_408  # the paper's five rows


def test_every_quake_of_5_in_an_area_appears_once_for_each_product() -> None:
    """An oracle of its own: county names in the catalogue's place column, sequences by the day."""
    names = {}
    for path in (DATA / "areas").glob("*.json"):
        value = json.loads(path.read_text("utf-8"))
        counties = [name for county in value["counties"] for name in county["names"]]
        names[value["code"]] = [*value["names"], *counties]
    expected = set()
    text = (DATA / "earthquake" / "cenc_catalogue_2015_2021.csv").read_text("utf-8-sig")
    for row in csv.DictReader(text.splitlines()):
        day, place = row["发震日期（北京时间）"][:10], row["震中位置"].removeprefix("云南")
        if row["震级类型"] != "Ms" or float(row["震级"]) < 5 or not place:
            continue
        codes = {code for code, known in names.items() if any(place in name for name in known)}
        for product in ("yunnan_dali", "yunnan_yuxi"):
            area = shelf().find(product).area
            if codes & {*area["own"], *area["surrounding"]}:
                expected.add((day, product))
    expected.discard(("2018-08-14", "yunnan_yuxi"))  # within 72 hours and 50 km of 2018-08-13
    assert {(row.date, row.product) for row in whole().rows} == expected


def test_what_is_not_paid_says_why_in_both_languages() -> None:
    for row in whole().unpaid:
        assert row.payout_fen == 0
        for language in ("zh", "en"):
            assert row.reason.code not in say(row.reason, language)  # a sentence, not a code
    reasons = {(row.date, row.product): row.as_json()["reason"] for row in whole().unpaid}
    assert reasons["2015-03-01", "yunnan_dali"] == "no_terms_in_force"
    assert reasons["2018-09-08", "yunnan_dali"] == "no_assessed_loss_reported"


def test_each_shock_of_the_catalogue_is_counted_once() -> None:
    counted = sum(whole().counted["shocks"].values())
    assert counted == 536 + 4  # rows of the catalogue and of the rapid reports
    assert whole().counted["shocks"]["not_an_earthquake"] == 1


def test_while_a_report_is_missing_the_amount_is_not_known_and_not_zero() -> None:
    rows = of(member_at("2015-11-02")).rows
    (row,) = [row for row in rows if row.date == "2015-10-30"]
    assert row.state == "awaiting_report"
    assert row.payout_fen is None
    assert row.ratio_percent is None
    assert row.until == row.main["origin"] + 180 * DAY


def test_before_the_rapid_report_the_register_already_shows_the_quake() -> None:
    """2017-03-27 07:55: the catalogue came after six hours, no rapid report is on file."""
    member = member_at("2017-03-27 14:00:00")
    rows = {row.product: row for row in of(member).rows if row.date == "2017-03-27"}
    assert rows["yunnan_dali"].state == "awaiting_rapid_report"
    assert rows["yunnan_dali"].payout_fen is None
    assert rows["yunnan_dali"].role is None  # not decided yet, and so not left out


def test_a_settled_row_without_a_bank_is_not_paid() -> None:
    """ "Settled" and "paid" are different states."""
    row = whole().paid[1]
    assert row.settled_at is not None
    assert row.paid_at is None
    assert row.timeliness() is None
    assert row.settled_at - row.main["origin"] < HOUR


def test_labels_and_inferences_stand_in_every_row() -> None:
    rows = [row.as_json() for row in of(member_at("2016-01-01"), ("replay",)).rows]
    assert all(row["labels"] == ["replay"] for row in rows)
    (changning,) = [row for row in rows if row["payout_fen"]]
    assert "inferred" in changning["loss_total_is"]
    assert "推断" in changning["terms_provenance"]["zh"]
    weak = next(row.as_json() for row in whole().paid if row.version == 2)
    assert "Weak" in weak["terms_provenance"]["en"]


def test_a_product_of_another_peril_has_no_rows() -> None:
    product = shelf().find("power_restoration")
    declared = dict.fromkeys(
        [i.name for i in product.versions[0].terms.inputs if hasattr(i, "low")], 100_000
    )
    found = what_if(product, history.arrivals(history.shipped_readings()[1:2]), declared)
    assert found.rows == ()


@pytest.mark.parametrize(
    "text", ["date,product\n2015-10-30,x\n", PAPER[0][0] + "\nx\n", "date\n,,,,,,\n"]
)
def test_a_spoilt_file_of_printed_figures_is_refused(text: str) -> None:
    from miaopei.errors import Refused

    with pytest.raises(Refused):
        published.read(text)
