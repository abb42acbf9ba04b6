"""What a member asks before an application goes to the record, and what it keeps for itself."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ...acts.change_account import BOUND
from ...acts.file_offer import current_offer
from ...acts.state import State
from ...errors import Refusal, Refused
from ...measures.identity import canonical, digest, read_canonical
from ...underwriting.asked import Connection
from ...underwriting.offer import Way
from ...underwriting.rules import Announced, Apart
from ..node import Node
from ..ports import Reading
from .known.announced import announced
from .known.plain import plain
from .known.standing import standing

Tokens = Callable[[str], Sequence[str]]  # customer number -> tokens under each live key
Connected = Callable[[Reading, Sequence[str], str], str]  # tokens, feeder -> a Connection
PERSONAL = ("name", "id_number", "phone", "address", "account", "customer", "meter")
UNWRITTEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # Unicode categories; rare names may be private-use
NEEDED = ("name", "id_number", "phone", "account")


@dataclass(frozen=True)
class Desk:
    """One member that sells: its node, and whom it asks. What is not given is not asked."""

    node: Node
    tokens: Tokens | None = None
    connected: Connected | None = None


@dataclass(frozen=True)
class Wanted:
    """An application as a person or a channel hands it in. `person` is personal: never shown."""

    listing: str
    channel: str
    since: int
    until: int
    facts: Mapping[str, str]
    declared: Mapping[str, int]
    person: Mapping[str, str] = field(repr=False)
    feeder: str | None = None
    agent: str | None = None
    order: str | None = None


def check_person(person: Mapping[str, str]) -> None:
    """Errors   Refused selling.personal_*; all at once, and no value in any of them."""
    faults = [
        Refusal("selling.personal_missing", {"field": name})
        for name in NEEDED
        if not plain(person.get(name, ""))
    ]
    faults += [
        Refusal("selling.personal_unknown", {"field": name[:40], "known": ", ".join(PERSONAL)})
        for name in person
        if name not in PERSONAL
    ]
    faults += _unfit(person)
    if faults:
        raise Refused(*faults)


def check_account(given: Mapping[str, str]) -> None:
    """An account and its name. Errors   as `check_person`."""
    missing = [name for name in BOUND if not plain(given.get(name, ""))]
    faults = [Refusal("selling.personal_missing", {"field": name}) for name in missing]
    if faults := [*faults, *_unfit(given)]:
        raise Refused(*faults)


def _unfit(person: Mapping[str, str]) -> list[Refusal]:
    long = [
        Refusal("selling.personal_too_long", {"field": name[:40], "limit": 200})
        for name, value in person.items()
        if len(value) > 200
    ]
    unwritten = [
        Refusal("selling.personal_bad_character", {"field": name, "at": at})
        for name, value in person.items()
        if name in PERSONAL and (at := _unwritten(value))
    ]
    return [*long, *unwritten]


def _unwritten(text: str) -> int:
    """Where the first character stands that nobody writes: control, invisible, half; 0 for none."""
    kinds = (unicodedata.category(each) for each in text)
    return next((at for at, kind in enumerate(kinds, 1) if kind in UNWRITTEN), 0)


def look_up(
    desk: Desk, reading: Reading, state: State, wanted: Wanted, tokens: Sequence[str]
) -> dict[str, Any]:
    """What stands in the act of what was looked up: words, never what they are about.

    Errors   Refused selling.list_missing, selling.list_differs; selling.not_answered_here for what
             is not told to whoever has not shown who they are; selling.erased.
    """
    offer = current_offer(state, wanted.listing)
    source = offer.sanctions()
    connection = str(Connection.NOT_ASKED)
    if desk.connected is not None and wanted.feeder is not None and tokens:
        connection = desk.connected(reading, tokens, wanted.feeder)
    span = (wanted.since, wanted.until)
    stood = standing(reading, state, wanted.listing, tokens, span, wanted.person)
    channel = offer.channel(wanted.channel)
    anybody = channel is None or channel.way is Way.ONLINE
    others = {
        name: standing(reading, state, name, tokens, span, wanted.person)
        for rule in offer.rules
        if isinstance(rule, Apart)
        for name in sorted(rule.listings)
        if state.has("listing", name)
    }
    beside = {name: other for name, other in others.items() if other.covered}
    told = stood.erased or connection == Connection.DIFFERS or stood.covered
    if told and anybody and not stood.may_hear(reading, wanted.person):
        raise Refused(Refusal("selling.not_answered_here"))
    if anybody and not all(o.may_hear(reading, wanted.person) for o in beside.values()):
        raise Refused(Refusal("selling.not_answered_here"))
    if stood.erased:
        raise Refused(Refusal("selling.erased"))
    found = None if source is None else sanctions_of(reading, state, source, wanted.person)
    looked: dict[str, Any] = {"sanctions": found, "connection": connection}
    if (covered := stood.span()) is not None:
        looked["covered"] = covered
    if beside:
        looked["beside"] = list(beside)
    if any(isinstance(rule, Announced) for rule in offer.rules) and tokens:
        known = announced(reading, desk.node.identity, wanted.listing, tokens, span)
        looked |= {"announced": known} if known else {}
    return looked


def sanctions_of(
    reading: Reading, state: State, source: str, person: Mapping[str, str]
) -> dict[str, Any]:
    """The hits of a person on the list's current version."""
    entry = state.get("sanctions", source)
    kept = reading.progress(f"sanctions/{source}")
    if entry is None or kept is None:
        raise Refused(Refusal("selling.list_missing", {"list": source}))
    whole, numbers, names = _listed(kept)
    if whole != entry["digest"]:
        raise Refused(Refusal("selling.list_differs", {"list": source, "at": entry["version"]}))
    looked = (("id", "id_number", numbers), ("name", "name", names))
    hits = [what for what, given, on_it in looked if plain(person[given]) in on_it]
    return {"list": source, "version": entry["version"], "hits": hits}


@lru_cache(maxsize=4)
def _listed(kept: bytes) -> tuple[str, frozenset[str], frozenset[str]]:
    """A list's digest, and the numbers and names on it; the same bytes are read once."""
    entries = read_canonical(kept)["entries"]
    numbers, names = (
        frozenset(plain(each[what]) for each in entries) - {""} for what in ("id", "name")
    )
    return digest(kept), numbers, names


def keep_list(node: Node, data: bytes) -> int:
    """File a version of a sanctions list and keep it; its version. The same again changes nothing.

    Errors   Refused selling.bad_list, act.sanctions_version.
    """
    try:
        value = json.loads(data)
        entries = [{"id": str(e["id"]), "name": str(e["name"])} for e in value["entries"]]
        whole = canonical({**value, "entries": entries})
        named = {n: value[n] for n in ("id", "name", "version", "sandbox")}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refused(Refusal("selling.bad_list", {"why": type(error).__name__})) from None
    with node.reading() as (_, state):
        before = state.get("sanctions", named["id"]) if isinstance(named["id"], str) else None
    if before is None or before["digest"] != digest(whole):
        body = {**named, "digest": digest(whole), "entries": len(entries)}
        node.accept("file_sanctions", f"sanctions-{digest(whole)[:24]}", body)
    with node.store.writing() as block:
        block.put_progress(f"sanctions/{named['id']}", whole)
    return int(named["version"])
