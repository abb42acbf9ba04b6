"""What one message of a grid system says: plans, restorations, complaint tickets. Values only.

Customer numbers stand here in plain, in memory and never longer: no form of these values is kept,
shown or logged. Times are UTC seconds. Fields: docs/specs/outage.md, section 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ...errors import Fact, Refusal, Refused

LARGEST = 32 * 1024 * 1024  # bytes of one message: 100,000 customers take a third of it
MOST_CUSTOMERS = 200_000  # of one outage
MOST_SAID = 1_000  # outages of one message
TROUBLE = (Refused, ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError)


@dataclass(frozen=True)
class Scope:
    """Whom an outage touches: whole feeders, transformers, and customers by number."""

    feeders: tuple[str, ...] = ()
    transformers: tuple[str, ...] = ()
    customers: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Plan:
    """One revision of the plan of an outage."""

    number: str
    revision: int
    cancelled: bool
    published_at: int
    off: int
    on: int
    cause: int
    feeder: str
    replaces: tuple[str, ...]
    scope: Scope


@dataclass(frozen=True)
class Times:
    """One customer's outage: when power was cut and back; None where not known, or not yet."""

    customer: str = field(repr=False)
    off: int | None
    on: int | None


@dataclass(frozen=True)
class Back:
    """One report of who is back; `times` None where one time holds for all in scope."""

    number: str
    revision: int
    published_at: int
    first_off: int | None
    last_on: int | None
    complete: bool
    cause: int | None
    times: tuple[Times, ...] | None = field(repr=False)


@dataclass(frozen=True)
class Complaint:
    """How many complaint tickets one customer has made about an outage."""

    customer: str = field(repr=False)
    tickets: int


@dataclass(frozen=True)
class Tickets:
    """All complaint tickets of an outage so far; a further revision takes the place of this one."""

    number: str
    revision: int
    published_at: int
    complaints: tuple[Complaint, ...] = field(repr=False)


@dataclass(frozen=True)
class Unread:
    """A part of a message that could not be read: its place, and why."""

    place: int
    refusals: tuple[Refusal, ...]


Said = Plan | Back | Tickets


@dataclass(frozen=True)
class Message:
    """One message: who sent it, its place in that sender's line, when, and what it says."""

    source: str
    sequence: int
    sent_at: int
    media: str
    said: tuple[Said, ...]
    unread: tuple[Unread, ...]


def no(code: str, /, **facts: Fact) -> Refused:
    """The exception that refuses a message or a part of one."""
    return Refused(Refusal(f"grid.{code}", facts))


def refusals_of(error: BaseException) -> tuple[Refusal, ...]:
    """What a part that could not be read is refused with; nothing of its content is repeated."""
    if isinstance(error, Refused):
        return error.refusals
    return (Refusal("grid.bad_part", {"why": type(error).__name__}),)


def each(
    parts: Iterable[tuple[int, Callable[[], Said]]],
) -> tuple[tuple[Said, ...], tuple[Unread, ...]]:
    """Read every part by itself: a bad one is refused by name and its neighbours go on."""
    good: list[Said] = []
    bad: list[Unread] = []
    for place, read in parts:
        if place >= MOST_SAID:
            bad.append(Unread(place, no("too_many_said", limit=MOST_SAID).refusals))
            break
        try:
            good.append(_fitting(read()))
        except TROUBLE as error:
            bad.append(Unread(place, refusals_of(error)))
    return tuple(good), tuple(bad)


def _fitting(said: Said) -> Said:
    """Errors   Refused where more customers are named than one outage may have, or one twice."""
    named = _named(said)
    if len(named) > MOST_CUSTOMERS:
        raise no("too_many_customers", outage=said.number, count=len(named), limit=MOST_CUSTOMERS)
    if len(set(named)) < len(named):
        raise no("customer_twice", outage=said.number, count=len(named) - len(set(named)))
    return said


def _named(said: Said) -> tuple[str, ...]:
    match said:
        case Plan():
            return said.scope.customers
        case Back():
            return tuple(times.customer for times in said.times or ())
        case Tickets():
            return tuple(each.customer for each in said.complaints)
