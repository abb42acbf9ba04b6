"""What can be asked of a record: does it rebuild, how does it stand, why so."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from ..acts.state import State
from ..adapters.memory_store import MemoryStore
from ..errors import Fact, Refusal
from ..errors.texts import say, table
from ..ledger import checkpoint
from ..measures.instant import beijing_day, beijing_text
from ..measures.money import as_wan, as_yuan
from ..node.effects.standby import waiting
from ..node.mass.alarms import open_alarm
from ..node.proof.rebuild import Fresh, Rebuilt, rebuild
from ..node.proof.trail import StoreTrail
from ..node.reserved import Reserved, reserved
from ..reports.lineage import caused, reason_facts, why
from ..settings import Language
from ..terms.filing import Product
from . import speak
from .place import Place, scratch
from .proof.receipt import knows_policies

DAMAGED = 4  # the exit code of an alarm
LISTED = 20  # held claims of a settlement that are told one by one; JSON holds them all
OPEN = ("awaiting_", "held_", "ready", "deciding", "refused")


def rebuild_record(place: Place, *, memory: bool, as_json: bool, language: Language) -> int:
    """Apply the whole log again into a fresh database and compare every byte."""
    speaker = speak.Speaker(language)
    with (
        place.database() as address,
        place.keys(address) as keys,
        keys.store.reading() as reading,
        ExitStack() as opened,
    ):
        store: Fresh = MemoryStore()
        if not memory and not place.dsn:
            store = opened.enter_context(scratch(address))
        seen = _rebuilt(reading, store, speaker)
    counts = {"entries": seen.leaves, "blocks": seen.blocks, "rows": seen.rows}
    if as_json:
        differences = [refusal.as_json() for refusal in seen.differences]
        speak.show_json({"same": seen.same, **counts, "differences": differences})
    else:
        for refusal in seen.differences:
            speak.out(speaker.refusal(refusal))
        speak.out(speaker.text("rebuilt_same" if seen.same else "rebuilt_differs", **counts))
    return 0 if seen.same else DAMAGED


def _rebuilt(reading: Any, store: Fresh, speaker: speak.Speaker) -> Rebuilt:
    with speak.bar() as progress:
        task = progress.add_task(speaker.text("rebuilding"), total=None)
        return rebuild(
            reading, store, lambda done, size: progress.update(task, completed=done, total=size)
        )


def status(place: Place, *, as_json: bool, language: Language) -> int:
    """How a record stands: its log, its books, what waits, what is owed and paid."""
    speaker = speak.Speaker(language)
    with place.record() as member, member.node.reading() as (reading, state):
        value = _standing(state, reading)
    if as_json:
        speak.show_json(value)
        return 0
    for name in ("name", "clock", "origin"):
        speak.out(f"{speaker.text(f'status_{name}')} {value[name]}")
    speak.out(speaker.text("status_log", **value["log"]))
    for book in value["books"]:
        speak.out(speaker.text("status_book", **book))
    speak.out(speaker.text("status_money", **value["money"]))
    if value["held"]["claims"]:
        told = {"count": value["held"]["claims"], "yuan": value["held"]["yuan"]}
        told["command"] = f"{speak.program()} cases{place.said}"
        speak.out(speaker.text("claims_held", **told))
    if value["held"]["sealed"]:
        speak.out(speaker.text("claims_sealed", count=value["held"]["sealed"]))
    for name, count in value["cases"].items():
        said = say(Refusal(f"register.state_{name}"), language)
        speak.out(f"  {said}{speaker.pick('：', ': ')}{count}")
    return 0


def _standing(state: State, reading: Any) -> dict[str, Any]:
    genesis, head = state.need("genesis", "it"), reading.head()
    cases: dict[str, int] = {}
    for _, case in state.range("case", ""):
        cases[case["state"]] = cases.get(case["state"], 0) + 1
    payments = [payment for _, payment in state.range("payment", "")]
    due = sum(p["due_fen"] for p in payments)
    paid = sum(p["executed_fen"] for p in payments)
    waiting = list(reserved(reading, state))
    held = [fen for each in waiting for fen in each.fen]
    return {
        "name": genesis["name"],
        "clock": genesis["clock"],
        "origin": genesis["origin"],
        "log": {
            "entries": checkpoint.parse(reading.checkpoint()).size,
            "height": head.height,
            "time": beijing_text(head.time),
            "root": head.root.hex(),
        },
        "books": [
            {"book": key, "rows": book["size"], "settlements": book["counter"]}
            for key, book in state.range("book", "")
        ],
        "money": {"due_wan": as_wan(due), "paid_wan": as_wan(paid), "open_wan": as_wan(due - paid)},
        "held": {
            "claims": len(held),
            "yuan": as_yuan(sum(held)),
            "sealed": sum(each.sealed for each in waiting),
        },
        "cases": dict(sorted(cases.items())),
    }


def cases(place: Place, *, everything: bool, as_json: bool, language: Language) -> int:
    """The cases that wait for a fact or a person, with deadline and owner; or all of them.

    A settled case whose claims are held waits for a person too; `held` is what `release` takes. So
    does one whose debt this member should pay in another's place, and cannot yet.
    """
    speaker = speak.Speaker(language)
    with place.record() as member, member.node.reading() as (reading, state):
        found = [
            {"case": key, **case, **part, "alarm": open_alarm(reading, case)}
            for key, case in state.range("case", "")
            for part in ({}, *case.get("open", ()))  # other shocks of a sequence that has settled
            if everything or {**case, **part}["state"].startswith(OPEN)
        ]
        held = list(reserved(reading, state))
        unpaid = [
            _unpaid_case(state, debt, why)
            for debt, why in waiting(reading, state, member.node).items()
        ]
        products = {
            listing: Product.from_json(state.need("product", entry["product"])["product"])
            for listing, entry in state.range("listing", "")
        }
    found += [*(_held_case(each) for each in held), *unpaid]
    found.sort(key=lambda case: _place(case, products[case["listing"]]))
    if as_json:
        speak.show_json(found)
        return 0
    if not found:
        speak.out(speaker.text("no_cases", command=f"{speak.program()} cases --all{place.said}"))
        return 0
    headings = [
        (speaker.pick("事件", "Event"), "left"),
        (speaker.pick("挂牌", "Listing"), "left"),
        (speaker.pick("保障", "Benefit"), "left"),
        (speaker.pick("状态", "State"), "left"),
        (speaker.pick("原因", "Reason"), "text"),
        (speaker.pick("期限（北京时间）", "Until (Beijing)"), "right"),
        (speaker.pick("负责", "Owner"), "left"),
    ]
    lines = (_case_line(case, products[case["listing"]], language) for case in found)
    speak.show_table("", headings, lines)
    for each in held:
        for policy, fen in list(zip(each.policy, each.fen, strict=True))[:LISTED]:
            command = f"{speak.program()} release {each.settlement} {policy}{place.said}"
            speak.out(f"  {speaker.text('claim_held', yuan=as_yuan(fen), command=command)}")
        if more := max(0, len(each.fen) - LISTED):
            speak.out(f"  {speaker.text('claims_held_more', count=more)}")
    speak.refuse(
        (Refusal("alarm.readings_disagree", case["alarm"]) for case in found if case["alarm"]),
        language,
    )
    return 0


def _unpaid_case(state: State, debt: str, why: Refusal) -> dict[str, Any]:
    """A settlement that this member should pay in another's place, as a case that is told of; who
    can end the wait is its owner.
    """
    trigger = state.need("settlement", debt)["settlement"]["trigger"]
    return {
        **_about(state.need("trigger", trigger)),
        "state": "held_payment",
        "reason": why.code,
        "facts": {"refusal": why.as_json()},
        "until": None,
        "owner": why.facts["by"],
        "settlement": debt,
        "alarm": None,
    }


def _about(trigger: Mapping[str, Any]) -> dict[str, Any]:
    key = f"{trigger['listing']}/{trigger['occurrence']}/{trigger['benefit']}"
    names = ("listing", "occurrence", "benefit", "instant")
    return {"case": key, **{name: trigger[name] for name in names}}


def _held_case(each: Reserved) -> dict[str, Any]:
    """The claims of a settlement that wait for a person, as a case that is told of."""
    facts = {"claims": len(each.fen), "yuan": as_yuan(each.total_fen)}
    reason = "register.claims_sealed" if each.sealed else "register.claims_held"
    return {
        **_about(each.trigger),
        "state": "held_claims",
        "reason": reason,
        "facts": {"waiting": {} if each.sealed else facts},
        "until": None,
        "owner": "operator",
        "settlement": each.settlement,
        "alarm": None,
        "held": None if each.sealed else each.as_json(),
    }


def _place(case: dict[str, Any], product: Product) -> tuple[Any, ...]:
    """By event, as they struck; of each first what was settled, then as the product is filed."""
    struck = case["instant"] or 0
    benefit = product.benefits.index(case["benefit"])
    return struck, case["occurrence"], not case["settlement"], case["listing"], benefit


def _case_line(case: dict[str, Any], product: Product, language: Language) -> tuple[str, ...]:
    reason = case["reason"].rpartition(".")[2]
    room = "register" if reason in table("register") else "evidence"
    version = None if case["instant"] is None else product.version_at(case["instant"])
    plain: dict[str, Fact] = {"version": None if version is None else version.number}
    plain |= reason_facts(case)
    day = "—" if case["instant"] is None else beijing_day(case["instant"])
    waits = case["until"] is not None and case["state"].startswith(OPEN)
    until = beijing_text(case["until"]) if waits else "—"
    why = Refusal(f"{room}.{reason}", plain)
    if (refusal := case["facts"].get("refusal")) is not None:
        why = Refusal(refusal["code"], refusal["facts"])
    return (
        f"{day} {case['occurrence'][:8]}",
        case["listing"],
        say(Refusal(f"verify.benefit_{case['benefit']}"), language)
        if f"benefit_{case['benefit']}" in table("verify")
        else case["benefit"],
        say(Refusal(f"register.state_{case['state']}"), language),
        say(why, language),
        until,
        case["owner"] or "—",
    )


def tell(place: Place, name: str, *, forward: bool, as_json: bool, language: Language) -> int:
    """Tell why a thing is as it is, or all that it caused."""
    with place.record() as member, member.node.reading() as (reading, state):
        trail = StoreTrail(reading, state, member.node.identity)
        with knows_policies(place, reading, state, name):
            told = caused(trail, name) if forward else why(trail, name, trail.shut_out)
        if as_json:
            speak.show_json(told.as_json())
        else:
            for line in told.text(language):
                speak.out(line)
    return 0
