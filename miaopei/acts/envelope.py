"""The signed act. What is signed, what its id covers, and how a signature is checked.

Keys and signatures are those of the record's suite, lower-case hex.
Source: docs/specs/record.md, section 2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ..errors import Refusal, Refused
from ..measures.identity import canonical, id_of, read_canonical
from ..measures.shape import exactly
from ..measures.suites import SigningKey, in_use, public_hex

ACT_BYTES_MAX = 60_000
# Lists and objects within one another, the act's own among them: less than canonical bytes may have
# (`identity.DEEPEST`), so that a parcel, a leaf and what apply makes of a body hold it too.
ACT_DEEPEST = 112
DOMAIN = b"miaopei/v1/act\0"
FIELDS = {"v", "chain", "kind", "by", "key", "ref", "body", "sig"}
ENDED = FIELDS | {"until"}  # of an act that names its end, which is of version 2
_LAST = b',"v":1}'  # what the bytes of a wish end with, whatever its body


@dataclass(frozen=True)
class Act:
    """A signed wish to change the shared record. `ref` is the sender's own name for it.

    Units    until: the last second of the record's time at which it may be taken; None: no end.
    """

    chain: str
    kind: str
    by: str
    key: str
    ref: str
    body: dict[str, Any]
    sig: str = ""
    until: int | None = None

    @cached_property
    def id(self) -> str:
        """Covers everything but signature and end: the same wish twice is one act, and so it is
        where it was signed again with a later end.
        """
        return id_of("act", self.wish_bytes)

    @cached_property
    def wish_bytes(self) -> bytes:
        """The canonical bytes of what is wished, whenever that ends."""
        return canonical({"v": 1, **self._wish()}, ACT_DEEPEST)

    @cached_property
    def signed_bytes(self) -> bytes:
        """The canonical bytes of what is signed: `until` and `v` come last in them.

        Same as  canonical(self.unsigned()).
        """
        if self.until is None:
            return self.wish_bytes
        return self.wish_bytes.removesuffix(_LAST) + b',"until":%d,"v":2}' % self.until

    @property
    def size(self) -> int:
        """Canonical bytes with the signature: `,"sig":""` is nine of them."""
        return len(self.signed_bytes) + len(self.sig) + 9

    @cached_property
    def signed_well(self) -> bool:
        """Whether the signature holds; found out once, at the door, and known when applied."""
        try:
            public, signature = bytes.fromhex(self.key), bytes.fromhex(self.sig)
        except ValueError:
            return False
        held = in_use.suite.verify(public, signature, DOMAIN + self.signed_bytes)
        return held and self.key == self.key.lower() and self.sig == self.sig.lower()

    def unsigned(self) -> dict[str, Any]:
        """The part that is signed."""
        ended = {"v": 1} if self.until is None else {"v": 2, "until": self.until}
        return {**ended, **self._wish()}

    def as_json(self) -> dict[str, Any]:
        """The form that stands in a leaf."""
        return {**self.unsigned(), "sig": self.sig}

    def to_bytes(self) -> bytes:
        """As it is written down before it is sent, so that a kill anywhere sends the same again."""
        return canonical(self.as_json())

    def _wish(self) -> dict[str, Any]:
        return {
            "chain": self.chain,
            "kind": self.kind,
            "by": self.by,
            "key": self.key,
            "ref": self.ref,
            "body": self.body,
        }


def sign(
    key: SigningKey,
    chain: str,
    kind: str,
    by: str,
    ref: str,
    body: Any,
    until: int | None = None,
) -> Act:
    """A signed act of one member, which may be taken up to `until` where that is given."""
    public = public_hex(key)
    act = Act(chain, kind, by, public, ref, body, until=until)
    return replace(act, sig=key.sign(DOMAIN + act.signed_bytes).hex())


def from_bytes(kept: bytes) -> Act:
    """An act that was written down. Errors   as `from_json`."""
    return from_json(read_canonical(kept))


def from_json(value: Any) -> Act:
    """An act from its JSON form.

    Errors   Refused act.malformed, act.too_large, identity.too_deep.
    """
    if not _has_fields(value):
        raise Refused(Refusal("act.malformed", {"why": "fields"}))
    texts = [value[name] for name in ("chain", "kind", "by", "key", "ref", "sig")]
    if not all(isinstance(text, str) for text in texts) or not isinstance(value["body"], dict):
        raise Refused(Refusal("act.malformed", {"why": "types"}))
    size = len(canonical(value, ACT_DEEPEST))
    if size > ACT_BYTES_MAX:
        raise Refused(Refusal("act.too_large", {"bytes": size, "limit": ACT_BYTES_MAX}))
    chain, kind, by, key, ref, sig = texts
    return Act(chain, kind, by, key, ref, value["body"], sig, value.get("until"))


def _has_fields(value: Any) -> bool:
    """Whether these are the fields of an act with or without an end."""
    if exactly(value, FIELDS):
        return bool(value["v"] == 1)
    if not exactly(value, ENDED) or type(value["v"]) is not int or value["v"] != 2:
        return False
    until = value["until"]
    return type(until) is int and until >= 0


def signature_holds(act: Act) -> bool:
    """Whether the signature is that of `act.key` over the act's canonical bytes."""
    return act.signed_well
