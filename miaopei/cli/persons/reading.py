"""Reading what is known of persons: under a grant, masked on the screen, each use logged."""

from __future__ import annotations

import getpass
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...acts.consents import granted
from ...acts.state import State
from ...adapters.keys import subject_keys
from ...errors import Refusal, Refused
from ...errors.texts import say
from ...measures.instant import utc_text
from ...measures.mask import masked
from ...node.ports import Reading, Writing
from ...node.selling.keeping import known_of, name_of, numbers_of, person_of
from ...node.vault.erasing import pending
from ...node.vault.persons import Person
from ...node.vault.uses import Use, note, recorded
from ...settings import Language
from ...wiring import Member, system_clock
from .. import speak
from ..place import Place, as_lines, write_whole

FORMAT = "miaopei.person/1"


@dataclass(frozen=True)
class Asked:
    """Who is asked for, what for and by whom."""

    who: str
    purpose: str
    role: str
    caller: str | None


def known(place: Place, after: str, limit: int, *, as_json: bool, language: Language) -> int:
    """Tokens of whom we know, without opening anything."""
    with place.record() as member, member.node.reading() as (reading, state):
        found = [
            {"person": row.person, "erased": row.body is None, "master": row.master}
            for row in reading.kept(after, limit)
        ]
        waits = list(pending(reading, state))
    speaker = speak.Speaker(language)
    for refusal in waits:  # erased on the record, and kept here as yet
        speak.note(say(refusal, language))
    if as_json:
        speak.show_json(found)
        return 0
    for row in found:
        mark = speaker.text("person_gone") if row["erased"] else ""
        speak.out(f"{row['person']} {mark}".rstrip())
    speak.note(speaker.text("person_count", count=len(found)))
    return 0


def show(place: Place, asked: Asked, *, as_json: bool) -> int:
    """What is known of one person, masked."""
    with place.alone(), place.record() as member:
        person = _used(member, asked, "shown")
        member.log_uses()
    fields = masked(person.fields)
    if as_json:
        speak.show_json({"person": person.id, "masked": True, "fields": fields})
        return 0
    speak.out(person.id)
    for name, value in sorted(fields.items()):
        speak.out(f"  {name}: {value}")
    return 0


def export(place: Place, asked: Asked, out: Path, *, as_json: bool, language: Language) -> int:
    """All that this member holds of a person, as a file that machines read."""
    with place.alone(), place.record() as member:
        person = _used(member, asked, "exported")
        with member.node.reading() as (reading, state):
            held = _held(reading, state, member, person)
        member.log_uses()
    write_whole(out, as_lines(held))
    counts = {name: len(part) for name, part in held.items() if isinstance(part, list | dict)}
    if as_json:
        speak.show_json({"person": person.id, "file": str(out), "parts": counts})
        return 0
    speak.out(speak.Speaker(language).text("person_exported", person=person.id, file=str(out)))
    return 0


def uses(place: Place, who: str | None, *, as_json: bool, language: Language) -> int:
    """Uses on the record, and those that are on their way there."""
    with place.record() as member, member.node.store.reading() as reading:
        found = list(recorded(reading, member.node.identity, who))
        waiting = [{"number": n, **u, "act": None} for n, u in reading.uses()]
    found += [use for use in waiting if who is None or use["subject"] == who]
    for use in found:
        use.pop("salt", None)
    if as_json:
        speak.show_json(found)
        return 0
    for use in found:
        fields = ", ".join(use["fields"])
        speak.out(
            f"{use['number']:>6} {utc_text(use['at'])} {use['subject'][:20]} {use['what']}"
            f" {use['purpose']} {use['role']}@{use['grantee']} {use['caller']} [{fields}]"
        )
    speak.note(speak.Speaker(language).text("person_uses", count=len(found)))
    return 0


def token_of(place: Place, group: str, *, language: Language) -> int:
    """The token of a number, which never stands among the arguments of a command."""
    number = sys.stdin.readline().strip()
    for version, found in subject_keys(place.folder / "keys.json", group).tokens(number).items():
        speak.out(found)
        speak.note(speak.Speaker(language).text("person_token", version=version, group=group))
    return 0


def _used(member: Member, asked: Asked, what: str) -> Person:
    """The person, opened under a grant, and the use noted in the same transaction.

    Errors   Refused grant.*, persons.erased, persons.not_known.
    """
    me = member.node.identity.member
    with member.node.store.writing() as block:
        state = State(block)
        person = _person(block, state, asked.who)
        fields = tuple(sorted(person.fields))
        replayed = state.need("genesis", "it")["clock"] == "replay"
        at = max(block.head().time, 0 if replayed else system_clock())
        if no := granted(state, me, me, asked.role, asked.purpose, at, fields):
            raise Refused(no)
        caller = asked.caller or getpass.getuser()
        use = Use(at, person.id, asked.purpose, me, asked.role, caller[:60], what, fields)
        note(block, [use])
    return person


def _person(block: Writing, state: State, who: str) -> Person:
    name = block.payee_of(who) or who
    if state.has("erased", name):
        raise Refused(Refusal("persons.erased", {"person": name[:80]}))
    found = known_of(block, who)
    if found is None:
        raise Refused(Refusal("persons.not_known", {"person": who[:80]}))
    return found


def _held(reading: Reading, state: State, member: Member, person: Person) -> dict[str, Any]:
    """Fields with what binds them, policies, claims, orders, consents and uses."""
    asked = numbers_of(reading, person.id)
    paid = [*reading.subjects_of(person.id), *(name_of(number) for number in asked)]
    numbers = [n.removeprefix("policy/") for n in (person.id, *paid) if n.startswith("policy/")]
    rows = [
        recorded_row
        for book, entry in state.range("book", "")
        for recorded_row in reading.rows_of(book, entry["size"], numbers, [person.id])
    ]
    policies = {row.row.policy for row in rows} | set(numbers)
    claims = [
        {"settlement": name, **claim}
        for name, entry in state.range("settlement", "")
        for claim in reading.claims(entry["settlement"]["trigger"])
        if claim["policy"] in policies
    ]
    orders = [
        {"debt": debt, **order}
        for debt, _ in state.range("payment", "")
        for order in reading.instructions(debt)
        if order.get("policy") in policies
    ]
    return {
        "format": FORMAT,
        "member": member.node.identity.member,
        "person": person.id,
        "fields": [
            {"field": n, "value": v, "salt": person.salts[n], "commitment": person.commitment(n)}
            for n, v in sorted(person.fields.items())
        ],
        "paid_under": paid,
        "applied": [
            {"application": number, "fields": dict(each.fields)}
            for number in asked
            if (each := person_of(reading, number)) is not None
        ],
        "policies": [{"position": r.position, **r.row.as_json()} for r in rows],
        "claims": claims,
        "payments": orders,
        "consents": dict(state.range("consent", f"{person.id}/")),
        "retained": dict(state.range("retained", f"{person.id}/")),
        "uses": [
            *recorded(reading, member.node.identity, person.id),
            *({"number": n, **u} for n, u in reading.uses() if u["subject"] == person.id),
        ],
    }
