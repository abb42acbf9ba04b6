"""A receipt as the checks see it: its leaves sorted into acts, made records, blocks and members.

Reads only; whether any of it is true is what the checks are for. Written apart from the code that
makes acts and leaves, so that one fault cannot hide in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...errors import Refusal
from ...evidence.attestation import Attestation, verify
from ...evidence.observation import Observation, check
from ...evidence.source import Source
from ...ledger.checkpoint import Checkpoint, parse
from ...market.listing import Listing
from ...measures.identity import canonical, content_id, digest
from ...terms.filing import Product, Version
from ..receipt import ROLES, Receipt, Shown
from .verdict import demand, fails

Json = Mapping[str, Any]
ACT_LEAF = {"leaf", "height", "act", "result"}
MADE_LEAF = {"leaf", "height", "by", "what", "id", "value", "because"}
BLOCK_LEAF = {"leaf", "height", "time", "rules", "acts", "leaves", "writes", "previous"}
ACT = {"v", "chain", "kind", "by", "key", "ref", "body", "sig"}


@dataclass(frozen=True)
class ActSeen:
    """An act on the record: its id, sender, body, where it stands, and the bytes under its
    signature."""

    id: str
    role: str
    index: int
    height: int
    act: Json
    result: Json
    signed: bytes

    @property
    def by(self) -> str:
        """The member that sent it."""
        return str(self.act["by"])

    @property
    def body(self) -> dict[str, Any]:
        """What it says."""
        body: dict[str, Any] = self.act["body"]
        return body


@dataclass(frozen=True)
class MadeSeen:
    """A record that applying an act made."""

    id: str
    index: int
    height: int
    by: str
    value: dict[str, Any]
    because: tuple[str, ...]


@dataclass(frozen=True)
class BlockSeen:
    """A block's last leaf: its time, and how many leaves stand before it."""

    index: int
    height: int
    time: int
    rules: int
    leaves: int


@dataclass(frozen=True)
class FactSeen:
    """One accepted fact: observation, attestation, and the act that carried it."""

    observation: Observation
    attestation: Attestation
    act: ActSeen


@dataclass(frozen=True)
class Seen:
    """The receipt and what it is to be held against: the log's key, or the genesis (None: only the
    receipt's own word)."""

    receipt: Receipt
    vkey: str | None
    founding: Json | None = None

    @cached_property
    def head(self) -> Checkpoint:
        """The checkpoint as read, not yet believed."""
        return parse(self.receipt.checkpoint)

    @cached_property
    def genesis(self) -> Json:
        """The genesis value."""
        shown = self._one("genesis")
        demand(set(shown.leaf) == {"leaf", "value"}, "leaf_shape", index=shown.index)
        value: Json = shown.leaf["value"]
        return value

    @cached_property
    def chain(self) -> str:
        """The id that every act of this record names."""
        return content_id("chain", self.genesis)

    @cached_property
    def acts(self) -> Mapping[str, tuple[ActSeen, ...]]:
        """Acts by the role of their leaf."""
        return {
            role: tuple(_act(role, kind, shown) for shown in self.receipt.leaves[role])
            for role, kind in ROLES.items()
            if kind not in ("genesis", "block") and not kind.startswith("made ")
        }

    @cached_property
    def blocks(self) -> Mapping[int, BlockSeen]:
        """Blocks by height."""
        found: dict[int, BlockSeen] = {}
        for shown in self.receipt.leaves["blocks"]:
            leaf = shown.leaf
            demand(
                set(leaf) == BLOCK_LEAF and leaf["leaf"] == "block",
                "leaf_shape", index=shown.index,
            )  # fmt: skip
            numbers = (leaf["height"], leaf["time"], leaf["rules"], leaf["leaves"])
            demand(all(type(n) is int for n in numbers), "leaf_shape", index=shown.index)
            demand(leaf["height"] not in found, "block_twice", height=leaf["height"])
            found[leaf["height"]] = BlockSeen(shown.index, *numbers)
        return found

    def time(self, height: int) -> int:
        """The time of a block; the genesis has its own."""
        if height not in self.blocks:
            raise fails("block_missing", height=height)
        return self.blocks[height].time

    @cached_property
    def members(self) -> Mapping[str, tuple[Json, int]]:
        """Members with the position from which the record knows them."""
        known = {str(m["id"]): (m, 0) for m in self.genesis["members"]}
        for act in self.acts["members"]:
            known.setdefault(str(act.body["id"]), (act.body, act.index))
        return known

    @cached_property
    def changes(self) -> Mapping[str, tuple[ActSeen, ...]]:
        """By member the acts that gave it another key, in the order of the record."""
        found: dict[str, list[ActSeen]] = {}
        for act in sorted(self.acts["keys"], key=lambda a: a.index):
            found.setdefault(str(act.body["member"]), []).append(act)
        return {member: tuple(acts) for member, acts in found.items()}

    def key_of(self, member: str, before: int) -> str | None:
        """The key that a change has given to a member before a position; None where none has."""
        given = [act for act in self.changes.get(member, ()) if act.index < before]
        return str(given[-1].body["key"]) if given else None

    def name(self, member: str, language: str) -> str:
        """A member's name for a sentence; its id where the receipt does not carry it."""
        entry = self.members.get(member)
        return member if entry is None else str(entry[0]["name"][language])

    @cached_property
    def trigger(self) -> MadeSeen:
        """The trigger."""
        return self._made("trigger")

    @cached_property
    def settlement(self) -> MadeSeen:
        """The settlement."""
        return self._made("settlement")

    @cached_property
    def case(self) -> MadeSeen:
        """The case as its last leaf in this receipt says."""
        return self._made("case")

    @cached_property
    def product(self) -> Product:
        """The product as filed."""
        return Product.from_json(self.one("product").body["product"])

    @cached_property
    def listing(self) -> Listing:
        """The listing: who carries, decides and pays."""
        return Listing.from_json(self.one("listing").body["listing"])

    @cached_property
    def version(self) -> Version:
        """The version of the terms that the trigger names."""
        return self.product.version(self.trigger.value["version"])

    @cached_property
    def facts(self) -> Mapping[str, FactSeen]:
        """Facts that the record took, by observation id; refused items of a batch are left out.

        Where the list of refused items was too long for its leaf, what lies beyond its end counts
        as taken only if nothing can be said against it.
        """
        found: dict[str, FactSeen] = {}
        for act in sorted(self.acts["facts"], key=lambda a: a.index):
            notes = act.result["notes"]
            refused = {note["facts"].get("index") for note in notes}
            cut = any(note["code"] == "act.and_more" for note in notes)
            last = max((i for i in refused if type(i) is int), default=-1)
            for index, fact in enumerate(act.body["facts"]):
                if index in refused:
                    continue
                observation = Observation.from_json(fact["observation"])
                attestation = Attestation.from_json(fact["attestation"])
                seen = FactSeen(observation, attestation, act)
                if cut and index > last and self.objection(seen) is not None:
                    continue
                found.setdefault(observation.id, seen)
        return found

    def objection(self, fact: FactSeen) -> Refusal | None:
        """What is to be said against a fact by the register of sources; None where nothing is."""
        source = self.source(fact.observation.source, fact.act.index)
        time = self.time(fact.act.height)
        refusal = verify(fact.attestation, fact.observation, source, time)
        return refusal or next(iter(check(fact.observation, source, time)), None)

    def source(self, name: str, before: int) -> Source | None:
        """The register's entry for a source at a position of the log."""
        entries = [
            act for act in self.acts["sources"] if act.body["id"] == name and act.index < before
        ]
        if not entries:
            return None
        return Source.from_json(max(entries, key=lambda act: act.index).body)

    def one(self, role: str) -> ActSeen:
        """The only act of a role."""
        acts = self.acts[role]
        demand(len(acts) == 1, "leaf_count", role=role, count=len(acts))
        return acts[0]

    def _one(self, role: str) -> Shown:
        leaves = self.receipt.leaves[role]
        demand(len(leaves) == 1, "leaf_count", role=role, count=len(leaves))
        return leaves[0]

    def _made(self, role: str) -> MadeSeen:
        shown = self._one(role)
        leaf = shown.leaf
        fits = set(leaf) == MADE_LEAF and leaf["leaf"] == "made" and leaf["what"] == role
        fits &= isinstance(leaf.get("because"), (list, tuple))
        demand(fits and type(leaf["height"]) is int, "leaf_shape", index=shown.index)
        demand(
            content_id(role, leaf["value"]) == leaf["id"], "made_id",
            what=role, id=str(leaf["id"])[:64],
        )  # fmt: skip
        because = tuple(str(parent) for parent in leaf["because"])
        return MadeSeen(leaf["id"], shown.index, leaf["height"], leaf["by"], leaf["value"], because)


def _is_act(act: Any) -> bool:
    """Whether an act has the fields of one, with or without an end."""
    version, until = act.get("v"), act.get("until")
    if type(version) is not int or set(act) - {"until"} != ACT:
        return False
    if "until" not in act:
        return version == 1
    return version == 2 and type(until) is int and until >= 0


def _act(role: str, kind: str, shown: Shown) -> ActSeen:
    leaf = shown.leaf
    demand(set(leaf) == ACT_LEAF and leaf["leaf"] == "act", "leaf_shape", index=shown.index)
    act = leaf["act"]
    demand(
        _is_act(act) and act["kind"] == kind, "leaf_role",
        index=shown.index, role=role, kind=str(act.get("kind"))[:40],
    )  # fmt: skip
    demand(type(leaf["height"]) is int, "leaf_shape", index=shown.index)
    signed = canonical({name: value for name, value in act.items() if name != "sig"})
    wish = {name: value for name, value in act.items() if name not in ("sig", "until")}
    name = digest(b"miaopei/v1/act\0" + canonical({**wish, "v": 1}))  # whenever it ends
    return ActSeen(name, role, shown.index, leaf["height"], act, leaf["result"], signed)
