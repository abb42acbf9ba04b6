"""Checks of sealed lists: the policy's own row, or its neighbours, and what follows for its inputs.

A list is sorted by token and each token stands once, so two rows that stand side by side prove that
nobody stands between them. Source: docs/specs/outage.md, section 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Refused
from ...evidence.outage.lists import FIELDS, TIMES, Apart, Row, check, commitment, value_of
from ...ledger.merkle import leaf_hash
from ...ledger.proof import check_inclusion, from_hex
from ..receipt import Line
from .seen import Seen
from .verdict import Facts, demand, fails

Json = Mapping[str, Any]


def lists(seen: Seen) -> Facts:
    """Each row of a list is under the root that the attested fact names, and is the policy's."""
    wanted = set()
    for name, fact in _listed(seen):
        for entry in fact["detail"]["lists"]:
            said = seen.facts.get(entry["observation"])
            if said is None:
                raise fails("fact_absent", input=name, observation=entry["observation"][:16])
            same = said.observation.values["list"] == entry["list"]
            demand(same and said.observation.source == entry["source"], "list_other", input=name)
            if entry["list"] is not None:
                wanted.add((name, entry["source"]))
                _opened(seen, _line(seen, name, entry["source"]), entry["list"])
    given = [(line.input, line.source) for line in seen.receipt.lines]
    demand(len(set(given)) == len(given) and set(given) == wanted, "list_other", input="-")
    return {"lists": len(given)}


def inputs(seen: Seen, token: str | None) -> tuple[dict[str, int], frozenset[str]]:
    """What the terms read for one policy: values by input, and those that are not known of it."""
    value = seen.trigger.value
    observed = {name: fact["value"] for name, fact in value["facts"].items()}
    unknown = set()
    for name, fact in _listed(seen):
        rows: dict[str, Mapping[str, Row]] = {}
        for entry in fact["detail"]["lists"]:
            if entry["list"] is not None:
                line = _line(seen, name, entry["source"])
                rows[entry["source"]] = {r["token"]: r for r, _, _ in line.rows}
        found = value_of(seen.product.rule(name).measure, fact, rows, token)
        if isinstance(found, Apart):
            unknown.add(name)
        else:
            observed[name] = found
    return observed, frozenset(unknown)


def _listed(seen: Seen) -> Iterator[tuple[str, Json]]:
    for name, fact in seen.trigger.value["facts"].items():
        if fact["detail"].get("lists"):
            yield name, fact


def _line(seen: Seen, name: str, source: str) -> Line:
    for line in seen.receipt.lines:
        if (line.input, line.source) == (name, source):
            return line
    raise fails("list_absent", input=name, source=source)


def _opened(seen: Seen, line: Line, reference: Json) -> None:
    """The policy's row stands in the list; or what stands beside its place leaves no room."""
    if seen.receipt.row is None:
        raise fails("part_absent", part="row")
    token, name = seen.receipt.row.row["subject"], line.input
    demand(line.count == reference["count"], "list_path", input=name)
    rows = [row for row, _, _ in line.rows]
    fields = FIELDS.get(seen.product.rule(name).measure, TIMES)
    try:
        check(rows, fields)
        root = bytes.fromhex(reference["root"])
        for row, index, path in line.rows:
            hashed = leaf_hash(commitment(row))
            check_inclusion(hashed, index, line.count, from_hex(list(path)), root)
    except Refused:
        raise fails("list_path", input=name) from None
    if token is None or [row["token"] for row in rows] == [token]:
        return
    places = [index for _, index, _ in line.rows]
    below, above = ([r["token"] < token for r in rows], [r["token"] > token for r in rows])
    between = (
        (not rows and line.count == 0)
        or (places == [0] and above == [True])
        or (places == [line.count - 1] and below == [True])
        or (len(rows) == 2 and places[1] == places[0] + 1 and below[0] and above[1])
    )
    demand(between, "list_gap", input=name)
