"""How a net stands: a row a member, heights and roots compared, so that a liar is seen.

An engine whose member lies still calls itself healthy and takes acts; only the others show it.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...adapters.engine.process import LOG as ENGINE_LOG
from ...adapters.postgres.starter import LocalPostgres
from ...errors import OutsideFault
from . import control
from .own import elsewhere
from .plan import NODE_LOG, Net, roles

ASK_SECONDS = 10.0  # a busy machine needs them; who does not listen has said so at once
BEHIND = 5  # blocks
LAST_BYTES = 1 << 16  # of a log that are read for its last line
SOUND = frozenset({"agrees", "alarm"})
STAND = frozenset({"engine.stands_still", "engine.all_stand"})
NO_DATABASE = "the database is down"
SILENT = "its node runs, and does not answer"
Json = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One member. `verdict`: agrees, differs, behind, alarm, waits, cut, down, no_seat; of one on a
    machine of its own also silent (it does not answer us), other_genesis.

    `power` is None for who has no seat; `rules` are in force at its next block, `knows` is the
    newest rule set of its software. Of who is down `trouble` is the last line of its node's
    log, or its engine's (`last_words`). `refusals`: the same in codes and facts, where a duty is
    refused or the node refused to start.
    `anchored`: how far it has told a second ledger, None where it tells none.
    `waits`: why its engine signs nothing for now, a refusal; None where it may.
    """

    member: str
    zh: str
    en: str
    roles: tuple[str, ...]
    power: int | None
    up: bool
    height: int | None
    size: int | None
    root: str | None
    lag: int | None
    certified: int | None
    missing: int | None
    restarts: int
    trouble: str | None
    verdict: str
    rules: int | None
    knows: int | None
    anchored: dict[str, Any] | None = None
    waits: dict[str, Any] | None = None
    refusals: tuple[dict[str, Any], ...] = ()

    @property
    def stands(self) -> bool:
        """Whether its engine makes no blocks, or those of several, as its node has seen."""
        return any(told["code"] in STAND for told in self.refusals)


@dataclass(frozen=True)
class Standing:
    """The whole net. `goes_on`: whether more than two thirds of the votes agree, are up and make
    blocks.

    `compared_at`: the lowest height at which the root of one was held against those of others.
    `waiting`: what waits for members to agree to it.
    `no_database`: whether it is down, where it is the supervisor's.
    """

    rows: tuple[Row, ...]
    compared_at: int | None
    goes_on: bool
    differences: tuple[dict[str, Any], ...] = ()
    faults: tuple[dict[str, Any], ...] = ()
    waiting: tuple[dict[str, Any], ...] = ()
    no_database: bool = False

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        rows = [asdict(row) for row in self.rows]
        named = {"differences": list(self.differences), "faults": list(self.faults)}
        named["waiting"] = list(self.waiting)
        return {"members": rows, "compared_at": self.compared_at, "goes_on": self.goes_on, **named}


def standing(net: Net, *, named: bool = True) -> Standing:
    """Ask the supervisor and every member, at once.

    `named`: also for the decisions that differ, and whoever said two things.
    """
    try:
        known = {m["member"]: m for m in control.call(net.folder, "status")["members"]}
    except OutsideFault:
        known = {}
    with ThreadPoolExecutor(len(net.here)) as pool:
        said, seats, roots = _heard(net, pool, known)
        named_by = [m for m in net.here if said[m]] if named else []
        told = dict(zip(named_by, pool.map(lambda m: _differences(net, m), named_by), strict=True))
    powers = {member: int(seat["power"]) for member, seat in seats.items()}
    held = compared(roots, powers)
    top = max((max(of) for m, of in roots.items() if of and m in seats), default=0)
    rows = []
    for seat in (*net.present, *elsewhere.unmet(net, seats)):
        status, process = said.get(seat.id), known.get(seat.id, {})
        away = seat.id not in net.here
        known_of = status or {}
        verdict = _verdict(process, status, held.get(seat.id), top, seat.id in seats, away=away)
        ended = status is None or verdict == "down"
        last = last_words(net, seat.id, process) if ended else None
        trouble, refusals = known_of.get("trouble"), known_of.get("refusals", ())
        row = Row(
            member=seat.id,
            zh=seat.zh,
            en=seat.en,
            roles=tuple(seats.get(seat.id, {}).get("roles", ())),
            power=seats.get(seat.id, {}).get("power"),
            up=(away or bool(process.get("up"))) and status is not None,
            height=known_of.get("height"),
            size=known_of.get("size"),
            root=known_of.get("root"),
            lag=None if status is None else max(0, top - status["height"]),
            certified=known_of.get("certified"),
            missing=known_of.get("missing"),
            restarts=process.get("restarts", 0),
            trouble=trouble if last is None else last.said,
            verdict=verdict,
            rules=known_of.get("rules"),
            knows=known_of.get("knows"),
            anchored=known_of.get("anchored"),
            waits=known_of.get("waits"),
            refusals=tuple(refusals) if last is None else last.refusals,
        )
        rows.append(row)
    good = sum(r.power or 0 for r in rows if r.up and r.verdict in SOUND and not r.stands)
    votes = sum(seat["power"] for seat in seats.values())
    agreeing = [told[row.member] for row in rows if row.verdict == "agrees" and row.member in told]
    best: dict[str, Any] = max(agreeing, key=_opened, default={"differences": [], "faults": []})
    both = (tuple(best["differences"]), tuple(best["faults"]))
    at = min((height for height, _ in held.values()), default=None)
    words = [said.get(row.member) or {} for row in rows if row.verdict == "agrees"]
    ours = [status for status in words if "waiting" in status]
    waiting = tuple(max(ours, key=lambda s: int(s["height"]), default={"waiting": ()})["waiting"])
    return Standing(
        tuple(rows), at, 3 * good > 2 * votes, *both, waiting, bool(known) and _no_database(net)
    )


def compared(
    roots: Mapping[str, Mapping[int, str]], powers: Mapping[str, int]
) -> dict[str, tuple[int, bool]]:
    """At which height the root of each member is held against others, and whether it differs from
    that of the most votes there.

    The highest that it and another have: one who is far behind hides nobody. Who has no height in
    common with anybody is not in the answer. Of equally many votes on either side neither is right.
    """
    found = {}
    for member, own in roots.items():
        common = {h for other, of in roots.items() if other != member for h in of} & own.keys()
        if not common:
            continue
        at = max(common)
        votes = Counter[str]()
        for other, of in roots.items():
            if at in of:
                votes[of[at]] += powers.get(other, 0)
        best = votes.most_common(2)
        even = len(best) == 2 and best[0][1] == best[1][1]
        found[member] = at, even or own[at] != best[0][0]
    return found


def _heard(
    net: Net, pool: ThreadPoolExecutor, known: Mapping[str, Json]
) -> tuple[dict[str, Json | None], dict[str, Json], dict[str, dict[int, str]]]:
    """What each member says, who sits in the record, and the roots of each at all their heights.
    Nobody waits for who is frozen.
    """
    frozen = {m for m, process in known.items() if process.get("cut") and not net.apart}
    going = [m for m in net.here if m not in frozen]
    said: dict[str, Json | None] = dict.fromkeys(net.here)
    said |= zip(going, pool.map(lambda m: _ask(net, m), going), strict=True)
    seats = _seats(net, said)
    asked = [m for m, status in said.items() if status]
    said |= elsewhere.others(net, None)
    ours = {m: s["height"] for m, s in said.items() if s and not s.get("other")}
    at = sorted({height for m, height in ours.items() if m in seats})
    heard = pool.map(lambda m: _roots(net, m, at), asked)
    roots = dict(zip(asked, heard, strict=True))
    for height in at if net.own is not None else ():
        for member, status in elsewhere.others(net, height).items():
            if status and member in ours and height <= ours[member] and status["root"]:
                roots.setdefault(member, {})[height] = status["root"]
    return said, seats, roots


def _verdict(
    process: dict[str, Any],
    status: dict[str, Any] | None,
    held: tuple[int, bool] | None,
    top: int,
    seated: bool,
    *,
    away: bool,
) -> str:
    if process.get("cut"):
        return "cut"
    if away and not seated:
        return "no_seat"
    if status is None:
        return "silent" if away else "down"
    if status.get("other"):
        return "other_genesis"
    if not seated:
        return "no_seat"
    if held is not None and held[1]:
        return "differs"
    if status.get("alarm"):
        return "alarm"
    if status.get("waits"):
        return "waits"
    if not (away or process.get("up", True)):
        return "down"  # its node answers, and its engine is gone
    return "behind" if top - status["height"] > BEHIND else "agrees"


def _seats(net: Net, said: dict[str, dict[str, Any] | None]) -> dict[str, dict[str, Any]]:
    """Who sits in the record with which votes and roles, by the member that has come furthest."""
    best: dict[str, Any] | None = max(
        (status for status in said.values() if status), key=lambda s: s["height"], default=None
    )
    if best is None:
        known = roles(net.genesis)
        listed = [{**seat, "roles": known[seat["member"]]} for seat in net.genesis["seats"]]
        best = {"seats": listed}
    return {seat["member"]: seat for seat in best["seats"]}


@dataclass(frozen=True)
class LastWords:
    """Why a member that shall run does not. `refusals`: the same in codes and facts, where its node
    refused to go on.
    """

    said: str
    refusals: tuple[Json, ...] = ()


def last_words(net: Net, member: str, process: dict[str, Any]) -> LastWords | None:
    """The last line of its node (`member.main`) since that was started, before it ended; where it
    has said nothing, that of its engine's log. Before these: the database is down, without which no
    member here can run; what keeps the supervisor from starting it; it runs and does not answer.
    """
    if not process.get("wanted") or process.get("cut"):  # ended or frozen by a command
        return None
    if _no_database(net):
        return LastWords(NO_DATABASE)
    if process.get("trouble") or process.get("up"):
        return LastWords(str(process.get("trouble") or SILENT))
    for name, begins in ((NODE_LOG, process.get("fell") or 0), (ENGINE_LOG, 0)):
        if line := _last_line(net.at(member) / name, begins):
            return _words(line)
    return None


def _last_line(log: Path, begins: int) -> str:
    """The last line of a log beyond so many bytes; "" where there is none. It may be a large one,
    and is looked at each second.
    """
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(min(size, max(begins, size - LAST_BYTES)))
            lines = file.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _words(line: str) -> LastWords:
    with suppress(ValueError, TypeError, KeyError):
        refused = control.refused_in(json.loads(line))
        return LastWords(str(refused), tuple(each.as_json() for each in refused.refusals))
    return LastWords(line)


def _no_database(net: Net) -> bool:
    """Whether the server that the supervisor keeps does not answer; of another we know nothing."""
    postgres = net.postgres
    ours = isinstance(postgres, LocalPostgres) and postgres.base.exists()
    return ours and not postgres.running()


def _ask(net: Net, member: str) -> dict[str, Any] | None:
    try:
        status: dict[str, Any] = control.call(net.at(member), "status", seconds=ASK_SECONDS)
    except OutsideFault:
        return None
    return status


def _differences(net: Net, member: str) -> dict[str, Any]:
    """What a member's own copy of the record says of differing decisions."""
    try:
        said: dict[str, Any] = control.call(net.at(member), "differences", seconds=ASK_SECONDS)
    except OutsideFault:
        return {"differences": [], "faults": []}
    return said


def _opened(said: dict[str, Any]) -> int:
    """How many differences a member knows, and how many traces it may open."""
    shown = [side for one in said["differences"] for side in one["shown"].values()]
    return len(said["differences"]) + sum(side["opened"] is not None for side in shown)


def _roots(net: Net, member: str, heights: list[int]) -> dict[int, str]:
    try:
        found = control.call(net.at(member), "roots", heights=heights, seconds=ASK_SECONDS)
    except OutsideFault:
        return {}
    return {int(height): root for height, root in found.items() if root is not None}
