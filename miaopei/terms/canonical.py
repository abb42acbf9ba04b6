"""The filed form of terms: JSON <-> value, and the two hashes. Every named part is written once.

Generic over the fields of the words, so a new word needs nothing here. Shape faults are collected
and given out at once; what the values mean is `check`'s to judge. Source: docs/specs/terms.md,
section 5.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields
from enum import StrEnum
from typing import Any

from ..errors import Refusal, Refused
from ..measures.identity import LARGEST, canonical, content_id, read_canonical
from . import words as w

FORMAT = "miaopei.terms/1"
DEEPEST, MOST_WORDS, MOST_PARTS = 40, 5_000, 500  # of a body, its citations read out; of a list
TEXTS = frozenset({"zh", "en", "source", "definition_zh", "definition_en"})
OF_TEXTS = frozenset({"governing", "filed_wording_digest"})
HEAD: dict[str, Any] = {
    "id": str, "version": int, "period": w.Within, "currency": str, "governing": str,
    "filed_wording_digest": str | None,
}  # fmt: skip
PARTS = ("inputs", "figures", "clauses", "benefits")
Params = w.Params


def word_name(word: type[w.Word]) -> str:
    """ProRata -> 'pro_rata'."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", word.__name__).lower()


BY_NAME = {word_name(word): word for word in w.WORDS if word not in {w.Clause, w.Figure}}


# Writing -----------------------------------------------------------------------------------------


def as_json(terms: w.Terms) -> dict[str, Any]:
    """The filed form. Clauses stand in the order in which they are cited, each before its citer.

    Errors   Refused terms.name_twice where two unlike parts bear one name.
    """
    named: dict[str, w.Word] = {}
    tables: dict[str, list[dict[str, Any]]] = {"figures": [], "clauses": []}
    for item in terms.inputs:
        _once(named, item.name, item)
    for benefit in terms.benefits:
        for node in w.walk(benefit):
            if isinstance(node, w.Figure | w.Clause | w.Declared | w.Observed):
                if not _once(named, node.name, node):
                    continue
                table = tables["clauses" if isinstance(node, w.Clause) else "figures"]
                if isinstance(node, w.Figure | w.Clause):
                    table.append(_fields_json(node))
    return {
        "format": FORMAT,
        **{name: _plain(getattr(terms, name)) for name in HEAD},
        "inputs": [{"word": word_name(type(i)), **_fields_json(i)} for i in terms.inputs],
        **tables,
        "benefits": [benefit.name for benefit in terms.benefits],
    }


def _once(named: dict[str, w.Word], name: str, node: w.Word) -> bool:
    if name not in named:
        named[name] = node
        return True
    if named[name] is not node and named[name] != node:
        raise Refused(Refusal("terms.name_twice", {"name": name}))
    return False


def _fields_json(value: Any) -> dict[str, Any]:
    return {field.name: _plain(getattr(value, field.name), field.name) for field in fields(value)}


def _plain(value: Any, name: str = "") -> Any:
    match value:
        case w.Figure():
            return {"figure": value.name}
        case w.Clause():
            return {"clause": value.name}
        case w.Declared() | w.Observed():
            return {"input": value.name}
        case w.Word():
            return {"word": word_name(type(value)), **_fields_json(value)}
        case w.Row() | w.Rate() | w.Code() | w.Source():
            return _fields_json(value)
        case tuple() if name == "params":
            return dict(value)
        case tuple():
            return [_plain(item) for item in value]
        case StrEnum():
            return str(value)
        case _:
            return value


# Bytes and hashes --------------------------------------------------------------------------------


def to_bytes(terms: w.Terms) -> bytes:
    """The canonical bytes of the filed form."""
    return canonical(as_json(terms))


def from_bytes(data: bytes) -> w.Terms:
    """Terms from canonical bytes; any other byte form is refused."""
    return from_json(read_canonical(data))


def filing_hash(terms: w.Terms) -> str:
    """Content id of everything that is filed, texts included."""
    return content_id("terms.filing", as_json(terms))


def meaning_hash(terms: w.Terms) -> str:
    """Content id of what is evaluated: without texts, display names, sources of figures."""
    return content_id("terms.meaning", _without_texts(as_json(terms)))


def _without_texts(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if k not in TEXTS and k not in OF_TEXTS}
        return {k: v if k == "params" else _without_texts(v) for k, v in kept.items()}
    return [_without_texts(item) for item in value] if isinstance(value, list) else value


# Reading -----------------------------------------------------------------------------------------


def from_json(value: Any) -> w.Terms:
    """Terms from their filed form.

    Errors   Refused with every fault of shape that was found.
    """
    terms, refusals = read(value)
    if terms is None or refusals:
        raise Refused(*refusals)
    return terms


def read(value: Any) -> tuple[w.Terms | None, list[Refusal]]:
    """Terms and the faults of shape. With faults that leave a value in sight (a missing range, an
    unknown field) both are given, so that `check` can say the rest at the same time."""
    reader = _Reader()
    try:
        terms = reader.terms(value)
        if not reader.refusals:
            again = as_json(terms)
            if again != value or canonical(again) != canonical(value):
                reader.refuse("not_filed_form", at="$")
        return terms, reader.refusals
    except Refused as refused:
        return None, [*reader.refusals, *refused.refusals]


class _Reader:
    """One pass over a JSON value from outside; keeps the named parts and the faults."""

    def __init__(self) -> None:
        self.refusals: list[Refusal] = []
        self.inputs: dict[str, w.Word] = {}
        self.figures: dict[str, w.Word] = {}
        self.clauses: dict[str, w.Word] = {}
        self.sizes: dict[str, tuple[int, int]] = {}
        self.words, self.depth, self.written = 0, 0, 0

    def refuse(self, code: str, **facts: str | int | None) -> None:
        self.refusals.append(Refusal(f"terms.{code}", facts))

    def stop(self, code: str, **facts: str | int | None) -> Refused:
        return Refused(Refusal(f"terms.{code}", facts))

    def terms(self, value: Any) -> w.Terms:
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            raise self.stop("not_terms", expected=FORMAT)
        for name in sorted(set(map(str, value)) - {"format", *HEAD, *PARTS}):
            self.refuse("unknown_field", at="$", name=name[:40])
        head = {name: self.part(value, name, kind, "$") for name, kind in HEAD.items()}
        for name in PARTS:
            if not isinstance(value.get(name), list) or len(value[name]) > MOST_PARTS:
                raise self.stop("bad_value", at=f"$.{name}", value=_short(value.get(name)))
        inputs = tuple(self.input(item, f"$.inputs[{i}]") for i, item in enumerate(value["inputs"]))
        for i, item in enumerate(value["figures"]):
            self.keep(self.figures, self.fields(w.Figure, item, f"$.figures[{i}]"))
        for i, item in enumerate(value["clauses"]):
            self.words, self.depth = 0, 0
            clause = self.fields(w.Clause, item, f"$.clauses[{i}]")
            self.keep(self.clauses, clause)
            self.sizes[clause.name] = (self.words + 1, self.depth + 1)
        benefits: list[Any] = []
        for i, name in enumerate(value["benefits"]):
            if not isinstance(name, str) or name not in self.clauses:
                raise self.stop("unknown_name", at=f"$.benefits[{i}]", name=_short(name))
            benefits.append(self.clauses[name])
        return w.Terms(benefits=tuple(benefits), inputs=inputs, **head)

    def keep(self, table: dict[str, w.Word], node: Any) -> None:
        if any(node.name in known for known in (self.inputs, self.figures, self.clauses)):
            self.refuse("name_twice", name=node.name)
        table[node.name] = node

    def input(self, value: Any, at: str) -> Any:
        word = value.get("word") if isinstance(value, dict) else None
        if not isinstance(word, str) or word not in _NEVER_INLINE:
            raise self.stop("unknown_word", at=at, word=_short(word))
        node = self.fields(BY_NAME[word], value, at)
        self.keep(self.inputs, node)
        return node

    def fields(self, cls: type[Any], value: Any, at: str) -> Any:
        if not isinstance(value, dict):
            raise self.stop("bad_value", at=at, value=_short(value))
        hints = _hints(cls)
        for name in sorted(set(map(str, value)) - {"word", *hints}):
            self.refuse("unknown_field", at=at, name=name[:40])
        given = {name: self.part(value, name, hint, at, cls) for name, hint in hints.items()}
        return cls(**given)

    def part(self, value: dict[str, Any], name: str, hint: Any, at: str, cls: Any = None) -> Any:
        """One field; a missing range or definition is refused by its own name and stood in for."""
        present = name in value
        if cls in {w.Observed, w.Declared} and name in {"low", "high"} and value.get(name) is None:
            self.refuse("no_range", at=at, name=_short(value.get("name")), field=name)
            return 0 if name == "low" else 1
        if cls is w.Observed and not present and name in _STAND_IN:
            return _STAND_IN[name]  # `check` names what is missing
        if not present:
            if cls is not None and _default(cls, name) is not MISSING:
                return _default(cls, name)
            raise self.stop("field_missing", at=at, name=name)
        return self.value(hint, value[name], f"{at}.{name}")

    def value(self, hint: Any, value: Any, at: str) -> Any:
        """One value as its field's type says."""
        if hint is int and type(value) is int and abs(value) <= LARGEST:
            return value
        if hint is str and type(value) is str and len(value) <= 4_000:
            return value
        if hint == Params:
            return self.params(value, at)
        if isinstance(hint, types.UnionType):
            if value is None:
                return None
            return self.value(typing.get_args(hint)[0], value, at)
        if (
            typing.get_origin(hint) is tuple
            and isinstance(value, list)
            and len(value) <= MOST_PARTS
        ):
            item = typing.get_args(hint)[0]
            return tuple(self.value(item, v, f"{at}[{i}]") for i, v in enumerate(value))
        if isinstance(hint, type) and issubclass(hint, StrEnum) and value in list(hint):
            return hint(value)
        if hint in {w.Row, w.Rate, w.Code, w.Source}:
            return self.fields(hint, value, at)
        if isinstance(hint, type) and issubclass(hint, w.Word):
            return self.word(value, at, figure=hint is w.Figure)
        raise self.stop("bad_value", at=at, value=_short(value))

    def params(self, value: Any, at: str) -> Params:
        if not isinstance(value, dict) or len(value) > MOST_PARTS:
            raise self.stop("bad_value", at=at, value=_short(value))
        for key, item in value.items():
            if type(key) is not str or type(item) not in {str, int}:
                raise self.stop("bad_value", at=f"{at}.{key}", value=_short(item))
        return tuple(sorted(value.items()))

    def word(self, value: Any, at: str, *, figure: bool) -> w.Word:
        """A word of a body: a citation by name, or the word itself."""
        if not isinstance(value, dict):
            raise self.stop("bad_value", at=at, value=_short(value))
        tables = {"figure": self.figures, "input": self.inputs, "clause": self.clauses}
        for key, table in tables.items():
            if key in value and "word" not in value and (key == "figure" or not figure):
                return self.cited(table, value[key], at, alone=len(value) == 1)
        name = value.get("word")
        if figure or not isinstance(name, str) or name not in BY_NAME or name in _NEVER_INLINE:
            raise self.stop("unknown_word", at=at, word=_short(name))
        self.words += 1
        self.written += 1
        self.deeper(at, 1)
        outside, self.depth = self.depth, 0
        node = self.fields(BY_NAME[name], value, at)
        self.depth = max(outside, self.depth + 1)
        self.deeper(at, self.depth)
        return typing.cast(w.Word, node)

    def cited(self, table: dict[str, w.Word], name: Any, at: str, *, alone: bool) -> w.Word:
        if not isinstance(name, str) or name not in table:
            raise self.stop("unknown_name", at=at, name=_short(name))
        if not alone:
            self.refuse("unknown_field", at=at, name="beside a citation")
        words, depth = self.sizes.get(name, (1, 1))
        self.words += words
        self.depth = max(self.depth, depth)
        self.deeper(at, depth)
        return table[name]

    def deeper(self, at: str, depth: int) -> None:
        """Limits that keep every reading quick, whatever a file from outside says."""
        words = max(self.words, self.written)
        if words > MOST_WORDS or depth > DEEPEST or at.count(".") > DEEPEST:
            raise self.stop("too_large", at=at[:80], words=words, most=MOST_WORDS)


_NEVER_INLINE = frozenset({"observed", "declared"})
_STAND_IN: Mapping[str, Any] = {
    "measure": "", "params": (), "sources": (), "fallback": (), "if_missing": None,
    "definition_zh": "", "definition_en": "",
}  # fmt: skip


_HINTS: dict[type[Any], dict[str, Any]] = {}


def _hints(cls: type[Any]) -> dict[str, Any]:
    if cls not in _HINTS:
        _HINTS[cls] = typing.get_type_hints(cls)
    return _HINTS[cls]


def _default(cls: type[Any], name: str) -> Any:
    return next(field.default for field in fields(cls) if field.name == name)


def _short(value: Any) -> str:
    return str(value)[:40]
