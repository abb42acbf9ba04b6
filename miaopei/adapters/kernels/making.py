"""A loop's text becomes a file, the file a function, kept on disk by what it rests on."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import pickle
import shutil
import sys
import types
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

    `ready` holds the SHA-256 of what was compiled. What lies there damaged or altered is thrown
    away before any of it is loaded: made again if we may compile, else None.
    """
    source, ready = home / "kernel.py", home / "ready"
    kept = ready.exists()
    if kept and ready.read_bytes() != _digests(home, text):
        shutil.rmtree(home, ignore_errors=True)
        kept = False
    if not kept:
        if not compiling:
            return None
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = home / f"kernel.{os.getpid()}.part"
        part.write_bytes(text.encode())
        part.replace(source)
    try:
        run = _loaded(source, text)
    except DAMAGED:
        shutil.rmtree(home, ignore_errors=True)
        return compiled(home, text, compiling=True) if compiling else None
    if not kept:
        part = home / f"ready.{os.getpid()}.part"
        part.write_bytes(_digests(home, text))
        part.replace(ready)
    return run


def _digests(home: Path, text: str) -> bytes:
    """A line for each file that is loaded: the source as we write it, numba's index and code."""
    kept = {path.name: path.read_bytes() for path in (home / "__pycache__").glob("*.nb[ci]")}
    found = home / "kernel.py"
    same = found.exists() and found.read_bytes() == text.encode()
    kept["kernel.py"] = text.encode() if same else b""
    lines = [f"{hashlib.sha256(kept[name]).hexdigest()}  {name}\n" for name in sorted(kept)]
    return "".join(lines).encode()


def _loaded(source: Path, text: str) -> Callable[..., Any]:
    """Run a module's text; numba finds the parts of a kept kernel by the name of its file.

    Python's own cache of the file is neither read nor written: it is no part of what is checked.
    """
    name = f"miaopei_{source.parent.name.replace('-', '_')}"
    made = sys.modules[name] = types.ModuleType(name)
    made.__file__ = str(source)
    exec(compile(text, str(source), "exec"), made.__dict__)  # noqa: S102  # our own text
    run: Callable[..., Any] = made.run
    return run
