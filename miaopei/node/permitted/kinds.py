"""The kinds of data that may be called with consent, each with the shape of its rows.

Source: docs/specs/persons.md, section 7; row X-05.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import Fact, Refusal, Refused

Rule = Callable[[Any], bool]
MOST = 10_000  # rows of one answer
LARGEST_FEN = 10**15
LATEST = 2**40
MILESTONES = frozenset(
    (
        *("booked", "gate_in", "loaded", "departed", "transhipped"),
        *("arrived", "discharged", "gate_out", "delivered"),
    )
)
STATES = frozenset(("accepted", "inspected", "released", "amended", "withdrawn"))


@dataclass(frozen=True)
class Kind:
    """One kind of data. `fields`: all of these and no others, each with what it may be."""

    id: str
    zh: str
    en: str
    fields: Mapping[str, Rule]

    def read(
        self, rows: Sequence[Any], since: int, until: int
    ) -> tuple[list[Mapping[str, Any]], list[Refusal]]:
        """The rows that have the shape and lie in the time asked for, and why the others do not.

        A value is not repeated in a refusal: it may be personal.
        Units   UTC seconds. Errors   Refused permitted.too_many.
        """
        if len(rows) > MOST:
            raise Refused(Refusal("permitted.too_many", {"count": len(rows), "limit": MOST}))
        good: list[Mapping[str, Any]] = []
        refused: list[Refusal] = []
        for number, row in enumerate(rows, 1):
            field = self._wrong(row, since, until)
            if field is None:
                good.append(dict(row))
            else:
                about: dict[str, Fact] = {"kind": self.id, "number": number, "field": field}
                refused.append(Refusal("permitted.bad_row", about))
        return good, refused

    def _wrong(self, row: Any, since: int, until: int) -> str | None:
        """The first field that is missing, unknown or not what it may be; None where all are."""
        if not isinstance(row, Mapping):
            return "row"
        if odd := sorted(set(self.fields) ^ set(map(str, row))):
            return odd[0][:40] if odd[0] in self.fields else "unknown"
        for name, rule in self.fields.items():
            if not rule(row[name]):
                return name
        return None if since <= row["at"] < until else "at"


def _text(pattern: str) -> Rule:
    form = re.compile(pattern, re.ASCII)
    return lambda value: type(value) is str and form.fullmatch(value) is not None


def _among(words: frozenset[str]) -> Rule:
    return lambda value: type(value) is str and value in words


def _integer(low: int, high: int) -> Rule:
    return lambda value: type(value) is int and low <= value <= high


_AT = _integer(0, LATEST)
_NUMBER = _text(r"[0-9A-Za-z][0-9A-Za-z._/-]{0,39}")
_FEN = _integer(0, LARGEST_FEN)
KINDS: Mapping[str, Kind] = {
    kind.id: kind
    for kind in (
        Kind(
            "logistics",
            "物流轨迹",
            "logistics tracks",
            {
                "shipment": _NUMBER,
                "at": _AT,
                "place": _text(r"[A-Z]{2}[A-Z2-9]{3}"),  # UN/LOCODE
                "milestone": _among(MILESTONES),
            },
        ),
        Kind(
            "transactions",
            "交易流水",
            "transaction flow",
            {
                "entry": _NUMBER,
                "at": _AT,
                "direction": _among(frozenset(("in", "out"))),
                "amount_fen": _FEN,
                "counterparty": _text(r"[0-9a-f]{64}"),  # a digest: who it is stays at the source
            },
        ),
        Kind(
            "customs",
            "海关申报",
            "customs declarations",
            {
                "declaration": _text(r"\d{18}"),
                "at": _AT,
                "direction": _among(frozenset(("import", "export"))),
                "port": _text(r"\d{4}"),
                "goods": _text(r"\d{8}(?:\d{2})?"),  # HS code
                "value_fen": _FEN,
                "state": _among(STATES),
            },
        ),
    )
}


def kind_of(name: str) -> Kind:
    """A kind by its name. Errors   Refused permitted.unknown_kind."""
    found = KINDS.get(name)
    if found is None:
        about = {"kind": name[:40], "known": ", ".join(KINDS)}
        raise Refused(Refusal("permitted.unknown_kind", about))
    return found
