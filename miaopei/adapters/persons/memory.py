"""Persons in memory: nothing is kept there, so nothing is sealed; erasure is as in PostgreSQL."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from ...claims.confirm import Spread, alone
from ...errors import Refusal, Refused
from ...measures.identity import canonical, read_canonical
from ...node.vault.persons import Person, Sealed, check_fields, erased

LOGGED = "uses/logged"  # the number of the last use that was forgotten here
GONE = object()  # where a person was erased


class MemoryPersons(ABC):
    """The part of a transaction in memory that speaks of persons."""

    @abstractmethod
    def _get(self, table: str, key: Any) -> Any: ...

    @abstractmethod
    def _put(self, table: str, key: Any, value: Any) -> None: ...

    @abstractmethod
    def _between(
        self, table: str, first: Any, last: Any = None, limit: int | None = None
    ) -> Iterator[tuple[Any, Any]]: ...

    def put_payee(self, subject: str, value: Mapping[str, str]) -> None:
        if self._get("payee", subject) is not None:
            self._put("payee", subject, None)
        self.put_persons({subject: value})

    def put_persons(self, persons: Mapping[str, Mapping[str, str]]) -> None:
        """Errors   Refused persons.erased, persons.bad_field."""
        for name, fields in persons.items():
            check_fields(fields)
            old = self._get("person", name)
            if old is GONE:
                raise Refused(Refusal("persons.erased", {"person": name}))
            salts = {
                field: old.salts[field]
                if old is not None and old.fields.get(field) == value
                else os.urandom(32).hex()
                for field, value in fields.items()
            }
            self._put("person", name, Person(name, dict(fields), salts))

    def put_person(self, person: Person) -> None:
        """Errors   Refused persons.erased."""
        if self._get("person", person.id) is GONE:
            raise Refused(Refusal("persons.erased", {"person": person.id}))
        if self._get("payee", person.id) is not None:
            self._put("payee", person.id, None)
        self._put("person", person.id, person)

    def link_payee(self, subject: str, person: str) -> None:
        self._put("payee", subject, person)

    def payee(self, subject: str) -> dict[str, Any] | None:
        return self.payees([subject]).get(subject)

    def payees(self, subjects: Sequence[str]) -> dict[str, dict[str, Any]]:
        return {name: dict(who.fields) for name, who in self.paid_persons(subjects).items()}

    def paid_persons(self, subjects: Sequence[str]) -> dict[str, Person]:
        linked = {subject: self._get("payee", subject) or subject for subject in subjects}
        known = self.persons(list(linked.values()))
        return {s: known[name] for s, name in linked.items() if name in known}

    def persons(self, names: Sequence[str]) -> dict[str, Person]:
        found = {name: self._get("person", name) for name in names}
        return {name: who for name, who in found.items() if isinstance(who, Person)}

    def kept(self, after: str, limit: int) -> Sequence[Sealed]:
        """Persons by name: nothing is sealed in memory, so a body says only that there is one."""
        rows = islice(self._between("person", after + "\0"), limit)
        return [erased(name) if who is GONE else Sealed(name, 1, b"", b"") for name, who in rows]

    def payee_of(self, subject: str) -> str | None:
        found: str | None = self._get("payee", subject)
        return found

    def subjects_of(self, person: str) -> Sequence[str]:
        return [subject for subject, name in self._between("payee", "") if name == person]

    def erase_person(self, person: str) -> bool:
        known = isinstance(self._get("person", person), Person)
        if known:
            self._put("person", person, GONE)
        return known

    def forget_person(self, person: str) -> None:
        if isinstance(self._get("person", person), Person):
            self._put("person", person, None)

    def renew_persons(self, limit: int) -> int:
        """Nothing is wrapped in memory: none of the next `limit` has an older key."""
        return min(limit, 0)

    def put_uses(self, lines: Iterable[Mapping[str, Any]]) -> None:
        for number, line in enumerate(lines, 1 + self._last_use()):
            self._put("use", number, canonical(line))

    def uses(self) -> Sequence[tuple[int, dict[str, Any]]]:
        return [(number, read_canonical(body)) for number, body in self._between("use", 0)]

    def drop_uses(self, last: int) -> None:
        gone = [number for number, _ in self._between("use", 0, last + 1)]
        for number in gone:
            self._put("use", number, None)
        if gone:
            self._put("progress", LOGGED, b"%d" % gone[-1])

    def _last_use(self) -> int:
        kept = int(self._get("progress", LOGGED) or b"0")
        return max((number for number, _ in self._between("use", 0)), default=kept)

    def put_payees(
        self, payees: Iterable[tuple[str, Mapping[str, str]]], _spread: Spread = alone
    ) -> None:
        self.put_persons(dict(payees))
