"""Deciding: the effects that a decider owes the record, carried out at the edge and sent as acts.

Holding batches (open the rows, check them, state the book's root) and deciding triggers (evaluate
the book twice, seal the claims, sign the totals). Each is first written down with its act, so that
a kill anywhere sends the same act again. Source: docs/specs/record.md, sections 5 and 7.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ...acts.envelope import Act, from_json
from ...acts.facts import product_of
from ...acts.state import State
from ...claims.claim import Evaluated, History, evaluate
from ...claims.payout import payouts_of
from ...errors import Alarm, RecordDamaged, Refused
from ...evidence.shocks import each_decides
from ...ledger.merkle import Frontier, leaf_hash
from ...market.listing import Listing, Overpaid
from ...measures.identity import canonical, read_canonical
from ...measures.instant import DAY, period_index
from ...policies.batch import check_batch
from ...policies.book import Effective, Recorded, effective, steady
from ...terms.filing import Product
from ...terms.words import Declared
from ..node import Node
from ..ports import Identity, Reading
from ..vault.blobs import opens, seal_blob
from .keeper import Keeper, open_rows
from .listed import observed_by

LONGEST_YEAR = 366 * DAY
DUTIES = ("hold/", "decide/")
MOVED = (
    "book.moved",
    "act.counter_moved",
    "act.trigger_not_open",
    "act.batch_in_force",
)  # made again on the new state
MOST_KEPT = 20  # reasons written down for one duty


class Decider:
    """Carries out this node's duties to hold and to decide."""

    def __init__(self, node: Node, keeper: Keeper | None = None) -> None:
        self.node, self._keeper = node, keeper

    def run(self) -> int:
        """Do every duty that can be done now; the number done. Alarms are not caught here.

        A batch whose rows do not check is left standing with its reasons (`refusals`), and does not
        keep the others from being done.
        """
        done, passed = 0, set[str]()
        while (due := self._due(passed)) is not None:
            duty, act = due
            (result,) = self.node.submit([act])
            if not result.ok and result.refusals[0].code not in MOVED:
                raise Alarm("the record refuses our decision", code=result.refusals[0].code)
            passed.update([] if result.ok else [duty])  # the next run makes it again
            done += result.ok
        return done

    def refusals(self) -> dict[str, list[dict[str, Any]]]:
        """The duties that stand because the rows do not check, with the reasons."""
        with self.node.reading() as (reading, state):
            duties = [key for prefix in DUTIES for key, _ in state.range("duty", prefix)]
            kept = {key: reading.progress(f"refused/{key}") for key in duties}
        return {key: read_canonical(said) for key, said in kept.items() if said is not None}

    def _due(self, passed: set[str]) -> tuple[str, Act] | None:
        """The next duty and the act that does it; `passed` grows by those that cannot be done."""
        with self.node.reading() as (_, state):
            holds, decides = (list(state.range("duty", prefix)) for prefix in DUTIES)
        wanted = [(key, partial(self._hold, duty["batch"])) for key, duty in holds]
        wanted += [(key, partial(self._decide, duty["trigger"])) for key, duty in decides]
        for key, make in wanted:
            if key in passed:
                continue
            try:
                if act := make():
                    return key, act
            except Refused as refused:
                self._keep(key, refused)
            passed.add(key)
        return None

    def _keep(self, duty: str, refused: Refused) -> None:
        """Write down why a duty stands; the last word counts."""
        said = canonical([refusal.as_json() for refusal in refused.refusals[:MOST_KEPT]])
        with self.node.store.writing() as block:
            block.put_progress(f"refused/{duty}", said)

    def _hold(self, batch_id: str) -> Act | None:
        with self.node.store.writing() as block:
            state = State(block)
            batch = state.need("batch", batch_id)
            book = state.need("book", batch["book"])
            entry = state.need("listing", book["listing"])
            me = self.node.identity.member
            size = book["size"] + batch["rows"]["count"]
            if me not in entry["listing"]["deciders"] or (
                me in batch["statements"] and batch["statements"][me]["size"] == size
            ):
                return None
            if batch["first"] is not None or not self._at_hand(block, state, batch):
                return None  # others were quicker, or its rows are still on their way to us
            rows = open_rows(block, batch["rows"], self.node)
            before = block.rows(batch["book"], book["size"])
            declared = declared_by(product_of(state, entry["product"]))
            earlier = (recorded.row for recorded in before)
            premium = batch["totals"]["premium_fen"]
            if found := check_batch(rows, batch["book"], declared, earlier, premium):
                raise Refused(*found)
            frontier = frontier_of(before, batch["book"], book)
            after = frontier.extend(leaf_hash(row.commitment()) for row in rows)
            block.put_rows(Recorded(book["size"] + i, 0, row) for i, row in enumerate(rows))
            body = {"batch": batch_id, "size": after.size, "root": after.root().hex()}
            return self.node.act("hold_batch", f"hold-{batch_id}-{after.size}", body)

    def _decide(self, trigger_id: str) -> Act | None:
        with self.node.store.writing() as block:
            state = State(block)
            trigger = state.need("trigger", trigger_id)
            book = state.need("book", trigger["book"])
            me = self.node.identity.member
            entry = state.need("listing", trigger["listing"])
            key = f"{trigger_id}/{book['counter']:012d}/{me}"
            if me not in entry["listing"]["deciders"] or state.has("decision", key):
                return None
            if book["open"] != trigger_id or not self._at_hand(block, state, trigger):
                return None  # others were quicker, or rows are still on their way to us
            name = f"decide/{key}"
            if (kept := block.progress(name)) is not None:
                return from_json(read_canonical(kept))
            listing = Listing.from_json(entry["listing"])
            mine = self.node.identity
            rows = recorded_rows(block, state, trigger["book"], trigger["book_size"])
            try:
                result, in_force = decide(block, state, trigger_id, trigger, listing, mine, rows)
            except Refused as refused:
                act = self._cannot(trigger_id, trigger, book["counter"], refused)
                block.put_progress(name, canonical(act.as_json()))
                return act
            claims = result.claims
            body = {
                "trigger": trigger_id,
                "revision": trigger["revision"],
                "counter": book["counter"],
                "book_size": trigger["book_size"],
                "book_root": trigger["book_root"],
                "claims": seal_blob(
                    block,
                    self.node,
                    [canonical(c.as_json()) for c in claims],
                    [c.commitment() for c in claims],
                    "miaopei/claims/1",
                    trigger["listing"],
                ),
                "totals": totals(result, in_force, trigger, listing),
            }
            if each_decides(product_of(state, trigger["product"]).grouping):
                body["steady"] = list(steady(rows, trigger["instant"]))
            act = self.node.act("decide", f"decide-{key}", body)
            block.put_claims(trigger_id, trigger["book"], trigger["benefit"], claims)
            block.put_progress(name, canonical(act.as_json()))
            return act

    def _cannot(
        self, trigger_id: str, trigger: dict[str, Any], counter: int, refused: Refused
    ) -> Act:
        """The terms give no result: said on the record, so that the line behind goes on."""
        body = {
            "trigger": trigger_id,
            "revision": trigger["revision"],
            "counter": counter,
            "refusals": [refusal.as_json() for refusal in refused.refusals[:MOST_KEPT]],
        }
        return self.node.act("cannot_decide", f"cannot-{trigger_id}-{counter}", body)

    def _at_hand(self, block: Reading, state: State, about: dict[str, Any]) -> bool:
        """Whether all that the record says of a book is opened here; in solo it always is."""
        if self._keeper is None:
            return True
        rows = about.get("rows")
        here = rows is None or opens(block, rows["blob"], self.node.identity)
        return here and self._keeper.has(block, state, about["book"])


def decide(
    reading: Reading,
    state: State,
    trigger_id: str,
    trigger: dict[str, Any],
    listing: Listing,
    identity: Identity,
    rows: Sequence[Recorded],
) -> tuple[Evaluated, int]:
    """The claims of one trigger and how many policies were in force, on this member's own copy.

    `identity` opens the sealed lists where an input differs by policy.

    Errors   ReadingsDisagree, RecordDamaged (alarms); Refused where the terms refuse the facts.
    """
    product = product_of(state, trigger["product"])
    version = next(v for v in product.versions if v.number == trigger["version"])
    arrears = state.need("listing", trigger["listing"])["arrears"]
    policies = effective(rows, trigger["instant"], trigger["book_size"], arrears=arrears)
    past = histories(reading, state, trigger, policies)
    seen = observed_by(reading, identity, product, trigger, policies)
    result = evaluate(
        version.terms, trigger["benefit"], trigger_id, seen.observed, policies, past, listing,
        seen.unknown,
    )  # fmt: skip
    return result, len(policies)


def totals(
    result: Evaluated, in_force: int, trigger: dict[str, Any], listing: Listing
) -> dict[str, Any]:
    """The totals of a decision: what each carrier has to pay, and what it may ask back."""
    claims, placement = result.claims, listing.placement
    pay = dict.fromkeys((share.carrier for share in placement.shares), 0)
    back = dict(pay)
    over = {str(choice): 0 for choice in Overpaid}
    for claim in claims:
        for payout in payouts_of(claim, trigger, placement):
            pay[payout.carrier] += payout.amount_fen
        if claim.state in over:
            over[claim.state] += claim.settled_fen - claim.owed_fen
        if claim.state == Overpaid.RECEIVABLE:
            for carrier, fen in placement.split(claim.settled_fen - claim.owed_fen).items():
                back[carrier] += fen
    return {
        "in_force": in_force,
        "claims": len(claims),
        "held": sum(c.state == "held" for c in claims),
        "gross_fen": sum(c.gross_fen for c in claims),
        "terms_fen": sum(c.terms_fen for c in claims),
        "owed_fen": sum(c.owed_fen for c in claims),
        "pay_fen": sum(c.pay_fen for c in claims),
        "kept_fen": over[Overpaid.KEPT],
        "receivable_fen": over[Overpaid.RECEIVABLE],
        "cap": None if result.cap is None else result.cap.as_json(),
        "carriers": [
            {"carrier": c, "pay_fen": fen, "receivable_fen": back[c]} for c, fen in pay.items()
        ],
    }


def histories(
    reading: Reading, state: State, trigger: dict[str, Any], policies: Sequence[Effective]
) -> dict[str, History]:
    """What each policy has been settled: in its policy year elsewhere, and here before.

    Only triggers that have settled count; a held claim reserves the most it may become. An
    occurrence counts whole in one policy year: that of its last settled trigger, or where every
    shock decides that of the shock that gives the policy most, the earliest among equals; this one
    in that of the trigger at hand.
    """
    starts = {p.chosen.row.policy: p.chosen.row.year_from for p in policies}
    here, at = trigger["occurrence"], trigger["instant"]
    each = each_decides(product_of(state, trigger["product"]).grouping)
    kept: dict[tuple[str, str], _Kept] = defaultdict(_Kept)
    for occurrence, triggers in _settled(state, trigger).items():
        last = triggers[-1][1]
        instants = [instant for _, instant in triggers]
        if occurrence != here and all(abs(instant - at) > LONGEST_YEAR for instant in instants):
            continue
        for other, instant in triggers:
            for claim in reading.claims(other):
                if claim["policy"] in starts:
                    counted = (claim["owed_fen"], -instant) if each else (0, -last)
                    kept[claim["policy"], occurrence].add(claim, counted)
    elsewhere = dict.fromkeys(starts, 0)
    for (policy, occurrence), had in kept.items():
        if occurrence != here and _same_year(starts[policy], had.instant, at):
            elsewhere[policy] += max(had.paid, had.held)
    return {policy: History(elsewhere[policy], kept[policy, here].paid) for policy in starts}


@dataclass
class _Kept:
    """What one policy has had for one occurrence, and the instant that puts it in a policy year."""

    paid: int = 0
    held: int = 0
    most: tuple[int, int] = (-1, 0)

    @property
    def instant(self) -> int:
        """Of the trigger that counts."""
        return -self.most[1]

    def add(self, claim: Mapping[str, Any], counted: tuple[int, int]) -> None:
        """One more settled claim; `counted` sorts its trigger's instant among the others."""
        self.paid += claim["pay_fen"]
        # Whole for the occurrence, so that a later revision replaces an earlier one.
        self.held = claim["owed_fen"] if claim["state"] == "held" else 0
        self.most = max(self.most, counted)


def _settled(state: State, trigger: dict[str, Any]) -> dict[str, list[tuple[str, int]]]:
    """Settled triggers of the same book and benefit with their instants, by occurrence, in order.

    The deciding instant moves with the main shock, perhaps over the end of a policy year.
    """
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for _, settlement in state.range("settled", f"{trigger['book']}/"):
        other_id = state.need("settlement", settlement)["settlement"]["trigger"]
        other = state.need("trigger", other_id)
        if other["benefit"] == trigger["benefit"]:
            found[other["occurrence"]].append((other_id, other["instant"]))
    return found


def _same_year(year_from: int, one: int, other: int) -> bool:
    return period_index(one, year_from) == period_index(other, year_from)


def recorded_rows(reading: Reading, state: State, book: str, size: int) -> list[Recorded]:
    """The book's rows up to a size, with the block time at which each came in force."""
    times: list[tuple[int, int]] = []
    for _, batch_id in state.range("in_force", f"{book}/"):
        batch = state.need("batch", batch_id)
        times.append((batch["first"], batch["recorded_at"]))
    rows = reading.rows(book, size)
    if len(rows) != size:
        raise RecordDamaged("rows of a book are missing here", book=book, have=len(rows), want=size)
    result, at = [], 0
    for row in rows:
        while at + 1 < len(times) and times[at + 1][0] <= row.position:
            at += 1
        result.append(Recorded(row.position, times[at][1], row.row))
    return result


def declared_by(product: Product) -> list[Declared]:
    """What the terms of a product read from a policy, in any of their versions."""
    inputs = (of for version in product.versions for of in version.terms.inputs)
    return [of for of in inputs if isinstance(of, Declared)]


def frontier_of(rows: Sequence[Recorded], book: str, entry: dict[str, Any]) -> Frontier:
    """The book's tree as this member holds it, checked against the record's root."""
    frontier = Frontier().extend(leaf_hash(r.row.commitment()) for r in rows)
    if frontier.root().hex() != entry["root"]:
        raise RecordDamaged("the book here does not give the record's root", book=book)
    return frontier
