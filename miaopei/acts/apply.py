"""Applying a block: the pure function that every member runs on the same acts to the same bytes.

Leaves come out in the order of docs/specs/record.md, section 3. Nothing here reads a clock, a file
or a database; the caller gives state, time and the root before, and writes what comes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from ..errors import Alarm, Refusal, Refused
from ..measures.identity import canonical, content_id
from ..measures.suites import in_use
from . import admit_member, cases, freshness, raise_rules, seats, settling, sold, time
from .base import CHANGED, UNFORESEEN, Made, Moment, Outcome, check_points, has_role, refuse
from .envelope import ACT_BYTES_MAX, Act, signature_holds
from .rule_sets import RULE_SETS, RULES
from .state import State, writes_digest

GENESIS_FIELDS = frozenset(
    [
        "v",
        "name",
        "suite",
        "clock",
        "rules",
        "origin",
        "log_key",
        "time",
        "replay_source",
        "members",
    ]
)
LEAF_BYTES_MAX = 65_535  # what a tile can hold of one entry
REFUSED_FOR_GOOD = 4  # the rule set from which an act that was refused on the record stays refused
REFUSED = "refused"  # table: id of an act -> height of its refusal


@dataclass(frozen=True)
class ActResult:
    """What became of one act: `new` is False where the record already held it."""

    act: str
    ok: bool
    new: bool
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[Refusal, ...] = ()
    made: tuple[Made, ...] = ()


@dataclass(frozen=True)
class Block:
    """What a block adds: leaves (none where only time passed) and one result an act.

    Shapes   names: one a leaf, by which it is found: the id of the act or of what was made.
    """

    height: int
    time: int
    leaves: tuple[bytes, ...]
    names: tuple[str, ...]
    results: tuple[ActResult, ...]


def begin(state: State, value: dict[str, Any]) -> bytes:
    """Write the genesis into an empty state and give its leaf.

    Errors   Refused act.bad_genesis.
    """
    clock, rules = value.get("clock"), value.get("rules")
    source_fits = (value.get("replay_source") is not None) == (clock == "replay")
    seated = value.get("seats")
    if (
        set(value) - {"seats"} != GENESIS_FIELDS
        or (seated is not None) != (value["log_key"] is None)
        or (seated is not None and not (isinstance(seated, list) and seated))
        or (value["v"], value["suite"]) != (1, in_use.suite.name)
        or type(rules) is not int
        or rules not in RULE_SETS
        or clock not in ("live", "replay")
        or not source_fits
        or type(value["time"]) is not int
    ):
        raise refuse("act.bad_genesis", rules=str(rules)[:20], clock=str(clock)[:20])
    for member in value["members"]:
        admit_member.put_member(state, member)
        check_points("members", member["keys"], rules)
    for seat in seated or ():
        seats.put_seat(state, seat, rules)
    state.put("genesis", "it", {**value, "chain": content_id("chain", value)})
    return canonical({"leaf": "genesis", "value": value})


def replay_time(state: State, acts: Sequence[Act], before: int) -> int:
    """The time of a replay record's block: that of the last good `time` act among its acts.

    Nobody but the replay source moves it, by nothing but a signed act, and never back.
    """
    latest = before
    for act in acts:
        wanted = act.body.get("time")
        if act.kind != time.KIND or act.by != state.need("genesis", "it")["replay_source"]:
            continue
        with suppress(Refused):
            admit(state, act, Moment(0, latest, RULES, act.id))  # `time` is in every rule set
            latest = max(latest, wanted) if type(wanted) is int else latest
    return latest


def apply_block(
    state: State,
    acts: Sequence[Act],
    *,
    height: int,
    at: int,
    previous: str,
    keep_refused: bool = False,
) -> Block:
    """Apply acts in order, then what ripens by `at`.

    `keep_refused` leaves refused acts on the record (an orderer of several members); otherwise they
    only come back in the results. A time act alone adds no leaf.
    Errors   Alarm where what ripens would make a leaf that no tile can hold, or where the record
             has gone on to a rule set that is not here.
    """
    rules = raise_rules.rules_at(state, height)
    if rules not in RULE_SETS:
        what = "the record has gone on to rules that this version has not; install a newer one"
        raise Alarm(what, rules=rules, height=height, newest=max(RULE_SETS))
    leaves: list[tuple[str, bytes]] = []
    results: list[ActResult] = []
    counted = quiet = 0
    state.prefetch((table, act.id) for table in ("act", REFUSED) for act in acts)
    for act in acts:
        result, said = _one(state, act, Moment(height, at, rules, act.id))
        results.append(result)
        if not result.new or not (result.ok or keep_refused):
            continue
        if not result.ok and rules >= REFUSED_FOR_GOOD and signature_holds(act):
            # Nobody can put it again when it would be taken, but its sender, as another act. One
            # whose signature fails is not its sender's, and must not stand in the way of theirs.
            state.put(REFUSED, act.id, height)
        counted += 1
        quiet += act.kind == time.KIND
        leaves += said
    ripened = Outcome()
    cases.ripen(state, ripened, Moment(height, at, rules, "time"))
    sold.ripen(state, ripened, Moment(height, at, rules, "time"))
    settling.ripen(state, ripened, Moment(height, at, rules, "time"))
    leaves += [(made.id, _made_leaf(height, "time", made)) for made in ripened.made]
    if any(len(data) > LEAF_BYTES_MAX for _, data in leaves):
        raise Alarm("a leaf is longer than an entry of the log may be", height=height)
    writes = state.writes()
    if len(leaves) == quiet and not writes:
        return Block(height, at, (), (), tuple(results))
    last = {
        "leaf": "block",
        "height": height,
        "time": at,
        "rules": rules,
        "acts": counted,
        "leaves": len(leaves) + 1,
        "writes": writes_digest(writes),
        "previous": previous,
    }
    leaves.append((f"block/{height}", canonical(last)))
    data = tuple(leaf for _, leaf in leaves)
    return Block(height, at, data, tuple(name for name, _ in leaves), tuple(results))


def _one(state: State, act: Act, now: Moment) -> tuple[ActResult, list[tuple[str, bytes]]]:
    """Apply one act; its result, and its leaves: the act's own, then one for each record made."""
    mark = state.mark()
    if state.has("act", act.id):
        return ActResult(act.id, ok=True, new=False), []
    if (height := state.get(REFUSED, act.id)) is not None:
        return refused_before(act.id, height), []
    try:
        admit(state, act, now)
        outcome: Outcome = RULE_SETS[now.rules][act.kind].apply(state, act, now)
        leaves = [(act.id, _act_leaf(now.height, act, "notes", outcome.notes))]
        leaves += [(made.id, _made_leaf(now.height, act.id, made)) for made in outcome.made]
        if (longest := max(len(data) for _, data in leaves)) > LEAF_BYTES_MAX:
            raise refuse("act.leaf_too_long", bytes=longest, limit=LEAF_BYTES_MAX)
    except (Refused, *UNFORESEEN) as error:
        state.undo(mark)
        unforeseen = (Refusal("act.cannot_be_applied", {"kind": act.kind}),)  # no word of Python's
        refusals = error.refusals if isinstance(error, Refused) else unforeseen
        leaf = _act_leaf(now.height, act, "refusals", refusals)
        return ActResult(act.id, ok=False, new=True, refusals=refusals), [(act.id, leaf)]
    if act.kind != time.KIND:
        state.put("act", act.id, now.height)
    notes, made = tuple(outcome.notes), tuple(outcome.made)
    return ActResult(act.id, ok=True, new=True, notes=notes, made=made), leaves


def refused_before(act: str, height: int) -> ActResult:
    """What becomes of an act that the record has refused already, whoever brings it again."""
    refusals = (Refusal("act.refused_before", {"height": height}),)
    return ActResult(act, ok=False, new=False, refusals=refusals)


def forged(result: ActResult) -> bool:
    """Whether it speaks of bytes that the act's sender has not signed: neither signature nor end
    are part of an act's id, so that others can put such bytes on the record beside the act."""
    return any(refusal.code == "act.signature_bad" for refusal in result.refusals)


def admit(state: State, act: Act, now: Moment, latest: int | None = None) -> None:
    """Size, chain, kind, member, key in force, role, signature, end: in this order. Reads nothing
    of the state but the tables `genesis`, `member` and `convened`.

    `latest`: who looks before there is a block says until when its time may be, from `now` on.

    Errors   Refused act.*.
    """
    kinds = RULE_SETS[now.rules]
    if act.size > ACT_BYTES_MAX:
        raise refuse("act.too_large", bytes=act.size, limit=ACT_BYTES_MAX)
    genesis = state.shared("genesis", "it")
    if act.chain != genesis["chain"]:
        raise refuse("act.other_chain", chain=act.chain[:16], here=genesis["chain"][:16])
    if act.kind not in kinds:
        raise refuse("act.kind_unknown", kind=act.kind[:40])
    member = state.shared("member", act.by)
    if member is None:
        raise refuse("act.member_unknown", by=act.by[:60])
    in_force = any(
        key["key"] == act.key
        and key["since"] <= now.time
        and (key["until"] is None or now.time < key["until"])
        for key in member["keys"]
    )
    if (height := member.get(CHANGED, {}).get(act.key)) is not None:
        raise refuse("act.key_changed", by=act.by, key=act.key[:16], height=height)
    if not in_force:
        raise refuse("act.key_not_in_force", by=act.by, key=act.key[:16])
    if not has_role(state, act.by, kinds[act.kind].ROLES):
        raise refuse("act.role_missing", by=act.by, kind=act.kind)
    if not signature_holds(act):
        raise refuse("act.signature_bad", by=act.by, key=act.key[:16])
    freshness.check(state, act, now, now.time if latest is None else latest)


def _act_leaf(height: int, act: Act, name: str, told: Sequence[Refusal]) -> bytes:
    """The act with its result; of very many refusals those that fit, and how many more."""
    said = [refusal.as_json() for refusal in told]
    leaf = {
        "leaf": "act",
        "height": height,
        "act": act.as_json(),
        "result": {"ok": name == "notes", name: said},
    }
    data = canonical(leaf)
    if len(data) <= LEAF_BYTES_MAX or not said:
        return data
    lengths = [len(canonical(one)) + 1 for one in said]
    more = len(canonical(Refusal("act.and_more", {"count": len(said)}).as_json())) + 1
    room = LEAF_BYTES_MAX - (len(data) - sum(lengths)) - more
    fit = sum(used <= room for used in accumulate(lengths))
    rest = Refusal("act.and_more", {"count": len(said) - fit}).as_json()
    leaf["result"] = {"ok": name == "notes", name: [*said[:fit], rest]}
    return canonical(leaf)


def _made_leaf(height: int, by: str, made: Made) -> bytes:
    return canonical(
        {
            "leaf": "made",
            "height": height,
            "by": by,
            "what": made.what,
            "id": made.id,
            "value": made.value,
            "because": list(made.because),
        }
    )
