"""Subject tokens: what stands for a customer in scope lists and policies, never the number itself.

HMAC-SHA-256 of the customer number under a key that a source's operator and a book's group share,
so that both sides name the same person and nobody else can guess who it is. A key has a version;
while policies of an older one are in force both are live, and a list names a customer once under
each. Source: docs/specs/persons.md, section 1.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from ...errors import Refusal, Refused

DOMAIN = b"miaopei/v1/subject\0"
KEY_BYTES = 32
_NUMBER = re.compile(r"[\x21-\x7e]{1,64}")


def token(key: bytes, customer: str) -> str:
    """64 hex digits for a customer number, which is taken as it is written.

    Errors   Refused subject.bad_number; the number is not in the refusal, it is personal.
    """
    if not _NUMBER.fullmatch(customer):
        raise Refused(Refusal("subject.bad_number", {"length": len(customer)}))
    return hmac.new(key, DOMAIN + customer.encode("ascii"), sha256).hexdigest()


@dataclass(frozen=True)
class SubjectKeys:
    """The live keys of one group, by version; the highest is the one that new policies take.

    Errors   Refused subject.no_key where there is none.
    """

    group: str
    keys: Mapping[int, bytes] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.keys or any(len(key) != KEY_BYTES for key in self.keys.values()):
            raise Refused(Refusal("subject.no_key", {"group": self.group[:60]}))

    @property
    def version(self) -> int:
        """The version that is current."""
        return max(self.keys)

    def token(self, customer: str) -> str:
        """The token under the current key.

        Errors   Refused subject.bad_number.
        """
        return token(self.keys[self.version], customer)

    def tokens(self, customer: str) -> dict[int, str]:
        """The tokens under every live key by version: what a list must name during a rotation.

        Errors   Refused subject.bad_number.
        """
        return {version: token(key, customer) for version, key in sorted(self.keys.items())}
