"""The commands of `miaopei`: their names, options and help. What they do is imported when they run.

Exit codes: 0 good; 1 a refusal, or not verified; 2 wrong usage; 3 an outside fault, try again;
4 an alarm; 130 interrupted.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from .. import settings
from ..errors import Alarm, OutsideFault, Refused

GOOD, REFUSED, USAGE, OUTSIDE, ALARM = 0, 1, 2, 3, 4

HELP = """
秒赔 Miaopei: insurance that pays by itself, and can prove it.

Begin with [bold]miaopei demo[/bold]: it starts a real PostgreSQL and a sandbox bank, replays the
Chinese earthquake catalogue of 2015 to 2021 through two index covers of Yunnan, pays what is due
and leaves receipts that anybody can check with [bold]miaopei verify[/bold].

Exit codes: 0 good, 1 refused or not verified, 2 wrong usage, 3 something outside failed (try
again), 4 alarm: the record is not what it should be.
"""

app = typer.Typer(
    name="miaopei",
    help=HELP,
    no_args_is_help=True,
    invoke_without_command=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Lang(StrEnum):
    """Languages of results and refusals."""

    ZH = "zh"
    EN = "en"


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
JsonFlag = Annotated[bool, typer.Option("--json", help="The result as JSON.")]

InFile = typer.Argument(exists=True, dir_okay=False, readable=True)
PORT = 8420
PortOption = Annotated[int, typer.Option(min=1, max=65535, help="Port of the pages.")]
ThingName = typer.Argument(metavar="ID", help="An id, or at least 8 characters of its beginning.")
ProductName = typer.Argument(metavar="ID", help="A product's id, or its file (JSON).")


def _file(name: str, help: str) -> typer.models.OptionInfo:
    found: typer.models.OptionInfo = typer.Option(
        name, metavar="FILE", exists=True, dir_okay=False, readable=True, help=help
    )
    return found


RapidFile = _file("--rapid", "Official rapid reports (CSV).")
LossFile = _file("--losses", "Loss assessment reports (CSV).")
DeathFile = _file("--deaths", "Official death notices (CSV).")
TypesOption = typer.Option(
    "--type", metavar="TYPE", help="Count magnitudes of this type as well (mww, mb); repeatable."
)
DeclareOption = typer.Option(
    "--declare", metavar="NAME=NUMBER", help="What the policy declares; repeatable."
)


@app.callback()
def begin(
    version: Annotated[bool, typer.Option("--version", help="Say the version and exit.")] = False,
) -> None:
    """What stands before the command."""
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"miaopei {version_of('miaopei')}")
        raise typer.Exit


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End instead of serving the pages.")] = False,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write the register as JSON here, or to -."),
    ] = None,
    data: DataOption = None,
    dsn: DsnOption = None,
    port: PortOption = PORT,
    lang: LangOption = None,
) -> None:
    """Replay 2015 to 2021: real earthquakes pay by themselves, and leave receipts.

    A second run begins a new demonstration in the same folder. Nothing is left running.
    """
    from .demo import run as run_demo
    from .place import Place

    language = chosen(lang)
    place = Place.of(data, dsn)
    raise typer.Exit(run_demo(place, once=once, json_file=json_file, language=language, port=port))


@app.command()
def replay(
    catalogue: Annotated[Path, InFile],
    product: Annotated[str, typer.Option(metavar="ID", help="Product id, or a product's file.")],
    rapid: Annotated[Path | None, RapidFile] = None,
    losses: Annotated[Path | None, LossFile] = None,
    deaths: Annotated[Path | None, DeathFile] = None,
    terms: Annotated[int | None, typer.Option(metavar="VERSION", help="Force a version.")] = None,
    what_if: Annotated[bool, typer.Option("--what-if", help="Said for clearness: it is.")] = True,
    types: Annotated[list[str] | None, TypesOption] = None,
    declare: Annotated[list[str] | None, DeclareOption] = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Run any catalogue through any product, as a what-if: no money moves, nothing is kept.

    CATALOGUE is any file that `miaopei feed read` accepts. Without --rapid the reviewed catalogue
    settles alone, which may lie in another band than the official rapid magnitude.
    """
    from .whatif import Asked, run

    del what_if  # there is no other way to run it
    asked = Asked(product, terms, catalogue, rapid, losses, deaths, types or (), declare or ())
    raise typer.Exit(run(asked, as_json=as_json, language=chosen(lang)))


terms_app = typer.Typer(no_args_is_help=True, help="The products' terms: words, hashes, checks.")
app.add_typer(terms_app, name="terms")
feed_app = typer.Typer(no_args_is_help=True, help="Files of facts: earthquakes, losses, deaths.")
app.add_typer(feed_app, name="feed")


@terms_app.command("list")
def terms_list(as_json: JsonFlag = False, lang: LangOption = None) -> None:
    """Every product and version on the shelf."""
    from . import terms

    raise typer.Exit(terms.list_terms(as_json=as_json, language=chosen(lang)))


@terms_app.command("show")
def terms_show(
    product: Annotated[str, ProductName],
    version: Annotated[int | None, typer.Option(help="One version only.")] = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """The whole wording: clauses, tables, definitions, sources, and how sure they are."""
    from . import terms

    raise typer.Exit(terms.show(product, version, as_json=as_json, language=chosen(lang)))


@terms_app.command("hash")
def terms_hash(product: Annotated[str, ProductName], as_json: JsonFlag = False) -> None:
    """The hash of a product's filing, and each version's filing and meaning hash."""
    from . import terms

    raise typer.Exit(terms.hashes(product, as_json=as_json))


@terms_app.command("check")
def terms_check(
    file: Annotated[Path, InFile], as_json: JsonFlag = False, lang: LangOption = None
) -> None:
    """Check a file of terms or of a product (JSON): every fault at once."""
    from . import terms

    raise typer.Exit(terms.check(file, as_json=as_json, language=chosen(lang)))


@feed_app.command("read")
def feed_read(
    file: Annotated[Path, InFile], as_json: JsonFlag = False, lang: LangOption = None
) -> None:
    """Read a file of facts. Its format is found by content; each row is a fact or a refusal.

    CENC catalogue and rapid-report CSV, USGS ComCat CSV and GeoJSON, QuakeML 1.2, loss assessment
    reports and death notices.
    """
    from . import terms

    raise typer.Exit(terms.read_feed(file, as_json=as_json, language=chosen(lang)))


@app.command()
def verify(
    file: Annotated[Path, InFile],
    key: Annotated[
        str | None,
        typer.Option(metavar="VKEY", help="The log's public key: its text, or the file log.vkey."),
    ] = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Check a receipt offline, with nothing but the log's public key; 1 where it does not hold."""
    from .verify import run

    raise typer.Exit(run(file, key, as_json=as_json, language=chosen(lang)))


@app.command()
def audit(
    data: DataOption = None, dsn: DsnOption = None, as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Hold everything that is stored against everything else; name record, field and position.

    The log is rebuilt from its entries by code that shares only the hash with the writer; then the
    files, blobs, opened rows, payments, columns and the whole state are compared. 4 on a finding.
    """
    from .place import Place
    from .record import audit as run

    raise typer.Exit(run(Place.of(data, dsn), as_json=as_json, language=chosen(lang)))


@app.command()
def rebuild(
    memory: Annotated[bool, typer.Option("--memory", help="Into memory, not a database.")] = False,
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Apply the whole log again into a fresh database; compare every byte. 4 on a difference."""
    from .place import Place
    from .record import rebuild_record as run

    place = Place.of(data, dsn)
    raise typer.Exit(run(place, memory=memory, as_json=as_json, language=chosen(lang)))


@app.command()
def status(
    data: DataOption = None, dsn: DsnOption = None, as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """How the record stands: log, books, cases by state, money due and paid."""
    from .place import Place
    from .record import status as run

    raise typer.Exit(run(Place.of(data, dsn), as_json=as_json, language=chosen(lang)))


@app.command()
def cases(
    everything: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """The cases that wait: for which fact or person, until when, and who is told."""
    from .place import Place
    from .record import cases as run

    place = Place.of(data, dsn)
    raise typer.Exit(run(place, everything=everything, as_json=as_json, language=chosen(lang)))


@app.command()
def why(
    name: Annotated[str, ThingName],
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Why a payout, claim, case or refusal is as it is, back to the bytes of the bulletin."""
    from .place import Place
    from .trail import run

    place = Place.of(data, dsn)
    raise typer.Exit(run(place, name, forward=False, as_json=as_json, language=chosen(lang)))


@app.command()
def caused(
    name: Annotated[str, ThingName],
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Everything that a fact, source, act or settlement caused, to the last fen."""
    from .place import Place
    from .trail import run

    place = Place.of(data, dsn)
    raise typer.Exit(run(place, name, forward=True, as_json=as_json, language=chosen(lang)))


@app.command()
def serve(
    data: DataOption = None, dsn: DsnOption = None, port: PortOption = PORT,
    lang: LangOption = None,
) -> None:
    """Serve the pages of the record on 127.0.0.1, until Ctrl-C."""
    from .place import Place
    from .service import serve as run

    raise typer.Exit(run(Place.of(data, dsn), port, chosen(lang)))


@app.command()
def doctor(
    data: DataOption = None, dsn: DsnOption = None, as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Look at this machine: folder, space, PostgreSQL, calendar, record. 1 where one would fail."""
    from .place import Place
    from .service import doctor as run

    raise typer.Exit(run(Place.of(data, dsn), as_json=as_json, language=chosen(lang)))


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(dir_okay=False)],
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Write the whole record into one file. Keys are not in it: keep keys.json apart."""
    from .place import Place
    from .service import backup as run

    raise typer.Exit(run(Place.of(data, dsn), file, language=chosen(lang)))


@app.command()
def restore(
    file: Annotated[Path, InFile],
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Put a backup into a new folder that holds the record's keys.json; every leaf is checked."""
    from .place import Place
    from .service import restore as run

    raise typer.Exit(run(Place.of(data, dsn), file, language=chosen(lang)))


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(file_okay=False)],
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Write the log as static files (C2SP tlog-tiles), its key, and all blobs as stored."""
    from .place import Place
    from .service import export as run

    raise typer.Exit(run(Place.of(data, dsn), folder, language=chosen(lang)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what a user can do wrong ends in a sentence and a code, no traceback."""
    from . import speak

    given = list(sys.argv[1:] if arguments is None else arguments)
    language = _language_of(given)
    try:
        app(given, prog_name="miaopei")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except Refused as refused:
        speak.refuse(refused.refusals, language)
        return REFUSED
    except OutsideFault as fault:
        speak.fault(fault, language)
        return OUTSIDE
    except Alarm as alarm:
        speak.alarm(alarm, language)
        return ALARM
    return GOOD


def run() -> NoReturn:
    """The entry point: told to stop from outside, everything that was started is put away."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    sys.exit(main())


def _interrupted(number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt(f"signal {number}")


def _language_of(arguments: Sequence[str]) -> settings.Language:
    """The language for what goes wrong before or beside a command's own words."""
    for at, argument in enumerate(arguments):
        if argument == "--lang":
            return "zh" if "zh" in arguments[at + 1 : at + 2] else "en"
        if argument.startswith("--lang="):
            return "zh" if argument.endswith("zh") else "en"
    return settings.language()
