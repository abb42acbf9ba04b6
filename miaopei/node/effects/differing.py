"""Where deciders differ, or have been away: what each owes the record beside its decisions.

A decider that comes late signs for the batches it has missed; one that was silent in a round that
came to nothing opens the next; and the two sides of a difference each show, sealed for the group,
what they make of the first policy that differs. Source: docs/specs/consortium.md, section 10.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import zip_longest
from typing import Any

from ...acts import rounds
from ...acts.blobs import TRACE
from ...acts.envelope import Act, from_bytes
from ...acts.facts import product_of
from ...acts.raise_rules import rules_at
from ...acts.state import State
from ...claims.evaluate import of_one
from ...errors import SealedUnfit
from ...policies.row import PolicyRow
from ...terms import exact
from ..mass.holding import AtHand
from ..mass.run import MassRun
from ..node import Node
from ..ports import Reading
from ..vault.blobs import open_values, opens, seal_values
from .listed import observed_by

Leaf = dict[str, Any]


def behind(state: State, height: int, me: str) -> Iterator[str]:
    """Of each book that we decide about the first batch in force that we have not signed for."""
    if rules_at(state, height + 1) < rounds.SINCE:
        return
    for name, book in state.range("book", ""):
        listing = state.need("listing", book["listing"])["listing"]
        if listing["solo"] or me not in listing["deciders"]:
            continue
        held = rounds.held_upto(state, name, me)
        if held < book["size"]:
            yield state.need("in_force", f"{name}/{held:012d}")


def next_round(node: Node, trigger_id: str, number: int, at_hand: AtHand) -> Act | None:
    """The act that opens the round after one in which we were silent; None where we still are."""
    with node.store.writing() as block:
        state = State(block)
        trigger = state.need("trigger", trigger_id)
        held = rounds.held_upto(state, trigger["book"], node.identity.member)
        if held < trigger["book_size"] or not at_hand(block, state, trigger):
            return None
    return node.act(
        "open_round", f"round-{trigger_id}-{number}", {"trigger": trigger_id, "round": number}
    )


def to_show(state: State, me: str) -> list[str]:
    """The differences of which we are a side that has not shown its trace."""
    return [
        id
        for id, value in state.range("difference", "")
        if me in (value["member"], value["against"]) and me not in value["shown"]
    ]


def show(run: MassRun, difference: str) -> Act | None:
    """What we make of the first policy that differs; None where no claims do, or not all are here.

    Errors   RecordDamaged (alarm).
    """
    node, name = run.node, f"show/{difference}"
    me = node.identity.member
    with node.store.writing() as block:
        if (kept := block.progress(name)) is not None:
            return from_bytes(kept)
        state = State(block)
        value = state.need("difference", difference)
        trigger = state.need("trigger", value["trigger"])
        said = rounds.words(state, value["trigger"], value["counter"], value["round"])
        other = value["against"] if me == value["member"] else value["member"]
        blobs = [said[member]["claims"] for member in (me, other)]
        if not all(blob and opens(block, blob["blob"], node.identity) for blob in blobs):
            return None
        mine, theirs = (open_values(block, blob["blob"], node.identity) for blob in blobs)
        if (found := first_apart(mine, theirs)) is None:
            return None
        leaf, their = found
        at = leaf or their
        assert at is not None, "one of two differing claims is there"
        (recorded,) = block.rows_between(trigger["book"], at["position"], at["position"] + 1)
        trace = trace_of(run, block, state, trigger, recorded.row, at["spent_fen"])
        own = None if leaf is None else {k: v for k, v in leaf.items() if k != "salt"}
        shown = {"v": 1, "difference": difference, "by": me, "claim": own, **trace}
        body = {
            "difference": difference,
            "policy": recorded.row.policy,
            "position": at["position"],
            "trace": seal_values(block, node, [shown], "trace", TRACE, trigger["listing"]),
        }
        act = node.act("show_difference", name, body)
        block.put_progress(name, act.to_bytes())
        return act


def first_apart(
    mine: Sequence[Leaf], theirs: Sequence[Leaf]
) -> tuple[Leaf | None, Leaf | None] | None:
    """The first claims in book order that differ, one of them None where it is absent."""
    for one, other in zip_longest(mine, theirs):
        if one == other:
            continue
        if one is None or other is None or one["position"] == other["position"]:
            return one, other
        return (one, None) if one["position"] < other["position"] else (None, other)
    return None


def trace_of(
    run: MassRun, block: Reading, state: State, trigger: Leaf, row: PolicyRow, spent: int
) -> dict[str, Any]:
    """Every step of the exact reading of one policy, with the terms as this member reads them."""
    product = product_of(state, trigger["product"])
    version = product.version(trigger["version"])
    seen = observed_by(block, run.node.identity, product, trigger, lambda: [row.subject])
    observed = of_one(seen.observed, 0)
    benefit = trigger["benefit"]
    result = exact.settle(
        run.reads(version.terms), benefit, observed, dict(row.declared), {benefit: spent}
    )
    return exact.trace_json(result)


def _settled(state: State, difference: dict[str, Any]) -> list[str]:
    """The members whose equal words settled what was decided otherwise; none where nobody's did."""
    round_ = state.get("round", difference["trigger"]) or {}
    settlement = round_.get("settlement")
    if settlement is None:
        return []
    return [*state.need("settlement", settlement)["settlement"]["deciders"]]


def traces(reading: Reading, state: State, node: Node) -> list[dict[str, Any]]:
    """Every difference on the record with what its sides have shown, opened where we may, and whose
    equal words have settled it since.
    """
    found = []
    for id, value in state.range("difference", ""):
        shown = {}
        for member, said in value["shown"].items():
            blob = said["trace"]["blob"]
            opened = None
            with suppress(SealedUnfit, LookupError):  # sealed by who differs: it may be anything
                if opens(reading, blob, node.identity):
                    opened = open_values(reading, blob, node.identity)[0]
            opened = opened if isinstance(opened, dict) else None
            shown[member] = {**said, "opened": opened}
        found.append({**value, "id": id, "shown": shown, "settled": _settled(state, value)})
    return found
