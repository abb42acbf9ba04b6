"""The terms in lineage: which version was in force, and its exact reading as sentences."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from ...measures.identity import canonical, read_canonical
from ...terms import exact
from ...terms.filing import Product, Version
from ...terms.wording import sentences
from .steps import Step, step
from .trail import Index, Json


@lru_cache(maxsize=32)
def _product(filed: bytes) -> Product:
    return Product.from_json(read_canonical(filed))


def product_of(index: Index, product_hash: str) -> Product:
    """A filed product."""
    return _product(canonical(index.need("product", product_hash)["product"]))


def version_of(product: Product, number: int) -> Version:
    """One version of its terms."""
    return product.version(number)


def terms_step(index: Index, trigger: Json, declared: Mapping[str, int], spent: int) -> Step:
    """The exact reading of the terms on a trigger's facts and one policy, clause by clause."""
    product = product_of(index, trigger["product"])
    version = product.version(trigger["version"])
    benefit = trigger["benefit"]
    observed = {name: fact["value"] for name, fact in trigger["facts"].items()}
    result = exact.settle(version.terms, benefit, observed, declared, {benefit: spent})
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
    return step("terms", trigger["filing"], facts, lines=lines)
