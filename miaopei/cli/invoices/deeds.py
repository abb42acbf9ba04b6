"""What changes the record: rates, models, runs, invoices, disputes and their settlement."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...acts.apply import ActResult
from ...errors import Refusal, Refused
from ...measures.identity import content_id
from ...measures.money import as_yuan
from ...node import invoices, metering
from ...settings import Language
from ...wiring import system_clock
from .. import speak
from ..live import with_bank
from ..place import Place


def _send(place: Place, kind: str, body: Mapping[str, Any]) -> ActResult:
    """The same wish again is the same act, and counts once."""
    ref = f"{kind}-{content_id('wish', dict(body))[:24]}"
    with place.alone(), place.record() as member:
        return member.node.accept(kind, ref, dict(body))


def rates(place: Place, body: Mapping[str, Any], *, language: Language) -> None:
    """Agree rates."""
    _send(place, "agree_rates", body)
    told = {"since": body["since"], "carrier": body["carrier"]}
    speak.out(speak.Speaker(language).text("invoice_rates", **told))


def model(place: Place, about: Mapping[str, Any], file: Path, *, language: Language) -> None:
    """Upload a claim model; its hash is said.

    Errors   Refused terms.*, metering.*.
    """
    try:
        terms = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise Refused(Refusal("metering.not_json", {"why": str(error)[:80]})) from None
    body = {**about, "terms": terms}
    _send(place, "file_claim_model", body)
    hashed = content_id("claim_model", {"v": 1, **body})
    speak.out(speak.Speaker(language).text("invoice_model", model=hashed))


def run_model(
    place: Place, model: str, trigger: str, provider: str, purpose: str, caller: str, *,
    as_json: bool, language: Language,
) -> None:  # fmt: skip
    """Run a model beside the data and meter the call."""
    about = {"provider": provider, "purpose": purpose, "caller": caller}
    with place.alone(), place.record() as member:
        ran = metering.run(member.node, model, trigger, **about)
    if as_json:
        speak.show_json(ran.body)
        return
    measure = ran.body["measure"]
    told: dict[str, int | str] = {"users": ran.users, "records": ran.records}
    told |= {"above": measure["above"], "yuan": as_yuan(measure["total_fen"])}
    speak.out(speak.Speaker(language).text("invoice_run", **told))


def issue(place: Place, listing: str, carrier: str, month: str, *, language: Language) -> None:
    """Make a month's invoice."""
    name = f"{listing}/{carrier}/{month}"
    body = {"listing": listing, "carrier": carrier, "month": month}
    result = _send(place, "issue_invoice", body)
    if not result.made:
        raise Refused(Refusal("metering.invoice_known", {"id": name}))
    total = as_yuan(result.made[0].value["total_fen"])
    speak.out(speak.Speaker(language).text("invoice_issued", invoice=name, yuan=total))


def pay(place: Place, invoice: str, *, as_json: bool, language: Language) -> None:
    """Order what is to be paid now, and have the bank carry it out.

    Errors   Refused metering.invoice_not_known, metering.nothing_to_pay, metering.no_account.
    """
    with with_bank(place) as (member, _):
        member.node.pass_time(system_clock())
        found = invoices.pay(member.node, invoice)
        member.work()
        with member.node.reading() as (_, state):
            paid = (state.get("payment", found.debt) or {}).get("executed_fen", 0)
    said = found.value
    if as_json:
        speak.show_json({**said, "payment": found.debt, "executed_fen": paid})
        return
    off = sum(each["fen"] for each in said["set_off"])
    told = {"invoice": invoice, "yuan": as_yuan(said["pay_fen"]), "paid": as_yuan(paid)}
    told |= {"off": as_yuan(off), "held": as_yuan(said["held_fen"])}
    speak.out(speak.Speaker(language).text("invoice_paid", **told))


def dispute(place: Place, body: Mapping[str, Any], *, language: Language) -> None:
    """Contest a line."""
    _send(place, "dispute_invoice", body)
    told = {"invoice": body["invoice"], "line": body["line"]}
    speak.out(speak.Speaker(language).text("invoice_disputed", **told))


def settle(place: Place, body: Mapping[str, Any], *, language: Language) -> None:
    """Settle a dispute by recount."""
    result = _send(place, "settle_dispute", body)
    if not result.made:
        raise Refused(Refusal("metering.dispute_not_known", {"id": str(body["dispute"])}))
    note = result.made[0].value
    told = {name: as_yuan(note[f"{name}_fen"]) for name in ("recount", "credit")}
    told["dispute"] = body["dispute"]
    speak.out(speak.Speaker(language).text("invoice_settled", **told))
