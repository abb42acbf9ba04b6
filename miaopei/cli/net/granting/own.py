"""`miaopei member grant, end-grant, grants, recompute`: what `miaopei net` has, of one member."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ...commands.options import JsonFlag, LangOption, chosen
from .commands import All, By, Grantee, Listings, Purpose, Settlement, Some, Until, which

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The member's folder.")]


def grant(
    folder: Folder,
    listings: Listings,
    to: Grantee,
    purpose: Purpose,
    until: Until,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Let another member read the books of listings of ours, for a purpose and until a day."""
    from . import doing

    net, me = _own(folder)
    doing.grant(net, me, to, listings, purpose, until, as_json=as_json, language=chosen(lang))


def end_grant(
    folder: Folder,
    to: Grantee,
    purpose: Purpose,
    listings: Some = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Take such a grant of ours back: nothing that comes after it is opened."""
    from . import doing

    net, me = _own(folder)
    doing.end_grant(net, me, to, listings or [], purpose, as_json=as_json, language=chosen(lang))


def grants(folder: Folder, as_json: JsonFlag = False, lang: LangOption = None) -> None:
    """Who may read whose books for what and until when, and each use that was made of it."""
    from . import doing

    doing.grants(_own(folder)[0], as_json=as_json, language=chosen(lang))


def recompute(
    folder: Folder,
    settlement: Settlement = None,
    all_: All = False,
    purpose: By = "",
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Make settlements again on this member's own copy, every row by the exact reading.

    0 where all are equal, 4 where one differs: the first policy is shown with both traces.
    """
    from . import doing

    which(settlement, all_=all_)
    net, me = _own(folder)
    code = doing.recompute(net, me, settlement, purpose, as_json=as_json, language=chosen(lang))
    raise typer.Exit(code)


def add(app: typer.Typer) -> None:
    """Give `miaopei member` these commands."""
    for command in (grant, end_grant, grants, recompute):
        app.command(command.__name__.replace("_", "-"))(command)


def _own(folder: Path) -> tuple[Any, str]:
    """The member's folder, and who it is. Errors   Refused net.none, net.not_own."""
    from ..own import acting, making

    net = making.of(folder)
    return net, acting.me(net)
