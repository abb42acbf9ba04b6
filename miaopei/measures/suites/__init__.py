"""The suite of the record that this process is about.

A record names its suite in its genesis and keeps it for ever; everything hashed, signed or sealed
for it goes by that suite. Which one it is stands here once, as the alphabet of a text does, and not
in every call: whoever opens a record chooses (`use`), whoever looks at one file chooses for as long
as the look takes (`within`), and an opened record is compared with what was chosen (`demand`). The
choice holds for the whole process and all its threads. Source: docs/decisions/0014-suites.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar, overload

from ...errors import Refusal, Refused
from .intl import INTL
from .value import BoxKey, Cipher, PublicKey, SigningKey, Suite, is_hex, public_hex

__all__ = [
    "INTL", "KNOWN", "BoxKey", "Cipher", "OfSuite", "PublicKey", "SigningKey", "Suite",
    "by_note_type", "demand", "in_use", "is_hex", "named", "of_genesis", "of_public", "public_hex",
    "use", "within",
]  # fmt: skip

DEFAULT = INTL.name
# Suite -> the length of its public keys, and what stands before one in a signed note.
KNOWN = {"intl": (32, b"\x01"), "gm": (65, b"\xffmiaopei/gm/1\0")}
T = TypeVar("T")


class _InUse:
    """Where the choice stands; its hash beside it, which is asked for most."""

    __slots__ = ("digest", "suite")

    def __init__(self) -> None:
        self.take(INTL)

    def take(self, suite: Suite) -> None:
        """Go by this suite."""
        self.suite, self.digest = suite, suite.digest


in_use = _InUse()


def named(name: object) -> Suite:
    """A suite by its name.

    Errors   Refused suite.unknown; suite.not_installed where its library is missing.
    """
    if name == INTL.name:
        return INTL
    if name != "gm":
        raise _unknown(name)
    try:
        from .gm import GM
    except ImportError:
        raise Refused(Refusal("suite.not_installed", {"suite": "gm", "extra": "gm"})) from None
    return GM


def of_genesis(value: Any) -> Suite:
    """The suite of a record by its genesis value.

    Errors   Refused suite.unknown.
    """
    return named(value.get("suite") if isinstance(value, dict) else None)


def by_note_type(raw: bytes) -> str | None:
    """The name of the suite of a key in a signed note, by the type that stands before it."""
    return next((name for name, (_, kind) in KNOWN.items() if raw.startswith(kind)), None)


def of_public(text: str) -> str | None:
    """The name of the suite whose public keys have the form of this text; None where none has."""
    return next((name for name, (size, _) in KNOWN.items() if is_hex(text, size)), None)


def use(suite: Suite) -> None:
    """Go by this suite from now on."""
    in_use.take(suite)


@contextmanager
def within(suite: Suite) -> Iterator[None]:
    """Go by this suite for a while, then by the one before."""
    before = in_use.suite
    in_use.take(suite)
    try:
        yield
    finally:
        in_use.take(before)


def demand(name: object) -> None:
    """That a record of this suite is what we go by.

    Errors   Refused suite.unknown, suite.other.
    """
    if name not in KNOWN:
        raise _unknown(name)
    if name != in_use.suite.name:
        facts = {"suite": str(name)[:40], "here": in_use.suite.name}
        raise Refused(Refusal("suite.other", facts))


class OfSuite(Generic[T]):
    """A property that is computed once an object and suite: what hashes of a value rest on."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make, self.__doc__, self._name = make, make.__doc__, f"{make.__name__}@"

    @overload
    def __get__(self, it: None, owner: type) -> OfSuite[T]: ...
    @overload
    def __get__(self, it: object, owner: type) -> T: ...
    def __get__(self, it: object | None, owner: type) -> T | OfSuite[T]:
        if it is None:
            return self
        kept, key = it.__dict__, self._name + in_use.suite.name
        if key not in kept:
            kept[key] = self._make(it)
        found: T = kept[key]
        return found


def _unknown(name: object) -> Refused:
    facts = {"suite": str(name)[:40], "known": ", ".join(KNOWN)}
    return Refused(Refusal("suite.unknown", facts))
