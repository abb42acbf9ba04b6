"""The vocabulary is closed: every reading knows every word, and traversal follows the fields."""

from __future__ import annotations

import inspect
import subprocess
import sys
from dataclasses import fields, is_dataclass

import pytest

from miaopei.errors import Refused
from miaopei.products.shelf import shelf
from miaopei.terms import bounds, build, columnar, exact, words
from miaopei.terms.check import kinds
from miaopei.terms.fused import Shape, cases, loop
from miaopei.terms.wording import phrases

READINGS = {
    "exact": exact.CASES,
    "columnar": columnar.CASES,
    "fused": cases.CASES,
    "bounds": bounds.CASES,
    "check": kinds.CASES,
    "wording": phrases.CASES,
}
DEFINED = {
    value
    for _, value in inspect.getmembers(words, inspect.isclass)
    if issubclass(value, words.Word) and value is not words.Word
}


def test_the_list_of_words_is_all_of_them() -> None:
    assert set(words.WORDS) == DEFINED
    assert 18 <= len(words.WORDS) <= 22


@pytest.mark.parametrize("reading", READINGS)
def test_every_reading_knows_every_word(reading: str) -> None:
    assert set(READINGS[reading]) == DEFINED


def test_every_word_is_a_frozen_value_with_a_sentence() -> None:
    for word in DEFINED:
        assert is_dataclass(word)
        assert word.__dataclass_params__.frozen  # type: ignore[attr-defined]
        assert (word.__doc__ or "").strip().endswith((".", "`."))


class Foreign(words.Word):
    """A word that no reading has heard of."""


def test_a_foreign_word_is_refused_by_every_reading() -> None:
    clause = words.Clause("odd", "奇", "odd", Foreign())
    terms = words.Terms("made_up", 1, (clause,), ())
    for read in (
        lambda: exact.settle(terms, "odd", {}, {}, {}),
        lambda: columnar.settle_many(terms, "odd", {}, {}, {}),
        lambda: loop(terms, "odd", Shape.ROWS),
        lambda: bounds.bounds(terms, "odd"),
        lambda: phrases.Speaker("en", {"odd": 1}).of(clause.body),
    ):
        with pytest.raises(Refused) as refused:
            read()
        assert refused.value.refusals[0].code == "terms.unknown_word"
    assert "terms.unknown_word" in {r.code for r in kinds.check_kinds(terms)}


def test_children_and_rebuild_follow_the_fields() -> None:
    for product in shelf():
        for version in product.versions:
            for benefit in version.terms.benefits:
                for node in words.walk(benefit):
                    by_hand = []
                    for field in fields(node):  # type: ignore[arg-type]
                        value = getattr(node, field.name)
                        values = value if isinstance(value, tuple) else (value,)
                        by_hand += [v for v in values if isinstance(v, words.Word)]
                    assert list(words.children(node)) == by_hand
                    assert words.rebuild(node, lambda child: child) == node


def test_rebuild_replaces_each_child_in_its_place() -> None:
    one, two = build.nothing(), build.whole(words.Kind.MONEY)
    swap = {0: two, 1: one}
    changed = words.rebuild(
        build.minus(one, two),
        lambda child: swap[child.value] if isinstance(child, words.Fixed) else child,
    )
    assert changed == build.minus(two, one)
    assert words.rebuild(build.plus(one, two, one), lambda _: two) == build.plus(two, two, two)


def test_the_exact_reading_starts_without_columns() -> None:
    code = "import sys, miaopei.terms.exact, miaopei.products.shelf; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
