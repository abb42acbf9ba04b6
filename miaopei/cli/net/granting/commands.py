"""`miaopei net grant, end-grant, grants, recompute`."""

from __future__ import annotations

from typing import Annotated

import typer

from ...commands.options import JsonFlag, LangOption, chosen
from ..life.commands import Folder

Listings = Annotated[
    list[str], typer.Argument(metavar="LISTING...", help="The listings whose books may be read.")
]
Some = Annotated[
    list[str] | None, typer.Argument(metavar="[LISTING...]", help="Only these; else all.")
]
Holder = Annotated[
    str, typer.Option("--from", metavar="MEMBER", help="Who pays them, or decides as a carrier.")
]
Grantee = Annotated[str, typer.Option("--to", metavar="MEMBER", help="Who may read them.")]
Until = Annotated[str, typer.Option(metavar="DATE", help="Until this day (Beijing).")]
Settlement = Annotated[
    str | None,
    typer.Argument(metavar="[SETTLEMENT]", help="At least 8 characters of its beginning."),
]
All = Annotated[bool, typer.Option("--all", help="All that it may read.")]
By = Annotated[
    str, typer.Option("--purpose", metavar="NAME", help="By the grant for this; else by any.")
]
Purpose = Annotated[str, typer.Option(metavar="NAME", help="What for: supervision, audit ...")]


def grant(
    folder: Folder,
    listings: Listings,
    holder: Holder,
    to: Grantee,
    purpose: Purpose,
    until: Until,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Let a member read the books of listings, for a purpose and until a day; on the record."""
    from ..plan import Net
    from . import doing

    doing.grant(
        Net.entered(folder),
        holder,
        to,
        listings,
        purpose,
        until,
        as_json=as_json,
        language=chosen(lang),
    )


def end_grant(
    folder: Folder,
    holder: Holder,
    to: Grantee,
    purpose: Purpose,
    listings: Some = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Take such a grant back: nothing that comes after it is opened; what was read was read."""
    from ..plan import Net
    from . import doing

    doing.end_grant(
        Net.entered(folder),
        holder,
        to,
        listings or [],
        purpose,
        as_json=as_json,
        language=chosen(lang),
    )


def grants(folder: Folder, as_json: JsonFlag = False, lang: LangOption = None) -> None:
    """Who may read whose books for what and until when, and each use that was made of it."""
    from ..plan import Net
    from . import doing

    doing.grants(Net.entered(folder), as_json=as_json, language=chosen(lang))


def recompute(
    folder: Folder,
    member: Annotated[str, typer.Argument(metavar="MEMBER", help="Whose copy is read.")],
    settlement: Settlement = None,
    all_: All = False,
    purpose: By = "",
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Make settlements again on a member's own copy, every row by the exact reading.

    0 where all are equal, 4 where one differs: the first policy is shown with both traces.
    """
    from ..plan import Net
    from . import doing

    which(settlement, all_=all_)
    code = doing.recompute(
        Net.entered(folder), member, settlement, purpose, as_json=as_json, language=chosen(lang)
    )
    raise typer.Exit(code)


def which(settlement: str | None, *, all_: bool) -> None:
    """Either one settlement is named, or all are wanted."""
    if all_ == (settlement is not None):
        raise typer.BadParameter("a settlement, or --all")


def add(app: typer.Typer) -> None:
    """Give `miaopei net` these commands."""
    for command in (grant, end_grant, grants, recompute):
        app.command(command.__name__.replace("_", "-"))(command)
