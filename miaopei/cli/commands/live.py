"""Commands of a record of one's own under a live clock."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .options import DataOption, DsnOption, InFile, JsonFlag, LangOption, SuiteOption, chosen

PAYER, DECIDERS, EQUAL = "insurer", ("insurer", "regulator", "notary"), 2  # as `net init` has them
TAKEOVER_HOURS = 24


def begin(
    scheme: Annotated[str, typer.Argument(help="A scheme's name or file (JSON).")] = "yunnan",
    origin: Annotated[
        str, typer.Option(help="The log's origin line: a name that only you use.")
    ] = "miaopei.invalid/live",
    suite: SuiteOption = None,
    payer: Annotated[str, typer.Option(help="In a consortium: who pays.")] = PAYER,
    decider: Annotated[
        list[str], typer.Option(help="In a consortium: who decides; several.")
    ] = list(DECIDERS),  # noqa: B006 - typer reads it only
    equal: Annotated[
        int, typer.Option("--equal", min=2, help="In a consortium: equal decisions that settle.")
    ] = EQUAL,
    standby: Annotated[
        str | None,
        typer.Option(metavar="MEMBER", help="In a consortium: who pays where the payer is silent."),
    ] = None,
    takeover_hours: Annotated[
        int, typer.Option(min=1, help="How long after a settlement the standby takes over.")
    ] = TAKEOVER_HOURS,
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Begin a live record of your own with a scheme: products, listings, policies, accounts.

    On the folder of a consortium's member: do its part, so that the scheme stands in their record.
    """
    from .. import live
    from ..place import Place

    place = Place.of(data, dsn)
    if place.seated:
        from ...measures.instant import HOUR
        from ...node.scheme import Parties
        from ..net.beside import listing

        after = None if standby is None else takeover_hours * HOUR
        parties = Parties(payer, tuple(decider), equal, standby, after)
        raise typer.Exit(listing.begin(place, scheme, parties, language=chosen(lang)))
    raise typer.Exit(live.begin(place, scheme, origin, suite=suite, language=chosen(lang)))


def feed_take(
    file: Annotated[Path, InFile],
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Take a file of facts into a live record: attest, record, decide and pay what follows."""
    from .. import live
    from ..place import Place

    place = Place.of(data, dsn)
    raise typer.Exit(live.take(place, file, as_json=as_json, language=chosen(lang)))


def resolve(
    case: Annotated[str, typer.Argument(metavar="CASE", help="Its key, as `cases --json` shows.")],
    value: Annotated[int, typer.Option(help="The input's value, as the terms read it.")],
    reason: Annotated[str, typer.Option(help="Why; it stands on the record.")],
    person: Annotated[str, typer.Option(help="Who decides; it stands on the record.")],
    name: Annotated[str, typer.Option("--input", help="Which input is decided.")] = "role",
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Decide what is held for a person."""
    from .. import live
    from ..place import Place

    place = Place.of(data, dsn)
    raise typer.Exit(live.resolve(place, case, value, reason, person, name, language=chosen(lang)))


def reopen(
    case: Annotated[str, typer.Argument(metavar="CASE", help="Its key, as `cases --json` shows.")],
    reason: Annotated[str, typer.Option(help="Why; it stands on the record.")],
    person: Annotated[str, typer.Option(help="Who decides; it stands on the record.")],
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Have a case decided again that was held because it could not be decided."""
    from .. import live
    from ..place import Place

    raise typer.Exit(live.reopen(Place.of(data, dsn), case, reason, person, language=chosen(lang)))


def payee(
    subject: Annotated[
        str, typer.Argument(help="policy/NUMBER, carrier/ID, provider/ID or household/TOKEN.")
    ],
    account: Annotated[str, typer.Option(help="The account's number.")],
    name: Annotated[str, typer.Option(help="The account's name.")],
    person: Annotated[
        str | None, typer.Option(help="Who decides; of a policy it stands on the record.")
    ] = None,
    reason: Annotated[
        str | None, typer.Option(help="Why; of a policy it stands on the record.")
    ] = None,
    data: DataOption = None,
    dsn: DsnOption = None,
    lang: LangOption = None,
) -> None:
    """Correct an account; what the bank has refused for good is ordered again.

    That of a policy changes by an act; the record holds a commitment and never the account.
    """
    from ...node.selling.known.accounts import Asked
    from .. import live
    from ..place import Place

    place, asked = Place.of(data, dsn), Asked(person, reason)
    raise typer.Exit(live.payee(place, subject, account, name, asked, language=chosen(lang)))


def accept_clock(data: DataOption = None, dsn: DsnOption = None, lang: LangOption = None) -> None:
    """Say that this machine's clock is right, where a record refused it. It cannot be taken back.

    The record's time goes on to the clock's. Look at the clock first: time never goes back.
    """
    from .. import live
    from ..place import Place

    place = Place.of(data, dsn).solo("accept-clock")
    raise typer.Exit(live.accept_clock(place, language=chosen(lang)))


def allot(
    settlement: Annotated[str, typer.Argument(metavar="SETTLEMENT", help="Its payout is paid.")],
    file: Annotated[Path, InFile],
    rebuilt: Annotated[int, typer.Option(min=1, help="Weight of a dwelling to rebuild.")] = 10,
    repaired: Annotated[int, typer.Option(min=1, help="Weight of one to repair.")] = 1,
    policy: Annotated[str | None, typer.Option(help="Where several were paid.")] = None,
    holder: Annotated[str | None, typer.Option(help="The policyholder's member id.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Record and pay; else a preview.")] = False,
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Hand a payout that has arrived on to households: a CSV token,work,weight,account,name."""
    from ...market.allotment import WeightRule, Work
    from ..deeds import households
    from ..place import Place

    name = f"rebuilt_{rebuilt}_repaired_{repaired}"
    rule = WeightRule(name, {Work.REBUILT: rebuilt, Work.REPAIRED: repaired}, illustrative=False)
    place, language = Place.of(data, dsn), chosen(lang)
    wanted = (settlement, file, rule, policy, holder)
    done = households.hand_on(place, *wanted, yes=yes, as_json=as_json, language=language)
    raise typer.Exit(done)


class How(StrEnum):
    """What a held claim is paid."""

    RESERVED = "reserved"
    OTHER = "other"
    NOTHING = "nothing"


def release(
    settlement: Annotated[str, typer.Argument(metavar="SETTLEMENT", help="The last of its case.")],
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="Whose claim is held.")],
    how: Annotated[How, typer.Option(help="The reserved amount, the other version's, or nothing.")],
    reason: Annotated[str, typer.Option(help="Why; it stands on the record.")],
    person: Annotated[str, typer.Option(help="Who decides; it stands on the record.")],
    data: DataOption = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
    lang: LangOption = None,
) -> None:
    """Decide a claim that was held because its policy was recorded or changed after the event."""
    from ..deeds import claims
    from ..place import Place

    place, language = Place.of(data, dsn), chosen(lang)
    wanted = (settlement, policy, str(how), reason, person)
    done = claims.release(place, *wanted, as_json=as_json, language=language)
    raise typer.Exit(done)
