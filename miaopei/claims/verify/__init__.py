"""`verify`: a receipt checked alone, offline, by anybody who has the log's public key.

Pure, and quick to import: no database, no web, no columns. It shares with the writer the hash, the
canonical bytes and the reading of the terms; it never answers with an exception, and never "holds"
for a file in which one byte was changed. Source: docs/specs/receipt.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ...errors import Fact, Refusal, Refused
from ...errors.texts import Language
from ...ledger import checkpoint
from ...measures.identity import read_canonical
from ...measures.suites import DEFAULT, KNOWN, in_use
from ..receipt import Kind, Receipt, from_bytes
from . import contract, evidence, frame, lists, money, refusal
from .explain import explain
from .refusal import near
from .seen import Seen
from .verdict import UNREADABLE, Check, Facts, Verdict, run, unreached

__all__ = ["Check", "Verdict", "check_names", "explain", "is_genesis", "suite_of", "verify"]

Checker = Callable[[Seen], Facts]

FRAME: dict[str, Checker] = {
    "log_key": frame.log_key,
    "checkpoint": frame.signed_head,
    "inclusion": frame.inclusion,
    "genesis": frame.genesis,
    "blocks": frame.blocks,
    "acts": frame.acts,
    "signer": frame.signer,
    "product": contract.product,
    "listing": contract.listing,
    "observations": evidence.observations,
    "originals": evidence.originals,
    "event": evidence.event,
    "facts": evidence.facts,
}
TRIGGER: dict[str, Checker] = {"trigger": contract.trigger, "version": contract.version}
SETTLEMENT: dict[str, Checker] = {
    "decisions": money.decisions,
    "settlement": money.settlement,
    "totals": money.totals,
}
ROW: dict[str, Checker] = {"row": contract.row, "lists": lists.lists}
CLAIM: dict[str, Checker] = {
    "in_force": contract.in_force,
    "amount": contract.amount,
    "claim": contract.claim,
}
PAYOUT = {
    **FRAME, **TRIGGER, **ROW, **CLAIM, **SETTLEMENT,
    "split": money.split, "payments": money.payments, "case": refusal.case,
}  # fmt: skip
CASE = {**FRAME, "case": refusal.case, "reason": refusal.reason}
POLICY = {**FRAME, **TRIGGER, **ROW, **SETTLEMENT, "case": refusal.case, "reason": refusal.reason}
FIRST = ("bytes", "shape")
OF_A_RECEIPT = (b'"receipt"', b'"checkpoint"', b'"leaves"')  # also in a damaged one
# What holds a consortium's receipt in place of the log's key.
CONSORTIUM: dict[str, Checker] = {
    "genesis_file": frame.genesis_file,
    "certificate": frame.certificate,
}


def verify(data: bytes, vkey: str | None, genesis: bytes | None = None) -> Verdict:
    """All that can be checked about a receipt with the log's public key (C2SP vkey text), or,
    of a consortium, with the bytes of its genesis file.

    Without a key or genesis from outside the receipt's own is tried, and the verdict does not hold:
    a receipt that vouches for itself proves nothing. All go by the suite in use (`suite_of`).
    """
    try:
        receipt = from_bytes(data)
    except Refused as refused:
        return _unread(refused.refusals[0], data)
    except UNREADABLE as error:
        return _unread(Refusal("verify.unreadable", {"why": type(error).__name__}), data)
    whole, founding = Check("bytes", ok=True, facts={"length": len(data)}), _founding(genesis)
    for name in _suites(receipt, vkey, founding):
        if name != in_use.suite.name:
            why = Refusal("suite.other", {"suite": name, "here": in_use.suite.name})
            return Verdict(None, (whole, Check("suite", ok=False, facts=why.facts, why=why)))
    seen = Seen(receipt, vkey, founding)
    checks = [whole, run("shape", partial(_shape, seen))]
    wanted = _checks(receipt)
    if receipt.certificate is not None:
        wanted = {**CONSORTIUM, **{k: v for k, v in wanted.items() if k != "log_key"}}
    checks += [run(name, partial(check, seen)) for name, check in wanted.items()]
    return Verdict(
        receipt.kind, tuple(checks), _labels(seen), _rests(seen), _about(seen), _near(seen)
    )


def suite_of(data: bytes, vkey: str | None, genesis: bytes | None = None) -> str:
    """The name of the suite by which a receipt is to be checked: that of what is from outside, else
    the receipt's own word."""
    try:
        receipt = from_bytes(data)
    except (Refused, *UNREADABLE):
        return DEFAULT
    return next(iter(_suites(receipt, vkey, _founding(genesis))), DEFAULT)


def _suites(receipt: Receipt, vkey: str | None, founding: Mapping[str, Any] | None) -> list[str]:
    """The suites, of those we know, that genesis, key and receipt speak of, outside word first."""
    said = [None if founding is None else founding.get("suite")]
    said += [None if key is None else checkpoint.suite_of(key) for key in (vkey, receipt.vkey)]
    return [name for name in said if isinstance(name, str) and name in KNOWN]


def _founding(genesis: bytes | None) -> Mapping[str, Any] | None:
    """The genesis that was given; one that cannot be read is that of no record."""
    if genesis is None:
        return None
    try:
        value = read_canonical(genesis.rstrip(b"\n"))
    except Refused:
        return {}
    return value if isinstance(value, dict) else {}


def is_genesis(data: bytes) -> bool:
    """Whether this is a file with which a record of several members begins."""
    founding = _founding(data) or {}
    return isinstance(founding.get("seats"), list)


def check_names(kind: Kind) -> tuple[str, ...]:
    """The names of all checks of a kind of receipt, in order."""
    return (*FIRST, *(PAYOUT if kind is Kind.PAYOUT else {**POLICY, **CASE}))


def _checks(receipt: Receipt) -> dict[str, Checker]:
    if receipt.kind is Kind.PAYOUT:
        return PAYOUT
    if not receipt.leaves["settlement"]:
        return CASE
    if receipt.claim is None:
        return POLICY
    return {**FRAME, **TRIGGER, **ROW, **CLAIM, **SETTLEMENT, "case": refusal.case,
            "reason": refusal.reason}  # fmt: skip


def _unread(why: Refusal, data: bytes) -> Verdict:
    """A file that is not a receipt: the first check says why, no other could be made."""
    labels = () if any(name in data for name in OF_A_RECEIPT) else ("no_receipt",)
    shape = why.code == "verify.malformed"
    first = Check("bytes", ok=shape, facts={} if shape else why.facts, why=None if shape else why)
    second = Check("shape", ok=False, facts=why.facts, why=why) if shape else unreached("shape")
    rest = tuple(unreached(name) for name in FRAME)
    return Verdict(None, (first, second, *rest), labels)


def _shape(seen: Seen) -> Facts:
    """Every part that this kind of receipt needs is there, and none that it may not have."""
    receipt = seen.receipt
    once = ["genesis", "product", "listing", "case"]
    if receipt.kind is Kind.PAYOUT or receipt.leaves["settlement"]:
        once += ["trigger", "settlement"]
        present = receipt.row is not None
        if receipt.kind is Kind.PAYOUT:
            present = present and receipt.claim is not None and bool(receipt.payouts)
        else:
            present = present and not receipt.payouts
        wanted = present and bool(receipt.leaves["decisions"] and receipt.leaves["hold"])
    else:
        empty = ("trigger", "decisions", "payments", "batch", "hold")
        wanted = receipt.row is None and receipt.claim is None and not receipt.payouts
        wanted = wanted and not any(receipt.leaves[role] for role in empty)
    counts = all(len(receipt.leaves[role]) == 1 for role in once)
    if not wanted or not counts or (receipt.before is not None and receipt.row is None):
        raise Refused(Refusal("verify.parts", {"receipt": str(receipt.kind)}))
    return {"leaves": sum(len(leaves) for leaves in receipt.leaves.values())}


def _labels(seen: Seen) -> tuple[str, ...]:
    """What must be said before anything else."""
    found = []
    try:
        if (seen.vkey if seen.receipt.certificate is None else seen.founding) is None:
            found.append("own_key" if seen.receipt.certificate is None else "own_genesis")
        if seen.genesis["clock"] == "replay":
            found.append("replay")
        paid = [p.paid.outcome for p in seen.receipt.payouts if p.paid is not None]
        if any(outcome["sandbox"] is not False for outcome in paid):
            found.append("sandbox")
        if seen.product.illustrative:
            found.append("illustrative")
        if seen.listing.placement.illustrative:
            found.append("shares_made_up")
        if seen.listing.k == 1:
            found.append("one_operator")
    except (Refused, *UNREADABLE):
        found.append("unclear")
    return tuple(found)


def _rests(seen: Seen) -> tuple[str, ...]:
    """What no arithmetic can show: each is a sentence in errors/texts/verify.toml."""
    receipt = seen.receipt
    first = "one_log" if receipt.certificate is None else "two_thirds"
    found = [first, "source_said", "position_cell", "facts_chosen"]
    if receipt.leaves["settlement"]:
        found += ["row_last", "spent", "totals"]
    if any(part.paid is not None for part in receipt.payouts):
        found.append("bank_said")
    if receipt.kind is Kind.REFUSAL:
        found.append("last_word")
    try:
        if any(f.attestation.original.bytes_b64 is None for f in seen.facts.values()):
            found.append("bytes_elsewhere")
        if seen.acts["resolution"]:
            found.append("person")
    except (Refused, *UNREADABLE):
        pass
    return tuple(found)


def _about(seen: Seen) -> dict[str, Fact]:
    """What the receipt says of the event and the money, for the first sentence."""
    try:
        return _said(seen)
    except (Refused, *UNREADABLE):
        return {}


def _said(seen: Seen) -> dict[str, Fact]:
    value = contract.subject_of(seen).value
    told: dict[str, Fact] = {
        "product_zh": seen.product.name.zh,
        "product_en": seen.product.name.en,
        "benefit": value["benefit"],
        "revision": value["revision"],
        "instant_at": value["instant"],
        "size": seen.head.size,
        "record": seen.genesis["name"],
        "state": seen.case.value["state"],
        "reason": seen.case.value["reason"],
    }
    observed = refusal.observed_of(value["facts"])
    told |= {f"input_{name}": number for name, number in observed.items()}
    languages: tuple[Language, ...] = ("zh", "en")
    for language in languages:
        told[f"facts_{language}"] = _facts_text(seen, observed, language)
    if remark := _remark(seen, value):
        told["total_is"] = remark
    if seen.receipt.claim is not None:
        told["policy"] = seen.receipt.claim.claim["policy"]
        told["pay_fen"] = seen.receipt.claim.claim["pay_fen"]
    elif seen.receipt.row is not None:
        told["policy"] = seen.receipt.row.row["policy"]
    return told


def _remark(seen: Seen, value: Mapping[str, Any]) -> str | None:
    """What a loss report says of its own total, where the total decided: printed, or inferred."""
    for rule in seen.product.inputs:
        if rule.measure == "loss.total" and rule.name in value["facts"]:
            (first, *_) = value["facts"][rule.name]["because"]
            remark: str | None = seen.facts[first].observation.values["total_is"]
            return remark
    return None


def _facts_text(seen: Seen, observed: Mapping[str, int], language: Language) -> str:
    """Each fact that decided, by its name in the terms, with its unit."""
    known = {item.name: item for item in refusal.terms_of(seen).inputs}
    said = [near.input_text(known[name], value, language) for name, value in observed.items()]
    return ("；" if language == "zh" else "; ").join(said) or "—"


def _near(seen: Seen) -> tuple[Refusal, ...]:
    if seen.receipt.kind is not Kind.REFUSAL:
        return ()
    try:
        return refusal.nearness(seen)
    except (Refused, *UNREADABLE):
        return ()
