"""The commands of `miaopei`: their names, options and help. What they do is imported when they run.

How a command ends (exit codes, refusals as sentences) is in `main`.
"""

from __future__ import annotations

from typing import Annotated

import typer

from ..anchor import commands as anchor
from ..books import importing
from ..buying import commands as buying
from ..invoices import commands as invoices
from ..money import commands as money
from ..net.granting import own as granting
from ..net.own import keeping as own
from ..outage import commands as outage
from ..persons import commands as persons
from ..reports import commands as reports
from . import engines, facts, keeping, live, nets, pricing, records

HELP = """
秒赔 Miaopei: insurance that pays by itself, and can prove it.

Begin with `miaopei demo`: it starts a real PostgreSQL and a sandbox bank, replays the
Chinese earthquake catalogue of 2015 to 2021 through two index covers of Yunnan, pays what is due
and leaves receipts that anybody can check with `miaopei verify`.

Each command explains itself with `--help`; `--lang zh` shows it in Chinese, as `MIAOPEI_LANG` and
`LANG` do.

Exit codes: 0 good, 1 refused or not verified, 2 wrong usage, 3 something outside failed (try
again), 4 alarm: the record is not what it should be.
"""

app = typer.Typer(
    name="miaopei",
    help=HELP,
    no_args_is_help=True,
    invoke_without_command=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
terms = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="The products' terms: words, hashes, checks.",
)
feed = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Facts: files of earthquakes, losses, deaths; the two systems of a grid.",
)

engine = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="The engine that several members share (CometBFT).",
)
kernels = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Terms compiled ahead of any event, for large books.",
)

app.command()(records.demo)
app.add_typer(engine, name="engine")
engine.command("install")(engines.engine_install)
app.add_typer(nets.app, name="net")
app.add_typer(own.app, name="member")
granting.add(own.app)
app.add_typer(anchor.app, name="anchor")
app.add_typer(outage.meters, name="meters")
app.add_typer(reports.app, name="report")
app.add_typer(invoices.app, name="invoice")
app.add_typer(money.app, name="money")
app.add_typer(persons.app, name="person")
app.add_typer(buying.app, name="policy")
app.add_typer(terms, name="terms")
terms.command("list")(facts.terms_list)
terms.command("show")(facts.terms_show)
terms.command("hash")(facts.terms_hash)
terms.command("check")(facts.terms_check)
app.add_typer(kernels, name="kernels")
kernels.command("prepare")(facts.kernels_prepare)
app.add_typer(feed, name="feed")
feed.command("read")(facts.feed_read)
feed.command("take")(live.feed_take)
feed.command("trust")(outage.feed_trust)
feed.command("sources")(outage.feed_sources)
feed.command("listen")(outage.feed_listen)
for command in (
    *(facts.replay, facts.verify, records.receipt, records.why, records.caused, records.cases),
    *(records.status, records.audit, records.rebuild, keeping.serve, keeping.doctor),
    *(keeping.backup, keeping.restore, keeping.export, live.begin, live.resolve, live.reopen),
    *(live.payee, pricing.backtest, pricing.price, live.allot, live.release),
):
    app.command()(command)
app.command("basis-risk")(pricing.basis_risk)
app.command("import")(importing.import_)
app.command("replay-outages")(outage.replay_outages)
app.command("accept-clock")(live.accept_clock)


@app.callback()
def begin(
    version: Annotated[bool, typer.Option("--version", help="Say the version and exit.")] = False,
) -> None:
    """What stands before the command."""
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"miaopei {version_of('miaopei')}")
        raise typer.Exit
