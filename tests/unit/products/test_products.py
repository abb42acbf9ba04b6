"""The products: figures against what was printed, areas against GB/T 2260, and the shelf."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest

from miaopei.errors import Refused
from miaopei.measures.money import wan
from miaopei.products import yunnan_dali
from miaopei.products.shelf import shelf
from miaopei.terms import build as b
from miaopei.terms.canonical import meaning_hash
from miaopei.terms.exact import settle
from miaopei.terms.filing import Product, Revision, Text, Version, input_rule
from miaopei.terms.words import Band, IfMissing, Kind, Terms, walk

# Prefectures of Yunnan by GB/T 2260 that share a border with the pilot areas.
AROUND_DALI = {
    "530700": "Lijiang", "533300": "Nujiang", "530500": "Baoshan", "530900": "Lincang",
    "530800": "Pu'er", "532300": "Chuxiong",
}  # fmt: skip
AROUND_YUXI = {"530100": "Kunming", "532300": "Chuxiong", "530800": "Pu'er", "532500": "Honghe"}


def rows(terms: Terms) -> list[tuple[int, int | None]]:
    (band,) = {node for node in walk(terms.benefit("house")) if isinstance(node, Band)}
    return [(row.low, row.value) for row in band.rows]


def test_areas() -> None:
    dali, yuxi = shelf().find("yunnan_dali"), shelf().find("yunnan_yuxi")
    assert dali.area["own"] == ["532900"]
    assert set(dali.area["surrounding"]) == set(AROUND_DALI)
    assert yuxi.area["own"] == ["530400"]
    assert set(yuxi.area["surrounding"]) == set(AROUND_YUXI)
    for product, around in ((dali, AROUND_DALI), (yuxi, AROUND_YUXI)):
        assert all(name in product.notes.en for name in around.values())


def test_the_second_contract_is_two_fifths_of_the_first_in_literal_figures() -> None:
    dali = shelf().find("yunnan_dali")
    first, second = rows(dali.version(1).terms), rows(dali.version(2).terms)
    assert first == [
        (0, 0), (50, wan(2_800)), (55, wan(5_000)), (60, wan(10_000)), (65, wan(20_000)),
        (70, wan(42_000)),
    ]  # fmt: skip
    assert [(low, 5 * (value or 0)) for low, value in second] == [
        (low, 2 * (value or 0)) for low, value in first
    ]
    assert "Weak" in dali.version(2).provenance.en
    assert "依据薄弱" in dali.version(2).provenance.zh


def test_the_misprint_of_the_formula_is_kept_in_the_notes() -> None:
    for id in ("yunnan_dali", "yunnan_yuxi"):
        notes = shelf().find(id).notes
        assert "试点地区民房地震损失-该次地震民房总损失" in notes.zh
        assert "misprint" in notes.en


def test_only_the_examples_are_illustrative() -> None:
    ours = {
        "power_restoration": True, "quake_circle": True, "yunnan_dali": False,
        "yunnan_yuxi": False,
    }  # fmt: skip
    assert {id: shelf().find(id).illustrative for id in ours} == ours


def test_every_product_is_found_by_id_and_instant() -> None:
    for product in shelf():
        assert shelf().find(product.id) is product
        for version in product.versions:
            assert shelf().at(product.id, version.since or 0) is version
    meanings = [meaning_hash(v.terms) for p in shelf() for v in p.versions]
    assert len(set(meanings)) == len(meanings)


def test_what_is_not_on_the_shelf_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        shelf().find("flood")
    assert refused.value.refusals[0].code == "terms.no_product"


def bell() -> Product:
    """A made-up cover of a made-up town: nobody's real contract."""
    ours = b.source("虚构", "made up", dated="2026-01-01")
    rings = b.observed(
        "rings", Kind.COUNT, low=0, high=1_000, zh="钟声次数", en="strokes of the bell",
        measure="value", sources=("town.bell",), if_missing=IfMissing.CLOSE,
        definition_zh="镇钟一天敲响的次数。",
        definition_en="How often the town's bell rang in a day.",
    )  # fmt: skip
    each = b.figure("each", 700, Kind.MONEY, zh="每次金额", en="the amount a stroke", source=ours)
    quiet = b.clause(
        "quiet",
        b.times(rings, each),
        zh="每次{rings}赔{each}。",
        en="For the {rings}, {each}.",
    )
    return Product(
        id="town_bell",
        name=Text("镇钟险", "Town bell cover"),
        peril="noise",
        versions=(Version(1, b.terms("town_bell", 1, quiet), 0, None, Text("虚构", "made up")),),
        grouping={"kind": "reading"},
        area={"own": ["999999"], "surrounding": []},
        inputs=(
            input_rule(
                rings,
                freeze_seconds=3_600,
                revision=Revision.REVISION_COUNTS,
                close_after_seconds=86_400,
            ),
        ),
        benefits=("quiet",),
        illustrative=True,
        notes=Text("虚构", "made up"),
    )


def test_a_product_is_added_by_one_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "town_bell.json").write_text(json.dumps(bell().as_json(), indent=2), "utf-8")
    (tmp_path / "README.md").write_text("not a product")
    found = shelf(folder=tmp_path)
    assert {p.id for p in found} == {p.id for p in shelf()} | {"town_bell"}
    terms = found.find("town_bell").version(1).terms
    assert settle(terms, "quiet", {"rings": 12}, {}, {}).amount_fen == 8_400
    assert found.find("town_bell") == bell()
    assert len(shelf()) == len(found) - 1  # the package's own shelf is as it was


def test_a_product_is_added_by_one_module() -> None:
    module = ModuleType("town_bell")
    module.PRODUCT = bell()  # type: ignore[attr-defined]
    assert shelf(module, yunnan_dali).find("town_bell").hash == bell().hash


def test_a_faulty_file_is_named_with_all_its_faults(tmp_path: Path) -> None:
    value = bell().as_json()
    value["notes"]["en"] = ""
    value["versions"][0]["terms"]["inputs"][0]["sources"] = []
    (tmp_path / "bell.json").write_text(json.dumps(value), "utf-8")
    (tmp_path / "torn.json").write_text('{"format": "miaopei.pro')
    with pytest.raises(Refused) as refused:
        shelf(folder=tmp_path)
    found = {(r.facts["file"], r.code.removeprefix("terms.")) for r in refused.value.refusals}
    assert found >= {
        ("bell.json", "text_missing"), ("bell.json", "no_source"), ("torn.json", "not_json"),
    }  # fmt: skip


def test_two_products_of_one_name_are_refused() -> None:
    other = ModuleType("other")
    other.PRODUCT = Product.from_json({**bell().as_json(), "id": "yunnan_dali"})  # type: ignore[attr-defined]
    with pytest.raises(Refused) as refused:
        shelf(other)
    assert "terms.product_twice" in {r.code for r in refused.value.refusals}
