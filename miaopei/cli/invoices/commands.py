"""Commands for metering: rates, claim models, invoices and disputes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..commands.options import DataOption, DsnOption, JsonFlag, LangOption, chosen

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Data calls and compute rent: rates, claim models, invoices, disputes.",
)
Listing = Annotated[str, typer.Argument(help="The listing.")]
Carrier = Annotated[str, typer.Argument(help="The carrier that is billed.")]
Invoice = Annotated[str, typer.Argument(help="LISTING/CARRIER/MONTH, as `list` shows it.")]
RunOption = Annotated[list[str] | None, typer.Option("--run", help="A call by its run id.")]
Reason = Annotated[str, typer.Option("--reason", help="Why.")]
Person = Annotated[str, typer.Option("--person", help="Who says so.")]


@app.command()
def rates(
    listing: Listing,
    carrier: Carrier,
    provider: Annotated[str, typer.Option("--provider", help="Who provides data and compute.")],
    since: Annotated[str, typer.Option("--since", metavar="MONTH", help="From 2026-05 on.")],
    user: Annotated[str, typer.Option("--user", metavar="YUAN", help="Yuan a user read.")],
    record: Annotated[str, typer.Option("--record", metavar="YUAN", help="Yuan a record read.")],
    rent: Annotated[str, typer.Option("--rent", metavar="YUAN", help="Yuan a month of compute.")],
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Agree what is asked of a carrier from a month on."""
    from ...measures.money import fen_of
    from ..place import Place
    from .deeds import rates as run

    of = {"listing": listing, "carrier": carrier, "provider": provider, "since": since}
    asked = {"user_fen": user, "record_fen": record, "rent_fen": rent}
    prices = {name: fen_of(text) for name, text in asked.items()}
    run(Place.of(data, dsn), {**of, **prices}, language=chosen(lang))


@app.command()
def model(
    listing: Listing,
    carrier: Carrier,
    file: Annotated[Path, typer.Argument(help="Terms as JSON.")],
    name: Annotated[str, typer.Option("--id", help="The model's name.")],
    version: Annotated[int, typer.Option("--version", min=1, help="Its version.")],
    benefit: Annotated[str, typer.Option("--benefit", help="Which benefit it works out.")],
    purpose: Annotated[
        list[str] | None,
        typer.Option("--purpose", help="It runs once for each; once for all where none is named."),
    ] = None,
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Upload a claim model: terms as JSON, checked and hashed, never code."""
    from ..place import Place
    from .deeds import model as run

    about: dict[str, object] = {"listing": listing, "carrier": carrier, "id": name}
    about |= {"version": version, "benefit": benefit}
    if purpose:
        about["purposes"] = sorted(set(purpose))
    run(Place.of(data, dsn), about, file, language=chosen(lang))


@app.command("run")
def run_(
    model: Annotated[str, typer.Argument(help="The model's hash.")],
    trigger: Annotated[str, typer.Argument(help="The trigger whose facts it reads.")],
    provider: Annotated[str, typer.Option("--provider", help="Whose data they are.")],
    purpose: Annotated[str, typer.Option("--purpose", help="What for; consents are asked.")],
    caller: Annotated[str, typer.Option("--caller", help="Who asks.")],
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Run a claim model beside the data: only a measure leaves, and the call is metered."""
    from ..place import Place
    from .deeds import run_model

    place = Place.of(data, dsn)
    wanted = (model, trigger, provider, purpose, caller)
    run_model(place, *wanted, as_json=as_json, language=chosen(lang))


@app.command()
def issue(
    listing: Listing,
    carrier: Carrier,
    month: Annotated[str, typer.Argument(help="A month that is over, 2026-05.")],
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Make a month's invoice: users and records at their rates, and rent."""
    from ..place import Place
    from .deeds import issue as run

    run(Place.of(data, dsn), listing, carrier, month, language=chosen(lang))


@app.command()
def pay(
    invoice: Invoice,
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Pay through the bank what is neither contested nor ordered yet."""
    from ..place import Place
    from .deeds import pay as run

    run(Place.of(data, dsn), invoice, as_json=as_json, language=chosen(lang))


@app.command("list")
def list_(
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Every invoice, with what it comes to."""
    from ..place import Place
    from .showing import listed as run

    run(Place.of(data, dsn), as_json=as_json, language=chosen(lang))


@app.command()
def show(
    invoice: Invoice,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page to print.")] = None,
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """One invoice, each line opened to its calls."""
    from ..place import Place
    from .showing import show as run

    run(Place.of(data, dsn), invoice, html, as_json=as_json, language=chosen(lang))


@app.command("csv")
def csv_(
    out: Annotated[Path, typer.Argument(help="The file to write; - for standard output.")],
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """The lines of all invoices as CSV."""
    from ..place import Place
    from .showing import as_csv as run

    run(Place.of(data, dsn), out, language=chosen(lang))


@app.command()
def recount(
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Count every invoice again from the log alone; exit code 1 where one differs."""
    from ..place import Place
    from .showing import recounted as run

    raise typer.Exit(run(Place.of(data, dsn), as_json=as_json, language=chosen(lang)))


@app.command()
def dispute(
    invoice: Invoice,
    line: Annotated[int, typer.Argument(help="The number of the line.")],
    reason: Reason,
    person: Person,
    run: RunOption = None,
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Contest a line, whole or for some of its calls."""
    from ..place import Place
    from .deeds import dispute as deed

    said = {"runs": run or [], "reason": reason, "person": person}
    deed(Place.of(data, dsn), {"invoice": invoice, "line": line, **said}, language=chosen(lang))


@app.command()
def settle(
    dispute: Annotated[str, typer.Argument(help="The dispute, as `show` names it.")],
    reason: Reason,
    person: Person,
    run: RunOption = None,
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Settle a dispute by recount; calls named by --run are void, and credited."""
    from ..place import Place
    from .deeds import settle as deed

    said = {"void": run or [], "reason": reason, "person": person}
    deed(Place.of(data, dsn), {"dispute": dispute, **said}, language=chosen(lang))
