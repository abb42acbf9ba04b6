"""Options and arguments that several commands share, with their help."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ... import settings


class Lang(StrEnum):
    """Languages of results and refusals."""

    ZH = "zh"
    EN = "en"


class Line(StrEnum):
    """What may be demonstrated."""

    EARTHQUAKE = "earthquake"
    OUTAGE = "outage"


def chosen(lang: Lang | None) -> settings.Language:
    """The language asked for, else that of the environment."""
    match lang:
        case Lang.ZH:
            return "zh"
        case Lang.EN:
            return "en"
        case None:
            return settings.language()


LangOption = Annotated[
    Lang | None,
    typer.Option("--lang", help="Language of results; by default that of the environment."),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        file_okay=False,
        help="Data folder; else MIAOPEI_DATA, else var/demo of a checkout, else the XDG folder.",
    ),
]
DsnOption = Annotated[
    str | None,
    typer.Option(
        "--dsn",
        metavar="DSN",
        help="Your own PostgreSQL 15 to 18 in place of the one started for you; or MIAOPEI_DSN.",
    ),
]
SuiteOption = Annotated[
    str | None,
    typer.Option(
        "--suite",
        metavar="SUITE",
        help="intl (SHA-256, Ed25519, AES) or gm (SM3, SM2, SM4); a record keeps it for ever.",
    ),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="The result as JSON.")]

InFile = typer.Argument(exists=True, dir_okay=False, readable=True, help="The file to read.")
UNSIGNED = typer.Option(
    "--unsigned", help="Take a backup that nobody, or a key that was replaced since, has signed."
)
CatalogueFile = typer.Argument(
    exists=True,
    dir_okay=False,
    readable=True,
    help="The catalogue, or another feed that `feed read` accepts.",
)
Customers = Annotated[
    int, typer.Option(metavar="COUNT", help="Of `demo outage`: how many customers are in scope.")
]
PORT = 8420
MapPort = Annotated[
    int,
    typer.Option(min=1, max=65535, help="Where the page is served, on this machine only."),
]
MAP_PORT = 8430
PortOption = Annotated[int, typer.Option(min=1, max=65535, help="Port of the pages.")]
ThingName = typer.Argument(metavar="ID", help="An id, or at least 8 characters of its beginning.")
ProductName = typer.Argument(metavar="ID", help="A product's id, or its file (JSON).")


def file_option(name: str, help: str) -> typer.models.OptionInfo:
    """An option that names a file which is there."""
    found: typer.models.OptionInfo = typer.Option(
        name, metavar="FILE", exists=True, dir_okay=False, readable=True, help=help
    )
    return found


RapidFile = file_option("--rapid", "Official rapid reports (CSV).")
LossFile = file_option("--losses", "Loss assessment reports (CSV).")
DeathFile = file_option("--deaths", "Official death notices (CSV).")
TypesOption = typer.Option(
    "--type", metavar="TYPE", help="Count magnitudes of this type as well (mww, mb); repeatable."
)
DeclareOption = typer.Option(
    "--declare", metavar="NAME=NUMBER", help="What the policy declares; place=LAT,LON too."
)
WhatIfFlag = typer.Option(
    "--what-if", show_default=False, help="May be said: a replay is always a what-if."
)
