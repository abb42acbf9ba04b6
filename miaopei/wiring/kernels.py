"""Compiled readings of terms, kept where the settings say, and when a member asks for them."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from .. import settings
from ..adapters.kernels import Kernels
from ..terms.columnar import Given, Int64Array, settle_many
from ..terms.fused import Shape
from ..terms.words import Terms

LARGE = 65_536  # rows: below, NumPy has answered before machine code is read from the disk


def kernels() -> Kernels:
    """One answers where it is ready; else the NumPy reading does, with the same bytes."""
    return Kernels(settings.kernel_folder())


class Reading:
    """The columnar reading of a member: by compiled kernels where a book is large and they lie
    ready on the disk (`miaopei kernels prepare`), else by NumPy. Nothing is ever compiled here.

    Same as  terms.columnar.settle_many.
    """

    def __init__(self) -> None:
        self._kernels = kernels() if find_spec("numba") else None
        self._asked: dict[int, Terms] = {}

    def __call__(
        self,
        terms: Terms,
        benefit: str,
        observed: Given,
        columns: Given,
        spent: Int64Array | Given,
    ) -> Int64Array:
        """What each row is owed under one benefit, in fen."""
        if self._kernels is None or _rows(observed, columns, spent) < LARGE:
            return settle_many(terms, benefit, observed, columns, spent)
        if self._asked.get(id(terms)) is not terms:
            self._kernels.load(terms, (Shape.ROWS, Shape.BOOK))
            self._asked[id(terms)] = terms
        return self._kernels.settle_many(terms, benefit, observed, columns, spent)


def _rows(*given: Int64Array | Given) -> int:
    every = [
        column
        for table in given
        for column in (table.values() if not isinstance(table, np.ndarray) else [table])
    ]
    return max((len(c) for c in every if isinstance(c, np.ndarray) and c.ndim), default=1)
