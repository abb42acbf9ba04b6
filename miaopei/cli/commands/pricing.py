"""Commands of those who price a cover: back-test, basis risk, price. No money moves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import (
    DeathFile,
    DeclareOption,
    InFile,
    JsonFlag,
    LangOption,
    LossFile,
    RapidFile,
    TypesOption,
    chosen,
)

ProductOption = Annotated[str, typer.Option(metavar="ID", help="Product id, or a product's file.")]
FolderOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="FOLDER", file_okay=False, help="Leave CSV and pictures here."),
]
SeedOption = Annotated[int, typer.Option(min=0, help="What chance is drawn from.")]


def backtest(
    catalogue: Annotated[Path, InFile],
    product: ProductOption,
    rapid: Annotated[Path | None, RapidFile] = None,
    losses: Annotated[Path | None, LossFile] = None,
    deaths: Annotated[Path | None, DeathFile] = None,
    terms: Annotated[
        list[int] | None,
        typer.Option(metavar="VERSION", help="Force a version; repeatable, to compare them."),
    ] = None,
    since: Annotated[int | None, typer.Option(metavar="YEAR", help="First year.")] = None,
    until: Annotated[int | None, typer.Option(metavar="YEAR", help="Last year.")] = None,
    seed: SeedOption = 1,
    types: Annotated[list[str] | None, TypesOption] = None,
    declare: Annotated[list[str] | None, DeclareOption] = None,
    folder: FolderOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """What a cover would have paid over a catalogue, year by year, and its burning cost.

    CATALOGUE is any file that `miaopei feed read` accepts. Amounts are those of `replay`.
    """
    from ..demo.whatif import Asked
    from ..pricing.backtest import Window, run

    asked = Asked(product, None, catalogue, rapid, losses, deaths, types or (), declare or ())
    window = Window(since, until, seed)
    raise typer.Exit(
        run(asked, terms or (), window, folder=folder, as_json=as_json, language=chosen(lang))
    )


def basis_risk(
    catalogue: Annotated[Path, InFile],
    product: Annotated[
        list[str], typer.Option(metavar="ID", help="Product id, or its file; repeatable.")
    ],
    losses: Annotated[Path, LossFile],
    rapid: Annotated[Path | None, RapidFile] = None,
    deaths: Annotated[Path | None, DeathFile] = None,
    terms: Annotated[int | None, typer.Option(metavar="VERSION", help="Force a version.")] = None,
    least_loss: Annotated[
        int, typer.Option(metavar="FEN", min=1, help="A smaller loss counts as none.")
    ] = 1,
    types: Annotated[list[str] | None, TypesOption] = None,
    declare: Annotated[list[str] | None, DeclareOption] = None,
    folder: FolderOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """What an index paid beside what was lost: ratios, correlation, false alarms, misses."""
    from ..demo.whatif import Asked
    from ..pricing.basis import run

    asked = Asked(product[0], terms, catalogue, rapid, losses, deaths, types or (), declare or ())
    raise typer.Exit(
        run(asked, product, least_loss, folder=folder, as_json=as_json, language=chosen(lang))
    )
