"""What a member lacks: the blobs that the log names, who has named each, and in which turn they are
asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from typing import Any

from ...acts.state import State
from ...measures.identity import read_canonical
from ..ports import Reading
from ..vault.blobs import listing_named
from .naming import names_in

UPTO = "blobs/upto"  # leaves before this position were looked through
LACKING = "blobs/missing"  # of the blobs that they name, those that are not here
KEYLESS = "blobs/keyless"  # those that are here, and ours to read, and nobody gave us a key to them
NAMED_AT_MOST = 4  # of how many listings one member may say that a blob is sealed for them


def looked_through(reading: Reading) -> int:
    """The leaves before this position were looked through."""
    return int(reading.progress(UPTO) or b"0")


def lacking(reading: Reading) -> list[Missing]:
    """What was written down as missing."""
    return [Missing.read(each) for each in read_canonical(reading.progress(LACKING) or b"[]")]


def keyless(reading: Reading) -> list[Missing]:
    """What was written down as here without a key for us, all who might have one having said no."""
    return [Missing.read(each) for each in read_canonical(reading.progress(KEYLESS) or b"[]")]


@dataclass(frozen=True)
class Missing:
    """A blob that the log names and that is not here, or does not open here: its digest, media, who
    named it, the listing for whose readers it is sealed, where the record says so, its length in
    bytes, where that is said (else -1), and who has named it since, and for whom.

    Whoever names it may be its maker: one that saw it wait in the order may have been quicker.
    """

    blob: str
    media: str
    by: str
    listing: str = ""
    length: int = -1
    more: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, kept: Sequence[Any]) -> Missing:
        """As `as_json` gave it, now or before there were so many fields."""
        *first, more = kept if len(kept) == len(fields(cls)) else (*kept, ())
        return replace(cls(*first), more=tuple((str(by), str(of)) for by, of in more))

    def as_json(self) -> list[Any]:
        """For what is written down."""
        return [*astuple(self)[:-1], [list(each) for each in self.more]]

    @property
    def namings(self) -> tuple[tuple[str, str], ...]:
        """Who has named it, each with the listing that it is sealed for by this act."""
        return ((self.by, self.listing), *self.more)

    @property
    def makers(self) -> tuple[str, ...]:
        """Those of whom one has made it."""
        return tuple(dict.fromkeys(by for by, _ in self.namings))

    def listings(self, by: str | None = None) -> list[str]:
        """The listings whose readers it may be sealed for, by one of those or by any."""
        return [listing for who, listing in self.namings if by in (None, who)]

    def also(self, named: Missing) -> Missing:
        """The same where another act has named it; a few times of one member at most."""
        count = sum(who == named.by for who, _ in self.namings)
        new = (named.by, named.listing) not in self.namings and count < NAMED_AT_MOST
        more = (*self.more, (named.by, named.listing)) if new else self.more
        length = max(self.length, named.length) if min(self.length, named.length) >= 0 else -1
        return replace(self, more=more, length=length)


def in_turn(missing: Iterable[Missing], denied: Mapping[str, int]) -> list[Missing]:
    """In which order they are asked for: of each that has named some one after another, and of its
    own first what was `denied` least often. So who names many waits for them itself.
    """
    of: dict[str, list[Missing]] = {}
    for each in missing:
        for maker in each.makers:
            of.setdefault(maker, []).append(each)
    rank: dict[str, int] = {}
    for theirs in of.values():
        for at, each in enumerate(sorted(theirs, key=lambda one: denied.get(one.blob, 0))):
            rank[each.blob] = min(at, rank.get(each.blob, at))
    once = {each.blob: each for theirs in of.values() for each in theirs}
    return sorted(once.values(), key=lambda one: rank[one.blob])


def named_in(leaf: bytes, state: State) -> Iterator[Missing]:
    """The blobs that an applied act names."""
    if not (b'"blob"' in leaf or b'"bytes_b64":null' in leaf):
        return
    match json.loads(leaf):
        case {
            "leaf": "act",
            "act": {"kind": str(kind), "by": str(by), "body": dict(body)} as act,
            "result": {"ok": True} as result,
        }:
            for each in names_in(act, result):
                length = each.get("length")
                said = length if type(length) is int and length >= 0 else -1
                listing = listing_named(state, kind, body, each["media"])
                yield Missing(each["blob"], each["media"], by, listing, said)
