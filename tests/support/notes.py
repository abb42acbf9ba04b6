"""Under which names the package writes down how far it is, as far as its text tells."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from .house import ROOT, Function, functions, modules, parsed, shown

WRITES = "put_progress"


def written() -> Iterator[tuple[str, set[str]]]:
    """Each place that writes a note, and how the names may begin that it writes; "" where its text
    does not tell. Who only forgets a note writes none.
    """
    for path in modules():
        for function in functions(path):
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and _writes(call):
                    yield f"{shown(path)} {function.name}", _begins(path, function, call.args[0])


def _writes(call: ast.Call) -> bool:
    if not (isinstance(call.func, ast.Attribute) and call.func.attr == WRITES):
        return False
    value = call.args[1]
    return not (isinstance(value, ast.Constant) and value.value is None)


def _begins(path: Path, function: Function | None, told: ast.expr) -> set[str]:
    """How the text of an expression may begin."""
    match told:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
            return {text}
        case ast.JoinedStr(values=[ast.FormattedValue(value=first), *_]):
            return _begins(path, function, first)
        case ast.Name(id=name):
            return _named(path, function, name)
        case ast.Call(func=ast.Name(id=name)):
            found = [each for each in functions(path) if each.name == name]
            backs = [(each, node.value) for each in found for node in ast.walk(each)
                     if isinstance(node, ast.Return) and node.value]  # fmt: skip
            return {b for each, value in backs for b in _begins(path, each, value)} or {""}
    return {""}


def _named(path: Path, function: Function | None, name: str) -> set[str]:
    """How the text of a name may begin: it is given in the function, or by a module."""
    for scope in (function, parsed(path)):
        if scope is None:
            continue
        values = [value for node in ast.walk(scope) for value in _given(node, name)]
        if values:
            return {b for value in values for b in _begins(path, function, value)}
        if scope is not parsed(path) and any(
            isinstance(node, ast.arg) and node.arg == name for node in ast.walk(scope)
        ):
            return {""}  # whoever calls it says the name
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom) and name in [a.asname or a.name for a in node.names]:
            (source,) = [a.name for a in node.names if (a.asname or a.name) == name]
            at = _module(path, node)
            return {""} if at is None else _named(at, None, source)
    return {""}


def _given(node: ast.AST, name: str) -> Iterator[ast.expr]:
    match node:
        case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
            yield value
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
            for target, value in zip(targets, values, strict=True):
                if isinstance(target, ast.Name) and target.id == name:
                    yield value


def _module(path: Path, node: ast.ImportFrom) -> Path | None:
    """The file of a module that another of the package imports from."""
    if not node.level:
        return None
    folder = path.parents[node.level - 1]
    file = folder.joinpath(*(node.module or "").split(".")).with_suffix(".py")
    return file if file.is_relative_to(ROOT) and file.exists() else None
