"""Backwards: from a payout, or a refusal, to the bytes of the bulletin, as a tree of sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ...claims.case import words_at
from ...errors import Fact
from ...measures.identity import content_id
from ...terms.filing import Product
from .evidence import facts_of, observation_step
from .refusals import refused
from .steps import Step, step
from .terms import product_of, terms_step, version_of
from .trail import Index, Json, Named, ShutOut, Trail

FEW = 3  # claims of a settlement whose amounts are told with it


def why(
    trail: Trail, text: str, shut_out: Callable[[str], ShutOut | None] = lambda _: None
) -> Step:
    """Why the thing with this id is as it is, back to the original bytes.

    `text` is the id, or at least 8 characters of its beginning, of a payout, claim, settlement,
    trigger, case, occurrence, observation or act, or a policy's number or a source's name.
    `shut_out`: see `Index`.
    Errors   Refused lineage.too_short, unknown, ambiguous.
    """
    index = Index(trail, shut_out)
    return _tree(index, index.find(text))


def _tree(index: Index, found: Named) -> Step:
    match found.what:
        case "payout":
            return _payout(index, found.id, found.value)
        case "claim":
            return _claim(index, found.value)
        case "policy":
            return _policy(index, found.id)
        case "settlement":
            return _settlement(index, found.id)
        case "trigger":
            return _trigger(index, found.id)
        case "case":
            return _case(index, found.value)
        case "occurrence":
            return _occurrence(index, found.id)
        case "observation":
            return observation_step(index, found.id)
        case "source":
            return _source(index, found.id)
        case _:
            return _act(index, found.id)


def _payout(index: Index, id: str, row: Json) -> Step:
    """One carrier's order to pay, its numbered instructions, and the claim that it is part of."""
    debt = str(row["debt"])
    about, payment = row["about"], index.need("payment", debt)
    payer = index.name("member", about["carrier"])
    facts = {
        "payout": id,
        "amount_fen": row["amount_fen"],
        "policy": about["policy"],
        "line": about["line"],
        "payer_zh": payer["zh"],
        "payer_en": payer["en"],
    }
    answers = [
        step("instruction", f"{id}-{i['number']}", _instruction(i))
        for i in index.trail.instructions(debt)
        if i["payout"] == id
    ]
    if payment["kind"] in ("refund", "invoice"):
        return step("payout", id, facts, answers)
    settlement = debt if payment["kind"] == "settlement" else payment["settlement"]
    trigger = index.settlement(settlement)["trigger"]
    claims = index.trail.claims(trigger)
    claim = next(c for c in claims if c["policy"] == about["policy"])
    parents = [*answers, _claim(index, claim)]
    if debt != settlement:
        parents.insert(len(answers), _act(index, debt))
    return step("payout_line" if about["line"] else "payout", id, facts, parents)


def _instruction(row: Json) -> dict[str, Any]:
    return {
        "number": row["number"],
        "state": row["state"],
        "ref": row["ref"],
        "answered_at": row["at"],
        "code": row["code"],
    }


def _claim(index: Index, claim: Json) -> Step:
    """What one policy was owed: the terms read on the facts, and the settlement it belongs to."""
    trigger = index.need("trigger", claim["trigger"])
    settlement = index.of_trigger(claim["trigger"])
    facts = {
        name: claim[name]
        for name in (
            *("policy", "position", "state", "gross_fen", "spent_fen", "terms_fen", "owed_fen"),
            *("settled_fen", "pay_fen"),
        )
    }
    rows = index.trail.rows(trigger["book"], trigger["book_size"])
    recorded = rows[claim["position"]]
    row, state = recorded.row, claim["state"]
    if state == "held" and recorded.recorded_at <= trigger["instant"]:
        state = "held_unknown"  # not held for its late arrival: its own facts are not known
    parents = [
        step(
            "row",
            row.policy,
            {
                "policy": row.policy,
                "position": claim["position"],
                "book": row.book,
                "since_at": row.since,
                "until_at": row.until,
            },
        ),
        terms_step(index, trigger, row, claim["spent_fen"]),
    ]
    if settlement is None:
        parents.append(_trigger(index, claim["trigger"]))
    else:
        parents.append(_settlement(index, settlement, amounts=False))
    return step(f"claim_{state}", content_id("claim", claim), facts, parents)


def _settlement(index: Index, id: str, *, amounts: bool = True) -> Step:
    """How its amounts follow, the equal decisions, each an act, and the trigger they are about."""
    value, leaf = index.settlement(id), index.leaf(id)
    totals = value["totals"]
    facts = {
        "settlement": id,
        "settled_at": leaf["time"],
        "position": leaf["position"],
        "deciders": len(value["deciders"]),
        "k": value["k"],
        "claims": totals["claims"],
        "in_force": totals["in_force"],
        "pay_fen": totals["pay_fen"],
    }
    decisions = []
    for member in value["deciders"]:
        key = words_at(value["trigger"], value["counter"], value.get("round", 1)) + member
        decisions.append(_act(index, index.need("decision", key)["act"]))
    told = list(_amounts(index, value["trigger"])) if amounts else []
    told = [*_sealed(index, id, value["trigger"]), *held_step(index, id), *told]
    return step("settlement", id, facts, [*told, *decisions, _trigger(index, value["trigger"])])


def _sealed(index: Index, id: str, trigger: str) -> Iterator[Step]:
    """For whom the policies and amounts behind a settlement are sealed, where not for us."""
    listing = str(index.need("trigger", trigger)["listing"])
    out = index.shut_out(listing)
    if out is None or index.trail.claims(trigger):
        return
    facts: dict[str, Fact] = {"settlement": id, "listing": listing, "member": out.member}
    facts |= {"parties": ", ".join(out.parties), "holders": ", ".join(out.holders)}
    yield step("book_sealed", id, facts)


def held_step(index: Index, id: str) -> Iterator[Step]:
    """What a settlement holds until a person decides, while it is the last word of its case."""
    trigger = index.settlement(id)["trigger"]
    if not (held := index.held(trigger)):
        return
    facts: dict[str, Fact] = {"settlement": id, "claims": len(held)}
    facts["held_fen"] = sum(held.values())
    yield step("claims_held", id, facts)


def _amounts(index: Index, id: str) -> Iterator[Step]:
    """How the amounts of a few claims follow from the terms; many are asked for one by one."""
    trigger, claims = index.need("trigger", id), index.trail.claims(id)
    if len(claims) > FEW:
        return
    rows = index.trail.rows(trigger["book"], trigger["book_size"])
    for claim in claims:
        yield terms_step(index, trigger, rows[claim["position"]].row, claim["spent_fen"])


def _trigger(index: Index, id: str) -> Step:
    """What `apply` itself made when the facts were complete: which terms, which facts."""
    value, leaf = index.need("trigger", id), index.leaf(id)
    product = product_of(index, value["product"])
    version = version_of(product, value["version"])
    facts = {
        "trigger": id,
        "position": leaf["position"],
        "made_at": leaf["time"],
        "product_zh": product.name.zh,
        "product_en": product.name.en,
        "benefit": value["benefit"],
        "version": value["version"],
        "revision": value["revision"],
        "instant_at": value["instant"],
        "book_size": value["book_size"],
    }
    return step("trigger", id, facts, facts_of(index, product, version.terms, value))


def _case(index: Index, value: Json) -> Step:
    """A case: settled by a settlement, waiting, or refused and how near it was."""
    if value["settlement"]:
        parents = [_settlement(index, value["settlement"])]
    elif value["trigger"]:
        parents = [_trigger(index, value["trigger"])]
    else:
        return refused(index, value)
    id, product = content_id("case", value), _product(index, value)
    names = ("listing", "occurrence", "benefit", "state", "revision")
    facts = {
        **{name: value[name] for name in names},
        "product_zh": product.name.zh,
        "product_en": product.name.en,
    }
    return step("case", id, facts, parents)


def _occurrence(index: Index, id: str) -> Step:
    """All cases of one occurrence: first what was settled, then by product and benefit as filed."""
    cases = [v for k, v in index.trail.range("case", "") if k.split("/")[1] == id]
    cases.sort(key=lambda value: _place(index, value))
    settled = sum(1 for value in cases if value["settlement"])
    facts = {
        "occurrence": id,
        "cases": len(cases),
        "instant_at": cases[0]["instant"],
        "settled": settled,
    }
    parents = [_case(index, value) for value in cases]
    return step("occurrence" if settled else "occurrence_unpaid", id, facts, parents)


def _place(index: Index, case: Json) -> tuple[bool, str, int]:
    benefits = _product(index, case).benefits
    return not case["settlement"], case["listing"], benefits.index(case["benefit"])


def _product(index: Index, case: Json) -> Product:
    return product_of(index, index.need("listing", case["listing"])["product"])


def _policy(index: Index, policy: str) -> Step:
    """Every claim of one policy."""
    claims = [
        claim
        for trigger, _ in index.decided
        for claim in index.trail.claims(trigger)
        if claim["policy"] == policy
    ]
    total = sum(claim["pay_fen"] for claim in claims)
    facts = {"policy": policy, "claims": len(claims), "pay_fen": total}
    return step("policy", policy, facts, [_claim(index, claim) for claim in claims])


def _source(index: Index, id: str) -> Step:
    name, entry = index.name("source", id), index.need("source", id)
    facts = {
        "source": id, "source_zh": name["zh"], "source_en": name["en"],
        "operator": entry["operator"], "keys": len(entry["keys"]),
    }  # fmt: skip
    return step("source_counted" if entry["counted"] else "source_shown", id, facts)


def _act(index: Index, id: str) -> Step:
    """An act: who sent it, under which key, where it stands; facts lead on to their bytes."""
    leaf = index.leaf(id)
    act = leaf["act"]
    by = index.name("member", act["by"])
    facts = {
        "act": id,
        "kind": act["kind"],
        "by_zh": by["zh"],
        "by_en": by["en"],
        "key": act["key"][:16],
        "position": leaf["position"],
        "height": leaf["height"],
        "applied_at": leaf["time"],
    }
    return step("act", id, facts, list(_of_act(index, act)))


def _of_act(index: Index, act: Json) -> Iterator[Step]:
    if act["kind"] == "record_facts":
        for fact in act["body"]["facts"]:
            name = content_id("observation", fact["observation"])
            if index.trail.get("observation", name) is not None:
                yield observation_step(index, name)
