"""Personal data, sealed under one key a person; that key wrapped by the member's master key.

Whoever has no master key sees who exists, never what is known of them; a person whose key has been
destroyed is gone from every copy. Source: docs/specs/persons.md, section 2.
"""

from __future__ import annotations

import json
import re
import struct
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag

from ...errors import RecordDamaged, Refusal, Refused
from ...measures.identity import canonical, content_id
from ...measures.suites import in_use

KEY_AAD = b"miaopei/v1/person-key\0"
BODY_AAD = b"miaopei/v1/person\0"
GUARD = b"miaopei/v1/person-row\0"
NONCE, SALT = 12, 32  # bytes
PLAIN = re.compile(r'[^\x00-\x1f"\\\ud800-\udfff]*')  # as JSON writes it
_length = struct.Struct(">i").pack
Random = Callable[[int], bytes]


class Master(Protocol):
    """What wraps the keys of persons: keys in a file today; an HSM fits behind these three.

    `fresh_from`: whoever is wrapped by an older version gets a new key of their own, and not only a
    new wrap, when the wrap is renewed. `shared`: sent to a worker process of ours it is read there
    again from where it lies; the keys themselves are sent nowhere.
    """

    @property
    def version(self) -> int: ...
    @property
    def fresh_from(self) -> int: ...
    @property
    def shared(self) -> bool: ...
    def wrap(self, version: int, key: bytes, about: bytes) -> bytes: ...
    def unwrap(self, version: int, wrapped: bytes, about: bytes) -> bytes: ...


@dataclass(frozen=True)
class Sealed:
    """A person as stored. Erased: `wrapped` and `body` are gone."""

    person: str
    master: int
    wrapped: bytes | None
    body: bytes | None

    @property
    def guard(self) -> bytes:
        """A digest of the row: tells damage without any key."""
        parts = (self.person.encode(), b"%d" % self.master, self.wrapped or b"", self.body or b"")
        whole = GUARD + b"".join([b for p in parts for b in (_length(len(p)), p)])
        return in_use.suite.digest(whole)


@dataclass(frozen=True)
class Person:
    """What is known of one person: field -> text, and a salt a field. Not shown by `repr`."""

    id: str
    fields: Mapping[str, str] = field(repr=False)
    salts: Mapping[str, str] = field(repr=False)

    def commitment(self, name: str) -> str:
        """What the shared record holds in place of a field: H(salt, field), 64 hex digits.

        Errors   KeyError for a field that is not known of them.
        """
        said = {"v": 1, "field": name, "salt": self.salts[name], "value": self.fields[name]}
        return content_id("datum", said)


class PersonVault:
    """Seals and opens persons under a master key."""

    def __init__(self, master: Master, random: Random) -> None:
        self.master, self._random = master, random

    def seal(
        self, person: str, fields: Mapping[str, str], salts: Mapping[str, str] | None = None
    ) -> Sealed:
        """A person under a new key of their own; a field that has no salt yet gets one.

        Errors   Refused persons.bad_field.
        """
        return self._sealed(self.master.version, person, fields, salts)

    def seal_all(self, persons: Iterable[tuple[str, Mapping[str, str]]]) -> Iterator[Sealed]:
        """As `seal` for each, under the master key that is current when the first is asked for."""
        version = self.master.version
        for person, fields in persons:
            yield self._sealed(version, person, fields, None)

    def _sealed(
        self,
        version: int,
        person: str,
        fields: Mapping[str, str],
        salts: Mapping[str, str] | None,
    ) -> Sealed:
        check_fields(fields)
        kept = salts or {}
        size = in_use.suite.key_bytes
        drawn = self._random(size + NONCE + SALT * len(fields))
        key, nonce, rest = drawn[:size], drawn[size : size + NONCE], drawn[size + NONCE :].hex()
        salted = {
            name: kept.get(name) or rest[2 * SALT * at : 2 * SALT * (at + 1)]
            for at, name in enumerate(fields)
        }
        body = nonce + in_use.suite.cipher(key).encrypt(
            nonce, _known(fields, salted), _about(person)
        )
        return self._wrapped(version, person, key, body)

    def open(self, sealed: Sealed) -> Person:
        """Errors   RecordDamaged (alarm) where key or bytes are not what was sealed, or erased."""
        if sealed.wrapped is None or sealed.body is None:
            raise RecordDamaged("a person that was erased is asked for", person=sealed.person)
        key, body = self._key(sealed, sealed.wrapped), sealed.body
        try:
            cipher = in_use.suite.cipher(key)
            plain = cipher.decrypt(body[:NONCE], body[NONCE:], _about(sealed.person))
        except (InvalidTag, ValueError):
            raise RecordDamaged(
                "a person does not open under their key", id=sealed.person
            ) from None
        value: dict[str, Any] = json.loads(plain)
        return Person(sealed.person, value["fields"], value["salts"])

    def renew(self, sealed: Sealed) -> Sealed:
        """The same person under the current master key, and where asked for a new own key.

        Errors   RecordDamaged (alarm).
        """
        if sealed.wrapped is None or sealed.body is None:
            return sealed
        if sealed.master < self.master.fresh_from:
            person = self.open(sealed)
            return self.seal(person.id, person.fields, person.salts)
        key = self._key(sealed, sealed.wrapped)
        return self._wrapped(self.master.version, sealed.person, key, sealed.body)

    def _key(self, sealed: Sealed, wrapped: bytes) -> bytes:
        try:
            return self.master.unwrap(sealed.master, wrapped, KEY_AAD + sealed.person.encode())
        except (InvalidTag, ValueError):
            what = "a person's key does not open under the master key"
            raise RecordDamaged(what, id=sealed.person, master=sealed.master) from None

    def _wrapped(self, version: int, person: str, key: bytes, body: bytes) -> Sealed:
        wrapped = self.master.wrap(version, key, KEY_AAD + person.encode())
        return Sealed(person, version, wrapped, body)


def _about(person: str) -> bytes:
    return BODY_AAD + person.encode()


def _known(fields: Mapping[str, str], salts: Mapping[str, str]) -> bytes:
    """What is known of a person, as it is sealed; a book has a million of them.

    Errors   Refused identity.* as `canonical`.
    Same as  canonical({"fields": fields, "salts": salts}).
    """
    names, texts = "".join(fields), "".join(fields.values())
    plain = names.isascii() and "" not in fields and PLAIN.fullmatch(names + texts)
    if not (plain and unicodedata.is_normalized("NFC", texts) and salts.keys() == fields.keys()):
        return canonical({"fields": dict(fields), "salts": dict(salts)})
    parts = (",".join([f'"{name}":"{of[name]}"' for name in sorted(of)]) for of in (fields, salts))
    return '{{"fields":{{{}}},"salts":{{{}}}}}'.format(*parts).encode()


def check_fields(fields: Mapping[str, Any]) -> None:
    """Errors   Refused persons.bad_field; the value is not in the refusal, it is personal."""
    for name, value in fields.items():
        if not isinstance(value, str) or not 0 < len(value) <= 500:
            raise Refused(Refusal("persons.bad_field", {"field": name[:40], "limit": 500}))


def erased(person: str) -> Sealed:
    """What is left of a person after erasure: that there was one."""
    return Sealed(person, 0, None, None)


def link_guard(subject: str, person: str) -> bytes:
    """A digest of the row that says whom a subject's payments go to."""
    return Sealed(subject, 0, None, person.encode()).guard


def damaged(rows: Iterable[Sealed], guards: Iterable[bytes]) -> list[str]:
    """The persons whose rows are not what was written."""
    return [row.person for row, guard in zip(rows, guards, strict=True) if row.guard != guard]
