"""What comes of a settlement made again: equal, or the first policy that differs, both sides shown.

The amounts are those of the exact reading alone, for every row, plain zeros too; caps, states and
what was settled before are counted as for a decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ...acts.state import State
from ...claims.confirm import alone, settle_exactly
from ...claims.leaves import leaves_of, salted
from ...errors import Refused
from ...ledger.merkle import root_of
from ...market.listing import Listing
from ..effects.differing import first_apart, trace_of
from ..mass.run import MassRun, Reads, as_filed, make, totals
from ..mass.schedules import Schedules
from ..node import Node
from ..ports import Reading
from ..vault.blobs import open_values, opens

EQUAL, DIFFERS, ERASED = "equal", "differs", "erased"
STEPS = ("amount_fen", "uncut_fen", "limits", "trace")
BEFORE_CAP = ("policy", "position", "gross_fen", "spent_fen", "terms_fen")
AT_ONCE = 10_000  # rows looked through at a time for those that were erased
Json = dict[str, Any]


@dataclass(frozen=True)
class Side:
    """What one side makes of a policy: its claim, None where it gives none; each step of its
    reading of the terms, None where nobody has shown it.
    """

    claim: Json | None
    trace: Json | None


@dataclass(frozen=True)
class Verdict:
    """A settlement made again. `result` is equal, differs, or erased: rows of its book are gone,
    proved by hash alone, and of the others no amount before the cap differs.

    `policy` is the first that differs; where only totals do, `totals` names them.
    Units   fen.
    """

    settlement: str
    listing: str
    occurrence: str
    benefit: str
    revision: int
    result: str
    claims: int
    pay_fen: int
    settled_pay_fen: int
    erased: int = 0
    totals: tuple[str, ...] = ()
    policy: str | None = None
    ours: Side | None = None
    settled: Side | None = None
    refused: tuple[Json, ...] = ()

    def as_json(self) -> Json:
        """For --json."""
        return {**asdict(self), "totals": list(self.totals), "refused": list(self.refused)}


def made_again(
    node: Node, reading: Reading, state: State, settlement: str, reads: Reads = as_filed
) -> Verdict:
    """One settlement, as this member's software reads the terms.

    Errors   RecordDamaged (alarm) where a list is not what the fact names.
    """
    said = state.need("settlement", settlement)["settlement"]
    trigger = state.need("trigger", said["trigger"])
    entry = state.need("listing", said["listing"])
    listing, schedules = Listing.from_json(entry["listing"]), Schedules()
    book, size = trigger["book"], trigger["book_size"]
    run = MassRun(node, schedules, settle_exactly, alone, lambda *_: True, reads=reads)
    about = (settlement, said["listing"], trigger["occurrence"], trigger["benefit"])
    settled_fen = said["totals"]["pay_fen"]
    try:
        schedule = schedules.extended(reading, book, None, size)
        given = (trigger, listing, schedule, set[str](), said["counter"])
        result, covered = run.read(reading, state, *given, arrears=entry["arrears"])
    except Refused as refused:
        reasons = tuple(refusal.as_json() for refusal in refused.refusals)
        return Verdict(*about, trigger["revision"], DIFFERS, 0, 0, settled_fen, refused=reasons)
    claims = salted(result.claims, said["trigger"])
    heads, mine = make(result.claims, said["trigger"]).heads, totals(result, covered, listing)
    numbers = (trigger["revision"], len(claims), mine["pay_fen"], settled_fen)
    if root_of(heads).hex() == said["claims_root"] and mine == said["totals"]:
        return _verdict(about, numbers, EQUAL)
    gone = _erased(reading, book, size)
    ours = [leaf.as_json() for leaf in leaves_of(claims, said["trigger"])]
    apart = first_apart(_without(ours, gone), _without(reading.claims(said["trigger"]), gone))
    if gone and apart is not None and listing.occurrence_cap_fen is not None:
        # What a cap leaves to others hangs on the rows that are gone; what is due before does not.
        theirs = _without(reading.claims(said["trigger"]), gone)
        before = first_apart(_uncut(_without(ours, gone)), _uncut(theirs))
        apart = None if before is None else _both(before, ours, theirs)
    if gone and apart is None:
        return _verdict(about, numbers, ERASED, erased=len(gone))
    if apart is None:
        names = tuple(sorted(n for n in mine if mine[n] != said["totals"].get(n)))
        return _verdict(about, numbers, DIFFERS, totals=names)
    return _verdict(about, numbers, DIFFERS, **_sides(run, reading, state, trigger, apart))


def _verdict(
    about: tuple[str, str, str, str], numbers: tuple[int, int, int, int], result: str, **more: Any
) -> Verdict:
    revision, claims, pay_fen, settled_fen = numbers
    return Verdict(*about, revision, result, claims, pay_fen, settled_fen, **more)


def _sides(
    run: MassRun,
    reading: Reading,
    state: State,
    trigger: Json,
    apart: tuple[Json | None, Json | None],
) -> Json:
    """The first policy that differs, what we make of it, and what was settled."""
    ours, theirs = apart
    at = ours or theirs
    assert at is not None, "one of two differing claims is there"
    (recorded,) = reading.rows_between(trigger["book"], at["position"], at["position"] + 1)
    own = trace_of(run, reading, state, trigger, recorded.row, (ours or at)["spent_fen"])
    shown = _shown(run.node, reading, state, at["trigger"], at["policy"], theirs)
    if (
        shown is None
    ):  # nobody had to show it: by the filed terms, where these give what was settled
        filed = MassRun(run.node, run.schedules, run.settle_many, run.spread, run.at_hand)
        spent = (theirs or at)["spent_fen"]
        found = trace_of(filed, reading, state, trigger, recorded.row, spent)
        same = found["amount_fen"] == (0 if theirs is None else theirs["terms_fen"])
        shown = found if same else None
    return {
        "policy": str(at["policy"]),
        "ours": Side(_plain(ours), own),
        "settled": Side(_plain(theirs), shown),
    }


def _shown(
    node: Node, reading: Reading, state: State, trigger: str, policy: str, theirs: Json | None
) -> Json | None:
    """The steps that a decider has shown of a policy with the claim that was settled."""
    for _, value in state.range("difference", ""):
        if value["trigger"] != trigger:
            continue
        for said in value["shown"].values():
            blob = said["trace"]["blob"]
            if said["policy"] != policy or not opens(reading, blob, node.identity):
                continue
            opened: Json = open_values(reading, blob, node.identity)[0]
            if opened["claim"] == _plain(theirs):
                return {k: v for k, v in opened.items() if k in STEPS}
    return None


def _plain(claim: Json | None) -> Json | None:
    """A claim without its salt."""
    return None if claim is None else {k: v for k, v in claim.items() if k != "salt"}


def _without(claims: Sequence[Json], gone: set[str]) -> list[Json]:
    return [claim for claim in claims if claim["policy"] not in gone]


def _uncut(claims: Sequence[Json]) -> list[Json]:
    """What stands in a claim before the cap; nothing where that is nothing."""
    return [
        {name: claim[name] for name in BEFORE_CAP} for claim in claims if claim["terms_fen"] > 0
    ]


def _both(
    before: tuple[Json | None, Json | None], ours: Sequence[Json], theirs: Sequence[Json]
) -> tuple[Json | None, Json | None]:
    """The whole claims of the policy that differs before the cap."""
    at = before[0] or before[1]
    assert at is not None, "one of two differing claims is there"
    found = [
        next((claim for claim in claims if claim["policy"] == at["policy"]), None)
        for claims in (ours, theirs)
    ]
    return found[0], found[1]


def _erased(reading: Reading, book: str, size: int) -> set[str]:
    """Policies of which a row was erased."""
    return {
        recorded.row.policy
        for start in range(0, size, AT_ONCE)
        for recorded in reading.rows_between(book, start, min(start + AT_ONCE, size))
        if recorded.row.gone is not None
    }
