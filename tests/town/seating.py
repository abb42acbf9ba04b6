"""Who has a seat, worked out once more from the log alone, and what follows for each block.

Nothing here asks the state or the engine: each seat's change must have been wanted by those who may
want it, no key comes back, and each block is signed by more than two thirds of the votes that were
in force two blocks before it, and by nobody else. What is sold while a listing is paused is seen.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from miaopei.acts.envelope import from_json
from miaopei.acts.pauses import NEEDED
from miaopei.acts.seats import KEYS
from miaopei.measures.identity import canonical

from .doubting import DOUBTED, Words
from .rekeying import KeysOfActs
from .world import Breach

if TYPE_CHECKING:
    from .engine import Engine, Votes

WANTED = ("seat_member", "unseat_member", "rotate_keys")
PAUSING = {"pause_listing": True, "resume_listing": False}
TELLING = tuple(f'"kind":"{kind}"'.encode() for kind in (*WANTED, *PAUSING, "admit_batch"))
SEAT = b'"what":"seat"'
REKEYS, TAKES_BACK = b'"kind":"change_key"', b'"kind":"withdraw_approval"'
WORDS = (*(f'"kind":"{kind}"'.encode() for kind in DOUBTED), TAKES_BACK)
REFUSAL = b'"refusals":'


class Seating:
    """Follows one log, leaf by leaf."""

    def __init__(self, genesis: dict[str, Any]) -> None:
        self.seats: dict[str, dict[str, Any]] = {s["member"]: s for s in genesis["seats"]}
        self.sets: list[tuple[int, Votes]] = [(1, self._votes())]
        self.gone: dict[str, tuple[str, int]] = {}  # engine key -> whose, first block without it
        self.paused: dict[str, dict[str, Any]] = {}  # listing -> {paused, said: members}
        self.changes = 0
        self.sold: Counter[str] = Counter()  # batches by book
        self._keys = {seat[name]: seat["member"] for seat in self.seats.values() for name in KEYS}
        self.acts, self.words = KeysOfActs(), Words()
        self._acts: dict[str, dict[str, Any]] = {}
        self._refused: set[str] = set()
        self._read = self._checked = 0

    def read(self, leaves: list[bytes]) -> None:
        """What the log says next."""
        for leaf in leaves:
            if SEAT in leaf:
                self._seated(json.loads(leaf))
            elif leaf.startswith(b'{"act":') and any(kind in leaf for kind in TELLING):
                self._said(json.loads(leaf))
            if leaf.startswith(b'{"act":') and (self._refused or REFUSAL in leaf):
                self._again(json.loads(leaf))
            if leaf.startswith(b'{"act":') and any(kind in leaf for kind in WORDS):
                self._word(json.loads(leaf))
            if leaf.startswith(b'{"act":') and (self.acts.now or REKEYS in leaf):
                self.acts.read(json.loads(leaf), self._powers())

    def _word(self, leaf: dict[str, Any]) -> None:
        """Where it is taken back, it gives nobody a key either."""
        if name := self.words.read(leaf):
            self.acts.taken_back(name, leaf["act"]["by"])

    def _again(self, leaf: dict[str, Any]) -> None:
        """An act that was refused does not come back: neither taken nor refused once more."""
        name = _id(leaf["act"])
        if name in self._refused:
            raise Breach("refused, and came back", act=name)
        if not leaf["result"]["ok"]:
            self._refused.add(name)

    def signed(self, engine: Engine, upto: int) -> None:
        """Each block up to this one that was not looked at yet. What changes the votes on it stands
        two blocks before it, so it has been read.
        """
        for height in range(self._checked + 1, upto + 1):
            votes = self.voters(height)
            if engine.voters(height) != votes:
                raise Breach("votes are not those of the seats", height=height)
            signed = engine.chain[height - 1].signed
            for key in signed:
                if (left := self.gone.get(key)) is not None and left[1] <= height:
                    raise Breach("a key out of force signed", member=left[0], height=height)
            weight = sum(votes.get(key, 0) for key in set(signed))
            if 3 * weight <= 2 * sum(votes.values()) or not set(signed) <= set(votes):
                raise Breach("signed by too few", height=height, weight=weight)
            self._checked = height

    def voters(self, height: int) -> Votes:
        """Who votes on a block."""
        return next(votes for since, votes in reversed(self.sets) if since <= height)

    def _votes(self) -> Votes:
        return {s["engine"]: s["power"] for s in self.seats.values() if s["power"]}

    def _powers(self) -> dict[str, int]:
        return {name: seat["power"] for name, seat in self.seats.items()}

    def _said(self, leaf: dict[str, Any]) -> None:
        act, ok = leaf["act"], leaf["result"]["ok"]
        if not ok:
            return
        if act["kind"] in WANTED:
            self._acts[_id(act)] = act
        elif act["kind"] in PAUSING:
            self._pausing(act)
        else:
            book = act["body"]["book"]
            self.sold[book] += 1
            if self.paused.get(book, {}).get("paused"):
                raise Breach("sold while paused", book=book)

    def _pausing(self, act: dict[str, Any]) -> None:
        listing = act["body"]["listing"]
        here = self.paused.setdefault(listing, {"paused": False, "said": set()})
        if act["by"] not in self.seats:
            raise Breach("paused by one without a seat", by=act["by"])
        here["said"].add(act["by"])
        if len(here["said"]) >= NEEDED:
            here.update(paused=PAUSING[act["kind"]], said=set())

    def _seated(self, leaf: dict[str, Any]) -> None:
        member, seat = leaf["value"]["member"], leaf["value"]["seat"]
        self.words.counted(leaf["because"])
        self._wanted([self._acts[name] for name in leaf["because"]], member, seat)
        before = self.seats.pop(member, None)
        for name in KEYS:
            key = None if seat is None else seat[name]
            if key is not None and key in self._keys and key != (before or {}).get(name):
                raise Breach("a key comes back", member=member, key=name)
        height = leaf["height"] + 2
        if before is not None and (seat is None or seat["engine"] != before["engine"]):
            self.gone[before["engine"]] = (member, height)
        if seat is not None:
            self.seats[member] = seat
            self._keys |= {seat[name]: member for name in KEYS}
        self.sets.append((height, self._votes()))
        self.changes += 1

    def _wanted(self, acts: list[dict[str, Any]], member: str, seat: Any) -> None:
        """Its own word for its keys; else more than two thirds of the votes, of the same body."""
        kinds, bodies = {a["kind"] for a in acts}, {canonical(a["body"]) for a in acts}
        if kinds == {"rotate_keys"}:
            now = {**self.seats[member], **acts[0]["body"]["keys"]}
            right = len(acts) == 1 and acts[0]["by"] == member and seat == now
        else:
            powers = self._powers()
            said = sum(powers.get(name, 0) for name in {a["by"] for a in acts})
            right = len(kinds) == len(bodies) == 1 and 3 * said > 2 * sum(powers.values())
            asked = {k: v for k, v in acts[0]["body"].items() if k != "until"} if acts else {}
            right &= (kinds == {"seat_member"} and seat == asked) or (
                kinds == {"unseat_member"} and seat is None and asked["member"] == member
            )
        if not right:
            raise Breach("seated by too few", member=member, by=[a["by"] for a in acts])


def _id(act: dict[str, Any]) -> str:
    return from_json(act).id
