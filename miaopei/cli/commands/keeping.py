"""Commands that run and keep a record: pages, examination, backups, exports."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import (
    PORT,
    UNSIGNED,
    DataOption,
    DsnOption,
    InFile,
    JsonFlag,
    LangOption,
    PortOption,
    chosen,
)


def serve(
    data: DataOption = None,
    dsn: DsnOption = None,
    port: PortOption = PORT,
    lang: LangOption = None,
) -> None:
    """Serve the pages of the record on 127.0.0.1, until Ctrl-C."""
    from ..place import Place
    from ..service import serve as run

    raise typer.Exit(run(Place.of(data, dsn), port, chosen(lang)))


def doctor(
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Look at this machine: folder, space, PostgreSQL, calendar, record. 1 where one would fail."""
    from ..place import Place
    from ..service import doctor as run

    place = Place.of(data, dsn).solo("doctor", "net status DIR")
    raise typer.Exit(run(place, as_json=as_json, language=chosen(lang)))


def backup(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The file to write.")],
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Write the whole record into one file. Keys are not in it: keep keys.json apart."""
    from ..place import Place
    from ..service import backup as run

    place = Place.of(data, dsn).solo("backup", "net backup DIR MEMBER FILE")
    raise typer.Exit(run(place, file, language=chosen(lang)))


def restore(
    file: Annotated[Path, InFile],
    unsigned: Annotated[bool, UNSIGNED] = False,
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Put a backup into a new folder that holds the record's keys.json; every leaf is checked."""
    from ..place import Place
    from ..service import restore as run

    place = Place.of(data, dsn).solo("restore", "net restore DIR MEMBER FILE")
    raise typer.Exit(run(place, file, unsigned=unsigned, language=chosen(lang)))


def export(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="The folder to write into.")],
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Write the log as static files (C2SP tlog-tiles), its key, and all blobs as stored."""
    from ..place import Place
    from ..service import export as run

    raise typer.Exit(run(Place.of(data, dsn), folder, language=chosen(lang)))
