"""Names, options and help of `miaopei policy`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..commands.options import DataOption, DsnOption, InFile, JsonFlag, LangOption, chosen

FIGURE = "A declared figure: money in yuan, minutes and the like as integers."
app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Selling: offers, applications, premium, policies and their changes.",
)
Number = Annotated[
    str, typer.Argument(metavar="POLICY", help="Its number, or at least 8 characters of it.")
]
At = Annotated[str, typer.Option("--at", metavar="DAY", help="First day it holds, Beijing.")]
ChannelOption = Annotated[str, typer.Option("--channel", help="The channel's id in the offer.")]
AgentOption = Annotated[str | None, typer.Option("--agent", help="Who keys it, at the counter.")]
KeyOption = Annotated[
    str, typer.Option("--key", help="Names this wish: the same again changes nothing.")
]
Reason = Annotated[str, typer.Option(help="Why; it stands on the record.")]
Person = Annotated[str, typer.Option(help="Who decides; it stands on the record.")]


@app.command("offer")
def offer(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file, or a shipped offer's name.")],
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """File how a listing is sold from now on; policies that were sold keep their version."""
    from . import doing

    _tell("policy_offered", doing.file_offer(_place(data, dsn), file), lang, as_json=as_json)


@app.command("sanctions")
def sanctions(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file, or a shipped list's name.")],
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """File the next version of a list that applicants are looked up in (JSON)."""
    from . import doing

    _tell("policy_list_filed", doing.file_list(_place(data, dsn), file), lang, as_json=as_json)


@app.command("pause")
def pause(
    listing: Annotated[str, typer.Argument(metavar="LISTING", help="The listing's id.")],
    reason: Reason,
    person: Person,
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Stop selling a listing for a while; what is in force is decided and paid as ever."""
    from . import doing

    place = _place(data, dsn).solo("policy pause", f"net pause DIR {listing}")
    found = doing.pause(place, listing, reason, person, resume=False)
    _tell("policy_paused", found, lang, as_json=as_json)


@app.command("resume")
def resume(
    listing: Annotated[str, typer.Argument(metavar="LISTING", help="The listing's id.")],
    reason: Reason,
    person: Person,
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Sell a paused listing again."""
    from . import doing

    place = _place(data, dsn).solo("policy resume", f"net resume DIR {listing}")
    found = doing.pause(place, listing, reason, person, resume=True)
    _tell("policy_resumed", found, lang, as_json=as_json)


@app.command("token")
def token(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="The channel's id.")],
    data: DataOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Make a token with which a channel applies by API; shown once, an older one ends."""
    from . import doing

    _tell("policy_token", doing.token(_place(data, None), channel), lang, as_json=as_json)


@app.command("apply")
def apply(
    file: Annotated[Path, InFile],
    channel: ChannelOption = "offline",
    agent: AgentOption = None,
    key: KeyOption = "",
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Take an application from a file (JSON, as the API takes it); the answer comes at once."""
    from . import doing

    found = doing.apply(_place(data, dsn), file, channel, agent, key)
    _show(found, lang, as_json=as_json)


@app.command("answer")
def answer(
    application: Annotated[str, typer.Argument(metavar="ID", help="A referred application.")],
    reason: Reason,
    person: Person,
    accept: Annotated[bool, typer.Option("--accept/--refuse", help="The answer.")],
    loading: Annotated[int, typer.Option(help="Factor of the premium, millionths.")] = 1_000_000,
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Answer an application that was referred to a person."""
    from . import doing

    found = doing.answer(
        _place(data, dsn), application, accept=accept, loading=loading, reason=reason,
        person=person,
    )  # fmt: skip
    _show(found, lang, as_json=as_json)


@app.command("collect")
def collect(
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Ask the bank what came in; bring in force what is paid, pay what goes back."""
    from .. import speak
    from . import doing, showing

    found = doing.collect(_place(data, dsn))
    _tell("policy_collected", found, lang, as_json=as_json)
    if not as_json:
        showing.tell_refused(found["refused_refunds"], speak.Speaker(chosen(lang)))


@app.command("pay-in")
def pay_in(
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="As on the application.")],
    amount: Annotated[
        str | None, typer.Option(metavar="YUAN", help="Another sum than the premium, in yuan.")
    ] = None,
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """In the sandbox bank: somebody transfers the premium, to try what follows."""
    from ...measures.money import fen_of
    from . import doing

    fen = None if amount is None else fen_of(amount)
    _show(doing.pay_in(_place(data, dsn), reference, fen), lang, as_json=as_json)


@app.command("place-credit")
def place_credit(
    credit: Annotated[str, typer.Argument(metavar="CREDIT", help="As `policy list` names it.")],
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="Whom it was for.")],
    reason: Reason,
    person: Person,
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Say whom a credit was for that named nobody."""
    from . import doing

    found = doing.place_credit(_place(data, dsn), credit, reference, reason, person)
    _tell("policy_placed", found, lang, as_json=as_json)


@app.command("list")
def list_(
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Policies, applications that wait, pools that are too small, credits that named nobody."""
    from . import showing

    done = showing.listed(_place(data, dsn), as_json=as_json, language=chosen(lang))
    raise typer.Exit(done)


@app.command("show")
def show(
    policy: Number,
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """One policy: what stands of it, and every transaction."""
    from . import showing

    done = showing.shown(_place(data, dsn), policy, as_json=as_json, language=chosen(lang))
    raise typer.Exit(done)


@app.command("endorse")
def endorse(
    policy: Number,
    at: At,
    given: Annotated[list[str], typer.Option("--set", metavar="NAME=VALUE", help=FIGURE)],
    channel: ChannelOption = "offline",
    agent: AgentOption = None,
    key: KeyOption = "",
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Change figures of a policy from a day on; earlier than recorded changes is possible."""
    _change(("endorse", policy, at, given, channel, agent, key), data, dsn, lang, as_json=as_json)


@app.command("renew")
def renew(
    policy: Number,
    at: At,
    given: Annotated[list[str], typer.Option("--set", metavar="NAME=VALUE", help=FIGURE)] = [],  # noqa: B006 - typer reads it only
    channel: ChannelOption = "offline",
    agent: AgentOption = None,
    key: KeyOption = "",
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Renew a policy for another year, from the day it ends."""
    _change(("renew", policy, at, given, channel, agent, key), data, dsn, lang, as_json=as_json)


@app.command("cancel")
def cancel(
    policy: Number,
    at: At,
    channel: ChannelOption = "offline",
    agent: AgentOption = None,
    key: KeyOption = "",
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """End a policy from a day on; premium for the days left goes back through the bank."""
    _change(("cancel", policy, at, [], channel, agent, key), data, dsn, lang, as_json=as_json)


@app.command("reinstate")
def reinstate(
    policy: Number,
    at: At,
    given: Annotated[
        list[str], typer.Option("--set", metavar="NAME=YUAN", help="How much, in yuan.")
    ],
    channel: ChannelOption = "offline",
    agent: AgentOption = None,
    key: KeyOption = "",
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Add to the yearly limit what payouts have used of it, for a further premium."""
    _change(("reinstate", policy, at, given, channel, agent, key), data, dsn, lang, as_json=as_json)


def _change(said: Any, data: Any, dsn: Any, lang: Any, *, as_json: bool) -> None:
    from . import doing

    what, policy, at, given, channel, agent, key = said
    found = doing.change(_place(data, dsn), policy, what, at, given, channel, agent, key)
    _show(found, lang, as_json=as_json)


def _place(data: Any, dsn: Any) -> Any:
    from ..place import Place

    return Place.of(data, dsn)


def _show(found: dict[str, Any], lang: Any, *, as_json: bool) -> None:
    from . import showing

    raise typer.Exit(showing.application(found, as_json=as_json, language=chosen(lang)))


def _tell(name: str, found: dict[str, Any], lang: Any, *, as_json: bool) -> None:
    from .. import speak

    if as_json:
        speak.show_json(found)
        return
    facts = {key: value for key, value in found.items() if isinstance(value, str | int)}
    speak.out(speak.Speaker(chosen(lang)).text(name, **facts))
