"""`miaopei net mandate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...commands.options import JsonFlag, LangOption, chosen


def mandate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The net's folder.")],
    listing: Annotated[str, typer.Argument(metavar="LISTING", help="One with a standby payer.")],
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Give a listing's standby payer what it pays by: whom, where, and at which bank."""
    from ..plan import Net
    from . import doing

    doing.mandate(Net.entered(folder), listing, as_json=as_json, language=chosen(lang))


def add(app: typer.Typer) -> None:
    """Give `miaopei net` this command."""
    app.command("mandate")(mandate)
