"""`miaopei member audit, backup, snapshot, restore, carry, rebuild`: what one member keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...commands.options import UNSIGNED, InFile, JsonFlag, LangOption, chosen
from ..life.commands import tell
from .commands import Folder
from .voicing import app, member_of

__all__ = ["app"]  # with all commands of the group


@app.command()
def audit(folder: Folder, as_json: JsonFlag = False, lang: LangOption = None) -> None:
    """Hold everything that this member has stored against everything else; 4 where it differs."""
    from ..keep import auditing
    from . import acting

    member = acting.me(member_of(folder))
    raise typer.Exit(auditing.audit(folder, member, as_json=as_json, language=chosen(lang)))


@app.command()
def backup(
    folder: Folder,
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The file to write.")],
    lang: LangOption = None,
) -> None:
    """Write all that this member has into one file; no key is in it."""
    _write(folder, file, lang, private=True)


@app.command()
def snapshot(
    folder: Folder,
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The file to write.")],
    lang: LangOption = None,
) -> None:
    """Write the record, and nothing private, into a file from which any other member may begin."""
    _write(folder, file, lang, private=False)


@app.command()
def restore(
    folder: Folder,
    file: Annotated[Path, InFile],
    new_engine_key: Annotated[
        bool,
        typer.Option("--new-engine-key", help="Where its key or file of signatures is gone."),
    ] = False,
    unsigned: Annotated[bool, UNSIGNED] = False,
    lang: LangOption = None,
) -> None:
    """Let this member begin again from its backup, or any member's snapshot; all is checked."""
    from ..keep import restoring
    from . import acting

    ours = acting.me(member_of(folder))
    done = restoring.restore(
        folder, ours, file, new_engine_key=new_engine_key, unsigned=unsigned, language=chosen(lang)
    )
    raise typer.Exit(done)


@app.command()
def carry(
    folder: Folder,
    file: Annotated[Path, InFile],
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Send an act that another member has signed and cannot send itself."""
    from . import acting

    made = acting.carry(member_of(folder), file)
    tell("carried", {"member": made["by"], "what": made["kind"]}, lang, as_json=as_json)


@app.command()
def rebuild(folder: Folder, lang: LangOption = None) -> None:
    """Begin this member's database anew from its engine's blocks: for one that differs."""
    from .. import running
    from . import acting

    member = acting.me(member_of(folder))
    raise typer.Exit(running.heal(folder, member, rebuild=True, language=chosen(lang)))


def _write(folder: Path, file: Path, lang: LangOption, *, private: bool) -> None:
    from ..keep import restoring
    from . import acting

    member = acting.me(member_of(folder))
    raise typer.Exit(restoring.write(folder, member, file, private=private, language=chosen(lang)))
