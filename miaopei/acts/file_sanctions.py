"""`file_sanctions`: a version of a sanctions list that applicants are looked up in.

Body: {id, name{zh,en}, version, digest, entries, sandbox}. The list itself is not on the record,
its digest is; every look-up says by which version it was made.
"""

from __future__ import annotations

from .base import Moment, Outcome, check_id, fields, refuse
from .blobs import is_digest
from .envelope import Act
from .state import State

KIND = "file_sanctions"
ROLES = frozenset({"operator", "regulator", "gateway"})


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for a version that does not follow the last one."""
    name, words, version, digest, entries, sandbox = fields(
        act.body, id=str, name=dict, version=int, digest=str, entries=int, sandbox=bool
    )
    check_id("id", name)
    fields(words, zh=str, en=str)
    if not is_digest(digest) or entries < 0:
        raise refuse("act.bad_body", field="digest", why="64 hex digits, and a count from 0")
    before = state.get("sanctions", name)
    wanted = 1 if before is None else before["version"] + 1
    if version != wanted:
        raise refuse("act.sanctions_version", id=name, version=version, wanted=wanted)
    entry = {
        "name": words,
        "version": version,
        "digest": digest,
        "entries": entries,
        "sandbox": sandbox,
        "at": now.time,
        "act": act.id,
    }
    state.put("sanctions", name, entry)
    return Outcome()
