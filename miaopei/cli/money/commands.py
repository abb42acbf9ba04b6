"""Names, options and help of `miaopei money`."""

from __future__ import annotations

from typing import Annotated

import typer

from ..commands.options import DataOption, DsnOption, JsonFlag, LangOption, chosen

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Money that comes in: premium, and what was paid too much and comes back.",
)
PartOption = Annotated[
    list[str] | None,
    typer.Option(
        "--part", metavar="CARRIER=YUAN", help="What one carrier received; else all that is open."
    ),
]
ReferenceOption = Annotated[
    str, typer.Option("--reference", metavar="TEXT", help="The bank's reference of what came in.")
]


@app.command("open")
def open_(
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """What is still to come in: premium by batch, and what was paid too much by case and policy."""
    from ..place import Place
    from .doing import show as run

    raise typer.Exit(run(Place.of(data, dsn), as_json=as_json, language=chosen(lang)))


@app.command()
def receive(
    batch: Annotated[
        str, typer.Argument(metavar="BATCH", help="Its id, or at least 8 characters of it.")
    ],
    reference: ReferenceOption,
    part: PartOption = None,
    year: Annotated[
        int | None,
        typer.Option(min=1970, max=9999, help="The policy year, where the batch holds several."),
    ] = None,
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Record that premium of a batch in force has arrived, whole or in parts."""
    from ..place import Place
    from .doing import receive as run

    place = Place.of(data, dsn)
    wanted = (batch, part or [], reference, year)
    raise typer.Exit(run(place, *wanted, as_json=as_json, language=chosen(lang)))


@app.command()
def repay(
    case: Annotated[str, typer.Argument(metavar="CASE", help="Its key, as `money open` shows.")],
    reference: ReferenceOption,
    policy: Annotated[
        str | None, typer.Option(metavar="POLICY", help="Who pays back, where several owe.")
    ] = None,
    part: PartOption = None,
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Record that a policyholder has paid back what was paid too much, whole or in parts."""
    from ..place import Place
    from .doing import repay as run

    place = Place.of(data, dsn)
    wanted = (case, policy, part or [], reference)
    raise typer.Exit(run(place, *wanted, as_json=as_json, language=chosen(lang)))
