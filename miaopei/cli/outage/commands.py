"""`miaopei feed trust`, `sources`, `listen`, and `miaopei meters`: names, options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..commands.options import DataOption, DsnOption, InFile, JsonFlag, LangOption, chosen

LISTEN_PORT = 8430
MQTT_PORT = 8883
meters = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Meters over MQTT 5: the broker, the concentrators that may speak, and how they stand.",
)


def feed_trust(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Its id on the record.")],
    key: Annotated[str, typer.Option(help="Its Ed25519 public key, 64 hex digits.")],
    url: Annotated[str | None, typer.Option(help="Where its messages are asked for again.")] = None,
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Trust a public key for a grid system's word, beside those it has."""
    from ..place import Place
    from . import sources

    place = Place.of(data, dsn)
    raise typer.Exit(sources.trust(place, source, key, url, language=chosen(lang)))


def feed_sources(
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Each grid system: heard or silent, its keys, what has come, what is missing or lost."""
    from ..place import Place
    from . import sources

    raise typer.Exit(sources.show(Place.of(data, dsn), as_json=as_json, language=chosen(lang)))


def feed_listen(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1.")] = LISTEN_PORT,
    address: Annotated[
        str | None, typer.Option(help="The address as sources sign it, where a proxy ends TLS.")
    ] = None,
    sms: Annotated[str | None, typer.Option(help="Address of the gateway of notices.")] = None,
    channels: Annotated[
        str, typer.Option(help="How notices go, in order: sms, wechat, voice; with commas.")
    ] = "sms",
    silent_after: Annotated[
        int, typer.Option(min=10, help="Seconds without a word that make a source silent.")
    ] = 900,
    pages: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Serve there what `miaopei serve` does, selling too."),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="End after so long; else at Ctrl-C.")
    ] = None,
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Take pushed messages as they come, ask for gaps, decide, pay and notify, until Ctrl-C."""
    from ..place import Place
    from .listening import listen

    done = listen(
        Place.of(data, dsn).solo("feed listen"), port, address=address, sms=sms, channels=channels,
        silent_after=silent_after, seconds=seconds, pages=pages, language=chosen(lang),
    )  # fmt: skip
    raise typer.Exit(done)


@meters.command("broker")
def meters_broker(
    host: Annotated[str, typer.Option(help="Where it listens, as clients name it.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the broker.")] = MQTT_PORT,
    source: Annotated[str, typer.Option(help="The source that meters speak for.")] = "grid.meter",
    init: Annotated[bool, typer.Option("--init", help="Only make what it needs.")] = False,
    data: DataOption = None,
    lang: LangOption = None,
) -> None:
    """Run a Mosquitto broker with certificates and access rules of our making, until Ctrl-C."""
    from ..place import Place
    from . import field

    place, language = Place.of(data, None), chosen(lang)
    raise typer.Exit(field.run_broker(place, source, host, port, init=init, language=language))


@meters.command("admit")
def meters_admit(
    name: Annotated[str, typer.Argument(metavar="CONCENTRATOR", help="Its id; user and topic.")],
    key: Annotated[str, typer.Option(help="Its Ed25519 public key, 64 hex digits.")],
    into: Annotated[
        Path | None, typer.Option(file_okay=False, help="Where its certificate is written.")
    ] = None,
    unsealed: Annotated[
        bool, typer.Option("--unsealed", help="Take its batches although they are not sealed.")
    ] = False,
    data: DataOption = None,
    lang: LangOption = None,
) -> None:
    """Admit a concentrator: its key counts, and it gets a certificate and for whom it seals."""
    from ..place import Place
    from . import field

    place, language = Place.of(data, None), chosen(lang)
    raise typer.Exit(field.admit(place, name, key, into, unsealed=unsealed, language=language))


@meters.command("bind")
def meters_bind(
    file: Annotated[Path, InFile],
    data: DataOption = None,
    lang: LangOption = None,
) -> None:
    """Say which customers each concentrator reads, by CSV: concentrator,customer,since.

    Readings about anybody else are refused. An empty since is always; a later row moves a customer.
    """
    from ..place import Place
    from . import field

    raise typer.Exit(field.bind(Place.of(data, None), file.read_bytes(), language=chosen(lang)))


@meters.command("revoke")
def meters_revoke(
    name: Annotated[str, typer.Argument(metavar="CONCENTRATOR", help="Its id; user and topic.")],
    since: Annotated[
        str | None, typer.Option("--from", help="From this instant, with its zone; else from now.")
    ] = None,
    data: DataOption = None,
    lang: LangOption = None,
) -> None:
    """Revoke a concentrator's keys and certificates: what comes from it is refused."""
    from ..place import Place
    from . import field

    raise typer.Exit(field.revoke(Place.of(data, None), name, since, language=chosen(lang)))


@meters.command("devices")
def meters_devices(
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Each concentrator: online, stale, dead or never heard; what of it is missing or lost."""
    from ..place import Place
    from . import field

    raise typer.Exit(field.devices(Place.of(data, dsn), as_json=as_json, language=chosen(lang)))


def replay_outages(
    file: Annotated[Path, InFile],
    off: Annotated[str, typer.Option(help="Column: power was cut.")] = "off",
    planned_on: Annotated[str, typer.Option(help="Column: planned restoration.")] = "planned_on",
    on: Annotated[str, typer.Option(help="Column: actual restoration.")] = "on",
    cause: Annotated[str, typer.Option(help="Column that --only looks at.")] = "cause",
    only: Annotated[str, typer.Option(help="Only rows whose cause has this text.")] = "",
    deductible: Annotated[int, typer.Option(min=0, help="Minutes that every policy bears.")] = 0,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Replay a CSV of past outages, each with one insured customer, as a what-if.

    Times carry their zone. A row without a planned restoration is left out and counted.
    """
    from . import history

    columns = history.Columns(off, planned_on, on, cause, only)
    raise typer.Exit(history.run(file, columns, deductible, as_json=as_json, language=chosen(lang)))
