"""How far one evaluation of A grows beyond the loaded book: `python -m bench.portfolio.memory`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from miaopei.adapters.kernels import Kernels
from miaopei.policies import layout as laid
from miaopei.terms.fused import Shape

from . import work
from .terms import terms_a


def status(name: str) -> int:
    """A figure of this process, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise LookupError(name)


def main(folder: Path, kept: Path) -> None:
    """Load, make ready, forget the peak so far, run once, and say how far the peak rose."""
    book = {file.stem: np.load(file) for file in folder.glob("*.npy")}
    kernels = Kernels(kept)
    assert kernels.load(terms_a(), (Shape.PAID,)), "compiled before"
    names = ("x", "y", "z", "plan", "insured", "event_limit", "year_limit")
    layout = laid.lay_out({n: book[n] for n in names}, book["since"], book["until"])
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    paid = kernels.paid(
        terms_a(), "quake", work.seen_a(), layout, book["spent"], work.TODAY * work.DAY
    )
    assert len(paid.rows), "somebody is paid"
    print(json.dumps([status("VmHWM") - before, sum(c.nbytes for c in book.values())]))


main(*map(Path, sys.argv[1:]))
