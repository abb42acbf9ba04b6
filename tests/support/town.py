"""A small town for tests: one member's record with carriers, sources, products and policies.

Everything is put there by real acts of a solo node; times pass by `time` acts. Keys and randomness
are derived from a name, so that the same steps give the same bytes anywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from miaopei.accounts.balance import TrialBalance, trial_balance
from miaopei.accounts.entry import Entry
from miaopei.acts.apply import ActResult
from miaopei.acts.envelope import Act, sign
from miaopei.acts.rule_sets import RULES
from miaopei.acts.state import State
from miaopei.adapters.keys import fresh
from miaopei.adapters.memory_store import MemoryStore
from miaopei.claims.claim import ClaimLeaf, claim_from_json
from miaopei.errors import Refused
from miaopei.market.examples import DALI_CO_INSURANCE
from miaopei.market.listing import Listing, Overpaid
from miaopei.market.placement import Placement, Share
from miaopei.measures.identity import canonical
from miaopei.measures.instant import from_beijing
from miaopei.measures.suites import INTL, in_use
from miaopei.node import gateway
from miaopei.node.effects.decider import Decider
from miaopei.node.effects.payer import Payer
from miaopei.node.node import Node, genesis_value
from miaopei.node.ports import Identity, Rail, Store
from miaopei.node.vault.blobs import seal_blob
from miaopei.policies.row import PolicyRow, Transaction
from miaopei.terms.filing import Product
from tests.support.products import AREA, area

START = "2015-01-01"
CARRIERS = tuple(share.carrier for share in DALI_CO_INSURANCE.shares)
ONE_CARRIER = Placement((Share(CARRIERS[0], 1_000_000),), illustrative=True)
SOURCES: Mapping[str, tuple[str, str]] = {
    "cenc.rapid": ("cenc", "shock"),
    "cenc.catalogue": ("cenc", "shock"),
    "other.rapid": ("other", "shock"),
    "third.rapid": ("third", "shock"),
    "usgs.comcat": ("usgs", "shock"),
    "loss.national": ("assessors", "loss_report"),
    "deaths.official": ("prefecture", "deaths"),
}
BOX = [15_000_000, 70_000_000, 55_000_000, 140_000_000]  # China, roughly


class Dice:
    """Bytes that look random and are the same in every run: SHA-256 over a name and a counter."""

    def __init__(self, name: str) -> None:
        self._name, self._count = name, 0

    def __call__(self, length: int) -> bytes:
        """The next `length` bytes."""
        data = b""
        while len(data) < length:
            data += hashlib.sha256(f"{self._name}/{self._count}".encode()).digest()
            self._count += 1
        return data[:length]


@cache
def _made(member: str, _suite: str) -> Identity:
    return fresh(member)


def secret(name: str) -> bytes:
    """32 bytes for a key, from its name."""
    return hashlib.sha256(f"key of {name}".encode()).digest()


def identity(member: str = "miaopei") -> Identity:
    """A member's keys, the same in every run (in suite `gm` as long as the process lives)."""
    if in_use.suite is not INTL:
        return _made(member, in_use.suite.name)
    return Identity(
        member,
        Ed25519PrivateKey.from_private_bytes(secret(f"{member}/acts")),
        Ed25519PrivateKey.from_private_bytes(secret(f"{member}/log")),
        X25519PrivateKey.from_private_bytes(secret(f"{member}/box")),
    )


class Town:
    """One member over any store. Nothing is listed yet; `list_product` and `issue` do that."""

    seals_for: str | None = None  # the listing whose readers open our lists; here there are none

    def __init__(
        self,
        store: Store | None = None,
        *,
        rail: Rail | None = None,
        name: str = "town",
        rules: int = RULES,
        clock: str = "replay",
    ) -> None:
        self.store: Store = store or MemoryStore()
        self.me = identity()
        self.node = Node(self.store, self.me, lambda: 0, Dice(name))
        value = genesis_value(
            name,
            self.me,
            clock=clock,
            time=from_beijing(START),
            origin=f"example.org/{name}",
            member_name={"zh": "秒赔", "en": "Miaopei"},
        )
        self.node.found({**value, "rules": rules})
        self.decider = Decider(self.node)
        self.payer = None if rail is None else Payer(self.node, rail)

    # setting up ----------------------------------------------------------------------------------
    def set_up(self, areas: Sequence[str] = (AREA,)) -> Town:
        """Members, sources (all attested by our key) and areas."""
        key = {"key": self.me.acts.public_key().public_bytes_raw().hex(), "since": 0, "until": None}
        acts = [
            self.act(
                "admit_member",
                {
                    "id": who,
                    "name": {"zh": who, "en": who},
                    "operator": who,
                    "roles": [role],
                    "keys": [],
                },
            )
            for who, role in (*((c, "carrier") for c in CARRIERS), ("dali", "policyholder"))
        ]
        acts += [
            self.act(
                "register_source",
                {
                    "id": source,
                    "operator": operator,
                    "name": {"zh": source, "en": source},
                    "kinds": [kind],
                    "counted": operator != "usgs",
                    "keys": [key],
                    "box": BOX if kind == "shock" else None,
                },
            )
            for source, (operator, kind) in SOURCES.items()
        ]
        acts += [self.act("file_area", area(code)) for code in areas]
        good(self.node.submit(acts))
        return self

    def admit(self, member: str, role: str) -> None:
        """A further member with a key of its own, to send acts by `act_of`."""
        key = identity(member).acts.public_key().public_bytes_raw().hex()
        body = {
            "id": member,
            "name": {"zh": member, "en": member},
            "operator": member,
            "roles": [role],
            "keys": [{"key": key, "since": 0, "until": None}],
        }
        good([self.send(self.act("admit_member", body))])

    def list_product(
        self,
        product: Product,
        *,
        name: str | None = None,
        placement: Placement = DALI_CO_INSURANCE,
        overpaid: Overpaid = Overpaid.KEPT,
        cap_fen: int | None = None,
        arrears: bool = False,
        deciders: Sequence[str] = ("miaopei",),
        k: int = 1,
        standby: str | None = None,
        takeover_seconds: int | None = None,
    ) -> str:
        """File a product if it is not filed, and list it; the listing's id, which is its book's."""
        me = self.me.member
        with self.node.reading() as (_, state):
            filed = state.has("product", product.hash)
        acts = [] if filed else [self.act("file_product", {"product": product.as_json()})]
        listing = Listing(
            id=name or product.id,
            product=product.id,
            book=name or product.id,
            placement=placement,
            payer=me,
            standby_payer=standby,
            deciders=tuple(deciders),
            k=k,
            kept_or_receivable=overpaid,
            occurrence_cap_fen=cap_fen,
            solo=len(deciders) == 1,
            takeover_seconds=takeover_seconds,
        )
        body = {"listing": listing.as_json(), "product": product.hash, "arrears": arrears}
        good(self.node.submit([*acts, self.act("list_product", body)]))
        return listing.id

    def policy(
        self,
        book: str,
        since: str = "2015-01-01",
        until: str = "2030-01-01",
        *,
        year_from: str | None = None,
        transaction: Transaction = Transaction.ISSUE,
        number: int = 1,
        policy: str | None = None,
        premium_fen: int = 1_000_000,
        **declared: int,
    ) -> PolicyRow:
        """A row; nothing is sent yet. Days in Beijing."""
        random = self.node.random
        return PolicyRow(
            book=book,
            policy=policy or random(16).hex(),
            transaction=transaction,
            number=number,
            since=from_beijing(since),
            until=from_beijing(until),
            year_from=from_beijing(year_from or since),
            premium_fen=premium_fen,
            salt=random(32).hex(),
            declared=declared,
        )

    def batch(self, rows: Sequence[PolicyRow], *, payable: bool = True, **changes: Any) -> Act:
        """The act that brings rows to their book, its blobs written; `changes` spoil its body.

        Each policy has an account on file, unless it is not `payable`.
        """
        book = rows[0].book
        with self.store.writing() as block:
            entry = State(block).need("listing", State(block).need("book", book)["listing"])
            placement = Placement.from_json(entry["listing"]["placement"])
            commitments = [row.commitment() for row in rows]
            sealed = seal_blob(
                block, self.node, [canonical(row.as_json()) for row in rows], commitments,
                "miaopei/rows/1",
            )  # fmt: skip
            plain = block.put_blob(b"".join(commitments), "miaopei/commitments/1")
            for row in rows:
                if payable and block.payee(f"policy/{row.policy}") is None:
                    account = {"account": f"P-{row.policy[:12]}", "name": "投保人"}
                    block.put_payee(f"policy/{row.policy}", account)
        parts = dict.fromkeys((share.carrier for share in placement.shares), 0)
        for row in rows:
            for carrier, fen in placement.split(row.premium_fen).items():
                parts[carrier] += fen
        body = {
            "book": book,
            "rows": sealed,
            "commitments": {
                "blob": plain,
                "length": 32 * len(rows),
                "count": len(rows),
                "root": sealed["root"],
                "media": "miaopei/commitments/1",
            },
            "totals": {
                "premium_fen": sum(parts.values()),
                "carriers": [{"carrier": c, "premium_fen": fen} for c, fen in parts.items()],
            },
        }
        return self.act("admit_batch", {**body, **changes})

    def issue(self, rows: Sequence[PolicyRow], *, payable: bool = True) -> list[PolicyRow]:
        """Bring rows in force: admitted, held by the decider, accounts on file."""
        good(self.node.submit([self.batch(rows, payable=payable)]))
        self.decider.run()
        return list(rows)

    def accounts(self, accounts: Mapping[str, str]) -> None:
        """Whom to pay and from where: subject -> account number."""
        with self.store.writing() as block:
            for subject, number in accounts.items():
                block.put_payee(subject, {"account": number, "name": "投保人"})

    # living --------------------------------------------------------------------------------------
    def act(self, kind: str, body: Mapping[str, Any], ref: str = "") -> Act:
        """An act of our own member, signed."""
        return self.node.act(kind, ref or kind, dict(body))

    def act_of(self, member: str, kind: str, body: Mapping[str, Any], ref: str = "") -> Act:
        """An act of another member, signed with its own key."""
        return sign(identity(member).acts, self.node.chain, kind, member, ref or kind, dict(body))

    def at(self, when: str | int) -> None:
        """Let the replay's time go on."""
        self.node.pass_time(when if isinstance(when, int) else from_beijing(when))

    def tell(self, *rows: gateway.Row, at: str | int | None = None) -> list[ActResult]:
        """Record rows of a feed in one act, at the record's time or at `at`."""
        if at is not None:
            self.at(at)
        return gateway.record(self.node, rows, self.now)

    def work(self) -> None:
        """Do every duty that can be done."""
        self.decider.run()
        if self.payer is not None:
            self.payer.run()

    def release_of(self, settlement: str, policy: str, how: str, **more: Any) -> dict[str, Any]:
        """The body of a release of one policy's claim, of a shock that was decided or the whole."""
        with self.state() as state:
            trigger_id = state.need("settlement", settlement)["settlement"]["trigger"]
            trigger = state.need("trigger", trigger_id)
            names = ("listing", "occurrence", "benefit")
            key = "/".join(str(trigger[name]) for name in names)
            weighed: dict[str, str] = state.get("weighed", key) or {}
        body = {name: trigger[name] for name in names}
        body["shock"] = next((shock for shock, of in weighed.items() if of == trigger_id), "")
        body |= {"settlement": settlement, "policy": policy, "how": how}
        return {**body, "reason": "papers seen", "person": "Wang", **more}

    def send(self, act: Act) -> ActResult:
        """Submit one act and give its result."""
        (result,) = self.node.submit([act])
        return result

    # looking -------------------------------------------------------------------------------------
    @property
    def now(self) -> int:
        """The record's time."""
        with self.store.reading() as reading:
            return reading.head().time

    @contextmanager
    def state(self) -> Iterator[State]:
        """The state, to read."""
        with self.node.reading() as (_, state):
            yield state

    def table(self, name: str, prefix: str = "") -> dict[str, Any]:
        """A table of the state."""
        with self.state() as state:
            return dict(state.range(name, prefix))

    def cases(self, listing: str, benefit: str = "house") -> list[dict[str, Any]]:
        """The cases of one benefit, by when the occurrence began."""
        found = [c for c in self.table("case", f"{listing}/").values() if c["benefit"] == benefit]
        return sorted(found, key=lambda c: str(c["at"]))

    def case(self, listing: str, benefit: str = "house") -> dict[str, Any]:
        """The only case of a benefit."""
        (case,) = self.cases(listing, benefit)
        return case

    def settlements(self, listing: str) -> list[dict[str, Any]]:
        """Settlements of a listing in order, each with its id."""
        ids = self.table("settled", f"{listing}/").values()
        return [{"id": i, **self.table("settlement", i)[i]["settlement"]} for i in ids]

    def claims(self, trigger: str) -> list[ClaimLeaf]:
        """The claims decided for a trigger."""
        with self.store.reading() as reading:
            return [claim_from_json(c) for c in reading.claims(trigger)]

    def paid_fen(self, listing: str) -> int:
        """What all settlements of a listing owe to be paid."""
        return sum(s["totals"]["pay_fen"] for s in self.settlements(listing))

    def executed_fen(self) -> int:
        """What the record says the bank has paid."""
        return sum(p["executed_fen"] for p in self.table("payment").values())

    def instructions(self, debt: str) -> list[dict[str, Any]]:
        """Payment instructions of a debt."""
        with self.store.reading() as reading:
            return list(reading.instructions(debt))

    def balance(self) -> TrialBalance:
        """The journal's trial balance; it raises where the journal does not balance."""
        return trial_balance(Entry.from_json(value) for value in self.table("journal").values())

    def leaves(self) -> list[bytes]:
        """Every entry of the log."""
        with self.store.reading() as reading:
            return list(reading.leaves(0, reading.head().size))


def good(results: Iterable[ActResult]) -> None:
    """Every act was taken whole."""
    for result in results:
        if refusals := (*result.refusals, *result.notes):
            raise Refused(*refusals)


def codes(result: ActResult) -> list[str]:
    """The codes of all refusals of an act, its own and those of its parts."""
    return [refusal.code for refusal in (*result.refusals, *result.notes)]
