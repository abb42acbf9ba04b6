"""Persons in `own`: sealed rows, whom payments go to, and the uses that are not on the record yet.

Only sealed bytes go to the server: no statement, log or page of it ever holds what is known of a
person. Source: docs/specs/persons.md, section 2.
"""

from __future__ import annotations

import json
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, LiteralString

from ....errors import RecordDamaged, Refusal, Refused
from ....measures.identity import canonical
from ....node.vault.persons import Person, PersonVault, Sealed, erased, link_guard
from ..connection import Row
from .guard import guarded, unguarded

MANY = 10_000  # persons of one statement
AT_ONCE = 4_096  # new persons that one worker seals at a time
_length = struct.Struct(">i").pack
LOGGED = "uses/logged"  # the number of the last use that was forgotten here
PAYEES: LiteralString = """
select w.subject, l.person, l.guard, p.person, p.master, p.wrapped, p.body
from unnest(%b::text[]) as w(subject) left join own.payee l using (subject)
join own.person p on p.person = coalesce(l.person, w.subject)
"""
PUT: LiteralString = """
insert into own.person (person, master, wrapped, body, guard)
select * from unnest(%b::text[], %b::int[], %b::bytea[], %b::bytea[], %b::bytea[])
on conflict (person) do update set master = excluded.master, wrapped = excluded.wrapped,
  body = excluded.body, guard = excluded.guard
"""
RENEW: LiteralString = """
update own.person p set master = n.master, wrapped = n.wrapped, body = n.body, guard = n.guard
from unnest(%b::text[], %b::int[], %b::bytea[], %b::bytea[], %b::bytea[])
  as n(person, master, wrapped, body, guard)
where p.person = n.person and p.body is not null
"""


class Persons(ABC):
    """The part of `node.ports.Reading` that speaks of persons."""

    _vault: PersonVault | Callable[[], PersonVault]

    @abstractmethod
    def _all(self, query: LiteralString, *values: object) -> list[Row]:
        """All rows of an answer."""

    @abstractmethod
    def progress(self, name: str) -> bytes | None:
        """A note of ours."""

    @property
    def vault(self) -> PersonVault:
        """What seals and opens; asked for only where a person is.

        Errors   Refused persons.no_master_key.
        """
        if not isinstance(self._vault, PersonVault):
            self._vault = self._vault()
        return self._vault

    def payee(self, subject: str) -> dict[str, Any] | None:
        """Whom to pay and where."""
        return self.payees([subject]).get(subject)

    def payees(self, subjects: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Whom to pay and where, for many; those not known, or erased, are left out.

        Errors   RecordDamaged (alarm) where a row is not what was written.
        """
        return {name: dict(who.fields) for name, who in self.paid_persons(subjects).items()}

    def paid_persons(self, subjects: Sequence[str]) -> dict[str, Person]:
        """As `payees`, with the salts that the record's commitments were made with.

        Errors   as `payees`.
        """
        found = {}
        for part in _parts(subjects):
            for subject, linked, guard, *row in self._all(PAYEES, part):
                if linked is not None and guard != link_guard(subject, linked):
                    raise RecordDamaged("a payee's link is not what was written", subject=subject)
                if (sealed := Sealed(*row)).body is not None:
                    found[subject] = self.vault.open(sealed)
        return found

    def persons(self, names: Sequence[str]) -> dict[str, Person]:
        """What is known of these persons; those not known, or erased, are left out.

        Errors   RecordDamaged (alarm).
        """
        query: LiteralString = (
            "select person, master, wrapped, body from own.person"
            " where person = any(%b::text[]) and body is not null"
        )
        rows = (row for part in _parts(names) for row in self._all(query, part))
        return {row[0]: self.vault.open(Sealed(*row)) for row in rows}

    def kept(self, after: str, limit: int) -> Sequence[Sealed]:
        """Persons as stored, erased ones too, in byte order after a name; nothing is opened."""
        query: LiteralString = (
            "select person, master, wrapped, body from own.person"
            " where person > %b order by person limit %b"
        )
        return [Sealed(*row) for row in self._all(query, after, limit)]

    def wrapped_before(self, version: int, limit: int) -> Sequence[Sealed]:
        """Persons whose keys an older master key wraps."""
        query: LiteralString = (
            "select person, master, wrapped, body from own.person"
            " where master < %b and body is not null order by person limit %b"
        )
        return [Sealed(*row) for row in self._all(query, version, limit)]

    def payee_of(self, subject: str) -> str | None:
        """The person whom a subject's payments go to by a link, also where they were erased."""
        rows = self._all("select person from own.payee where subject = %b", subject)
        return rows[0][0] if rows else None

    def subjects_of(self, person: str) -> Sequence[str]:
        """What is paid to a person: policies, households, in byte order."""
        query: LiteralString = "select subject from own.payee where person = %b order by subject"
        return [row[0] for row in self._all(query, person)]

    def uses(self) -> Sequence[tuple[int, dict[str, Any]]]:
        """Uses of personal data that no act has recorded yet, by number."""
        rows = self._all("select number, body from own.use order by number")
        return [(number, json.loads(unguarded(str(number), body))) for number, body in rows]


class PersonsWriting(Persons):
    """The part of `node.ports.Writing` that speaks of persons."""

    @abstractmethod
    def put_progress(self, name: str, value: bytes | None) -> None:
        """Keep a note of ours."""

    @abstractmethod
    def _run(self, query: LiteralString, *values: object) -> int:
        """Run one statement; how many rows it touched."""

    def put_payee(self, subject: str, value: Mapping[str, str]) -> None:
        """Keep whom to pay and where; who pays to somebody else by a link does so no more."""
        self._run("delete from own.payee where subject = %b", subject)
        self.put_persons({subject: value})

    def put_persons(self, persons: Mapping[str, Mapping[str, str]]) -> None:
        """Keep what is known of persons, each under a new key; a field that stays keeps its salt.

        Errors   Refused persons.erased, persons.bad_field.
        """
        for part in _parts(list(persons)):
            query: LiteralString = (
                "select person, master, wrapped, body from own.person"
                " where person = any(%b::text[])"
            )
            known = {row[0]: Sealed(*row) for row in self._all(query, part)}
            if gone := next((name for name, row in known.items() if row.body is None), None):
                raise Refused(Refusal("persons.erased", {"person": gone}))
            sealed = []
            for name in part:
                old = self.vault.open(known[name]) if name in known else None
                same = {
                    field: old.salts[field]
                    for field, value in (old.fields if old else {}).items()
                    if old is not None and persons[name].get(field) == value
                }
                sealed.append(self.vault.seal(name, persons[name], same))
            self._run(PUT, *_columns(sealed))

    def put_person(self, person: Person) -> None:
        """Keep a person with these very salts, under a new key; no link leads elsewhere any more.

        Errors   Refused persons.erased, persons.bad_field.
        """
        query: LiteralString = "select 1 from own.person where person = %b and body is null"
        if self._all(query, person.id):
            raise Refused(Refusal("persons.erased", {"person": person.id}))
        self._run("delete from own.payee where subject = %b", person.id)
        self._run(PUT, *_columns([self.vault.seal(person.id, person.fields, person.salts)]))

    def link_payee(self, subject: str, person: str) -> None:
        """What is owed to a subject goes to a person who is kept under another name."""
        self._run(
            "insert into own.payee values (%b, %b, %b) on conflict (subject)"
            " do update set person = excluded.person, guard = excluded.guard",
            subject,
            person,
            link_guard(subject, person),
        )

    def erase_person(self, person: str) -> bool:
        """Destroy a person's key and what it sealed; whether there was anything to destroy."""
        gone = erased(person)
        query: LiteralString = (
            "update own.person set master = %b, wrapped = null, body = null, guard = %b"
            " where person = %b and body is not null"
        )
        return self._run(query, gone.master, gone.guard, person) > 0

    def forget_person(self, person: str) -> None:
        """Leave no trace of one of whom nothing was to be kept; who was erased stays so."""
        self._run("delete from own.person where person = %b and body is not null", person)

    def renew_persons(self, limit: int) -> int:
        """Wrap keys of an older master key again, so many at a time; how many were.

        Errors   RecordDamaged (alarm), Refused persons.no_master_version.
        """
        old = self.wrapped_before(self.vault.master.version, limit)
        if old:
            self._run(RENEW, *_columns([self.vault.renew(each) for each in old]))
        return len(old)

    def put_uses(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Write uses of personal data down, to be recorded by an act; numbers never come twice."""
        first = self._last_use() + 1
        bodies = [guarded(str(n), canonical(line)) for n, line in enumerate(lines, first)]
        self._run(
            "insert into own.use select * from unnest(%b::bigint[], %b::bytea[])",
            list(range(first, first + len(bodies))),
            bodies,
        )

    def drop_uses(self, last: int) -> None:
        """Forget the uses up to a number: an act holds them now."""
        gone = min(last, self._last_use())
        if self._run("delete from own.use where number <= %b", last):
            self.put_progress(LOGGED, b"%d" % gone)

    def _last_use(self) -> int:
        """The last number that was given to a use, also where it is gone by now."""
        ((last,),) = self._all("select coalesce(max(number), 0) from own.use")
        return max(int(last), int(self.progress(LOGGED) or b"0"))


def copied(vault: PersonVault, part: Sequence[tuple[str, Mapping[str, str]]]) -> bytes:
    """New persons, sealed, as rows of a binary copy: five fields, each after its length.

    Errors   Refused persons.bad_field.
    """
    pieces = []
    for sealed in vault.seal_all(part):
        master, wrapped, body = _length(sealed.master), sealed.wrapped or b"", sealed.body or b""
        pieces.append(b"\0\5")
        for piece in (sealed.person.encode(), master, wrapped, body, sealed.guard):
            pieces += (_length(len(piece)), piece)
    return b"".join(pieces)


def _columns(rows: Sequence[Sealed]) -> list[list[Any]]:
    return [
        [row.person for row in rows],
        [row.master for row in rows],
        [row.wrapped for row in rows],
        [row.body for row in rows],
        [row.guard for row in rows],
    ]


def _parts(names: Sequence[str]) -> Iterable[list[str]]:
    for start in range(0, len(names), MANY):
        yield list(names[start : start + MANY])
