"""The demonstration's data calls: rates, a claim model run beside the data, the month's invoice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...acts.facts import product_of
from ...measures.identity import content_id
from ...measures.instant import from_beijing
from ...node import invoices as paying
from ...node import metering
from ...reports.metering import recount
from ...terms import canonical
from ...wiring import Member
from . import yuyao

CARRIER, PROVIDER, PURPOSE = "insurer", "utility", "claims"
MONTH, OVER = "2026-05", "2026-06-01 00:00:00"
RATES = {"user_fen": 10, "record_fen": 2, "rent_fen": 800_000}  # made up
SCOPE = ["outage"]
SHOWN = ("invoice", "lines", "data_fen", "rent_fen", "total_fen")


def agree(member: Member, listing: str, insured: Sequence[str]) -> None:
    """Rates, the insurer's model (the cover's own terms) and each insured customer's consent."""
    node, of = member.node, {"listing": listing, "carrier": CARRIER}
    agreed: dict[str, Any] = {**of, "provider": PROVIDER, "since": MONTH, **RATES}
    node.accept("agree_rates", "rates", agreed)
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
    node.accept("file_claim_model", "model", model(member, listing))


def model(member: Member, listing: str) -> dict[str, Any]:
    """The body of the insurer's claim model."""
    with member.node.reading() as (_, state):
        product = product_of(state, state.need("listing", listing)["product"])
    terms = product.versions[0].terms
    body: dict[str, Any] = {"listing": listing, "carrier": CARRIER, "id": "delay", "version": 1}
    benefit = terms.benefits[0].name
    return {**body, "benefit": benefit, "terms": canonical.as_json(terms)}


def bill(member: Member, listing: str) -> dict[str, Any]:
    """Run the model on each trigger, close the month, pay its invoice, count it again."""
    node = member.node
    hashed = content_id("claim_model", {"v": 1, **model(member, listing)})
    with node.reading() as (_, state):
        triggers = [key for key, said in state.range("trigger", "") if said["listing"] == listing]
    about = {"provider": PROVIDER, "purpose": PURPOSE, "caller": CARRIER}
    runs = [metering.run(node, hashed, trigger, **about) for trigger in triggers]
    node.pass_time(from_beijing(OVER))
    node.accept("issue_invoice", MONTH, {"listing": listing, "carrier": CARRIER, "month": MONTH})
    paying.pay(node, f"{listing}/{CARRIER}/{MONTH}")
    member.work()
    with node.reading() as (reading, state):
        paid = {key: paying.paid_of(state, said) for key, said in state.range("invoice", "")}
        counted = recount(reading.leaves(0, reading.head().size))
        invoices = dict(state.range("invoice", ""))
    return {
        "data_users": sum(run.users for run in runs),
        "data_records": sum(run.records for run in runs),
        "invoice_fen": sum(said["total_fen"] for said in invoices.values()),
        "invoice_paid_fen": sum(paid.values()),
        "recount_fen": sum(counted[key].total_fen for key in invoices),
        "invoices": [
            {name: said[name] for name in SHOWN} | {"paid_fen": paid[said["invoice"]]}
            for said in invoices.values()
        ],
    }
