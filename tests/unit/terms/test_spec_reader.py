"""Another implementer's reading: docs/specs/terms.md alone, on the published JSON, with fractions.

Imports nothing of the house: what it cannot do is a gap in the specification.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parents[2] / "golden" / "terms"


def threshold(metres: int) -> int:
    """ceil(2**60 cos(r / 6,371,008.8 m)), by the series of the cosine to 50 digits."""
    with localcontext() as context:
        context.prec = 60
        angle = Decimal(metres) / Decimal("6371008.8")
        cosine = term = Decimal(1)
        for n in range(1, 60):
            term *= -angle * angle / ((2 * n - 1) * (2 * n))
            cosine += term
        return int((cosine * 2**60).to_integral_value(ROUND_CEILING))


class Reader:
    """Section 3 of the specification over the form of section 5."""

    def __init__(self, terms: dict[str, Any], facts: Mapping[str, dict[str, int]]) -> None:
        tables = ("inputs", "figures", "clauses")
        self.named = {part["name"]: part for table in tables for part in terms[table]}
        self.facts = facts

    def of(self, word: dict[str, Any]) -> int:
        if "word" not in word:
            ((table, name),) = word.items()
            part = self.named[name]
            if table == "figure":
                return int(part["value"])
            return self.of(part["body"]) if table == "clause" else self.given(part)
        match word["word"]:
            case "fixed":
                return int(word["value"])
            case "spent":
                return self.facts["spent"][word["benefit"]]
            case "plus":
                return sum(self.of(item) for item in word["items"])
            case "minus":
                return self.of(word["left"]) - self.of(word["right"])
            case "times":
                return self.of(word["count"]) * self.of(word["each"])
            case "least":
                return min(self.of(item) for item in word["items"])
            case "most":
                return max(self.of(item) for item in word["items"])
            case "either":
                return self.of(word["then"] if self.of(word["test"]) else word["otherwise"])
            case "at_least":
                return int(self.of(word["left"]) >= self.of(word["right"]))
            case "one_of":
                return int(self.of(word["of"]) in word["codes"])
            case "every":
                return int(all(self.of(item) for item in word["items"]))
            case "any":
                return int(any(self.of(item) for item in word["items"]))
            case "not":
                return 1 - self.of(word["item"])
            case "near":
                pairs = zip(word["of"], word["centre"], strict=True)
                product = sum(self.of(part) * self.of(other) for part, other in pairs)
                return int(product >= threshold(self.of(word["radius"])))
        return getattr(self, word["word"])(word)  # type: ignore[no-any-return]

    def given(self, part: dict[str, Any]) -> int:
        value = self.facts[part["word"]][part["name"]]
        assert part["low"] <= value <= part["high"]
        return value

    def pro_rata(self, word: dict[str, Any]) -> int:
        part, whole = self.of(word["part"]), self.of(word["whole"])
        assert 0 <= part <= whole > 0
        units = Fraction(self.of(word["amount"])) * part / whole / word["unit_fen"]
        if word["rounding"] == "half_up":
            units += Fraction(1, 2)
        return math.floor(units) * int(word["unit_fen"])

    def band(self, word: dict[str, Any]) -> int:
        of = self.of(word["of"])
        (row,) = [
            row
            for row in word["rows"]
            if row["low"] <= of and (row["high"] is None or of < row["high"])
        ]
        return int(row["value"])

    def tier(self, word: dict[str, Any]) -> int:
        share = Fraction(self.of(word["of"]), word["size"])
        units = max(0, math.ceil(share) if word["counting"] == "started" else math.floor(share))
        steps = [*word["rates"], {"units": math.inf}]
        return sum(
            rate["fen"]
            for unit in range(units)
            for rate, after in pairwise(steps)
            if rate["units"] <= unit < after["units"]
        )


@pytest.mark.parametrize("case", json.loads((GOLDEN / "traces.json").read_text("utf-8")))
def test_the_specification_is_enough(case: dict[str, Any]) -> None:
    product = json.loads((GOLDEN / f"{case['product']}.json").read_bytes())
    terms = product["versions"][case["version"] - 1]["terms"]
    assert Reader(terms, case).of({"clause": case["benefit"]}) == case["amount_fen"]


def test_every_band_of_the_published_filings() -> None:
    printed = {
        "yunnan_dali": [2_800, 5_000, 10_000, 20_000, 42_000],
        "yunnan_yuxi": [1_600, 3_000, 6_000, 12_000, 24_000],
    }
    for name, limits in printed.items():
        terms = json.loads((GOLDEN / f"{name}.json").read_bytes())["versions"][0]["terms"]
        for tenths in range(50, 101):
            seen = {"observed": {"role": 1, "magnitude": tenths}, "spent": {"house": 0}}
            limit = limits[min(4, (tenths - 50) // 5)]
            assert Reader(terms, seen).of({"clause": "house"}) == limit * 1_000_000
