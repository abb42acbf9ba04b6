"""`miaopei verify`: a receipt checked with no database, no network and nothing but the log's key.

Quick to start: it imports what checks a receipt and no more.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..claims.verify import explain, verify
from ..errors import Refusal, Refused
from ..settings import Language
from . import speak

KEY_FILE = "log.vkey"
LONGEST_KEY = 1_000


@dataclass
class Asked:
    """The arguments of `verify`."""

    file: Path
    key: str | None = None
    json: bool = False


def read(arguments: Sequence[str]) -> Asked | None:
    """The arguments, read without typer; None for whatever typer must explain (help, mistakes)."""
    asked, files, rest = Asked(Path()), list[str](), list(arguments)
    while rest:
        given = rest.pop(0)
        name, equals, value = given.partition("=")
        if name in ("--key", "--lang"):
            if not equals and not rest:
                return None
            value = value if equals else rest.pop(0)
            if name == "--lang" and value not in ("zh", "en"):
                return None
            asked.key = value if name == "--key" else asked.key
        elif given == "--json":
            asked.json = True
        elif given.startswith("-"):
            return None
        else:
            files.append(given)
    if len(files) != 1 or not Path(files[0]).is_file():
        return None
    asked.file = Path(files[0])
    return asked


def run(file: Path, key: str | None, *, as_json: bool, language: Language) -> int:
    """0 where every check holds, 1 where one does not."""
    verdict = verify(file.read_bytes(), key_of(key))
    if as_json:
        speak.out(json.dumps(verdict.as_json(), ensure_ascii=False, indent=2))
    else:
        for line in explain(verdict, language):
            speak.out(line)
        if key is None:
            speak.note(speak.Speaker(language).text("verify_needs_key"))
    return 0 if verdict.holds else 1


def key_of(given: str | None) -> str | None:
    """The log's verifier key: the text itself, or a file or folder that holds it.

    Errors   Refused cli.no_key_file.
    """
    if given is None or given.count("+") >= 2:
        return None if given is None else given.strip()
    path = Path(given)
    path = path / KEY_FILE if path.is_dir() else path
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(LONGEST_KEY).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = type(error).__name__
        raise Refused(Refusal("cli.no_key_file", {"path": given[:200], "why": why})) from None
