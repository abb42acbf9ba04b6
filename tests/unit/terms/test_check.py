"""Each refusal of `check`, produced by one small fault in terms that are otherwise sound."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest

from miaopei.errors.texts import say
from miaopei.products.shelf import shelf
from miaopei.terms.check import check, check_file, check_json

Change = Callable[[dict[str, Any]], object]
DALI = shelf().find("yunnan_dali").as_json()
DELAY = shelf().find("power_restoration").as_json()


def terms_of(product: dict[str, Any]) -> dict[str, Any]:
    return product["versions"][0]["terms"]


def part(terms: dict[str, Any], table: str, name: str) -> dict[str, Any]:
    return next(item for item in terms[table] if item["name"] == name)


def clause(terms: dict[str, Any], name: str) -> dict[str, Any]:
    return part(terms, "clauses", name)


def band(terms: dict[str, Any]) -> list[dict[str, Any]]:
    return clause(terms, "band_limit")["body"]["rows"]


def magnitude(terms: dict[str, Any]) -> dict[str, Any]:
    return part(terms, "inputs", "magnitude")


def put(target: dict[str, Any], **values: Any) -> None:
    target.update(values)


def body(terms: dict[str, Any], name: str, **values: Any) -> None:
    clause(terms, name)["body"].update(values)


ZERO = {"word": "fixed", "value": 0, "kind": "money"}
MINUTE = {"word": "fixed", "value": 0, "kind": "minutes"}
FLAG = {"word": "fixed", "value": 1, "kind": "flag"}


def say_digit(t: dict[str, Any]) -> None:
    clause(t, "band_limit")["zh"] += "3"


TERMS: list[tuple[str, Change]] = [
    ("not_terms", lambda t: put(t, format="other/1")),
    ("unknown_field", lambda t: put(t, extra=1)),
    ("unknown_field", lambda t: put(magnitude(t), extra=1)),
    ("field_missing", lambda t: magnitude(t).pop("kind")),
    ("bad_value", lambda t: put(magnitude(t), kind="weight")),
    ("bad_value", lambda t: put(t, version=0)),
    ("bad_value", lambda t: put(t, currency="USD")),
    ("bad_value", lambda t: put(t, governing="fr")),
    ("bad_value", lambda t: put(t, filed_wording_digest="abc")),
    ("bad_value", lambda t: put(t, benefits=[])),
    ("unknown_word", lambda t: body(t, "house", word="maximum")),
    ("unknown_word", lambda t: put(t["inputs"][0], word="guessed")),
    ("unknown_name", lambda t: put(t, benefits=["house", "flood"])),
    ("unknown_name", lambda t: body(t, "house", items=[{"clause": "roof"}, ZERO])),
    ("unknown_name", lambda t: body(t, "house_left", right={
        "word": "spent", "benefit": "roof", "within": "policy_year",
        "high": {"figure": "house_year"}})),
    ("not_filed_form", lambda t: t["figures"].reverse()),
    ("not_filed_form", lambda t: t["figures"].append({**t["figures"][0], "name": "spare"})),
    ("not_filed_form", lambda t: magnitude(t).pop("codes")),
    ("name_twice", lambda t: put(magnitude(t), name="role")),
    ("bad_name", lambda t: put(t, id="Dali earthquake")),
    ("kinds_mixed", lambda t: body(t, "house", items=[{"clause": "house_rule"}, MINUTE])),
    ("kinds_mixed", lambda t: put(t["figures"][0], kind="minutes")),
    ("kinds_mixed", lambda t: body(t, "house_rule", test={"input": "magnitude"})),
    ("kinds_mixed", lambda t: put(clause(t, "deaths"), body=FLAG)),
    ("too_few", lambda t: body(t, "house", items=[{"clause": "house_rule"}])),
    ("fixed_number", lambda t: body(t, "house_rule", otherwise={**ZERO, "value": 28})),
    ("bad_rounding", lambda t: clause(t, "house_share")["body"]["then"].update(unit_fen=0)),
    ("bad_rounding", lambda t: clause(t, "house_share")["body"]["then"].update(rounding="exact")),
    ("bad_position", lambda t: body(t, "house_rule", test={
        "word": "near", "of": [], "centre": [], "radius": {"figure": "house_year"}})),
    ("no_range", lambda t: magnitude(t).pop("high")),
    ("no_range", lambda t: put(magnitude(t), low=None)),
    ("bad_range", lambda t: put(magnitude(t), low=101)),
    ("no_source", lambda t: put(magnitude(t), sources=[])),
    ("no_source", lambda t: magnitude(t).pop("sources")),
    ("no_source", lambda t: t["figures"][0]["source"].update(dated="")),
    ("no_source", lambda t: clause(t, "band_limit")["body"]["source"].update(zh=" ")),
    ("no_fallback", lambda t: put(magnitude(t), fallback=[], if_missing=None)),
    ("no_definition", lambda t: magnitude(t).pop("definition_zh")),
    ("no_definition", lambda t: put(magnitude(t), definition_en="")),
    ("no_measure", lambda t: put(magnitude(t), measure="")),
    ("bad_codes", lambda t: put(part(t, "inputs", "role"), codes=[])),
    ("bad_codes", lambda t: put(part(t, "inputs", "role"), high=3)),
    ("bad_codes", lambda t: put(magnitude(t), codes=part(t, "inputs", "role")["codes"])),
    ("unused_input", lambda t: t["inputs"].append({**magnitude(t), "name": "depth"})),
    ("empty_table", lambda t: body(t, "band_limit", rows=[])),
    ("band_gap", lambda t: band(t).pop(2)),
    ("band_gap", lambda t: band(t).pop(0)),
    ("band_gap", lambda t: put(band(t)[-1], high=90)),
    ("band_overlap", lambda t: put(band(t)[2], low=54)),
    ("band_overlap", lambda t: put(band(t)[2], high=None)),
    ("band_unsorted", lambda t: band(t).reverse()),
    ("band_unsorted", lambda t: put(band(t)[2], high=55)),
    ("unknown_code", lambda t: clause(t, "house_rule")["body"]["test"].update(codes=[7])),
    ("definitions_differ", lambda t: put(magnitude(t), definition_en="Above 5.")),
    ("text_missing", lambda t: put(magnitude(t), zh="")),
    ("text_missing", lambda t: put(clause(t, "house"), en=" ")),
    ("text_digit", say_digit),
    ("text_digit", lambda t: put(clause(t, "house"), en=clause(t, "house")["en"] + "\uff15")),
    ("text_lacks", lambda t: put(clause(t, "house"), zh="房屋赔付。")),
    ("text_beyond", lambda t: put(clause(t, "house"), en=clause(t, "house")["en"] + "{deaths}")),
    ("text_braces", lambda t: put(clause(t, "house"), en=clause(t, "house")["en"] + "}")),
    ("texts_differ", lambda t: put(clause(t, "band_limit"), en="The limit of the band.")),
    ("below_zero", lambda t: put(clause(t, "house"), body={
        "word": "minus", "left": {"clause": "house_rule"}, "right": {"clause": "house_left"}})),
    ("overflow", lambda t: put(part(t, "inputs", "loss_area"), high=10**10)),
    ("share_below_zero", lambda t: put(part(t, "inputs", "loss_area"), low=-1)),
]  # fmt: skip

TIERS: list[tuple[str, Change]] = [
    ("tier_unsorted", lambda t: clause(t, "hourly")["body"]["rates"].reverse()),
    ("tier_unsorted", lambda t: clause(t, "hourly")["body"]["rates"].pop(0)),
    ("empty_table", lambda t: body(t, "hourly", rates=[])),
    ("rate_below_zero", lambda t: clause(t, "hourly")["body"]["rates"][0].update(fen=-1)),
    ("bad_unit", lambda t: body(t, "hourly", size=0)),
    ("bad_unit", lambda t: body(t, "hourly", counting="exact")),
    ("pays_too_much", lambda t: (
        [rate.update(fen=10**11) for rate in clause(t, "hourly")["body"]["rates"]],
        put(t, benefits=["hourly"], clauses=t["clauses"][:2], figures=[], inputs=t["inputs"][1:4]),
    )),
]  # fmt: skip

PRODUCTS: list[tuple[str, Change]] = [
    ("not_terms", lambda p: put(p, format="x")),
    ("unknown_field", lambda p: put(p, extra=1)),
    ("bad_value", lambda p: p.pop("peril")),
    ("bad_value", lambda p: put(p, illustrative=1)),
    ("bad_name", lambda p: put(p, id="Dali!")),
    ("no_versions", lambda p: put(p, versions=[], inputs=[])),
    ("text_missing", lambda p: p["notes"].update(en="")),
    ("text_missing", lambda p: p["versions"][1]["provenance"].update(zh="")),
    ("bad_period", lambda p: put(p, policy_period="month")),
    ("wrong_version", lambda p: put(p["versions"][1], number=3)),
    ("wrong_version", lambda p: put(p["versions"][0]["terms"], version=2)),
    ("wrong_version", lambda p: put(p["versions"][0]["terms"], id="yunnan_yuxi")),
    ("wrong_benefits", lambda p: put(p, benefits=["deaths", "house"])),
    ("ends_before_start", lambda p: put(p["versions"][0], until=p["versions"][0]["since"])),
    ("versions_overlap", lambda p: put(p["versions"][0], until=None)),
    ("versions_overlap", lambda p: put(p["versions"][1], since=p["versions"][0]["until"] - 1)),
    ("no_rule", lambda p: p["inputs"].pop()),
    ("rule_differs", lambda p: put(p["inputs"][1], sources=["usgs.comcat"])),
    ("rule_differs", lambda p: put(p["inputs"][1], fallback=[])),
    ("rule_differs", lambda p: put(p["inputs"][1], close_after_seconds=5)),
    ("rule_differs", lambda p: p["inputs"][1]["definition"].update(zh="别的")),
    ("rule_differs", lambda p: p["inputs"][2]["params"].update(item="power")),
    ("unused_input", lambda p: p["inputs"].append({**p["inputs"][0], "name": "depth"})),
    ("bad_quorum", lambda p: put(p["inputs"][0], operators=0)),
    ("bad_quorum", lambda p: put(p["inputs"][0], tolerance=-1)),
    ("bad_deadline", lambda p: put(p["inputs"][0], freeze_seconds=-1)),
    ("bad_grouping", lambda p: p["grouping"].pop("kind")),
    ("bad_grouping", lambda p: put(p["grouping"], hours=0)),
    ("bad_area", lambda p: put(p["area"], own=["5329"])),
    ("bad_area", lambda p: p["area"].pop("cells")),
    ("not_filed_form", lambda p: put(p["inputs"][0], extra=1)),
    ("bad_value", lambda p: put(p["inputs"][0], revision="never")),
    ("name_twice", lambda p: p["inputs"].append(p["inputs"][0])),
]


def found(value: Any) -> set[str]:
    refusals = check_json(value)
    for refusal in refusals:
        for language in ("zh", "en"):
            text = say(refusal, language)  # type: ignore[arg-type]
            assert "?" not in text, text
            assert text != f"{refusal.code} {dict(refusal.facts)}"
    return {refusal.code.removeprefix("terms.") for refusal in refusals}


def spoilt(value: dict[str, Any], change: Change) -> dict[str, Any]:
    value = copy.deepcopy(value)
    change(value)
    return value


@pytest.mark.parametrize(
    ("code", "change"), TERMS, ids=[f"{i}-{c}" for i, (c, _) in enumerate(TERMS)]
)
def test_one_fault_in_terms(code: str, change: Change) -> None:
    assert code in found(spoilt(terms_of(DALI), change))


@pytest.mark.parametrize(
    ("code", "change"), TIERS, ids=[f"{i}-{c}" for i, (c, _) in enumerate(TIERS)]
)
def test_one_fault_in_tiers(code: str, change: Change) -> None:
    assert code in found(spoilt(terms_of(DELAY), change))


@pytest.mark.parametrize(
    ("code", "change"), PRODUCTS, ids=[f"{i}-{c}" for i, (c, _) in enumerate(PRODUCTS)]
)
def test_one_fault_in_a_product(code: str, change: Change) -> None:
    assert code in found(spoilt(DALI, change))


def test_sound_products_have_no_fault() -> None:
    for product in shelf():
        assert product.check() == ()
        for version in product.versions:
            assert check(version.terms) == ()
        assert check_file(json.dumps(product.as_json(), indent=2).encode()) == ()


def test_all_faults_come_out_at_once() -> None:
    value = spoilt(terms_of(DALI), lambda t: magnitude(t).pop("high"))
    magnitude(value).pop("definition_zh")
    magnitude(value)["sources"] = []
    band(value)[2]["low"] = 54
    clause(value, "house")["zh"] = "房屋赔付9。"
    value["extra"] = 1
    assert found(value) >= {
        "no_range", "no_definition", "no_source", "band_overlap", "text_digit", "text_lacks",
        "texts_differ", "unknown_field",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"[1, 2", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"null", "not_terms"),
        (b"[]", "not_terms"),
        (b'{"format": 1.5}', "not_whole"),
        (b'{"format": NaN}', "not_whole"),
        (b'{"format": "a", "format": "b"}', "name_twice"),
        (b'{"versions": 3}', "not_terms"),
        (b" " * 4_000_001, "not_json"),
    ],
)
def test_files_that_are_no_terms(data: bytes, code: str) -> None:
    assert [r.code for r in check_file(data)] == [f"terms.{code}"]


def test_an_input_that_is_used_but_not_listed() -> None:
    terms = shelf().find("yunnan_dali").version(1).terms
    short = replace(terms, inputs=terms.inputs[1:])
    assert "terms.unlisted_input" in {refusal.code for refusal in check(short)}


MADE_ELSEWHERE = {
    # evaluation: test_exact.py, test_columnar.py
    *("no_benefit", "missing_input", "not_whole", "out_of_range", "band_unset", "outside_table"),
    *("whole_is_zero", "part_exceeds_whole", "ragged_columns"),
    # readers and the shelf: test_canonical.py, test_filing.py, tests/unit/products
    *("too_large", "not_json", "no_version", "no_product", "product_twice"),
}


def test_every_code_with_a_text_is_produced_somewhere() -> None:
    table = tomllib.loads((files("miaopei.errors") / "texts" / "terms.toml").read_text("utf-8"))
    assert all(set(texts) == {"zh", "en"} for texts in table.values())
    here = {code for cases in (TERMS, TIERS, PRODUCTS) for code, _ in cases}
    assert set(table) == here | MADE_ELSEWHERE | {"unlisted_input"}
