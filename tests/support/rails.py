"""A bank on paper: the port `Rail` kept in memory, for tests that are not about the wire.

It behaves as the sandbox bank does: the first answer for an id is the answer for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from miaopei.accounts.rail import ClosedId, Credit, Credits, Instruction, Outcome, OutcomeState
from miaopei.adapters.bank_rail import BankRail
from miaopei.adapters.sandbox_bank.control import BankControl
from miaopei.errors import OutsideFault

# Seconds after which silence is taken for silence: of a bank that is told to be silent, and of any
# other, which answers in its own time on a machine that is slow.
IMPATIENT, PATIENT = 1.0, 60.0


@dataclass(frozen=True)
class Hearing:
    """The rail to a bank process: only one that has a rule to say nothing is not waited for."""

    address: str

    def pay(self, instructions: list[Instruction]) -> list[Outcome]:
        """See `BankRail`."""
        return self._to("pay").pay(instructions)

    def ask(self, ids: list[str], amounts: Mapping[str, int] | None = None) -> list[Outcome]:
        """See `BankRail`."""
        return self._to("ask").ask(ids, amounts)

    def close(self, instruction: str) -> ClosedId | Outcome:
        """See `BankRail`."""
        return self._to("close").close(instruction)

    def _to(self, operation: str) -> BankRail:
        try:
            rules = BankControl(self.address, PATIENT).rules()
        except OSError:
            rules = []  # it has died: it closes its connections, and nobody waits for them
        silent = any(
            rule["what"] == "time_out" and rule["operation"] in (operation, "any") for rule in rules
        )
        return BankRail(self.address, IMPATIENT if silent else PATIENT)


@dataclass
class PaperBank:
    """Pays at once. `shut` are creditor accounts it refuses; `silent` calls are not answered."""

    shut: set[str] = field(default_factory=set)
    silent: bool = False
    held: dict[str, tuple[Instruction, Outcome]] = field(default_factory=dict)
    calls: list[tuple[str, int]] = field(default_factory=list)
    came: dict[str, list[Credit]] = field(default_factory=dict)
    key: Ed25519PrivateKey = Ed25519PrivateKey.from_private_bytes(bytes(32))  # noqa: RUF009

    def pay(self, instructions: list[Instruction]) -> list[Outcome]:
        """One outcome an instruction."""
        self.calls.append(("pay", len(instructions)))
        if self.silent:
            raise OutsideFault("the bank is silent", retry=True)
        return [self._decide(instruction) for instruction in instructions]

    def ask(self, ids: list[str], amounts: Mapping[str, int] | None = None) -> list[Outcome]:
        """What is held of each id."""
        self.calls.append(("ask", len(ids)))
        if self.silent:
            raise OutsideFault("the bank is silent", retry=True)
        unknown = OutcomeState.UNKNOWN
        return [self.held[i][1] if i in self.held else Outcome(i, unknown) for i in ids]

    def close(self, instruction: str) -> ClosedId | Outcome:
        """Signed: the id is closed for ever. What has paid is not closed."""
        self.calls.append(("close", 1))
        if self.silent:
            raise OutsideFault("the bank is silent", retry=True)
        held = self.held.get(instruction)
        if held is not None and held[1].state is OutcomeState.EXECUTED:
            return held[1]
        statement = f"closed {instruction}".encode()
        raw = self.key.public_key().public_bytes_raw()
        return ClosedId(instruction, statement, self.key.sign(statement), raw)

    def pay_in(self, account: str, fen: int, reference: str, at: int = 0) -> Credit:
        """A customer pays into an account, with a reference."""
        came = self.came.setdefault(account, [])
        ref = f"PAPER-IN-{sum(map(len, self.came.values())):06d}"
        came.append(Credit(reference, fen, at, ref, "NOTPROVIDED"))
        return came[-1]

    def credits(self, account: str, after: int) -> Credits:
        """What came in, in order; numbers are places in the list."""
        if self.silent:
            raise OutsideFault("the bank is silent", retry=True)
        found = self.came.get(account, [])
        return Credits(tuple(found[after:]), max(after, len(found)))

    def paid_fen(self) -> int:
        """The sum of all that was executed."""
        return sum(i.amount_fen for i, o in self.held.values() if o.state is OutcomeState.EXECUTED)

    def paid_to(self) -> dict[str, int]:
        """Creditor account -> fen executed."""
        found: dict[str, int] = {}
        for instruction, outcome in self.held.values():
            if outcome.state is OutcomeState.EXECUTED:
                account = instruction.creditor_account
                found[account] = found.get(account, 0) + instruction.amount_fen
        return found

    def _decide(self, instruction: Instruction) -> Outcome:
        if instruction.id in self.held:
            before, outcome = self.held[instruction.id]
            if before != instruction:
                return Outcome(instruction.id, OutcomeState.CONFLICT, code="bank.conflict")
            return outcome
        outcome = Outcome(
            instruction.id, OutcomeState.EXECUTED, instruction.amount_fen,
            f"PAPER-{len(self.held):06d}", 0, bank="paper", sandbox=True,
        )  # fmt: skip
        if instruction.creditor_account in self.shut:
            outcome = replace(
                outcome, state=OutcomeState.REFUSED, ref=None, code="bank.account_closed"
            )
        self.held[instruction.id] = (instruction, outcome)
        return outcome
