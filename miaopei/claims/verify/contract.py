"""Checks of the contract: product, listing, trigger, terms in force, the row, and the amount.

The amount is computed here by the exact reading, from the attested facts and the opened row. NumPy
and the columnar reading are not used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import Refused
from ...evidence.observation import Observation
from ...ledger.merkle import leaf_hash
from ...ledger.proof import check_inclusion, from_hex
from ...measures.identity import content_id
from ...measures.suites import in_use
from ...policies.row import PolicyRow, Transaction, row_from_json
from ...terms import exact
from ...terms.bounds import Bounds, bounds
from ...terms.canonical import filing_hash, meaning_hash
from ..receipt import OpenedRow
from .frame import RULES
from .lists import inputs
from .seen import MadeSeen, Seen
from .verdict import Facts, demand, fails

CLAIM_FIELDS = {
    *("v", "trigger", "policy", "position", "gross_fen", "spent_fen", "terms_fen", "owed_fen"),
    *("settled_fen", "pay_fen", "state", "salt"),
}


def product(seen: Seen) -> Facts:
    """The product in this receipt is the one that the listing names, by its content id."""
    value = seen.product
    named = seen.one("listing").body["product"]
    demand(value.hash == named, "product_hash", named=str(named)[:16], found=value.hash[:16])
    demand(_before(seen, "product", "listing"), "order", first="product", then="listing")
    return {"product": value.id, "product_zh": value.name.zh, "product_en": value.name.en}


def listing(seen: Seen) -> Facts:
    """The listing: its book, its carriers, and enough deciders of different operators."""
    value, subject = seen.listing, subject_of(seen)
    demand(value.id == subject.value["listing"], "listing_other", listing=value.id)
    demand(seen.one("listing").index < subject.index, "order", first="listing", then="case")
    operators = {name: str(entry["operator"]) for name, (entry, _) in seen.members.items()}
    if refusals := value.check(operators):
        raise Refused(*refusals)
    return {"listing": value.id, "k": value.k, "deciders": len(value.deciders)}


def trigger(seen: Seen) -> Facts:
    """The trigger: its id, its product and benefit, its rule set."""
    made, entry = seen.trigger, seen.one("listing")
    value = made.value
    demand(value["product"] == entry.body["product"], "trigger_other", field="product")
    demand(value["book"] == seen.listing.book, "trigger_other", field="book")
    demand(value["benefit"] in seen.product.benefits, "trigger_other", field="benefit")
    demand(value["rules"] in RULES, "rules_unknown", rules=value["rules"], height=made.height)
    because = sorted({i for fact in value["facts"].values() for i in fact["because"]})
    demand(tuple(because) == made.because, "trigger_other", field="because")
    return {"trigger": made.id, "benefit": value["benefit"], "revision": value["revision"]}


def version(seen: Seen) -> Facts:
    """The terms in force at the instant, and their two hashes."""
    value = seen.trigger.value
    instant = value["instant"]
    moments = {
        fact["detail"]["instant"] for fact in value["facts"].values() if "instant" in fact["detail"]
    }
    founding = {moment for f in seen.facts.values() for moment in _moments(f.observation)}
    demand(instant in (moments or founding), "instant", instant=instant)
    demand(instant in founding, "instant", instant=instant)
    found = seen.product.version_at(instant)
    number = None if found is None else found.number
    demand(number == value["version"], "version", stated=value["version"], found=number)
    for name, hashed in (("filing", filing_hash), ("meaning", meaning_hash)):
        demand(hashed(seen.version.terms) == value[name], "terms_hash", which=name)
    return {"version": value["version"], "instant_at": instant}


def _moments(said: Observation) -> tuple[int, ...]:
    """The instants that an observation can make the deciding one."""
    starts = {"outage": "off_planned", "restoration": "first_off"}
    if said.kind in starts:
        start = said.values[starts[said.kind]]
        return () if start is None else (start,)
    return (said.instant,)


def row(seen: Seen) -> Facts:
    """The policy row stands in the book whose size and root the trigger names."""
    opened = _opened(seen)
    _in_book(seen, opened)
    return {"policy": opened.row["policy"], "position": opened.position}


def in_force(seen: Seen) -> Facts:
    """The row speaks of the instant; a version recorded late changes nothing, or it is held."""
    value, opened = seen.trigger.value, _opened(seen)
    it, instant = row_from_json(opened.row), value["instant"]
    stated = {(hold.body["size"], hold.body["root"]) for hold in seen.acts["hold"]}
    demand((value["book_size"], value["book_root"]) in stated, "book_unstated")
    demand(covers(it, instant), "not_in_force", since=it.since, until=it.until, instant=instant)
    recorded, before = recorded_at(seen, opened.position), seen.receipt.before
    late, other_late = recorded > instant, None
    if before is not None:
        _in_book(seen, before)
        other_late = recorded_at(seen, before.position) > instant
    if _held(seen) and not_known(seen, it):
        return {"since_at": it.since, "until_at": it.until, "recorded_at": recorded, "late": late}
    if _held(seen):
        demand(not _arrears(seen), "held_why")
        if before is not None:
            demand(_same_policy(it, before, instant), "held_why")
        if before is not None and late != other_late:  # the claim is the version's that gives more
            demand(_amounts(seen, before) < _amounts(seen, opened), "held_why")
    elif (how := released(seen)) is not None:
        demand(late or other_late, "held_why")
        if how == "reserved" and before is not None:
            demand(_amounts(seen, before) <= _amounts(seen, opened), "held_why")
        if how == "other" and not _declined(seen, how):
            demand(before is not None, "held_why")
            assert before is not None, "demanded"
            demand(_amounts(seen, opened) <= _amounts(seen, before), "held_why")
    elif other_late and not late and before is not None and seen.receipt.claim is not None:
        if not _arrears(seen) and _same_policy(it, before, instant):  # else it would be held
            demand(_amounts(seen, before) == _amounts(seen, opened), "held_why")
    elif late and not _arrears(seen):
        same = before is not None and not other_late and _same_policy(it, before, instant)
        if before is not None and same:
            same = _amounts(seen, before) == _amounts(seen, opened)
        demand(same, "recorded_late", recorded_at=recorded, instant=instant)
    return {"since_at": it.since, "until_at": it.until, "recorded_at": recorded, "late": late}


def amount(seen: Seen) -> Facts:
    """Gross, owed and to pay, computed again by reading the terms on the attested facts."""
    stated, it = claim_of(seen), row_from_json(_opened(seen).row)
    gross, net = gross_of(seen, it), settle_again(seen, it, stated["spent_fen"])
    declined = _declined(seen, released(seen))
    net = 0 if declined else net
    found = {"gross": gross, "terms": net, "owed": _capped(seen, net)}
    for name, fen in found.items():
        demand(fen == stated[f"{name}_fen"], name, stated_fen=stated[f"{name}_fen"], found_fen=fen)
    owed, settled = found["owed"], stated["settled_fen"]
    state, pay = _state_of(seen, gross, owed, settled), max(0, owed - settled)
    if declined and state == "exhausted":
        state = "declined"
    if stated["state"] == "held":  # why it may be held: `in_force`
        state, pay = "held", 0
    demand(state == stated["state"], "claim_state", stated=stated["state"], found=state)
    demand(pay == stated["pay_fen"], "pay", stated_fen=stated["pay_fen"], found_fen=pay)
    told: Facts = {f"{name}_fen": fen for name, fen in found.items()}
    return {
        **told, "settled_fen": settled, "pay_fen": pay, "spent_fen": stated["spent_fen"],
        "state": state,
    }  # fmt: skip


def claim(seen: Seen) -> Facts:
    """The claim is of this trigger and row, its salt follows, and it is under the claims root."""
    opened, value = seen.receipt.claim, claim_of(seen)
    assert opened is not None, "claim_of has found it"
    it = _opened(seen)
    demand(set(value) == CLAIM_FIELDS and value["v"] == 1, "claim_fields")
    same = (value["trigger"], value["policy"], value["position"]) == (
        seen.trigger.id, it.row["policy"], it.position,
    )  # fmt: skip
    demand(same, "claim_other", policy=str(value["policy"])[:16])
    message = b"miaopei/v1/claim\0" + bytes.fromhex(seen.trigger.id)
    salt = in_use.suite.hmac(bytes.fromhex(it.row["salt"]), message).hex()
    demand(value["salt"] == salt, "claim_salt")
    settled = seen.settlement.value
    demand(opened.count == settled["totals"]["claims"], "claim_count", count=opened.count)
    try:
        hashed = leaf_hash(bytes.fromhex(content_id("claim", value)))
        root = bytes.fromhex(settled["claims_root"])
        check_inclusion(hashed, opened.index, opened.count, from_hex(list(opened.path)), root)
    except Refused:
        raise fails("claim_path", index=opened.index, count=opened.count) from None
    return {"index": opened.index, "count": opened.count}


# What these checks and those of refusals share ----------------------------------------------------


def settle_again(seen: Seen, it: PolicyRow, spent: int) -> int:
    """What the terms give this row for the trigger's facts, in fen."""
    benefit, terms = seen.trigger.value["benefit"], seen.version.terms
    span = _unsure(seen, it, spent)
    if span is not None:
        return span.most  # held at the most that it can come to
    observed, _ = inputs(seen, it.subject)
    return exact.settle(terms, benefit, observed, it.declared, {benefit: spent}).amount_fen


def not_known(seen: Seen, it: PolicyRow) -> bool:
    """Whether what is not known of this policy could change its amount: then its claim is held."""
    return _unsure(seen, it, 0) is not None


def _unsure(seen: Seen, it: PolicyRow, spent: int) -> Bounds | None:
    """Least and most of an amount that rests on what is not known of the policy; else None."""
    benefit = seen.trigger.value["benefit"]
    observed, unknown = inputs(seen, it.subject)
    if not unknown:
        return None
    known = {name: value for name, value in observed.items() if name not in unknown}
    span = bounds(seen.version.terms, benefit, known, it.declared, {benefit: spent})
    return span if span.least < span.most else None


def gross_of(seen: Seen, it: PolicyRow) -> int:
    """The same with nothing spent."""
    return settle_again(seen, it, 0)


def _state_of(seen: Seen, gross: int, owed: int, settled: int) -> str:
    """State of a claim that is not held. Source: docs/specs/record.md, section 7."""
    if owed < settled:
        return str(seen.listing.kept_or_receivable)
    if gross and not owed:
        return "exhausted"
    return "cut" if owed < gross else "paid"


def _capped(seen: Seen, net: int) -> int:
    """The amount under the listing's occurrence cap, by where its largest-remainder line fell."""
    cap, opened = seen.listing.occurrence_cap_fen, seen.receipt.claim
    line = seen.settlement.value["totals"]["cap"]
    demand((cap is None) == (line is None), "cap")
    if cap is None or opened is None:
        return net
    total, payable = line["total_fen"], line["payable_fen"]
    sums = seen.settlement.value["totals"]
    demand(payable <= cap and payable <= total == sums["terms_fen"], "cap")
    if not total:
        return 0
    floor, rest = divmod(net * payable, total)
    more = rest > line["threshold"] or (rest == line["threshold"] and opened.index <= line["last"])
    return int(floor + more)


def _amounts(seen: Seen, opened: OpenedRow) -> tuple[int, int]:
    """What one version gives: with what the claim says is spent, and with nothing spent."""
    it = row_from_json(opened.row)
    if it.transaction is Transaction.CANCEL:
        return 0, 0
    return settle_again(seen, it, claim_of(seen)["spent_fen"]), gross_of(seen, it)


def _same_policy(it: PolicyRow, other: OpenedRow, instant: int) -> bool:
    """Whether another row is a version of the same policy that speaks of the instant."""
    row = row_from_json(other.row)
    return row.policy == it.policy and row.since <= instant < row.until


def covers(it: PolicyRow, instant: int) -> bool:
    """Whether a row covers an instant."""
    return it.since <= instant < it.until and it.transaction is not Transaction.CANCEL


def recorded_at(seen: Seen, position: int) -> int:
    """When the batch with this place of the book came in force: the block of the k-th statement."""
    for batch in seen.acts["batch"]:
        count = batch.body["rows"]["count"]
        said: dict[tuple[int, str], list[tuple[int, str]]] = {}
        for hold in seen.acts["hold"]:
            if hold.body["batch"] == batch.id:
                key = (hold.body["size"], hold.body["root"])
                said.setdefault(key, []).append((seen.time(hold.height), hold.by))
        for (size, _), times in said.items():
            deciders = {by for _, by in times} & set(seen.listing.deciders)
            if size - count <= position < size and len(deciders) >= seen.listing.k:
                return sorted(time for time, _ in times)[
                    seen.listing.k - 1
                ]  # later ones say it too
    raise fails("batch_absent", position=position)


def claim_of(seen: Seen) -> Mapping[str, Any]:
    """The opened claim."""
    opened = seen.receipt.claim
    if opened is None:
        raise fails("part_absent", part="claim")
    return opened.claim


def subject_of(seen: Seen) -> MadeSeen:
    """The trigger, or for a refusal without one the case."""
    return seen.trigger if seen.receipt.leaves["trigger"] else seen.case


def _opened(seen: Seen) -> OpenedRow:
    if seen.receipt.row is None:
        raise fails("part_absent", part="row")
    return seen.receipt.row


def _in_book(seen: Seen, opened: OpenedRow) -> None:
    value, it = seen.trigger.value, row_from_json(opened.row)
    demand(it.as_json() == opened.row, "row_fields")
    demand(it.book == value["book"], "row_book", book=it.book)
    try:
        root = bytes.fromhex(value["book_root"])
        check_inclusion(
            leaf_hash(it.commitment()), opened.position, value["book_size"],
            from_hex(list(opened.path)), root,
        )  # fmt: skip
    except Refused:
        raise fails("row_path", position=opened.position, size=value["book_size"]) from None


def _arrears(seen: Seen) -> bool:
    return bool(seen.one("listing").body["arrears"])


def _held(seen: Seen) -> bool:
    opened = seen.receipt.claim
    return opened is not None and opened.claim.get("state") == "held"


def released(seen: Seen) -> str | None:
    """How a person has released the claim, by the last such act before the trigger; None: not."""
    value, opened = seen.trigger.value, _opened(seen)
    said = [
        act
        for act in seen.acts.get("release", ())
        if act.index < seen.trigger.index and act.body["policy"] == opened.row["policy"]
    ]
    if not said:
        return None
    demand(value.get("releases", 0) > 0, "held_why")
    for act in said:
        of = ("listing", "occurrence", "benefit", "shock")
        demand(all(act.body[name] == value[name] for name in of), "held_why")
    return str(max(said, key=lambda act: act.index).body["how"])


def _declined(seen: Seen, how: str | None) -> bool:
    """Whether the release gives nothing: said so, or the other version gives nothing."""
    before = seen.receipt.before
    if how != "other":
        return how == "nothing"
    other = (0, 0) if before is None else _amounts(seen, before)
    return other == (0, 0)


def _before(seen: Seen, first: str, then: str) -> bool:
    return seen.one(first).index < seen.one(then).index
