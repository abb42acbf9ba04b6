"""Areas: the cells and county names of one division (a prefecture), as a value an act can file.

A cell is an H3 index as text. Indexes are computed outside (they need floats); here only their bits
are read: a parent is the same index with a smaller resolution and its lower digits set to ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..errors import Refusal, Refused
from ..measures.shape import exactly

_CELL = re.compile(r"8[0-9a-f]{4,14}", re.ASCII)
_CODE = re.compile(r"[0-9]{6}", re.ASCII)
_DIGITS = 15  # hexadecimal digits of an index, and the finest resolution


@dataclass(frozen=True)
class County:
    """A county of the division: its GB/T 2260 code and the names it goes by.

    `alone`: those of the names that mean no other place in China, so need no province before them.
    """

    code: str
    names: tuple[str, ...]
    alone: tuple[str, ...] = ()


@dataclass(frozen=True)
class AreaSet:
    """One division of a set of areas. `cells` is compact: a cell stands for all its descendants.

    Shapes   cells: index text without its trailing f's, in text order.
    """

    set: str
    code: str
    name: Mapping[str, str]
    names: tuple[str, ...]
    alone: tuple[str, ...]
    counties: tuple[County, ...]
    resolution: int
    cells: tuple[str, ...]

    @cached_property
    def cell_indexes(self) -> frozenset[int]:
        """The compact cells as integers, for `holds`."""
        return frozenset(index_of(cell.ljust(_DIGITS, "f")) for cell in self.cells)

    def as_json(self) -> dict[str, Any]:
        """The form that is filed."""
        return {
            "set": self.set,
            "code": self.code,
            "name": dict(self.name),
            "names": list(self.names),
            "alone": list(self.alone),
            "counties": [
                {"code": c.code, "names": list(c.names), "alone": list(c.alone)}
                for c in self.counties
            ],
            "resolution": self.resolution,
            "cells": list(self.cells),
        }

    @classmethod
    def from_json(cls, value: Any) -> AreaSet:
        """Read one; other fields beside its own are passed over.

        Errors   Refused evidence.bad_area naming the field.
        """
        if not isinstance(value, Mapping):
            raise _bad("fields")
        name, resolution = value.get("name"), value.get("resolution")
        if not exactly(name, ("zh", "en")):
            raise _bad("name")
        if type(resolution) is not int or not 0 < resolution <= 8:
            raise _bad("resolution")
        counties = value.get("counties")
        if not isinstance(counties, list) or not all(isinstance(c, Mapping) for c in counties):
            raise _bad("counties")
        cells = _texts(value, "cells")
        for cell in cells:
            if not _CELL.fullmatch(cell) or resolution_of(cell) > resolution:
                raise _bad("cells")
        if list(cells) != sorted(set(cells)):
            raise _bad("cells")
        set_name = value.get("set")
        if not isinstance(set_name, str) or not 0 < len(set_name) <= 60 or not set_name.isascii():
            raise _bad("set")
        return cls(
            set_name,
            _code(value),
            dict(name),
            _texts(value, "names"),
            _texts(value, "alone"),
            tuple(County(_code(c), _texts(c, "names"), _texts(c, "alone")) for c in counties),
            resolution,
            cells,
        )


def index_of(cell: str) -> int:
    """Cell text -> its 64-bit index."""
    return int(cell, 16)


def resolution_of(cell: str) -> int:
    """The resolution that a cell's text names (its second hexadecimal digit)."""
    return int(cell[1], 16)


def parent(index: int, resolution: int) -> int:
    """The ancestor of a cell at a coarser resolution, by its bits alone.

    Same as  h3.cell_to_parent on the same index (a test asks it).
    """
    below = (1 << (3 * (_DIGITS - resolution))) - 1
    return (index & ~(0xF << 52)) | (resolution << 52) | below


def holds(cells: frozenset[int], cell: str, resolution: int) -> bool:
    """Whether a compact set holds the ancestor of `cell` at the set's own resolution."""
    index = index_of(cell)
    return any(parent(index, finer) in cells for finer in range(resolution, -1, -1))


def _code(value: Mapping[str, Any]) -> str:
    code = value.get("code")
    if not (isinstance(code, str) and _CODE.fullmatch(code)):
        raise _bad("code")
    return code


def _texts(value: Mapping[str, Any], name: str) -> tuple[str, ...]:
    texts = value.get(name)
    if not isinstance(texts, list) or not all(isinstance(t, str) and t for t in texts):
        raise _bad(name)
    return tuple(texts)


def _bad(field: str) -> Refused:
    return Refused(Refusal("evidence.bad_area", {"field": field}))
