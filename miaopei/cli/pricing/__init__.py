"""What a cover costs, on the command line: back-tests, basis risk, prices.

Each command shows tables or JSON and, with a folder, leaves numbers (CSV) and pictures beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ...adapters.pricing.pictures import available
from ...errors.texts import table
from ..place import write_whole
from ..speak import Speaker, console, note, out

Progress = Callable[[int], object]


@contextmanager
def progress(title: str, total: int) -> Iterator[Progress]:
    """A bar on standard error; call what is given with how many more are done."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, TimeRemainingColumn(), console=console(err=True), transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.advance(task, done)


def said(speaker: Speaker, name: str, **facts: str | int | None) -> str:
    """A sentence of pricing's own table."""
    return table("pricing")[name][speaker.language].format_map(facts)


def write_csv(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    """A table as CSV with a byte order mark, so that spreadsheets read its Chinese."""
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(["" if row.get(name) is None else row[name] for name in columns])
    write_whole(path, ("\ufeff" + text.getvalue()).encode("utf-8"))


def wrote(speaker: Speaker, folder: Path) -> None:
    """Where the files lie."""
    names = ", ".join(sorted(path.name for path in folder.iterdir() if path.is_file()))
    out(said(speaker, "wrote", folder=str(folder), names=names))
    if not available():
        note(said(speaker, "no_pictures"))
