"""Which concentrators are trusted, with which keys, and where the broker is: a file of the member.

`concentrators.json` in the data folder, written by `miaopei meters admit` and `revoke`; no secret
is in it. Who reads whom is `readers.json`; certificates lie in the folder of the broker.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ....errors import Refused
from ...grid.message import no
from ...grid.push.trust import write_open
from . import readers
from .readers import Readers

FILE = "concentrators.json"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}", re.ASCII)  # stands in topics and access rules
_KEY = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Concentrators:
    """The source they speak for, the broker, each one's keys (hex), and what each reads.

    `unsealed`: those whose batches are taken although they are not sealed. `revoked`: key -> UTC
    second; what comes from then on under it is refused.
    """

    source: str
    host: str
    port: int
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    readers: Readers = field(default_factory=Readers)
    revoked: dict[str, int] = field(default_factory=dict)
    unsealed: frozenset[str] = frozenset()

    def keys_at(self, name: str, at: int) -> tuple[str, ...]:
        """The keys of a concentrator that count for what came at an instant."""
        return tuple(k for k in self.keys.get(name, ()) if at < self.revoked.get(k, at + 1))

    def is_revoked(self, name: str, now: int) -> bool:
        """Whether none of its keys counts any more."""
        return name in self.keys and not self.keys_at(name, now)

    def revoke(self, name: str, at: int) -> Concentrators:
        """Without all keys that a concentrator has now; one revoked before stays so."""
        until = {key: min(at, self.revoked.get(key, at)) for key in self.keys[name]}
        return replace(self, revoked=self.revoked | until)


def load(folder: Path) -> Concentrators | None:
    """What the file says; None where there is none. Errors   Refused grid.bad_trust."""
    path = folder / FILE
    if not path.exists():
        return None
    try:
        value = json.loads(path.read_text("utf-8"))
        keys = {name: tuple(given) for name, given in value["keys"].items()}
        revoked = {str(key): int(at) for key, at in value.get("revoked", {}).items()}
        found = Concentrators(
            value["source"], value["host"], value["port"], keys, readers.load(folder), revoked,
            frozenset(map(str, value.get("unsealed", ()))),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise no("bad_trust", path=str(path), why=type(error).__name__) from None
    for name, given in found.keys.items():
        check(name, given)
    return found


def keep(folder: Path, known: Concentrators) -> None:
    """Write the file at once or not at all."""
    value: dict[str, Any] = {"source": known.source, "host": known.host, "port": known.port}
    value["keys"] = {name: list(keys) for name, keys in sorted(known.keys.items())}
    value["revoked"] = dict(sorted(known.revoked.items()))
    value["unsealed"] = sorted(known.unsealed)
    write_open(folder / FILE, value)


class Following:
    """The register as it stands, read again once its files are others."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._seen = folder, _written(folder)
        self.known = load(folder)

    def now(self) -> Concentrators | None:
        """What the files say; what was known where they cannot be read."""
        if (written := _written(self._folder)) != self._seen:
            self._seen = written
            with suppress(Refused):
                self.known = load(self._folder)
        return self.known


def check(name: str, keys: tuple[str, ...]) -> None:
    """Errors   Refused grid.bad_trust for a name or key that cannot be."""
    if not _ID.fullmatch(name) or not keys or not all(map(_KEY.fullmatch, keys)):
        why = "a concentrator's id is letters, digits, _ and -; a key 64 hex digits"
        raise no("bad_trust", path=ascii(name)[:60], why=why)


def _written(folder: Path) -> tuple[int, ...]:
    paths = (folder / FILE, folder / readers.FILE)
    return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)
