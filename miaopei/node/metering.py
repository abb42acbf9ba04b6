"""Running an insurer's claim model beside the data: lists are opened here, one measure leaves.

Who the data are of must have consented; the others are left out and counted. The model reads facts
by the same rules as the listing's product and decides nothing. Source: docs/specs/metering.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..acts.consents import allowed
from ..acts.facts import product_of
from ..acts.state import State
from ..claims.evaluate import of_one
from ..errors import Refusal, Refused
from ..evidence.outage.lists import FIELDS
from ..measures.identity import content_id
from ..policies.book import effective
from ..policies.row import PolicyRow
from ..terms import canonical, exact
from ..terms.words import Observed, Terms
from .effects.listed import Lists, Seen, observed_by
from .node import Node
from .ports import Reading


@dataclass(frozen=True)
class Run:
    """What one run read and found. `body` is that of its `meter_usage` act."""

    users: int
    records: int
    body: dict[str, Any]


def run(node: Node, model: str, trigger: str, *, provider: str, purpose: str, caller: str) -> Run:
    """Run a model on the facts of a trigger and meter it on the record.

    Errors   Refused metering.*, consent.* where nobody's data may be read; RecordDamaged (alarm).
    """
    with node.reading() as (reading, state):
        body = _measured(node, reading, state, model, trigger, purpose)
        at = reading.head().time
    body |= {"model": model, "provider": provider, "trigger": trigger, "purpose": purpose}
    body |= {"caller": caller, "at": at}
    body["run"] = content_id("run", {**body, "nonce": node.random(16).hex()})
    node.accept("meter_usage", f"run-{body['run'][:24]}", body)
    return Run(body["users"], body["records"], body)


def _measured(
    node: Node, reading: Reading, state: State, model: str, trigger_id: str, purpose: str
) -> dict[str, Any]:
    filed, trigger = state.get("model", model), state.get("trigger", trigger_id)
    if filed is None:
        raise Refused(Refusal("metering.model_not_known", {"id": model[:16]}))
    if trigger is None or trigger["listing"] != filed["listing"]:
        raise Refused(Refusal("act.trigger_not_known", {"id": trigger_id[:64]}))
    terms = canonical.from_json(filed["terms"])
    listing = state.need("listing", trigger["listing"])
    reads = {of.name for of in terms.inputs if isinstance(of, Observed)}
    facts = {name: fact for name, fact in trigger["facts"].items() if name in reads}
    rows, refused = _rows(reading, state, trigger, listing, filed["carrier"], purpose)
    product = product_of(state, listing["product"])
    tokens = [row.subject for row in rows]
    lists = Lists(reading, node.identity)
    read = {**trigger, "facts": facts}
    seen = observed_by(reading, node.identity, product, read, lambda: tokens, lists)
    amounts = [_amount(terms, filed["benefit"], seen, place, row) for place, row in enumerate(rows)]
    known = [fen for fen in amounts if fen is not None]
    return {
        "users": len({token for token in tokens if token is not None}),
        "records": _records(lists, product, facts, tokens),
        "measure": {
            "policies": len(rows),
            "above": sum(fen > 0 for fen in known),
            "unknown": len(amounts) - len(known),
            "refused": refused,
            "total_fen": sum(known),
        },
    }


def _rows(
    reading: Reading,
    state: State,
    trigger: Mapping[str, Any],
    listing: Mapping[str, Any],
    carrier: str,
    purpose: str,
) -> tuple[list[PolicyRow], int]:
    """The policies in force whose persons have consented, and how many have not.

    Errors   Refused with the first of the consents that are missing, where there is no other.
    """
    book, size = listing["listing"]["book"], trigger["book_size"]
    stood = effective(
        reading.rows(book, size), trigger["instant"], size, arrears=listing["arrears"]
    )
    rows, no = list[PolicyRow](), list[Refusal]()
    at = reading.head().time
    for each in stood:
        row = each.chosen.row
        said = row.subject and allowed(state, row.subject, purpose, carrier, at)
        if said:
            no.append(said)
        else:
            rows.append(row)
    if no and not rows:
        raise Refused(no[0])
    return rows, len(no)


def _records(
    lists: Lists,
    product: Any,
    facts: Mapping[str, Any],
    tokens: Sequence[str | None],
) -> int:
    """Entries read: of each sealed list those of these persons, and each fact without a list."""
    wanted, count, opened = set(tokens), 0, set[str]()
    for name, fact in facts.items():
        named = fact["detail"].get("lists") or []
        count += not named
        for entry in named:
            if entry["list"] is None or entry["list"]["blob"] in opened:
                continue
            opened.add(entry["list"]["blob"])
            fields = FIELDS[product.rule(name).measure]
            count += sum(row["token"] in wanted for row in lists(entry["list"], fields))
    return count


def _amount(terms: Terms, benefit: str, seen: Seen, place: int, row: PolicyRow) -> int | None:
    """What the model makes of one policy; None where a fact of this policy is not known."""
    if seen.unknown.get(place):
        return None
    observed = of_one(seen.observed, place)
    spent = {clause.name: 0 for clause in terms.benefits}
    return exact.settle(terms, benefit, observed, dict(row.declared), spent).amount_fen
