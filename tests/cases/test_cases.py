"""Every case file, settled by both readings. How the files are written: README.md beside this."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from miaopei.errors import Refused
from miaopei.measures.instant import from_beijing
from miaopei.measures.money import FEN_A_LOSS_UNIT, FEN_A_WAN, as_wan, percent
from miaopei.measures.place import latitude, longitude, unit_vector
from miaopei.products.shelf import shelf
from miaopei.terms import exact, words
from miaopei.terms.columnar import settle_many
from miaopei.terms.exact import first_missing, settle

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*/[0-9]*.toml"))
LOSS_A_WAN = FEN_A_WAN // FEN_A_LOSS_UNIT
KEYS = {
    *("note", "policy_year", "same_sequence", "loss_wan", "pays_fen", "refused", "waits_for"),
    *("shortfall_fen", "left_before_fen", "left_after_fen", "difference_fen", "ratio_percent"),
    *("in_force_on", "not_in_force_on", "rounded_to_wan", "rounded_share_wan", "owed_fen"),
}


def number(item: words.Declared | words.Observed, said: Any) -> int:
    """What a case says of one input, as the terms count it."""
    if isinstance(said, int):
        return said
    match item.kind:
        case words.Kind.MAGNITUDE:
            return whole(Decimal(said) * 10)
        case words.Kind.LOSS:
            return whole(Decimal(said) * LOSS_A_WAN)
        case words.Kind.INSTANT:
            return from_beijing(said) // 60
        case words.Kind.CODE if isinstance(item, words.Observed):
            return {code.name: code.value for code in item.codes}[said]
    raise AssertionError(f"{item.name} = {said}")


def placed(event: dict[str, Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """`place` and `centre` as the three inputs that each is, from degrees north and east."""
    found = dict(event)
    for name in ("place", "centre"):
        said = found.pop(name, "missing") if f"{name}_x" in named else "missing"
        if said != "missing":
            lat, lon = (part.strip() for part in said.split(","))
            parts = unit_vector(latitude(lat), longitude(lon))
            found |= {f"{name}_{axis}": part for axis, part in zip("xyz", parts, strict=True)}
    return found


def whole(value: Decimal) -> int:
    assert value == int(value), value
    return int(value)


def inputs(terms: words.Terms, event: dict[str, Any]) -> tuple[dict[str, int], dict[str, int]]:
    named = {item.name: item for item in terms.inputs}
    event = placed(event, named)
    assert set(event) <= KEYS | set(named), set(event) - KEYS - set(named)
    observed, declared = {}, {}
    for name, item in named.items():
        if event.get(name, "missing") != "missing":
            table = observed if isinstance(item, words.Observed) else declared
            table[name] = number(item, event[name])
    return observed, declared


def both(
    terms: words.Terms, benefit: str, observed: dict[str, int], declared: dict[str, int], spent: int
) -> exact.Result:
    """The exact result, after the columnar reading has given the same in three shapes."""
    result = settle(terms, benefit, observed, declared, {benefit: spent})
    column = np.array([spent], dtype=np.int64)
    rows = {name: np.array([value] * 3, dtype=np.int64) for name, value in observed.items()}
    own = {name: np.array([value] * 3, dtype=np.int64) for name, value in declared.items()}
    for amounts in (
        settle_many(terms, benefit, observed, declared, column),
        settle_many(terms, benefit, observed, own, np.repeat(column, 3)),
        settle_many(terms, benefit, rows, own, np.repeat(column, 3)),
    ):
        assert set(amounts.tolist()) == {result.amount_fen}
    return result


def refused_by_both(
    terms: words.Terms, benefit: str, observed: dict[str, int], declared: dict[str, int], spent: int
) -> str:
    with pytest.raises(Refused) as plain:
        settle(terms, benefit, observed, declared, {benefit: spent})
    with pytest.raises(Refused) as columns:
        settle_many(terms, benefit, observed, declared, np.array([spent], dtype=np.int64))
    assert plain.value.refusals[0].code == columns.value.refusals[0].code
    return plain.value.refusals[0].code


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_case(path: Path) -> None:
    case = tomllib.loads(path.read_text("utf-8"))
    assert all(case[text] for text in ("title", "title_zh", "source"))
    product = shelf().find(case["product"])
    assert product.id == path.parent.name
    version = product.version(case["version"])
    benefit, settled = case["benefit"], dict[int, int]()
    before = (0, 0)  # year and amount of the occurrence before
    alone = case.get("each_in_its_own_year", False)
    for index, said in enumerate(case["event"]):
        event = {**case.get("given", {}), **said}
        year = index if alone else event.get("policy_year", 1)
        same = event.get("same_sequence", False)
        spent = settled.get(year, 0) - (before[1] if same else 0)
        observed, declared = inputs(version.terms, event)
        if "refused" in event:
            code = refused_by_both(version.terms, benefit, observed, declared, spent)
            assert code == event["refused"]
            assert first_missing(version.terms.benefit(benefit), observed) == event.get("waits_for")
            continue
        result = both(version.terms, benefit, observed, declared, spent)
        assert result.amount_fen == event["pays_fen"], event
        assert first_missing(version.terms.benefit(benefit), observed) is None
        further(version, event, result, observed)
        owed = result.amount_fen
        if same:
            owed = max(owed, before[1]) if "owed_fen" in event else owed
            assert owed == event.get("owed_fen", owed)
            assert owed - before[1] == event["difference_fen"]
        settled[year] = spent + owed
        before = (year, owed)


def further(
    version: Any, event: dict[str, Any], result: exact.Result, observed: dict[str, int]
) -> None:
    """Whatever else an event says."""
    if "shortfall_fen" in event:
        assert result.shortfall_fen == event["shortfall_fen"]
    if "left_before_fen" in event:
        assert result.limits[0].left_before_fen == event["left_before_fen"]
    if "left_after_fen" in event:
        assert result.limits[0].left_after_fen == event["left_after_fen"]
    if "rounded_to_wan" in event:
        assert as_wan(result.amount_fen) == event["rounded_to_wan"]
    if "ratio_percent" in event:
        loss = Decimal(event["loss_wan"]) * LOSS_A_WAN if "loss_wan" in event else None
        loss_fen = (whole(loss) if loss is not None else observed["loss_area"]) * FEN_A_LOSS_UNIT
        assert percent(result.amount_fen, loss_fen) == event["ratio_percent"]
    if "in_force_on" in event:
        assert version.holds_at(from_beijing(event["in_force_on"]))
    if "not_in_force_on" in event:
        assert not version.holds_at(from_beijing(event["not_in_force_on"]))
    for decimals, wan in event.get("rounded_share_wan", {}).items():
        limit_fen = next(n.value for n in nodes(result.trace) if n.name == "band_limit")
        share = Decimal(observed["loss_area"]) / Decimal(observed["loss_total"])
        rounded = share.quantize(Decimal(10) ** -int(decimals), ROUND_HALF_UP)
        other = (limit_fen * rounded / FEN_A_WAN).quantize(Decimal("0.001"), ROUND_HALF_UP)
        assert str(other) == wan
        assert wan != as_wan(result.amount_fen)


def nodes(node: exact.Node) -> list[exact.Node]:
    return [node, *(below for child in node.children for below in nodes(child))]


def test_the_printed_rows_add_up() -> None:
    """Table 2 pays 7,969.889 万元 in all, with the row of Table 4 11,969.889."""
    first = [
        *("yunnan_dali/03-changning-2015", "yunnan_dali/04-yunlong-2016"),
        *("yunnan_dali/05-yangbi-2017", "yunnan_yuxi/02-tonghai-2018"),
        "yunnan_yuxi/03-mojiang-2018",
    ]
    paid = [_first_amount(name) for name in first]
    assert as_wan(sum(paid)) == "7,969.889"
    assert as_wan(sum(paid) + _first_amount("yunnan_dali/06-yangbi-2021")) == "11,969.889"


def _first_amount(name: str) -> int:
    return int(tomllib.loads((HERE / f"{name}.toml").read_text("utf-8"))["event"][0]["pays_fen"])


def test_table_3_adds_up() -> None:
    table = tomllib.loads((HERE / "yunnan_dali" / "_table_3.toml").read_text("utf-8"))
    groups = ("houses", "lifelines", "other")
    assert sum(len(table[group]) for group in groups) == 14
    for group in groups:
        assert sum(table[group].values()) == table["sums"][group]
    total = sum(table["sums"][group] for group in groups)
    assert total == table["sums"]["total"]
    civil = table["houses"]["civil_houses"]
    assert percent(civil, total) == table["percent"]["civil_houses_of_total"]
    assert percent(table["paid_wan"], civil) == table["percent"]["paid_of_civil_houses"]
