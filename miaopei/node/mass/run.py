"""A mass run: one trigger over a whole book, to one decision act.

The book is evaluated and capped whole and confirmed exactly; then leaves are made, hashed and kept
in chunks, each written down as it is done, so that a kill anywhere goes on at the chunk where it
was. Chunks are local work and never agreement: what is signed is the head over all leaves.
Source: docs/specs/record.md, section 7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import numpy as np

from ...acts import rounds
from ...acts.blobs import CLAIMS
from ...acts.envelope import Act, from_bytes
from ...acts.facts import product_of
from ...acts.release import released
from ...acts.state import State
from ...claims.case import words_at
from ...claims.claim import STATES
from ...claims.confirm import Spread
from ...claims.evaluate import Evaluated, Mass, columns_of, evaluate
from ...claims.leaves import CLAIM, PAGE, Claims, hashes_of, leaf_bytes, page_hashes, salted
from ...errors import Refused
from ...evidence.shocks import each_decides
from ...ledger.merkle import root_of
from ...market.allocation import split_columns, total_of
from ...market.listing import Listing, Overpaid
from ...measures.identity import canonical, content_id, digest, read_canonical
from ...policies.schedule import InForce, Schedule, in_force, places_of, steady
from ...terms.columnar import SettleMany
from ...terms.words import Terms
from ..effects.listed import Lists, observed_by, spans_by
from ..node import Node
from ..ports import Reading, Writing
from ..vault.blobs import seal_framed
from ..vault.sealing import frame
from .histories import Spans, histories, paid_once
from .holding import AtHand
from .schedules import Schedules, recorded_times

CHUNK = 64 * PAGE  # claims made, hashed and kept at a time
LARGE = 4 * CHUNK  # from here on each chunk is a transaction of its own
TOTALED = ("gross_fen", "terms_fen", "owed_fen", "pay_fen")
MOST_KEPT = 20  # reasons said of one trigger
Reads = Callable[[Terms], Terms]  # the terms as this member's software reads them
Tell = Callable[[str, int, int], None]  # what is being done, how much of it, of how much


def as_filed(terms: Terms) -> Terms:
    """The terms as they stand on the record."""
    return terms


def silent(_what: str, _done: int, _of: int) -> None:
    """Tell nobody."""


@dataclass
class MassRun:
    """One decision, made by this member alone on its own copy of the book."""

    node: Node
    schedules: Schedules
    settle_many: SettleMany
    spread: Spread
    at_hand: AtHand
    tell: Tell = field(default=silent)
    reads: Reads = field(default=as_filed)

    def decide(self, trigger_id: str) -> Act | None:
        """The act that states our decision, or that the terms give none; None where none is due.

        Where several decide, also after the others have settled: as of then, to be compared.

        Errors   ReadingsDisagree, RecordDamaged (alarms).
        """
        with self.node.store.writing() as block:
            state = State(block)
            trigger = state.need("trigger", trigger_id)
            me = self.node.identity.member
            entry = state.need("listing", trigger["listing"])
            place = place_of(state, trigger_id, trigger, entry["listing"], me)
            if place is None or not self.at_hand(block, state, trigger):
                return None  # others were quicker, or rows are still on their way to us
            key = words_at(trigger_id, place.counter, place.number) + me
            if (kept := block.progress(f"decide/{key}")) is not None:
                return from_bytes(kept)
            listing = Listing.from_json(entry["listing"])
            kept = block.progress(f"mass/{key}")
            progress = {"confirmed": [], "chunks": []} if kept is None else read_canonical(kept)
            confirmed = set(progress["confirmed"])
            try:
                result, covered = self.evaluate(
                    block, state, trigger, listing, entry["arrears"], confirmed, place.counter
                )
            except Refused as refused:
                act = self._cannot(trigger_id, trigger, place, refused)
                block.put_progress(f"decide/{key}", act.to_bytes())
                return act
            body = self._stated(block, state, trigger, place)
            body["totals"] = totals(result, covered, listing)
            if len(result.claims) < LARGE:
                made = list_of(self._made(result.claims, trigger_id))
                return self._written(block, key, trigger, body, made, place)
            progress["confirmed"] = sorted(confirmed)
            progress |= {"claims": len(result.claims), "chunk": CHUNK}  # for whoever looks on
            block.put_progress(f"mass/{key}", canonical(progress))
        chunks = self._chunks(f"mass/{key}", progress, trigger_id, trigger, result.claims, place)
        made = list_of(chunks)
        with self.node.store.writing() as block:
            return self._written(block, key, trigger, body, made, place)

    def evaluate(
        self,
        block: Writing,
        state: State,
        trigger: dict[str, Any],
        listing: Listing,
        arrears: bool,
        confirmed: set[str],
        counter: int,
    ) -> tuple[Evaluated, int]:
        """The claims of one trigger as of a counter, and how many policies were in force.

        Columns named in `confirmed` are not read exactly once more; those that are come to it.
        """
        schedule = self.schedules.checked(block, state, trigger["book"], trigger["book_size"])
        given = (trigger, listing, schedule, confirmed, counter)
        return self.read(block, state, *given, arrears=arrears)

    def read(
        self,
        reading: Reading,
        state: State,
        trigger: dict[str, Any],
        listing: Listing,
        schedule: Schedule,
        confirmed: set[str],
        counter: int,
        *,
        arrears: bool,
    ) -> tuple[Evaluated, int]:
        """As `evaluate`, over columns of the book up to the trigger's size; nothing is written."""
        product = product_of(state, trigger["product"])
        version = next(v for v in product.versions if v.number == trigger["version"])
        times = recorded_times(state, trigger["book"])
        policies = in_force(schedule, trigger["instant"], times, arrears=arrears)
        self.tell("evaluate", 0, len(policies))
        subjects = cache(partial(_subjects, reading, trigger, policies))
        lists = Lists(reading, self.node.identity)
        seen = observed_by(reading, self.node.identity, product, trigger, subjects, lists)
        mass = Mass(
            self.reads(version.terms), trigger["benefit"], columns_of(seen.observed), schedule,
            self.settle_many, self.spread, confirmed, partial(self.tell, "confirm"),
        )  # fmt: skip
        spans = _spans(state, lists, subjects) if paid_once(state, trigger) else None
        past = histories(reading, state, trigger, schedule, policies, counter, spans)
        how = released(state, trigger)
        places = places_of(schedule.policy[policies.chosen], how) if how else {}
        by_place = {place: how[policy] for place, policy in places.items()}
        result = evaluate(mass, policies, past, listing, seen.unknown, by_place)
        self.tell("evaluate", len(policies), len(policies))
        return result, len(policies)

    def _stated(
        self, block: Writing, state: State, trigger: dict[str, Any], place: Place
    ) -> dict[str, Any]:
        """What a decision says it is about; where every shock decides, also for how long around."""
        body = {
            "trigger": content_id("trigger", trigger),
            "revision": trigger["revision"],
            "counter": place.counter,
            "book_size": trigger["book_size"],
            "book_root": trigger["book_root"],
            **place.stated,
        }
        if each_decides(product_of(state, trigger["product"]).grouping):
            schedule = self.schedules.of(block, state, trigger["book"], trigger["book_size"])
            times = recorded_times(state, trigger["book"])
            body["steady"] = list(steady(schedule, trigger["instant"], times))
        return body

    def _cannot(
        self, trigger_id: str, trigger: dict[str, Any], place: Place, refused: Refused
    ) -> Act:
        """The terms give no result: said on the record, so that the line behind goes on."""
        body = {
            "trigger": trigger_id,
            "revision": trigger["revision"],
            "counter": place.counter,
            "refusals": [refusal.as_json() for refusal in refused.refusals[:MOST_KEPT]],
            **place.stated,
        }
        return self.node.act("cannot_decide", f"cannot-{trigger_id}-{place.counter}", body)

    def _made(self, claims: Claims, trigger_id: str) -> Iterator[Made]:
        """Each chunk's leaves and page heads, in order."""
        parts = [claims[at : at + CHUNK] for at in range(0, len(claims), CHUNK)]
        for number, made in enumerate(self.spread(make, ((part, trigger_id) for part in parts))):
            self.tell("leaves", min((number + 1) * CHUNK, len(claims)), len(claims))
            yield made

    def _chunks(
        self,
        name: str,
        progress: dict[str, Any],
        trigger_id: str,
        trigger: dict[str, Any],
        claims: Claims,
        place: Place,
    ) -> Iterator[Made]:
        """Each chunk made, and written down in a transaction of its own where it is not yet."""
        done = progress["chunks"]
        about = (trigger_id, trigger["book"], trigger["benefit"])
        for number, made in enumerate(self._made(claims, trigger_id)):
            mark = digest(b"".join(made.heads))
            if done[number : number + 1] != [mark] and not place.late:
                done[number:] = [mark]
                with self.node.store.writing() as block:
                    first = number * CHUNK // PAGE
                    block.put_claims(*about, made.claims, made.heads, first)
                    block.put_progress(name, canonical(progress))
            yield made

    def _written(
        self,
        block: Writing,
        key: str,
        trigger: dict[str, Any],
        body: dict[str, Any],
        made: list[Made],
        place: Place,
    ) -> Act:
        """The claims sealed, the act signed, both written down before anything is sent."""
        heads = [head for part in made for head in part.heads]
        framed, count = b"".join(part.framed for part in made), body["totals"]["claims"]
        of = (CLAIMS, trigger["listing"])
        body["claims"] = seal_framed(block, self.node, framed, count, root_of(heads), *of)
        act = self.node.act("decide", f"decide-{key}", body)
        if count < LARGE and not place.late:  # else each chunk has been kept, or what settled is
            parts = [part.claims for part in made] or [np.zeros(0, CLAIM)]
            about = (body["trigger"], trigger["book"], trigger["benefit"])
            block.put_claims(*about, np.concatenate(parts), heads)
        block.put_progress(f"mass/{key}", None)
        block.put_progress(f"decide/{key}", act.to_bytes())
        return act


@dataclass(frozen=True)
class Place:
    """Where a word is said: the counter it reads, the round; `late` where others have settled."""

    counter: int
    number: int = 1
    late: bool = False

    @property
    def stated(self) -> dict[str, int]:
        """What a body says of the round."""
        return {} if self.number == 1 else {"round": self.number}


def place_of(
    state: State,
    trigger_id: str,
    trigger: dict[str, Any],
    listing: dict[str, Any],
    me: str,
) -> Place | None:
    """Where our word on a trigger is due; None where it is not, or not yet."""
    if me not in listing["deciders"]:
        return None
    book = state.need("book", trigger["book"])
    place = None
    if book["open"] == trigger_id:
        number = (state.get("round", trigger_id) or {"number": 1})["number"]
        place = Place(book["counter"], number)
    elif late := state.get("late", trigger_id):
        first, last = (f"{trigger['book']}/{n:012d}" for n in (late["counter"] + 1, 10**12 - 1))
        settled = sum(1 for _ in state.between("settled", first, last))
        if late["counter"] + settled == book["counter"]:  # else what was paid back is not as then
            place = Place(late["counter"], late["round"], late=True)
    if place is None or state.has(
        "decision", words_at(trigger_id, place.counter, place.number) + me
    ):
        return None
    if rounds.in_rounds(trigger, listing):
        held = rounds.held_upto(state, trigger["book"], me)
        return place if held >= trigger["book_size"] else None
    return place


def _subjects(reading: Reading, trigger: dict[str, Any], policies: InForce) -> list[str | None]:
    """The subject tokens of policies in force, where an input differs by policy."""
    subjects = reading.subjects(trigger["book"], trigger["book_size"])
    return [subjects[at] for at in policies.chosen.tolist()]


def _spans(state: State, lists: Lists, subjects: Callable[[], Sequence[str | None]]) -> Spans:
    """When policies in force were without power by a trigger, by the lists it names."""

    def spans(trigger: Mapping[str, Any], places: Sequence[int]) -> list[tuple[int, int]]:
        every, product = subjects(), product_of(state, trigger["product"])
        return spans_by(lists, product, trigger, [every[place] for place in places])

    return spans


@dataclass(frozen=True)
class Made:
    """A chunk of claims with the salts of their leaves, framed for the blob, and its page heads."""

    claims: Claims
    framed: bytes
    heads: list[bytes]


def list_of(made: Iterable[Made]) -> list[Made]:
    """Every chunk, made to the end."""
    return list(made)


def make(claims: Claims, trigger: str) -> Made:
    """Leaves of some claims. Chunks begin at a page."""
    mine = salted(claims, trigger)
    leaves = leaf_bytes(mine, trigger)
    return Made(mine, frame(leaves), page_hashes(hashes_of(leaves)))


def totals(result: Evaluated, covered: int, listing: Listing) -> dict[str, Any]:
    """The totals of a decision: what each carrier has to pay, and what it may ask back."""
    claims, placement = result.claims, listing.placement
    over = np.maximum(0, claims["settled_fen"] - claims["owed_fen"])
    taken = {str(choice): over[claims["state"] == STATES.index(choice)] for choice in Overpaid}
    back = split_columns(placement, taken[Overpaid.RECEIVABLE])
    pay = split_columns(placement, claims["pay_fen"].astype(np.int64))
    carriers = [
        {"carrier": s.carrier, "pay_fen": total_of(pay[:, i]), "receivable_fen": total_of(b)}
        for i, s in enumerate(placement.shares)
        for b in (back[:, i],)
    ]
    return {
        "in_force": covered,
        "claims": len(claims),
        "held": int((claims["state"] == STATES.index("held")).sum()),
        **{name: total_of(claims[name]) for name in TOTALED},
        "kept_fen": total_of(taken[Overpaid.KEPT]),
        "receivable_fen": total_of(taken[Overpaid.RECEIVABLE]),
        "cap": None if result.cap is None else result.cap.as_json(),
        "carriers": carriers,
    }
