"""`source_state`: a member that listens to a source says that it hears it, or that it is silent.

Body: {source, state, heard_at, valid_seconds, why}. `heard` holds for `valid_seconds` from now and
is said again before that; `silent` holds until it is heard. One word a member and source, the last.
A source that nobody listens to has no state. It stops sales and nothing else: no trigger reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..measures.instant import DAY
from ..terms.filing import Product
from .base import Moment, Outcome, fields, refuse
from .envelope import Act
from .state import State

KIND = "source_state"
ROLES = frozenset({"gateway"})
HEARD, SILENT = "heard", "silent"
UNWATCHED = "unwatched"  # the hearing of a source that nobody listens to; no word says it
SHORTEST, LONGEST = 60, 7 * DAY  # seconds that one word may hold
AHEAD = 300  # seconds that a listener's clock may be ahead of the block's
TABLE = "source_state"


@dataclass(frozen=True)
class Silence:
    """A source of a product that nobody hears: since when (UTC seconds), and the last reason."""

    source: str
    since: int
    why: str


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for an unknown source, a state that is none, and times that cannot be."""
    source, said, heard_at, valid, why = fields(
        act.body, source=str, state=str, heard_at=int, valid_seconds=int, why=str
    )
    if not state.has("source", source):
        raise refuse("evidence.unknown_source", source=source[:60])
    if said not in (HEARD, SILENT) or len(why) > 200:
        raise refuse("act.bad_body", field="state", why=f"{HEARD} or {SILENT}, why at most 200")
    if not SHORTEST <= valid <= LONGEST or not 0 <= heard_at <= now.time + AHEAD:
        facts = {"heard_at": heard_at, "now": now.time, "valid_seconds": valid}
        raise refuse("act.bad_hearing", source=source, **facts)
    key = f"{source}/{act.by}"
    before = state.get(TABLE, key)
    since = now.time
    if before is not None and before["state"] == said and not _lapsed(before, now.time):
        since = before["since"]
    value = {
        "source": source,
        "member": act.by,
        "state": said,
        "heard_at": heard_at,
        "until": now.time + valid if said == HEARD else None,
        "since": since,
        "why": why,
        "act": act.id,
    }
    state.put(TABLE, key, value)
    return Outcome()


def silent_sources(state: State, product: Product, now: int) -> tuple[Silence, ...]:
    """The sources that a product's inputs read and that are silent at `now`, in order of id.

    A source is silent where somebody listens to it and nobody hears it: each has said so, or has
    let their word run out.
    """
    wanted = sorted({source for rule in product.inputs for source in rule.sources})
    found = (silence_of(state, source, now) for source in wanted)
    return tuple(each for each in found if each is not None)


def silence_of(state: State, source: str, now: int) -> Silence | None:
    """Since when nobody hears a source; None where somebody does, or nobody listens to it."""
    return hearing(state, source, now)[1]


def hearing(state: State, source: str, now: int) -> tuple[str, Silence | None]:
    """Whether a source is heard, silent (with since when) or unwatched: nobody listens to it."""
    said = [value for _, value in state.range(TABLE, f"{source}/")]
    if not said:
        return UNWATCHED, None
    if any(v["state"] == HEARD and not _lapsed(v, now) for v in said):
        return HEARD, None
    last = max(said, key=lambda v: (_ended(v), v["member"]))
    return SILENT, Silence(source, _ended(last), last["why"])


def _lapsed(value: dict[str, Any], now: int) -> bool:
    return value["until"] is not None and now >= value["until"]


def _ended(value: dict[str, Any]) -> int:
    """When this member ceased to hear it."""
    return int(value["since"] if value["state"] == SILENT else value["until"])
