"""`import`: a book from a file, with a preview, a sheet of every faulty row, and a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..commands.options import DataOption, DsnOption, InFile, JsonFlag, LangOption, chosen
from .preview import counted, preview_of
from .sheet import Sheet

if TYPE_CHECKING:
    from ...adapters.books.reading import Reader
    from ...adapters.books.tables import Table
    from ...adapters.sandbox_bank.starter import RunningBank
    from ...wiring import Member
    from ..place import Place

AT_ONCE = 5_000  # accounts opened in one call


def import_(
    file: Annotated[Path, InFile],
    listing: Annotated[str, typer.Option(help="The listing whose book the policies enter.")],
    preview: Annotated[
        bool, typer.Option("--preview", help="Read all, say what would be done, and do nothing.")
    ] = False,
    errors: Annotated[
        Path | None,
        typer.Option("--errors", metavar="FILE", help="Where the sheet of faulty rows is written."),
    ] = None,
    since: Annotated[str, typer.Option(help="First day where the file gives none.")] = "",
    until: Annotated[str, typer.Option(help="End day where the file gives none.")] = "",
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Bring policies from a CSV, Parquet or OED location file in force; faulty rows are listed.

    The same file again goes on where a run was stopped, and issues nothing twice.
    """
    from .. import live, speak
    from ..place import Place

    language = chosen(lang)
    place = Place.of(data, dsn)
    with ExitStack() as opened:
        member, bank = opened.enter_context(live.with_bank(place))
        sheet = Sheet(errors or file.with_suffix(".errors.csv"), language)
        opened.callback(sheet.close)
        table, reader = _opened(place, member, file, listing, since, until)
        if preview:
            told = preview_of(table, reader, sheet, member.decider.spread, speak.Speaker(language))
        else:
            free = list[int]()
            read = counted(reader.all(table.rows(), member.decider.spread), free)
            rows = _with_accounts(bank, read)
            told = _import(member, table, rows, listing, sheet, speak.Speaker(language))
            told["without_premium"] = len(free)
    told["errors"] = str(sheet.path) if sheet.count else None
    if as_json:
        speak.show_json(told)
    else:
        facts = {n: told[n] for n in ("rows", "issued", "refused")}
        said = speak.Speaker(language)
        for shown in told.get("first", ()):
            speak.out(f"  {shown}")
        speak.out(said.text("import_preview" if preview else "imported", **facts))
        if told["without_premium"]:
            speak.out(said.text("import_without_premium", count=told["without_premium"]))
        if sheet.count:
            speak.out(said.text("import_errors", path=str(sheet.path)))
    raise typer.Exit(int(bool(told["rows"]) and told["refused"] == told["rows"]))


def _opened(
    place: Place, member: Member, file: Path, listing: str, since: str, until: str
) -> tuple[Table, Reader]:
    from ...acts.facts import product_of
    from ...adapters.books.reading import CUSTOMER, Reader
    from ...adapters.books.tables import open_table
    from ...adapters.keys import grid_keys
    from ...errors import Refusal, Refused
    from ...node.mass.holding import declared_by

    table = open_table(file)
    with member.node.reading() as (_, state):
        entry = state.get("listing", listing)
        if entry is None:
            known = ", ".join(key for key, _ in state.range("listing", ""))
            raise Refused(Refusal("import.no_listing", {"listing": listing[:60], "known": known}))
        product = product_of(state, entry["product"])
    token = grid_keys(place.folder / "keys.json").token if CUSTOMER in table.columns else None
    return table, Reader(table.columns, declared_by(product), since, until, token)


def _with_accounts(bank: RunningBank, rows: Iterator[Any]) -> Iterator[Any]:
    """The rows, their payees' accounts opened at the sandbox bank, which knows nobody yet.

    The bank opens some while the next are read; what it could not open stops the import at the
    latest when all has been read, and the same file again opens all.
    """
    with ThreadPoolExecutor(1) as line:
        before: Future[None] | None = None
        while some := list(islice(rows, AT_ONCE)):
            payees = [wanted.payee for wanted, _ in some if wanted is not None]
            known = [(p["account"], p.get("name", ""), 0) for p in payees if p.get("account")]
            if before is not None:
                before.result()
            before = line.submit(bank.control.open_accounts, known) if known else None
            yield from some
        if before is not None:
            before.result()


def _import(
    member: Member, table: Table, rows: Iterator[Any], listing: str, sheet: Sheet, speaker: Any
) -> dict[str, Any]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from ...node.mass.importing import import_policies
    from .. import speak

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeElapsedColumn(), console=speak.console(err=True), transient=True,
        redirect_stdout=sys.stdout.isatty(),
    ) as progress:  # fmt: skip
        task = progress.add_task(speaker.text("importing"), total=table.count or None)
        done = import_policies(
            member.node,
            member.decider,
            listing,
            table.digest[:24],
            rows,
            sheet.add,
            lambda rows: progress.update(task, completed=rows),
        )
    return {"rows": done.rows, "issued": done.issued, "refused": done.refused}
