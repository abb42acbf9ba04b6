"""The signed envelope around an observation: who received it, when, and from which bytes.

Many attestations may carry one observation. Signing and checking only; keys are read elsewhere.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from ..errors import Fact, Refusal, Refused
from ..measures.identity import canonical, digest
from ..measures.shape import exactly
from ..measures.suites import SigningKey, in_use, public_hex
from .observation import TOLERANCE, Observation
from .source import Source

INLINE = 4096  # bytes of an original that stand inside the attestation; longer ones lie in a blob
PREFIX = b"miaopei/v1/attestation\0"


@dataclass(frozen=True)
class Original:
    """The bytes that the observation was read from: digest, length, and where in which file.

    `bytes_b64` is null where the bytes are long or speak of persons: then they lie in a blob.
    """

    digest: str
    length: int
    media: str
    bytes_b64: str | None
    file_digest: str
    part: str

    @classmethod
    def of(
        cls, data: bytes, media: str, file_digest: str, part: str, *, persons: bool = False
    ) -> Original:
        """The original of one row, its bytes inside where they are short and public."""
        inside = len(data) <= INLINE and not persons
        text = base64.b64encode(data).decode("ascii") if inside else None
        return cls(digest(data), len(data), media, text, file_digest, part)

    def data(self) -> bytes | None:
        """The bytes themselves where they stand inside."""
        return None if self.bytes_b64 is None else base64.b64decode(self.bytes_b64)


@dataclass(frozen=True)
class Attestation:
    """One signed statement that a source said this, received then, from those bytes."""

    observation: str
    source: str
    key: str
    receiver: str
    received_at: int
    original: Original
    sig: str

    def as_json(self) -> dict[str, Any]:
        """The form that travels in an act."""
        return {**_plain(self), "sig": self.sig}

    @classmethod
    def from_json(cls, value: Any) -> Attestation:
        """Read one. Errors   Refused evidence.bad_attestation naming the field."""
        names = {"observation", "source", "key", "receiver", "received_at", "original", "sig"}
        if not exactly(value, names):
            raise _bad("fields")
        for name in names - {"received_at", "original"}:
            if not isinstance(value[name], str) or len(value[name]) > 200:
                raise _bad(name)
        if type(value["received_at"]) is not int:
            raise _bad("received_at")
        canonical(value)
        return cls(**{**value, "original": _original(value["original"])})


def statement(attestation: Attestation) -> bytes:
    """The bytes that are signed: a prefix and the canonical form without the signature."""
    return PREFIX + canonical(_plain(attestation))


def attest(
    private_key: SigningKey,
    observation: Observation,
    receiver: str,
    received_at: int,
    original: Original,
) -> Attestation:
    """Sign that `observation` was received."""
    key = public_hex(private_key)
    plain = Attestation(
        observation.id, observation.source, key, receiver, received_at, original, ""
    )
    return Attestation(**{**_parts(plain), "sig": private_key.sign(statement(plain)).hex()})


def verify(
    attestation: Attestation, observation: Observation, source: Source | None, now: int
) -> Refusal | None:
    """Why it does not vouch for the observation at block time `now`; None where it does."""
    name, at = attestation.source, attestation.received_at
    if source is None or not source.id == name == observation.source:
        return Refusal("evidence.unknown_source", {"source": name})
    if attestation.observation != observation.id:
        facts: dict[str, Fact] = {"stated": attestation.observation, "found": observation.id}
        return Refusal("evidence.id_mismatch", facts)
    entry = source.key(attestation.key)
    if entry is None:
        return Refusal("evidence.unknown_key", {"source": name, "key": attestation.key})
    if not _signed(attestation):
        return Refusal("evidence.forged", {"source": name, "key": attestation.key})
    for moment in (at, now):  # the signer chooses the one, the record the other
        if moment < entry.since:
            facts = {"source": name, "at": moment, "since": entry.since}
            return Refusal("evidence.key_not_yet", facts)
        if entry.until is not None and moment >= entry.until:
            facts = {"source": name, "at": moment, "until": entry.until}
            return Refusal("evidence.key_expired", facts)
    if at < observation.instant - TOLERANCE <= now:
        facts = {"instant": observation.instant, "received_at": at}
        return Refusal("evidence.received_before_event", facts)
    if at > now + TOLERANCE:
        late: dict[str, Fact] = {"instant": at, "received_at": now, "limit": TOLERANCE}
        return Refusal("evidence.in_future", late)
    data = attestation.original.data()
    if data is not None and (len(data), digest(data)) != (
        attestation.original.length,
        attestation.original.digest,
    ):
        return Refusal("evidence.original_mismatch", {"part": attestation.original.part})
    return None


def _signed(attestation: Attestation) -> bool:
    try:
        public, signature = bytes.fromhex(attestation.key), bytes.fromhex(attestation.sig)
    except ValueError:
        return False
    return in_use.suite.verify(public, signature, statement(attestation))


def _said(name: str) -> str:
    """The name of a field of an original on the record: digests bear that of their hash."""
    return name.replace("digest", in_use.suite.hash_name)


def _parts(attestation: Attestation) -> dict[str, Any]:
    return {name: getattr(attestation, name) for name in Attestation.__dataclass_fields__}


def _plain(attestation: Attestation) -> dict[str, Any]:
    original = attestation.original
    parts = {_said(name): getattr(original, name) for name in Original.__dataclass_fields__}
    plain = {**_parts(attestation), "original": parts}
    del plain["sig"]
    return plain


def _original(value: Any) -> Original:
    names = {_said(name) for name in Original.__dataclass_fields__}
    if not exactly(value, names):
        raise _bad("original")
    for name in names - {"length", "bytes_b64"}:
        if not isinstance(value[name], str) or len(value[name]) > 200:
            raise _bad(f"original.{name}")
    if type(value["length"]) is not int or value["length"] < 0:
        raise _bad("original.length")
    if value["bytes_b64"] is not None:
        try:
            inside = base64.b64decode(value["bytes_b64"], validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise _bad("original.bytes_b64") from None
        if len(inside) > INLINE:
            raise _bad("original.bytes_b64")
    return Original(**{name: value[_said(name)] for name in Original.__dataclass_fields__})


def _bad(field: str) -> Refused:
    return Refused(Refusal("evidence.bad_attestation", {"field": field}))
