"""Whatever is done to a filed value, the answer is a refusal or another, equally sound filing."""

from __future__ import annotations

import contextlib
import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miaopei.errors import Refusal, Refused
from miaopei.products.shelf import shelf
from miaopei.terms.canonical import from_json
from miaopei.terms.check import check_file, check_json
from miaopei.terms.filing import Product

STRANGE: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2, 10**6, 2**53, 2**80, 1.5, float("inf"), "", "x", "magnitude",
    "{magnitude}", "\ud800", "e\u0301", [], {}, [[]], {"word": "plus"}, {"figure": "house_year"},
    {"clause": "house"}, {"input": "role"}, [1, 2],
)  # fmt: skip
WHOLE = {product.id: product.as_json() for product in shelf()}
TERMS = {name: value["versions"][0]["terms"] for name, value in WHOLE.items()}


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths(item, (*path, index))


def tampered(value: Any, chance: random.Random) -> Any:
    """One to three places spoilt: replaced, taken away, written twice, moved, renamed, swapped."""
    value = copy.deepcopy(value)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        places = [path for path in paths(value) if path]
        if not places:
            return value
        path = chance.choice(places)
        holder = value
        for step in path[:-1]:
            holder = holder[step]
        step = path[-1]
        match chance.randrange(6):
            case 0 | 1:
                holder[step] = copy.deepcopy(chance.choice(STRANGE))
            case 2:
                del holder[step]
            case 3 if isinstance(holder, list):
                holder.insert(step, copy.deepcopy(holder[step]))
            case 4 if isinstance(holder, dict):
                holder[chance.choice(("word", "name", "extra", "é", ""))] = holder.pop(step)
            case _:
                other = value
                for other_step in chance.choice(places):
                    if isinstance(other, dict | list):
                        try:
                            other = other[other_step]
                        except (KeyError, IndexError):
                            break
                holder[step] = copy.deepcopy(other)
    return value


def only_refusals(value: Any) -> bool:
    """True where the value is sound; anything raised but Refused fails the test."""
    refusals = check_json(value)
    assert all(isinstance(refusal, Refusal) for refusal in refusals)
    for refusal in refusals:
        json.dumps(refusal.as_json())
    read = Product.from_json if isinstance(value, dict) and "versions" in value else from_json
    if not refusals:
        read(value)
        return True
    with contextlib.suppress(Refused):  # sound in shape is read; what it lacks is said above
        read(value)
    return False


@pytest.mark.parametrize("name", TERMS)
def test_spoilt_terms(name: str) -> None:
    chance = random.Random(20_211_227)
    plain = TERMS[name]
    for _ in range(500):
        value = tampered(plain, chance)
        if only_refusals(value) and value != plain:
            assert from_json(value) != from_json(plain)


@pytest.mark.parametrize("name", WHOLE)
def test_spoilt_products(name: str) -> None:
    chance = random.Random(20_150_820)
    plain = WHOLE[name]
    for _ in range(120):
        value = tampered(plain, chance)
        if only_refusals(value) and value != plain:
            assert Product.from_json(value).hash != Product.from_json(plain).hash


def test_spoilt_bytes() -> None:
    chance = random.Random(7)
    plain = json.dumps(WHOLE["yunnan_yuxi"], ensure_ascii=False).encode()
    for _ in range(150):
        data = bytearray(plain)
        for _ in range(chance.choice((1, 2, 8))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        assert all(isinstance(refusal, Refusal) for refusal in check_file(bytes(data)))
    for cut in range(0, len(plain), 997):
        assert check_file(plain[:cut])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda below: st.lists(below) | st.dictionaries(st.text(), below),
    max_leaves=30,
)


@given(JSON)
@settings(max_examples=60)
def test_any_json_at_all(value: Any) -> None:
    assert check_json(value)
    assert check_json({"format": "miaopei.terms/1", "inputs": value})
    assert check_json({"format": "miaopei.product/1", "versions": value})


@given(st.dictionaries(st.sampled_from(sorted(TERMS["yunnan_dali"])), JSON))
@settings(max_examples=60)
def test_any_json_in_the_places_of_terms(value: dict[str, Any]) -> None:
    assert value == {} or check_json({**TERMS["yunnan_dali"], **value}) is not None
