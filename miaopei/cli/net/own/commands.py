"""`miaopei member ...`: the commands of one member on a machine of its own.

They do what `miaopei net` does for all members of one machine, by the same code, for this one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ...commands.options import MAP_PORT, JsonFlag, Lang, LangOption, MapPort, SuiteOption, chosen
from ..life.commands import tell

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The member's folder.")]
ListenEngine = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Where its engine listens, if elsewhere than that."),
]
ListenBlobs = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Where its blobs are served, if elsewhere than that."),
]

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="One member of a consortium, on a machine of its own.",
)
SeatFiles = Annotated[
    list[Path],
    typer.Argument(metavar="SEAT...", exists=True, dir_okay=False, help="Seat files of members."),
]


@app.command()
def init(
    folder: Folder,
    member: Annotated[str, typer.Option("--id", help="Its id on the record.")],
    engine: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where the others reach its engine.")
    ],
    blobs: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where the others fetch its blobs.")
    ],
    role: Annotated[list[str], typer.Option(help="A role on the record.")],
    zh: Annotated[str | None, typer.Option(help="Its name in Chinese; else the id.")] = None,
    en: Annotated[str | None, typer.Option(help="Its name in English; else the id.")] = None,
    power: Annotated[int, typer.Option(min=0, help="Its votes; 0 reads along.")] = 1,
    listen_engine: ListenEngine = None,
    listen_blobs: ListenBlobs = None,
    dsn: Annotated[
        str | None,
        typer.Option(
            "--dsn", metavar="DSN", help="Your own PostgreSQL server; a database is made there."
        ),
    ] = None,
    bank: Annotated[
        str | None, typer.Option(help="Where a payer's bank is reached, or `sandbox`.")
    ] = None,
    suite: SuiteOption = None,
    lang: LangOption = None,
) -> None:
    """Make a member's keys here, and the seat file that it hands to the others: nothing secret."""
    from ....measures import suites
    from ..plan import Part
    from . import making

    suites.use(suites.named(suite or suites.DEFAULT))
    where = making.Where(engine, blobs, listen_engine, listen_blobs, dsn, bank)
    part = Part(member, zh or member, en or member, tuple(role))
    path = making.init(folder, part, power, where)
    tell("seat_written", {"member": member, "path": str(path)}, lang)


@app.command()
def found(
    folder: Folder,
    seats: SeatFiles,
    origin: Annotated[
        str | None, typer.Option(help="The log's origin line: a name that only you use.")
    ] = None,
    rules: Annotated[
        int | None,
        typer.Option(min=1, help="An older rule set to begin with; every founder says the same."),
    ] = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Begin a record with the members of these seat files; each member does it, with the same ones.

    Compare the digest with all others before anybody starts: it must be the same.
    """
    from . import making

    net = making.of(folder)
    _entered("founded", making.found(net, seats, origin, rules), lang, as_json=as_json)


@app.command()
def join(
    folder: Folder,
    genesis: Annotated[
        Path,
        typer.Argument(
            metavar="GENESIS", exists=True, dir_okay=False, help="The record's genesis.json."
        ),
    ],
    seats: SeatFiles,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Make ready to run in a record that others have begun; they must want the seat (`approve`)."""
    from . import making

    net = making.of(folder)
    _entered("ready_to_join", making.join(net, genesis, seats), lang, as_json=as_json)


@app.command()
def up(
    folder: Folder,
    detach: Annotated[bool, typer.Option("--detach", help="Come back when it is up.")] = False,
    lang: LangOption = None,
) -> None:
    """Bring this member up: database, node and engine, under a supervisor; Ctrl-C stops them."""
    from .. import running
    from . import making

    net = making.of(folder)
    making.need_genesis(net)
    raise typer.Exit(running.up(net.folder, detach=detach, language=chosen(lang)))


@app.command()
def down(folder: Folder, lang: LangOption = None) -> None:
    """Stop this member in good order."""
    from .. import running
    from . import making

    making.of(folder)
    raise typer.Exit(running.down(folder, None, language=chosen(lang)))


@app.command()
def status(folder: Folder, as_json: JsonFlag = False, lang: LangOption = None) -> None:
    """How this member stands, and the others as they answer it: a row each.

    0 where more than two thirds of the votes agree and are up, else 1.
    """
    from .. import running
    from . import making

    making.of(folder)
    raise typer.Exit(running.status(folder, as_json=as_json, language=chosen(lang)))


@app.command(name="map")
def map_(
    folder: Folder,
    port: MapPort = MAP_PORT,
    lang: LangOption = None,
) -> None:
    """Serve the node map as this member sees it: itself, and the others as they answer it; live."""
    from ...service import serve_map
    from . import making

    net = making.of(folder)
    making.need_genesis(net)
    raise typer.Exit(serve_map(net.folder, port, chosen(lang)))


def _entered(name: str, made: Any, lang: Lang | None, *, as_json: bool) -> None:
    from . import making

    view = made.view
    members = ", ".join(seat["member"] for seat in view["seats"])
    facts = {"chain": made.chain, "members": members, "rules": made.file["rules"]}
    tell(name, {**facts, "digest": making.digest(made)}, lang, as_json=as_json)
