"""Commands that need no record: products and files of facts, what-ifs, receipts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import (
    CatalogueFile,
    DeathFile,
    DeclareOption,
    InFile,
    JsonFlag,
    LangOption,
    LossFile,
    ProductName,
    RapidFile,
    TypesOption,
    WhatIfFlag,
    chosen,
)


def terms_list(as_json: JsonFlag = False, lang: LangOption = None) -> None:
    """Every product and version on the shelf."""
    from .. import terms

    raise typer.Exit(terms.list_terms(as_json=as_json, language=chosen(lang)))


def terms_show(
    product: Annotated[str, ProductName],
    version: Annotated[int | None, typer.Option(help="One version only.")] = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """The whole wording: clauses, tables, definitions, sources, and how sure they are."""
    from .. import terms

    raise typer.Exit(terms.show(product, version, as_json=as_json, language=chosen(lang)))


def kernels_prepare(
    product: Annotated[
        list[str] | None, typer.Argument(help="Names of products; all where none is named.")
    ] = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Compile the terms of products into fast loops, kept on disk. Needs `miaopei[fast]`."""
    from .. import terms

    raise typer.Exit(terms.prepare_kernels(product or [], as_json=as_json, language=chosen(lang)))


def terms_hash(
    product: Annotated[str, ProductName], as_json: JsonFlag = False, lang: LangOption = None
) -> None:
    """The hash of a product's filing, and each version's filing and meaning hash."""
    from .. import terms

    del lang  # a hash is the same in any; what goes wrong is told in it
    raise typer.Exit(terms.hashes(product, as_json=as_json))


def terms_check(
    file: Annotated[Path, InFile], as_json: JsonFlag = False, lang: LangOption = None
) -> None:
    """Check a file of terms or of a product (JSON): every fault at once."""
    from .. import terms

    raise typer.Exit(terms.check(file, as_json=as_json, language=chosen(lang)))


def feed_read(
    file: Annotated[Path, InFile], as_json: JsonFlag = False, lang: LangOption = None
) -> None:
    """Read a file of facts. Its format is found by content; each row is a fact or a refusal.

    CENC catalogue and rapid-report CSV, USGS ComCat CSV and GeoJSON, QuakeML 1.2, loss assessment
    reports and death notices.
    """
    from .. import terms

    raise typer.Exit(terms.read_feed(file, as_json=as_json, language=chosen(lang)))


def replay(
    catalogue: Annotated[Path, CatalogueFile],
    product: Annotated[str, typer.Option(metavar="ID", help="Product id, or a product's file.")],
    rapid: Annotated[Path | None, RapidFile] = None,
    losses: Annotated[Path | None, LossFile] = None,
    deaths: Annotated[Path | None, DeathFile] = None,
    terms: Annotated[int | None, typer.Option(metavar="VERSION", help="Force a version.")] = None,
    what_if: Annotated[bool, WhatIfFlag] = True,
    types: Annotated[list[str] | None, TypesOption] = None,
    declare: Annotated[list[str] | None, DeclareOption] = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Run any catalogue through any product, as a what-if: no money moves, nothing is kept.

    CATALOGUE is any file that `miaopei feed read` accepts. Without --rapid the reviewed catalogue
    settles alone, which may lie in another band than the official rapid magnitude.
    """
    from ..demo.whatif import Asked, run

    del what_if  # there is no other way to run it
    asked = Asked(product, terms, catalogue, rapid, losses, deaths, types or (), declare or ())
    raise typer.Exit(run(asked, as_json=as_json, language=chosen(lang)))


def verify(
    file: Annotated[Path, InFile],
    key: Annotated[
        str | None,
        typer.Option(metavar="VKEY", help="The log's public key: its text, or the file log.vkey."),
    ] = None,
    genesis: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Of several members: the record's genesis.json."),
    ] = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Check a receipt offline by the log's key or genesis file alone; 1 where it does not hold."""
    from ..main import verify as run

    raise typer.Exit(run(file, key, genesis, as_json=as_json, language=chosen(lang)))
