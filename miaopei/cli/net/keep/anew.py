"""A member whose engine's key or file of signatures is gone returns under a new engine key.

The new key stands in its seat by an act of its own, signed with its kept keys and carried by
another member; the old key votes no more from the second block after. A new key has signed nothing,
so its file may begin at nothing. Cut short, the same command goes on where it stood.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ....acts.envelope import sign
from ....acts.freshness import BY_HAND
from ....adapters.engine import home
from ....adapters.engine.files.guard import MARK
from ....adapters.engine.home import ENGINE, SIGNED
from ....adapters.keys import load_or_make
from ....adapters.peers.certificate import certificate
from ....adapters.whole_files import write_whole
from ....measures.identity import content_id
from ....measures.suites import public_hex
from ....node.order.convening import Founding
from ....wiring import system_clock
from ....wiring.consortium import KEYS_FILE
from .. import control, mending
from ..life import telling, voting
from ..make import Keys, furnish
from ..own import acting, seat_file
from ..plan import Net, no, put_away

PENDING = "return.json"  # new private keys, until the member goes by them
TO_CARRY = "carry.json"  # the act that seats them, where another member must send it, for a week
NOTHING = {"height": "0", "round": 0, "step": 0}
NEEDED = ("priv_validator_key.json", "node_key.json", "genesis.json", "config.toml")


def return_under_new_keys(net: Net, member: str, said: Founding, address: str) -> Path | None:
    """Have the member seated under a new engine key, and where its engine's home is gone under new
    keys of its connections too; write them where they belong.

    `address` is that of the database server. Answers where the act lies that seats these keys and
    is only taken for sent: whether the record took it, this member cannot know before it is up.
    Errors   Refused act.rotated_lately and what else the record says.
    """
    at = net.at(member)
    homeless = not all((at / ENGINE / "config" / name).exists() for name in NEEDED)
    names = ("engine", "node", "peer") if homeless else ("engine",)
    pending = at / PENDING
    if not pending.exists():
        write_whole(pending, json.dumps({n: os.urandom(32).hex() for n in names}).encode("ascii"))
    kept = json.loads(pending.read_bytes())
    keys = {n: Ed25519PrivateKey.from_private_bytes(bytes.fromhex(kept[n])) for n in kept}
    taken = _seat(net, member, said, {name: public_hex(key) for name, key in keys.items()})
    if "node" in keys:
        _furnish(net, member, said, keys, address)
    else:
        home.write_keys(at / ENGINE, validator=keys["engine"])
        data = at / ENGINE / "data"
        data.mkdir(mode=0o700, exist_ok=True)
        write_whole(data / SIGNED, json.dumps(NOTHING).encode("ascii"))
    (at / MARK).unlink(missing_ok=True)
    pending.unlink()
    return taken


def _seat(net: Net, member: str, said: Founding, public: dict[str, str]) -> Path | None:
    """Put the new keys into the member's seat, by whoever of the others answers."""
    if net.own is not None:
        return _hand_out(net, member, said, public)
    seat = voting.seats(net).get(member)
    if seat is None:
        raise no("no_seat_there", member=member)
    if all(seat[name] == key for name, key in public.items()):
        return None  # an earlier run came so far
    acts = _acts(net, member, said, public)
    by = voting.other_up(net, member)
    control.call(net.at(by), "carry", acts=acts, seconds=voting.ACT_SECONDS)
    return None


def _acts(net: Net, member: str, said: Founding, public: dict[str, str]) -> list[dict[str, Any]]:
    """The act as a record wants it where acts name their ends, and where they do not.

    The member is down, and its own copy may be older than the rules in force: who carries it knows.
    Each has a name of its own: were they one act, whoever sees the file could have the wrong form
    refused first, and with it the right one.
    """
    identity = load_or_make(net.at(member) / KEYS_FILE, member)
    body = {"keys": public}
    ref = f"keys-{content_id('keys', body)[:24]}-{int(time.time())}"  # refused once is for good
    chain = content_id("chain", said.genesis)
    return [
        sign(identity.acts, chain, "rotate_keys", member, named, body, until).as_json()
        for named, until in ((ref, system_clock() + BY_HAND), (f"{ref}-endless", None))
    ]


def _hand_out(net: Net, member: str, said: Founding, public: dict[str, str]) -> Path:
    """On a machine of its own the member cannot ask who would send its act: it writes it into a
    file for one of the others, and goes on when it is told the same again.

    Should nobody have sent it, or the record have refused it, its new engine key has no vote, and
    signs nothing that counts: its status says so, and the file stays there to be sent. Where the
    file was taken away, another act is written that seats the same keys.
    Errors   Refused net.to_be_carried the first time.
    """
    path = net.folder / TO_CARRY
    if _seats(path, public):
        return path
    write_whole(path, json.dumps(_acts(net, member, said, public)).encode("ascii"))
    put_away(net)  # the member is down until it is told the same again
    raise no("to_be_carried", path=str(path))


def _seats(path: Path, public: dict[str, str]) -> bool:
    """Whether a file holds the act that seats these keys."""
    try:
        return bool(json.loads(path.read_bytes())[0]["body"]["keys"] == public)
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _furnish(
    net: Net, member: str, said: Founding, keys: dict[str, Ed25519PrivateKey], address: str
) -> None:
    """A new home for the engine, and the others told by which keys the member is known now."""
    shutil.rmtree(net.at(member) / ENGINE, ignore_errors=True)  # no key of it is in a seat any more
    at, place = net.at(member), net.seat(member)
    if net.own is not None:
        files = [net.seat_file(m) for m in net.members if m != member]
        others = [seat_file.read(path).known for path in files]
    else:
        seats = voting.seats(net)
        others = [telling.known(net, seats, m) for m in net.members if m != member and m in seats]
    identity = load_or_make(at / KEYS_FILE, member)
    shown = certificate(member, keys["peer"])
    made = Keys(identity, keys["engine"], keys["node"], keys["peer"])
    furnish(net, place, made, shown, others, said, address, said.file["time"])
    if net.own is not None:
        before = seat_file.read(net.seat_file(member)).seat
        public = {name: public_hex(key) for name, key in keys.items()}
        acting.write(net, {**before, **public})  # for the others, who must trust it first
        return
    bank = control.call(net.folder, "status")["bank"]
    if member in net.banked and bank is not None:
        mending.tell_bank(net, bank)
    telling.tell_others(net, member)
