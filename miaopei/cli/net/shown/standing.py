"""How a net stands: a row for each member, and below them what is to be said and done."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ....errors import Refusal
from ....errors.texts import say, table
from ....settings import Language
from ... import speak
from .. import control
from ..plan import Net, sentence
from ..watching import Row, Standing

if TYPE_CHECKING:
    from rich.table import Table

LONGEST_TROUBLE = 160  # characters of it in a row


def rows_of(found: Standing, language: Language) -> Table:
    """A table with a row for each member."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    titles = table("net")
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    columns = ("member", "roles", "votes", "up", "height", "root", "lag", "restarts", "verdict")
    for name in columns:
        right = name in ("votes", "height", "lag", "restarts")
        made.add_column(titles[f"column_{name}"][language], justify="right" if right else "left")
    for row in found.rows:
        made.add_row(*_cells(row, language))
    return made


def _cells(row: Row, language: Language) -> list[str]:
    verdict = table("net")[f"verdict_{row.verdict}"][language]
    return [
        f"{row.zh if language == 'zh' else row.en} ({row.member})",
        ", ".join(row.roles),
        "" if row.power is None else str(row.power),
        "✓" if row.up else "✗",
        "" if row.height is None else str(row.height),
        (row.root or "")[:12],
        "" if row.lag is None else str(row.lag),
        str(row.restarts),
        verdict if (why := _why(row)) is None else f"{verdict}: {why}",
    ]


def _why(row: Row) -> str | None:
    """What keeps a member from its duties, unless it is said in sentences below."""
    return None if row.trouble is None or _refused(row) else row.trouble[:LONGEST_TROUBLE]


def _refused(row: Row) -> tuple[dict[str, Any], ...]:
    """Why a member's duties are refused; of an alarm its own words are more."""
    return () if row.verdict == "alarm" else row.refusals


def below(net: Net, found: Standing, language: Language) -> Iterator[str]:
    """What is to be said of the rows, and to be done; whether the record goes on at last."""
    if found.no_database:
        yield sentence("no_database", language)
    yield from _waiting(found, language)
    yield from _wanted(found, language)
    yield from _named(found, language)
    yield from _differing(net, found, language)
    yield _whole(net, found, language)


def _whole(net: Net, found: Standing, language: Language) -> str:
    """Whether the record goes on; where nothing of it runs here, how to start it."""
    if not control.there(net.folder) and all(r.height is None for r in found.rows):
        return start_it("not_running", net, language)
    stands = any(row.stands for row in found.rows) and all(row.up for row in found.rows)
    return sentence("goes_on" if found.goes_on else "all_stand" if stands else "halted", language)


def start_it(name: str, net: Net, language: Language) -> str:
    facts = {"program": speak.program(), "folder": shlex.quote(str(net.folder))}
    command = "net up" if net.own is None else "member up"
    return sentence(name, language, command=command, **facts)


def _differing(net: Net, found: Standing, language: Language) -> Iterator[str]:
    """What to do about each that differs."""
    for row in found.rows:
        if row.verdict != "differs":
            continue
        if row.member not in net.here:
            yield sentence("rebuild_there", language, member=row.member)
            continue
        at = shlex.quote(str(net.folder))
        words = f"member rebuild {at}" if net.own else f"net heal {at} {row.member} --rebuild"
        command = f"{speak.program()} {words}"
        yield sentence("rebuild_it", language, member=row.member, command=command)


def _waiting(found: Standing, language: Language) -> Iterator[str]:
    """Whose engine signs nothing for now, or whose duties are refused, why, and what to do."""
    for row in found.rows:
        waits = () if row.waits is None else (row.waits,)
        for told in (*waits, *_refused(row)):
            said = say(Refusal(told["code"], told["facts"]), language)
            yield sentence("waits", language, member=row.member, why=said)


def _wanted(found: Standing, language: Language) -> Iterator[str]:
    """What waits for members to agree to it."""
    for one in found.waiting:
        facts = {"kind": one["kind"], "id": one["what"]}
        by, lacks = ", ".join(one["by"]), ", ".join(one["lacks"])
        said = "agree_again" if one["again"] else "agree_waits"
        yield sentence(said, language, **facts, by=by, lacks=lacks)


def _named(found: Standing, language: Language) -> Iterator[str]:
    """Who has decided otherwise than the others, and who twice."""
    for fault in found.faults:
        facts = {"member": fault["by"], "trigger": fault["trigger"][:16], "round": fault["round"]}
        yield sentence("second_word", language, **facts)
    for one in found.differences:
        sides = [one["shown"].get(one[side]) for side in ("member", "against")]
        facts = {"member": one["member"], "against": one["against"], "trigger": one["trigger"][:16]}
        opened = [side["opened"] for side in sides if side and side["opened"]]
        if len(opened) == 2:
            amounts = [each["amount_fen"] for each in opened]
            facts |= {"policy": sides[0]["policy"], "one": amounts[0], "other": amounts[1]}
            yield sentence("differs_at", language, **facts)
        else:
            yield sentence("differs", language, **facts)
        if one.get("settled"):
            yield sentence("differs_settled", language, by=", ".join(one["settled"]))
