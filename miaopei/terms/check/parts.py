"""Inputs and figures: name, range, source, fallback, definition; all used, none unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ...errors import Refusal
from .. import words as w

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
Named = w.Figure | w.Clause | w.Declared | w.Observed


def check_parts(terms: w.Terms) -> list[Refusal]:
    """Faults of the named parts: names, ranges, where values come from, what is left unused."""
    found: list[Refusal] = []
    nodes = list(_nodes(terms))
    named: dict[str, Named] = {}
    for node in [*terms.inputs, *nodes]:
        if isinstance(node, Named):
            first = named.setdefault(node.name, node)
            if first is not node and first != node:
                found.append(_no("name_twice", name=node.name[:40]))
            if not NAME.fullmatch(node.name):
                found.append(_no("bad_name", name=node.name[:40]))
    listed = [item.name for item in terms.inputs]
    found += [_no("name_twice", name=name) for name in sorted({*listed}) if listed.count(name) > 1]
    used = {node.name for node in nodes if isinstance(node, w.Declared | w.Observed)}
    found += [_no("unused_input", name=name) for name in listed if name not in used]
    found += [_no("unlisted_input", name=name) for name in sorted(used - {*listed})]
    for item in terms.inputs:
        found += _input(item)
    for figure in named.values():
        if isinstance(figure, w.Figure) and not sourced(figure.source):
            found.append(_no("no_source", name=figure.name))
    return found


def sourced(source: w.Source) -> bool:
    """Whether a source is stated in both languages, with its date."""
    return all(text.strip() for text in (source.zh, source.en, source.dated))


def _nodes(terms: w.Terms) -> Iterable[w.Word]:
    seen: set[int] = set()
    for benefit in terms.benefits:
        for node in w.walk(benefit):
            if id(node) not in seen:
                seen.add(id(node))
                yield node


def _input(item: w.Declared | w.Observed) -> list[Refusal]:
    found = []
    if item.low > item.high or (item.kind is w.Kind.FLAG and not 0 <= item.low <= item.high <= 1):
        found.append(_no("bad_range", name=item.name, low=item.low, high=item.high))
    if isinstance(item, w.Observed):
        if not item.measure.strip():
            found.append(_no("no_measure", name=item.name))
        if not item.sources or not all(source.strip() for source in item.sources):
            found.append(_no("no_source", name=item.name))
        if not item.fallback and item.if_missing is None:
            found.append(_no("no_fallback", name=item.name))
        if not item.definition_zh.strip() or not item.definition_en.strip():
            found.append(_no("no_definition", name=item.name))
        if list(item.params) != sorted(dict(item.params).items()):
            found.append(_no("bad_value", at=f"{item.name}.params", value=str(item.params)[:40]))
        found += _codes(item)
    return found


def _codes(item: w.Observed) -> list[Refusal]:
    values = [code.value for code in item.codes]
    names = [code.name for code in item.codes]
    if (item.kind is w.Kind.CODE) != bool(values):
        return [_no("bad_codes", name=item.name)]
    if values and (
        len(set(values)) != len(values)
        or len(set(names)) != len(names)
        or (min(values), max(values)) != (item.low, item.high)
        or not all(NAME.fullmatch(name) for name in names)
    ):
        return [_no("bad_codes", name=item.name)]
    return []


def _no(code: str, **facts: str | int) -> Refusal:
    return Refusal(f"terms.{code}", facts)
