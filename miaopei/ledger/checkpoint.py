"""The signed head of the log: origin, size, root, signature.

A checkpoint (C2SP tlog-checkpoint) is the body of a signed note (C2SP signed-note) with a signature
of the suite: in `intl` Ed25519, type 0x01, as C2SP says. Lines signed by other keys
(co-signatures) are kept and ignored.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import NoReturn

from ..errors import Fact, Refusal, Refused
from ..measures.suites import PublicKey, SigningKey, by_note_type, demand, in_use
from .merkle import HASH_BYTES, LARGEST_SIZE

LARGEST_NOTE = 1_000_000
MOST_SIGNATURES = 100
_SIGNED_BY = "\u2014 "
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_KEY_ID = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True)
class Signature:
    """One signature line: who signed, under which key id, and the bytes."""

    name: str
    key_id: bytes
    value: bytes


@dataclass(frozen=True)
class VerifierKey:
    """A public key under a name, as others write it down: "name+key id+base64"."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        return key_id(self.name, self.public)

    def as_text(self) -> str:
        encoded = base64.b64encode(in_use.suite.note_type + self.public).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{encoded}"


@dataclass(frozen=True)
class Checkpoint:
    """The head of one log at one size. `signatures` are as read; only `verify` has checked one."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()
    signatures: tuple[Signature, ...] = field(default=(), compare=False)

    @property
    def body(self) -> str:
        """The text that is signed."""
        root = base64.b64encode(self.root).decode("ascii")
        return "\n".join((self.origin, str(self.size), root, *self.extensions)) + "\n"


def key_id(name: str, public: bytes) -> bytes:
    """The first four bytes of the hash of name, newline, signature type, public key."""
    suite = in_use.suite
    return suite.digest(name.encode("utf-8") + b"\n" + suite.note_type + public)[:4]


def verifier_key(name: str, public: PublicKey | SigningKey) -> str:
    """The verifier key text of a log: what a stranger needs beside the log itself.

    Errors   Refused ledger.key_name when the name is empty or holds a space or a plus sign.
    """
    half = public.public_key() if isinstance(public, SigningKey) else public
    _check_name(name)
    return VerifierKey(name, half.public_bytes_raw()).as_text()


def suite_of(vkey: str) -> str | None:
    """The name of the suite of a verifier key text; None where that cannot be read."""
    raw = _from_base64(vkey.partition("+")[2].partition("+")[2])
    return None if raw is None else by_note_type(raw)


def read_verifier_key(text: str) -> VerifierKey:
    """Read a verifier key text; only keys of the suite in use whose id fits.

    Errors   Refused ledger.vkey_malformed, suite.other.
    """
    suite, told = in_use.suite, suite_of(text)
    if told is not None:
        demand(told)
    name, _, rest = text.partition("+")
    told_id, _, encoded = rest.partition("+")
    raw = _from_base64(encoded)
    size = len(suite.note_type) + suite.public_bytes
    if raw is None or told != suite.name or len(raw) != size or not _name_fits(name):
        raise Refused(Refusal("ledger.vkey_malformed", {"vkey": text[:120]}))
    key = VerifierKey(name, raw[len(suite.note_type) :])
    if not _KEY_ID.fullmatch(told_id) or key.key_id.hex() != told_id:
        raise Refused(Refusal("ledger.vkey_malformed", {"vkey": text[:120]}))
    return key


def sign_note(text: str, name: str, private_key: SigningKey) -> str:
    """A signed note: text, blank line, one signature line."""
    _check_name(name)
    public = private_key.public_key().public_bytes_raw()
    value = key_id(name, public) + private_key.sign(text.encode("utf-8"))
    return f"{text}\n{_SIGNED_BY}{name} {base64.b64encode(value).decode('ascii')}\n"


def sign(origin: str, size: int, root: bytes, private_key: SigningKey) -> str:
    """The signed checkpoint of a log whose key bears the name of its origin.

    Errors   Refused ledger.key_name; ledger.checkpoint_malformed for a size or root out of range.
    """
    if not 0 <= size <= LARGEST_SIZE or len(root) != HASH_BYTES:
        _malformed("size or root is out of range")
    _check_name(origin)
    return sign_note(Checkpoint(origin, size, root).body, origin, private_key)


def parse(text: str | bytes) -> Checkpoint:
    """Read a checkpoint strictly, without believing it.

    Errors   Refused ledger.checkpoint_malformed, saying which part.
    """
    note = _as_text(text)
    body, blank, tail = note.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        _malformed("there is no signature block after a blank line")
    lines = body.split("\n")
    if len(lines) < 3 or not all(lines):
        _malformed("the text is not origin, size and root on lines of their own")
    origin, size, encoded, *extensions = lines
    root = _from_base64(encoded)
    if not _DECIMAL.fullmatch(size) or int(size) > LARGEST_SIZE:
        _malformed("the size is not a decimal number")
    if root is None or len(root) != HASH_BYTES:
        _malformed("the root is not base64 of 32 bytes")
    signed_by = tail[:-1].split("\n")
    if len(signed_by) > MOST_SIGNATURES:
        _malformed("there are too many signature lines")
    signatures = tuple(_signature(line) for line in signed_by)
    return Checkpoint(origin, int(size), root, tuple(extensions), signatures)


def verify(text: str | bytes, vkey: str) -> Checkpoint:
    """Read a checkpoint and check the signature of the log's own key.

    Every line of that key must verify and there must be one; lines of other keys are ignored.
    Errors   Refused ledger.vkey_malformed, checkpoint_malformed, checkpoint_origin,
             checkpoint_unsigned, checkpoint_signature.
    """
    key = read_verifier_key(vkey)
    head = parse(text)
    if head.origin != key.name:
        raise Refused(
            Refusal("ledger.checkpoint_origin", {"origin": head.origin[:120], "key": key.name})
        )
    ours = [s for s in head.signatures if (s.name, s.key_id) == (key.name, key.key_id)]
    facts: dict[str, Fact] = {"key": key.name, "key_id": key.key_id.hex(), "size": head.size}
    if not ours:
        raise Refused(Refusal("ledger.checkpoint_unsigned", facts))
    body = head.body.encode("utf-8")
    if not all(in_use.suite.verify(key.public, signature.value, body) for signature in ours):
        raise Refused(Refusal("ledger.checkpoint_signature", facts))
    return head


def _as_text(text: str | bytes) -> str:
    try:
        note = text.decode("utf-8") if isinstance(text, bytes) else text
        length = len(note.encode("utf-8"))
    except UnicodeError:
        _malformed("it is not UTF-8")
    if length > LARGEST_NOTE:
        _malformed("it is longer than 1,000,000 bytes")
    if any(letter < " " and letter != "\n" for letter in note):
        _malformed("it holds control characters")
    return note


def _signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_SIGNED_BY).partition(" ")
    value = _from_base64(encoded)
    if not line.startswith(_SIGNED_BY) or not _name_fits(name) or value is None or len(value) < 5:
        _malformed("a signature line is not dash, name and base64")
    return Signature(name, value[:4], value[4:])


def _from_base64(text: str) -> bytes | None:
    """Standard base64 with padding; None for any other spelling of the same bytes."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeError, binascii.Error):
        return None
    return data if base64.b64encode(data).decode("ascii") == text else None


def _name_fits(name: str) -> bool:
    """Not empty, no space, plus sign, control character or half of a surrogate pair."""
    return bool(name) and not any(
        c.isspace() or c == "+" or c < " " or "\ud800" <= c <= "\udfff" for c in name
    )


def _check_name(name: str) -> None:
    if not _name_fits(name):
        raise Refused(Refusal("ledger.key_name", {"name": name[:120]}))


def _malformed(why: str) -> NoReturn:
    raise Refused(Refusal("ledger.checkpoint_malformed", {"why": why}))
