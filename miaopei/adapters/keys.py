"""A member's keys in one file of mode 0600: acts, checkpoints, the box that opens blobs.

They come from the operating system's randomness and never enter a backup of the record.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from ..errors import Refusal, Refused
from ..node.ports import Identity

NAMES = ("acts", "log", "box")


def load_or_make(path: Path, member: str) -> Identity:
    """The member's keys, made on first use.

    Errors   Refused keys.unreadable where the file is not ours to read or not a key file.
    """
    if not path.exists():
        _make(path, member)
    try:
        value = json.loads(path.read_text("utf-8"))
        raw = {name: bytes.fromhex(value[name]) for name in NAMES}
        return Identity(
            value["member"],
            Ed25519PrivateKey.from_private_bytes(raw["acts"]),
            Ed25519PrivateKey.from_private_bytes(raw["log"]),
            X25519PrivateKey.from_private_bytes(raw["box"]),
        )
    except (OSError, ValueError, KeyError) as error:
        raise Refused(
            Refusal("keys.unreadable", {"path": str(path), "why": type(error).__name__})
        ) from None


def _make(path: Path, member: str) -> None:
    value = {"member": member, **{name: os.urandom(32).hex() for name in NAMES}}
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
