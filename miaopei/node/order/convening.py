"""How a solo record becomes that of a consortium: the file that pins it, the block that does it.

The file `{v, suite, genesis, seats, height, time, previous, acts}` takes the place of a genesis
file: the solo record's genesis, the seats, and the one block by which the sender of `convene` hands
the order over: its height and time, the root before it, its acts. Every member makes that block
itself, over the leaves before it; the engine's first block is the next.
Source: docs/specs/consortium.md, section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...acts.apply import apply_block
from ...acts.convene import KIND, convened
from ...acts.envelope import Act, from_json
from ...acts.state import State
from ...errors import Fact, Refusal, Refused
from ...ledger.quorum import engine_name
from ...measures.identity import content_id
from ...measures.shape import misfit
from ...measures.suites import SigningKey
from ..ports import Head, Store
from .keep import certify, found, keep

FIELDS = {
    "v": int, "suite": str, "genesis": dict, "seats": list, "height": int, "time": int,
    "previous": str, "acts": list,
}  # fmt: skip


@dataclass(frozen=True)
class Founding:
    """What a consortium's genesis file says. `height` is that of the last block that no engine
    made: 0 where the genesis itself gives the seats."""

    file: dict[str, Any]

    @property
    def genesis(self) -> dict[str, Any]:
        """The value of the record's first leaf."""
        value: dict[str, Any] = self.file.get("genesis", self.file)
        return value

    @property
    def continues(self) -> bool:
        """Whether it goes on with a record that one member ordered."""
        return self.genesis is not self.file

    @property
    def height(self) -> int:
        """Where the engine takes over: its first block is the next."""
        return int(self.file["height"]) if self.continues else 0

    @property
    def chain(self) -> str:
        """The engine's name of the record: it binds the whole file."""
        return engine_name(content_id("chain", self.file))

    @property
    def acts(self) -> tuple[Act, ...]:
        """The acts of the block that seats the members.

        Errors   Refused act.*.
        """
        return tuple(from_json(act) for act in self.file["acts"])

    @property
    def view(self) -> dict[str, Any]:
        """The genesis with all that are members when the engine takes over, and the seats."""
        members = list(self.genesis["members"])
        if self.continues:
            members += [act.body for act in self.acts if act.kind == "admit_member"]
        return {**self.genesis, "members": members, "seats": self.file["seats"]}


def read(value: Any) -> Founding:
    """The founding in a genesis file.

    Errors   Refused act.bad_founding where the file is neither of the two; act.* of its acts.
    """
    if not isinstance(value, dict):
        raise _bad("is no object")
    made = Founding(value)
    if not made.continues:
        return made
    if wrong := misfit(value, FIELDS):
        raise _bad(f"{wrong[0]}: {wrong[1]}")
    said = [act.body.get("seats") for act in made.acts if act.kind == KIND]
    if value["v"] != 1 or said != [value["seats"]]:
        raise _bad("its seats are not those of its act")
    if value["suite"] != value["genesis"].get("suite"):
        raise _bad("its suite is not that of the record")
    return made


def continuing(genesis: dict[str, Any], acts: Sequence[Act], head: Head, time: int) -> Founding:
    """The founding that goes on with a record that stands at `head`, by a block of these acts."""
    (seats,) = (act.body["seats"] for act in acts if act.kind == KIND)
    return Founding(
        {
            "v": 1,
            "suite": genesis["suite"],
            "genesis": {name: value for name, value in genesis.items() if name != "chain"},
            "seats": seats,
            "height": head.height + 1,
            "time": time,
            "previous": head.root.hex(),
            "acts": [act.as_json() for act in acts],
        }
    )


def found_by(store: Store, founding: Founding, log: SigningKey) -> None:
    """Begin the record, or make the block that seats its members, where it stands right before it.

    A store that has not got the solo part yet is left at its genesis: it comes from the others.
    Errors   Refused act.other_genesis, act.other_record, act.bad_genesis, what the acts refuse.
    """
    found(store, founding.genesis, log)
    if not founding.continues:
        return
    with store.writing() as block:
        state, head = State(block), block.head()
        if (here := convened(state)) is not None:
            (ours,) = (act.id for act in founding.acts if act.kind == KIND)
            if here != {"act": ours, "height": founding.height}:
                raise _no("other_genesis", here=str(here["act"])[:16], given=ours[:16])
            return
        if head.root.hex() != founding.file["previous"]:
            if head.height < founding.height - 1:
                return  # blocks in which only time passed are not counted where leaves were given
            facts = {"here": head.root.hex()[:16], "given": founding.file["previous"][:16]}
            raise _no("other_record", **facts, height=head.height)
        made = apply_block(
            state,
            founding.acts,
            height=founding.height,
            at=founding.file["time"],
            previous=founding.file["previous"],
        )
        if refusals := [refusal for result in made.results for refusal in result.refusals]:
            raise Refused(*refusals)
        certify(block, keep(block, state, made), log)


def _bad(why: str) -> Refused:
    return _no("bad_founding", why=why)


def _no(code: str, /, **facts: Fact) -> Refused:
    return Refused(Refusal(f"act.{code}", facts))
