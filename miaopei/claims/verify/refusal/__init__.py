"""Checks of a refusal: the case as it stood, and its reason worked out again where it can be.

A refusal is of a whole case (nothing was due to anybody), or of one policy in a case that settled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....errors import Refusal, Refused
from ....evidence.findings import Held
from ....policies.row import row_from_json
from ....terms import exact
from ....terms.filing import InputRule, Version
from ....terms.words import Terms
from ..contract import claim_of, covers, gross_of, subject_of
from ..evidence import ASIDE, founder_of, read_role
from ..lists import inputs
from ..seen import Seen
from ..verdict import Facts, demand, fails
from . import near

Json = Mapping[str, Any]
AWAITING = {
    "awaiting_rapid_report": {"shock.magnitude", "shock.role", "shock.position"},
    "awaiting_report": {"loss.area", "loss.total", "value"},
    "awaiting_death_notice": {"deaths.area"},
    "awaiting_quorum": None,
}


def case(seen: Seen) -> Facts:
    """The case's leaf: its id, its listing, and that it belongs to what this receipt speaks of."""
    made = seen.case
    value = made.value
    demand(value["listing"] == seen.listing.id, "case_other", field="listing")
    demand(value["benefit"] in seen.product.benefits, "case_other", field="benefit")
    if seen.receipt.leaves["trigger"]:
        trigger = seen.trigger
        for name in ("listing", "occurrence", "benefit", "revision"):
            demand(value[name] == trigger.value[name], "case_other", field=name)
        demand(value["trigger"] == trigger.id, "case_other", field="trigger")
        demand(made.index > trigger.index, "order", first="trigger", then="case")
    if seen.receipt.leaves["settlement"]:
        demand(value["settlement"] == seen.settlement.id, "case_other", field="settlement")
        demand(value["state"] == "settled", "case_other", field="state")
    else:
        demand(value["settlement"] is None, "case_other", field="settlement")
        demand(value["state"] not in ("settled", "ready", "deciding"), "case_open",
               state=value["state"])  # fmt: skip
    return {"state": value["state"], "reason": value["reason"], "case_at": seen.time(made.height)}


def reason(seen: Seen) -> Facts:
    """Why nothing was paid, worked out again from the facts, the terms and the row."""
    if seen.receipt.leaves["settlement"]:
        return _policy_reason(seen)
    return _case_reason(seen, seen.case.value)


def nearness(seen: Seen) -> tuple[Refusal, ...]:
    """How near the refusal was; empty where that cannot be worked out."""
    value = subject_of(seen).value
    terms, observed = terms_of(seen), observed_of(value["facts"])
    benefit = value["benefit"]
    if seen.receipt.leaves["settlement"]:
        if seen.receipt.row is None:
            return ()
        it = row_from_json(seen.receipt.row.row)
        if not covers(it, value["instant"]):
            return near.near_period(it.since, it.until, value["instant"])
        if seen.receipt.claim is not None:
            return _near_claim(claim_of(seen))
        return near.near_zero(terms, benefit, inputs(seen, it.subject)[0], it.declared)
    match value["reason"]:
        case "no_terms_in_force":
            return near.near_terms(seen.product, value["instant"])
        case "terms_give_zero":
            return near.near_zero(terms, benefit, observed)
        case "outside_area" | "roles_differ" | "place_name_unknown":
            name, detail = _role_of(seen, value)
            shock = seen.facts[detail["observation"]].observation
            tenths = shock.values["magnitude_tenths"]
            known, of = {**_magnitudes(seen, tenths), **observed}, (shock.instant, tenths)
            return near.near_outside(terms, benefit, known, name, detail, of)
    missing = exact.first_missing(terms.benefit(benefit), observed)
    return () if missing is None else near.near_open(terms, benefit, observed, missing)


def _near_claim(claim: Json) -> tuple[Refusal, ...]:
    """For a claim that pays nothing: what it would have been without what stands in its way."""
    if claim["state"] not in ("exhausted", "held"):
        return ()
    facts = {"gross_fen": claim["gross_fen"], "spent_fen": claim["spent_fen"]}
    return (Refusal(f"verify.near_{claim['state']}", facts),)


def observed_of(facts: Json) -> dict[str, int]:
    """The inputs among a case's or a trigger's facts."""
    return {name: fact["value"] for name, fact in facts.items() if name not in ASIDE}


def _case_reason(seen: Seen, value: Json) -> Facts:
    state, code = value["state"], value["reason"]
    told: Facts = {"state": state, "reason": code, "until_at": value["until"]}
    if code == "no_terms_in_force":
        demand(seen.product.version_at(value["instant"]) is None, "reason_differs", reason=code)
        return told
    if code == "part_of_an_earlier_sequence":
        return told
    if value["instant"] is None:  # the facts could not even be read: the refusal is all there is
        demand(value["facts"]["refusal"]["code"] == code, "reason_differs", reason=code)
        return told
    observed = observed_of(value["facts"])
    version = _version(seen)
    body = version.terms.benefit(value["benefit"])
    missing = exact.first_missing(body, observed)
    if state == "held_undecided":  # what a policy declares is not here: the deciders have signed it
        demand(missing is None and value["facts"]["refusal"]["code"] == code, "reason_differs",
               reason=code)  # fmt: skip
        return told
    if state == "held_deciders":  # every fact is known; the deciders have not come to agree
        demand(missing is None and "round" in value["facts"], "reason_differs", reason=code)
        return told
    if state.startswith(("awaiting_", "held_")) or state == "closed":
        if missing is None:
            raise fails("nothing_missing", state=state)
        _waits(seen, value, missing)
        return {**told, "missing": missing}
    demand(missing is None or code == "outside_area", "reason_differs", reason=code)
    again = _outcome(version, value["benefit"], observed)
    if state == "refused":
        demand(again == value["facts"]["refusal"], "reason_differs", reason=code)
    elif code in ("outside_area", "terms_give_zero"):
        demand(again == 0, "reason_differs", reason=code)
        if code == "outside_area":
            name, _ = _role_of(seen, value)
            demand(observed[name] == 0, "reason_differs", reason=code)
    else:
        raise fails("reason_unknown", reason=str(code)[:40])
    return told


def _waits(seen: Seen, value: Json, missing: str) -> None:
    """The state is that of the input that is missing first, and its deadline has (not) passed."""
    state, rule = value["state"], seen.product.rule(missing)
    time = seen.time(seen.case.height)
    if state == "closed":
        close = rule.close_after_seconds
        demand(close is not None, "reason_differs", reason=value["reason"])
        founding = founder_of(seen, value["occurrence"])
        demand(time >= founding.instant + (close or 0), "not_yet_closed", input=missing)
    elif state in AWAITING:
        measures = AWAITING[state]
        demand(measures is None or rule.measure in measures, "reason_differs",
               reason=value["reason"])  # fmt: skip
        demand(value["until"] is None or value["until"] > time, "deadline_past", input=missing)
    else:
        _held(seen, value, rule)


def _held(seen: Seen, value: Json, rule: InputRule) -> None:
    """What disagrees is here; where the epicentre lies is read again, and disagrees again."""
    held, reason_code = value["facts"].get("held"), value["reason"]
    if not held:
        raise fails("reason_differs", reason=reason_code)
    demand(held.get("input") == rule.name, "reason_differs", reason=reason_code)
    named = [held["observation"]] if "observation" in held else []
    for name in (*named, *(side["observation"] for side in held.get("values", ()))):
        demand(name in seen.facts, "fact_absent", input=rule.name, observation=str(name)[:16])
    if "by_name" in held:
        again = read_role(seen, rule, seen.facts[held["observation"]])
        said = {name: fact for name, fact in held.items() if name != "input"}
        same = isinstance(again, Held) and (again.reason, again.facts) == (reason_code, said)
        demand(same, "reason_differs", reason=reason_code)


def _policy_reason(seen: Seen) -> Facts:
    """One policy of a settled case that got nothing: not in force, a plain zero, or its claim."""
    value = seen.trigger.value
    if seen.receipt.claim is not None:
        claim = claim_of(seen)
        demand(claim["pay_fen"] == 0, "paid_after_all", pay_fen=claim["pay_fen"])
        return {"state": claim["state"], "reason": f"claim_{claim['state']}", "until_at": None}
    if seen.receipt.row is None:
        raise fails("part_absent", part="row")
    it = row_from_json(seen.receipt.row.row)
    if not covers(it, value["instant"]):
        return {"state": "not_covered", "reason": "policy_not_in_force", "until_at": None}
    gross = gross_of(seen, it)
    demand(gross == 0, "gross", stated_fen=0, found_fen=gross)
    return {"state": "nothing_due", "reason": "terms_give_zero", "until_at": None}


def _version(seen: Seen) -> Version:
    found = seen.product.version_at(seen.case.value["instant"])
    if found is None:
        raise fails("reason_differs", reason="no_terms_in_force")
    return found


def terms_of(seen: Seen) -> Terms:
    """The terms in force at the instant; where there are none, the last ones."""
    value = subject_of(seen).value
    found = seen.product.version_at(value["instant"])
    return (found or seen.product.versions[-1]).terms


def _outcome(version: Version, benefit: str, observed: dict[str, int]) -> Any:
    """What the terms say with nothing spent: an amount, or the refusal they give instead."""
    spent = near.none_spent(version.terms)
    try:
        return exact.settle(version.terms, benefit, observed, {}, spent).amount_fen
    except Refused as refused:
        return refused.refusals[0].as_json()


def _role_of(seen: Seen, value: Json) -> tuple[str, Json]:
    """Name and detail of the input that says where the epicentre lies."""
    held = value["facts"].get("held", {})
    for rule in seen.product.inputs:
        if rule.measure == "shock.role":
            fact = value["facts"].get(rule.name)
            return rule.name, held if fact is None else fact["detail"]
    raise LookupError("role")


def _magnitudes(seen: Seen, tenths: int) -> dict[str, int]:
    """The main shock's magnitude under the names by which the terms ask for it."""
    return {r.name: tenths for r in seen.product.inputs if r.measure == "shock.magnitude"}
