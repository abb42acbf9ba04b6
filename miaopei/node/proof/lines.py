"""A policy's rows of the sealed lists that a trigger names, opened with their paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...claims.receipt import Line
from ...evidence.outage.lists import beside, commitment
from ...ledger.merkle import leaf_hash
from ...ledger.proof import as_hex, inclusion, nodes_of
from ...terms.filing import Product
from ..effects.listed import FIELDS, open_list
from ..ports import Identity, Reading


def lines_of(
    reading: Reading,
    identity: Identity,
    product: Product,
    trigger: Mapping[str, Any],
    token: str | None,
) -> tuple[Line, ...]:
    """The rows of one subject token, or the neighbours of where it would stand."""
    found = []
    for name, fact in trigger["facts"].items():
        for entry in fact["detail"].get("lists", ()):
            if entry["list"] is None:
                continue
            rows = open_list(reading, identity, entry["list"], FIELDS[product.rule(name).measure])
            tree = nodes_of([leaf_hash(commitment(row)) for row in rows])
            shown = tuple(
                (dict(rows[i]), i, tuple(as_hex(inclusion(i, len(rows), tree))))
                for i in beside([row["token"] for row in rows], token)
            )
            found.append(Line(name, entry["source"], len(rows), shown))
    return tuple(found)
