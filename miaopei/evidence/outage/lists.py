"""Lists with a row for each person: how they join on subject tokens, and what a row is.

A fact that speaks of persons has a public part and a sealed list. The list is sorted by token and
each token stands once, so that a row, or its absence between two neighbours, can be proved.
Source: docs/specs/outage.md, section 3.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import RecordDamaged, Refusal, Refused
from ...measures.identity import content_id, id_of, read_canonical

Row = Mapping[str, Any]
TOKEN = re.compile("[0-9a-f]{64}")
SCOPE = frozenset({"v", "salt", "token"})
TIMES = frozenset({"v", "salt", "token", "off", "on"})
FIELDS = {"outage.scope": SCOPE, "outage.restored": TIMES}  # by the measure that is read from it
# Canonical bytes of a row of scope or times; integers of up to 15 digits, all within 2**53 - 1.
_AT, _HEX = rb"(null|0|-?[1-9][0-9]{0,14})", rb'"([0-9a-f]{64})"'
PLAIN = re.compile(
    rb'\{(?:"off":%b,"on":%b,)?"salt":%b,"token":%b,"v":1\}' % (_AT, _AT, _HEX, _HEX)
)
COUNTED = frozenset({"v", "salt", "token", "tickets"})  # complaint tickets of one customer


@dataclass(frozen=True)
class Asked:
    """The quorum that one value must have: sources in order, how many, and how near."""

    sources: tuple[str, ...]
    operators: int
    tolerance: int


@dataclass(frozen=True)
class Apart:
    """Sources that disagree about one person, or too few that speak: what each said."""

    reason: str
    said: Mapping[str, int | None]


def commitment(row: Row) -> bytes:
    """32 bytes that stand in the list's tree for this row."""
    return bytes.fromhex(content_id("list_row", dict(row)))


def commitment_of(data: bytes) -> bytes:
    """As `commitment`, from the row's canonical bytes."""
    return bytes.fromhex(id_of("list_row", data))


def rows_from_bytes(values: Iterable[bytes]) -> list[Row]:
    """Rows from their canonical bytes: a form that fits only such bytes is tried first.

    Errors, Same as  read_canonical of each.
    """
    rows: list[Row] = []
    for data in values:
        found = PLAIN.fullmatch(data)
        if found is None:
            rows.append(read_canonical(data))
            continue
        off, on, salt, token = found.groups()
        row: dict[str, Any] = {"salt": salt.decode(), "token": token.decode(), "v": 1}
        if off is not None:
            row["off"], row["on"] = (None if at == b"null" else int(at) for at in (off, on))
        rows.append(row)
    return rows


def check(rows: Sequence[Row], fields: frozenset[str]) -> None:
    """Errors   Refused evidence.bad_list naming the first row that is wrong, or out of order."""
    before = ""
    for place, row in enumerate(rows):
        good = set(row) == fields and row["v"] == 1 and _is_token(row["token"])
        if not good or not _is_token(row["salt"]) or not _figures(row):
            raise Refused(Refusal("evidence.bad_list", {"row": place, "why": "form"}))
        if row["token"] <= before:
            raise Refused(Refusal("evidence.bad_list", {"row": place, "why": "order"}))
        before = row["token"]


def by_token(rows: Iterable[Row]) -> dict[str, Row]:
    """Rows by subject token. Errors   RecordDamaged where a token stands twice."""
    found: dict[str, Row] = {}
    for row in rows:
        if row["token"] in found:
            raise RecordDamaged("a token stands twice in a list", token=row["token"][:16])
        found[row["token"]] = row
    return found


def beside(tokens: Sequence[str], token: str | None) -> list[int]:
    """Where a token stands in a sorted list, or the places between which it would; [] for none."""
    if token is None:
        return []
    at = bisect_left(tokens, token)
    if at < len(tokens) and tokens[at] == token:
        return [at]
    return [place for place in (at - 1, at) if 0 <= place < len(tokens)]


def agreed(said: Mapping[str, int | None], asked: Asked) -> int | Apart:
    """One person's value: the first source's, in order, that enough of them are near to.

    `said` has an entry for each source with a list; None where its list has no value for them.
    Same as  findings.quorum.agree, for sources of different operators.
    """
    known = [(s, v) for s in asked.sources if (v := said.get(s)) is not None]
    for _, value in known:
        near = [other for _, other in known if abs(other - value) <= asked.tolerance]
        if len(near) >= asked.operators:
            return value
    reason = "sources_disagree" if len(known) >= asked.operators else "too_few_operators"
    return Apart(reason if known else "not_on_any_list", dict(said))


def value_of(
    measure: str, fact: Mapping[str, Any], lists: Mapping[str, Mapping[str, Row]], token: str | None
) -> int | Apart:
    """One person's value of an input that differs by person.

    `fact` is the trigger's, `lists` the rows by source and token. Who stands on no scope list is
    not in scope; who stands on no list of restorations is not known.
    Errors   Refused evidence.not_listed for a measure that has no lists.
    """
    if measure == "outage.scope":
        return int(any(token in rows for rows in lists.values()))
    if measure != "outage.restored":
        raise Refused(Refusal("evidence.not_listed", {"measure": measure[:60]}))
    said: dict[str, int | None] = {}
    for entry in fact["detail"]["lists"]:
        rows = lists.get(entry["source"])
        row = None if rows is None or token is None else rows.get(token)
        listed = minute(None if row is None else row["on"])
        said[entry["source"]] = entry["value"] if rows is None else listed
    asked = fact["detail"]["asked"]
    return agreed(said, Asked(tuple(asked["sources"]), asked["operators"], asked["tolerance"]))


def span_of(
    fact: Mapping[str, Any], lists: Mapping[str, Mapping[str, Row]], began: int, token: str | None
) -> tuple[int, int]:
    """[off, on) of one person, UTC seconds, by a fact of restoration and an outage's start.

    By the line of the first source, in the contract's order, that says when power was back; who has
    none by the time that stands for all in scope.
    """
    detail = fact["detail"]
    for source in detail.get("asked", {}).get("sources", lists):
        row = None if token is None else lists.get(source, {}).get(token)
        if row is not None and row["on"] is not None:
            return int(began if row["off"] is None else row["off"]), int(row["on"])
    return began, int(fact["value"]) * 60


def minute(seconds: int | None) -> int | None:
    """UTC seconds -> whole minutes since 1970, seconds cut off."""
    return None if seconds is None else seconds // 60


def _is_token(value: Any) -> bool:
    return isinstance(value, str) and TOKEN.fullmatch(value) is not None


def _figures(row: Row) -> bool:
    given = [row[name] for name in ("off", "on") if name in row]
    if any(value is not None and type(value) is not int for value in given):
        return False
    if "tickets" in row and not (type(row["tickets"]) is int and row["tickets"] > 0):
        return False
    return len(given) < 2 or None in given or given[1] >= given[0]
