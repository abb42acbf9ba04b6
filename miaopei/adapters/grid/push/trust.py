"""Whose keys are taken for whose word, and where each source is asked again: a file of the member.

Public keys and addresses only. `sources.json` in the data folder, written by `miaopei feed trust`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..message import no

FILE = "sources.json"
_KEY = re.compile(r"[0-9a-f]{64}", re.ASCII)
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}", re.ASCII)


@dataclass(frozen=True)
class Trusted:
    """One source: the keys that may sign for it, and where it is asked again (None: nowhere)."""

    keys: tuple[str, ...]
    url: str | None


def load(folder: Path) -> dict[str, Trusted]:
    """All that are trusted; none where there is no file. Errors   Refused grid.bad_trust."""
    path = folder / FILE
    if not path.exists():
        return {}
    try:
        value = json.loads(path.read_text("utf-8"))
        return {
            source: _good(source, Trusted(tuple(each["keys"]), each["url"]))
            for source, each in value.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise no("bad_trust", path=str(path), why=type(error).__name__) from None


def add(folder: Path, source: str, key: str, url: str | None) -> Trusted:
    """Trust a key for a source, beside those it has; `url` takes the place of the one before.

    Errors   Refused grid.bad_trust.
    """
    known = load(folder)
    old = known.get(source, Trusted((), None))
    known[source] = _good(
        source, Trusted(tuple(dict.fromkeys((*old.keys, key))), old.url if url is None else url)
    )
    value = {name: {"keys": list(t.keys), "url": t.url} for name, t in sorted(known.items())}
    write_open(folder / FILE, value)
    return known[source]


def write_open(path: Path, value: Mapping[str, Any]) -> None:
    """Write a file without secrets at once or not at all."""
    aside = path.with_name(f".{path.name}.writing")
    aside.write_text(json.dumps(value, indent=2) + "\n", "utf-8")
    aside.replace(path)


def owners(trusted: Mapping[str, Trusted]) -> dict[str, str]:
    """Key (hex) -> source. Errors   Refused grid.bad_trust where a key stands for two."""
    found: dict[str, str] = {}
    for source, each in trusted.items():
        for key in each.keys:
            if found.setdefault(key, source) != source:
                raise no("bad_trust", path=FILE, why="one key for two sources")
    return found


def _good(source: str, trusted: Trusted) -> Trusted:
    place = urlsplit(trusted.url or "http://x")
    good = _ID.fullmatch(source) and all(map(_KEY.fullmatch, trusted.keys))
    if not good or place.scheme not in ("http", "https") or not place.hostname:
        raise no("bad_trust", path=source[:60], why="id, key (64 hex digits) or address")
    return trusted
