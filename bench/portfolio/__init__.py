"""A whole portfolio: declared covers over millions of policies, beside what users have today.

Every round runs all of them one after another and keeps each one's best run; a ratio is taken
within its round and the median of the rounds is given, so that a machine that others use as well
says something. Sums are compared to the fen before any time counts; the exact reading of every
policy comes last.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from miaopei.adapters.kernels import Kernels
from miaopei.terms.fused import Shape

from . import one, same, whole
from .rows import Row
from .terms import terms_a, terms_b


def run() -> Iterator[dict[str, Any]]:
    """All measurements of the kernels."""
    with tempfile.TemporaryDirectory() as folder:
        kernels = Kernels(Path(folder) / "kernels")
        for terms, shapes, per_pair in (
            (terms_a(), (Shape.PAID,), ()),
            (terms_b(), (Shape.YEARS,), ("intensity",)),
            (whole.DELAY, (Shape.BOOK,), ()),
        ):
            for made in kernels.prepare(terms, shapes, per_pair):
                note(f"compiled {terms.id} {made.shape}: {made.seconds:.1f} s")
        parts = (
            lambda: whole.against_peers(kernels, Path(folder)),
            lambda: whole.ten_million(kernels, Path(folder)),
            lambda: whole.by_hand(kernels),
            one.run,
            lambda: same.run(kernels),
        )
        for part in parts:
            for row in part():
                note(f"{row.id}: {row.value:.4g} {row.unit}")
                yield row.as_json()


def note(text: str) -> None:
    """How far the run is."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


__all__ = ["Row", "run"]
