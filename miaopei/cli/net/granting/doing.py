"""What `miaopei net grant, end-grant, grants, recompute` do and say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ....errors import Refusal
from ....errors.texts import say
from ....measures.instant import beijing_text, from_beijing
from ....measures.money import as_yuan
from ....settings import Language
from ... import speak
from .. import control
from ..life import voting
from ..plan import Net, sentence

ACT_SECONDS = 90.0
DIFFERS, ERASED = 4, 5
Json = dict[str, Any]


def grant(
    net: Net,
    holder: str,
    to: str,
    listings: Sequence[str],
    purpose: str,
    until: str,
    *,
    as_json: bool,
    language: Language,
) -> None:
    """Errors   Refused net.too_few_up; grant.*, act.* with what the holder's node or the record
    says against it.
    """
    end = from_beijing(until)
    asked: Json = {"to": to, "listings": list(listings), "purpose": purpose, "until": end}
    voting.need_block(net)
    done = control.call(net.at(holder), "grant", seconds=ACT_SECONDS, **asked)
    about = {"holder": holder, "member": to, "purpose": purpose}
    facts = {"scope": ", ".join(done["scope"]), "until": beijing_text(end)}
    _tell("granted", {**about, **facts}, {**about, **done}, language, as_json=as_json)


def end_grant(
    net: Net,
    holder: str,
    to: str,
    listings: Sequence[str],
    purpose: str,
    *,
    as_json: bool,
    language: Language,
) -> None:
    """Errors   Refused net.too_few_up, grant.nothing_to_end."""
    asked: Json = {"to": to, "listings": list(listings), "purpose": purpose}
    voting.need_block(net)
    done = control.call(net.at(holder), "end_grant", seconds=ACT_SECONDS, **asked)
    about = {"holder": holder, "member": to, "purpose": purpose}
    name = "grant_lessened" if done["scope"] else "grant_ended"
    facts = {**about, "scope": ", ".join(done["scope"])}
    _tell(name, facts, {**about, **done}, language, as_json=as_json)


def grants(net: Net, *, as_json: bool, language: Language) -> None:
    """As the member that has come furthest holds them."""
    found = control.call(net.at(voting.ask(net)["member"]), "grants")
    if as_json:
        speak.show_json(found)
        return
    for one in found["grants"]:
        facts = {"holder": one["holder"], "member": one["grantee"], "purpose": one["purpose"]}
        facts |= {"scope": ", ".join(one["scope"]), "until": beijing_text(one["until"])}
        speak.out(sentence("granted" if one["holds"] else "grant_over", language, **facts))
    for use in found["uses"]:
        names = ("member", "number", "holder", "purpose", "listing", "settlements")
        at = beijing_text(use["at"])
        speak.out(sentence("grant_used", language, at=at, **{name: use[name] for name in names}))
    if not found["grants"]:
        speak.out(sentence("no_grants", language))


def recompute(
    net: Net,
    member: str,
    settlement: str | None,
    purpose: str,
    *,
    as_json: bool,
    language: Language,
) -> int:
    """Settlements made again; 4 where one differs, else 5 where one cannot be made again in full.

    Errors   Refused grant.*, act.settlement_not_known.
    """
    asked: Json = {"settlement": settlement, "purpose": purpose}
    with _bar(language) as tell:
        found = control.call(net.at(member), "recompute", tell=tell, seconds=None, **asked)
    verdicts: list[Json] = found["settlements"]
    if as_json:
        speak.show_json(found)
    else:
        for verdict in verdicts:
            for line in lines(verdict, language):
                speak.out(line)
        speak.refuse([Refusal(one["code"], one["facts"]) for one in found["closed"]], language)
    results = {verdict["result"] for verdict in verdicts}
    return DIFFERS if "differs" in results else ERASED if "erased" in results else 0


def lines(verdict: Mapping[str, Any], language: Language) -> Iterator[str]:
    """One settlement made again, as a person reads it."""
    result = verdict["result"]
    facts: Json = {name: verdict[name] for name in ("listing", "benefit", "claims", "erased")}
    facts |= {"settlement": verdict["settlement"][:16], "yuan": as_yuan(verdict["pay_fen"])}
    facts["settled_yuan"] = as_yuan(verdict["settled_pay_fen"])
    yield sentence(f"again_{result}", language, **facts)
    for one in verdict["refused"]:
        yield "  " + say(Refusal(one["code"], one["facts"]), language)
    if verdict["totals"]:
        yield "  " + sentence("again_totals", language, names=", ".join(verdict["totals"]))
    if verdict["policy"] is None:
        return
    yield "  " + sentence("again_policy", language, policy=verdict["policy"])
    for name in ("ours", "settled"):
        side = verdict[name]
        claim = side["claim"]
        amount = "-" if claim is None else as_yuan(claim["pay_fen"])
        state = "-" if claim is None else claim["state"]
        yield "  " + sentence(f"again_{name}", language, yuan=amount, state=state)
        trace = side["trace"]
        yield "    " + (steps(trace["trace"]) if trace else sentence("again_no_trace", language))


def steps(node: Mapping[str, Any]) -> str:
    """The named steps of a trace, each once, from the inside out, and its amount."""
    found = dict[str, int]()

    def walk(at: Mapping[str, Any]) -> None:
        for child in at.get("children", ()):
            walk(child)
        if at.get("name"):
            found[f"spent {at['name']}" if at["word"] == "spent" else at["name"]] = at["value"]

    walk(node)
    return ", ".join(f"{name}={value}" for name, value in found.items()) + f" -> {node['value']}"


@contextmanager
def _bar(language: Language) -> Iterator[Callable[[Json], None]]:
    """How many settlements are made again."""
    with speak.bar() as shown:
        task = shown.add_task(sentence("recomputing", language), total=None)
        yield lambda said: shown.update(task, completed=said["done"], total=said["of"])


def _tell(
    name: str, facts: Mapping[str, Any], value: Json, language: Language, *, as_json: bool
) -> None:
    if as_json:
        speak.show_json({"what": name, **value})
    else:
        speak.out(sentence(name, language, **facts))
