"""What must hold after every step of a run, whatever is hurt; each breach has a name.

The amounts are worked out here once more, by a plain table, from the facts that a trigger fixed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from miaopei.accounts.balance import trial_balance
from miaopei.accounts.entry import Entry
from miaopei.accounts.rail import Instruction
from miaopei.acts.state import State
from miaopei.errors import AccountsUnbalanced
from miaopei.ledger.merkle import Frontier, leaf_hash
from miaopei.measures.identity import content_id
from miaopei.node.order.application import Committed
from miaopei.node.ports import Reading
from tests.support.products import STEPS
from tests.support.town import CARRIERS

from .certified import Papers
from .founding import YEAR, owed_to
from .seating import Seating
from .world import Breach

if TYPE_CHECKING:
    from .bank import TownBank
    from .member import Member
    from .world import World

WAITING = ("awaiting_rapid_report", "awaiting_report", "awaiting_quorum")
HELD = ("held_conflict", "held_person", "held_undecided", "held_deciders")
DONE = ("settled", "refused", "not_covered", "nothing_due", "closed")
ON_ITS_WAY = ("ready", "deciding")
SHARE_FEN = 100_000


class Checkers:
    """Looks at what members have made final since the last look, and at each payment."""

    def __init__(self, world: World, members: list[Member], bank: TownBank) -> None:
        self.world, self.members, self.bank = world, members, bank
        self.roots: dict[int, str] = {}
        self.owed: dict[str, int] = {}  # payout -> fen
        self.paid: dict[str, int] = {}
        self._logs = {member.id: Frontier() for member in members}
        self._fresh: list[tuple[Member, int]] = []
        self._paid_here: dict[tuple[str, str, str], int] = defaultdict(int)
        self._held_here: dict[tuple[str, str, str], int] = {}
        self._counted: set[str] = set()
        self.told: dict[str, dict[str, int]] = {}  # book -> policy -> fen, as a test says
        self._entries = 0
        self._seen = 0
        self.seating = Seating(members[0].genesis)
        self._told = 0  # leaves that the seating has read
        bank.paid = self._pays
        for member in members:
            self.comes(member)
        world.after = self.look

    def comes(self, member: Member) -> None:
        """One more to look at."""
        self._logs.setdefault(member.id, Frontier())
        member.committed = self._committed
        self._grown(member)

    def look(self) -> None:
        """After each event."""
        fresh, self._fresh = self._fresh, []
        for member, height in fresh:
            self._grown(member)
            if height > self._seen:
                self._seen = height
                with member.disk.reading() as reading:
                    size = reading.head().size
                    self.seating.read(list(reading.leaves(self._told, size)))
                    self._told = size
                    self.seating.signed(member.engine, height)
                    self._books(State(reading))
                    self._settled(reading, State(reading))
                    self._reasons(State(reading), reading.head().time)

    def _committed(self, member: Member, block: Committed) -> None:
        """The same bytes on all: the root of a height is the root of all before it as well."""
        first = self.roots.setdefault(block.height, block.root)
        if first != block.root:
            raise Breach("two final on different bytes", height=block.height, member=member.id)
        self._fresh.append((member, block.height))

    def _grown(self, member: Member) -> None:
        """The log on the disk is what was there before, and more."""
        log = self._logs[member.id]
        with member.disk.reading() as reading:
            head = reading.head()
            if head.size < log.size:
                raise Breach("the record shrank", member=member.id, size=head.size, had=log.size)
            more = list(reading.leaves(log.size, head.size))
        grown = log.extend(leaf_hash(leaf) for leaf in more)
        if (grown.size, grown.root()) != (head.size, head.root):
            raise Breach("the record changed", member=member.id, size=head.size)
        self._logs[member.id] = grown

    def _books(self, state: State) -> None:
        """Every entry balances by itself, so all do together."""
        for key, value in state.between("journal", f"{self._entries + 1:012d}", "\x7f"):
            try:
                trial_balance([Entry.from_json(value)])
            except AccountsUnbalanced as fault:
                raise Breach("books do not balance", entry=key, why=str(fault)) from fault
            self._entries = int(key)

    # amounts -------------------------------------------------------------------------------------
    def _settled(self, reading: Reading, state: State) -> None:
        """What each new settlement owes is what the plain table gives for the trigger's facts."""
        for key, settlement in state.range("settled", ""):
            if key in self._counted:
                continue
            self._counted.add(key)
            value = state.need("settlement", settlement)["settlement"]
            trigger = state.need("trigger", value["trigger"])
            late = set(_after(state, trigger["book"], trigger["instant"]))
            total = 0
            for recorded in _rows(self.members, trigger["book"], trigger["book_size"]):
                policy = recorded.row.policy
                shares = recorded.row.declared.get("shares", 0)
                pay = self._pay(trigger, policy, shares, late=recorded.position in late)
                total += pay
                if pay:
                    self.owed[_payout(trigger, policy)] = pay
            if total != value["totals"]["pay_fen"]:
                facts = {"stated": value["totals"]["pay_fen"], "right": total}
                raise Breach("settled at a wrong amount", settlement=settlement, **facts)
            if len(set(value["deciders"])) < value["k"] or value["k"] != 2:
                raise Breach("settled by too few", deciders=value["deciders"], k=value["k"])

    def _pay(self, trigger: dict[str, Any], policy: str, shares: int, *, late: bool) -> int:
        """What is due now. A policy recorded late is held: nothing is due, and its amount stays
        reserved of the year, for a person may release it.
        """
        facts = {name: fact["value"] for name, fact in trigger["facts"].items()}
        gross = self.told.get(trigger["book"], {}).get(policy, 0)
        if facts.get("role") == 1:
            gross = max(fen for low, fen in STEPS if fen is not None and low <= facts["magnitude"])
            if trigger["book"] == "two":
                gross = min(gross, shares * SHARE_FEN)
        here = (trigger["book"], policy, trigger["occurrence"])
        elsewhere = sum(
            max(self._paid_here[of], self._held_here.get(of, 0))
            for of in {*self._paid_here, *self._held_here}
            if of[:2] == here[:2] and of != here
        )
        owed = max(0, min(gross, YEAR - elsewhere))
        self._held_here[here] = owed if late else 0
        if late:
            return 0
        pay = max(0, owed - self._paid_here[here])
        self._paid_here[here] += pay
        return pay

    def _pays(self, instruction: Instruction) -> None:
        """The bank has executed one instruction."""
        payout = owed_to(instruction)
        self.world.tell(f"bank {instruction.id[:20]} {instruction.amount_fen}")
        if payout in self.paid:
            raise Breach("paid twice", payout=payout)
        if self.owed.get(payout) != instruction.amount_fen:
            raise Breach("paid what nobody owes", payout=payout, fen=instruction.amount_fen)
        self.paid[payout] = instruction.amount_fen

    # what waits ----------------------------------------------------------------------------------
    def _reasons(self, state: State, now: int) -> None:
        """What has not settled says why, since when it may change, or who is told."""
        lined = {trigger for _, trigger in state.range("line", "")}
        opened = {book["open"] for _, book in state.range("book", "")}
        for key, case in state.range("case", ""):
            facts = {"case": key[:60], "state": case["state"], "reason": case["reason"]}
            if not case["reason"]:
                raise Breach("unsettled without a reason", **facts)
            if case["state"] in WAITING and (case["until"] or now + 1) <= now:
                raise Breach("waits beyond its deadline", until=case["until"], now=now, **facts)
            if case["state"] in WAITING and case["until"] is None and not case["owner"]:
                raise Breach("waits for ever and nobody is told", **facts)
            if case["state"] in HELD and not case["owner"]:
                raise Breach("held and nobody is told", **facts)
            if case["state"] in ON_ITS_WAY and case["trigger"] not in lined | opened:
                raise Breach("stands in no line", **facts)
            if case["state"] not in (*WAITING, *HELD, *DONE, *ON_ITS_WAY):
                raise Breach("in no named state", **facts)
        for trigger in opened - {None}:
            found = state.need("round", str(trigger))
            if found["end"] < now:
                raise Breach("a round outlives its end", trigger=trigger, end=found["end"])

    # the end -------------------------------------------------------------------------------------
    def end(self, honest: list[Member]) -> None:
        """Once all is healed and time has passed: all agree, all is paid once, nothing is open."""
        engine = honest[0].engine
        Papers(honest[0].application.chain_id, engine, self.seating).look(self.roots)
        stands = {(m.height, m.root) for m in honest}
        if len(stands) != 1 or any(not m.up or m.stuck for m in honest):
            where = {m.id: (m.height, m.root[:8], m.up, m.stuck) for m in honest}
            raise Breach("do not come to agree", where=where)
        if alarms := {m.id: str(m.alarms[0]) for m in honest if m.alarms}:
            raise Breach("an honest member is alarmed", alarms=alarms)
        if self.paid != self.owed:
            unpaid = sorted(set(self.owed) - set(self.paid))
            raise Breach("not paid at all", payouts=unpaid[:3], of=len(self.owed))
        with honest[0].disk.reading() as reading:
            state = State(reading)
            for debt, payment in state.range("payment", ""):
                if payment["executed_fen"] != payment["due_fen"]:
                    raise Breach("paid and not confirmed", debt=debt)
            if duty := next(state.range("duty", ""), None):
                raise Breach("a duty stands", duty=duty[0])
            for key, case in state.range("case", ""):
                if case["state"] in ON_ITS_WAY or (case["state"] in WAITING and case["until"]):
                    raise Breach("still open", case=key[:60], state=case["state"])


def _payout(trigger: dict[str, Any], policy: str) -> str:
    """The id of the only payout of a policy: one carrier carries all."""
    value = {
        "v": 1,
        "occurrence": trigger["occurrence"],
        "policy": policy,
        "benefit": trigger["benefit"],
        "carrier": CARRIERS[0],
        "line": 0,
        "revision": trigger["revision"],
    }
    return content_id("payout", value)


def _after(state: State, book: str, instant: int) -> Iterator[int]:
    """Places of policies that came in force when the earth had shaken already: they are held."""
    for _, batch in state.range("batch", ""):
        if batch["book"] == book and (batch["recorded_at"] or 0) > instant:
            yield from range(batch["first"], batch["first"] + batch["rows"]["count"])


def _rows(members: list[Member], book: str, size: int) -> Any:
    """The rows of a book, from a decider that has them all."""
    for member in members:
        with member.disk.reading() as reading:
            rows = reading.rows(book, size)
        if len(rows) == size:
            return rows
    raise Breach("settled without the rows", book=book, size=size)
