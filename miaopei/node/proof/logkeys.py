"""Which keys were a member's when: by the record, each until it was replaced.

A member puts another key into its seat by an act. From the leaf that says so on the earlier key
signs nothing more; what it signed before stays good. The key that is in force may sign any size: a
member that begins its record anew signs all of it once more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ...errors import Refused
from ...ledger import checkpoint
from ...ledger.checkpoint import VerifierKey


@dataclass(frozen=True)
class LogKeys:
    """`current` is the verifier key text of the key in force; `earlier` are public keys of the same
    member, raw in hex, each with the largest size of the log that it may have signed.
    """

    current: str
    earlier: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, leaves: Iterable[bytes], ours: str) -> LogKeys:
        """The keys of the member whose seat a verifier key stands in, or stood in, by the leaves;
        that key alone where it is in none, as in a record that one member orders.
        """
        read = checkpoint.read_verifier_key(ours)
        public = read.public.hex()
        seats = keys_of(leaves, "log").values()
        mine = next((keys for keys in seats if public in dict(keys)), [])
        if not mine:
            return cls(ours)
        newest = VerifierKey(read.name, bytes.fromhex(mine[-1][0])).as_text()
        ends = [position for _, position in mine[1:]]  # the last has none
        return cls(newest, tuple((key, end) for (key, _), end in zip(mine, ends, strict=False)))

    def of_text(self, text: str) -> str:
        """The verifier key by which a checkpoint is checked: that of an earlier key where one that
        may have signed this size did, else the current one.
        """
        try:
            read = checkpoint.parse(text)
            name = checkpoint.read_verifier_key(self.current).name
        except Refused:
            return self.current
        signed = {line.key_id for line in read.signatures}
        for public, end in self.earlier:
            key = VerifierKey(name, bytes.fromhex(public))
            if read.size <= end and key.key_id in signed:
                return key.as_text()
        return self.current


def keys_of(leaves: Iterable[bytes], what: str) -> dict[str, list[tuple[str, int]]]:
    """Member -> the keys that have stood in its seat as `log` or `box`, raw in hex, in order, each
    with the position of the leaf that put it there.
    """
    history: dict[str, list[tuple[str, int]]] = {}
    for position, leaf in enumerate(leaves):
        for seat in _seats(leaf):
            keys = history.setdefault(seat["member"], [])
            if not keys or keys[-1][0] != seat[what]:
                keys.append((seat[what], position))
    return history


def signer_of(leaves: Iterable[bytes], text: str) -> str | None:
    """The member by one of whose keys, as these leaves name them, a checkpoint is signed."""
    name = checkpoint.parse(text).origin
    for member, keys in keys_of(leaves, "log").items():
        for public, _ in keys:
            try:
                checkpoint.verify(text, VerifierKey(name, bytes.fromhex(public)).as_text())
            except (Refused, ValueError):
                continue
            return member
    return None


def _seats(leaf: bytes) -> Iterator[dict[str, Any]]:
    """The seats that a leaf gives; damaged leaves give none, and are named by the audit."""
    if b'"log":"' not in leaf:
        return
    try:
        match json.loads(leaf):
            case {"leaf": "genesis", "value": {"seats": list(given)}}:
                pass
            case {"leaf": "act", "act": {"kind": "convene", "body": {"seats": list(given)}}}:
                pass
            case {"leaf": "made", "what": "seat", "value": {"seat": dict(seat)}}:
                given = [seat]
            case _:
                return
    except ValueError:
        return
    for seat in given:
        if isinstance(seat, dict) and {"member", "log", "box"} <= set(seat):
            yield {name: str(seat[name]) for name in ("member", "log", "box")}
