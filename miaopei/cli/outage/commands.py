"""`miaopei feed trust`, `sources` and `listen`: names, options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from ..commands.options import DataOption, DsnOption, JsonFlag, LangOption, chosen

LISTEN_PORT = 8430


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
    sms: Annotated[str | None, typer.Option(help="Address of the SMS gateway.")] = None,
    silent_after: Annotated[
        int, typer.Option(min=10, help="Seconds without a word that make a source silent.")
    ] = 900,
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
        Place.of(data, dsn), port, address=address, sms=sms, silent_after=silent_after,
        seconds=seconds, language=chosen(lang),
    )  # fmt: skip
    raise typer.Exit(done)
