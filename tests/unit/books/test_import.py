"""Files of policies: what is read, what is refused by row and column, and that the rest goes on."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from miaopei.adapters.books.reading import Reader
from miaopei.adapters.books.tables import open_table
from miaopei.claims.confirm import alone
from miaopei.cli.books.preview import preview_of
from miaopei.cli.books.sheet import Sheet
from miaopei.cli.speak import Speaker
from miaopei.errors import Refused
from miaopei.measures.instant import from_beijing
from miaopei.measures.money import yuan
from miaopei.measures.place import latitude, longitude, unit_vector
from miaopei.node.mass import importing
from miaopei.node.mass.importing import import_policies
from miaopei.node.vault.tokens import SubjectKeys
from miaopei.settings import Language
from miaopei.terms import build as b
from miaopei.terms.words import Declared, Kind
from tests.support.products import hills
from tests.support.town import Town

SHARES = b.declared("shares", Kind.COUNT, low=1, high=100, zh="份数", en="shares")
SUM = b.declared("insured", Kind.MONEY, low=1, high=yuan(500_000), zh="保额", en="sum")
PLACE = [
    b.declared(f"place_{axis}", Kind.COUNT, low=-(2**30), high=2**30, zh=axis, en=axis)
    for axis in "xyz"
]
HEAD = ["policy_number", "since", "until", "premium_yuan", "account", "name", "shares"]
GOOD = ["P1", "2015-08-20", "2018-08-20", "120.50", "6222", "刘一", "7"]
OED = [
    "PortNumber,AccNumber,LocNumber,Latitude,Longitude,BuildingTIV,LocCurrency",
    "1,A1,1,25.890000,99.800000,300000.00,CNY",
    "1,A1,2,NaN,99.8,300000,CNY",
    "1,A1,3,25.8,199.8,300000,CNY",
    "1,A1,4,25.8,99.8,-1,CNY",
    "1,A1,5,25.8,99.8,300000,GBP",
    "1,A1,1,25.8,99.8,300000,CNY",
    "1,A2,1,25.8,99.8,300000.001,CNY",
    "1,A2,1,-90,180,1,CNY",
]


def table_of(path: Path, rows: Sequence[Sequence[str]], encoding: str = "utf-8") -> Path:
    """A CSV of ours."""
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows([HEAD, *rows])
    return path


def faults_of(path: Path, declared: Sequence[Declared], **more: str) -> list[tuple[Any, ...]]:
    """Row, column and code of every fault in a file."""
    table = open_table(path)
    reader = Reader(table.columns, declared, **more)
    return [
        (fault.facts["row"], fault.facts["column"], fault.code.removeprefix("import."))
        for number, cells in table.rows()
        for fault in reader.read(number, cells)[1]
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_row_is_read_whole_and_without_fractions(tmp_path: Path, encoding: str) -> None:
    table = open_table(table_of(tmp_path / "p.csv", [GOOD], encoding))
    ((number, cells),) = table.rows()
    wanted, faults = Reader(table.columns, [SHARES]).read(number, cells)
    assert (faults, table.count) == ([], 1)
    assert wanted is not None
    assert (wanted.since, wanted.until) == (from_beijing("2015-08-20"), from_beijing("2018-08-20"))
    assert (wanted.premium_fen, wanted.declared) == (12_050, {"shares": 7})
    assert wanted.payee == {"account": "6222", "name": "刘一"}


def test_a_customer_becomes_a_token_and_stands_in_no_refusal(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    rows = [[*GOOD, "0571001"], ["P2", *GOOD[1:], "05 71"], ["P3", *GOOD[1:], ""]]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([[*HEAD, "customer"], *rows])
    table = open_table(path)
    keys = SubjectKeys("grid", {1: b"k" * 32})
    reader = Reader(table.columns, [SHARES], token=keys.token)
    (good, _), (bad, faults), (without, _) = (reader.read(n, cells) for n, cells in table.rows())
    assert good is not None
    assert good.subject == keys.token("0571001")
    assert without is not None
    assert without.subject is None
    assert bad is None
    assert [fault.code for fault in faults] == ["import.bad_customer"]
    assert "05 71" not in str(faults)


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("policy_number", "", "empty"),
        ("policy_number", "P0", "number_twice"),
        ("since", "2015-02-30", "not_a_day"),
        ("since", "2018-08-20", "ends_before_start"),
        ("until", "yesterday", "not_a_day"),
        ("premium_yuan", "-1", "out_of_range"),
        ("premium_yuan", "1.005", "too_fine"),
        ("premium_yuan", "NaN", "not_a_number"),
        ("shares", "0", "out_of_range"),
        ("shares", "101", "out_of_range"),
        ("shares", "7.5", "too_fine"),
        ("shares", "", "empty"),
        ("shares", "inf", "not_a_number"),
        ("shares", "七", "not_a_number"),
        ("shares", "７", "not_a_number"),
        ("premium_yuan", "500000,00", "not_a_number"),
        ("premium_yuan", "1,5", "not_a_number"),
        ("premium_yuan", "1,2,3", "not_a_number"),
        ("premium_yuan", ",500", "not_a_number"),
        ("premium_yuan", "1234,567", "not_a_number"),
        ("premium_yuan", "1,234.5,6", "not_a_number"),
        ("premium_yuan", "1,234.567", "too_fine"),
    ],
)
def test_a_fault_is_named_and_the_next_row_is_read(
    tmp_path: Path, column: str, value: str, code: str
) -> None:
    spoilt = [value if name == column else cell for name, cell in zip(HEAD, GOOD, strict=True)]
    first, last = ["P0", *GOOD[1:]], ["P2", *GOOD[1:]]
    path = table_of(tmp_path / "p.csv", [first, spoilt, last])
    shown = "until" if code == "ends_before_start" else column
    assert faults_of(path, [SHARES]) == [(3, shown, code)]


@pytest.mark.parametrize(
    ("said", "fen"),
    [("500,000.00", 50_000_000), ("1,234,567.8", 123_456_780), ("+12.50", 1_250), ("0", 0)],
)
def test_commas_between_thousands_are_read_and_change_nothing(
    tmp_path: Path, said: str, fen: int
) -> None:
    table = open_table(table_of(tmp_path / "p.csv", [[*GOOD[:3], said, *GOOD[4:]]]))
    ((number, cells),) = table.rows()
    wanted, faults = Reader(table.columns, [SHARES]).read(number, cells)
    assert wanted is not None, faults
    assert wanted.premium_fen == fen


@given(st.decimals(-90, 90, places=9, allow_nan=False), st.decimals(-180, 180, places=9))
def test_a_place_is_the_one_that_a_bulletin_or_the_command_line_gives(
    lat: Decimal, lon: Decimal
) -> None:
    cells = dict(zip(HEAD, GOOD, strict=True)) | {"Latitude": f"{lat:f}", "Longitude": f"{lon:f}"}
    wanted, faults = Reader([*cells], [SHARES, *PLACE]).read(2, cells)
    assert wanted is not None, faults
    found = tuple(wanted.declared[f"place_{axis}"] for axis in "xyz")
    assert found == unit_vector(latitude(f"{lat:f}"), longitude(f"{lon:f}"))
    micro = [int(x.quantize(Decimal("0.000001"), ROUND_HALF_UP) * 10**6) for x in (lat, lon)]
    assert found == unit_vector(*micro)


@pytest.mark.parametrize(
    ("language", "shown"),
    [("en", "25.890001 N, 99.80 E, sum 300,000.50 yuan"), ("zh", "保额 300,000.50元")],
)
def test_a_preview_shows_yuan_and_degrees_and_counts_what_has_no_premium(
    tmp_path: Path, language: Language, shown: str
) -> None:
    path = tmp_path / "location.csv"
    rows = ["A1,1,25.8900005,99.8,300000.50", "A1,2,25.8,99.8,x", "A1,3,25.8,99.8,1"]
    path.write_text("\n".join(["AccNumber,LocNumber,Latitude,Longitude,BuildingTIV", *rows]))
    table = open_table(path)
    reader = Reader(table.columns, [SUM, *PLACE], since="2015-08-20", until="2018-08-20")
    sheet = Sheet(tmp_path / "errors.csv", language, tmp_path / "p.csv")
    told = preview_of(table, reader, sheet, alone, Speaker(language))
    sheet.close()
    assert (told["issued"], told["refused"], told["without_premium"]) == (2, 1, 2)
    assert shown in told["first"][0]
    said = Speaker(language).text("import_without_premium", count=told["without_premium"])
    assert "premium_yuan" in said


def test_an_oed_location_file_is_told_by_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "location.csv"
    path.write_text("\n".join(OED) + "\n", "utf-8")
    days = {"since": "2015-08-20", "until": "2018-08-20"}
    assert faults_of(path, [SUM], **days) == [
        (3, "Latitude", "not_a_number"),
        (4, "Longitude", "out_of_range"),
        (5, "BuildingTIV", "out_of_range"),
        (6, "LocCurrency", "currency"),
        (7, "LocNumber", "number_twice"),
        (8, "BuildingTIV", "too_fine"),
    ]
    table = open_table(path)
    reader = Reader(table.columns, [SUM, *PLACE], **days)
    (number, cells), *_ = table.rows()
    wanted, _ = reader.read(number, cells)
    assert wanted is not None
    x, y, z = unit_vector(25_890_000, 99_800_000)
    assert wanted.declared == {
        "insured": yuan(300_000), "place_x": x, "place_y": y, "place_z": z
    }  # fmt: skip


def test_a_parquet_file_gives_what_the_csv_gives(tmp_path: Path) -> None:
    rows = [GOOD, ["P2", *GOOD[1:-1], "200"]]
    columns = {name: [row[i] for row in rows] for i, name in enumerate(HEAD)}
    numbers = {**columns, "shares": [7, 200], "premium_yuan": [120.5, float("nan")]}
    parquet.write_table(pa.table(numbers), tmp_path / "p.parquet")
    assert faults_of(tmp_path / "p.parquet", [SHARES]) == [
        (3, "shares", "out_of_range"),
        (3, "premium_yuan", "not_a_number"),
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "no_heading"), ("one\n1\n", "no_heading"), ("a,a\n1,2\n", "no_heading")],
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str, code: str) -> None:
    path = tmp_path / "p.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(Refused) as refused:
        open_table(path)
    assert refused.value.refusals[0].code == f"import.{code}"
    with pytest.raises(Refused, match="columns_missing"):
        Reader(HEAD[:-1], [SHARES])


def test_stopped_in_the_middle_an_import_goes_on_and_issues_each_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = Town().set_up()
    book = town.list_product(hills(units=True))
    rows = [[f"P{i}", *GOOD[1:-1], str(i)] for i in range(1, 26)]
    rows[3][-1] = "NaN"
    table = open_table(table_of(tmp_path / "p.csv", rows))
    monkeypatch.setattr(importing, "AT_ONCE", 10)
    sheet = Sheet(tmp_path / "errors.csv", "en", tmp_path / "p.csv")

    def run(cut: int) -> Any:
        reader = Reader(table.columns, [SHARES])

        def read() -> Any:
            for number, cells in table.rows():
                if number > cut:
                    raise KeyboardInterrupt
                yield reader.read(number, cells)

        return import_policies(
            town.node, town.decider, book, table.digest, read(), sheet.add, lambda _rows: None
        )

    with pytest.raises(KeyboardInterrupt):
        run(15)
    assert town.table("book")[book]["size"] == 9
    done = run(1_000)
    sheet.close()
    assert (done.rows, done.issued, done.refused) == (25, 15, 1)
    with town.store.reading() as reading:
        found = [r.row.declared["shares"] for r in reading.rows(book, 100)]
    assert sorted(found) == [i for i in range(1, 26) if i != 4]
    text = (tmp_path / "errors.csv").read_text("utf-8-sig")
    lines = list(csv.reader(text.splitlines()))
    assert lines[0] == ["row", "column", "value", "limit", "what to do"]
    assert lines[1][:3] == ["5", "shares", "NaN"]


def lines_of(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    """A CSV as its lines stand, under our heading."""
    path.write_bytes("\r\n".join([",".join(HEAD), *lines, ""]).encode(encoding))
    return path


@pytest.mark.parametrize(
    ("torn", "code"),
    [
        ("A-1,2026-01-01,2027-01-01,120.50,6222000001,LiuYi,500,7", "torn"),
        ("A-1,2026-01-01,2027-01-01,120.50,6222000001,LiuYi", "torn"),
        ('A-1,2026-01-01,2027-01-01,120.50,6222000001,"Zhang,7', "unsplit"),
        ('A-1,2026-01-01,2027-01-01,120.50,6222000001,"Li"x,7', "unsplit"),
    ],
)
def test_a_row_that_does_not_fill_its_columns_is_refused_and_draws_in_no_other(
    tmp_path: Path, torn: str, code: str
) -> None:
    good = ",".join(GOOD)
    other = good.replace("P1", "P2").replace("刘一", '"李""二, 三"')
    path = lines_of(tmp_path / "p.csv", good, torn, "", other)
    assert faults_of(path, [SHARES]) == [(3, "", code)]
    table = open_table(path)
    read = [wanted for wanted, _ in Reader(table.columns, [SHARES]).all(table.rows()) if wanted]
    assert [each.payee["name"] for each in read] == ["刘一", '李"二, 三']


def test_two_open_quotes_do_not_become_one_policy(tmp_path: Path) -> None:
    """One row's account and the next one's sum, if a line break could stand inside a cell."""
    rows = ['A-1,2026-01-01,2027-01-01,1,6222,"Zhang,5', 'A-2,2026-01-01,2027-01-01,1,6223,Li",9']
    path = lines_of(tmp_path / "p.csv", *rows)
    assert faults_of(path, [SHARES]) == [(2, "", "unsplit")]
    table = open_table(path)
    read = [wanted for wanted, _ in Reader(table.columns, [SHARES]).all(table.rows()) if wanted]
    assert [each.payee["account"] for each in read] == ["6223"]


def test_a_cell_as_long_as_a_book_is_refused_and_the_next_row_is_read(tmp_path: Path) -> None:
    long = [*GOOD[:5], "刘" * 200_000, "7"]
    path = table_of(tmp_path / "p.csv", [long, ["P2", *GOOD[1:]]])
    assert faults_of(path, [SHARES]) == [(2, "name", "too_long")]
    quoted = lines_of(tmp_path / "q.csv", ",".join([*GOOD[:5], f'"{"x" * 200_000}"', "7"]))
    assert faults_of(quoted, [SHARES]) == [(2, "", "unsplit")]


def test_a_name_with_control_characters_is_refused(tmp_path: Path) -> None:
    path = table_of(tmp_path / "p.csv", [[*GOOD[:5], "刘\x00一", "7"]])
    assert faults_of(path, [SHARES]) == [(2, "name", "control")]


def test_the_encoding_is_that_of_the_whole_file_and_nothing_is_replaced(tmp_path: Path) -> None:
    rows = [[f"P{at}", *GOOD[1:5], "ascii", "7"] for at in range(3_000)]
    path = table_of(tmp_path / "p.csv", [*rows, GOOD], "gb18030")
    assert path.stat().st_size > 1 << 17
    table = open_table(path)
    names = {cells["name"] for _, cells in table.rows()}
    assert (table.encoding, names) == ("gb18030", {"ascii", "刘一"})
    path.write_bytes(path.read_bytes() + b"P9,2015-08-20,2018-08-20,1,6222,\xff\xff,7\n")
    with pytest.raises(Refused) as refused:
        open_table(path)
    assert refused.value.refusals[0].code == "import.no_text"


def test_the_days_that_a_file_leaves_out_are_part_of_what_its_batches_are_known_by(
    tmp_path: Path,
) -> None:
    path = tmp_path / "p.csv"
    path.write_text("policy_number,shares\nP1,7\n")
    own = open_table(table_of(tmp_path / "q.csv", [GOOD]))
    open_ = open_table(path)

    def name(table: Any, since: str, until: str) -> str:
        return Reader(table.columns, [SHARES], since, until).layout.named(table.digest)

    year, next_ = ("2026-01-01", "2027-01-01"), ("2027-01-01", "2028-01-01")
    assert name(open_, *year) == name(open_, *year) != name(open_, *next_)
    assert name(own, "", "") == name(own, *year) == own.digest


def test_the_sheet_never_stands_in_the_place_of_what_is_read(tmp_path: Path) -> None:
    path = table_of(tmp_path / "p.csv", [GOOD])
    before = path.read_bytes()
    (tmp_path / "other.csv").hardlink_to(path)
    (tmp_path / "pointer.csv").symlink_to(path)
    for name in ("p.csv", "other.csv", "pointer.csv"):
        with pytest.raises(Refused) as refused:
            Sheet(tmp_path / name, "en", path)
        assert refused.value.refusals[0].code == "import.same_file"
    assert path.read_bytes() == before


def test_the_sheet_is_whole_or_not_there_and_nothing_in_it_calculates(tmp_path: Path) -> None:
    row = ["=1+1", "-5", "@x", "-1.5", "=A", "=HYPERLINK(1)" * 60, "+cmd|x"]
    path = table_of(tmp_path / "p.csv", [row])
    table, target = open_table(path), tmp_path / "errors.csv"
    sheet = Sheet(target, "en", path)
    for number, cells in table.rows():
        sheet.add(Reader(table.columns, [SHARES]).read(number, cells)[1])
    assert not target.exists()
    sheet.close()
    assert [each.name for each in tmp_path.glob("*.part")] == []
    lines = list(csv.reader(target.read_text("utf-8-sig").splitlines()))[1:]
    values = {line[1]: line[2] for line in lines}
    assert values["premium_yuan"] == "-1.5"
    assert (values["until"], values["shares"]) == ("'@x", "'+cmd|x")
    assert not any(cell.startswith(("=", "+", "@")) for line in lines for cell in line)


def test_columns_that_nothing_is_read_from_are_named(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("policy_number,since,until,Premium_yuan,acount,name,shares\n")
    assert Reader(open_table(path).columns, [SHARES]).layout.unused == ["Premium_yuan", "acount"]
    location = [name for name in OED[0].split(",") if name != "LocCurrency"]
    days = ("2026-01-01", "2027-01-01")
    for columns, assumed in ((location, True), ([*location, "LocCurrency"], False)):
        layout = Reader(columns, [SUM, *PLACE], *days).layout
        assert (layout.unused, layout.assumes_currency) == (["PortNumber"], assumed)


def test_an_account_number_is_the_same_with_blanks_around_it(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_text("\n".join([OED[0], OED[1], OED[1].replace("A1", " A1 "), ""]))
    days = {"since": "2026-01-01", "until": "2027-01-01"}
    assert faults_of(path, [SUM, *PLACE], **days) == [(3, "LocNumber", "number_twice")]
