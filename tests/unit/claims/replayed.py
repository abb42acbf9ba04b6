"""The real Yunnan record of 2015 to 2021 replayed in memory, with a bank that pays everything.

The same path as live data: feed bytes, acts, blocks, decisions, payments. Made once a test run.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from miaopei.accounts.rail import ClosedId, Instruction, Outcome, OutcomeState
from miaopei.adapters.feeds import read, shipped
from miaopei.adapters.memory_store import MemoryStore
from miaopei.evidence.observation import Observation
from miaopei.market.allotment import allot
from miaopei.market.examples import REBUILT_TEN_TO_ONE, made_up_households
from miaopei.measures.identity import canonical, digest
from miaopei.measures.instant import from_beijing
from miaopei.node import scheme
from miaopei.node.effects.decider import Decider
from miaopei.node.effects.orders import seal_list
from miaopei.node.effects.payer import Payer
from miaopei.node.gateway import Row
from miaopei.node.node import Node, genesis_value
from miaopei.node.ports import Identity
from miaopei.node.replay import Arrival, replay
from miaopei.node.vault.blobs import seal_blob
from miaopei.policies.row import PolicyRow, Transaction
from miaopei.products.shelf import shelf
from tests.unit.evidence.facts import report, shock

START, END = from_beijing("2015-08-19"), from_beijing("2021-12-31")
FILES = ("cenc_catalogue_2015_2021.csv", "cenc_rapid_reports.csv", "loss_reports.csv")
DALI, YUXI = "yunnan_dali", "yunnan_yuxi"
ORIGIN = "miaopei.example/receipts"
IDENTITY = Identity(
    "miaopei",
    Ed25519PrivateKey.from_private_bytes(b"a" * 32),
    Ed25519PrivateKey.from_private_bytes(b"l" * 32),
    X25519PrivateKey.from_private_bytes(b"x" * 32),
)


class Rail:
    """A bank that executes what it is told, but for instructions from the account `refuse`."""

    refuse = ""

    def pay(self, instructions: list[Instruction]) -> list[Outcome]:
        return [self._answer(i, refused=i.debtor_account == self.refuse) for i in instructions]

    def _answer(self, given: Instruction, *, refused: bool) -> Outcome:
        state = OutcomeState.REFUSED if refused else OutcomeState.EXECUTED
        code = "bank.closed" if refused else None
        ref = f"ref-{given.id[:12]}"
        return Outcome(given.id, state, given.amount_fen, ref, END, code, "bank", sandbox=True)

    def ask(self, ids: list[str]) -> list[Outcome]:
        return [Outcome(name, OutcomeState.UNKNOWN) for name in ids]

    def close(self, instruction: str) -> ClosedId | Outcome:
        statement, key = f"closed {instruction}".encode(), IDENTITY.log
        return ClosedId(
            instruction, statement, key.sign(statement), key.public_key().public_bytes_raw()
        )


class World:
    """A node in memory with its duties."""

    def __init__(self, name: str = "receipts", me: Identity = IDENTITY) -> None:
        drawn = random.Random(7)
        self.store = MemoryStore()
        self.node = Node(self.store, me, lambda: 0, drawn.randbytes)
        self.node.found(
            genesis_value(
                name, me, clock="replay", time=START, origin=ORIGIN,
                member_name={"zh": "秒赔", "en": "Miaopei"},
            )
        )  # fmt: skip
        self.decider = Decider(self.node)
        self.rail = Rail()
        self.payer = Payer(self.node, self.rail)

    def work(self) -> None:
        self.decider.run()
        self.payer.run()

    def set_up(self) -> None:
        value = scheme.load("yunnan")
        scheme.apply(self.node, value, shelf())
        with self.store.writing() as block:
            for part in value["carrier_accounts"]:
                payee = {"account": part["account"], "name": part["carrier"]}
                block.put_payee(f"carrier/{part['carrier']}", payee)
        self.work()

    def admit(self, row: PolicyRow) -> None:
        """One more row without premium in its book, now."""
        with self.store.writing() as block:
            block.put_payee(f"policy/{row.policy}", {"account": "6200-MORE", "name": "one more"})
            bytes_, commitment = canonical(row.as_json()), row.commitment()
            rows = seal_blob(block, self.node, [bytes_], [commitment], "miaopei/rows/1")
            blob = block.put_blob(commitment, "miaopei/commitments/1")
        given = {"blob": blob, "length": 32, "count": 1, "media": "miaopei/commitments/1"}
        body = {
            "book": row.book,
            "rows": rows,
            "commitments": {**given, "root": rows["root"]},
            "totals": {"premium_fen": 0, "carriers": []},
        }
        self.node.accept("admit_batch", f"more-{rows['root'][:16]}", body)
        self.work()

    def policies(self) -> list[PolicyRow]:
        with self.node.reading() as (reading, state):
            size = state.need("book", DALI)["size"]
            return [recorded.row for recorded in reading.rows(DALI, size)]

    def run(self, arrivals: Iterable[Arrival], until: int) -> None:
        for _ in replay(self.node, arrivals, until, self.work):
            pass


def arrivals(*names: str) -> list[Arrival]:
    """The rows of shipped files, each at its assumed hour."""
    assumed = shipped.arrivals()["sources"]
    found = []
    for name in names or FILES:
        reading = read(shipped.earthquake_file(name))
        for row in reading.rows:
            if row.observation is None:
                continue
            seen = row.observation
            at = seen.instant + assumed[seen.source]["seconds"]
            given = Row(seen, row.original, reading.media, reading.file_digest, row.part)
            found.append(Arrival(at, given))
    return found


def observed(observation: Observation, after: int = 600) -> Arrival:
    """An observation as if read from a file that holds nothing else."""
    data = canonical(observation.as_json())
    row = Row(observation, data, "application/json", digest(data), "line 1")
    return Arrival(observation.instant + after, row)


def rapid(*given: str, **more: str) -> Arrival:
    return observed(shock(*given, source="cenc.rapid", **more))


POWER = "power_restoration"
DECLARED = {"deductible": 120, "occurrence_limit": 10_000_000}
LIJIANG = {"lat": "26.90", "lon": "100.20", "name": "云南丽江"}
WEISHAN = {"lat": "25.12", "lon": "99.97", "name": "云南巍山"}  # the name says Dali, the cell not


@cache
def situations() -> World:
    """Invented shocks around Dali, one for each way in which a case can end."""
    made = World("situations")
    made.set_up()
    first = replace(made.policies()[0], premium_fen=0)
    ended = replace(first, policy="e" * 32, salt="1" * 64, until=from_beijing("2018-08-20"))
    made.admit(ended)
    made.run(
        [
            rapid("2018-09-01 08:00:00", "7.2"),  # uses up the year
            rapid("2018-12-01 08:00:00", "5.2"),  # so that nothing is left here
            rapid("2019-09-01 08:00:00", "5.6"),
            rapid("2019-09-02 08:00:00", "6.1"),  # larger, in the same sequence
            rapid("2019-11-01 08:00:00", "5.5", **WEISHAN),  # stays held
            rapid("2020-01-05 08:00:00", "5.5", **WEISHAN),  # decided by a person below
        ],
        from_beijing("2020-01-06"),
    )
    with made.node.reading() as (_, state):
        held = [c for _, c in state.range("case", f"{DALI}/") if c["state"] == "held_person"]
    for case in held:
        if case["instant"] == from_beijing("2020-01-05 08:00:00"):
            said = {"input": "role", "value": 1, "reason": "seen on site", "person": "a surveyor"}
            body = {"listing": DALI, "occurrence": case["occurrence"], **said}
            made.node.submit([made.node.act("resolve", "decided", body)])
            break
    made.work()
    made.rail.refuse = "6100-UNITED"
    made.run([observed(shock("2021-03-01 08:00:00", "5.0"))], from_beijing("2021-03-01 17:00:00"))
    late = replace(first, policy="f" * 32, salt="2" * 64, since=from_beijing("2021-01-01"))
    made.admit(late)
    made.admit(replace(first, transaction=Transaction.ENDORSE, number=2, salt="3" * 64))
    made.run([], from_beijing("2021-03-02"))
    made.rail.refuse = ""
    _, last = _settled(made)[-1]
    made.payer.retry_refused(last)
    made.work()
    hand_on(made, next(s for _, s in _settled(made)))
    made.run(
        [
            rapid("2021-03-10 08:00:00", "5.3", **LIJIANG),
            observed(report("2021-03-10", {"532900": 0, "530700": 900}, total=900, name="丽江市")),
            rapid("2021-05-01 08:00:00", "5.3", **LIJIANG),
            observed(report("2021-05-01", {"530700": 900}, total=900, name="丽江市"), 86_400),
            observed(shock("2021-05-31 20:00:00", "5.5")),
        ],
        from_beijing("2021-06-01"),
    )
    return made


@cache
def outages() -> World:
    """The second shape of product: late power restoration, by readings, with declared figures."""
    made = World("outages")
    value = scheme.load("yunnan")
    grid = {"operator": "grid", "kinds": ["reading"], "counted": True, "box": None, "keys": []}
    names = {
        name: {**grid, "id": name, "operator": name} for name in ("grid.command", "grid.meter")
    }
    value["sources"] = [{**entry, "name": {"zh": n, "en": n}} for n, entry in names.items()]
    value["products"], value["areas"] = [POWER], []
    policy = {**value["listings"][0]["policies"][0], "declared": DECLARED}
    value["listings"] = [
        {"id": POWER, "product": POWER, "placement": "co_insurance", "policies": [policy]}
    ]
    scheme.apply(made.node, value, shelf())
    with made.store.writing() as block:
        for part in value["carrier_accounts"]:
            payee = {"account": part["account"], "name": part["carrier"]}
            block.put_payee(f"carrier/{part['carrier']}", payee)
    made.work()
    for day, late, cause in ((1, 300, 5), (8, 100, 5), (15, 300, 4)):
        start = from_beijing(f"2021-03-{day:02d} 08:00:00")
        said = {"planned_restoration": 0, "actual_restoration": late}
        given = [
            _reading(day, name, start, start // 60 + minutes, source)
            for name, minutes in said.items()
            for source in names
        ]
        given.append(_reading(day, "outage_cause", start, cause, "grid.command"))
        made.run(given, start + 86_400)
    return made


@cache
def three() -> World:
    """Three deciders of different operators, two of whom must agree; one of them stays silent."""
    made = World("three")
    others = []
    for name in ("notary", "regulator"):
        key = Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b"."))
        others.append(replace(IDENTITY, member=name, acts=key))
        entry = {"key": key.public_key().public_bytes_raw().hex(), "since": 0, "until": None}
        body = {"id": name, "name": {"zh": name, "en": name}, "operator": name}
        made.node.accept("admit_member", name, {**body, "roles": ["decider"], "keys": [entry]})
    value = scheme.load("yunnan")
    scheme.apply(made.node, {**value, "listings": []}, shelf())
    with made.node.reading() as (_, state):
        product = next(h for h, v in state.range("product", "") if v["product"]["id"] == DALI)
    listing = {
        "id": DALI,
        "product": DALI,
        "book": DALI,
        "payer": "miaopei",
        "standby_payer": None,
        "placement": value["placements"]["co_insurance"],
        "occurrence_cap_fen": None,
        "deciders": ["miaopei", "notary", "regulator"],
        "k": 2,
        "solo": False,
        "kept_or_receivable": "kept",
    }
    body = {"listing": listing, "product": product, "arrears": False}
    made.node.accept("list_product", "dali", body)
    one = {**value, "listings": [{**value["listings"][0]}]}
    (policy,) = one["listings"][0]["policies"]
    wanted = scheme.Wanted(START, END, START, 0, {"account": "D", "name": "Dali"}, {})
    scheme.issue(made.node, DALI, [wanted], policy["holder"])
    notary = Decider(Node(made.store, others[0], lambda: 0, made.node.random))

    def work() -> None:
        made.decider.run()
        notary.run()

    work()
    for _ in replay(made.node, [rapid("2016-03-01 08:00:00", "5.6")], END, work):
        pass
    return made


def _reading(day: int, name: str, at: int, value: int, source: str) -> Arrival:
    values = {"at": at, "name": name, "value": value, "unit": "minutes", "published_at": None}
    return observed(Observation("reading", source, f"outage {day}", 0, "reviewed", values))


def _settled(made: World) -> list[tuple[str, str]]:
    """Settlements of the Dali book in their order."""
    with made.node.reading() as (_, state):
        return list(state.range("settled", f"{DALI}/"))


def hand_on(made: World, settlement: str) -> None:
    """A payout goes to a list of invented households."""
    with made.node.reading() as (reading, state):
        value = state.need("settlement", settlement)["settlement"]
        policy = reading.claims(value["trigger"])[0]["policy"]
    total = value["totals"]["pay_fen"]
    listed = allot(total, made_up_households("first", 2, 3), REBUILT_TEN_TO_ONE)
    with made.store.writing() as block:
        lines = seal_list(block, made.node, listed)
        for line in listed.lines:
            payee = {"account": f"H{line.number}", "name": "made up"}
            block.put_payee(f"household/{line.token}", payee)
    body = {
        "settlement": settlement, "policy": policy, "holder": "dali", "total_fen": total,
        "rule": listed.rule.as_json(), "lines": lines,
    }  # fmt: skip
    made.node.accept("allot", "first", body)
    made.work()


@cache
def world() -> World:
    """The whole replay."""
    made = World()
    made.set_up()
    made.run([a for a in arrivals() if a.at > START], END)
    return made
