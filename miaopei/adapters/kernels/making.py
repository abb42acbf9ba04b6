"""A loop's text becomes a file, the file a function, kept on disk by what it rests on."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...terms import fused
from ...terms.fused import Loop, Shape

# What a kept kernel that was cut short or overwritten is met with when it is read.
DAMAGED = (pickle.UnpicklingError, EOFError, AttributeError, ImportError, ValueError, IndexError,
           KeyError, SyntaxError, RuntimeError, TypeError)  # fmt: skip


def module(loop: Loop) -> str:
    """The file that is compiled: types stated, so that everything is ready once it is loaded."""
    outer = {
        Shape.ROWS: (["i8", "i8"], ["i8[::1]"], "i8"),
        Shape.BOOK: (["i8", "i8"], ["i8[::1]"], "i8"),
        Shape.PAID: (["i8"] * 3 + ["of(i8)"] * 2, ["u1[::1]", "i4[::1]"] + ["i8[::1]"] * 2,
                     "types.UniTuple(i8, 2)"),
        Shape.YEARS: (["i8"] * 2 + ["of(i8)"] * 2 + ["of(i4)"], ["i8[::1]"] * 3, "i8"),
    }  # fmt: skip
    first, last, gives = outer[loop.shape]
    short = {"int16": "i2", "int32": "i4", "int64": "i8"}
    given = [
        f"of({short[a.dtype]})" if a.column else "i8"
        for a in loop.arguments
        if loop.shape is not Shape.YEARS or a.input.table != "spent"
    ]
    return (
        "from numba import int64, njit, types, uint8, uint32, uint64\n"
        "from numpy import array, zeros\n"
        "from numba.types import i2, i4, i8, u1\n\n\n"
        "def of(item):\n"
        "    return types.Array(item, 1, 'C', readonly=True)\n\n\n"
        f"REFUSED = {fused.REFUSED}\n"
        "inner = njit(error_model='numpy', forceinline=True)\n"
        f"outer = njit({gives}({', '.join([*first, *given, *last])}), cache=True, nogil=True,\n"
        "             error_model='numpy')\n\n\n" + loop.text
    )


def machine() -> str:
    """What a compiled kernel depends on besides its text."""
    binding: Any = importlib.import_module("llvmlite.binding")

    features = binding.get_host_cpu_features().flatten()
    numba = importlib.metadata.version("numba")
    return f"numba-{numba}-{binding.get_host_cpu_name()}-{name_of(features)[:8]}"


def name_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def compiled(home: Path, text: str, *, compiling: bool = True) -> Callable[..., Any] | None:
    """`run` of a module, taken from beside its source, or compiled where that is allowed.

    What lies there damaged is thrown away: made again if we may compile, else None.
    """
    source, ready = home / "kernel.py", home / "ready"
    if not compiling and not ready.exists():
        return None
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not source.exists() or source.read_text("utf-8") != text:
        ready.unlink(missing_ok=True)
        part = home / f"kernel.{os.getpid()}.part"
        part.write_text(text, "utf-8")
        part.replace(source)
    try:
        run = _loaded(source)
    except DAMAGED:
        shutil.rmtree(home, ignore_errors=True)
        return compiled(home, text, compiling=True) if compiling else None
    ready.touch()
    return run


def _loaded(source: Path) -> Callable[..., Any]:
    """Run a module's file; numba finds the parts of a kept kernel by the name of its module."""
    name = f"miaopei_{source.parent.name.replace('-', '_')}"
    spec = importlib.util.spec_from_file_location(name, source)
    assert spec is not None, "a file that stands there can be loaded"
    assert spec.loader is not None, "a file that stands there can be loaded"
    made = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    run: Callable[..., Any] = made.run
    return run
