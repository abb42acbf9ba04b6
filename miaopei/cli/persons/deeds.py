"""What changes of persons: consents, grants, erasure, and the key that wraps them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...acts.apply import ActResult
from ...adapters.persons import master_key
from ...errors import Refusal, Refused
from ...measures.instant import from_beijing, utc_text
from ...node.vault.erasing import bound
from ...node.vault.renewing import Renewer
from ...settings import MASTER_KEY, MASTER_KEY_FILE, Language
from ...wiring import Member
from .. import speak
from ..place import Place


@dataclass(frozen=True)
class Span:
    """What a consent or grant covers, and when; days in Beijing."""

    scope: tuple[str, ...]
    since: str | None
    until: str | None


def consent(
    place: Place, body: dict[str, Any], span: Span | None, *, as_json: bool, language: Language
) -> int:
    """A consent, or without a span the end of one."""
    with place.alone(), place.record() as member:
        kind = "revoke_consent"
        if span is not None:
            kind, now = "consent", member.node.time()
            since = now if span.since is None else from_beijing(span.since)
            body = {**body, **_covered(span), "since": since, "document": None}
        result = _accept(member, kind, body)
    return _told(kind, body, result, as_json=as_json, language=language)


def grant(
    place: Place, body: dict[str, Any], span: Span | None, *, as_json: bool, language: Language
) -> int:
    """A grant, or without a span the end of one."""
    with place.alone(), place.record() as member:
        body = {**body, "grantee": body["grantee"] or member.node.identity.member}
        kind = "end_grant" if span is None else "grant"
        body |= {} if span is None else _covered(span)
        result = _accept(member, kind, body)
    return _told(kind, body, result, as_json=as_json, language=language)


def retain(
    place: Place, body: dict[str, Any], day: str | None, *, end: bool, as_json: bool,
    language: Language,
) -> int:  # fmt: skip
    """This member must keep what it holds of a person until a day; `end` takes that back.

    Errors   Refused cli.person_needs_day.
    """
    if day is None and not end:
        raise Refused(Refusal("cli.person_needs_day", {}))
    body = {**body, "until": 0 if day is None else from_beijing(day)}
    with place.alone(), place.record() as member:
        result = _accept(member, "retain", body)
    kind = "end_retain" if end else "retain"
    return _told(kind, body, result, as_json=as_json, language=language)


def erase(place: Place, who: str, reason: str, *, as_json: bool, language: Language) -> int:
    """Erase a person, if nothing binds this member or another to keep them."""
    with place.alone(), place.record() as member:
        with member.node.reading() as (reading, state):
            kept_until = bound(reading, state, who, member.node.identity)
        body = {"subject": who, "kept_until": kept_until, "reason": reason}
        result = _accept(member, "erase", body)
        member.forget()
        member.log_uses()
    return _told("erase", body, result, as_json=as_json, language=language)


def rotate(
    place: Place, *, fresh: bool, retire: int | None, as_json: bool, language: Language
) -> int:
    """A new version of the master key, or the end of an old one; reads and writes go on.

    Errors   Refused persons.master_in_environment, persons.master_in_use.
    """
    if os.environ.get(MASTER_KEY):
        raise Refused(Refusal("persons.master_in_environment", {"name": MASTER_KEY}))
    named = os.environ.get(MASTER_KEY_FILE)
    path = place.folder / master_key.FILE if named is None else Path(named)
    speaker = speak.Speaker(language)
    with place.record() as member:
        if retire is not None:
            _retire(member, path, retire)
            version, renewed = retire, 0
        else:
            version = master_key.add(path, fresh=fresh)
            renewed = _renew(member)
    told = {"version": version, "renewed": renewed, "retired": retire is not None}
    if as_json:
        speak.show_json(told)
        return 0
    name = "person_retired" if retire is not None else "person_rotated"
    speak.out(speaker.text(name, version=version, count=renewed))
    return 0


def _retire(member: Member, path: Path, version: int) -> None:
    """Errors   Refused persons.master_in_use while anybody's key is wrapped by it."""
    after, count = "", 0
    with member.node.store.reading() as reading:
        while rows := reading.kept(after, 10_000):
            after = rows[-1].person
            count += sum(row.body is not None and row.master == version for row in rows)
    if count:
        raise Refused(Refusal("persons.master_in_use", {"version": version, "count": count}))
    master_key.retire(path, version)


def _renew(member: Member) -> int:
    """Wrap again; where another process writes, it does so itself as it runs."""
    try:
        return Renewer(member.node).run()
    except Refused as refused:
        if refused.refusals[0].code != "postgres.in_use":
            raise
        return 0


def _covered(span: Span) -> dict[str, Any]:
    if span.until is None:
        raise Refused(Refusal("cli.person_needs_until", {}))
    return {"scope": sorted(set(span.scope)), "until": from_beijing(span.until)}


def _accept(member: Member, kind: str, body: Mapping[str, Any]) -> ActResult:
    at = member.node.time()
    name = "/".join(str(body.get(n, "")) for n in ("subject", "grantee", "role", "purpose"))
    return member.node.accept(kind, f"{kind}/{name}/{at}"[:200], dict(body))


def _told(
    kind: str, body: Mapping[str, Any], result: ActResult, *, as_json: bool, language: Language
) -> int:
    if as_json:
        speak.show_json({"kind": kind, "act": result.act, "body": dict(body)})
        return 0
    until = utc_text(body["until"]) if "until" in body else "—"
    names = ("subject", "purpose", "grantee", "role", "ground")
    facts = {name: str(body.get(name, "—")) for name in names}
    sentence = speak.Speaker(language).text(f"person_{kind}", until=until, **facts)
    speak.out(sentence)
    return 0
