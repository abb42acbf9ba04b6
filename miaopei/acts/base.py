"""What every act shares: the moment it is applied in, what it makes, and small look-ups."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..errors import Fact, Refusal, Refused
from ..market.participant import Role
from ..measures.shape import Types, misfit
from ..measures.suites import in_use, of_public
from .envelope import Act
from .state import State

# What a body that nobody thought of can bring out of an act: the same at every member, unlike what
# a machine or a database brings (memory, depth of calls, a connection), which ends the block.
UNFORESEEN = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
POINTS_SINCE = 4  # the rule set from which on public keys are tried as points
KNOWN_ROLES = frozenset({"operator", "clock", "gateway", "decider", "payer", "channel"}) | {
    str(role) for role in Role
}
CHANGED = "changed"  # of a member: each key that another took the place of -> since which height
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


@dataclass(frozen=True)
class Moment:
    """The block an act is applied in; `by` is the act's id, or "time" for what ripens."""

    height: int
    time: int
    rules: int
    by: str


@dataclass(frozen=True)
class Made:
    """A record that `apply` makes: it becomes a leaf right after its act."""

    what: str
    id: str
    value: dict[str, Any]
    because: tuple[str, ...] = ()


@dataclass
class Outcome:
    """What one act did beside its writes: records made, and items of a batch that were refused."""

    made: list[Made] = field(default_factory=list)
    notes: list[Refusal] = field(default_factory=list)


class ActKind(Protocol):
    """One file of this room: the roles that may send the act, and its pure apply. A rule set holds
    nothing else.
    """

    KIND: str
    ROLES: frozenset[str]

    def apply(self, state: State, act: Act, now: Moment) -> Outcome:
        """Check and write; raises Refused, and then nothing it wrote stays."""


@contextmanager
def by_itself(state: State, outcome: Outcome) -> Iterator[list[Refusal]]:
    """What ripens by itself and cannot leaves everything as it was, and does not keep what else is
    due from being done; why, in the list. No act is refused for it, and no block stops.
    """
    why, mark, made = list[Refusal](), state.mark(), len(outcome.made)
    try:
        yield why
    except (Refused, *UNFORESEEN) as error:
        state.undo(mark)
        del outcome.made[made:]
        unforeseen = (Refusal("act.cannot_ripen", {}),)
        why += error.refusals if isinstance(error, Refused) else unforeseen


def refuse(code: str, **facts: Fact) -> Refused:
    """The exception that carries one refusal."""
    return Refused(Refusal(code, facts))


def fields(body: Mapping[str, Any], **kinds: Types) -> list[Any]:
    """The named fields of a body in order, each of its kind; nothing else may stand there.

    Errors   Refused act.bad_body naming the field.
    """
    if wrong := misfit(body, kinds):
        raise refuse("act.bad_body", field=wrong[0], why=wrong[1])
    return [body[name] for name in kinds]


def parts_of(value: Iterable[Any], who: str, *amounts: str) -> dict[str, tuple[int, ...]]:
    """A list of {who, amounts ..} from a body as who -> amounts: each once, none below zero.

    Errors   Refused act.bad_body.
    """
    found: dict[str, tuple[int, ...]] = {}
    for part in value:
        if not isinstance(part, dict):
            raise refuse("act.bad_body", field=who, why="an item is no object")
        name, *numbers = fields(part, **{who: str}, **dict.fromkeys(amounts, int))
        if name in found or min(numbers) < 0:
            why = "stands twice" if name in found else "is below zero"
            raise refuse("act.bad_body", field=who, why=f"{ascii(name)[:40]} {why}")
        found[name] = tuple(numbers)
    return found


def check_carriers(listing: Mapping[str, Any], carriers: Iterable[str]) -> None:
    """Errors   Refused act.not_a_carrier for one that has no share in the listing."""
    shares = {share["carrier"] for share in listing["placement"]["shares"]}
    for carrier in carriers:
        if carrier not in shares:
            raise refuse("act.not_a_carrier", who=carrier[:60], listing=listing["id"])


def check_id(field: str, name: str) -> None:
    """An id that may stand between the slashes of a key: letters, digits, dot, dash, underscore.

    Errors   Refused act.bad_body.
    """
    if not _ID.fullmatch(name):
        raise refuse(
            "act.bad_body", field=field, why=f"{ascii(name)[:40]} is no id (letters, digits, ._-)"
        )


def check_public(field: str, key: str) -> None:
    """A public key of the record's suite, in lower-case hex.

    Errors   Refused act.bad_body; suite.key for one of another suite.
    """
    suite = in_use.suite
    if suite.is_public(key):
        return
    other = of_public(key)
    if other is None:
        why = f"needs a key of {2 * suite.public_bytes} hex digits"
        raise refuse("act.bad_body", field=field, why=why)
    raise refuse("suite.key", field=field, suite=other, here=suite.name)


def check_points(field: str, keys: Iterable[Mapping[str, Any]], rules: int) -> None:
    """Keys of the record's suite tried as points, from rule set 4 on; those of another are left.

    Errors   Refused act.bad_body.
    """
    for key in (each["key"] for each in keys if rules >= POINTS_SINCE):
        if in_use.suite.is_public(key) and not in_use.suite.signs(bytes.fromhex(key)):
            raise refuse("act.bad_body", field=field, why=f"{key[:16]} is no point that signs")


def known(state: State, table: str, key: str, code: str) -> Any:
    """The value at a key, or a refusal that names what is not known."""
    value = state.get(table, key)
    if value is None:
        raise refuse(code, id=key)
    return value


def clock_key(time: int, rest: str) -> str:
    """A key that sorts by time; twelve digits reach past the year 30000."""
    return f"{time:012d}/{rest}"


def ripe_in(state: State, table: str, time: int) -> list[tuple[str, Any]]:
    """What stands under clock keys of a time that has come, the earliest first."""
    return list(state.between(table, "0", clock_key(time + 1, "")))


def has_role(state: State, member: str, roles: Iterable[str]) -> bool:
    """Whether the member holds one of the roles."""
    value = state.shared("member", member)
    return value is not None and bool(set(value["roles"]) & set(roles))
