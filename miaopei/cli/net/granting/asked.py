"""What a running member does about grants of books, asked for over its control socket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....acts.readers import READER, BookGrant, grants_of, holders, parties, standing
from ....acts.state import State
from ....acts.use_grant import TABLE
from ....errors import Refusal, Refused
from ....measures.instant import utc_text
from ....node.granted.recompute import Recomputer
from ....wiring.consortium import Seated
from ..control import Command, Tell
from ..plan import no_listing

Json = dict[str, Any]


def answers(seated: Seated) -> Mapping[str, Command]:
    """Commands of one member."""
    node = seated.member.node
    me = node.identity.member

    def say(kind: str, body: Json) -> str:
        with node.reading() as (reading, _):
            ref = f"{kind}-{reading.head().size}"  # the same words may be said again, later
        return str(node.accept(kind, ref, body).act)

    def grant(_: Tell, asked: Json) -> Json:
        """Let a member read books of ours, beside those that it reads for this purpose already."""
        to, purpose, until = asked["to"], asked["purpose"], int(asked["until"])
        with node.reading() as (reading, state):
            for listing in asked["listings"]:
                _check(state, me, to, listing)
            now = reading.head().time
            before = _in_force(state, me, to, purpose, now)
        if until <= now:
            over: dict[str, int] = {"until": until, "now": now}
            raise Refused(Refusal("grant.over", over))
        wanted = set(asked["listings"])
        if before is not None:
            rest = sorted(set(before.scope) - wanted)
            if rest and before.until != until:
                facts = {"holder": me, "member": to, "purpose": purpose}
                facts |= {"scope": ", ".join(rest), "until": utc_text(before.until)}
                raise Refused(Refusal("grant.other_end", facts))
            wanted |= set(before.scope)
        body = {"grantee": to, "role": READER, "purpose": purpose}
        body |= {"scope": sorted(wanted), "until": until}
        return {"act": say("grant", body), "scope": sorted(wanted), "until": until}

    def end_grant(_: Tell, asked: Json) -> Json:
        """Take back what we let a member read for a purpose, or some of it."""
        to, purpose = asked["to"], asked["purpose"]
        with node.reading() as (reading, state):
            before = _in_force(state, me, to, purpose, reading.head().time)
        gone = set(asked["listings"])
        left = sorted(set(before.scope) - gone) if before is not None and gone else []
        body: Json = {"grantee": to, "role": READER, "purpose": purpose}
        if before is None or not left:
            return {"act": say("end_grant", body), "scope": []}
        body |= {"scope": left, "until": before.until}
        return {"act": say("grant", body), "scope": left}

    def grants(*_: Any) -> Json:
        """All grants of books on the record, and how they were used."""
        with node.reading() as (reading, state):
            now = reading.head().time
            found = [
                {**one._asdict(), "scope": list(one.scope), "holds": one.holds(now)}
                for holder, _value in state.range("member", "")
                for one in grants_of(state, holder)
            ]
            uses = [
                {"member": key.partition("/")[0], "number": int(key.rpartition("/")[2]), **said}
                for key, said in state.range(TABLE, "")
            ]
        return {"grants": found, "uses": uses}

    def recompute(tell: Tell, asked: Json) -> Json:
        """Make settlements again on our own copy."""

        def heard(done: int, of: int) -> None:
            tell({"done": done, "of": of})

        made = Recomputer(node, seated.member.decider.reads)
        verdicts, closed = made.run(asked["settlement"], asked["purpose"], heard)
        return {
            "member": me,
            "settlements": [verdict.as_json() for verdict in verdicts],
            "closed": [refusal.as_json() for refusal in closed],
        }

    return {
        "grant": grant,
        "end_grant": end_grant,
        "grants": grants,
        "recompute": recompute,
    }


def _check(state: State, me: str, to: str, listing: str) -> None:
    """Errors   Refused net.no_listing, grant.not_a_holder, grant.reads_anyway."""
    if not state.has("listing", listing):
        raise no_listing(state, listing)
    facts = {"member": me, "listing": listing, "holders": ", ".join(holders(state, listing))}
    if me not in holders(state, listing):
        raise Refused(Refusal("grant.not_a_holder", facts))
    if to in parties(state, listing):
        raise Refused(Refusal("grant.reads_anyway", {"member": to, "listing": listing}))


def _in_force(state: State, holder: str, to: str, purpose: str, now: int) -> BookGrant | None:
    found = standing(state, holder, to, purpose)
    return found if found is not None and found.holds(now) else None
