"""A Mosquitto broker of our own: certificates, access rules and settings made here, then run.

TLS 1.3 only, a certificate for each client: its name is the user name and the client id, whatever
the client says, so that nobody takes over another's session; and the rules let it write its own
topics and read what is asked of it, nothing else. Who is on the revocation list is not let in.
Mosquitto keeps queued messages on disk.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...errors import OutsideFault, Refusal, Refused
from ..postgres import account
from ..postgres.starter import shelter
from .admitted import certificates

NODE = "miaopei-node"  # this member's user at the broker
TOPIC = "miaopei/meters"
HANDED = ("ca.pem", "crl.pem", "server.pem", "server.key", "acl")  # what the broker reads
INSTALL = "sudo apt-get install -y mosquitto"
START_SECONDS = END_SECONDS = 60.0  # of waits that end early; a machine under load takes its time
RULES = f"""\
user {NODE}
topic read {TOPIC}/+/batch
topic read {TOPIC}/+/state
topic write {TOPIC}/+/ask

pattern write {TOPIC}/%u/batch
pattern write {TOPIC}/%u/state
pattern read {TOPIC}/%u/ask
"""
SETTINGS = """\
per_listener_settings false
allow_anonymous false
acl_file {folder}/acl
persistence true
persistence_location {folder}/kept/
autosave_interval 30
max_queued_messages 0
max_inflight_messages 200
message_size_limit 1048576
persistent_client_expiration 14d
log_dest file {folder}/kept/broker.log
log_type error
log_type warning
log_type notice
listener {port} {host}
cafile {folder}/ca.pem
crlfile {folder}/crl.pem
certfile {folder}/server.pem
keyfile {folder}/server.key
require_certificate true
use_identity_as_username true
use_username_as_clientid true
tls_version tlsv1.3
"""


def program() -> Path:
    """Where Mosquitto is. Errors   Refused grid.no_mosquitto with the command that installs it."""
    found = shutil.which(
        "mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    )
    if found is None:
        raise Refused(Refusal("grid.no_mosquitto", {"command": INSTALL}))
    return Path(found)


def make(folder: Path, host: str) -> None:
    """The authority, the broker's and this member's certificates, and the rules; once."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    certificates.make(folder)
    if not (folder / "server.pem").exists():
        certificates.issue(folder, folder, "server", host=host)
        certificates.issue(folder, folder, NODE)
    certificates.write(folder / "acl", RULES.encode())


def listed(folder: Path) -> float:
    """When the revocation list was written last: with another one the broker starts again."""
    return (folder / certificates.REVOKED).stat().st_mtime


@contextmanager
def running(folder: Path, port: int, host: str = "127.0.0.1") -> Iterator[subprocess.Popen[bytes]]:
    """The broker of a folder, up and listening; stopped at the end, its queues on disk.

    As root it runs under the account that owns the folder's parts, never root's own.
    Errors   Refused grid.no_mosquitto; OutsideFault where it does not come up.
    """
    process = start(folder, port, host)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(END_SECONDS)


def start(folder: Path, port: int, host: str = "127.0.0.1") -> subprocess.Popen[bytes]:
    """Start the broker and wait until it listens. Errors   as `running`."""
    found, who = program(), account.choose(folder)
    place = _place(folder, who)
    certificates.make(folder)  # a folder of an earlier version has no list
    for name in HANDED:
        if place != folder:
            certificates.write(place / name, (folder / name).read_bytes())
    (place / "kept").mkdir(mode=0o700, exist_ok=True)
    settings = SETTINGS.format(folder=place, port=port, host=host)
    certificates.write(place / "mosquitto.conf", settings.encode())
    as_root = os.geteuid() == 0
    if as_root:
        names = ("", *HANDED, "mosquitto.conf", "kept")
        for path in (*(place / name for name in names), *(place / "kept").iterdir()):
            os.chown(path, who.uid, who.gid)
    with (folder / "start.log").open("ab") as log:
        process = subprocess.Popen(
            [found, "-c", place / "mosquitto.conf"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=place,
            user=who.uid if as_root else None,
            group=who.gid if as_root else None,
            extra_groups=[] if as_root else None,
        )  # fmt: skip
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection((host, port), 1).close()
            return process
        except OSError:
            time.sleep(0.05)
    process.kill()
    process.wait()
    said = (folder / "start.log").read_text("utf-8", "replace")[-300:]
    raise OutsideFault(f"the broker does not come up on port {port}: {said}", retry=True)


def kept(folder: Path) -> Path:
    """Where the broker keeps its queues and its log."""
    return _place(folder, account.choose(folder)) / "kept"


def _place(folder: Path, who: account.Account) -> Path:
    """Where the broker's account finds its files: the folder, or as root one that it can reach."""
    if who.reaches(folder.parent):
        return folder
    tag = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    place = shelter(folder) / f"broker-{tag}"
    with suppress(FileExistsError):
        place.mkdir(mode=0o700)
    return place
