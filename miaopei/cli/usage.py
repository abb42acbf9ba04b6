"""Wrong usage as a refusal: which word is wrong, what it may be, and where help is.

Typer's own messages are English only and of its making; what is needed of them is read here.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any

from typer.exceptions import TyperException

from ..errors import Fact, Refusal

LONGEST = 120  # characters of a wrong value that are said again
_QUOTED = re.compile(r"'(.*?)'")
_FILES = {
    "does not exist.": "no_file",
    "is a directory.": "not_a_file",
    "is a file.": "not_a_folder",
    "is not readable.": "not_readable",
    "is not writable.": "not_readable",
}


def refusal(error: TyperException) -> tuple[Refusal, ...]:
    """What was wrong with the words of a command; nothing where its help has just been shown.

    Facts are `given`, `option`, `limit`, `near`, `help`, as the sentence of the code needs them.
    """
    return () if type(error).__name__ == "NoArgsIsHelpError" else (_refusal(error),)


def _refusal(error: TyperException) -> Refusal:
    context = getattr(error, "ctx", None)
    help_at = f"{context.command_path if context else 'miaopei'} --help"
    said = error.message
    if type(error).__name__ == "MissingParameter":
        return _said("missing_word", option=_name(error), help=help_at)
    if getattr(error, "param", None) is not None:
        return _bad_value(error, help_at)
    if type(error).__name__ == "NoSuchOption":
        near = ", ".join(getattr(error, "possibilities", None) or ()) or "--help"
        given = str(getattr(error, "option_name", ""))
        return _said("no_such_option", given=given, near=near, help=help_at)
    given = (_QUOTED.search(said) or re.search(r"\(([^()]*)\)$", said) or [said, said])[1]
    if said.startswith("No such command"):
        known = list(context.command.list_commands(context)) if context else []
        near = ", ".join(get_close_matches(given, known, n=3, cutoff=0.5)) or ", ".join(known)
        return _said("no_such_command", given=given, near=near, help=help_at)
    if "requires an argument" in said:
        return _said("option_without_value", option=given, help=help_at)
    if said.startswith("Got unexpected"):
        return _said("too_many_words", given=given, help=help_at)
    return _said("wrong_usage", why=said, help=help_at)


def _bad_value(error: TyperException, help_at: str) -> Refusal:
    said, found = error.message, _found(error)
    quoted = _QUOTED.findall(said)
    for ending, code in _FILES.items():
        if said.endswith(ending) and quoted:
            return _said(code, path=quoted[0], option=_name(error), help=help_at)
    given = str(found.get("input", quoted[0] if quoted else ""))
    limits = found.get("ctx", {})
    for kind, code in (("integer", "not_whole"), ("float", "not_number"), ("number", "not_number")):
        if not limits and f"valid {kind}" in said:
            return _said(code, given=given, option=_name(error), help=help_at)
    if "not one of" in said:
        limit = ", ".join(quoted[1:])
    elif "le" in limits:
        limit = f"<= {limits['le']}"
    elif "ge" in limits:
        limit = f">= {limits['ge']}"
    else:
        limit = said
    return _said("bad_value", given=given, option=_name(error), limit=limit, help=help_at)


def _found(error: TyperException) -> dict[str, Any]:
    """What the coercion that failed says of itself, where it does."""
    listed = getattr(error.__cause__, "errors", None)
    return dict(listed()[0]) if callable(listed) else {}


def _name(error: TyperException) -> str:
    """The option, or the argument as help writes it."""
    param: Any = getattr(error, "param", None)
    if param is None:
        return "?"
    first = str(param.opts[0])
    return first if first.startswith("-") else str(param.metavar or first.upper())


def _said(code: str, /, **facts: Fact) -> Refusal:
    cut = {k: v[:LONGEST] if isinstance(v, str) and k != "near" else v for k, v in facts.items()}
    return Refusal(f"cli.{code}", cut)
