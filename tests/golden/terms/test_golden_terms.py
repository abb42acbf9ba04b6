"""Bytes, hashes, wordings and traces as they were published. Run as a program, writes them anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from miaopei.adapters.feeds import shipped
from miaopei.measures.place import latitude, longitude, unit_vector
from miaopei.products.shelf import shelf
from miaopei.terms.canonical import filing_hash, meaning_hash
from miaopei.terms.exact import settle, trace_json
from miaopei.terms.filing import Product
from miaopei.terms.wording import as_text, sentences


def parts(name: str, lat: str, lon: str) -> dict[str, int]:
    """A position as three inputs."""
    vector = unit_vector(latitude(lat), longitude(lon))
    return {f"{name}_{axis}": part for axis, part in zip("xyz", vector, strict=True)}


HERE = Path(__file__).parent
MINUTE = 26_658_000  # 2020-09-07 16:00 UTC
SETTLED = (
    ("yunnan_dali", 2, "house", {"role": 1, "magnitude": 64}, {}, {"house": 0}),
    (
        "yunnan_dali", 1, "house",
        {"role": 2, "magnitude": 51, "loss_area": 44_800, "loss_total": 166_419}, {}, {"house": 0},
    ),
    ("yunnan_dali", 1, "house", {"role": 1, "magnitude": 55}, {}, {"house": 40_000_000_000}),
    (
        "yunnan_dali", 1, "deaths", {"role": 1, "magnitude": 60, "death_count": 801}, {},
        {"deaths": 0},
    ),
    ("yunnan_yuxi", 1, "house", {"role": 0}, {}, {"house": 0}),
    (
        "power_restoration", 1, "delay",
        {"planned_restoration": MINUTE, "actual_restoration": MINUTE + 685, "outage_cause": 1},
        {"deductible": 120, "occurrence_limit": 10_000_000}, {"delay": 0},
    ),
    (
        "quake_circle", 1, "circle",
        {**parts("centre", "25.89", "99.80"), "magnitude": 64},
        {**parts("place", "25.60", "99.90"), "sum_insured": 50_000_000}, {"circle": 40_000_000},
    ),
)  # fmt: skip


def files() -> dict[str, bytes]:
    """Name -> content of every golden file."""
    found: dict[str, bytes] = {}
    hashes: dict[str, object] = {}
    for product in shelf():
        found[f"{product.id}.json"] = product.to_bytes()
        hashes[product.id] = {
            "product": product.hash,
            "versions": [
                {"filing": filing_hash(v.terms), "meaning": meaning_hash(v.terms)}
                for v in product.versions
            ],
        }
        for version in product.versions:
            for language in ("zh", "en"):
                name = f"{product.id}-{version.number}.{language}.md"
                text_of = as_text(version.terms, language, product, shipped.spoken())  # type: ignore[arg-type]
                found[name] = text_of.encode()
    found["hashes.json"] = text(hashes)
    found["traces.json"] = text([trace(*case) for case in SETTLED])
    return found


def trace(product: str, number: int, benefit: str, *facts: dict[str, int]) -> dict[str, object]:
    terms = shelf().find(product).version(number).terms
    result = settle(terms, benefit, *facts)
    return {
        "product": product,
        "version": number,
        "benefit": benefit,
        **dict(zip(("observed", "declared", "spent"), facts, strict=True)),
        **trace_json(result),
        "zh": list(sentences(terms, result, "zh")),
        "en": list(sentences(terms, result, "en")),
    }


def text(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


@pytest.mark.parametrize("name", sorted(files()))
def test_nothing_published_has_changed(name: str) -> None:
    assert (HERE / name).read_bytes() == files()[name]


def test_no_golden_file_is_left_over() -> None:
    kept = {p.name for p in HERE.iterdir() if p.suffix in {".json", ".md"}}
    assert kept == {*files(), "README.md"}


def test_published_filings_can_be_read_and_are_sound() -> None:
    for product in shelf():
        read = Product.from_bytes((HERE / f"{product.id}.json").read_bytes())
        assert read == product
        assert read.check() == ()


if __name__ == "__main__":
    for file_name, content in files().items():
        (HERE / file_name).write_bytes(content)
