"""`miaopei release`: a person decides what a held claim is paid."""

from __future__ import annotations

from typing import Any

from ...acts.release import case_of
from ...errors import Refusal, Refused
from ...settings import Language
from ...wiring import Member
from .. import live, speak
from ..demo import Tail
from ..place import Place


def release(
    place: Place, settlement: str, policy: str, how: str, reason: str, person: str, *,
    as_json: bool = False, language: Language,
) -> int:  # fmt: skip
    """A further revision is made, decided and settled; what it pays is said."""
    with live.working(place) as member:
        body = _of(member, settlement, policy)
        body |= {"how": how, "reason": reason, "person": person}
        tail = Tail(member, speak.Speaker(language))
        result = member.node.accept("release", f"{settlement[:16]}/{policy}/{how}", body)
        done, lines = member.work(), list(tail.lines())
    if as_json:
        told_of = {"settlement": settlement, "policy": policy, "how": how, "act": result.act}
        speak.show_json({**told_of, "duties": done, "decided": lines})
        return 0
    for line in lines:
        speak.out(line)
    told = speak.Speaker(language).text("released", policy=policy, person=person, how=how)
    speak.out(told)
    return 0


def _of(member: Member, settlement: str, policy: str) -> dict[str, Any]:
    """The settlement, its case, and the shock that it decided.

    Errors   Refused act.settlement_not_known, cli.claim_not_held.
    """
    with member.node.reading() as (reading, state):
        entry = state.get("settlement", settlement)
        if entry is None:
            raise Refused(Refusal("act.settlement_not_known", {"id": settlement[:64]}))
        trigger_id = entry["settlement"]["trigger"]
        trigger = state.need("trigger", trigger_id)
        _, shock = case_of(state, trigger_id) or ("", "")  # the act itself says that it is not last
        body = {name: trigger[name] for name in ("listing", "occurrence", "benefit")}
        states = {c["policy"]: c["state"] for c in reading.claims(trigger_id)}
        earlier = [said["policy"] for _, said in state.range("release", "/".join(body.values()))]
    if states.get(policy) != "held" and policy not in earlier:
        raise Refused(
            Refusal("cli.claim_not_held", {"settlement": settlement[:16], "policy": policy[:60]})
        )
    return {**body, "settlement": settlement, "shock": shock, "policy": policy}
