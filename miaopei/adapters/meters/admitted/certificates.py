"""Certificates for the broker and its clients, issued and revoked by an authority of our own.

What is issued is on file by name and serial number, so that all certificates of a client can be put
on the revocation list, with which the broker lets nobody in.
"""

from __future__ import annotations

import json
import os
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

AUTHORITY = "miaopei meters"
YEARS = 10
ISSUED, REVOKED = "issued.json", "crl.pem"  # name -> serial numbers (hex); the revocation list


def make(folder: Path) -> None:
    """The authority, once."""
    if not (folder / "ca.pem").exists():
        key = new_key(SECP256R1())
        write(folder / "ca.key", _pem(key))
        made = _certificate(AUTHORITY, key, None)
        write(folder / "ca.pem", made.public_bytes(Encoding.PEM))
    if not (folder / REVOKED).exists():
        _list(folder, {})


def issue(folder: Path, into: Path, name: str, *, host: str | None = None) -> None:
    """A key and certificate for a client (or, with `host`, the broker): NAME.key and NAME.pem."""
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = new_key(SECP256R1())
    made = _certificate(name, key, _authority(folder), host)
    issued = _issued(folder)
    issued.setdefault(name, []).append(f"{made.serial_number:x}")
    write(folder / ISSUED, json.dumps(issued, indent=2).encode())
    write(into / f"{name}.key", _pem(key))
    write(into / f"{name}.pem", made.public_bytes(Encoding.PEM))
    if into != folder:
        write(into / "ca.pem", (folder / "ca.pem").read_bytes())


def revoke(folder: Path, name: str) -> int:
    """Put every certificate on file for a name on the list; how many are newly on it."""
    found = x509.load_pem_x509_crl((folder / REVOKED).read_bytes())
    listed = {each.serial_number: each.revocation_date_utc for each in found}
    mine = {int(serial, 16) for serial in _issued(folder).get(name, ())}
    new = mine - listed.keys()
    if new:
        _list(folder, listed | dict.fromkeys(new, datetime.now(UTC)))
    return len(new)


def write(path: Path, data: bytes) -> None:
    """A file of its owner alone, at once or not at all."""
    aside = path.with_name(f".{path.name}.writing")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    aside.replace(path)


def _issued(folder: Path) -> dict[str, list[str]]:
    path = folder / ISSUED
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}


def _list(folder: Path, revoked: dict[int, datetime]) -> None:
    now = datetime.now(UTC)
    made = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(_named(AUTHORITY))
        .last_update(now - timedelta(hours=1))
        .next_update(now + timedelta(days=365 * YEARS))
    )
    for serial, at in sorted(revoked.items()):
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at)
        made = made.add_revoked_certificate(one.build())
    signed = made.sign(_authority(folder), hashes.SHA256())
    write(folder / REVOKED, signed.public_bytes(Encoding.PEM))


def _authority(folder: Path) -> EllipticCurvePrivateKey:
    key = load_pem_private_key((folder / "ca.key").read_bytes(), None)
    assert isinstance(key, EllipticCurvePrivateKey), "we made it"
    return key


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    name: str, key: EllipticCurvePrivateKey, authority: EllipticCurvePrivateKey | None,
    host: str | None = None,
) -> x509.Certificate:  # fmt: skip
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(AUTHORITY))
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
