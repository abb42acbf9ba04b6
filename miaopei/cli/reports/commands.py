"""Commands for reports: experience of a product, reliability of supply, complaints."""

from __future__ import annotations

from typing import Annotated

import typer

from ..commands.options import DataOption, DsnOption, JsonFlag, LangOption, chosen

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="What a record adds up to: premium and claims, reliability of supply, complaints.",
)
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="DAY", help="First Beijing day, 2026-01-01.")
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="DAY", help="The Beijing day after the last.")
]


@app.command()
def experience(
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Premium, claims, loss ratio, data fees and rent of each product, by version of its terms."""
    from ..place import Place
    from .showing import experience as run

    raise typer.Exit(run(Place.of(data, dsn), as_json=as_json, language=chosen(lang)))


@app.command()
def unearned(
    on: Annotated[
        str | None,
        typer.Option("--on", metavar="DAY", help="At the beginning of this day, Beijing."),
    ] = None,
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Premium that a day finds unearned, by time to the fen; by listing and version of the terms.

    A report, no entry: accounts hold the premium as written. Without `--on`, as of the record's
    time.
    """
    from ..place import Place
    from .showing import unearned as run

    raise typer.Exit(run(Place.of(data, dsn), on, as_json=as_json, language=chosen(lang)))


@app.command()
def reliability(
    served: Annotated[
        int,
        typer.Option("--served", min=0, help="Customers served; 0: those of the connections kept."),
    ] = 0,
    since: SinceOption = None,
    until: UntilOption = None,
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """SAIDI, SAIFI and CAIDI (IEEE 1366) of the outages on record, and days that stand out."""
    from ..place import Place
    from .showing import reliability as run

    place = Place.of(data, dsn)
    raise typer.Exit(run(place, served, since, until, as_json=as_json, language=chosen(lang)))


@app.command()
def complaints(
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Complaint tickets of each outage: customers who were paid beside those who were not."""
    from ..place import Place
    from .showing import complaints as run

    raise typer.Exit(run(Place.of(data, dsn), as_json=as_json, language=chosen(lang)))
