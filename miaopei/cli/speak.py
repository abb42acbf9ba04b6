"""What the command line says: languages, refusals as sentences, JSON, tables. Texts only.

Results go to standard output, everything else (progress, refusals, hints) to standard error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import Alarm, OutsideFault, Refusal
from ..errors.texts import say
from ..settings import Language

if TYPE_CHECKING:
    from rich.console import Console

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
    return Console(stderr=err, width=width, highlight=False, soft_wrap=not stream.isatty())


def out(text: str) -> None:
    """A line of the result."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """A line beside the result."""
    sys.stderr.write(text + "\n")


def show_json(value: Any) -> None:
    """The result as JSON."""
    out(json.dumps(value, ensure_ascii=False, indent=2))


def show_table(
    title: str, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]]
) -> None:
    """A table; `columns` are (heading, "left" or "right")."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for heading, side in columns:
        right = side == "right"
        table.add_column(
            heading, justify="right" if right else "left", no_wrap=right, overflow="fold"
        )
    for row in rows:
        table.add_row(*row)
    console().print(table)


def refuse(refusals: Iterable[Refusal], language: Language) -> None:
    """Refusals, a sentence each."""
    for refusal in refusals:
        note(say(refusal, language))


def fault(error: OutsideFault, language: Language) -> None:
    """Something outside the house failed."""
    speaker = Speaker(language)
    note(speaker.text("outside_fault", what=str(error)))
    note(speaker.text("try_again" if error.retry else "look_first"))


def alarm(error: Alarm, language: Language) -> None:
    """The impossible was seen."""
    note(Speaker(language).text("alarm", what=error.what, facts=_facts(error.facts)))


def _facts(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items()) or "-"
