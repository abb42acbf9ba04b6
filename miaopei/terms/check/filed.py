"""A product as it is filed: its versions in time, its rules of evidence, its area and grouping."""

from __future__ import annotations

import re

from ...errors import Refusal
from ..filing import InputRule, Product, Text, Version
from ..words import IfMissing, Observed
from . import check

SHOCKS = {
    "threshold_tenths": int, "hours": int, "km": int, "same_shock_seconds": int,
    "same_shock_km": int, "counted_types": list,
}  # fmt: skip


def check_product(product: Product) -> tuple[Refusal, ...]:
    """Everything that is wrong with a filing, its terms included, each fault once."""
    found = [*_head(product), *_dates(product), *_rules(product), *_place(product)]
    for version in product.versions:
        found += check(version.terms)
        if version.terms.id != product.id or version.terms.version != version.number:
            found.append(_no("wrong_version", product=product.id, number=version.number))
        if tuple(b.name for b in version.terms.benefits) != product.benefits:
            found.append(_no("wrong_benefits", product=product.id, number=version.number))
    return tuple({(r.code, tuple(r.facts.items())): r for r in found}.values())


def _no(code: str, **facts: str | int | None) -> Refusal:
    return Refusal(f"terms.{code}", facts)


def _head(product: Product) -> list[Refusal]:
    found = []
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", product.id):
        found.append(_no("bad_name", name=product.id[:40]))
    if not product.versions:
        found.append(_no("no_versions", product=product.id))
    for what, text in (("name", product.name), ("notes", product.notes)):
        if not text.zh.strip() or not text.en.strip():
            found.append(_no("text_missing", name=f"{product.id}.{what}"))
    if product.policy_period != "year":
        found.append(_no("bad_period", product=product.id, value=product.policy_period[:40]))
    return found


def _dates(product: Product) -> list[Refusal]:
    found = []
    before: Version | None = None
    for number, version in enumerate(product.versions, start=1):
        if version.number != number:
            found.append(_no("wrong_version", product=product.id, number=version.number))
        if (
            version.since is not None
            and version.until is not None
            and version.until <= version.since
        ):
            found.append(_no("ends_before_start", product=product.id, number=version.number))
        if before is not None and (
            before.until is None or version.since is None or version.since < before.until
        ):
            found.append(_no("versions_overlap", product=product.id, number=version.number))
        if not version.provenance.zh.strip() or not version.provenance.en.strip():
            found.append(_no("text_missing", name=f"{product.id}.v{version.number}.provenance"))
        before = version
    return found


def _rules(product: Product) -> list[Refusal]:
    found = []
    rules = {rule.name: rule for rule in product.inputs}
    if len(rules) != len(product.inputs):
        found.append(_no("name_twice", name=f"{product.id}.inputs"))
    asked: set[str] = set()
    for version in product.versions:
        for of in version.terms.inputs:
            if not isinstance(of, Observed):
                continue
            asked.add(of.name)
            rule = rules.get(of.name)
            if rule is None:
                found.append(_no("no_rule", product=product.id, name=of.name))
            elif not _agrees(rule, of):
                found.append(_no("rule_differs", product=product.id, name=of.name))
    found += [_no("unused_input", name=name) for name in rules if name not in asked]
    for rule in product.inputs:
        if not 1 <= rule.operators <= max(1, len(rule.sources)) or rule.tolerance < 0:
            found.append(_no("bad_quorum", product=product.id, name=rule.name))
        if rule.freeze_seconds < 0 or (
            rule.close_after_seconds is not None and rule.close_after_seconds <= 0
        ):
            found.append(_no("bad_deadline", product=product.id, name=rule.name))
    return found


def _agrees(rule: InputRule, of: Observed) -> bool:
    same = (rule.measure, rule.params, rule.sources, rule.fallback) == (
        of.measure, of.params, of.sources, of.fallback,
    )  # fmt: skip
    closes = (rule.close_after_seconds is not None) == (of.if_missing is IfMissing.CLOSE)
    texts = rule.definition == Text(of.definition_zh, of.definition_en)
    return same and closes and texts


def _place(product: Product) -> list[Refusal]:
    found = []
    kind = product.grouping.get("kind")
    if not isinstance(kind, str):
        found.append(_no("bad_grouping", product=product.id, field="kind"))
    if kind == "shocks":
        for name, of in SHOCKS.items():
            value = product.grouping.get(name)
            positive = not isinstance(value, int) or value > 0
            if type(value) is not of or not value or not positive:
                found.append(_no("bad_grouping", product=product.id, field=name))
        found += _area(product)
    return found


def _area(product: Product) -> list[Refusal]:
    """Codes, and where there are any, their set of cells. That an input needs an area is for
    evidence to say: a cover by distance has none."""
    found = []
    for name in ("own", "surrounding"):
        codes = product.area.get(name)
        if not isinstance(codes, list) or not all(
            isinstance(code, str) and re.fullmatch(r"[0-9]{6}", code) for code in codes
        ):
            found.append(_no("bad_area", product=product.id, field=name))
    if product.area.get("own") or product.area.get("surrounding"):
        if not product.area.get("own"):
            found.append(_no("bad_area", product=product.id, field="own"))
        if not isinstance(product.area.get("cells"), str):
            found.append(_no("bad_area", product=product.id, field="cells"))
        if type(product.area.get("resolution")) is not int:
            found.append(_no("bad_area", product=product.id, field="resolution"))
    return found
