"""What the command line says: languages, refusals as sentences, JSON, tables. Texts only.

Results go to standard output, everything else (progress, refusals, hints) to standard error.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Alarm, OutsideFault, Refusal
from ..errors.texts import say
from ..settings import Language

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

NAME = "miaopei"
TEXT_WIDTH = 24  # the least that running text is squeezed to
PLAIN_WIDTH = 140  # columns where the output is not a terminal


class Speaker:
    """Says things in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def pick(self, zh: str, en: str) -> str:
        """One of two texts."""
        return zh if self.language == "zh" else en

    def refusal(self, refusal: Refusal) -> str:
        """A refusal's sentence."""
        return say(refusal, self.language)

    def text(self, name: str, **facts: str | int | None) -> str:
        """A sentence of the command line's own table."""
        return say(Refusal(f"cli.{name}", facts), self.language)


def console(*, err: bool = False) -> Console:
    """Where tables and progress go; no colour codes where nobody looks."""
    from rich.console import Console

    stream = sys.stderr if err else sys.stdout
    width = None if stream.isatty() else PLAIN_WIDTH
    return Console(
        stderr=err,
        width=width,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=not stream.isatty(),
    )


def program() -> str:
    """How a person here calls this program: its name where the shell finds it, else its path."""
    called = Path(sys.argv[0])
    if called.name != NAME or shutil.which(NAME):
        return NAME
    near = os.path.relpath(called)
    return str(called) if near.startswith("..") else near


def out(text: str) -> None:
    """A line of the result."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()  # what is piped to a file is there before a server begins to serve


def note(text: str) -> None:
    """A line beside the result."""
    sys.stderr.write(text + "\n")


def show_json(value: Any) -> None:
    """The result as JSON."""
    out(json.dumps(value, ensure_ascii=False, indent=2))


def show_table(
    title: str, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]]
) -> None:
    """A table; `columns` are (heading, "left", "right" or "text"), where only text is wrapped.

    On a terminal too narrow for it nothing is cut off: each row becomes lines of its own.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    screen, held = console(), [list(row) for row in rows]
    table = Table(title=title or None, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for heading, kind in columns:
        table.add_column(
            heading,
            justify="right" if kind == "right" else "left",
            no_wrap=kind != "text",
            overflow="fold",
            min_width=TEXT_WIDTH if kind == "text" else None,
        )
    for row in held:
        table.add_row(*row)
    if _width(columns, held) <= screen.width:
        screen.print(table)
        return
    out(title)
    for row in held:
        cells = [cell.replace("\n", " ") for cell in row]
        told = [f"{heading} {cell}" for (heading, _), cell in zip(columns, cells, strict=True)]
        out("  ".join(cells[:2]))
        out("    " + "  ".join(told[2:]))
    out("")


def _width(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> int:
    """The columns of a terminal that a table needs."""
    from rich.cells import cell_len

    total = 2
    for index, (heading, kind) in enumerate(columns):
        lines = [line for row in rows for line in row[index].split("\n")]
        widest = max(cell_len(line) for line in (heading, *lines))
        total += (TEXT_WIDTH if kind == "text" else widest) + 3
    return total


def bar() -> Progress:
    """How far something long is, on a terminal; what is told meanwhile stands above it."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    shown, above = console(err=True), sys.stdout.isatty()
    return Progress(*columns, console=shown, transient=True, redirect_stdout=above)


def refuse(refusals: Iterable[Refusal], language: Language) -> None:
    """Refusals, a sentence each."""
    for refusal in refusals:
        note(say(refusal, language))


def refused(refusals: Sequence[Refusal], code: int) -> dict[str, Any]:
    """Refusals as JSON, for who asked for JSON: codes, facts, and the sentences of both languages.

    `exit` is the exit code.
    """
    told = [
        {**refusal.as_json(), "zh": say(refusal, "zh"), "en": say(refusal, "en")}
        for refusal in refusals
    ]
    return {"refusals": told, "exit": code}


def fault(error: OutsideFault) -> tuple[Refusal, ...]:
    """Something outside the house failed."""
    after = Refusal("cli.try_again" if error.retry else "cli.look_first")
    return error.said or Refusal("cli.outside_fault", {"what": str(error)}), after


def alarm(error: Alarm) -> tuple[Refusal, ...]:
    """The impossible was seen."""
    return (Refusal("cli.alarm", {"what": error.what, "facts": _facts(error.facts)}),)


def _facts(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items()) or "-"
