"""Who has signed an HTTP message: RFC 9421 with Ed25519, the body by its digest (RFC 9530).

`keyid` is the public key in hex; whose it is stands in the file of trusted sources. The library
knows the RFC; which parts must be covered, how old a signature may be and whose key counts is here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
)
from http_message_signatures.algorithms import ED25519

from ..message import no

OLDEST = timedelta(minutes=5)  # since it was signed
SKEW = timedelta(seconds=60)  # that the signer's clock may be ahead or behind
REQUEST = ("@method", "@target-uri", "content-type", "content-digest")
ANSWER = ("@status", "content-type", "content-digest")


@dataclass(frozen=True)
class Pushed:
    """An HTTP request, as far as a signature speaks of it."""

    method: str
    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Answered:
    """An HTTP answer, as far as a signature speaks of it."""

    status_code: int
    headers: Mapping[str, str]


class _Keys(HTTPSignatureKeyResolver):
    def __init__(self, owners: Mapping[str, str]) -> None:
        self._owners = owners

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey:
        if key_id not in self._owners:
            raise HTTPMessageSignaturesException("unknown key")
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(key_id))

    def resolve_private_key(self, key_id: str) -> Any:
        raise HTTPMessageSignaturesException(f"we only verify, also with {key_id[:16]}")


class _Verifier(HTTPMessageVerifier):
    max_clock_skew = SKEW


def signer(message: Pushed | Answered, body: bytes | None, owners: Mapping[str, str]) -> str:
    """The source whose key has signed this message and its body; `owners`: key (hex) -> source.

    Without a body its headers alone are checked: whether it is worth reading at all.

    Errors   Refused grid.unsigned where a header is missing, grid.forged for anything that does not
             hold: an unknown key, another body, an old or future signature, too little covered.
    """
    wanted = {"signature", "signature-input", "content-digest", "content-type"}
    if missing := sorted(wanted - {name.lower() for name in message.headers}):
        raise no("unsigned", header=missing[0])
    parts = REQUEST if isinstance(message, Pushed) else ANSWER
    verifier = _Verifier(signature_algorithm=ED25519, key_resolver=_Keys(owners))
    try:
        (found,) = verifier.verify(message, max_age=OLDEST, require_components=parts, body=body)
    except (HTTPMessageSignaturesException, ValueError, TypeError, KeyError) as error:
        raise no("forged", why=str(error)[:120]) from None
    return owners[str(found.parameters["keyid"])]
