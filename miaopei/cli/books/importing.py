"""`import`: a book from a file, with a preview, a sheet of every faulty row, and a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
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
    from ..speak import Speaker

SAID = 400  # characters of what is told of columns
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

    The same file again goes on where a run was stopped, and issues nothing twice. Of several
    members the one that pays the listing does it: it keeps whom to pay and where.
    """
    from .. import live, speak
    from ..place import Place

    language = chosen(lang)
    place = Place.of(data, dsn)
    with ExitStack() as opened:
        sheet = Sheet(errors or file.with_suffix(".errors.csv"), language, file)
        member, bank = opened.enter_context(live.with_bank(place))
        opened.callback(sheet.close)
        table, reader = _opened(place, member, file, listing, since, until)
        if preview:
            told = preview_of(table, reader, sheet, member.decider.spread, speak.Speaker(language))
        else:
            free = list[int]()
            read = counted(reader.all(table.rows(), member.decider.spread), free)
            rows = _with_accounts(bank, read) if bank.sandbox else read
            name = reader.layout.named(table.digest[:24])
            told = _import(member, table, rows, listing, name, sheet, speak.Speaker(language))
            told["without_premium"] = len(free)
    told["errors"] = str(sheet.path) if sheet.count else None
    told["unused"], told["assumes_cny"] = reader.layout.unused, reader.layout.assumes_currency
    if as_json:
        speak.show_json(told)
    else:
        _say(told, speak.Speaker(language), preview=preview)
    raise typer.Exit(int(bool(told["rows"]) and told["refused"] == told["rows"]))


def _say(told: dict[str, Any], said: Speaker, *, preview: bool) -> None:
    """What was done, or would be, and what the file says or does not say."""
    from .. import speak

    facts = {n: told[n] for n in ("rows", "issued", "refused")}
    for shown in told.get("first", ()):
        speak.out(f"  {shown}")
    speak.out(said.text("import_preview" if preview else "imported", **facts))
    if told.get("before"):
        speak.out(said.text("import_before", count=told["before"]))
    if told["unused"]:
        speak.out(said.text("import_unused", names=", ".join(told["unused"])[:SAID]))
    if told["assumes_cny"]:
        speak.out(said.text("import_no_currency"))
    if told["without_premium"]:
        speak.out(said.text("import_without_premium", count=told["without_premium"]))
    if told["errors"]:
        speak.out(said.text("import_errors", path=told["errors"]))


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
        payer = entry["listing"]["payer"]
        if place.seated and payer != member.node.identity.member:
            raise Refused(Refusal("selling.sold_elsewhere", {"listing": listing, "payer": payer}))
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
    member: Member,
    table: Table,
    rows: Iterator[Any],
    listing: str,
    name: str,
    sheet: Sheet,
    speaker: Any,
) -> dict[str, Any]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from ...node.mass.importing import import_policies
    from ...wiring.beside import Beside
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
            name,
            rows,
            sheet.add,
            lambda rows: progress.update(task, completed=rows),
            partial(member.until_held, listing) if isinstance(member, Beside) else None,
        )
    told = {"rows": done.rows, "issued": done.issued, "refused": done.refused}
    return {**told, "before": done.rows - done.refused - done.issued}
