"""Commands that make a record or ask one: the demonstration, audits, states, lineage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .options import (
    PORT,
    Customers,
    DataOption,
    DsnOption,
    JsonFlag,
    LangOption,
    Line,
    PortOption,
    SuiteOption,
    ThingName,
    chosen,
)


def demo(
    what: Annotated[Line, typer.Argument(help="Which line of business.")] = Line.EARTHQUAKE,
    once: Annotated[bool, typer.Option("--once", help="End instead of serving the pages.")] = False,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write the register as JSON here, or to -."),
    ] = None,
    suite: SuiteOption = None,
    data: DataOption = None,
    dsn: DsnOption = None,
    port: PortOption = PORT,
    pace: Annotated[
        float, typer.Option(min=0, help="Of `demo outage`: seconds that each scene stands.")
    ] = 3.0,
    customers: Customers = 5_000,
    lang: LangOption = None,
) -> None:
    """Replay 2015 to 2021: real earthquakes pay by themselves, and leave receipts.

    Or `demo outage`: a day in a made-up Yuyao, from a planned outage to money on its way, in a
    folder of its own (var/outage).

    A second run begins a new demonstration in the same folder. Nothing is left running.
    """
    from ..place import Place

    language = chosen(lang)
    place = Place.of(data, dsn, "outage" if what is Line.OUTAGE else "demo").solo("demo")
    told: Any = {"once": once, "json_file": json_file, "language": language, "port": port}
    told["suite"] = suite
    if what is Line.OUTAGE:
        from ..demo.day.solo import run as run_outage

        raise typer.Exit(run_outage(place, pace=pace, customers=customers, **told))
    from ..demo import run as run_demo

    raise typer.Exit(run_demo(place, **told))


def audit(
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Hold everything that is stored against everything else; name record, field and position.

    The log is rebuilt from its entries by code that shares only the hash with the writer; then the
    files, blobs, opened rows, payments, columns and the whole state are compared. 4 on a finding.
    """
    from ..place import Place
    from ..proof.auditing import audit as run

    place = Place.of(data, dsn).solo("audit", "net audit DIR MEMBER")
    raise typer.Exit(run(place, as_json=as_json, language=chosen(lang)))


def rebuild(
    memory: Annotated[bool, typer.Option("--memory", help="Into memory, not a database.")] = False,
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Apply the whole log again into a fresh database; compare every byte. 4 on a difference."""
    from ..place import Place
    from ..record import rebuild_record as run

    place = Place.of(data, dsn).solo("rebuild", "net audit DIR MEMBER")
    raise typer.Exit(run(place, memory=memory, as_json=as_json, language=chosen(lang)))


def status(
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """How the record stands: log, books, cases by state, money due and paid."""
    from ..place import Place
    from ..record import status as run

    raise typer.Exit(run(Place.of(data, dsn), as_json=as_json, language=chosen(lang)))


def cases(
    everything: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """The cases that wait: for which fact or person, until when, and who is told."""
    from ..place import Place
    from ..record import cases as run

    place = Place.of(data, dsn)
    raise typer.Exit(run(place, everything=everything, as_json=as_json, language=chosen(lang)))


def why(
    name: Annotated[str, ThingName],
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Why a payout, claim, case or refusal is as it is, back to the bytes of the bulletin."""
    from ..place import Place
    from ..record import tell

    place = Place.of(data, dsn)
    raise typer.Exit(tell(place, name, forward=False, as_json=as_json, language=chosen(lang)))


def receipt(
    name: Annotated[str, ThingName],
    policy: Annotated[
        str | None,
        typer.Option("--policy", metavar="POLICY", help="Of a settlement or event: whose receipt."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where to write it; - for standard output."),
    ] = None,
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Hand out the receipt of a payout, a policy or a refusal, which anybody can check alone."""
    from ..place import Place
    from ..proof.receipt import hand_out

    raise typer.Exit(hand_out(Place.of(data, dsn), name, policy, out, chosen(lang)))


def caused(
    name: Annotated[str, ThingName],
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Everything that a fact, source, act or settlement caused, to the last fen."""
    from ..place import Place
    from ..record import tell

    place = Place.of(data, dsn)
    raise typer.Exit(tell(place, name, forward=True, as_json=as_json, language=chosen(lang)))
