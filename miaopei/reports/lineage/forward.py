"""Forwards: from a fact, source, policy or act to every payout that it caused, with sums."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import Refusal
from ...errors.texts import Language, say
from ...measures.identity import content_id
from .reach import Reach, cases_of, triggers_of
from .steps import Step, step
from .terms import product_of
from .trail import Index, Json, Named, Trail

LANGUAGES: tuple[Language, ...] = ("zh", "en")
FINAL = {
    "executed": "executed",
    "paid": "executed",
    "refused": "refused",
    "failed": "refused",
    "closed": "refused",
}
CASE = ("listing", "occurrence", "benefit", "state", "reason")
Sums = dict[str, int | None]  # fen
LISTED = 20  # payouts of a settlement that are printed one by one; JSON holds them all


def latest_of(instructions: Iterable[Json]) -> list[Json]:
    """The last instruction of each payout, payouts as they come."""
    latest: dict[str, Json] = {}
    for row in instructions:
        if row["payout"] not in latest or row["number"] > latest[row["payout"]]["number"]:
            latest[row["payout"]] = row
    return list(latest.values())


def became(instruction: Json) -> str:
    """What the bank said last of an instruction: "executed", "refused", or "open"."""
    return FINAL.get(instruction["state"], "open")


@dataclass(frozen=True)
class Effect:
    """One trigger that a thing led to, its settlement if there is one, and the payouts.

    `part`: "decided" where its value was used, "shown" where it was on file and did not count.
    `elsewhere`: another member pays and keeps the payouts; `confirmed` is what the record says that
    the bank has paid of the whole, None where one policy's share is asked for.
    """

    part: str
    trigger: str
    settlement: str | None
    value: Json
    payouts: tuple[Json, ...]
    totals: Mapping[str, int | None]
    held: Mapping[str, int]
    elsewhere: bool = False
    confirmed: int | None = None

    def sums(self) -> Sums:
        """To pay as settled, what is held for a person; and of the payouts here, what the bank has
        executed and refused. None is what only the member that pays knows."""
        by: dict[str, int | None] = {"executed": self.confirmed, "refused": None, "open": None}
        if not self.elsewhere:
            kept = dict.fromkeys(by, 0)
            for row in self.payouts:
                kept[became(row)] += row["amount_fen"]
            by = {**kept}
        settled = {"pay_fen": self.totals.get("pay_fen", 0), "held_fen": sum(self.held.values())}
        return {**settled, **{f"{n}_fen": s for n, s in by.items()}}

    def as_json(self) -> dict[str, Any]:
        """Plain data, every payout in it."""
        return {
            "part": self.part,
            "trigger": self.trigger,
            "settlement": self.settlement,
            "listing": self.value["listing"],
            "benefit": self.value["benefit"],
            "occurrence": self.value["occurrence"],
            "instant": self.value["instant"],
            "revision": self.value["revision"],
            "sums": self.sums(),
            "payouts": [
                {
                    "payout": row["payout"],
                    "policy": row["policy"],
                    "payer": row["about"]["carrier"],
                    "line": row["about"]["line"],
                    "amount_fen": row["amount_fen"],
                    "state": row["state"],
                }
                for row in self.payouts
            ],
        }


@dataclass(frozen=True)
class Caused:
    """Everything that one thing caused: settled effects, and cases that it left without payment."""

    what: str
    id: str
    effects: tuple[Effect, ...]
    cases: tuple[Json, ...]
    tree: Step

    def sums(self) -> Sums:
        """Sums over the effects in which it decided; what was only shown moved nothing. Of what is
        not known of one nothing is known of all.
        """
        names = ("pay_fen", "held_fen", "executed_fen", "refused_fen", "open_fen")
        every = [effect.sums() for effect in self.effects if effect.part == "decided"]
        total: Sums = {}
        for name in names:
            known = [fen for sums in every if (fen := sums[name]) is not None]
            total[name] = sum(known) if len(known) == len(every) else None
        return total

    @property
    def elsewhere(self) -> bool:
        """Whether another member keeps payouts of it."""
        return any(effect.elsewhere for effect in self.effects if effect.part == "decided")

    def text(self, language: Language) -> Iterator[str]:
        """Indented lines."""
        return self.tree.text(language)

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "what": self.what,
            "id": self.id,
            "sums": self.sums(),
            "effects": [effect.as_json() for effect in self.effects],
            "cases": [
                {
                    name: case[name]
                    for name in ("listing", "occurrence", "benefit", "state", "reason")
                }
                for case in self.cases
            ],
        }


def caused(trail: Trail, text: str) -> Caused:
    """All that the thing with this id (or beginning of an id) caused.

    Errors   Refused lineage.too_short, unknown, ambiguous.
    """
    index = Index(trail)
    found = index.find(text)
    reach = Reach(index)
    triggers = dict(triggers_of(reach, found))
    effects = tuple(
        _effect(reach, part, trigger, found) for trigger, part in sorted(triggers.items())
    )
    effects = tuple(sorted(effects, key=lambda e: (e.value["instant"], e.value["revision"])))
    cases = tuple(cases_of(reach, found))
    whole = Caused(found.what, found.id, effects, cases, step("caused", found.id))
    return Caused(found.what, found.id, effects, cases, _told(index, whole))


def _effect(reach: Reach, part: str, trigger: str, found: Named) -> Effect:
    index = reach.index
    value = index.need("trigger", trigger)
    settlement = index.of_trigger(trigger)
    if settlement is None:
        return Effect(part, trigger, None, value, (), {}, {})
    debts = (settlement, *index.allotments.get(settlement, ()))
    due = {debt: paid for debt in debts if (paid := index.trail.get("payment", debt)) is not None}
    latest = latest_of(row for debt in debts for row in index.trail.instructions(debt))
    rows = [row for row in latest if _is_of(row, found)]
    rows.sort(key=lambda r: (r["about"]["line"], r["policy"], r["about"]["carrier"]))
    totals = dict(index.settlement(settlement)["totals"])
    one = found.what in ("payout", "claim", "policy")
    if one:
        totals["pay_fen"] = sum(r["amount_fen"] for r in rows if not r["about"]["line"])
    held = {
        policy: fen
        for policy, fen in index.held(trigger).items()
        if not one or policy == _policy_of(found)
    }
    if all(index.trail.pays(debt) for debt in due):
        return Effect(part, trigger, settlement, value, tuple(rows), totals, held)
    if one and not rows:
        totals["pay_fen"] = None
    confirmed = None if one else sum(paid["executed_fen"] for paid in due.values())
    about = (part, trigger, settlement, value, tuple(rows), totals, held)
    return Effect(*about, elsewhere=True, confirmed=confirmed)


def _policy_of(found: Named) -> str:
    return found.id if found.what == "policy" else str(found.value["policy"])


def _is_of(row: Json, found: Named) -> bool:
    """A payout's, claim's or policy's effects are its own; anything else caused the whole."""
    match found.what:
        case "payout":
            return bool(row["payout"] == found.id)
        case "claim":
            return bool(row["policy"] == found.value["policy"])
        case "policy":
            return bool(row["policy"] == found.id)
    return True


def _told(index: Index, whole: Caused) -> Step:
    """The effects as sentences."""
    effects = [_effect_step(index, effect) for effect in whole.effects]
    cases = [
        step(
            "caused_case",
            content_id("case", case),
            {n: case[n] for n in ("listing", "benefit", "state", "reason")}
            | {"instant_at": case["instant"]},
        )
        for case in whole.cases
    ]
    decided = [effect for effect in whole.effects if effect.part == "decided"]
    called = Refusal(f"lineage.thing_{whole.what}")
    facts: dict[str, Any] = {
        "id": whole.id,
        "kind": whole.what,
        **{f"kind_{spoken}": say(called, spoken) for spoken in LANGUAGES},
        "settlements": len({e.settlement for e in decided if e.settlement}),
        "payouts": sum(len(e.payouts) for e in decided),
        "cases": len(whole.cases),
        **whole.sums(),
    }
    name = "caused" if decided else "caused_nothing"
    if decided and whole.elsewhere:
        name = "caused_elsewhere"
    return step(name, whole.id, facts, [*effects, *cases])


def _effect_step(index: Index, effect: Effect) -> Step:
    product = product_of(index, effect.value["product"])
    facts: dict[str, Any] = {
        "product_zh": product.name.zh,
        "product_en": product.name.en,
        "benefit": effect.value["benefit"],
        "instant_at": effect.value["instant"],
        "revision": effect.value["revision"],
        "trigger": effect.trigger,
        "settlement": effect.settlement,
        **effect.sums(),
    }
    below = []
    if effect.held and effect.settlement is not None:
        told: dict[str, Any] = {"settlement": effect.settlement, "claims": len(effect.held)}
        told["held_fen"] = sum(effect.held.values())
        below.append(step("claims_held", effect.settlement, told))
    for row in effect.payouts[:LISTED]:
        payer = index.name("member", row["about"]["carrier"])
        below.append(
            step(
                "caused_payout",
                row["payout"],
                {
                    "payout": row["payout"],
                    "amount_fen": row["amount_fen"],
                    "policy": row["policy"],
                    "state": row["state"],
                    "payer_zh": payer["zh"],
                    "payer_en": payer["en"],
                },
            )
        )
    if len(effect.payouts) > LISTED:
        below.append(step("caused_more", "", {"count": len(effect.payouts) - LISTED}))
    name = "caused_settlement" if effect.part == "decided" else "caused_shown"
    if effect.settlement is None:
        name = "caused_trigger"
    elif effect.part == "decided" and effect.elsewhere:
        name = "caused_settlement_elsewhere"
    return step(name, effect.settlement or effect.trigger, facts, below)
