"""Refusals in lineage: why a case pays nothing, what it waits for, and how near it was."""

from __future__ import annotations

from ...claims.verify.evidence import ASIDE
from ...claims.verify.explain import refusal_text
from ...claims.verify.refusal import near
from ...errors import Fact, Refusal
from ...errors.texts import table
from ...evidence.findings import Found, Gathered, magnitude
from ...evidence.grouping import Occurrence
from ...evidence.shocks import Fact as OnFile
from ...measures.identity import content_id
from ...terms import exact
from ...terms.filing import Product
from ...terms.words import Terms
from .evidence import facts_of, observation_step
from .steps import Step, step
from .terms import product_of
from .trail import Index, Json


def refused(index: Index, value: Json) -> Step:
    """A case without a trigger: its state and reason, how near, and the facts that are known."""
    entry = index.need("listing", value["listing"])
    product = product_of(index, entry["product"])
    instant = value["instant"]  # none where the facts could not even be read
    version = None if instant is None else product.version_at(instant)
    terms = (version or product.versions[-1]).terms
    facts: dict[str, Fact] = {
        "listing": value["listing"],
        "product_zh": product.name.zh,
        "product_en": product.name.en,
        "benefit": value["benefit"],
        "occurrence": value["occurrence"],
        "state": value["state"],
        "reason": value["reason"],
        "until_at": value["until"],
        "instant_at": value["instant"],
    }
    greatest = _greatest(index, product, value)
    near_by = () if instant is None else nearness(index, product, value, greatest)
    said = [_reason(value, facts), *_others(value, greatest), *near_by]
    if refusal := value["facts"].get("refusal"):
        said.insert(0, Refusal(refusal["code"], refusal["facts"]))
    lines = {
        language: tuple(
            text for refusal in said if (text := refusal_text(refusal, language)) != refusal.code
        )
        for language in ("zh", "en")
    }
    held = value["facts"].get("held", {})
    parents = facts_of(index, product, terms, value)
    if "observation" in held:
        parents.append(observation_step(index, held["observation"]))
    what = "case_waiting" if value["state"].startswith(("awaiting_", "held_")) else "case_refused"
    return step(what, content_id("case", value), facts, parents, lines)


def _reason(case: Json, facts: dict[str, Fact]) -> Refusal:
    """As `verify` says it of a receipt, else as the finding says it."""
    code = case["reason"].rpartition(".")[2]
    if f"reason_{code}" in table("verify"):
        return Refusal(f"verify.reason_{code}", facts)
    if code not in table("evidence"):
        return Refusal("verify.reason_other", facts)
    return Refusal(f"evidence.{code}", {**facts, **reason_facts(case)})


def reason_facts(case: Json) -> dict[str, Fact]:
    """The plain facts of why a case waits, is held or is closed."""
    known = (case["facts"].get(name) for name in ("waiting", "held", "closed"))
    given: Json = next((each for each in known if each), {})
    return {name: fact for name, fact in given.items() if isinstance(fact, str | int)}


def _others(case: Json, greatest: Found | None) -> list[Refusal]:
    """Where a greater shock of the sequence than that of the case was decided by itself: both."""
    if greatest is None or greatest.detail["instant"] == case["instant"]:
        return []
    tenths = greatest.value
    facts: dict[str, Fact] = {
        "instant_at": case["instant"],
        "greatest_at": greatest.detail["instant"],
        "magnitude": f"{tenths // 10}.{tenths % 10}",
    }
    return [Refusal("lineage.several_shocks", facts)]


def _greatest(index: Index, product: Product, case: Json) -> Found | None:
    """The magnitude of the greatest shock of a case's sequence, by the sources that the product
    names, whichever of them the case ended with; None where none has a value, or none is asked for.
    """
    rule = next((r for r in product.inputs if r.measure == "shock.magnitude"), None)
    if rule is None or case["instant"] is None:
        return None
    occurrence = Occurrence.from_json(index.need("occurrence", case["at"]))
    grouping = index.need("rule", f"{case['at'].partition('/')[0]}/{case['listing']}")
    known = [index.need("observation", o) for s in occurrence.shocks for o in s.observations]
    facts = [OnFile.on_file(entry) for entry in known]
    now = max(fact.recorded_at for fact in facts)
    context = Gathered(facts, grouping=grouping)
    found = magnitude.find(rule.as_json(), occurrence, context, now, {})
    return found if isinstance(found, Found) else None


def nearness(
    index: Index, product: Product, value: Json, greatest: Found | None
) -> tuple[Refusal, ...]:
    """How near the case was to a payout, as `verify` says it of a receipt; by the greatest shock,
    where the whole sequence is at hand as it is here.
    """
    version = product.version_at(value["instant"])
    if version is None:
        return near.near_terms(product, value["instant"])
    terms, benefit = version.terms, value["benefit"]
    observed = {n: f["value"] for n, f in value["facts"].items() if n not in ASIDE}
    role = next((r.name for r in product.inputs if r.measure == "shock.role"), None)
    fact = {} if role is None else value["facts"].get(role, {})
    sides = value["facts"].get("held", fact.get("detail", {}))
    if role is not None and "by_name" in sides and observed.get(role) in (None, 0):
        of = _shock(index, sides, greatest)
        known = {**observed, **_magnitudes(product, of[1])}
        return near.near_outside(terms, benefit, known, role, sides, of)
    if value["reason"] == "terms_give_zero":
        return near.near_zero(terms, benefit, observed)
    if greatest is not None:
        at_most = _magnitudes(product, greatest.value)
        observed |= {name: at_most.get(name, known) for name, known in observed.items()}
    return _open(terms, benefit, observed)


def _open(terms: Terms, benefit: str, observed: dict[str, int]) -> tuple[Refusal, ...]:
    missing = exact.first_missing(terms.benefit(benefit), observed)
    return () if missing is None else near.near_open(terms, benefit, observed, missing)


def _shock(index: Index, sides: Json, greatest: Found | None) -> tuple[int, int]:
    """Instant and tenths of the greatest shock, else of the one whose place was judged."""
    if greatest is not None:
        return greatest.detail["instant"], greatest.value
    values = index.need("observation", sides["observation"])["observation"]["values"]
    return values["origin"], values["magnitude_tenths"]


def _magnitudes(product: Product, tenths: int) -> dict[str, int]:
    return {r.name: tenths for r in product.inputs if r.measure == "shock.magnitude"}
