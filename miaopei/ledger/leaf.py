"""How entries are framed. What an entry says is decided elsewhere; here it is bytes.

An entry of the log is at most 65,535 bytes, so that its length fits the two bytes in front of it
in an entry bundle. Source: C2SP tlog-tiles, "Log entries".
"""

from __future__ import annotations

from ..errors import Refusal, Refused

LARGEST_ENTRY = 65_535
LENGTH_BYTES = 2


def check_entry(data: bytes) -> None:
    """Refuse an entry that cannot be framed.

    Errors   Refused ledger.entry_too_long above 65,535 bytes; put the bulk into a blob.
    """
    if len(data) > LARGEST_ENTRY:
        raise Refused(
            Refusal("ledger.entry_too_long", {"length": len(data), "limit": LARGEST_ENTRY})
        )


def framed(data: bytes) -> bytes:
    """The entry with its length (16 bits, most significant byte first) in front."""
    check_entry(data)
    return len(data).to_bytes(LENGTH_BYTES, "big") + data
