"""The terms in lineage: which version was in force, and its exact reading as sentences."""

from __future__ import annotations

from functools import lru_cache

from ...claims.verify.refusal.near import input_text
from ...errors import Fact
from ...measures.identity import canonical, read_canonical
from ...policies.row import PolicyRow
from ...terms import exact
from ...terms.filing import Product, Version
from ...terms.wording import sentences
from ...terms.words import Terms
from .steps import Step, step
from .trail import Index, Json, Observed


@lru_cache(maxsize=32)
def _product(filed: bytes) -> Product:
    return Product.from_json(read_canonical(filed))


def product_of(index: Index, product_hash: str) -> Product:
    """A filed product."""
    return _product(canonical(index.need("product", product_hash)["product"]))


def version_of(product: Product, number: int) -> Version:
    """One version of its terms."""
    return product.version(number)


def terms_step(index: Index, trigger: Json, row: PolicyRow, spent: int) -> Step:
    """The exact reading of the terms on a trigger's facts and one policy, clause by clause.

    Where facts differ by customer they are read from the sealed lists; a member who cannot open
    them is told so in place of a reading.
    """
    product = product_of(index, trigger["product"])
    version = product.version(trigger["version"])
    seen = index.trail.observed(trigger, row)
    if seen is None:
        return step("fact_here_sealed", trigger["filing"])
    benefit = trigger["benefit"]
    result = exact.settle(version.terms, benefit, seen.values, row.declared, {benefit: spent})
    facts = {
        "product_zh": product.name.zh,
        "product_en": product.name.en,
        "version": version.number,
        "benefit": benefit,
        "since_at": version.since,
        "until_at": version.until,
        "amount_fen": result.amount_fen,
        "filing": trigger["filing"],
        "provenance_zh": version.provenance.zh,
        "provenance_en": version.provenance.en,
    }
    lines = {
        "zh": sentences(version.terms, result, "zh"),
        "en": sentences(version.terms, result, "en"),
    }
    here = [
        _here(version.terms, name, seen)
        for name, fact in trigger["facts"].items()
        if fact.get("detail", {}).get("lists")
    ]
    return step("terms", trigger["filing"], facts, here, lines)


def _here(terms: Terms, name: str, seen: Observed) -> Step:
    """One input that differs by customer, as the policy's own customer has it."""
    item, value = next(item for item in terms.inputs if item.name == name), seen.values[name]
    facts: dict[str, Fact] = {"input_zh": item.zh, "input_en": item.en}
    if name in seen.unknown:
        return step("fact_here_unknown", name, facts)
    said = {"said_zh": input_text(item, value, "zh"), "said_en": input_text(item, value, "en")}
    return step("fact_here", name, {**facts, "value": value, **said})
