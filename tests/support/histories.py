"""Histories for laws: a record on which much has happened, drawn from a seed.

Quakes with their facts in any order and grouping, bad facts among them, batches, decisions, refused
payments and their corrections, persons' resolutions, allotments, and time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Any

from miaopei.acts.apply import apply_block, begin
from miaopei.acts.envelope import Act, from_json
from miaopei.acts.release import HOW
from miaopei.acts.rule_sets import RULES
from miaopei.acts.state import State
from miaopei.market.allotment import allot
from miaopei.market.examples import REBUILT_TEN_TO_ONE, made_up_households
from miaopei.market.listing import Overpaid
from miaopei.measures.instant import DAY, HOUR, beijing_text, from_beijing, period_of
from miaopei.measures.money import wan
from miaopei.node.effects.orders import seal_list
from miaopei.node.gateway import Row
from miaopei.node.ports import Store, Writing
from miaopei.node.selling import taking
from miaopei.node.selling.admitting import admit_ready
from miaopei.node.selling.asking import Desk, Wanted, keep_list
from miaopei.node.vault.uses import Logger, Use, note
from miaopei.policies.row import Transaction
from miaopei.terms.canonical import as_json
from miaopei.terms.filing import Revision
from tests.support import grid
from tests.support.facts import BEIJING_CITY, catalogue, quake
from tests.support.judging import judge
from tests.support.products import hills
from tests.support.rails import PaperBank
from tests.support.selling import LIST, offer_form
from tests.support.town import CARRIERS, Town, good

SPOTS = (
    ("25.70", "99.90", "云南漾濞"),
    ("25.60", "99.90", "云南漾濞"),
    ("25.50", "100.20", "云南巍山"),
    BEIJING_CITY,
    (BEIJING_CITY[0], BEIJING_CITY[1], "云南漾濞"),  # its name says Dali, its position does not
)
UNSET = ((0, 0), (50, None), (60, wan(1)), (65, wan(10)))  # between 5.0 and 5.9: no number
TOGETHER = 50  # blocks written in one transaction


@dataclass(frozen=True)
class Block:
    """The acts of one block of a recorded history."""

    height: int
    time: int
    acts: Sequence[Act]


def make(seed: int, steps: int = 60, store: Store | None = None) -> Town:
    """A town after so many steps, the same for the same seed; in memory, or in `store`."""
    return _Maker(Random(seed), f"history-{seed}", store).run(steps)


class _Maker:
    """Takes one random step after another."""

    def __init__(self, random: Random, name: str, store: Store | None) -> None:
        self.random, self.bank = random, PaperBank()
        self.town = Town(store, rail=self.bank, name=name).set_up()
        self.town.admit("standby", "payer")
        self.books = [
            self.town.list_product(hills(), standby="standby", takeover_seconds=HOUR),
            self.town.list_product(
                hills("slopes", units=True, revision=Revision.REVISION_COUNTS),
                overpaid=Overpaid.RECEIVABLE,
                cap_fen=wan(20),
            ),
            self.town.list_product(hills("gaps", units=True, steps=UNSET)),
            self.town.list_product(
                hills("two", sources=("cenc.rapid", "other.rapid"), operators=2, tolerance=2)
            ),
        ]
        self.town.accounts({f"carrier/{c}": f"C-{c}" for c in CARRIERS})
        self.waiting: list[Row] = []
        self.policies: list[Any] = []

    def run(self, steps: int) -> Town:
        self.issue()
        moves = [self.issue, self.shake, self.shake, self.tell, self.tell, self.tell, self.spoil]
        moves += [self.pass_time, self.work, self.work, self.resolve, self.correct, self.cancel]
        moves += [self.hand_on, self.reopen, self.take_over, self.pay_in]
        moves += [self.release, self.repay]
        for _ in range(steps):
            self.random.choice(moves)()
        raised = {"rules": RULES + 1, "height": 10**8}  # a height that no history comes to
        self.town.send(self.town.act("raise_rules", raised))
        self.people()
        self.sell()
        self.move()
        judge(self.town)
        self.meter()
        for said in ("heard", "silent"):
            body = {"source": "other.rapid", "state": said, "heard_at": self.town.now}
            body |= {"valid_seconds": HOUR, "why": ""}
            assert self.town.send(self.town.act("source_state", body, said)).ok
        self.notify()
        for _ in range(3):
            self.shake()  # so that some of it still waits at the end
        self.tell()
        self.work()
        return self.town

    def notify(self) -> None:
        """An outage is planned, and what became of its notices is told."""
        grid.register(self.town)
        on = beijing_text(self.town.now + HOUR)
        planned = grid.plan(
            self.town, ["a", "b"], published=beijing_text(self.town.now), off=on, on=on
        )
        good(self.town.tell(planned))
        outcomes = grid.sealed(self.town, {"a": {}, "b": {}})
        told = {"observation": planned.observation.id, "number": 1, "outcomes": outcomes}
        told |= {"delivered": 1, "undeliverable": 1, "open": 0}
        assert self.town.send(self.town.act("confirm_notices", told)).ok

    def issue(self) -> None:
        for book in self.books:
            if self.random.random() < 0.6:
                declared = (
                    {"shares": self.random.randint(1, 100)} if book in ("slopes", "gaps") else {}
                )
                count = self.random.randint(1, 3)
                rows = [self.town.policy(book, "2014-06-01", **declared) for _ in range(count)]
                self.town.node.submit([self.town.batch(rows)])
                self.policies += rows

    def cancel(self) -> None:
        if not self.policies:
            return
        row = self.policies.pop(self.random.randrange(len(self.policies)))
        gone = self.town.policy(
            row.book,
            beijing_text(self.town.now),
            "2040-01-01",
            year_from="2014-06-01",
            transaction=Transaction.CANCEL,
            number=2,
            policy=row.policy,
            premium_fen=0,
            **dict(row.declared),
        )
        self.town.node.submit([self.town.batch([gone])])

    def shake(self) -> None:
        """A shock: its facts are written down and arrive when they do."""
        when = beijing_text(self.town.now - self.random.randint(0, 3 * DAY))
        spot, size = self.random.choice(SPOTS), self.random.randint(46, 70)
        key = f"{when} {len(self.waiting)}"
        for revision in range(self.random.randint(1, 2)):
            size += self.random.randint(-3, 3)
            magnitude = f"{size // 10}.{size % 10}"
            more = {"key": key, "revision": revision, "seconds": self.random.randint(-2, 2)}
            self.waiting += self.random.sample(
                [
                    quake(when, magnitude, spot, **more),
                    quake(when, magnitude, spot, source="other.rapid", **more),
                    catalogue(when, magnitude, spot, **more),
                    quake(when, magnitude, spot, source="usgs.comcat", **more),
                ],
                self.random.randint(1, 4),
            )

    def tell(self) -> None:
        """Some of what is waiting arrives, in any order."""
        self.random.shuffle(self.waiting)
        count = self.random.randint(0, len(self.waiting))
        told, self.waiting = self.waiting[:count], self.waiting[count:]
        if told:
            self.town.tell(*told)

    def spoil(self) -> None:
        """A fact from the future, and one of a stranger's."""
        later = beijing_text(self.town.now + DAY)
        here = beijing_text(self.town.now)
        self.town.tell(quake(later, "6.0"), quake(here, "4.0", source="my.blog"), quake(here, "3"))

    def pass_time(self) -> None:
        self.town.at(self.town.now + self.random.choice([600, HOUR, 13 * HOUR, 5 * DAY, 100 * DAY]))

    def work(self) -> None:
        self.bank.silent = self.random.random() < 0.2
        if self.random.random() < 0.2:
            self.bank.shut = {f"P-{row.policy[:12]}" for row in self.policies[:2]}
        self.town.work()

    def correct(self) -> None:
        """A person names another account for what was refused."""
        self.bank.shut, self.bank.silent = set(), False
        assert self.town.payer is not None
        for debt in self.town.payer.prepare():
            self.town.payer.retry_refused(debt)
        self.town.work()

    def resolve(self) -> None:
        cases = list(self.town.table("case").values())
        for case in [c for c in cases if c["state"] == "held_undecided"][:1]:
            said = {n: case[n] for n in ("listing", "occurrence", "benefit")}
            said |= {"reason": "read again", "person": "duty officer"}
            self.town.send(self.town.act("reopen", said, f"reopen {self.town.now}"))
        held = [c for c in cases if c["state"] in ("held_person", "held_conflict")]
        for case in held[:1]:
            name = self.random.choice(["role", "magnitude"])
            value = 1 if name == "role" else 56
            body = {
                "listing": case["listing"],
                "occurrence": case["occurrence"],
                "input": name,
                "value": value,
                "reason": "looked at",
                "person": "duty officer",
            }
            self.town.send(self.town.act("resolve", body, f"{name} {self.town.now}"))

    def reopen(self) -> None:
        """A person has what could not be decided decided again."""
        held = [c for c in self.town.table("case").values() if c["state"] == "held_undecided"]
        for case in held[:1]:
            body = {name: case[name] for name in ("listing", "occurrence", "benefit")}
            body |= {"reason": "looked at", "person": "duty officer"}
            self.town.send(self.town.act("reopen", body, f"{self.town.now}"))

    def release(self) -> None:
        """A person decides a held claim, in any of the three ways."""
        settlements = {c["settlement"] for c in self.town.table("case").values() if c["settlement"]}
        for settlement in sorted(settlements):
            entry = self.town.table("settlement", settlement)[settlement]["settlement"]
            for claim in self.town.claims(entry["trigger"]):
                if claim.state == "held":
                    how = self.random.choice(HOW)
                    body = self.town.release_of(settlement, claim.policy, how)
                    self.town.send(self.town.act("release", body, f"{self.town.now}"))
                    return

    def repay(self) -> None:
        """Some of what was paid too much comes back: a shock was revised to below what pays."""
        when, key = beijing_text(self.town.now), f"repaid {self.town.now}"
        for revision, magnitude in enumerate(("5.2", "4.6")):
            self.town.tell(quake(when, magnitude, key=key, revision=revision))
            self.town.decider.run()
        for key, due in self.town.table("receivable").items():
            if due:
                case = self.town.table("case", key)[key]
                who, fen = next(iter(due.items()))
                entry = self.town.table("settlement", case["settlement"])[case["settlement"]]
                claims = self.town.claims(entry["settlement"]["trigger"])
                policy = next(c.policy for c in claims if c.state == "receivable")
                part = {"carrier": who, "repaid_fen": self.random.randint(1, fen)}
                body = {name: case[name] for name in ("listing", "occurrence", "benefit")}
                body |= {"policy": policy, "year": 2015, "carriers": [part], "reference": "B-1"}
                self.town.send(self.town.act("repay", body, f"{self.town.now}"))
                return

    def pay_in(self) -> None:
        """Premium arrives for a batch in force."""
        for batch, entry in self.town.table("batch").items():
            if entry["first"] is not None and entry["totals"]["premium_fen"]:
                body = {"batch": batch, "year": 2015, "reference": "B-2"}
                body["carriers"] = entry["totals"]["carriers"][:1]
                self.town.send(self.town.act("receive_premium", body, f"{self.town.now}"))

    def people(self) -> None:
        """Consents and grants given and taken back, uses logged, one person kept and one erased."""
        town, later = self.town, self.town.now + 1000 * DAY
        about = {"subject": "aa" * 32, "purpose": "claims", "grantee": CARRIERS[0]}
        given = {**about, "scope": ["phone"], "since": 0, "until": later, "document": None}
        role = {"grantee": "miaopei", "role": "clerk", "purpose": "claims"}
        with town.store.writing() as block:
            some = Use(town.now, "aa" * 32, "claims", "miaopei", "clerk", "Li", "shown", ("phone",))
            note(block, [some, some])
        town.send(town.act("consent", given))
        town.send(town.act("revoke_consent", about))
        town.send(town.act("grant", {**role, "scope": ["phone"], "until": later}))
        town.send(town.act("end_grant", role))
        Logger(town.node).run()
        book = {"grantee": "miaopei", "role": "book_reader", "purpose": "supervision"}
        town.send(town.act("grant", {**book, "scope": self.books[:1], "until": later}, "book"))
        used = {"holder": "miaopei", "purpose": "supervision", "listing": self.books[0]}
        assert town.send(town.act("use_grant", {**used, "number": 1, "settlements": 2})).ok
        kept = {"subject": "bb" * 32, "until": later, "ground": "open_claim"}
        town.send(town.act("retain", kept))
        for who in ("aa" * 32, "bb" * 32):
            body = {"subject": who, "kept_until": 0, "reason": "request"}
            town.send(town.act("erase", body, who))

    def sell(self) -> None:
        """Policies are sold: paid, part paid, by an unknown reference, referred; one is changed."""
        town, desk, listing = self.town, Desk(self.town.node), self.books[1]
        keep_list(town.node, json.dumps(LIST).encode())
        town.node.accept("file_offer", "offer", {"offer": an_offer(listing)})
        told = [taking.apply(desk, a_wish(listing, n, town.now), f"history {n}") for n in range(3)]
        for n, asked in enumerate(told[:2]):
            credit = {"carrier": CARRIERS[0], "bank": "paper", "ref": f"R-{n}", "sandbox": True}
            credit |= {"amount_fen": asked["premium_fen"] + n, "at": town.now}
            credit["reference"] = "" if n else asked["reference"]
            assert town.send(town.act("record_credit", credit, f"credit {n}")).ok
        key = next(k for k, c in town.table("credit").items() if c["used"] == "unmatched")
        body = {"credit": key, "reference": told[1]["reference"], "reason": "asked", "person": "Li"}
        assert town.send(town.act("place_credit", body)).ok
        answer = {"application": told[2]["id"], "accept": True, "loading_ppm": 1_200_000}
        answer |= {"reason": "looked at", "person": "Li"}
        assert town.send(town.act("answer_application", answer)).ok
        admit_ready(town.node)
        self.bank.silent = False
        town.work()
        midnight = told[0]["at"] + 20 * DAY
        taking.change(desk, told[0]["policy"], "cancel", midnight, {}, "online", "history cancel")
        admit_ready(town.node)
        town.work()

    def move(self) -> None:
        """The account of a policy that was brought in changes, once by its holder's own word."""
        for number, asked in ((1, "operator"), (2, "holder")):
            body = {"policy": "ab" * 16, "listing": self.books[0], "number": number}
            body |= {"commitments": {"account": f"{number}a" * 32, "name": "0b" * 32}}
            told = asked == "operator"
            body |= {"asked": asked, "person": "Li" if told else None}
            body |= {"reason": "a letter" if told else None}
            assert self.town.send(self.town.act("change_account", body, f"{number}")).ok

    def meter(self) -> None:
        """A claim model filed and run, its month invoiced, contested and counted again."""
        town, listing = self.town, self.books[0]
        triggers = [k for k, t in town.table("trigger").items() if t["listing"] == listing]
        day = beijing_text(town.now)
        of = {"listing": listing, "carrier": CARRIERS[0]}
        rates = {**of, "provider": "miaopei", "since": day[:7]}
        rates |= {"user_fen": 12, "record_fen": 3, "rent_fen": 500_000}
        assert town.send(town.act("agree_rates", rates)).ok
        terms = hills().versions[0].terms
        model = {**of, "id": "own", "version": 1, "benefit": terms.benefits[0].name}
        model["terms"] = as_json(terms)
        filed = town.send(town.act("file_claim_model", model))
        assert filed.ok, filed.refusals
        measure = dict.fromkeys(("policies", "above", "unknown", "refused", "total_fen"), 0)
        usage = {"run": "ab" * 32, "model": filed.made[0].id, "provider": "miaopei"}
        usage |= {"purpose": "claims", "caller": "desk", "at": town.now, "users": 2, "records": 5}
        if triggers:
            usage |= {"trigger": triggers[0], "measure": measure}
            assert town.send(town.act("meter_usage", usage)).ok
        town.at(town.now + 32 * DAY)
        assert town.send(town.act("issue_invoice", {**of, "month": day[:7]})).ok
        invoice = f"{listing}/{CARRIERS[0]}/{day[:7]}"
        said = {"reason": "not ours", "person": "Li"}
        contested = {"invoice": invoice, "line": 1, "runs": [], **said}
        assert town.send(town.act("dispute_invoice", contested)).ok
        town.accounts({"provider/miaopei": "P-miaopei"})
        assert town.send(town.act("pay_invoice", {"invoice": invoice, "number": 1})).ok
        town.work()
        void = ["ab" * 32] if triggers else []
        settled = {"dispute": f"{invoice}/001", "void": void, **said}
        assert town.send(town.act("settle_dispute", settled)).ok

    def take_over(self) -> None:
        """The standby payer takes over what it may; nobody pays it in these histories."""
        self.tell()
        self.town.decider.run()
        self.town.at(self.town.now + 2 * HOUR)
        for duty in self.town.table("duty", "pay/").values():
            body = {"debt": duty["debt"], "reason": "late"}
            if self.town.send(self.town.act_of("standby", "take_over", body)).ok:
                return

    def hand_on(self) -> None:
        """A payout that has arrived goes on to households."""
        done = [
            (debt, payment)
            for debt, payment in self.town.table("payment").items()
            if payment["kind"] == "settlement" and payment["executed_fen"] == payment["due_fen"]
        ]
        if not done:
            return
        debt, payment = self.random.choice(done)
        households = made_up_households(debt[:8], 1, 2)
        divided = allot(payment["due_fen"], households, REBUILT_TEN_TO_ONE)
        with self.town.store.writing() as block:
            lines = seal_list(block, self.town.node, divided)
        self.town.accounts({f"household/{h.token}": f"H-{h.token}" for h in households})
        settlement = self.town.table("settlement", debt)[debt]["settlement"]
        policy = self.town.claims(settlement["trigger"])[0].policy
        self.town.accounts({f"policy/{policy}": f"P-{policy[:12]}"})
        body = {
            "settlement": debt,
            "policy": policy,
            "holder": "dali",
            "total_fen": payment["due_fen"],
            "rule": REBUILT_TEN_TO_ONE.as_json(),
            "lines": lines,
        }
        self.town.send(self.town.act("allot", body, f"hand on {debt}"))


def an_offer(listing: str) -> dict[str, Any]:
    """The shipped offer made to sell a listing whose terms read `shares`."""
    form = offer_form(listing=listing, since=0, questions=[], collector=CARRIERS[0])
    rules = [rule for rule in form["rules"] if rule["rule"] in ("dates", "sanctions")]
    rules.append({"rule": "within", "name": "shares", "low": 1, "high": 100, "step": 1,
                  "otherwise": "refused"})  # fmt: skip
    form |= {"rules": rules, "tariff": {**form["tariff"], "on": "shares", "tables": []}}
    form["changes"] = {**form["changes"], "endorse": ["shares"]}
    return form


def a_wish(listing: str, number: int, now: int) -> Wanted:
    """An application for it; the third stands on the list by its name."""
    since = from_beijing(beijing_text(now + 30 * DAY)[:10])
    person = {"name": LIST["entries"][0]["name"] if number == 2 else f"示例{number}"}
    person |= {"id_number": f"ID-{number}", "phone": "1", "account": f"H-{number}"}
    until = period_of(since, since)[1]
    return Wanted(listing, "online", since, until, {}, {"shares": 7 + number}, person)


# Reading a history back, and living it again ----------------------------------------------------


def blocks(leaves: Iterable[bytes]) -> Iterator[Block]:
    """The blocks of a log, from its leaves alone, without the genesis."""
    acts: list[Act] = []
    for leaf in leaves:
        value = json.loads(leaf)
        if value["leaf"] == "act":
            acts.append(from_json(value["act"]))
        if value["leaf"] == "block":
            yield Block(value["height"], value["time"], acts)
            acts = []


def replay(store: Store, leaves: Sequence[bytes]) -> None:
    """Apply a log's acts into an empty store, as a member who was not there would."""
    genesis = json.loads(leaves[0])["value"]
    with store.writing() as block:
        state = State(block)
        keep(block, state, [begin(state, genesis)], 0, genesis["time"])
    coming = blocks(leaves)
    while some := list(islice(coming, TOGETHER)):
        with store.writing() as block:
            for each in some:
                state = State(block)
                previous = block.head().root.hex()
                made = apply_block(
                    state, each.acts, height=each.height, at=each.time, previous=previous
                )
                keep(block, state, made.leaves, each.height, each.time)


def keep(block: Writing, state: State, leaves: Sequence[bytes], height: int, time: int) -> None:
    for table, key, value in state.writes():
        if value is None:
            block.delete(table, key)
        else:
            block.put(table, key, value)
    block.append_leaves(leaves)
    block.finish_block(height, time, len(leaves))


def contents(store: Any) -> tuple[list[bytes], list[tuple[str, str, bytes]], str]:
    """Every leaf, every row of the state, and the root."""
    with store.reading() as reading:
        head = reading.head()
        rows = [(t, k, v) for t in reading.tables() for k, v in reading.range(t, "")]
        return list(reading.leaves(0, head.size)), rows, head.root.hex()
