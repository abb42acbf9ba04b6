"""Who takes over what is open after the deadline, the standby payer or, from it, the payer: goes on
under the same ids.

Nothing is known to be fresh: every number that the first payer may have sent is asked for at the
bank first. Which numbers there were is read from the record: who cannot open yet what the bank has
answered so far takes nothing over, and pays nothing of what it has, for twice the time of the
listing. Then nobody will give the key any more, and the bank alone is asked: it pays an id once,
and of each it says what became of it. Source: record.md, section 8.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...accounts.rail import OutcomeState
from ...acts.base import UNFORESEEN
from ...acts.raise_rules import rules_at
from ...acts.state import State
from ...acts.take_over import other_payer
from ...claims.payout import instruction_id
from ...errors import RecordDamaged, Refusal, Refused, SealedUnfit
from ...measures.identity import canonical
from ..node import Node
from ..ports import Identity, Rail, Reading, Writing
from ..vault.blobs import listing_of, open_blob, open_values, opens

PREPARED = b"prepared"
ASKED = "asked/"  # of a debt with which we went on by the bank's word alone
PATIENCE = 2  # times the listing's time to take over, from an answer that does not open here
FRESH = {"state": "new", "ref": None, "code": None, "at": None}  # nothing is sent of it yet
FINAL = ("executed", "refused")  # the bank's word, not yet on the record
AT_ONCE = 20_000  # outcomes in one act
ASKED_AT_ONCE = 1_000
HEARD = {"paid": "executed", "failed": "refused"}  # of what we told, and the record may not have
TYPES: Mapping[str, tuple[type, ...]] = {  # of what an answer says
    "payout": (str,),
    "number": (int,),
    "state": (str,),
    "amount_fen": (int,),
    "payer": (str,),
    "bank": (str,),
    "sandbox": (bool,),
    "ref": (str, type(None)),
    "code": (str, type(None)),
    "at": (int, type(None)),
}
CLOSED = ("payout", "number")  # of an answer that an id is closed
REASON = "the payer has not paid by the listing's deadline"
Row = dict[str, Any]


def take_over_due(node: Node) -> list[str]:
    """Take over every open debt of which we are the other payer and whose deadline has come.

    Errors   Refused, once the others are taken over: what the record says against one, or
             net.answers_sealed.
    """
    with node.reading() as (reading, state):
        due = list[tuple[str, str]]()  # debt, and which time this is
        waits = list[Refusal]()
        for debt in _due(reading, state, node.identity.member):
            if (sealed := answers_sealed(reading, state, node, debt)) is not None:
                waits.append(sealed)
                continue
            taken = state.get("takeover", debt)
            due.append((debt, "" if taken is None else f" after {taken['act']}"))
    acts = [node.act("take_over", f"take-{d}{n}", {"debt": d, "reason": REASON}) for d, n in due]
    results = node.submit(acts) if acts else []
    if refused := [*(r for result in results for r in result.refusals), *waits]:
        raise Refused(*refused)
    return [debt for debt, _ in due]


def waiting(reading: Reading, state: State, node: Node) -> dict[str, Refusal]:
    """Debts that we have taken over, or should now, and cannot go on with yet; and why."""
    me = node.identity.member
    duties = [duty for _, duty in state.range("duty", "pay/")]
    ours = [d["debt"] for d in duties if d["payer"] == me and state.has("takeover", d["debt"])]
    open_ = [debt for debt in ours if reading.progress(f"pay/{debt}") != prepared(state, debt)]
    found = {
        debt: answers_sealed(reading, state, node, debt)
        for debt in (*_due(reading, state, me), *open_)
    }
    return {debt: sealed for debt, sealed in found.items() if sealed is not None}


def _due(reading: Reading, state: State, me: str) -> Iterator[str]:
    """Open debts of which a member is the other payer and whose deadline has come."""
    now, rules = reading.head().time, rules_at(state, reading.head().height + 1)
    for _, duty in state.range("duty", "pay/"):
        if duty["payer"] == me or not state.has("settlement", duty["debt"]):
            continue
        other, at = other_payer(state, duty["debt"], rules)
        if other == me and at is not None and at <= now:
            yield str(duty["debt"])


def prepared(state: State, debt: str) -> bytes:
    """What is written down once the orders of a debt are: each take-over has them made anew."""
    taken = state.get("takeover", debt)
    return PREPARED if taken is None else canonical(f"prepared after {taken['act']}")


def go_on(block: Writing, state: State, node: Node, debt: str, first: list[Row]) -> list[Row]:
    """The instructions of a debt taken over, as far as the record tells; the rest is asked for.

    `first` are its numbers 1 from our own verified leaves.
    Errors   Refused net.answers_sealed where what the bank has answered so far is not ours to open
             yet; RecordDamaged (alarm) where it is damaged here.
    """
    if not state.has("takeover", debt):
        return first
    if (waits := answers_sealed(block, state, node, debt)) is not None:
        raise Refused(waits)
    said, shut, whole = dict[tuple[str, int], Row](), set[tuple[str, int]](), True
    for _, note in state.range("paid", f"{debt}/"):
        if (rows := outcomes_in(block, node.identity, note["outcomes"]["blob"])) is None:
            whole = False
        said |= {(row["payout"], row["number"]): row for row in rows or ()}
    for _, note in state.range("closed", f"{debt}/"):
        if (rows := _read(block, node.identity, note["closed"]["blob"], CLOSED)) is None:
            whole = False
        shut |= {(row["payout"], row["number"]) for row in rows or ()}
    rows = [each for row in first for each in _numbers(row, said, shut)]
    told = sum(row["amount_fen"] for row in rows if row["state"] == "paid")
    if told > state.need("payment", debt)["executed_fen"]:  # somebody has lied: the bank knows
        rows, whole = [{**row, "state": "sent"} for row in first], False
    if not whole:
        block.put_progress(f"{ASKED}{debt}", b"1")
    return rows


def answers_sealed(reading: Reading, state: State, node: Node, debt: str) -> Refusal | None:
    """That answers of the bank about a debt are not here with a key for us, who has sealed the
    first of them, and from when on we go on without; None where all are here, or from then on.

    Neither what is paid nor which number may come next is known without them, but to the bank. From
    the first of them on, since who keeps its keys may say something further at any time.
    """
    shut = _sealed(reading, state, node, debt)
    if not shut:
        return None
    act, blob, at = shut[0]
    entry = state.need("listing", listing_of(state, debt))["listing"]
    until = at + PATIENCE * entry["takeover_seconds"]
    if reading.head().time >= until:
        return None
    by = json.loads(reading.leaf(reading.place(act) or 0))["act"]["by"]
    facts = {"debt": debt, "count": len(shut), "blob": blob, "by": by, "until": until}
    return Refusal("net.answers_sealed", facts)


def _sealed(reading: Reading, state: State, node: Node, debt: str) -> list[tuple[str, str, int]]:
    """The acts that tell of a debt's answers without a key for us, with blob and time; oldest
    first.
    """
    notes = [
        *((note, note["outcomes"]) for _, note in state.range("paid", f"{debt}/")),
        *((note, note["closed"]) for _, note in state.range("closed", f"{debt}/")),
    ]
    shut = [
        (note["act"], sealed["blob"], note["at"])
        for note, sealed in notes
        if _shut(reading, node.identity, sealed["blob"])
    ]
    return sorted(shut, key=lambda one: one[2])


def _shut(reading: Reading, identity: Identity, blob: str) -> bool:
    """Whether an answer is not here with a key that opens it. What is damaged here is told of where
    it is read.
    """
    if not opens(reading, blob, identity):
        return True
    try:
        open_blob(reading, blob, identity)
    except SealedUnfit:
        return True
    except RecordDamaged:
        return False
    return False


def outcomes_in(reading: Reading, identity: Identity, blob: str) -> list[Row] | None:
    """The outcomes that a confirmation tells of; None where it does not open here, or whoever
    sealed it has put in something else.

    Errors   RecordDamaged (alarm) where it is damaged here.
    """
    return _read(reading, identity, blob, tuple(TYPES))


def _read(
    reading: Reading, identity: Identity, blob: str, fields: tuple[str, ...]
) -> list[Row] | None:
    if not opens(reading, blob, identity):
        return None
    try:
        rows = open_values(reading, blob, identity)
    except (SealedUnfit, *UNFORESEEN):
        return None
    return rows if fit(rows, fields) else None


def fit(rows: Sequence[Any], fields: Iterable[str] = TYPES) -> bool:
    """Whether rows are answers as they are recorded: from others anything may come."""
    names = tuple(fields)
    return all(
        isinstance(row, dict)
        and all(type(row.get(name)) in TYPES[name] for name in names)
        and row["number"] > 0
        and row.get("state", FINAL[0]) in FINAL
        and not any("\0" in value for value in row.values() if isinstance(value, str))
        for row in rows
    )


def to_tell(block: Reading, state: State, debt: str) -> tuple[Sequence[Row], dict[str, int]]:
    """The outcomes that are to be recorded now, and what of them is new, by who pays.

    Where answers on the record do not open here, which of ours they hold already is not known: all
    that no answer here tells of is told, and as new what the bank has executed in all beyond what
    the record has. Where that is nothing, the refusals alone are told. While the bank has not
    executed all, one is kept back rather than the last that is open told: our duty would end, and
    what another has confirmed and not paid be paid by nobody.
    """
    rows = block.instructions(debt, FINAL, AT_ONCE)
    if not rows or block.progress(f"{ASKED}{debt}") is None:
        return rows, dict(_sums(row for row in rows if row["state"] == "executed"))
    every, left = block.instructions(debt), state.need("payment", debt)["open_fen"]
    told = [row for row in every if row["state"] == "executed"]
    refused = [row for row in every if row["state"] == "refused"][:AT_ONCE]
    due, paid = _sums(_once(every)), _sums(row for row in every if row["state"] == "paid")
    upto = AT_ONCE  # of what the record has already it takes as many as go beyond it
    while not (new := _beyond(paid + _sums(told[:upto]), due, left)) and upto < len(told):
        upto *= 2
    told = told[:upto]
    has = paid + _sums(told)
    if new == left and any(has[who] < fen for who, fen in due.items()):
        for kept in [row for row in reversed(told) if row["payer"] in new][:1]:
            told.remove(kept)
            has[kept["payer"]] -= kept["amount_fen"]
        new = _beyond(has, due, left)
    return ([*told, *refused], new) if told and new else (refused, {})


def _beyond(has: Counter[str], due: Counter[str], left: Mapping[str, int]) -> dict[str, int]:
    """What is executed beyond what the record has, by who pays: of what is due it has all but what
    is left.
    """
    new = {who: min(fen, has[who] + fen - due[who]) for who, fen in left.items()}
    return {who: fen for who, fen in new.items() if fen > 0}


def further(node: Node, rail: Rail, debt: str) -> None:
    """Where we go on by the bank's word and it holds a further number of what it has refused, the
    other payer had the one before closed: that further one is asked for too.

    Errors   OutsideFault where the bank is silent.
    """
    with node.store.reading() as reading:
        if reading.progress(f"{ASKED}{debt}") is None:
            return
        failed = reading.instructions(debt, ["failed"])
    for start in range(0, len(failed), ASKED_AT_ONCE):
        rows = {instruction_id(row["payout"], row["number"] + 1): row
                for row in failed[start : start + ASKED_AT_ONCE]}  # fmt: skip
        answers = rail.ask(list(rows))
        unknown = OutcomeState.UNKNOWN
        held = [rows[one.id] for one in answers if one.id in rows and one.state is not unknown]
        with node.store.writing() as block:
            there = block.instruction_states([row["payout"] for row in held])
            # Another process may have closed it meanwhile, and made the next.
            held = [row for row in held if there[row["payout"], row["number"]] == "failed"]
            block.mark_instructions({**row, "state": "replaced"} for row in held)
            asked = [{**row, **FRESH, "number": row["number"] + 1} for row in held]
            asked = [row for row in asked if (row["payout"], row["number"]) not in there]
            block.put_instructions(debt, [{**row, "state": "sent"} for row in asked])


def _sums(rows: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Amounts by who pays."""
    sums = Counter[str]()
    for row in rows:
        sums[row["payer"]] += row["amount_fen"]
    return sums


def _once(rows: Iterable[Row]) -> Iterable[Row]:
    """Each payout once, whatever the numbers of its instructions."""
    return {row["payout"]: row for row in rows}.values()


def put_anew(block: Writing, debt: str, rows: list[Row]) -> None:
    """Orders as the record tells of them, also in place of what we had written down before another
    took over: what it has heard of the bank counts, and what we had not told yet is asked again.
    """
    there = block.instruction_states([row["payout"] for row in rows])
    known = {(row["payout"], row["number"]) for row in rows}
    block.mark_instructions(row for row in rows if (row["payout"], row["number"]) in there)
    block.put_instructions(
        debt, [row for row in rows if (row["payout"], row["number"]) not in there]
    )
    if not there.keys() <= known:  # further numbers that only the bank has told us of
        heard = [row for row in block.instructions(debt) if row["state"] in HEARD]
        block.mark_instructions(
            {**row, "state": HEARD[row["state"]]}
            for row in heard
            if (row["payout"], row["number"]) not in known
        )
    for pending in ("confirm", "close"):
        block.put_progress(f"{pending}/{debt}", None)


def _numbers(row: Row, said: dict[tuple[str, int], Row], shut: set[tuple[str, int]]) -> list[Row]:
    """All numbers of one payout that may be at the bank, the last one open unless it is final."""
    rows, number = list[Row](), 1
    while (outcome := said.get((row["payout"], number))) is not None:
        answered = {name: outcome[name] for name in ("ref", "code", "at", "bank", "sandbox")}
        done = {**row, **answered, "number": number}
        if outcome["state"] == "executed":
            return [*rows, {**done, "state": "paid"}]
        if (row["payout"], number) not in shut:
            return [*rows, {**done, "state": "failed"}]
        rows.append({**done, "state": "replaced"})
        number += 1
    return [*rows, {**row, "number": number, "state": "sent"}]
