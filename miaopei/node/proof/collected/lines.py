"""A policy's rows of the sealed lists that a trigger names, opened with their paths."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ....claims.receipt import Line
from ....evidence.outage.lists import FIELDS, Row, beside, commitment
from ....ledger.merkle import leaf_hash
from ....ledger.proof import NodeReader, as_hex, inclusion, nodes_of
from ....terms.filing import Product
from ...effects.listed import open_list
from ...ports import Identity, Reading

KEPT = 8  # lists: a trigger names three


class Lists:
    """Opens each list once, however many receipts name it; the few used last are kept."""

    def __init__(self, reading: Reading, identity: Identity) -> None:
        self._reading, self._identity = reading, identity
        self._open: OrderedDict[str, _List] = OrderedDict()

    def lines(
        self, product: Product, trigger: Mapping[str, Any], token: str | None
    ) -> tuple[Line, ...]:
        """The rows of one subject token, or the neighbours of where it would stand."""
        found = []
        for name, fact in trigger["facts"].items():
            for entry in fact["detail"].get("lists", ()):
                if entry["list"] is None:
                    continue
                listed = self._list(entry["list"], FIELDS[product.rule(name).measure])
                size = len(listed.rows)
                shown = tuple(
                    (dict(listed.rows[i]), i, tuple(as_hex(inclusion(i, size, listed.tree))))
                    for i in beside(listed.tokens, token)
                )
                found.append(Line(name, entry["source"], size, shown))
        return tuple(found)

    def _list(self, reference: Mapping[str, Any], fields: frozenset[str]) -> _List:
        name = reference["blob"]
        if name not in self._open:
            rows = open_list(self._reading, self._identity, reference, fields)
            tree = nodes_of([leaf_hash(commitment(row)) for row in rows])
            self._open[name] = _List(rows, [row["token"] for row in rows], tree)
            while len(self._open) > KEPT:
                self._open.popitem(last=False)
        self._open.move_to_end(name)
        return self._open[name]


@dataclass(frozen=True)
class _List:
    rows: Sequence[Row]
    tokens: Sequence[str]
    tree: NodeReader
