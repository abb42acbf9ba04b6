"""The day's data calls: rates, a claim model run beside the data, the month's invoice.

What the provider of the data does and what the carrier does stand apart: on one member both are
done by the same node, on several each by its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....acts.facts import product_of
from ....measures.identity import content_id
from ....measures.instant import from_beijing
from ....node import invoices as paying
from ....node import metering
from ....node.node import Node
from ....reports.metering import recount
from ....terms import canonical
from . import yuyao

LISTING = "planned_outage"
CARRIER, PROVIDER, PURPOSE = "insurer", "utility", "claims"
MONTH, OVER = "2026-05", "2026-06-01 00:00:00"
RATES = {"user_fen": 10, "record_fen": 2, "rent_fen": 800_000}  # made up
SCOPE = ["outage"]
SHOWN = ("invoice", "lines", "data_fen", "rent_fen", "total_fen")
OF = {"listing": LISTING, "carrier": CARRIER}


def agree(node: Node) -> None:
    """By the provider: its rates."""
    agreed: dict[str, Any] = {**OF, "provider": PROVIDER, "since": MONTH, **RATES}
    node.accept("agree_rates", "rates", agreed)


def file(node: Node, insured: Sequence[str]) -> None:
    """By the carrier: each insured customer's consent, and its model (the cover's own terms)."""
    since, until = from_beijing(yuyao.POLICY_SINCE), from_beijing(yuyao.POLICY_UNTIL)
    about: dict[str, Any] = {
        "scope": SCOPE,
        "purpose": PURPOSE,
        "grantee": CARRIER,
        "document": None,
    }
    about |= {"since": since, "until": until}
    said = ((subject, {"subject": subject, **about}) for subject in insured)
    acts = [node.act("consent", f"consent-{subject[:24]}", body) for subject, body in said]
    assert all(result.ok for result in node.submit(acts)), "a consent of the demonstration"
    node.accept("file_claim_model", "model", model(node))


def model(node: Node) -> dict[str, Any]:
    """The body of the insurer's claim model."""
    with node.reading() as (_, state):
        product = product_of(state, state.need("listing", LISTING)["product"])
    terms = product.versions[0].terms
    body: dict[str, Any] = {**OF, "id": "delay", "version": 1}
    benefit = terms.benefits[0].name
    return {**body, "benefit": benefit, "terms": canonical.as_json(terms)}


def measure(node: Node) -> dict[str, int]:
    """By the provider: run the model on each trigger; how many persons and records it read."""
    hashed = content_id("claim_model", {"v": 1, **model(node)})
    with node.reading() as (_, state):
        triggers = [key for key, said in state.range("trigger", "") if said["listing"] == LISTING]
    about = {"provider": PROVIDER, "purpose": PURPOSE, "caller": CARRIER}
    runs = [metering.run(node, hashed, trigger, **about) for trigger in triggers]
    users, records = sum(run.users for run in runs), sum(run.records for run in runs)
    return {"data_users": users, "data_records": records}


def issue(node: Node) -> None:
    """By the provider, once the month is over: its invoice."""
    node.accept("issue_invoice", MONTH, {**OF, "month": MONTH})


def pay(node: Node) -> None:
    """By the carrier: have the invoice paid."""
    paying.pay(node, f"{LISTING}/{CARRIER}/{MONTH}")


def told(node: Node) -> dict[str, Any]:
    """What was invoiced and paid, and what a count of the record's acts gives."""
    with node.reading() as (reading, state):
        paid = {key: paying.paid_of(state, said) for key, said in state.range("invoice", "")}
        counted = recount(reading.leaves(0, reading.head().size))
        invoices = dict(state.range("invoice", ""))
    return {
        "invoice_fen": sum(said["total_fen"] for said in invoices.values()),
        "invoice_paid_fen": sum(paid.values()),
        "recount_fen": sum(counted[key].total_fen for key in invoices),
        "invoices": [
            {name: said[name] for name in SHOWN} | {"paid_fen": paid[said["invoice"]]}
            for said in invoices.values()
        ],
    }
