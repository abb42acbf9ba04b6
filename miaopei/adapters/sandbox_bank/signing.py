"""The bank's own Ed25519 key, made at first use and kept in its folder, and what it signs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NAME = {
    "zh": "秒赔沙箱银行（沙箱，不动真实资金）",
    "en": "Miaopei Sandbox Bank (sandbox, no real money moves)",
}
DECLARES = {
    "zh": "本行没有支付过这一指令，今后也永不受理。",
    "en": "This bank has not paid this instruction and will never accept it.",
}


class Signer:
    """Signs messages and closing statements. The private key never leaves the bank's folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key: Ed25519PrivateKey | None = None

    def public_key(self) -> str:
        """The raw public key, 64 hex digits."""
        return self._private().public_key().public_bytes_raw().hex()

    def sign(self, message: bytes) -> str:
        """The signature over a message that goes out, hex."""
        return self._private().sign(message).hex()

    def close(self, instruction: str, held: str, at: int) -> tuple[str, str]:
        """A statement that the id is closed, as text, and the signature over its UTF-8 bytes."""
        statement = json.dumps(
            {
                "at": at,
                "bank": NAME,
                "declares": DECLARES,
                "held": held,
                "id": instruction,
                "kind": "closed_id",
                "sandbox": True,
            },
            ensure_ascii=False,
            sort_keys=True,
            separators=(",", ":"),
        )
        return statement, self.sign(statement.encode())

    def _private(self) -> Ed25519PrivateKey:
        # The library is read only here, so that starting the bank does not wait for it.
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if self._key is None:
            if not self._path.exists():
                _write_once(self._path, Ed25519PrivateKey.generate().private_bytes_raw())
            self._key = Ed25519PrivateKey.from_private_bytes(self._path.read_bytes())
        return self._key


def _write_once(path: Path, secret: bytes) -> None:
    """Whole or not at all: written beside, brought to disk, renamed."""
    beside = path.with_suffix(".new")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
