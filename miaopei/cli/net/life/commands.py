"""`miaopei net join, approve, leave, rotate, raise-rules, pause, resume, agree, withdraw, ...`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ...commands.options import JsonFlag, Lang, LangOption, chosen

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The net's folder.")]
Who = Annotated[str, typer.Argument(metavar="MEMBER", help="A member's id, as `net status` shows.")]
By = Annotated[
    list[str] | None,
    typer.Option("--by", metavar="MEMBER", help="Only these say so; else all that have a vote."),
]
Listing = Annotated[str, typer.Argument(metavar="LISTING", help="The listing's id.")]
Reason = Annotated[str, typer.Option(help="Why; it stands on the record.")]
Person = Annotated[str, typer.Option(help="Who decides; it stands on the record.")]
Two = Annotated[list[str], typer.Option("--by", metavar="MEMBER", help="A member; two are needed.")]
Anyway = Annotated[bool, typer.Option("--anyway", help="Also where that is refused at first.")]


def join(
    folder: Folder,
    member: Annotated[str, typer.Argument(metavar="NAME", help="Its id on the record.")],
    zh: Annotated[str | None, typer.Option(help="Its name in Chinese; else the id.")] = None,
    en: Annotated[str | None, typer.Option(help="Its name in English; else the id.")] = None,
    role: Annotated[list[str] | None, typer.Option(help="A role on the record.")] = None,
    power: Annotated[int, typer.Option(min=0, help="Its votes; 0 reads along.")] = 1,
    by: By = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Make a further member ready, run it, and have it seated by the votes of the others.

    Until more than two thirds of the votes want it the others refuse it; 1 where they do not yet.
    """
    from ..plan import Part
    from . import coming

    net = _net(folder)
    roles = tuple(role or ("carrier", "decider"))
    voted = coming.join(net, Part(member, zh or member, en or member, roles), power, by or ())
    if voted.done:
        coming.wait(_net(folder), member)
    say_voted("joined", member, voted, lang, as_json=as_json)


def approve(
    folder: Folder, member: Who, by: By = None, as_json: JsonFlag = False, lang: LangOption = None
) -> None:
    """Have members say that they want a newcomer that is waiting; 1 where votes are lacking."""
    from . import coming

    voted = coming.approve(_net(folder), member, by or ())
    if voted.done:
        coming.wait(_net(folder), member)
    say_voted("joined", member, voted, lang, as_json=as_json)


def leave(
    folder: Folder,
    member: Who,
    reason: Reason = "its own wish",
    by: By = None,
    anyway: Anyway = False,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Have a member unseated by votes and end it; 1 where votes are lacking."""
    from . import going

    voted = going.leave(_net(folder), member, reason, by or (), anyway=anyway)
    say_voted("has_left", member, voted, lang, as_json=as_json)


def rotate(
    folder: Folder,
    member: Who,
    key: Annotated[
        list[str] | None,
        typer.Option(help="engine, node, peer, log or box, all where none is named; or act."),
    ] = None,
    by_votes: Annotated[
        bool, typer.Option("--by-votes", help="The others give it another key for its acts.")
    ] = False,
    by: By = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Put new keys into a member's seat and start it by them; cut short, say it again.

    `act` is the key that signs its acts, which it takes up without being stopped.
    """
    from ..keyed import changing
    from . import rotating

    net = _net(folder)
    if by_votes:
        changing.check_alone(key or ())
        voted, sources = changing.by_votes(net, member, by or ())
        say_voted("key_given", member, voted, lang, as_json=as_json, sources=sources)
        say_sources(sources, lang, as_json=as_json)
        return
    done = rotating.rotate(net, member, key or ())
    facts = {"member": member, "keys": ", ".join(done.keys)}
    say_rotated("rotated", facts, done.sources, lang, as_json=as_json)


def say_rotated(
    name: str, facts: dict[str, Any], sources: Sequence[str], lang: Lang | None, *, as_json: bool
) -> None:
    """Which keys changed, and which sources are left behind."""
    tell(name, {**facts, "sources": list(sources)} if as_json else facts, lang, as_json=as_json)
    say_sources(sources, lang, as_json=as_json)


def say_sources(sources: Sequence[str], lang: Lang | None, *, as_json: bool) -> None:
    """The sources that know a member by an earlier key alone."""
    if sources and not as_json:
        tell("sources_left", {"sources": ", ".join(sources)}, lang)


def seat(
    folder: Folder,
    member: Who,
    power: Annotated[int, typer.Option(min=0, help="Its votes from now on; 0 reads along.")],
    by: By = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Change how many votes a member has, by votes: a reader becomes a voter, or the reverse."""
    from . import coming

    voted = coming.weigh(_net(folder), member, power, by or ())
    say_weighed(member, power, voted, lang, as_json=as_json)


def raise_rules(
    folder: Folder,
    height: Annotated[int | None, typer.Option(help="From this height on.")] = None,
    ahead: Annotated[int, typer.Option(min=2, help="Else so many blocks from now.")] = 20,
    by: By = None,
    anyway: Anyway = False,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Raise the rules of the record by one, at a height, by votes; every member must have them."""
    from . import deciding

    body, voted = deciding.raise_rules(_net(folder), height, ahead, by or (), anyway=anyway)
    more = {"rules": body["rules"], "height": body["height"]}
    say_voted("rules_raised", "", voted, lang, as_json=as_json, **more)


def pause(
    folder: Folder,
    listing: Listing,
    by: Two,
    reason: Reason,
    person: Person,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Stop selling a listing, by two members; what is in force is paid as ever."""
    say_paused(_net(folder), listing, (reason, person), by, lang, as_json=as_json, resume=False)


def resume(
    folder: Folder,
    listing: Listing,
    by: Two,
    reason: Reason,
    person: Person,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Sell a paused listing again, by two members."""
    say_paused(_net(folder), listing, (reason, person), by, lang, as_json=as_json, resume=True)


def agree(
    folder: Folder,
    member: Who,
    what: Annotated[
        str, typer.Argument(metavar="[NUMBER]", help="What it agrees to: 32 digits of its number.")
    ] = "",
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Show what waits for a member's word, or have it agree: a listing binds who has agreed."""
    from ... import speak
    from . import deciding

    net = _net(folder)
    if what:
        said = deciding.agree(net, member, what)
        told = {"member": member, "kind": said["kind"], "id": said["what"]}
        name = "agreed_waits" if said["waits"] else "agreed"
        tell(name, {**told, "act": said["act"]} if as_json else told, lang, as_json=as_json)
        return
    found = deciding.waiting(net, member)
    if as_json:
        speak.show_json(found)
        return
    for one in found:
        facts = {"kind": one["kind"], "id": deciding.plain(one["what"]), "name": one["name"],
                 "by": ", ".join(one["by"]), "lacks": ", ".join(one["lacks"])}  # fmt: skip
        tell("word_again" if one["again"] else "waits_for_word", facts, lang, as_json=False)
        if terms := deciding.bound(one, chosen(lang)):
            tell("word_binds", terms, lang, as_json=False)
        show_whole(one["body"])
    if not found:
        tell("nothing_waits", {"what": member}, lang, as_json=False)


def withdraw(
    folder: Folder,
    member: Who,
    what: Annotated[
        str, typer.Argument(metavar="[NUMBER]", help="Its number, or how that begins.")
    ] = "",
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Show what a member's word stands for and waits for others, or have it take that word back."""
    from . import deciding

    net = _net(folder)
    if what:
        say_withdrawn(net, member, what, lang, as_json=as_json)
        return
    say_wishes(deciding.standing(net, member), member, lang, as_json=as_json)


def say_withdrawn(net: Any, member: str, what: str, lang: Lang | None, *, as_json: bool) -> None:
    """Have a member take back its word, and say for what."""
    from . import deciding

    said = deciding.withdraw(net, member, what)
    told = {"member": member, "kind": said["kind"], "name": said["name"]}
    tell("withdrawn", {**told, "act": said["act"]} if as_json else told, lang, as_json=as_json)


def say_wishes(
    found: Sequence[dict[str, Any]], ours: str, lang: Lang | None, *, as_json: bool
) -> None:
    """What is wanted and lacks votes, each with its whole body; and whether `ours` has said so."""
    from ... import speak

    if as_json:
        speak.show_json(found)
        return
    if not found:
        tell("no_wishes", {}, lang)
    for each in found:
        facts = {"name": each["name"], "kind": each["kind"]}
        facts |= {name: ", ".join(each[name]) for name in ("by", "lacks")}
        facts |= {"votes": each["votes"], "total": each["total"]}
        tell("wish_again" if each["again"] else "wish", facts, lang)
        if ours in each["by"]:
            tell("wish_ours", {"member": ours}, lang)
        show_whole(each["body"])


def show_whole(body: dict[str, Any]) -> None:
    """All that is agreed to, a field a line."""
    from ... import speak
    from . import deciding

    for line in deciding.spelled(body):
        speak.out(line)


def reopen_round(
    folder: Folder,
    case: Annotated[str, typer.Argument(metavar="[CASE]", help="The beginning of its key.")] = "",
    by: Annotated[str | None, typer.Option("--by", metavar="MEMBER", help="A decider.")] = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Have a case decided once more on which its deciders did not agree, the fault being mended."""
    from . import deciding

    opened = deciding.reopen(_net(folder), case, by)
    tell("round_opened", opened, lang, as_json=as_json)


def add(app: typer.Typer) -> None:
    """Give `miaopei net` these commands."""
    for command in (join, approve, leave, seat, rotate, raise_rules, pause, resume, agree,
                    withdraw, reopen_round):  # fmt: skip
        app.command(command.__name__.replace("_", "-"))(command)


def _net(folder: Path) -> Any:
    from .. import control
    from ..plan import Net

    net = Net.entered(folder)
    control.need(net.folder)
    return net


def say_paused(
    net: Any,
    listing: str,
    why: tuple[str, str],
    by: Sequence[str],
    lang: Lang | None,
    *,
    as_json: bool,
    resume: bool,
) -> None:
    """Have members pause or resume a listing, for this reason and person, and what came of it."""
    from . import deciding

    voted = deciding.pause(net, listing, *why, by, resume=resume)
    done = "resumed" if resume else "paused"
    _say(done if voted.done else "words_lacking", voted, lang, as_json=as_json, listing=listing)


def say_weighed(member: str, power: int, voted: Any, lang: Lang | None, *, as_json: bool) -> None:
    """What came of a wish for other votes; where it had them already nobody was asked."""
    name = "weighed" if voted.by or not voted.done else "weighs_so"
    say_voted(name, member, voted, lang, as_json=as_json, power=power)


def say_voted(
    done: str, member: str, voted: Any, lang: Lang | None, /, *, as_json: bool, **more: Any
) -> None:
    """What came of a vote; 1 where votes are lacking."""
    lacking = "votes_lacking_for" if member else "votes_lacking"
    name = done if voted.done else lacking
    _say(name, voted, lang, as_json=as_json, member=member, **more)


def _say(done: str, voted: Any, lang: Lang | None, /, *, as_json: bool, **about: Any) -> None:
    tell(done, {**voted.as_json(), **about, "by": ", ".join(voted.by)}, lang, as_json=as_json)
    if not voted.done:
        raise typer.Exit(1)


def tell(name: str, facts: dict[str, Any], lang: Lang | None, *, as_json: bool = False) -> None:
    """Say what was done."""
    from ... import speak
    from ..plan import sentence

    if as_json:
        speak.show_json({"what": name, **facts})
    else:
        speak.out(sentence(name, chosen(lang), **facts))
