"""The member's master key, which wraps the keys of persons: from the environment or a file.

A file of mode 0600 beside `keys.json`, apart from the database and from backups; several versions
while a rotation is under way. An HSM would be another class behind `node.vault.persons.Master`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ...errors import Refusal, Refused
from ...measures.suites import in_use
from ...node.vault.persons import PersonVault
from ...settings import MASTER_KEY, MASTER_KEY_FILE
from ..keys import write_secret

FILE = "master.key"
KEY_BYTES, NONCE = 32, 12


class MasterKeys:
    """Keys in this process by version; the highest wraps. Held in no `repr`."""

    shared = False

    def __init__(self, keys: Mapping[int, bytes], fresh_from: int = 0) -> None:
        if not keys or any(len(key) != KEY_BYTES or version < 1 for version, key in keys.items()):
            raise ValueError("keys of 32 bytes, versions from 1")
        suite = in_use.suite
        self._ciphers = {version: suite.cipher(suite.key_of(key)) for version, key in keys.items()}
        self.fresh_from = fresh_from

    @property
    def version(self) -> int:
        """The version that wraps from now on."""
        return max(self._ciphers)

    @property
    def versions(self) -> list[int]:
        """All that can be opened with."""
        return sorted(self._ciphers)

    def wrap(self, version: int, key: bytes, about: bytes) -> bytes:
        """A person's key, sealed with what it is about."""
        nonce = os.urandom(NONCE)
        return nonce + self._ciphers[version].encrypt(nonce, key, about)

    def unwrap(self, version: int, wrapped: bytes, about: bytes) -> bytes:
        """The person's key.

        Errors   Refused persons.no_master_version; InvalidTag where it is another's, or damaged.
        """
        cipher = self._ciphers.get(version)
        if cipher is None:
            known = ", ".join(map(str, self.versions))
            raise Refused(
                Refusal("persons.no_master_version", {"version": version, "known": known})
            )
        return cipher.decrypt(wrapped[:NONCE], wrapped[NONCE:], about)


class FromFile(MasterKeys):
    """Keys of a file that may be rotated while we run: what is new there is taken over when a key
    is wrapped, or one is asked for that is not known.

    A version that was retired meanwhile goes with this process: what was read a moment ago may
    still have to be opened with it. A worker process of ours is sent the path, never a key.
    """

    shared = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = _stamp(path)
        super().__init__(*_read(path))

    def __reduce__(self) -> tuple[type[FromFile], tuple[Path]]:
        return FromFile, (self.path,)

    @property
    def version(self) -> int:
        """The version that wraps from now on."""
        self.look()
        return max(self._ciphers)

    def unwrap(self, version: int, wrapped: bytes, about: bytes) -> bytes:
        """The person's key; a version that is not known is looked for in the file."""
        if version not in self._ciphers:
            self.look()
        return super().unwrap(version, wrapped, about)

    def look(self) -> None:
        """Take over what has changed in the file.

        Errors   Refused persons.master_unreadable.
        """
        if (now := _stamp(self.path)) != self._seen:
            before = self._ciphers
            super().__init__(*_read(self.path))
            self._ciphers, self._seen = {**before, **self._ciphers}, now


def chosen(folder: Path | None, environment: Mapping[str, str] = os.environ) -> MasterKeys:
    """The key that the environment holds or names, else that of the folder, made on first use.

    Errors   Refused persons.no_master_key, persons.master_unreadable.
    """
    if text := environment.get(MASTER_KEY):
        try:
            parts = [part.partition(":") for part in text.split(",")]
            return MasterKeys({int(version): bytes.fromhex(key) for version, _, key in parts})
        except ValueError:
            raise _unreadable(MASTER_KEY, "ValueError") from None
    named = environment.get(MASTER_KEY_FILE)
    if named is None and folder is None:
        raise Refused(Refusal("persons.no_master_key", {"name": MASTER_KEY}))
    path = Path(named) if named else Path(folder or "") / FILE
    if not path.exists():
        if named:
            raise _unreadable(named, "FileNotFoundError")
        write_secret(path, {"keys": {"1": os.urandom(KEY_BYTES).hex()}, "fresh_from": 0})
    return FromFile(path)


def vault(
    folder: Path | None,
    environment: Mapping[str, str] = os.environ,
    *,
    in_use: Callable[[], bool] | None = None,
) -> PersonVault:
    """The vault over the chosen key; none is made where `in_use` says that one was there before.

    Errors   Refused persons.no_master_key, persons.master_missing, persons.master_unreadable.
    """
    named = environment.get(MASTER_KEY) or environment.get(MASTER_KEY_FILE)
    if folder is not None and not named and not (folder / FILE).exists() and in_use and in_use():
        raise Refused(Refusal("persons.master_missing", {"path": str(folder / FILE)}))
    return PersonVault(chosen(folder, environment), os.urandom)


def add(path: Path, *, fresh: bool) -> int:
    """A further version, which wraps from now on; with `fresh` persons get new keys too.

    Errors   Refused persons.master_unreadable.
    """
    keys, fresh_from = _read(path)
    version = max(keys) + 1
    keys[version] = os.urandom(KEY_BYTES)
    write_secret(path, _as_json(keys, version if fresh else fresh_from))
    return version


def retire(path: Path, version: int) -> None:
    """Destroy a version: whatever is still wrapped by it, here or in a backup, is gone.

    Errors   Refused persons.master_in_use for the current one, persons.master_unreadable.
    """
    keys, fresh_from = _read(path)
    if version not in keys or version == max(keys):
        raise Refused(Refusal("persons.master_in_use", {"version": version, "count": 0}))
    del keys[version]
    write_secret(path, _as_json(keys, fresh_from))


def _as_json(keys: Mapping[int, bytes], fresh_from: int) -> dict[str, Any]:
    return {"keys": {str(v): key.hex() for v, key in keys.items()}, "fresh_from": fresh_from}


def _read(path: Path) -> tuple[dict[int, bytes], int]:
    try:
        value = json.loads(path.read_text("utf-8"))
        keys = {int(version): bytes.fromhex(key) for version, key in value["keys"].items()}
        MasterKeys(keys)
        return keys, int(value["fresh_from"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(str(path), type(error).__name__) from None


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise _unreadable(str(path), type(error).__name__) from None
    return found.st_ino, found.st_mtime_ns


def _unreadable(path: str, why: str) -> Refused:
    return Refused(Refusal("persons.master_unreadable", {"path": path, "why": why}))
