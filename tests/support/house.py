"""Reading the project itself: its files, modules, functions and calls."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "miaopei"


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def modules(*rooms_: str) -> list[Path]:
    """Python files of the package, or of some rooms of it."""
    folders = [PACKAGE / room for room in rooms_] or [PACKAGE]
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def shown(path: Path, node: ast.AST | None = None) -> str:
    line = f":{node.lineno}" if isinstance(node, ast.stmt | ast.expr) else ""
    return f"{path.relative_to(ROOT)}{line}"


@cache
def tracked() -> tuple[Path, ...]:
    """Files of the project: those git knows, or all where there is no git."""
    answer = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"], cwd=ROOT, capture_output=True
    )
    names = [ROOT / name for name in answer.stdout.decode().split("\0") if name]
    if answer.returncode:
        names = [path for path in ROOT.rglob("*") if ".venv" not in path.parts]
    return tuple(path for path in names if path.is_file())


def texts_of(*patterns: str) -> Iterator[tuple[Path, str]]:
    """Text files of the project whose path from the root fits one of the patterns."""
    for path in tracked():
        if not patterns or any(path.relative_to(ROOT).match(pattern) for pattern in patterns):
            try:
                yield path, path.read_text("utf-8")
            except UnicodeDecodeError:
                continue


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call):
            yield dotted(node.func), node


Function = ast.FunctionDef | ast.AsyncFunctionDef


def lines_of(function: Function) -> int:
    """Its lines without those of the functions inside it, which are read on their own."""
    size = (function.end_lineno or function.lineno) - function.lineno + 1
    inner = [node for node in ast.walk(function) if isinstance(node, Function)]
    return size - sum(lines_of(node) for node in inner if node in function.body)


def functions(path: Path) -> Iterator[Function]:
    """Every function, also those inside others."""
    return (node for node in ast.walk(parsed(path)) if isinstance(node, Function))


def public_functions(path: Path) -> Iterator[Function]:
    """Functions of a module and methods of its classes whose names do not begin with _."""
    bodies = [parsed(path).body]
    bodies += [
        node.body for node in bodies[0] if isinstance(node, ast.ClassDef) and node.name[0] != "_"
    ]
    return (
        node
        for body in bodies
        for node in body
        if isinstance(node, Function) and node.name[0] != "_"
    )


def nothing(found: Iterable[str], at_present: tuple[str, ...] = ()) -> None:
    """Fail with the whole list, one a line, but for what is so at present; that must be so."""
    lines = sorted(set(found))
    mended = [each for each in at_present if not any(line.startswith(each) for line in lines)]
    assert not mended, f"mended, to be taken out of the list at the top of this file: {mended}"
    lines = [line for line in lines if not line.startswith(at_present)]
    assert not lines, "\n" + "\n".join(lines)
