"""A whole portfolio: declared covers over millions of policies, beside what users have today.

Every round runs all of them one after another and keeps each one's best run; a ratio is taken
within its round and the median of the rounds is given, so that a machine that others use as well
says something. Sums are compared to the fen before any time counts; the exact reading of every
policy comes last.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from miaopei.adapters.kernels import Kernels
from miaopei.terms.fused import Shape

from .. import portfolio_mass, pricing
from ..wanted import Wanted
from . import one, opening, same, whole
from .rows import Row
from .terms import terms_a, terms_b


def run(wanted: Wanted) -> Iterator[dict[str, Any]]:
    """All measurements of the kernels, of pricing and of masses, or those that are asked for."""
    with tempfile.TemporaryDirectory() as name:
        folder, kernels = Path(name), Kernels(Path(name) / "kernels")
        for terms, shapes, per_pair in (
            (terms_a(), (Shape.PAID,), ()),
            (terms_b(), (Shape.YEARS,), ("intensity",)),
            (whole.DELAY, (Shape.BOOK,), ()),
        ):
            for made in kernels.prepare(terms, shapes, per_pair):
                note(f"compiled {terms.id} {made.shape}: {made.seconds:.1f} s")
        parts: list[tuple[tuple[str, ...], Callable[[], Iterable[Any]]]] = [
            (("P2",), lambda: whole.against_peers(kernels, folder)),
            (("P1", "P1b", "P4.A", "mem"), lambda: whole.ten_million(kernels, folder)),
            (("P4.B", "P4.delay"), lambda: whole.by_hand(kernels)),
            (("P5",), one.run),
            (("open",), lambda: opening.run(whole.book_a(kernels, whole.LARGE).book, folder)),
            (("P0",), lambda: same.run(kernels, every=wanted.every)),
            (("P3",), pricing.against_peers),
            (("P10.ray",), pricing.on_ray),
            (("P7", "P10.10k", "P10.100k", "P10.1M", "P10.bend"), portfolio_mass.run),
        ]
        for ids, part in parts:
            for row in part() if wanted.part(*ids) else ():
                found = row.as_json() if isinstance(row, Row) else row
                note(f"{found['id']}: {found['value']:.4g} {found['unit']}")
                yield found
            if "P0" in ids:
                whole.book_a.cache_clear()


def note(text: str) -> None:
    """How far the run is."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


__all__ = ["Row", "run"]
