"""TLS by members' own keys: a certificate is a key in the form that TLS wants, and no more.

Each side trusts exactly the certificates it was given, and then asks the record whose key it is.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from ...measures.suites import public_hex

SINCE, UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)


def certificate(member: str, key: Ed25519PrivateKey) -> str:
    """A self-signed certificate (PEM). How long a key counts is said by the record, not here."""
    raw = public_hex(key)
    # A name of its own for each key, so that a member's old and new certificate are told apart.
    who = (NameOID.COMMON_NAME, member), (NameOID.SERIAL_NUMBER, raw)
    name = x509.Name([x509.NameAttribute(*part) for part in who])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(SINCE)
        .not_valid_after(UNTIL)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, None)
    )
    return built.public_bytes(Encoding.PEM).decode("ascii")


def private_pem(key: Ed25519PrivateKey) -> bytes:
    """The private key as TLS reads it from a file."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def pem_of(text: str) -> str:
    """The certificate in a file that holds a private key before it."""
    return text[text.index("-----BEGIN CERTIFICATE") :]


def key_of(der: bytes | None) -> str:
    """The public key (hex) in a certificate that the other side has shown; "" where it is none."""
    if der is None:
        return ""
    key = x509.load_der_x509_certificate(der).public_key()
    return key.public_bytes_raw().hex() if isinstance(key, Ed25519PublicKey) else ""


def context(certificate_file: Path, trusted: Iterable[str], *, server: bool) -> ssl.SSLContext:
    """TLS 1.3 with our certificate and key (one file), trusting these certificates only."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.check_hostname = False  # whose key it is, is asked of the record
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_cert_chain(certificate_file)
    trust(made, *trusted)
    return made


def trust(context: ssl.SSLContext, *certificates: str) -> None:
    """Trust these as well, from the next connection on. Whose they are is asked of the record."""
    context.load_verify_locations(cadata="".join(certificates))
