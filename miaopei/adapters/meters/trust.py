"""Which concentrators are trusted, with which keys, and where the broker is: a file of the member.

`concentrators.json` in the data folder, written by `miaopei meters admit`. No secret is in it; the
certificates lie in the folder of the broker.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..grid.message import no
from ..grid.push.trust import write_open

FILE = "concentrators.json"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}", re.ASCII)  # stands in topics and access rules
_KEY = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Concentrators:
    """The source they speak for, the broker, and each one's keys (hex)."""

    source: str
    host: str
    port: int
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)


def load(folder: Path) -> Concentrators | None:
    """What the file says; None where there is none. Errors   Refused grid.bad_trust."""
    path = folder / FILE
    if not path.exists():
        return None
    try:
        value = json.loads(path.read_text("utf-8"))
        keys = {name: tuple(given) for name, given in value["keys"].items()}
        found = Concentrators(value["source"], value["host"], value["port"], keys)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise no("bad_trust", path=str(path), why=type(error).__name__) from None
    for name, given in found.keys.items():
        check(name, given)
    return found


def keep(folder: Path, known: Concentrators) -> None:
    """Write the file at once or not at all."""
    value: dict[str, Any] = {"source": known.source, "host": known.host, "port": known.port}
    value["keys"] = {name: list(keys) for name, keys in sorted(known.keys.items())}
    write_open(folder / FILE, value)


def check(name: str, keys: tuple[str, ...]) -> None:
    """Errors   Refused grid.bad_trust for a name or key that cannot be."""
    if not _ID.fullmatch(name) or not keys or not all(map(_KEY.fullmatch, keys)):
        why = "a concentrator's id is letters, digits, _ and -; a key 64 hex digits"
        raise no("bad_trust", path=ascii(name)[:60], why=why)
