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
from ...node import metering
from ...settings import Language
from .. import speak
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
