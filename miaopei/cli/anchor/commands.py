"""`miaopei anchor`: names, options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from ..commands.options import DataOption, DsnOption, JsonFlag, LangOption, chosen

CHAIN_PORT = 8545
app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Checkpoints on a second ledger (an EVM chain), and both sides compared.",
)
RpcOption = Annotated[str, typer.Option("--rpc", metavar="URL", help="A node of the chain.")]
WriterOption = Annotated[
    list[str] | None,
    typer.Option("--writer", metavar="ADDRESS", help="Who may write; repeatable. Else only we."),
]
Confirmations = Annotated[
    int, typer.Option(min=1, help="Blocks that make a block final; 1 where none is taken back.")
]
FreeFlag = Annotated[bool, typer.Option("--free", help="Gas costs nothing on this chain.")]
Writer = Annotated[str, typer.Argument(metavar="ADDRESS", help="A member's address there.")]


@app.command()
def install(as_json: JsonFlag = False, lang: LangOption = None) -> None:
    """Bring anvil, a chain to try with, by npm into a folder of its own; checked by SHA-256."""
    from .setting_up import install_chain

    raise typer.Exit(install_chain(as_json=as_json, language=chosen(lang)))


@app.command()
def chain(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the chain.")] = CHAIN_PORT,
    fund: Annotated[
        list[str] | None, typer.Option(metavar="ADDRESS", help="Give a key coins for gas.")
    ] = None,
    lang: LangOption = None,
) -> None:
    """Run a chain to try with on this machine, until Ctrl-C; it goes on where it was."""
    from .setting_up import run_chain

    raise typer.Exit(run_chain(port, fund or (), chosen(lang)))


@app.command()
def key(data: DataOption = None, as_json: JsonFlag = False, lang: LangOption = None) -> None:
    """Make this member's key for the other ledger, once, and show its address."""
    from ..place import Place
    from .setting_up import key as run

    raise typer.Exit(run(Place.of(data, None), as_json=as_json, language=chosen(lang)))


@app.command()
def deploy(
    rpc: RpcOption,
    writer: WriterOption = None,
    confirmations: Confirmations = 1,
    free: FreeFlag = False,
    again: Annotated[
        bool, typer.Option("--again", help="A new contract in place of the one we have.")
    ] = False,
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Put the contract on a chain, for this record and the keys that may write."""
    from ..place import Place
    from .setting_up import deploy as run

    done = run(
        Place.of(data, dsn), rpc, writer or (), confirmations=confirmations, free=free,
        again=again, language=chosen(lang),
    )  # fmt: skip
    raise typer.Exit(done)


@app.command()
def join(
    rpc: RpcOption,
    contract: Annotated[str, typer.Option(metavar="ADDRESS", help="Where the contract stands.")],
    since: Annotated[int, typer.Option(min=0, help="The block that it came with.")] = 0,
    writer: WriterOption = None,
    confirmations: Confirmations = 1,
    free: FreeFlag = False,
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Anchor to a contract that another member has put there; its code and origin are checked."""
    from ..place import Place
    from .setting_up import join as run

    done = run(
        Place.of(data, dsn), rpc, contract, since, writer or (), confirmations=confirmations,
        free=free, language=chosen(lang),
    )  # fmt: skip
    raise typer.Exit(done)


@app.command()
def allow(writer: Writer, data: DataOption = None, lang: LangOption = None) -> None:
    """Vote that a key may write; it may once more than half of the writers have."""
    from ..place import Place
    from .setting_up import vote

    raise typer.Exit(vote(Place.of(data, None), writer, may=True, language=chosen(lang)))


@app.command()
def remove(writer: Writer, data: DataOption = None, lang: LangOption = None) -> None:
    """Vote that a key shall write no longer; what it has anchored stays."""
    from ..place import Place
    from .setting_up import vote

    raise typer.Exit(vote(Place.of(data, None), writer, may=False, language=chosen(lang)))


@app.command()
def start(
    every: Annotated[float, typer.Option(min=0, help="Seconds between two anchors.")] = 60.0,
    entries: Annotated[int, typer.Option(min=1, help="Or so many new entries.")] = 10_000,
    once: Annotated[bool, typer.Option("--once", help="End when nothing waits.")] = False,
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Anchor certified checkpoints in order, until Ctrl-C; what could not be sent is sent later.

    4 where a side was altered: nothing further is anchored until a person has looked.
    """
    from ...node.anchoring.worker import Pace
    from ..place import Place
    from .doing import start as run

    pace, place = Pace(every, entries), Place.of(data, dsn)
    raise typer.Exit(run(place, pace, once=once, language=chosen(lang)))


@app.command()
def status(
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """How far the record is anchored, and what waits. 1 where something waits, 4 for an alarm."""
    from ..place import Place
    from .doing import status as run

    raise typer.Exit(run(Place.of(data, dsn), as_json=as_json, language=chosen(lang)))


@app.command()
def check(
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Compare every anchor with the record, computed anew from its leaves, and the reverse.

    0 where both are equal, 1 where the chain only lacks what is still to be sent, 4 where a side
    was altered: which, and at which size.
    """
    from ..place import Place
    from .doing import check as run

    raise typer.Exit(run(Place.of(data, dsn), as_json=as_json, language=chosen(lang)))
