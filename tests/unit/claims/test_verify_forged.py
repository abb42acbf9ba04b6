"""A forger with every key of the record: what is left to find him is the reading of the contract.

Each change is made to fit everywhere else (see `forging`), so that exactly the named checks fail.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from typing import Any

import pytest

from miaopei.acts.rule_sets import RULES
from miaopei.claims.receipt import Receipt
from miaopei.claims.verify import verify
from miaopei.measures.instant import from_beijing
from miaopei.measures.money import wan
from miaopei.node.proof.receipts import Collector
from miaopei.products import yunnan_dali
from miaopei.terms.canonical import filing_hash, meaning_hash
from tests.unit.claims.forging import body, ended, forged, leaf, sign_act
from tests.unit.claims.replayed import DALI, IDENTITY, YUXI, world

Change = Callable[[Any], object]


@cache
def payout(listing: str, last: bool = True) -> Receipt:
    """The last payout of a listing, or its first."""
    with world().node.reading() as (reading, state):
        ids = [id for _, id in state.range("settled", f"{listing}/")]
        settlement = ids[-1 if last else 0]
        trigger = state.need("settlement", settlement)["settlement"]["trigger"]
        (claim,) = reading.claims(trigger)
        return Collector(reading, IDENTITY).payout(settlement, claim["policy"])


def failed(receipt: Receipt, change: Change) -> set[str]:
    made = forged(receipt, change)
    return set(verify(made.to_bytes(), made.vkey).failed)


def trigger(value: Any) -> Any:
    return leaf(value, "trigger")["value"]


def pay(value: Any, fen: int) -> None:
    """Another amount, told alike by claim, totals, carriers and bank."""
    claim = value["claim"]["claim"]
    parts = [fen * ppm // 1_000_000 for ppm in (333_337, 266_663, 200_003, 133_331, 66_666)]
    parts[0] += fen - sum(parts)
    claim |= {f"{name}_fen": fen for name in ("gross", "terms", "owed", "pay")}
    sums = leaf(value, "settlement")["value"]["totals"]
    sums |= {f"{name}_fen": fen for name in ("gross", "terms", "owed", "pay")}
    for carrier, part in zip(sums["carriers"], parts, strict=True):
        carrier["pay_fen"] = part
    body(value, "decisions")["totals"] = sums
    for carrier, part in zip(value["payouts"], parts, strict=True):
        carrier["amount_fen"] = carrier["paid"]["outcome"]["amount_fen"] = part


def first_contract(value: Any) -> None:
    """Yangbi 2021 under the contract that ended in 2018, which would have paid 10,000 万元."""
    terms = yunnan_dali.PRODUCT.version(1).terms
    hashes = {"filing": filing_hash(terms), "meaning": meaning_hash(terms)}
    trigger(value).update(version=1, **hashes)
    pay(value, wan(10_000))


def larger(value: Any) -> None:
    """6.5 instead of 6.4: the catalogue's later magnitude, 8,000 万元."""
    trigger(value)["facts"]["magnitude"]["value"] = 65
    pay(value, wan(8_000))


def elsewhere(value: Any) -> None:
    """The area's cells without the one of the epicentre."""
    fact = trigger(value)["facts"]["role"]
    cell = int(fact["detail"]["cell"], 16)
    for shown in value["leaves"]["areas"]:
        cells = shown["leaf"]["act"]["body"]["cells"]
        kept = []
        for each in cells:
            resolution = int(each[1], 16)
            low = (1 << (3 * (15 - resolution))) - 1
            parent = (cell & ~(0xF << 52)) | (resolution << 52) | low
            if int(each.ljust(15, "f"), 16) != parent:
                kept.append(each)
        shown["leaf"]["act"]["body"]["cells"] = kept
        sign_act(shown["leaf"]["act"])


def original(value: Any) -> None:
    """Other bytes under the same signed digest, or a digest that nobody signed."""
    fact = body(value, "facts")["facts"][0]
    fact["attestation"]["original"]["bytes_b64"] = "Li4u"


def uncounted(value: Any) -> None:
    for shown in value["leaves"]["sources"]:
        shown["leaf"]["act"]["body"]["counted"] = False


def late(value: Any) -> None:
    """The block that put the policy in force came after the event."""
    height = leaf(value, "hold")["height"]
    instant = trigger(value)["instant"]
    for shown in value["leaves"]["blocks"]:
        if shown["leaf"]["height"] >= height and shown["leaf"]["time"] <= instant:
            shown["leaf"]["time"] = instant + 1


def roles(*names: str) -> Change:
    def change(value: Any) -> None:
        leaf(value, "genesis")["value"]["members"][0]["roles"] = list(names)

    return change


def key(since: int, until: int | None) -> Change:
    def change(value: Any) -> None:
        leaf(value, "genesis")["value"]["members"][0]["keys"][0].update(since=since, until=until)

    return change


def total(name: str) -> Change:
    return lambda v: body(v, "decisions")["totals"].update({name: 1})


def case_of(**fields: Any) -> Change:
    return lambda v: leaf(v, "case")["value"].update(fields)


def another(value: Any, role: str, part: str) -> None:
    """A second member of the record that holds the role, in whose name an act was sent."""
    members = leaf(value, "genesis")["value"]["members"]
    other = {**members[0], "id": "other", "operator": "other", "roles": [role]}
    members.append(other)
    leaf(value, part)["act"]["by"] = "other"


def other_decides(value: Any) -> None:
    another(value, "decider", "decisions")
    leaf(value, "settlement")["value"]["deciders"] = ["other"]


def paid_first(value: Any) -> None:
    """The payment stands in the settlement's block, just before it."""
    settled, paid = value["leaves"]["settlement"][0], value["leaves"]["payments"][0]
    paid["index"], settled["index"] = settled["index"], settled["index"] + 1
    height, gone = settled["leaf"]["height"], paid["leaf"]["height"]
    paid["leaf"]["height"] = height
    blocks = value["leaves"]["blocks"]
    value["leaves"]["blocks"] = [b for b in blocks if b["leaf"]["height"] != gone]


def decided_first(value: Any) -> None:
    """The decision stands in the trigger's block, just before it."""
    made, said = value["leaves"]["trigger"][0], value["leaves"]["decisions"][0]
    said["index"], made["index"] = made["index"], made["index"] + 1
    said["leaf"]["height"] = made["leaf"]["height"]


def settled_first(value: Any) -> None:
    """The decision stands just after its settlement."""
    made, said = value["leaves"]["settlement"][0], value["leaves"]["decisions"][0]
    said["index"], made["index"] = made["index"], said["index"]


def more_claims(value: Any) -> None:
    """One claim, and nobody insured: told alike by settlement and decision."""
    sums = leaf(value, "settlement")["value"]["totals"]
    sums["in_force"] = 0
    body(value, "decisions")["totals"] = sums


def another_payment(value: Any) -> None:
    """A payment beside the one that says what the bank said."""
    extra = deepcopy(value["leaves"]["payments"][0])
    extra["index"] += 1
    extra["leaf"]["act"]["ref"] += " more"
    value["leaves"]["payments"].append(extra)


def one_fen_more(value: Any) -> None:
    """A carrier's part in the totals, told alike by settlement and decision."""
    sums = leaf(value, "settlement")["value"]["totals"]
    sums["carriers"][0]["pay_fen"] += 1
    body(value, "decisions")["totals"] = sums


ACTS = {  # what cannot be looked at where one act is none
    *("acts", "amount", "case", "decisions", "event", "facts", "in_force", "listing"),
    *("observations", "originals", "payments", "product", "settlement", "signer", "split"),
    *("totals", "trigger", "version"),
}
FORGERIES: dict[str, tuple[Change, set[str]]] = {
    "nothing": (lambda _: None, set()),
    "an amount that the terms do not give": (lambda v: pay(v, wan(4_001)), {"amount"}),
    "a larger magnitude": (larger, {"facts"}),
    "the terms of another time": (first_contract, {"version"}),
    "an instant under another contract": (
        lambda v: trigger(v).update(instant=from_beijing("2018-01-01")), {"version"},
    ),
    "other terms under the same number": (
        lambda v: trigger(v).update(meaning="0" * 64), {"version"},
    ),
    "a shock larger than the main one": (
        lambda v: trigger(v)["facts"]["magnitude"]["detail"]["used"].update(
            x=[trigger(v)["facts"]["magnitude"]["because"][0], 65]
        ),
        {"facts"},
    ),
    "an observation that is not shown": (
        lambda v: trigger(v)["facts"]["magnitude"].update(because=["0" * 64]), {"event", "facts"},
    ),
    "no observation": (
        lambda v: trigger(v)["facts"]["magnitude"].update(because=[]), {"facts"},
    ),
    "a person who decided nothing": (
        lambda v: trigger(v)["facts"]["magnitude"].update(how="person"), {"facts"},
    ),
    "another occurrence": (
        lambda v: (trigger(v).update(occurrence="1" * 64), case_of(occurrence="1" * 64)(v)),
        {"event"},
    ),
    "an epicentre elsewhere": (elsewhere, {"facts"}),
    "bytes that give another digest": (original, {"observations", "originals"}),
    "an observation of a source not registered": (
        lambda v: [s["leaf"]["act"]["body"].update(id="other") for s in v["leaves"]["sources"]],
        {"observations", "facts"},
    ),
    "a source that does not count": (uncounted, {"facts"}),
    "a policy that began later": (
        lambda v: v["row"]["row"].update(since=from_beijing("2021-05-22")), {"in_force"},
    ),
    "a policy that had ended": (
        lambda v: v["row"]["row"].update(until=from_beijing("2021-05-21")), {"in_force"},
    ),
    "a policy that was cancelled": (
        lambda v: v["row"]["row"].update(transaction="cancel"), {"in_force"},
    ),
    "a policy of another book": (lambda v: v["row"]["row"].update(book="other"), {"row"}),
    "a policy recorded after the event": (late, {"in_force"}),
    "a claim said to be held": (
        lambda v: v["claim"]["claim"].update(state="held"), {"amount"},
    ),
    "a claim said to be cut": (lambda v: v["claim"]["claim"].update(state="cut"), {"amount"}),
    "a claim with more fields": (lambda v: v["claim"]["claim"].update(more=1), {"claim"}),
    "a product that is not listed": (
        lambda v: body(v, "product")["product"]["name"].update(en="another"), {"product"},
    ),
    "a listing of two deciders of one operator": (
        lambda v: body(v, "listing")["listing"].update(
            deciders=["miaopei", "miaopei"], k=2, solo=False
        ),
        {"listing", "decisions", "settlement", "in_force"},
    ),
    "a decision of less": (total("gross_fen"), {"decisions"}),
    "a decision of another kind of sum": (total("other"), {"decisions"}),
    "a decision on another counter": (
        lambda v: body(v, "decisions").update(counter=99), {"decisions"},
    ),
    "a settlement paid by another": (
        lambda v: leaf(v, "settlement")["value"].update(payer="picc"), {"settlement", "payments"},
    ),
    "a settlement by fewer": (
        lambda v: leaf(v, "settlement")["value"].update(k=0), {"settlement"},
    ),
    "a settlement with other deciders": (
        lambda v: leaf(v, "settlement")["value"].update(deciders=[]), {"decisions"},
    ),
    "totals that do not add up": (
        lambda v: (
            leaf(v, "settlement")["value"]["totals"].update(claims=2),
            total("claims")(v), body(v, "decisions")["totals"].update(claims=2),
        ),
        {"totals", "claim", "decisions"},
    ),
    "a cap that the listing does not have": (
        lambda v: [
            sums.update(cap={"total_fen": 1, "payable_fen": 1, "threshold": 1, "last": -1})
            for sums in (
                leaf(v, "settlement")["value"]["totals"], body(v, "decisions")["totals"],
            )
        ],
        {"amount"},
    ),
    "a bank that paid less": (
        lambda v: v["payouts"][0]["paid"]["outcome"].update(amount_fen=1), {"payments"},
    ),
    "a bank that has not decided": (
        lambda v: v["payouts"][0]["paid"]["outcome"].update(state="pending"), {"payments"},
    ),
    "a bank's answer to another payer": (
        lambda v: v["payouts"][0]["paid"]["outcome"].update(payer="x"), {"payments"},
    ),
    "an operator that may not decide": (
        roles("operator", "gateway", "payer", "clock"), {"acts"},
    ),
    "an operator that may not record": (
        roles("operator", "decider", "payer", "clock"), {"acts"},
    ),
    "a key that had ended": (key(0, from_beijing("2019-01-01")), {"acts"}),
    "a key that was not yet": (key(from_beijing("2017-01-01"), None), {"acts"}),
    "an act of another record": (
        lambda v: leaf(v, "case") and leaf(v, "facts")["act"].update(chain="other"), {"acts"},
    ),
    "acts that name their ends": (ended, set()),
    "an act after its end": (
        lambda v: leaf(v, "facts")["act"].update(v=2, until=from_beijing("2016-01-01")), {"acts"},
    ),
    "an act of version 2 without an end": (lambda v: leaf(v, "hold")["act"].update(v=2), ACTS),
    "an act of version 1 with an end": (
        lambda v: leaf(v, "hold")["act"].update(until=2**40), ACTS,
    ),
    "an end that is none": (
        lambda v: leaf(v, "hold")["act"].update(v=2, until=True), ACTS,
    ),
    "an end before all time": (lambda v: leaf(v, "hold")["act"].update(v=2, until=-1), ACTS),
    "an act of a version that nobody knows": (
        lambda v: leaf(v, "hold")["act"].update(v=3, until=2**40), ACTS,
    ),
    "rules that nobody knows": (
        lambda v: [s["leaf"].update(rules=RULES + 1) for s in v["leaves"]["blocks"]], {"blocks"},
    ),
    "a trigger under rules that nobody knows": (
        lambda v: trigger(v).update(rules=RULES + 1), {"trigger"},
    ),
    "blocks whose time runs backwards": (
        lambda v: v["leaves"]["blocks"][-1]["leaf"].update(time=from_beijing("2016-01-01")),
        {"blocks"},
    ),
    "a leaf of another block": (lambda v: leaf(v, "case").update(height=1), {"blocks"}),
    "a case that did not settle": (
        case_of(state="nothing_due", reason="terms_give_zero"), {"case"},
    ),
    "a case of another benefit": (case_of(benefit="deaths"), {"case"}),
    "a payment told by one who is not the payer": (
        lambda v: another(v, "payer", "payments"), {"payments"},
    ),
    "a decision by one whom the listing does not name": (other_decides, {"decisions"}),
    "a payment before its settlement": (paid_first, {"payments"}),
    "a decision before its trigger": (decided_first, {"decisions"}),
    "a decision after its settlement": (settled_first, {"decisions"}),
    "more claims than policies in force": (more_claims, {"totals"}),
    "a payment of nothing that is shown": (another_payment, {"payments"}),
    "a leaf shown twice": (
        lambda v: v["leaves"]["members"].append(v["leaves"]["members"][0]), {"inclusion"},
    ),
    "carriers' parts that do not add up": (one_fen_more, {"totals"}),
    "a suite that nobody knows": (
        lambda v: leaf(v, "genesis")["value"].update(suite="sm"), {"genesis"},
    ),
    "a genesis of another key": (
        lambda v: leaf(v, "genesis")["value"].update(log_key="0" * 64), {"genesis"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forger_with_every_key_is_found_by_the_contract(name: str) -> None:
    change, expected = FORGERIES[name]
    found = failed(payout(DALI), change)
    if not expected:
        assert found == set()
        return
    assert found
    assert found <= expected, found


def test_a_share_is_recomputed_from_the_loss_report() -> None:
    """2018-09-08 Mojiang, surrounding: a report that says more would have paid more."""
    receipt = payout(YUXI)

    def more(value: Any) -> None:
        facts = trigger(value)["facts"]
        facts["loss_area"]["value"] = facts["loss_total"]["value"]
        pay(value, wan(1_600))

    assert "facts" in failed(receipt, more)
    assert failed(receipt, lambda _: None) == set()


def test_a_plain_zero_is_not_taken_for_a_refusal_of_a_paid_case() -> None:
    """A payout receipt turned into a refusal keeps the trigger that pays."""

    def refuse(value: Any) -> None:
        value["receipt"], value["claim"], value["payouts"] = "refusal", None, []
        value["leaves"]["payments"] = []

    assert failed(payout(DALI), refuse) == {"reason"}


@pytest.mark.parametrize("role", ["trigger", "settlement", "case"])
def test_a_made_record_bears_the_id_of_its_content(role: str) -> None:
    made = forged(payout(DALI), lambda _: None, lambda v: leaf(v, role).update(id="0" * 64))
    assert role in verify(made.to_bytes(), made.vkey).failed


@pytest.mark.parametrize("part", ["decisions", "facts", "payments", "hold", "listing"])
def test_an_act_whose_signature_is_not_its_senders(part: str) -> None:
    def unsign(value: Any) -> None:
        leaf(value, part)["act"]["sig"] = "00" * 64

    made = forged(payout(DALI), lambda _: None, unsign)
    assert verify(made.to_bytes(), made.vkey).failed == ("acts",)


def test_an_attestation_whose_signature_is_not_the_sources() -> None:
    def unsign(value: Any) -> None:
        body(value, "facts")["facts"][0]["attestation"]["sig"] = "00" * 64

    assert failed(payout(DALI), unsign) == {"observations"}
