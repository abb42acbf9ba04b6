"""Commands for several members on one machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..net.granting import commands as granting
from ..net.life import commands as life
from ..net.life.commands import Folder, Who
from ..net.mandate import commands as mandate
from .options import (
    MAP_PORT,
    UNSIGNED,
    Customers,
    DsnOption,
    InFile,
    JsonFlag,
    LangOption,
    Line,
    MapPort,
    SuiteOption,
    chosen,
)

YEAR = 31_536_000  # seconds, by which a clock may be put wrong at most

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Several members, one record: made, brought up, watched, hurt and healed.",
)


@app.command()
def init(
    folder: Folder,
    members: Annotated[int, typer.Option(help="How many members.")] = 6,
    replay: Annotated[
        bool, typer.Option("--replay", help="Time is that of dated facts, as `net demo` needs.")
    ] = False,
    origin: Annotated[
        str | None, typer.Option(help="The log's origin line: a name that only you use.")
    ] = None,
    apart: Annotated[
        bool, typer.Option("--apart", help="Wires of its own for each member (Linux, root).")
    ] = False,
    suite: SuiteOption = None,
    rules: Annotated[
        int | None, typer.Option(min=1, help="The rule set it begins with; else the newest.")
    ] = None,
    lang: LangOption = None,
) -> None:
    """Make genesis, keys and settings of all members, each in a folder of its own."""
    from ..net import running

    language = chosen(lang)
    raise typer.Exit(
        running.init(
            folder,
            members,
            replay=replay,
            origin=origin,
            apart=apart,
            rules=rules,
            language=language,
            suite=suite or "intl",
        )
    )


@app.command(name="import")
def import_(
    folder: Folder,
    data: Annotated[
        Path, typer.Option("--from", metavar="DATA", help="The data folder of the solo record.")
    ],
    dsn: DsnOption = None,
    members: Annotated[int, typer.Option(help="How many members, its own among them.")] = 6,
    apart: Annotated[
        bool, typer.Option("--apart", help="Wires of its own for each member (Linux, root).")
    ] = False,
    lang: LangOption = None,
) -> None:
    """Go on with a solo record as a consortium: the same tree, every receipt as good as before.

    From there on the solo record takes no act any more; what was paid or is owed stays as it is.
    """
    from ..net.keep import importing
    from ..place import Place

    place = Place.of(data, dsn).solo("net import")
    raise typer.Exit(importing.run(folder, place, members, apart=apart, language=chosen(lang)))


@app.command()
def up(
    folder: Folder,
    detach: Annotated[bool, typer.Option("--detach", help="Come back when all are up.")] = False,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Bring all members up on this machine, with a live table; Ctrl-C stops them again.

    `--json` tells how many seconds each part of it took.
    """
    from ..net import running

    language = chosen(lang)
    raise typer.Exit(running.up(folder, detach=detach, language=language, as_json=as_json))


@app.command()
def status(folder: Folder, as_json: JsonFlag = False, lang: LangOption = None) -> None:
    """A row a member: role, up, height, root, lag, and whether its root is that of the others.

    0 where more than two thirds of the votes agree and are up, else 1.
    """
    from ..net import running

    raise typer.Exit(running.status(folder, as_json=as_json, language=chosen(lang)))


@app.command()
def audit(folder: Folder, member: Who, as_json: JsonFlag = False, lang: LangOption = None) -> None:
    """Hold everything that a member has stored against everything else; 4 where it differs."""
    from ..net.keep import auditing

    raise typer.Exit(auditing.audit(folder, member, as_json=as_json, language=chosen(lang)))


@app.command()
def backup(
    folder: Folder,
    member: Who,
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The file to write.")],
    lang: LangOption = None,
) -> None:
    """Write all that a member has into one file, up to its last certified root; no key is in it."""
    from ..net.keep import restoring

    raise typer.Exit(restoring.write(folder, member, file, private=True, language=chosen(lang)))


@app.command()
def snapshot(
    folder: Folder,
    member: Who,
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The file to write.")],
    lang: LangOption = None,
) -> None:
    """Write the record, and nothing private, into a file from which any other member may begin."""
    from ..net.keep import restoring

    raise typer.Exit(restoring.write(folder, member, file, private=False, language=chosen(lang)))


@app.command()
def restore(
    folder: Folder,
    member: Who,
    file: Annotated[Path, InFile],
    new_engine_key: Annotated[
        bool,
        typer.Option("--new-engine-key", help="Where its key or file of signatures is gone."),
    ] = False,
    unsigned: Annotated[bool, UNSIGNED] = False,
    lang: LangOption = None,
) -> None:
    """Let a member begin again from its backup, or from any member's snapshot; all is checked.

    The root must be certified by the members of the genesis file. The engine's file of what it has
    signed stays as it is; where it is missing or an older copy, nothing is done.
    """
    from ..net.keep import restoring

    raise typer.Exit(
        restoring.restore(
            folder,
            member,
            file,
            new_engine_key=new_engine_key,
            unsigned=unsigned,
            language=chosen(lang),
        )
    )


@app.command(name="map")
def map_(
    folder: Folder,
    port: MapPort = MAP_PORT,
    lang: LangOption = None,
) -> None:
    """Serve the node map: members, roles, height, last digest, lag, and who lies; live."""
    from ..service import serve_map

    raise typer.Exit(serve_map(folder, port, chosen(lang)))


@app.command()
def down(
    folder: Folder,
    member: Annotated[str | None, typer.Argument(metavar="[MEMBER]", help="Only this one.")] = None,
    lang: LangOption = None,
) -> None:
    """Stop the whole net in good order, or one member, which then stays down until it is healed."""
    from ..net import running

    raise typer.Exit(running.down(folder, member, language=chosen(lang)))


@app.command()
def kill(
    folder: Folder,
    members: Annotated[list[str], typer.Argument(metavar="MEMBER...", help="Or `all`.")],
    stay: Annotated[bool, typer.Option("--stay", help="Until they are healed.")] = False,
    lang: LangOption = None,
) -> None:
    """Kill both processes of members at once (SIGKILL); the supervisor starts them again."""
    from ..net import running

    raise typer.Exit(running.kill(folder, members, stay=stay, language=chosen(lang)))


@app.command()
def cut(
    folder: Folder,
    member: Who,
    others: Annotated[
        list[str] | None, typer.Option("--from", metavar="MEMBER", help="Only from this one.")
    ] = None,
    one_way: Annotated[
        bool, typer.Option("--one-way", help="It still hears them; they hear nothing of it.")
    ] = False,
    lang: LangOption = None,
) -> None:
    """Cut a member off until it is healed: its wires where it has its own, else it is frozen."""
    from ..net import running

    raise typer.Exit(
        running.cut(folder, member, others or (), one_way=one_way, language=chosen(lang))
    )


@app.command()
def slow(
    folder: Folder,
    member: Who,
    kbit: Annotated[int, typer.Option(min=8, help="Kilobits a second.")] = 256,
    lang: LangOption = None,
) -> None:
    """Let what a member sends pass slowly until it is healed (nets made with --apart)."""
    from ..net import running

    raise typer.Exit(running.slow(folder, member, kbit, language=chosen(lang)))


@app.command()
def skew(
    folder: Folder,
    member: Who,
    seconds: Annotated[
        int, typer.Option(min=-YEAR, max=YEAR, help="Ahead, or behind where below zero.")
    ] = 3600,
    lang: LangOption = None,
) -> None:
    """Set a member's clock wrong, until its node starts anew."""
    from ..net import running

    raise typer.Exit(running.skew(folder, member, seconds, language=chosen(lang)))


@app.command()
def heal(
    folder: Folder,
    member: Who,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Begin its database anew from its engine's blocks.")
    ] = False,
    lang: LangOption = None,
) -> None:
    """Let a member go on that was cut, stopped or killed; a liar needs --rebuild."""
    from ..net import running

    raise typer.Exit(running.heal(folder, member, rebuild=rebuild, language=chosen(lang)))


@app.command()
def lie(
    folder: Folder,
    member: Who,
    amounts: Annotated[
        bool,
        typer.Option(
            "--amounts", help="Decide a hundredth less than the terms say; told again, one more."
        ),
    ] = False,
    lang: LangOption = None,
) -> None:
    """Have a member tell a false root from its next block on: what a corrupted one does."""
    from ..net import running

    what = "lie_in_amounts" if amounts else "lie"
    raise typer.Exit(running.lie(folder, member, what, language=chosen(lang)))


@app.command()
def demo(
    folder: Folder,
    what: Annotated[Line, typer.Argument(help="Which line of business.")] = Line.EARTHQUAKE,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only up to this day (Beijing).")
    ] = None,
    customers: Customers = 5_000,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Replay 2015 to 2021 on the net: three decide, two equal ones settle, the insurer pays.

    Or `outage`: the day of `miaopei demo outage` on six members, each doing its own part of it.
    Needs a net made with --replay; brings it up where it is down, and goes on where it was broken
    off. After the earthquakes the outage can be played on the same net, not the other way round.
    """
    from ...measures.instant import from_beijing
    from ..demo import net

    if what is Line.OUTAGE:
        from ..demo.day.net import run

        language = chosen(lang)
        raise typer.Exit(run(folder, customers=customers, as_json=as_json, language=language))
    day = None if until is None else from_beijing(until)
    raise typer.Exit(net.run(folder, until=day, as_json=as_json, language=chosen(lang)))


life.add(app)
granting.add(app)
mandate.add(app)
