"""The filed form: one byte form, written once, read back to the same value, hashed two ways."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
import rfc8785

from miaopei.errors import Refused
from miaopei.measures.identity import canonical
from miaopei.products.shelf import shelf
from miaopei.terms import words
from miaopei.terms.canonical import (
    as_json,
    filing_hash,
    from_bytes,
    from_json,
    meaning_hash,
    to_bytes,
    word_name,
)  # fmt: skip

ALL = [version.terms for product in shelf() for version in product.versions]
DALI = shelf().find("yunnan_dali").version(1).terms


@pytest.mark.parametrize("terms", ALL, ids=lambda t: f"{t.id}-{t.version}")
def test_bytes_survive_a_round_trip(terms: words.Terms) -> None:
    data = to_bytes(terms)
    again = from_bytes(data)
    assert again == terms
    assert to_bytes(again) == data
    assert rfc8785.dumps(as_json(terms)) == data  # another library gives the same bytes


@pytest.mark.parametrize("terms", ALL, ids=lambda t: f"{t.id}-{t.version}")
def test_a_shared_part_is_written_once_and_shared_again_when_read(terms: words.Terms) -> None:
    value = as_json(terms)
    names = [part["name"] for table in ("inputs", "figures", "clauses") for part in value[table]]
    assert len(names) == len(set(names))
    again = from_json(value)
    seen: dict[str, words.Word] = {}
    for benefit in again.benefits:
        for node in words.walk(benefit):
            if isinstance(node, words.Clause | words.Figure | words.Observed | words.Declared):
                assert seen.setdefault(node.name, node) is node


def test_any_other_layout_of_the_same_json_is_refused() -> None:
    value = as_json(DALI)
    for data in (
        json.dumps(value).encode(),
        json.dumps(value, ensure_ascii=False, indent=1).encode(),
        to_bytes(DALI) + b"\n",
    ):
        with pytest.raises(Refused) as refused:
            from_bytes(data)
        assert refused.value.refusals[0].code == "identity.not_canonical"


def test_texts_and_sources_change_the_filing_but_not_the_meaning() -> None:
    def reworded(node: words.Word) -> Any:
        node = words.rebuild(node, reworded)
        match node:
            case words.Clause():
                return replace(node, zh=node.zh + "。", en=node.en + " ")
            case words.Figure():
                return replace(node, source=words.Source("别处", "elsewhere", "2020"))
        return node

    other = replace(DALI, benefits=tuple(reworded(clause) for clause in DALI.benefits))
    assert filing_hash(other) != filing_hash(DALI)
    assert meaning_hash(other) == meaning_hash(DALI)
    for change in ({"governing": "en"}, {"filed_wording_digest": "0" * 64}):
        changed = replace(DALI, **change)  # type: ignore[arg-type]
        assert filing_hash(changed) != filing_hash(DALI)
        assert meaning_hash(changed) == meaning_hash(DALI)


def test_every_number_is_part_of_the_meaning() -> None:
    plain = as_json(DALI)
    numbers = list(_numbers(plain, ()))
    assert len(numbers) > 40
    for path in numbers:
        value = copy.deepcopy(plain)
        at = value
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] += 1
        assert meaning_hash(from_json(value)) != meaning_hash(DALI), path


def _numbers(value: Any, path: tuple[Any, ...]) -> Any:
    if type(value) is int:
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _numbers(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _numbers(item, (*path, index))


def test_two_unlike_parts_of_one_name_cannot_be_written() -> None:
    first = words.Clause("cover", "一", "one", words.Fixed(0, words.Kind.MONEY))
    second = words.Clause("cover", "二", "two", words.Plus((first, first)))
    with pytest.raises(Refused) as refused:
        as_json(words.Terms("made_up", 1, (second,), ()))
    assert refused.value.refusals[0].code == "terms.name_twice"


def test_a_chain_that_doubles_at_every_step_is_refused_at_once() -> None:
    """Sixty clauses, each citing the one before twice, would be 2**60 steps to read out."""
    value = as_json(DALI)
    zero = {"word": "fixed", "value": 0, "kind": "money"}
    clauses = [
        {"name": "c0", "zh": "测", "en": "test", "body": {"word": "plus", "items": [zero, zero]}}
    ]
    for index in range(1, 60):
        before = {"clause": f"c{index - 1}"}
        body = {"word": "plus", "items": [before, before]}
        clauses.append({"name": f"c{index}", "zh": "测", "en": "test", "body": body})
    value |= {"inputs": [], "figures": [], "clauses": clauses, "benefits": ["c59"]}
    with pytest.raises(Refused) as refused:
        from_json(value)
    assert refused.value.refusals[0].code == "terms.too_large"


def test_a_body_nested_too_deeply_is_refused() -> None:
    value = as_json(DALI)
    body: dict[str, Any] = {"word": "fixed", "value": 0, "kind": "flag"}
    for _ in range(5_000):
        body = {"word": "not", "item": body}
    value["clauses"][0]["body"] = body
    with pytest.raises(Refused) as refused:
        from_json(value)
    assert refused.value.refusals[0].code == "terms.too_large"


def test_words_have_names_that_can_be_read() -> None:
    assert {word_name(word) for word in words.WORDS} == {
        "figure", "fixed", "declared", "observed", "spent", "plus", "minus", "times", "least",
        "most", "pro_rata", "band", "tier", "either", "at_least", "one_of", "near", "every", "any",
        "not", "clause",
    }  # fmt: skip


def test_canonical_form_is_that_of_the_record() -> None:
    assert to_bytes(DALI) == canonical(as_json(DALI))
