"""A member's keys in one file of mode 0600: acts, checkpoints, the box that opens blobs.

Beside them, under `subjects`, the keys of subject tokens by group and version. All come from the
operating system's randomness and never enter a backup of the record.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import Refusal, Refused
from ..measures import suites
from ..measures.suites import Suite, in_use
from ..node.ports import Identity
from ..node.vault.tokens import KEY_BYTES, SubjectKeys
from .whole_files import write_whole

NAMES = ("acts", "log", "box")
SUBJECTS = "subjects"
SUITE = "suite"  # of the keys; absent in files of `intl`
EARLIER = "boxes"  # boxes that were in force before, the last first
NEXT = "next"  # a key for acts that is made, until the member goes by it alone
GRID = "grid"  # the group of a record's books and the grid's systems
_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,59}")


def load_or_make(path: Path, member: str) -> Identity:
    """The member's keys, made on first use for the suite in use.

    Errors   Refused keys.unreadable where the file is not ours to read or not a key file;
             suite.unknown, suite.keys where its keys are of another suite.
    """
    if not path.exists():
        _make(path, member)
    value, suite = _read(path), in_use.suite
    if (of := suites.named(value.get(SUITE, suites.DEFAULT))) is not suite:
        facts = {"path": str(path), "suite": of.name, "here": suite.name}
        raise Refused(Refusal("suite.keys", facts))
    try:
        earlier = [bytes.fromhex(box) for box in value.get(EARLIER, ())]
        raw = {name: bytes.fromhex(value[name]) for name in (*NAMES, NEXT) if name in value}
        return _identity(value["member"], raw, earlier)
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(path, error) from None


def fresh(member: str) -> Identity:
    """New keys of the suite in use, kept nowhere."""
    return _identity(member, _new())


def suite_at(path: Path) -> Suite:
    """The suite of the keys that lie there; the one in use where there are none yet.

    Errors   Refused keys.unreadable, suite.unknown.
    """
    return suites.named(_read(path).get(SUITE, suites.DEFAULT)) if path.exists() else in_use.suite


def change_keys(path: Path, log: bytes | None, box: bytes | None) -> None:
    """Go by other keys from now on; an earlier box is kept, for what was sealed for it.

    Errors   Refused keys.unreadable.
    """
    value = _read(path)
    if log is not None:
        value["log"] = log.hex()
    if box is not None and value["box"] != box.hex():
        value[EARLIER] = [value["box"], *value.get(EARLIER, ())]
        value["box"] = box.hex()
    write_secret(path, value)


def make_next(path: Path) -> None:
    """Make the key for acts that shall follow, where none is made: on the disk when this returns.

    Errors   Refused keys.unreadable.
    """
    value = _read(path)
    if NEXT not in value:
        write_secret(path, {**value, NEXT: in_use.suite.new_signing(os.urandom).hex()})


def go_by_next(path: Path) -> None:
    """Forget the earlier key for acts: the record takes nothing under it any more.

    Errors   Refused keys.unreadable.
    """
    value = _read(path)
    if (key := value.pop(NEXT, None)) is not None:
        write_secret(path, {**value, "acts": key})


def subject_keys(path: Path, group: str) -> SubjectKeys:
    """The live keys of a group's subject tokens.

    Errors   Refused keys.unreadable, subject.no_key.
    """
    kept = _read(path).get(SUBJECTS, {}).get(group, {})
    try:
        keys = {int(version): bytes.fromhex(key) for version, key in kept.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise _unreadable(path, error) from None
    return SubjectKeys(group, keys)


def grid_keys(path: Path) -> SubjectKeys:
    """The keys that this record's books and the grid's systems share, made at first use.

    Errors   Refused keys.unreadable.
    """
    if GRID in _read(path).get(SUBJECTS, {}):
        return subject_keys(path, GRID)
    return add_subject_key(path, GRID)


def add_subject_key(
    path: Path, group: str, *, version: int | None = None, key: bytes | None = None
) -> SubjectKeys:
    """Keep one more version of a group's key: a new one, or the one that the other side has made.

    Errors   Refused keys.unreadable, subject.bad_group, subject.version_taken, subject.no_key.
    """
    if not _GROUP.fullmatch(group):
        raise Refused(Refusal("subject.bad_group", {"group": ascii(group)[:60]}))
    value = _read(path)
    kept = value.setdefault(SUBJECTS, {}).setdefault(group, {})
    number = 1 + max(map(int, kept), default=0) if version is None else version
    made = os.urandom(KEY_BYTES) if key is None else key
    if kept.setdefault(str(number), made.hex()) != made.hex():
        raise Refused(Refusal("subject.version_taken", {"group": group, "version": number}))
    keys = SubjectKeys(group, {int(v): bytes.fromhex(k) for v, k in kept.items()})
    write_secret(path, value)
    return keys


def retire_subject_key(path: Path, group: str, version: int) -> SubjectKeys:
    """Forget a version: no token of it can be made or recognised any more.

    Errors   Refused keys.unreadable, subject.no_key, subject.last_version.
    """
    keys = subject_keys(path, group)
    left = {number: key for number, key in keys.keys.items() if number != version}
    if not left:
        raise Refused(Refusal("subject.last_version", {"group": group, "version": version}))
    value = _read(path)
    value[SUBJECTS][group] = {str(number): key.hex() for number, key in left.items()}
    write_secret(path, value)
    return SubjectKeys(group, left)


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
        if not isinstance(value, dict):
            raise TypeError("no object")
    except (OSError, ValueError, TypeError) as error:
        raise _unreadable(path, error) from None
    return value


def _unreadable(path: Path, error: Exception) -> Refused:
    return Refused(Refusal("keys.unreadable", {"path": str(path), "why": type(error).__name__}))


def _make(path: Path, member: str) -> None:
    suite = in_use.suite
    kind = {} if suite.name == suites.DEFAULT else {SUITE: suite.name}
    made = {name: raw.hex() for name, raw in _new().items()}
    write_secret(path, {"member": member, **kind, **made})


def _new() -> dict[str, bytes]:
    suite = in_use.suite
    makers = {"acts": suite.new_signing, "log": suite.new_signing, "box": suite.new_box}
    return {name: make(os.urandom) for name, make in makers.items()}


def _identity(member: str, raw: Mapping[str, bytes], earlier: Sequence[bytes] = ()) -> Identity:
    suite = in_use.suite
    acts, log = (suite.signing(raw[name]) for name in ("acts", "log"))
    boxes = tuple(map(suite.box, earlier))
    following = suite.signing(raw[NEXT]) if NEXT in raw else None
    return Identity(member, acts, log, suite.box(raw["box"]), boxes, following)


def write_secret(path: Path, value: Mapping[str, Any]) -> None:
    """Write a file of its owner alone at once or not at all; on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(value).encode("ascii"))
