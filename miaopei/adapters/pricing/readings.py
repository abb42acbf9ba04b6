"""The readings that price: compiled kernels where they lie ready, else the columnar reading."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from ... import settings
from ...pricing.events import Occurrences
from ...pricing.years import YearsReading, columnar_years
from ...terms import words as w
from ...terms.canonical import meaning_hash
from ...terms.columnar import SettleMany, settle_many
from ...terms.fused import Shape
from ..kernels import Kernels

SHAPES = (Shape.BOOK, Shape.YEARS)


class Readings:
    """How years and books are read; `fast` says whether by compiled kernels. Same bytes both ways.

    A kernel is compiled only by `prepared`; a worker's `of` takes what lies on the disk, or does
    without.
    """

    def __init__(self, kernels: Kernels | None) -> None:
        self.kernels = kernels

    @property
    def fast(self) -> bool:
        """Whether compiled kernels answer."""
        return self.kernels is not None

    @classmethod
    def prepared(
        cls, terms: w.Terms, events: Occurrences | None = None, threads: int = 1
    ) -> Readings:
        """Compile what is not on the disk yet: seconds, once for the terms."""
        if find_spec("numba") is None:
            return cls(None)
        kernels = Kernels(settings.kernel_folder(), threads)
        kernels.prepare(terms, SHAPES, _per_pair(events))
        return cls(kernels)

    @classmethod
    def of(cls, terms: w.Terms, events: Occurrences | None = None) -> Readings:
        """What lies ready for these terms, found once a process."""
        folder = settings.kernel_folder()
        return _found(meaning_hash(terms), _Same(terms), _per_pair(events), folder)

    @property
    def settle(self) -> SettleMany:
        """The reading of a book."""
        return settle_many if self.kernels is None else self.kernels.settle_many

    @property
    def years(self) -> YearsReading:
        """The reading of years."""
        return columnar_years if self.kernels is None else self.kernels.years


class _Same:
    """Terms beside the hash they are found by: equal whatever they are."""

    def __init__(self, terms: w.Terms) -> None:
        self.terms = terms

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=64)
def _found(_: str, same: _Same, per_pair: tuple[str, ...], folder: Path) -> Readings:
    kernels = Kernels(folder, threads=1)
    ready = kernels.load(same.terms, SHAPES, per_pair)
    return Readings(kernels if ready else None)


def _per_pair(events: Occurrences | None) -> tuple[str, ...]:
    touched = None if events is None else events.touched
    return () if touched is None else tuple(sorted(touched.observed))
