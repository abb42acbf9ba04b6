"""The record that every run begins with: six members, two books in force, accounts at the bank.

Made once a process by the simulator itself, unhurt; each run starts from copies of the disks.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from miaopei.accounts.rail import Instruction
from miaopei.acts.envelope import Act
from miaopei.acts.state import State
from miaopei.market.listing import Listing, Overpaid
from miaopei.measures.identity import canonical
from miaopei.measures.instant import from_beijing
from miaopei.measures.money import wan
from miaopei.node.order.founding import consortium_genesis
from miaopei.node.vault.blobs import seal_blob
from miaopei.policies.row import PolicyRow, Transaction
from miaopei.terms.filing import Product, Revision
from tests.support.consortium import founder
from tests.support.products import area, hills
from tests.support.town import BOX, CARRIERS, ONE_CARRIER, SOURCES, Dice, identity

from .bank import TownBank
from .disk import Crash, Disk
from .engine import Decided, Engine
from .member import Member
from .world import World

ROLES = {
    "utility": ("gateway", "operator"),
    "insurer": ("carrier", "decider", "payer", "channel"),
    "agent": ("payer",),
    "regulator": ("decider", "regulator"),
    "cloud": ("gateway", "operator"),
    "notary": ("decider",),
}
DECIDERS = ("insurer", "regulator", "notary")
GATEWAYS = ("cloud", "utility")
START = from_beijing("2024-06-01")
DECIDE, HOLD, TAKE_OVER = 600, 1_800, 7_200  # seconds
YEAR = wan(1_200)
SHARES = (3, 40, 100)  # of the policies of the book that pays by shares


@dataclass(frozen=True)
class Base:
    """What is copied: the disks, the chain, when it ended."""

    genesis: dict[str, Any]
    disks: dict[str, Disk]
    chain: tuple[Decided, ...]
    now: int


def products() -> dict[str, Product]:
    """One that settles on the first value, one of which later values count, by shares."""
    two = hills(
        "two",
        sources=("cenc.rapid", "other.rapid"),
        operators=2,
        tolerance=2,
        units=True,
        revision=Revision.REVISION_COUNTS,
    )
    return {"hills": hills(), "two": two}


def town(world: World, base: Base | None) -> tuple[list[Member], Engine, TownBank]:
    """Members over fresh disks, or over copies of those of the base."""
    genesis = _genesis() if base is None else base.genesis
    bank = TownBank(world.chance, lambda _: None)
    members = [
        Member(
            world,
            id,
            genesis,
            Disk(None if base is None else base.disks[id]),
            bank if "payer" in roles else None,
        )
        for id, roles in ROLES.items()
    ]
    engine = Engine(world, members)
    if base is not None:
        engine.chain = list(base.chain)
        world.now = base.now
    for member in members:
        member.engine = engine
    for member in members:
        member.start()
        world.later(world.chance.randint(0, 100_000), "every", member.every)
    engine.begin()
    return members, engine, bank


@cache
def base() -> Base:
    """Set up by real acts, ordered by the engine, held by the deciders."""
    world = World("base", START)
    members, engine, _ = town(world, None)
    by = {member.id: member for member in members}
    acts = _set_up(by["cloud"])
    _put(world, by["cloud"], acts)
    for name in ("agent", *DECIDERS):  # a listing binds who has agreed
        listed = [act for act in acts if act.kind == "list_product"]
        again = [by[name].node.act(act.kind, f"agree {act.ref}", act.body) for act in listed]
        _put(world, by[name], again)
    for book in products():
        _put(world, by["insurer"], [batch(by["insurer"], book)])
    for member in members:
        put_payees(member, accounts(member))
    world.run(world.now + 600_000)
    with by["agent"].disk.reading() as reading:
        state = State(reading)
        assert all(book["size"] == 3 for _, book in state.range("book", "")), "books in force"
        assert next(state.range("duty", ""), None) is None, "nothing is owed"
    heights = {member.height for member in members}
    assert len(heights) == 1, heights
    disks = {member.id: member.disk for member in members}
    return Base(members[0].genesis, disks, tuple(engine.chain), world.now)


def accounts(member: Member) -> dict[str, str]:
    """Payee -> account, as every payer has them on file."""
    found = {f"carrier/{carrier}": f"C-{carrier}" for carrier in CARRIERS}
    with member.disk.reading() as reading:
        for book in products():
            for recorded in reading.rows(book, 3):
                found[f"policy/{recorded.row.policy}"] = f"P-{recorded.row.policy[:12]}"
    if "payer" in ROLES[member.id]:
        return found
    return {}


def _genesis() -> dict[str, Any]:
    founders = [founder(id, roles) for id, roles in ROLES.items()]
    return consortium_genesis(
        "town", founders, clock="live", time=START, origin="example.org/town/sim"
    )


def _put(world: World, member: Member, acts: list[Act]) -> None:
    """Have acts ordered, unhurt."""
    from miaopei.errors import OutsideFault

    for _ in range(100):
        try:
            results = member.submit(acts)
        except OutsideFault:
            world.run(world.now + 2_000)
            continue
        told = [r for result in results for r in (*result.refusals, *result.notes)]
        refused = [r for r in told if r.code != "act.waits_for"]
        assert not refused, refused
        world.run(world.now + 60_000)
        return
    raise AssertionError("never final")


def _set_up(member: Member) -> list[Act]:
    node = member.node
    keys = [
        {"key": identity(g).acts.public_key().public_bytes_raw().hex(), "since": 0, "until": None}
        for g in GATEWAYS
    ]
    acts = [
        node.act("admit_member", name, {"id": name, "name": {"zh": name, "en": name},
                 "operator": name, "roles": ["carrier"], "keys": []})
        for name in CARRIERS
    ]  # fmt: skip
    acts += [
        node.act("register_source", source, {"id": source, "operator": operator,
                 "name": {"zh": source, "en": source}, "kinds": [kind],
                 "counted": operator != "usgs", "keys": keys,
                 "box": BOX if kind == "shock" else None})
        for source, (operator, kind) in SOURCES.items()
    ]  # fmt: skip
    acts.append(node.act("file_area", "area", area()))
    for name, product in products().items():
        acts.append(node.act("file_product", f"file {name}", {"product": product.as_json()}))
        acts.append(node.act("list_product", f"list {name}", listed(name, product)))
    return acts


def listed(name: str, product: Product) -> dict[str, Any]:
    """What all whom a listing would bind say of it: three decide, one pays, another stands by."""
    listing = Listing(
        id=name, product=product.id, book=name, placement=ONE_CARRIER, payer="insurer",
        standby_payer="agent", deciders=DECIDERS, k=2, kept_or_receivable=Overpaid.KEPT,
        occurrence_cap_fen=None, solo=False, takeover_seconds=TAKE_OVER,
        decide_seconds=DECIDE, hold_seconds=HOLD,
    )  # fmt: skip
    return {"listing": listing.as_json(), "product": product.hash, "arrears": False}


def batch(member: Member, book: str, tag: str = "", rows: Sequence[PolicyRow] | None = None) -> Act:
    """Three policies of a book, for a year and more; or these."""
    rows = rows_of(book, tag) if rows is None else rows
    commitments = [row.commitment() for row in rows]
    with member.disk.writing() as block:
        sealed = seal_blob(
            block, member.node, [canonical(row.as_json()) for row in rows], commitments,
            "miaopei/rows/1", book,
        )  # fmt: skip
        plain = block.put_blob(b"".join(commitments), "miaopei/commitments/1")
    public = {"blob": plain, "length": 96, "count": 3, "root": sealed["root"],
              "media": "miaopei/commitments/1"}  # fmt: skip
    part = {"carrier": CARRIERS[0], "premium_fen": 3_000_000}
    body = {"book": book, "rows": sealed, "commitments": public,
            "totals": {"premium_fen": 3_000_000, "carriers": [part]}}  # fmt: skip
    return member.node.act("admit_batch", f"batch {book}{tag}", body)


def rows_of(book: str, tag: str = "") -> list[PolicyRow]:
    """The policies of a batch."""
    random = Dice(f"rows {book}{tag}")
    since, until = from_beijing("2024-01-01"), from_beijing("2026-01-01")
    declared = [{"shares": n} if book == "two" else {} for n in SHARES]
    return [
        PolicyRow(
            book=book, policy=random(16).hex(), transaction=Transaction.ISSUE, number=1,
            since=since, until=until, year_from=since, premium_fen=1_000_000,
            salt=random(32).hex(), declared=values,
        )
        for values in declared
    ]  # fmt: skip


def put_payees(member: Member, payees: dict[str, str]) -> None:
    """Have a payer know whom to pay at which account; a person whose command dies says it again."""
    with suppress(Crash), member.disk.writing() as block:
        for name, account in payees.items():
            block.put_payee(name, {"account": account, "name": "投保人"})
        return
    put_payees(member, payees)


def owed_to(instruction: Instruction) -> str:
    """The payout that an instruction pays."""
    return instruction.id.rpartition("-")[0]
