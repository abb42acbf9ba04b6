"""`miaopei member approve, wishes, leave, rotate, ...`: a member's own word."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...commands.options import JsonFlag, Lang, LangOption
from ..life.commands import (
    Anyway,
    Listing,
    Person,
    Reason,
    say_paused,
    say_rotated,
    say_voted,
    say_weighed,
    say_wishes,
    say_withdrawn,
    tell,
)
from .commands import Folder, ListenBlobs, ListenEngine, SeatFiles, app

__all__ = ["app"]  # with all commands of the group

if TYPE_CHECKING:
    from ..plan import Net


@app.command()
def approve(
    folder: Folder,
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT", help="A newcomer's seat file, a member's key file, or a wish's number."
        ),
    ],
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Say that this member wants a newcomer, another's key, or what was wanted (`wishes`).

    1 where votes are lacking; the others each say it by themselves.
    """
    from ..keyed import changing
    from . import acting, seat_file

    net = member_of(folder)
    if Path(what).is_file() and changing.asks(Path(what)):
        body, voted = changing.approve(net, Path(what))
        say_voted("key_given", body["member"], voted, lang, as_json=as_json, key=body["key"])
    elif Path(what).is_file():
        file = seat_file.read(Path(what))
        voted = acting.admit(net, file)
        say_voted("joined", file.id, voted, lang, as_json=as_json)
    else:
        wish, voted = acting.agree(net, what)
        facts = {"kind": wish["kind"], "name": wish["name"][:12]}
        say_voted("wanted", "", voted, lang, as_json=as_json, **facts)


@app.command()
def wishes(folder: Folder, as_json: JsonFlag = False, lang: LangOption = None) -> None:
    """What is wanted and lacks votes; `approve` adds this member's word, `withdraw` takes it back.

    Only what has not had its effect is taken back; the same may be wanted again later.
    """
    from . import acting

    net = member_of(folder)
    say_wishes(acting.wishes(net), acting.me(net), lang, as_json=as_json)


@app.command()
def withdraw(
    folder: Folder,
    what: Annotated[
        str, typer.Argument(metavar="NUMBER", help="A wish's number, or how that begins.")
    ],
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Take back this member's word for what still lacks votes (`wishes`)."""
    from . import acting

    net = member_of(folder)
    say_withdrawn(net, acting.me(net), what, lang, as_json=as_json)


@app.command()
def meet(
    folder: Folder, seats: SeatFiles, as_json: JsonFlag = False, lang: LangOption = None
) -> None:
    """Take up newer seat files of members: where they are reached now, by which keys."""
    from . import acting, seat_file

    for path in seats:
        net = member_of(folder)  # the one before may have changed it
        file = seat_file.read(path)
        acting.meet(net, file)
        facts = {"member": file.id, "engine": file.engine, "blobs": file.blobs}
        tell("met", facts, lang, as_json=as_json)


@app.command()
def move(
    folder: Folder,
    engine: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where the others reach its engine.")
    ] = None,
    blobs: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where the others fetch its blobs.")
    ] = None,
    listen_engine: ListenEngine = None,
    listen_blobs: ListenBlobs = None,
    lang: LangOption = None,
) -> None:
    """Be reached elsewhere from now on, and write a new seat file for the others (`meet`)."""
    from . import acting

    def change(net: Net) -> Net:
        own, seat = net.own, net.seat(acting.me(net))
        assert own is not None
        moved = replace(seat, engine=engine or seat.engine, blobs=blobs or seat.blobs)
        listens = replace(
            own,
            engine=listen_engine or engine or own.engine,
            blobs=listen_blobs or blobs or own.blobs,
        )
        seats = tuple(moved if each.id == seat.id else each for each in net.seats)
        return replace(net, own=listens, seats=seats)

    net = member_of(folder)
    path = acting.move(net, change)
    tell("seat_renewed", {"member": acting.me(net), "path": str(path)}, lang)


@app.command()
def rotate(
    folder: Folder,
    key: Annotated[
        list[str] | None,
        typer.Option(help="engine, node, peer, log or box, all where none is named; or act."),
    ] = None,
    by_votes: Annotated[
        bool, typer.Option("--by-votes", help="Ask the others to give it another key for its acts.")
    ] = False,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Put new keys into this member's seat and go by them; hand the new seat file to the others.

    With --by-votes a file for the others (`approve`), and once they have said yes the seat file.
    """
    from ..keyed import changing
    from . import acting

    net = member_of(folder)
    facts: dict[str, Any] = {"member": acting.me(net)}
    if not by_votes:
        done, path = acting.rotate(net, key or ())
        facts |= {"keys": ", ".join(done.keys), "path": str(path)}
        say_rotated("rotated_own", facts, done.sources, lang, as_json=as_json)
        return
    changing.check_alone(key or ())
    sources, path = acting.ask_for_key(net)
    if sources is None:
        told = {"path": str(path), "key": changing.read(path)["key"]}
        tell("key_asked", {**facts, **told}, lang, as_json=as_json)
        raise typer.Exit(1)
    facts |= {"keys": changing.ACT, "path": str(path)}
    say_rotated("rotated_own", facts, sources, lang, as_json=as_json)


@app.command()
def leave(
    folder: Folder,
    member: Annotated[
        str | None, typer.Argument(metavar="[MEMBER]", help="Another, that shall go; else itself.")
    ] = None,
    reason: Reason = "its own wish",
    anyway: Anyway = False,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Want this member's seat, or another's, to be gone; 1 where votes are lacking.

    Say it again when the others have approved: a member that has lost its seat is then ended.
    """
    from ..life import going
    from . import acting

    net = member_of(folder)
    ours = acting.me(net)
    who = member or ours
    voted = going.leave(net, who, reason, (ours,), anyway=anyway)
    say_voted("has_left", who, voted, lang, as_json=as_json)


@app.command()
def seat(
    folder: Folder,
    member: Annotated[
        str, typer.Argument(metavar="MEMBER", help="A member's id, as `status` shows.")
    ],
    power: Annotated[int, typer.Option(min=0, help="Its votes from now on; 0 reads along.")],
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Want a member to have so many votes; 1 where votes are lacking."""
    from ..life import coming

    net = member_of(folder)
    voted = coming.weigh(net, member, power)
    say_weighed(member, power, voted, lang, as_json=as_json)


@app.command("raise-rules")
def raise_rules(
    folder: Folder,
    height: Annotated[int | None, typer.Option(help="From this height on.")] = None,
    ahead: Annotated[int, typer.Option(min=2, help="Else so many blocks from now.")] = 1000,
    anyway: Anyway = False,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Want the next rule set from a height on; every member must have it by then."""
    from ..life import deciding

    body, voted = deciding.raise_rules(member_of(folder), height, ahead, anyway=anyway)
    more = {"rules": body["rules"], "height": body["height"]}
    say_voted("rules_raised", "", voted, lang, as_json=as_json, **more)


@app.command()
def pause(
    folder: Folder,
    listing: Listing,
    reason: Reason,
    person: Person,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Say that a listing shall not be sold for a while; two members must."""
    _pause(folder, listing, reason, person, lang, as_json=as_json, resume=False)


@app.command()
def resume(
    folder: Folder,
    listing: Listing,
    reason: Reason,
    person: Person,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Say that a paused listing shall be sold again; two members must."""
    _pause(folder, listing, reason, person, lang, as_json=as_json, resume=True)


@app.command("reopen-round")
def reopen_round(
    folder: Folder,
    case: Annotated[str, typer.Argument(metavar="[CASE]", help="The beginning of its key.")] = "",
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Have a case decided once more on which its deciders did not agree, the fault being mended."""
    from ..life import deciding
    from . import acting

    net = member_of(folder)
    tell("round_opened", deciding.reopen(net, case, acting.me(net)), lang, as_json=as_json)


def _pause(
    folder: Path,
    listing: str,
    reason: str,
    person: str,
    lang: Lang | None,
    *,
    as_json: bool,
    resume: bool,
) -> None:
    from . import acting

    net = member_of(folder)
    by = (acting.me(net),)
    say_paused(net, listing, (reason, person), by, lang, as_json=as_json, resume=resume)


def member_of(folder: Path) -> Any:
    """The folder of one member, as the commands go by it."""
    from . import making

    return making.of(folder)
