"""Commands for the engine that several members share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ...settings import Language
from .options import JsonFlag, LangOption, chosen

EVERY = 15.0  # seconds between two lines where standard error is no terminal


def engine_install(as_json: JsonFlag = False, lang: LangOption = None) -> None:
    """Build the engine from its pinned source, once; skips what is there.

    Needs a Go toolchain: that of the extra `engine`, else a recent one on the path. About a minute,
    1 GB of scratch space that is given back. With the pinned toolchain the program's SHA-256 is
    checked. Sites without a network name a program of their own in MIAOPEI_ENGINE.
    """
    from ...adapters.engine import install
    from ...errors import Refusal
    from ...errors.texts import say
    from .. import speak

    language = chosen(lang)
    if (made := install.find()) is None:
        speak.note(say(Refusal("engine.building", {"version": install.VERSION}), language))
        with _followed(language) as tell:
            made = install.install(tell)
    if as_json:
        speak.show_json(
            {
                "version": install.VERSION,
                "program": str(made.program),
                "sha256": made.sha256,
                "known": made.known,
                "built": made.built,
            }
        )
        return
    known = say(Refusal(f"engine.known_{'yes' if made.known else 'no'}"), language)
    facts = {"version": install.VERSION, "path": str(made.program), "digest": made.sha256}
    speak.out(say(Refusal("engine.installed", {**facts, "known": known}), language))


@contextmanager
def _followed(language: Language) -> Iterator[Callable[[int, int], None]]:
    """Show how far a build is: one line that changes on a terminal, else a line now and then."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from ...errors import Refusal
    from ...errors.texts import say
    from .. import speak

    screen, last = speak.console(err=True), time.monotonic()
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task("")

        def tell(fetched: int, compiled: int) -> None:
            nonlocal last
            said = say(
                Refusal("engine.so_far", {"fetched": fetched, "compiled": compiled}), language
            )
            bar.update(task, description=said)
            if not screen.is_terminal and time.monotonic() >= last + EVERY:
                last = time.monotonic()
                speak.note(said)

        yield tell
