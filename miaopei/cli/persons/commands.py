"""The commands of `miaopei person`: names, options and help; what they do is imported when run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..commands.options import DataOption, DsnOption, JsonFlag, LangOption, chosen

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Persons: consents, grants, uses, export, erasure.",
)
Who = Annotated[str, typer.Argument(metavar="WHO", help="A subject token, or policy/NUMBER.")]
Purpose = Annotated[str, typer.Option(help="What for; it stands on the record.")]
RoleOption = Annotated[str, typer.Option(help="In which role; a grant must allow it.")]
Caller = Annotated[str | None, typer.Option(help="Who asks; else the account of this machine.")]
Scope = Annotated[list[str], typer.Option("--scope", help="A field or data class; repeatable.")]
Until = Annotated[
    str | None, typer.Option(metavar="DAY", help="The first day (Beijing) it no longer counts.")
]


@app.command("list")
def list_(
    after: Annotated[str, typer.Option(help="Go on after this one.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="So many at most.")] = 100,
    as_json: JsonFlag = False,
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Who is known here: their tokens, and who was erased; nothing of them is opened."""
    from ..place import Place
    from . import reading

    place = Place.of(data, dsn)
    raise typer.Exit(reading.known(place, after, limit, as_json=as_json, language=chosen(lang)))


@app.command()
def show(
    who: Who,
    purpose: Purpose,
    role: RoleOption,
    caller: Caller = None,
    as_json: JsonFlag = False,
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,  # noqa: ARG001 - refusals are said in it
) -> None:
    """What is known of a person, masked. The use is logged on the record."""
    from ..place import Place
    from . import reading

    asked = reading.Asked(who, purpose, role, caller)
    raise typer.Exit(reading.show(Place.of(data, dsn), asked, as_json=as_json))


@app.command()
def export(
    who: Who,
    purpose: Purpose,
    role: RoleOption,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write (JSON).")],
    caller: Caller = None,
    as_json: JsonFlag = False,
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """All that this member holds of a person, in one file of mode 0600. The use is logged."""
    from ..place import Place
    from . import reading

    asked = reading.Asked(who, purpose, role, caller)
    place, language = Place.of(data, dsn), chosen(lang)
    raise typer.Exit(reading.export(place, asked, out, as_json=as_json, language=language))


@app.command()
def fetch(
    who: Who,
    kind: Annotated[str, typer.Argument(help="logistics, transactions or customs.")],
    purpose: Purpose,
    role: Annotated[str, typer.Option(help="In which role; it stands in the log of uses.")],
    source: Annotated[str, typer.Option("--from", metavar="ADDRESS", help="Where it is held.")],
    since: Annotated[str, typer.Option(metavar="DAY", help="From this day (Beijing).")],
    until: Annotated[str, typer.Option(metavar="DAY", help="To before this day (Beijing).")],
    caller: Caller = None,
    as_json: JsonFlag = False,
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Call data of a person elsewhere, with their consent. Each call is logged, also if refused."""
    from ..place import Place
    from . import calling, reading

    asked = reading.Asked(who, purpose, role, caller)
    wanted = calling.Wanted(kind, source, since, until)
    place, language = Place.of(data, dsn), chosen(lang)
    raise typer.Exit(calling.fetch(place, asked, wanted, as_json=as_json, language=language))


@app.command()
def uses(
    who: Annotated[str | None, typer.Argument(metavar="WHO", help="Else those of all.")] = None,
    as_json: JsonFlag = False,
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """For what, by whom and when data of a person were used, from the record."""
    from ..place import Place
    from . import reading

    place = Place.of(data, dsn)
    raise typer.Exit(reading.uses(place, who, as_json=as_json, language=chosen(lang)))


@app.command()
def erase(
    who: Who,
    reason: Annotated[str, typer.Option(help="A code, no sentence: it stays.")] = "request",
    as_json: JsonFlag = False,
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Destroy what is known of a person, for good; refused while it must be kept, with the date."""
    from ..place import Place
    from . import deeds

    place = Place.of(data, dsn)
    raise typer.Exit(deeds.erase(place, who, reason, as_json=as_json, language=chosen(lang)))


@app.command()
def retain(
    who: Who,
    ground: Annotated[str, typer.Option(help="Why: a code, no sentence; it stays.")],
    until: Until = None,
    end: Annotated[bool, typer.Option("--end", help="Take it back.")] = False,
    as_json: JsonFlag = False,
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Say that this member must keep what it holds of a person: nobody erases them before."""
    from ..place import Place
    from . import deeds

    place, language = Place.of(data, dsn), chosen(lang)
    day = None if end else until
    body = {"subject": who, "ground": ground}
    raise typer.Exit(deeds.retain(place, body, day, end=end, as_json=as_json, language=language))


@app.command()
def rotate(
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Give each person a new key, not only a new wrap.")
    ] = False,
    retire: Annotated[
        int | None, typer.Option(metavar="VERSION", help="Destroy an older version instead.")
    ] = None,
    as_json: JsonFlag = False,
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """A new master key: persons are wrapped again while the member runs."""
    from ..place import Place
    from . import deeds

    place, language = Place.of(data, dsn), chosen(lang)
    done = deeds.rotate(place, fresh=fresh, retire=retire, as_json=as_json, language=language)
    raise typer.Exit(done)


@app.command()
def consent(
    who: Who,
    purpose: Purpose,
    grantee: Annotated[str, typer.Option(help="The member who may use the data.")],
    scope: Scope = [],  # noqa: B006 - typer copies it
    since: Annotated[str | None, typer.Option(metavar="DAY", help="From when; else now.")] = None,
    until: Until = None,
    revoke: Annotated[bool, typer.Option("--revoke", help="Take it back.")] = False,
    as_json: JsonFlag = False,
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Record a person's consent, or that they took it back."""
    from ..place import Place
    from . import deeds

    body = {"subject": who, "purpose": purpose, "grantee": grantee}
    place, language = Place.of(data, dsn), chosen(lang)
    span = None if revoke else deeds.Span(tuple(scope), since, until)
    raise typer.Exit(deeds.consent(place, body, span, as_json=as_json, language=language))


@app.command()
def grant(
    role: RoleOption,
    purpose: Purpose,
    grantee: Annotated[str | None, typer.Option(help="The member; else this one.")] = None,
    scope: Scope = [],  # noqa: B006 - typer copies it
    until: Until = None,
    end: Annotated[bool, typer.Option("--end", help="Take it back.")] = False,
    as_json: JsonFlag = False,
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Let people of a role use what this member holds, for a purpose; or end that."""
    from ..place import Place
    from . import deeds

    body = {"role": role, "purpose": purpose, "grantee": grantee or ""}
    place, language = Place.of(data, dsn), chosen(lang)
    span = None if end else deeds.Span(tuple(scope), None, until)
    raise typer.Exit(deeds.grant(place, body, span, as_json=as_json, language=language))


@app.command()
def token(
    group: Annotated[str, typer.Option(help="Whose key: source and book, as grid/yuyao.")],
    data: DataOption = None,
    lang: LangOption = None,
) -> None:
    """The subject token of a customer number, which is read from standard input."""
    from ..place import Place
    from . import reading

    raise typer.Exit(reading.token_of(Place.of(data, None), group, language=chosen(lang)))
