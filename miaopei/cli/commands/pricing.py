"""Commands of those who price a cover: back-test, basis risk, price. No money moves."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .options import (
    CatalogueFile,
    DeathFile,
    DeclareOption,
    JsonFlag,
    LangOption,
    LossFile,
    RapidFile,
    TypesOption,
    chosen,
    file_option,
)


class Engine(StrEnum):
    """Where blocks are worked on; the names of adapters.pricing.spread."""

    HERE = "here"
    THREADS = "threads"
    RAY = "ray"


ProductOption = Annotated[str, typer.Option(metavar="ID", help="Product id, or a product's file.")]
FolderOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="FOLDER", file_okay=False, help="Leave CSV and pictures here."),
]
SeedOption = Annotated[int, typer.Option(min=0, help="What chance is drawn from.")]


def backtest(
    catalogue: Annotated[Path, CatalogueFile],
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
    catalogue: Annotated[Path, CatalogueFile],
    product: Annotated[
        list[str], typer.Option(metavar="ID", help="Product id, or its file; repeatable.")
    ],
    losses: Annotated[Path, LossFile],
    rapid: Annotated[Path | None, RapidFile] = None,
    deaths: Annotated[Path | None, DeathFile] = None,
    terms: Annotated[int | None, typer.Option(metavar="VERSION", help="Force a version.")] = None,
    least_loss: Annotated[
        str, typer.Option(metavar="YUAN", help="A smaller loss, in yuan, counts as none.")
    ] = "0.01",
    own_losses: Annotated[
        Path | None, file_option("--own-losses", "Lost at your place: date,loss_yuan (CSV).")
    ] = None,
    types: Annotated[list[str] | None, TypesOption] = None,
    declare: Annotated[list[str] | None, DeclareOption] = None,
    folder: FolderOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """What an index paid beside what was lost: ratios, correlation, false alarms, misses."""
    from ...measures.money import fen_of
    from ..demo.whatif import Asked
    from ..pricing.basis import run

    asked = Asked(product[0], terms, catalogue, rapid, losses, deaths, types or (), declare or ())
    raise typer.Exit(
        run(
            asked,
            product,
            max(1, fen_of(least_loss)),
            own_losses,
            folder=folder,
            as_json=as_json,
            language=chosen(lang),
        )
    )


def price(
    catalogue: Annotated[Path | None, CatalogueFile] = None,
    product: Annotated[
        str | None, typer.Option(metavar="ID", help="Product id; else the plan's.")
    ] = None,
    terms: Annotated[int | None, typer.Option(metavar="VERSION", help="Else the plan's.")] = None,
    plan: Annotated[
        Path | None, file_option("--plan", "Zones, law, loadings (JSON); else the product's own.")
    ] = None,
    event_losses: Annotated[
        Path | None, file_option("--event-losses", "Your own: event,year,policy,loss (CSV).")
    ] = None,
    policies: Annotated[
        Path | None, file_option("--policies", "Their limits: policy,occurrence_limit,year_limit.")
    ] = None,
    book: Annotated[
        Path | None, file_option("--book", "A book (CSV, Parquet, OED) in place of --declare.")
    ] = None,
    years: Annotated[int | None, typer.Option(min=2, help="How many years.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Else the plan's.")] = None,
    layer: Annotated[
        list[str] | None,
        typer.Option(metavar="FROM:LIMIT", help="A layer of the year, in yuan; repeatable."),
    ] = None,
    declare: Annotated[list[str] | None, DeclareOption] = None,
    workers: Annotated[int, typer.Option(min=1, help="How many work at a time.")] = 1,
    engine: Annotated[
        Engine | None, typer.Option(help="Threads by default; ray: processes, or a cluster.")
    ] = None,
    ray_address: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A Ray cluster that you run.")
    ] = None,
    folder: FolderOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """From a catalogue, or your own event losses, to exceedance curve and price.

    Years are drawn from the law that the catalogue's main shocks follow and run through the terms.
    """
    from ...adapters.pricing import spread
    from ..pricing.price import How, Wanted, run

    chosen_engine = spread.Engine(engine or Engine.THREADS)
    if chosen_engine is spread.Engine.RAY and ray_address is None:
        code = spread.confine(sys.argv[1:])
        if code is not None:
            raise typer.Exit(code)
    wanted = Wanted(catalogue, product, terms, plan, event_losses, policies, years, seed,
                    declare or (), layer or (), book)  # fmt: skip
    how = How(chosen_engine, workers, ray_address)
    raise typer.Exit(run(wanted, how, folder=folder, as_json=as_json, language=chosen(lang)))
