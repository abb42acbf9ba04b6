"""A consortium's record in memory, block by block: who sits in it changes by real acts.

Nothing here orders or decides; it applies blocks as every member does, and keeps their leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from miaopei.acts import change_key
from miaopei.acts.apply import ActResult, apply_block
from miaopei.acts.envelope import Act, sign
from miaopei.acts.freshness import SINCE, USUAL
from miaopei.acts.raise_rules import rules_at
from miaopei.acts.rule_sets import RULES
from miaopei.acts.seats import KEYS, seats
from miaopei.acts.state import State
from miaopei.acts.wishes import name_of
from miaopei.adapters.memory_store import MemoryStore
from miaopei.market.listing import Listing, Overpaid
from miaopei.measures.identity import content_id
from miaopei.measures.instant import DAY
from miaopei.node.order.keep import found, keep
from tests.support.consortium import SIX, founder, genesis
from tests.support.products import hills
from tests.support.town import ONE_CARRIER, identity, secret


class Six:
    """Six members with a vote each; `put` makes a block of these acts."""

    def __init__(self, members: Sequence[str] = SIX, rules: int = RULES) -> None:
        self.store = MemoryStore()
        self.value = {**genesis(members), "rules": rules}
        found(self.store, self.value, identity(members[0]).log)
        self.chain = content_id("chain", self.value)
        self.count = 0

    def act(self, by: str, kind: str, body: dict[str, Any], later: int = 0) -> Act:
        """An act of a member, signed, for a block so much later; every one has its own name."""
        self.count += 1
        ref, end = f"{kind} {self.count}", self.end(later + USUAL)
        return sign(identity(by).acts, self.chain, kind, by, ref, body, end)

    def end(self, away: int = USUAL) -> int | None:
        """An end so far away, where the next block's rules want one."""
        with self.state() as state:
            rules = rules_at(state, self.height + 1)
        return self.now + away if rules >= SINCE else None

    def put(self, *acts: Act, later: int = 1) -> list[ActResult]:
        """One block, so many seconds after the last."""
        with self.store.writing() as block:
            state, head = State(block), block.head()
            made = apply_block(
                state, acts, height=head.height + 1, at=head.time + later,
                previous=head.root.hex(), keep_refused=True,
            )  # fmt: skip
            keep(block, state, made)
        return list(made.results)

    def say(self, by: str, kind: str, body: dict[str, Any], later: int = 1) -> str:
        """A member says something; "" where it was taken, else why not."""
        (result,) = self.put(self.act(by, kind, body, later), later=later)
        return "" if result.ok else result.refusals[0].code

    def take_back(self, by: str, kind: str, body: dict[str, Any], later: int = 1) -> str:
        """A member takes back its word; as `say`."""
        return self.say(by, "withdraw_approval", self.word(by, kind, body), later)

    def word(self, by: str, kind: str, body: dict[str, Any]) -> dict[str, str]:
        """A member's word as it stands now, named as its withdrawal names it."""
        name = name_of(kind, body)
        with self.state() as state:
            value = state.get("approval", name) or {"by": {}}
        return {"approval": name, "word": value["by"].get(by, "")}

    def all_say(self, members: Iterable[str], kind: str, body: dict[str, Any]) -> list[str]:
        """One after another, each in a block of its own."""
        return [self.say(member, kind, body) for member in members]

    @contextmanager
    def state(self) -> Iterator[State]:
        """The state, to read."""
        with self.store.reading() as reading:
            yield State(reading)

    @property
    def now(self) -> int:
        """The record's time."""
        with self.store.reading() as reading:
            return reading.head().time

    @property
    def height(self) -> int:
        """The last block."""
        with self.store.reading() as reading:
            return reading.head().height

    def powers(self) -> dict[str, int]:
        """Votes by member."""
        with self.state() as state:
            return {member: seat["power"] for member, seat in seats(state)}

    def leaves(self) -> list[bytes]:
        """Every entry of the log."""
        with self.store.reading() as reading:
            return list(reading.leaves(0, reading.head().size))

    def admit(self, member: str, roles: Sequence[str] = ("carrier", "decider")) -> None:
        """A further member, without a seat yet."""
        public = identity(member).acts.public_key().public_bytes_raw().hex()
        keys = [{"key": public, "since": 0, "until": None}]
        body = {"id": member, "name": {"zh": member, "en": member}, "operator": member,
                "roles": list(roles), "keys": keys}  # fmt: skip
        assert not self.say("utility", "admit_member", body)

    def wish(self, member: str, power: int = 1, tag: str = "", **more: Any) -> dict[str, Any]:
        """The body that seats a member; `tag` gives it keys of other names."""
        seat = founder(f"{member}{tag}").seat
        return {**seat, "member": member, "power": power, "until": self.now + DAY, **more}

    def new_key(self, member: str, name: str, until: int | None = None) -> dict[str, Any]:
        """The body that gives a member the key for acts of this name."""
        end = self.now + DAY if until is None else until
        return change_key.body_of(identity(name).acts, self.chain, member, end)

    def list_product(self, deciders: Sequence[str] = ("insurer", "regulator", "notary")) -> str:
        """A product, filed and listed."""
        product = hills()
        listing = Listing(
            id=product.id, product=product.id, book=product.id, placement=ONE_CARRIER,
            payer="insurer", standby_payer=None, deciders=tuple(deciders), k=2,
            kept_or_receivable=Overpaid.KEPT, occurrence_cap_fen=None, solo=False,
        )  # fmt: skip
        for share in ONE_CARRIER.shares:
            body = {"id": share.carrier, "name": {"zh": "承保人", "en": share.carrier},
                    "operator": share.carrier, "roles": ["carrier"], "keys": []}  # fmt: skip
            assert not self.say("utility", "admit_member", body)
        assert not self.say("utility", "file_product", {"product": product.as_json()})
        body = {"listing": listing.as_json(), "product": product.hash, "arrears": False}
        for member in dict.fromkeys(("utility", "insurer", *deciders)):  # each that it binds
            with self.state() as state:
                listed = state.has("listing", listing.id)
            assert listed or not self.say(member, "list_product", body)
        return listing.id


def fresh(name: str) -> str:
    """A public key of no seat yet; as a box it serves too."""
    return Ed25519PrivateKey.from_private_bytes(secret(name)).public_key().public_bytes_raw().hex()


def lived() -> Six:
    """A record on which every act of members' life was taken at least once."""
    six = Six()
    six.admit("seventh")
    wish = six.wish("seventh")
    assert six.all_say(SIX[:5], "seat_member", wish) == [""] * 5
    assert not six.say("seventh", "rotate_keys", {"keys": {n: fresh(f"7 {n}") for n in KEYS}})
    gone = {"member": "seventh", "reason": "its own wish", "until": six.now + DAY}
    assert six.all_say(SIX[:5], "unseat_member", gone) == [""] * 5
    mine = six.new_key("seventh", "seventh 2")
    assert not six.say("seventh", "change_key", mine)
    assert six.all_say(SIX[:5], "change_key", six.new_key("seventh", "seventh 3")) == [""] * 5
    listing = six.list_product()
    said = {"listing": listing, "reason": "a doubt about the source", "person": "Li"}
    for kind in ("pause_listing", "resume_listing"):
        assert six.all_say(["regulator", "insurer"], kind, said) == ["", ""]
    six.admit("eighth")
    doubted = six.wish("eighth")
    assert six.all_say(SIX[:4], "seat_member", doubted) == [""] * 4
    assert not six.take_back(SIX[3], "seat_member", doubted)
    assert not six.say(SIX[4], "seat_member", doubted)
    assert "eighth" not in six.powers()
    for height in (10**8, 10**8 // 2):  # that no history comes to; the second replaces the first
        raised = {"rules": RULES + 1, "height": height}
        assert six.all_say(SIX[:5], "raise_rules", raised) == [""] * 5
    return six
