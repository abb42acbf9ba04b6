"""Inputs that differ by policy: sealed lists opened on this member's copy and joined by token.

Who is on which list is known to the book's group only; each decider joins for itself. What a list
means is in `evidence.outage.lists`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from ...errors import SealedUnfit
from ...evidence.outage.lists import (
    FIELDS,
    Apart,
    Row,
    by_token,
    check,
    commitment_of,
    rows_from_bytes,
    span_of,
    value_of,
)
from ...ledger.merkle import leaf_hashes, root_of
from ...terms.filing import Product
from ..ports import Identity, Reading
from ..vault.blobs import open_blob
from ..vault.sealing import unframe

RESTORED = "outage.restored"
SCOPES = "outage.scope"  # who stands on no such list is outside: nothing else of him is asked


Opening = Callable[[Mapping[str, Any], frozenset[str]], list[Row]]  # reference, fields -> rows


@dataclass(frozen=True)
class Seen:
    """Inputs as the terms read them: one for all, or one a policy in their order; and what of
    which policy is not known (its value then stands in for none)."""

    observed: Mapping[str, int | Sequence[int]]
    unknown: Mapping[int, frozenset[str]]


def observed_by(
    reading: Reading,
    identity: Identity,
    product: Product,
    trigger: Mapping[str, Any],
    subjects: Callable[[], Sequence[str | None]],
    opening: Opening | None = None,
) -> Seen:
    """The inputs of a trigger for policies whose subject tokens are asked for where they differ.

    `opening` gives the rows of a list, where they are kept already; else each is opened here.

    Errors   RecordDamaged (alarm) where a list is missing, altered or not what the fact names.
    """
    rows_of, tokens = opening or partial(open_list, reading, identity), cache(subjects)
    observed: dict[str, int | Sequence[int]] = {}
    unknown: dict[int, frozenset[str]] = {}
    for name, fact in trigger["facts"].items():
        if not fact["detail"].get("lists"):
            observed[name] = fact["value"]
            continue
        measure = product.rule(name).measure
        lists = _by_source(fact, measure, rows_of)
        column = []
        for place, subject in enumerate(tokens()):
            value = value_of(measure, fact, lists, subject)
            if isinstance(value, Apart):
                unknown[place] = unknown.get(place, frozenset()) | {name}
                value = int(fact["value"])
            column.append(value)
        observed[name] = column
    scopes = [observed[n] for n in observed if product.rule(n).measure == SCOPES]
    outside = {i for s in scopes if not isinstance(s, int) for i, flag in enumerate(s) if not flag}
    return Seen(observed, {place: n for place, n in unknown.items() if place not in outside})


def spans_by(
    opening: Opening,
    product: Product,
    trigger: Mapping[str, Any],
    subjects: Sequence[str | None],
) -> list[tuple[int, int]]:
    """When each of these was without power by the facts of a trigger: [off, on), UTC seconds.

    Errors   RecordDamaged (alarm) as `observed_by`.
    """
    began = int(trigger["instant"])
    for name, fact in trigger["facts"].items():
        if product.rule(name).measure == RESTORED:
            lists = _by_source(fact, RESTORED, opening)
            return [span_of(fact, lists, began, subject) for subject in subjects]
    return [(began, began)] * len(subjects)


def _by_source(
    fact: Mapping[str, Any], measure: str, rows_of: Opening
) -> dict[str, dict[str, Row]]:
    """The rows of a fact's lists, by source and token."""
    return {
        entry["source"]: by_token(rows_of(entry["list"], FIELDS[measure]))
        for entry in fact["detail"].get("lists") or ()
        if entry["list"] is not None
    }


def open_list(
    reading: Reading, identity: Identity, reference: Mapping[str, Any], fields: frozenset[str]
) -> list[Row]:
    """The rows of a sealed list, checked and compared with the root that the fact names."""
    written = unframe(open_blob(reading, reference["blob"], identity))
    rows = rows_from_bytes(written)
    check(rows, fields)
    root = root_of(leaf_hashes(map(commitment_of, written))).hex()
    if root != reference["root"] or len(rows) != reference["count"]:
        raise SealedUnfit("rows do not give the root of their list", blob=reference["blob"])
    return rows


class Lists:
    """Opens sealed lists of one snapshot, each once (an `Opening`)."""

    def __init__(self, reading: Reading, identity: Identity) -> None:
        self._reading, self._identity = reading, identity
        self._rows: dict[str, list[Row]] = {}

    def __call__(self, reference: Mapping[str, Any], fields: frozenset[str]) -> list[Row]:
        """The rows of a list, as `open_list`."""
        name = reference["blob"]
        if name not in self._rows:
            self._rows[name] = open_list(self._reading, self._identity, reference, fields)
        return self._rows[name]
