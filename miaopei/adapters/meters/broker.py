"""A Mosquitto broker of our own: certificates, access rules and settings made here, then run.

TLS 1.3 only, a certificate for each client: its name is the user name and the client id, whatever
the client says, so that nobody takes over another's session; and the rules let it write its own
topics and read what is asked of it, nothing else. Mosquitto keeps queued messages on disk.
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
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from ...errors import OutsideFault, Refusal, Refused
from ..postgres import account
from ..postgres.starter import shelter

NODE = "miaopei-node"  # this member's user at the broker
TOPIC = "miaopei/meters"
YEARS = 10
INSTALL = "sudo apt-get install -y mosquitto"
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
    if not (folder / "ca.pem").exists():
        key = new_key(SECP256R1())
        _write(folder / "ca.key", _pem(key))
        _write(
            folder / "ca.pem", _certificate("miaopei meters", key, None).public_bytes(Encoding.PEM)
        )
        issue(folder, folder, "server", host=host)
        issue(folder, folder, NODE)
    _write(folder / "acl", RULES.encode())


def issue(folder: Path, into: Path, name: str, *, host: str | None = None) -> None:
    """A key and certificate for a client (or, with `host`, the broker): NAME.key and NAME.pem."""
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = load_pem_private_key((folder / "ca.key").read_bytes(), None)
    assert isinstance(authority, EllipticCurvePrivateKey), "we made it"
    key = new_key(SECP256R1())
    _write(into / f"{name}.key", _pem(key))
    made = _certificate(name, key, authority, host)
    _write(into / f"{name}.pem", made.public_bytes(Encoding.PEM))
    if into != folder:
        _write(into / "ca.pem", (folder / "ca.pem").read_bytes())


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
        process.wait(20)


def start(folder: Path, port: int, host: str = "127.0.0.1") -> subprocess.Popen[bytes]:
    """Start the broker and wait until it listens. Errors   as `running`."""
    found, who = program(), account.choose(folder)
    place = _place(folder, who)
    for name in ("ca.pem", "server.pem", "server.key", "acl"):
        if place != folder:
            _write(place / name, (folder / name).read_bytes())
    (place / "kept").mkdir(mode=0o700, exist_ok=True)
    settings = SETTINGS.format(folder=place, port=port, host=host)
    _write(place / "mosquitto.conf", settings.encode())
    as_root = os.geteuid() == 0
    if as_root:
        names = ("", "ca.pem", "server.pem", "server.key", "acl", "mosquitto.conf", "kept")
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
    end = time.monotonic() + 15
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


def _place(folder: Path, who: account.Account) -> Path:
    """Where the broker's account finds its files: the folder, or as root one that it can reach."""
    if who.reaches(folder.parent):
        return folder
    tag = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    place = shelter(folder) / f"broker-{tag}"
    with suppress(FileExistsError):
        place.mkdir(mode=0o700)
    return place


def _certificate(
    name: str, key: EllipticCurvePrivateKey, authority: EllipticCurvePrivateKey | None,
    host: str | None = None,
) -> x509.Certificate:  # fmt: skip
    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named("miaopei meters"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
    )
    if host is not None:
        try:
            said: x509.GeneralName = x509.IPAddress(ip_address(host))
        except ValueError:
            said = x509.DNSName(host)
        made = made.add_extension(x509.SubjectAlternativeName([said]), critical=False)
    return made.sign(authority or key, hashes.SHA256())


def _pem(key: EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, data: bytes) -> None:
    aside = path.with_name(f".{path.name}.writing")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    aside.replace(path)
