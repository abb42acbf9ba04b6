"""`net rotate`: a member puts new keys into its seat, then goes by them. For the key of its acts
see `keyed.changing`.

The new private keys are written down first, then their public halves go to the record, then the
member is stopped, its files are changed, and it starts again. Cut short anywhere, the same command
goes on where it stood. What the engine has signed stays in its file throughout.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ....acts.seats import KEYS
from ....adapters.engine import home
from ....adapters.engine.rpc import EngineRpc
from ....adapters.keys import change_keys
from ....adapters.peers.certificate import certificate, private_pem
from ....adapters.whole_files import write_whole
from ....errors import Refused
from ....measures.identity import content_id
from ....measures.suites import in_use, public_hex
from ....wiring.consortium import KEYS_FILE, TLS_FILE
from .. import control
from ..keyed.changing import ACT, change
from ..plan import Net, no
from . import telling, voting

PENDING = "rotation.json"  # new private keys, until the member goes by them
Secrets = dict[str, bytes]


@dataclass(frozen=True)
class Rotated:
    """The names of keys that changed, and sources that must be registered anew by it."""

    keys: list[str]
    sources: list[str]


def rotate(net: Net, member: str, which: Sequence[str] = ()) -> Rotated:
    """Change keys of a member: those of its seat where none is named.

    Errors   Refused net.key_unknown, net.is_down, and what the record says: then nothing has
             changed.
    """
    net.at(member)
    if unknown := sorted(set(which) - {*KEYS, ACT}):
        raise no("key_unknown", key=unknown[0][:20], known=", ".join((*KEYS, ACT)))
    sources = change(net, member) if ACT in which else []  # first: what is stolen ends at once
    keys = _of_seat(net, member, which) if set(which) != {ACT} else []
    return Rotated([*keys, *([ACT] if ACT in which else [])], sources)


def _of_seat(net: Net, member: str, which: Sequence[str]) -> list[str]:
    at = net.at(member)
    control.need(net.folder, member)
    pending = at / PENDING
    if not pending.exists():
        chosen = [name for name in KEYS if name in which or not which]
        text = json.dumps({name: _new(name).hex() for name in chosen})
        write_whole(pending, text.encode("ascii"))
    secrets = {name: bytes.fromhex(key) for name, key in json.loads(pending.read_bytes()).items()}
    body: dict[str, Any] = {"keys": {name: _public(name, key) for name, key in secrets.items()}}
    ref = f"keys-{content_id('keys', body)[:24]}"
    try:
        voting.act(net, member, "rotate_keys", ref, body)
    except Refused:
        pending.unlink()
        raise
    if "engine" in secrets:
        _until_it_votes(net, member, body["keys"]["engine"])
    with control.stopped(net.folder, member, voting.ACT_SECONDS):
        _go_by(net, member, secrets)
    telling.tell_others(net, member)
    pending.unlink()
    return list(secrets)


def _until_it_votes(net: Net, member: str, key: str) -> None:
    """A new engine key votes from the second block after its act on. The block between needs the
    earlier key, without which, where others are away, it would never come.

    Errors   OutsideFault (retry) where that block does not come.
    """
    if not voting.seats(net)[member]["power"]:
        return
    engine = EngineRpc(net.at(member) / home.RPC_SOCKET)
    why = "no block has come since; say the command again"
    control.until(lambda: any(v["key"] == key for v in engine.voters()), voting.ACT_SECONDS, why)


def _go_by(net: Net, member: str, secrets: Secrets) -> None:
    """Change the files of a member that is down; the same again changes nothing."""
    at = net.at(member)
    machine = ("engine", "node", "peer")
    keys = {name: _own(key) for name, key in secrets.items() if name in machine}
    home.write_keys(at / home.ENGINE, validator=keys.get("engine"), connection=keys.get("node"))
    if (peer := keys.get("peer")) is not None:
        shown = certificate(member, peer)
        write_whole(at / TLS_FILE, private_pem(peer) + shown.encode("ascii"))
    if {"log", "box"} & set(secrets):
        change_keys(at / KEYS_FILE, secrets.get("log"), secrets.get("box"))


def _new(name: str) -> bytes:
    """A new private key, raw; for checkpoints and blobs one of the record's suite."""
    suite = in_use.suite
    if name == "log":
        return suite.new_signing(os.urandom)
    return suite.new_box(os.urandom) if name == "box" else os.urandom(32)


def _public(name: str, key: bytes) -> str:
    """The public half of a private key, raw, in hex."""
    suite = in_use.suite
    made = suite.box(key) if name == "box" else suite.signing(key) if name == "log" else _own(key)
    return public_hex(made)


def _own(key: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key)
