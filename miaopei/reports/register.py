"""The register of occurrences: what each product paid, or why it did not. Rows E-04 and E-06.

Computed from stored events (cases, triggers, settlements, payments, observations), never from
stored ratios: one row for each occurrence in a product's own or surrounding area. What lies outside
or is too small is counted by reason. How an occurrence is read is in `occurrences`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import Fact, Refusal, Refused
from ..measures.instant import beijing_day, beijing_text
from ..measures.money import FEN_A_LOSS_UNIT, as_wan, percent
from ..measures.place import degrees_text
from ..terms.filing import Text
from . import timeliness
from .occurrences import Records, Scene, Scenes, own_loss, place_of, smaller
from .published import Printed

PERIL = "earthquake"
ROLES = {0: "outside", 1: "own", 2: "surrounding"}
WAITING = ("awaiting_", "held_", "ready", "deciding")  # how states begin that end in an amount
NO_AMOUNT = (*WAITING, "refused")
# Reasons of a case that have their sentence in register.toml; the others are evidence's.
OURS = frozenset(
    (
        *("outside_area", "no_terms_in_force", "terms_give_zero", "facts_complete"),
        *("trigger_open", "equal_decisions", "part_of_an_earlier_sequence", "no_policy_in_force"),
        *("held_claims", "limit_used_up", "limit_cut"),
    )
)


@dataclass(frozen=True)
class Row:
    """One occurrence and the first benefit of one product; `beside` is the state of the others.

    `provenance` says how sure the terms are, `total_is` what is said of the event's total loss.
    Units   fen, UTC seconds, tenths of magnitude. None: not known (yet), which is not zero.
    """

    listing: str
    product: str
    benefit: str
    occurrence: str
    version: int | None
    main: Mapping[str, Any]
    magnitude_tenths: int
    role: str | None
    state: str
    reason: Refusal
    until: int | None
    payout_fen: int | None
    loss_fen: int | None
    in_force: int | None
    settled_at: int | None
    paid_at: int | None
    beside: Mapping[str, Mapping[str, Any]]
    receipt: str | None
    printed: Printed | None
    labels: tuple[str, ...]
    provenance: Text | None = None
    total_is: str | None = None

    @property
    def date(self) -> str:
        """The main shock's day in Beijing."""
        return beijing_day(self.main["origin"])

    @property
    def ratio_percent(self) -> str | None:
        """Payout over the own area's loss, two decimals, half up."""
        if self.payout_fen is None or not self.loss_fen:
            return None
        return percent(self.payout_fen, self.loss_fen)

    def timeliness(self) -> dict[str, Any] | None:
        """From the main shock to the payment; a day that no calendar knows is said, not guessed."""
        if self.paid_at is None:
            return None
        origin = self.main["origin"]
        found: dict[str, Any] = {"hours": timeliness.hours(origin, self.paid_at)}
        try:
            found["working_days"] = timeliness.working_days(origin, self.paid_at)
        except Refused as refused:
            found["working_days"] = None
            found["working_days_missing"] = refused.refusals[0].as_json()
        return found

    def as_json(self) -> dict[str, Any]:
        """The object of `demo --json` and `replay --json`; see docs/how-to/use-the-command-line.md.

        The magnitude is a number of one decimal: it is printed, not counted with.
        """
        main = self.main
        return {
            "date": self.date,
            "product": self.product,
            "terms_version": self.version,
            "terms_provenance": None if self.provenance is None else self.provenance.as_json(),
            "magnitude": self.magnitude_tenths / 10,
            "magnitude_type": main["magnitude_type"],
            "epicentre": {
                "place": main["place"],
                "latitude": degrees_text(main["lat_udeg"]),
                "longitude": degrees_text(main["lon_udeg"]),
            },
            "role": self.role,
            "state": self.state,
            "reason": self.reason.code.partition(".")[2],
            "payout_fen": self.payout_fen,
            "loss_fen": self.loss_fen,
            "loss_total_is": self.total_is,
            "ratio_percent": self.ratio_percent,
            "receipt": self.receipt,
            "main_shock_at": beijing_text(main["origin"]) + " +08:00",
            "until": _beijing(self.until),
            "policies_in_force": self.in_force,
            "settled_at": _beijing(self.settled_at),
            "paid_at": _beijing(self.paid_at),
            "timeliness": self.timeliness(),
            "published": None if self.printed is None else self.printed.as_json(),
            "benefit": self.benefit,
            "beside": {name: dict(other) for name, other in self.beside.items()},
            "listing": self.listing,
            "occurrence": self.occurrence,
            "labels": list(self.labels),
        }


@dataclass(frozen=True)
class Register:
    """Rows by main shock and product, and what is counted only: product or "shocks" -> reason."""

    rows: tuple[Row, ...]
    counted: Mapping[str, Mapping[str, int]]

    @property
    def paid(self) -> tuple[Row, ...]:
        """The rows with a payout above zero."""
        return tuple(row for row in self.rows if row.payout_fen)

    @property
    def unpaid(self) -> tuple[Row, ...]:
        """The others: nothing due, not covered, waiting, held, refused."""
        return tuple(row for row in self.rows if not row.payout_fen)


def register(
    records: Records,
    now: int,
    *,
    receipts: Mapping[str, str] | None = None,
    printed: Mapping[tuple[str, str], Printed] | None = None,
    labels: tuple[str, ...] = (),
) -> Register:
    """The register as the record stands at block time `now`.

    `receipts`: "listing/occurrence" -> path of the receipt; `printed`: see `published`; `labels`:
    what every reader must be told (replay, sandbox, what-if).
    """
    rows: list[Row] = []
    counted: dict[str, Counter[str]] = {}
    payouts, scenes = _payouts(records), Scenes(records, now)
    for key, case in records.range("case", ""):
        product = scenes.listed(case["listing"])
        if product.peril != PERIL or key.rpartition("/")[2] != product.benefits[0]:
            continue
        seen = scenes.of(case)
        if seen is None or place_of(seen, case) == 0:
            reason = case["reason"] if seen is None else "outside_area"
            counted.setdefault(product.id, Counter())[reason] += 1
            continue
        rows.append(_row(records, seen, case, payouts, receipts or {}, printed or {}, labels))
    rows.sort(key=lambda row: (row.main["origin"], row.product))
    counts = {name: dict(sorted(found.items())) for name, found in sorted(counted.items())}
    if shocks := smaller(records):
        counts["shocks"] = shocks
    return Register(tuple(rows), counts)


def _reason(
    case: Mapping[str, Any], version: int | None, totals: Mapping[str, Any] | None
) -> Refusal:
    """Why the case stands as it does, as a coded sentence for `errors.texts.say`."""
    code = str(case["reason"])
    facts: dict[str, Fact] = {"until": _beijing(case["until"]), "version": version}
    for part in ("waiting", "held", "closed"):
        given = case["facts"].get(part) or {}
        facts |= {k: v for k, v in given.items() if v is None or isinstance(v, str | int)}
    if case["state"] == "settled" and totals is not None:
        code = _of_totals(totals) or code
        facts |= {name: as_wan(totals[name]) for name in ("gross_fen", "owed_fen")}
        facts["held"] = totals["held"]
    if "." in code:
        return Refusal(code, {**facts, **case["facts"].get("refusal", {}).get("facts", {})})
    return Refusal(f"{'register' if code in OURS else 'evidence'}.{code}", facts)


def _of_totals(totals: Mapping[str, Any]) -> str | None:
    """Why a settled case pays less than its terms give alone; None where it does not."""
    if not totals["in_force"]:
        return "no_policy_in_force"
    if totals["held"]:
        return "held_claims"
    if totals["gross_fen"] and not totals["owed_fen"]:
        return "limit_used_up"
    return "limit_cut" if totals["owed_fen"] < totals["gross_fen"] else None


def _row(
    records: Records,
    seen: Scene,
    case: Mapping[str, Any],
    payouts: Mapping[tuple[str, str, str], list[dict[str, Any]]],
    receipts: Mapping[str, str],
    printed: Mapping[tuple[str, str], Printed],
    labels: tuple[str, ...],
) -> Row:
    listing, occurrence = case["listing"], case["occurrence"]
    name, (benefit, *others) = f"{listing}/{occurrence}", seen.product.benefits
    settled = payouts.get((listing, occurrence, benefit), [])
    leading = next((s for s in settled if s["id"] == case["settlement"]), None)
    version = seen.product.version_at(seen.main["origin"])
    number = None if version is None else version.number
    if leading is not None:
        number = leading["version"]
    loss, role = own_loss(seen, case), place_of(seen, case)
    return Row(
        listing=listing,
        product=seen.product.id,
        benefit=benefit,
        occurrence=occurrence,
        version=number,
        main=seen.main,
        magnitude_tenths=seen.tenths,
        role=None if role is None else ROLES[role],
        state=case["state"],
        reason=_reason(case, number, None if leading is None else leading["totals"]),
        until=case["until"] if str(case["state"]).startswith(WAITING) else None,
        payout_fen=_amount(case, settled),
        loss_fen=None if loss is None else loss * FEN_A_LOSS_UNIT,
        in_force=None if leading is None else leading["in_force"],
        settled_at=None if leading is None else leading["settled_at"],
        paid_at=None if leading is None else leading["paid_at"],
        beside={
            other: _beside(records, name, other, payouts.get((listing, occurrence, other), []))
            for other in others
        },
        receipt=receipts.get(name),
        printed=printed.get((beijing_day(seen.main["origin"]), seen.product.id)),
        labels=labels,
        provenance=None if number is None else seen.product.version(number).provenance,
        total_is=_total_is(case),
    )


def _total_is(case: Mapping[str, Any]) -> str | None:
    """What the report says of the event's total that the payout was divided by."""
    said = [f["detail"].get("total_is") for f in case["facts"].values() if "detail" in f]
    return next((str(each) for each in said if each), None)


def _amount(case: Mapping[str, Any], settled: list[dict[str, Any]]) -> int | None:
    """What was settled so far; nothing settled is zero only where the case has ended."""
    if settled:
        return sum(int(each["pay_fen"]) for each in settled)
    return None if str(case["state"]).startswith(NO_AMOUNT) else 0


def _beside(
    records: Records, name: str, benefit: str, settled: list[dict[str, Any]]
) -> dict[str, Any]:
    """State, reason and amount of another benefit of the same product."""
    case = records.need("case", f"{name}/{benefit}")
    return {
        "state": case["state"],
        "reason": case["reason"],
        "payout_fen": _amount(case, settled),
    }


def _payouts(records: Records) -> dict[tuple[str, str, str], list[dict[str, Any]]]:
    """What has been settled and paid, oldest first, by (listing, occurrence, benefit)."""
    found: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for _, id in records.range("settled", ""):
        entry = records.need("settlement", id)
        value = entry["settlement"]
        trigger = records.need("trigger", value["trigger"])
        payment = records.get("payment", id)
        paid = payment is not None and payment["executed_fen"] == payment["due_fen"]
        found.setdefault((value["listing"], trigger["occurrence"], trigger["benefit"]), []).append(
            {
                "id": id,
                "pay_fen": value["totals"]["pay_fen"],
                "in_force": value["totals"]["in_force"],
                "totals": value["totals"],
                "version": trigger["version"],
                "settled_at": entry["at"],
                "paid_at": payment["last_at"] if payment is not None and paid else None,
            }
        )
    return found


def _beijing(at: int | None) -> str | None:
    return None if at is None else beijing_text(at) + " +08:00"
