"""A private body with its digest before it, or beside it, so that a changed bit is told."""

from __future__ import annotations

import hashlib

from ....errors import RecordDamaged

GUARD = b"\0"  # begins a body of `own` that carries its own digest


def guarded(key: str, body: bytes) -> bytes:
    """A private body with its digest before it, which covers its key too.

    Notes of progress and of uses stand in no leaf and no blob: nothing else would tell that a bit
    of them has changed. Guards against damage, not against who may write to the database.
    """
    return GUARD + hashlib.sha256(key.encode() + GUARD + body).digest() + body


def unguarded(key: str, data: bytes) -> bytes:
    """The body itself; one from before bodies were guarded is taken as it is.

    Errors   RecordDamaged where it is not what was written under this key.
    """
    if not data.startswith(GUARD):
        return data
    body = data[33:]
    if guarded(key, body) != data:
        raise RecordDamaged("a private row is not what was written", key=key)
    return body


def wrap_guard(name: str, reader: str, wrapped: bytes) -> bytes:
    """The digest beside a wrapped key: it opens for its reader alone, and nobody else can tell
    whether a bit of it has changed.
    """
    return hashlib.sha256(bytes.fromhex(name) + reader.encode() + GUARD + wrapped).digest()
