"""What `miaopei policy` shows: applications and policies in words, or the same as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...acts.file_offer import on_sale
from ...acts.sold import segment_json, segments_of, state_at
from ...errors import Refusal
from ...measures.instant import beijing_day, beijing_text
from ...measures.money import as_yuan
from ...settings import Language
from .. import speak
from ..place import Place
from .doing import money_of, refused, whole


def application(value: Mapping[str, Any], *, as_json: bool, language: Language) -> int:
    """How an application stands; 1 where it is refused."""
    if as_json:
        speak.show_json(dict(value))
        return int(value["state"] == "refused")
    speaker = speak.Speaker(language)
    state = speaker.text(f"policy_{value['state']}")
    speak.out(speaker.text("policy_application", id=value["id"], policy=value["policy"]))
    speak.out(f"  {speaker.text('policy_kind_' + value['kind'])} · {state}")
    for reason in value["reasons"]:
        speak.out(f"  - {speaker.refusal(Refusal(reason['code'], reason['facts']))}")
    if value["reference"] is not None:
        speak.out(
            speaker.text(
                "policy_pay",
                amount=as_yuan(value["premium_fen"]),
                paid=as_yuan(value["paid_fen"]),
                reference=value["reference"],
                until=beijing_text(value["deadline"]),
            )
        )
    if value["refund_fen"]:
        speak.out(speaker.text("policy_refund", amount=as_yuan(value["refund_fen"])))
    return int(value["state"] == "refused")


def listed(place: Place, *, as_json: bool, language: Language) -> int:
    """Every policy and every application that has not become one, and the pools."""
    speaker = speak.Speaker(language)
    with place.record() as member, member.node.reading() as (reading, state):
        now = reading.head().time
        policies = [
            {"policy": key, "listing": value["listing"], "channel": value["channel"],
             "state": state_at(segments_of(value), now), "transactions": len(value["changes"])}
            for key, value in state.range("policy", "")
        ]  # fmt: skip
        waiting = [
            {name: value[name] for name in ("id", "kind", "policy", "listing", "channel", "state")}
            for _, value in state.range("application", "")
            if value["state"] != "in_force"
        ]
        pools = {}
        for name, offer in on_sale(state).items():
            live = [p for p in policies if (p["listing"], p["state"]) == (name, "on_risk")]
            least = offer.least_policies
            pools[name] = {"policies": len(live), "least": least, "below": len(live) < least}
        credits_ = [
            {"credit": key, **{n: v[n] for n in ("amount_fen", "at", "ref", "used")}}
            for key, v in state.range("credit", "")
            if v["used"] == "unmatched"
        ]
        returned = list(refused(reading, state))
    if as_json:
        told = {"policies": policies, "applications": waiting, "pools": pools}
        speak.show_json({**told, "unmatched_credits": credits_, "refused_refunds": returned})
        return 0
    for each in policies:
        said = speaker.text(f"policy_{each['state']}")
        speak.out(f"{each['policy']}  {each['listing']}  {each['channel']}  {said}")
    for each in waiting:
        said = speaker.text(f"policy_{each['state']}")
        kind = speaker.text(f"policy_kind_{each['kind']}")
        speak.out(f"{each['id']}  {each['listing']}  {each['channel']}  {kind} · {said}")
    for name, pool in pools.items():
        text = "policy_pool_below" if pool["below"] else "policy_pool"
        numbers = {"policies": int(pool["policies"]), "least": int(pool["least"])}
        speak.out(speaker.text(text, listing=name, **numbers))
    for each in credits_:
        amount = as_yuan(each["amount_fen"])
        speak.out(speaker.text("policy_unmatched", credit=each["credit"], amount=amount))
    tell_refused(returned, speaker)
    return 0


def tell_refused(rows: Sequence[Mapping[str, Any]], speaker: speak.Speaker) -> None:
    """Each refused refund, with what puts it right."""
    for row in rows:
        facts = {"amount": as_yuan(row["amount_fen"]), "policy": row["policy"], "code": row["code"]}
        speak.out(speaker.text("policy_refund_refused", program=speak.program(), **facts))


def shown(place: Place, begun: str, *, as_json: bool, language: Language) -> int:
    """One policy with what stands and its transactions, or an application that is none yet."""
    speaker = speak.Speaker(language)
    with place.record() as member, member.node.reading() as (reading, state):
        name = whole(state, "application", begun)
        value = state.need("application", name)
        policy = state.get("policy", value["policy"])
        now, money = reading.head().time, money_of(state, value["listing"])
    if policy is None:
        return application(value, as_json=as_json, language=language)
    segments = segments_of(policy)
    stands = state_at(segments, now)
    if as_json:
        parts = [segment_json(segment) for segment in segments]
        speak.show_json({**policy, "state": stands, "segments": parts})
        return 0
    said, yuan = speaker.text(f"policy_{stands}"), speaker.pick("元", "yuan")
    speak.out(f"{policy['policy']}  {policy['listing']}  {policy['channel']}  {said}")
    for part in segments:
        days = f"{beijing_day(part.since)} – {beijing_day(part.until)}"
        figures = ", ".join(
            f"{n} {as_yuan(v)} {yuan}" if n in money else f"{n} {v:,}"
            for n, v in part.declared.items()
        )
        speak.out(f"  {days}  {figures if part.in_force else speaker.text('policy_cancelled')}")
    for each in policy["changes"]:
        kind = speaker.text(f"policy_kind_{each['transaction']}")
        day = beijing_day(each["at"])
        speak.out(f"  {each['recorded'] + 1}. {kind}  {day}  {as_yuan(each['fen'])}")
    return 0
