"""Receipts collected: walks the store for all that `verify` needs, and signs the whole.

One `Collector` serves many receipts of one snapshot. Rows and claims are opened by `opened`.
What a receipt is stands in `claims.receipt`. Source: docs/specs/receipt.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from ...acts.facts import product_of
from ...acts.record_facts import taken
from ...acts.release import counted
from ...acts.state import State
from ...claims.case import words_at
from ...claims.claim import claim_from_json
from ...claims.payout import payouts_of
from ...claims.receipt import (
    ROLES,
    Kind,
    Line,
    OpenedClaim,
    OpenedRow,
    Paid,
    Part,
    Receipt,
    Shown,
)  # fmt: skip
from ...errors import Refusal, Refused
from ...evidence.area import AreaSet
from ...evidence.grouping import Occurrence, occurrence_id
from ...evidence.names import Names
from ...ledger import checkpoint
from ...ledger.proof import as_hex, inclusion
from ...market.listing import Listing
from ...measures.identity import content_id, read_canonical
from ...measures.instant import DAY
from ...terms.filing import Product
from ..ports import Certify, Identity, Reading
from .collected.lines import Lists
from .collected.outcomes import outcomes_of
from .collected.positions import Positions
from .opened import Opener

Json = dict[str, Any]
SHOWN_FACTS = 24  # facts beyond those that decided, shown as not counted
FINAL = ("executed", "refused")


class Collector:
    """Makes receipts from one snapshot of a member's store."""

    def __init__(
        self,
        reading: Reading,
        identity: Identity,
        certify: Certify | None = None,
        positions: Positions | None = None,
    ) -> None:
        """`positions`: what earlier collectors of this record have read of it."""
        self._reading, self._identity, self._certify = reading, identity, certify
        self._positions = positions or Positions()
        self._state = State(reading)
        self._text = reading.checkpoint()
        self._size = checkpoint.parse(self._text).size
        self._opener, self._lists = Opener(reading), Lists(reading, identity)
        self._paid: dict[str, dict[str, Paid]] = {}

    def payout(self, settlement: str, policy: str) -> Receipt:
        """The receipt of what one policy is paid by a settlement.

        Errors   Refused receipt.* where there is no such settlement, or nothing to pay in it.
        """
        entry, trigger = self._settled(settlement)
        opened = self._claim(entry, trigger, policy)
        if opened is None or not opened.claim["pay_fen"]:
            raise _no("nothing_to_pay", settlement=settlement, policy=policy)
        listing = Listing.from_json(self._state.need("listing", entry["listing"])["listing"])
        claim = claim_from_json(opened.claim)
        paid = self._outcomes(settlement)
        parts = [
            Part(payout.as_json(), payout.amount_fen, paid.get(payout.id))
            for payout in payouts_of(claim, trigger, listing.placement)
        ]
        return self._of_policy(Kind.PAYOUT, settlement, claim.position, opened, tuple(parts))

    def policy_refusal(self, settlement: str, policy: str) -> Receipt:
        """Why a settlement pays nothing to one policy of its book.

        Errors   Refused receipt.* where the policy is not in the book, or is paid.
        """
        entry, trigger = self._settled(settlement)
        opened = self._claim(entry, trigger, policy)
        if opened is not None:
            if opened.claim["pay_fen"]:
                raise _no("is_paid", settlement=settlement, policy=policy)
            position = opened.claim["position"]
        else:
            mine = self._opener.versions(trigger["book"], trigger["book_size"], policy)
            if not mine:
                raise _no("no_policy", policy=policy, book=trigger["book"])
            spans = [r for r in mine if r.row.since <= trigger["instant"] < r.row.until]
            position = (spans or mine)[-1].position
        return self._of_policy(Kind.REFUSAL, settlement, position, opened, ())

    def case_refusal(self, listing: str, occurrence: str, benefit: str) -> Receipt:
        """Why a case pays nothing (yet).

        Errors   Refused receipt.* where there is no such case, or it is not refused.
        """
        value = self._state.get("case", f"{listing}/{occurrence}/{benefit}")
        if value is None:
            raise _no("no_case", listing=listing, occurrence=occurrence, benefit=benefit)
        if value["state"] in ("settled", "ready", "deciding") or value["settlement"]:
            raise _no("no_refusal", state=value["state"])
        leaves = _Leaves()
        leaves.add("case", self._place(content_id("case", value)))
        self._common(leaves, value, value["at"])
        return self._signed(Kind.REFUSAL, leaves, None, None, None, ())

    # Parts ---------------------------------------------------------------------------------------

    def _of_policy(
        self, kind: Kind, settlement: str, position: int, opened: OpenedClaim | None,
        parts: tuple[Part, ...],
    ) -> Receipt:  # fmt: skip
        entry, trigger = self._settled(settlement)
        leaves = _Leaves()
        place = self._place(settlement)
        leaves.add("settlement", place)
        leaves.add("trigger", self._place(entry["trigger"]))
        case, case_at = self._case_of(settlement, place)
        leaves.add("case", case)
        for member in entry["deciders"]:
            key = words_at(entry["trigger"], entry["counter"], entry.get("round", 1)) + member
            leaves.add("decisions", self._place(self._state.need("decision", key)["act"]))
        row, before = self._rows(trigger, position, leaves)
        for said in counted(self._state, trigger):
            if said["policy"] == row.row["policy"]:
                leaves.add("release", self._place(said["act"]))
        for part in parts:
            if part.paid is not None:
                leaves.add("payments", self._place(part.paid.act))
        self._common(leaves, trigger, case_at)
        product = product_of(self._state, trigger["product"])
        lines = self._lists.lines(product, trigger, row.row["subject"])
        return self._signed(kind, leaves, row, before, opened, parts, lines)

    def _common(self, leaves: _Leaves, subject: Json, at: str) -> None:
        """Product, listing, facts, areas, sources, people's decisions, members."""
        entry = self._state.need("listing", subject["listing"])
        leaves.add("listing", self._place(entry["act"]))
        leaves.add("product", self._place(self._state.need("product", entry["product"])["act"]))
        product = product_of(self._state, entry["product"])
        founding = self._founding(entry["rule"], product, subject["occurrence"], at)
        wanted = list(_named(subject["facts"], founding))
        must = list(_named(subject["facts"], founding, shown=False))
        for observation in [*must, *wanted[: SHOWN_FACTS + len(must)]]:
            found = self._state.get("observation", observation)
            if found is not None:
                leaves.add("facts", self._place(found["attested"][0]["act"]))
        for name in (r.name for r in product.inputs):
            key = f"{subject['listing']}/{subject['occurrence']}/{name}"
            if (said := self._state.get("resolution", key)) is not None:
                leaves.add("resolution", self._place(said["act"]))
            for _, said in self._state.range("resolution", f"{key}/"):  # of one shock of several
                leaves.add("resolution", self._place(said["act"]))
        for detail in (fact.get("detail", fact) for fact in subject["facts"].values()):
            if "by_name" in detail:
                for area in self._areas(product, detail["place"]):
                    leaves.add("areas", self._place(area))
        self._registered(leaves, Listing.from_json(entry["listing"]))

    def _founding(self, rule: str, product: Product, occurrence: str, at: str) -> str:
        """The founding observation, also of an occurrence that an earlier sequence has taken in."""
        stored = self._state.get("occurrence", at)
        if stored is not None:
            return Occurrence.from_json(stored).founding
        origin = int(at.removeprefix(f"{rule}/").partition("/")[0])
        low, high = f"shock/{max(0, origin - DAY):012d}", f"shock/{origin + DAY:012d}"
        for key, _ in self._state.between("seen", low, high):
            observation = key.rpartition("/")[2]
            if occurrence_id(product.grouping, observation) == occurrence:
                return observation
        raise LookupError(f"no observation founds {occurrence}")

    def _rows(
        self, trigger: Json, position: int, leaves: _Leaves
    ) -> tuple[OpenedRow, OpenedRow | None]:
        """The row, the other version where one was recorded late, and who vouches for both."""
        book, size = trigger["book"], trigger["book_size"]
        row = self._opener.row(book, size, position)
        self._held(leaves, book, position)
        self._held(leaves, book, size - 1)
        instant = trigger["instant"]
        versions = [
            r.position
            for r in self._opener.versions(book, size, row.row["policy"])
            if r.row.since <= instant < r.row.until
        ]
        if self._recorded_at(book, position) > instant:
            others = [p for p in versions if self._recorded_at(book, p) <= instant]
        else:
            others = [p for p in versions if p > position]
        if not others:
            return row, None
        self._held(leaves, book, others[-1])
        return row, self._opener.row(book, size, others[-1])

    def _held(self, leaves: _Leaves, book: str, position: int) -> None:
        """The batch that brought a place of the book, and the statements that put it in force."""
        batch, entry = self._batch(book, position)
        first = self._place(batch)
        leaves.add("batch", first)
        wanted = set(entry["statements"])
        for index in range(first + 1, self._size):
            leaf = json.loads(self._reading.leaf(index))
            act = leaf.get("act", {})
            if act.get("kind") == "hold_batch" and act["body"]["batch"] == batch:
                leaves.add("hold", index)
                wanted.discard(act["by"])
            if not wanted:
                return

    def _batch(self, book: str, position: int) -> tuple[str, Json]:
        found = self._positions.batch(self._state, book, position)
        return str(found), dict(self._state.need("batch", str(found)))

    def _recorded_at(self, book: str, position: int) -> int:
        return int(self._batch(book, position)[1]["recorded_at"])

    def _areas(self, product: Product, place: str) -> Iterator[str]:
        """The acts of the areas that decide a role: the product's own, and those the name means."""
        entries = [entry for _, entry in self._state.range("area", "")]
        codes = {*product.area.get("own", ()), *product.area.get("surrounding", ())}
        sets = [(AreaSet.from_json(entry), entry["act"]) for entry in entries]
        chosen = [(a, act) for a, act in sets if a.code in codes and a.set == product.area["cells"]]
        whole = Names.of(a for a, _ in sets).find(place)
        if Names.of(a for a, _ in chosen).find(place) != whole:
            means = [(a, act) for a, act in sets if Names.of([a]).find(place)]
            chosen = [*chosen, *(pair for pair in means if pair not in chosen)]
        if Names.of(a for a, _ in chosen).find(place) != whole:
            chosen = sets
        return (act for _, act in chosen)

    def _registered(self, leaves: _Leaves, listing: Listing) -> None:
        """Entries of the sources of all facts shown, and of the members that this receipt names."""
        members = {
            *listing.deciders, listing.payer, listing.standby_payer, self._identity.member,
            *(share.carrier for share in listing.placement.shares),
        }  # fmt: skip
        upto = 0
        sources = set()
        for role, index in list(leaves.all()):
            upto = max(upto, index)
            leaf = json.loads(self._reading.leaf(index))
            if "act" in leaf:
                members.add(leaf["act"]["by"])
            if role == "facts":
                facts = taken(leaf["act"]["body"], leaf["result"])
                sources |= {str(fact["observation"].get("source")) for fact in facts}
        registered = list(self._positions.registrations(self._reading, self._size))
        for index, kind, body, by in reversed(registered):
            if kind == "admit_member" and body["id"] in members:
                leaves.add("members", index)
                members.add(by)  # who was named before
            if kind == "change_key" and body["member"] in members:
                leaves.add("keys", index)
                members.add(by)  # others, where votes gave the key
            if kind == "register_source" and body["id"] in sources and index < upto:
                leaves.add("sources", index)
                members.add(by)

    def _case_of(self, settlement: str, place: int) -> tuple[int, str]:
        """The leaf by which the case was settled, a few after that of the settlement."""
        for index in range(place + 1, self._size):
            leaf = json.loads(self._reading.leaf(index))
            if leaf.get("what") == "case" and leaf["value"]["settlement"] == settlement:
                return index, leaf["value"]["at"]
        raise LookupError(f"no case is settled by {settlement}")

    def _claim(self, entry: Json, trigger: Json, policy: str) -> OpenedClaim | None:
        """The claim of a policy, among those that were decided."""
        book, size = trigger["book"], trigger["book_size"]
        return self._opener.claim(entry["trigger"], book, size, policy)

    def _settled(self, settlement: str) -> tuple[Json, Json]:
        found = self._state.get("settlement", settlement)
        if found is None:
            raise _no("no_settlement", settlement=settlement)
        entry: Json = found["settlement"]
        return entry, self._state.need("trigger", entry["trigger"])

    def _outcomes(self, settlement: str) -> dict[str, Paid]:
        """The last confirmed outcome of each payout of a settlement."""
        if settlement not in self._paid:
            found = outcomes_of(self._reading, self._state, self._identity, settlement)
            self._paid[settlement] = found
        return self._paid[settlement]

    def _place(self, name: str) -> int:
        place = self._reading.place(name)
        if place is None:
            raise LookupError(f"not in the log: {name}")
        return place

    def _signed(
        self, kind: Kind, leaves: _Leaves, row: OpenedRow | None, before: OpenedRow | None,
        claim: OpenedClaim | None, parts: tuple[Part, ...], lines: tuple[Line, ...] = (),
    ) -> Receipt:  # fmt: skip
        leaves.add("genesis", 0)
        for role, index in list(leaves.all()):
            if role != "genesis":
                height = json.loads(self._reading.leaf(index))["height"]
                leaves.add("blocks", self._place(f"block/{height}"))
        genesis = self._state.need("genesis", "it")
        key = self._identity.log.public_key()
        receipt = Receipt(
            kind=kind,
            vkey=checkpoint.verifier_key(genesis["origin"], key),
            checkpoint=self._text,
            leaves={role: tuple(self._shown(leaves.by_role.get(role, ()))) for role in ROLES},
            row=row,
            before=before,
            claim=claim,
            payouts=parts,
            signer=self._identity.member,
            certificate=self._certificate,
            lines=lines,
        )
        return receipt.signed(self._identity.acts.sign)

    @cached_property
    def _certificate(self) -> Json | None:
        """In a consortium, what the members' engines have signed over the checkpoint's root."""
        if self._certify is None:
            return None
        last = json.loads(self._reading.leaf(self._size - 1))
        return self._certify(int(last.get("height", 0)))

    def _shown(self, places: Iterable[int]) -> Iterator[Shown]:
        for index in sorted(places):
            path = inclusion(index, self._size, self._reading.node)
            leaf = read_canonical(self._reading.leaf(index))
            yield Shown(index, leaf, tuple(as_hex(path)))


class _Leaves:
    """Positions by role; each leaf stands once."""

    def __init__(self) -> None:
        self.by_role: dict[str, set[int]] = {}

    def add(self, role: str, index: int) -> None:
        self.by_role.setdefault(role, set()).add(index)

    def all(self) -> Iterator[tuple[str, int]]:
        for role, places in self.by_role.items():
            for index in sorted(places):
                yield role, index


def _named(facts: Mapping[str, Any], founding: str, *, shown: bool = True) -> Iterator[str]:
    """Observations that the facts name, each once: founding, deciding, and those only shown."""
    found = dict.fromkeys([founding])
    for fact in facts.values():
        detail = fact.get("detail", fact)
        found.update(dict.fromkeys(fact.get("because", ())))
        found.update(dict.fromkeys(i for i, _ in detail.get("used", {}).values()))
        if isinstance(detail.get("observation"), str):
            found[detail["observation"]] = None
        if shown:
            found.update(dict.fromkeys(row["observation"] for row in detail.get("shown", ())))
            sides = detail.get("values", ())
            found.update(dict.fromkeys(row["observation"] for row in sides))
    return iter(found)


def _no(code: str, **facts: str) -> Refused:
    return Refused(Refusal(f"receipt.{code}", facts))
