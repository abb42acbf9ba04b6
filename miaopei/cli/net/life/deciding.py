"""What members decide beside who sits: rules, pauses, and a round after one that failed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from ....acts import withdraw_approval
from ....acts.pauses import NEEDED
from ....acts.raise_rules import FARTHEST
from ....acts.rule_sets import since, votes_decide
from ....errors import OutsideFault, Refusal, Refused
from ....measures.money import as_yuan
from .. import control
from ..own import elsewhere
from ..plan import Net, no
from . import voting
from .voting import Voted

DIGITS = 32  # of a digest, by which something is agreed to: who writes two bodies makes 16 agree
Json = dict[str, Any]
_WORD = re.compile(r"[A-Za-z0-9_-]+")


def raise_rules(
    net: Net, height: int | None, ahead: int, by: Sequence[str] = (), *, anyway: bool = False
) -> tuple[Json, Voted]:
    """Have the next rule set wanted from a height on, or from so many blocks ahead; without a
    height, from the one to come at which it is raised, or at which somebody wants it already, where
    that is no later: a far one may be a typing error, and is only moved by name.

    Errors   Refused net.rules_nowhere where no member's software has it, net.rules_not_known where
             that of a member that is up has it not, act.rules_too_far (both unless `anyway`), and
             what the record says.
    """
    status = voting.ask(net)
    rules = int(status["rules"]) + 1
    lacking = _lacking(net, rules)
    if len(lacking) == len(net.members):
        raise no("rules_nowhere", rules=rules)
    if lacking and not anyway:
        raise no("rules_not_known", rules=rules, members=", ".join(lacking))
    last = int(status["height"]) + FARTHEST
    if height is not None and height > last and not anyway:
        # From rule set 7 on the record refuses it; before, it would shut out all further rules.
        facts = {"height": height, "last": last, "blocks": FARTHEST}
        raise Refused(Refusal("act.rules_too_far", facts))
    body = {"rules": rules, "height": status["height"] + ahead if height is None else height}
    if height is None:
        body = _wanted(net, body, int(status["height"])) or body
    if votes_decide(int(status["rules"]), "raise_rules"):
        return body, voting.want(net, "raise_rules", body, by)
    who = by[0] if by else voting.operator(net)
    voting.act(net, who, "raise_rules", f"rules-{rules}-{body['height']}", body)
    return body, Voted((who,), 0, 0, done=True)


def _wanted(net: Net, body: Json, now: int) -> Json | None:
    """The body by which these rules are raised from a height to come; else that of the wish for
    them, no later than `body`, that most votes have joined.
    """
    for member in net.here:
        try:
            wishes = control.call(net.at(member), "wishes", seconds=voting.ASK_SECONDS, done=True)
        except OutsideFault:
            continue
        about = [each for each in wishes if each["kind"] == "raise_rules"]
        about = [each for each in about if each["body"]["rules"] == body["rules"]]
        for each in about:
            if each["done"] and each["body"]["height"] > now:
                return dict(each["body"])
        near = [each for each in about if each["open"] and each["body"]["height"] <= body["height"]]
        near.sort(key=lambda each: (-each["votes"], each["body"]["height"]))
        return dict(near[0]["body"]) if near else None
    return None


def _lacking(net: Net, rules: int) -> list[str]:
    """Members whose software has not got a rule set, or that do not answer."""
    found, heard = [], elsewhere.others(net, None)
    for member in net.members:
        try:
            if member in net.here:
                said = control.call(net.at(member), "status", seconds=voting.ASK_SECONDS)
            else:
                said = heard[member]
        except OutsideFault:
            said = None
        if said is None or said["knows"] < rules:
            found.append(member)
    return found


def pause(
    net: Net, listing: str, reason: str, person: str, by: Sequence[str], *, resume: bool
) -> Voted:
    """Have members pause a listing, or resume it; what came of it: two are needed.

    Whose word stands already is not asked again. Errors   Refused net.too_few_up, and with what the
    record says.
    """
    kind = "resume_listing" if resume else "pause_listing"
    voting.need_block(net)
    now = voting.ask(net)["time"]
    for member in by:
        body = {"listing": listing, "reason": reason, "person": person}
        try:
            voting.act(net, member, kind, f"{kind}-{now}", body)
        except Refused as refused:
            if {refusal.code for refusal in refused.refusals} != {voting.SAID}:
                raise
    stands = control.call(net.at(by[-1]), "pause", seconds=voting.ASK_SECONDS, listing=listing)
    done = stands["paused"] is not resume
    said = stands["by"] if done else stands["waiting"]
    return Voted(tuple(said), len(said), NEEDED, done)


def by_digest(found: Sequence[Json], what: str) -> bool:
    """Whether these were named by the digest of what each says, and enough of it."""
    return len(what) >= DIGITS and all(one["name"].startswith(what) for one in found)


def waiting(net: Net, member: str, what: str = "") -> list[Json]:
    """What waits for a word of a member, or what of it has a number that begins so, or this id: an
    id that looks like the number of something else does not stand in its way.
    """
    found: list[Json] = control.call(net.at(member), "waiting", seconds=voting.ASK_SECONDS)
    numbered = [one for one in found if one["name"].startswith(what)]
    if numbered and len(what) >= DIGITS:
        return numbered
    return [one for one in found if one in numbered or what == one["what"]]


def plain(text: str) -> str:
    """A text as it is shown to who agrees to it: what would not be seen, or would reorder what is
    (controls, formats, breaks, odd spaces), by its number.
    """
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)


def spelled(value: Any, name: str = "") -> Iterator[str]:
    """All that a body says, a field a line, by the names of the record; nothing is cut away. A name
    that is more than letters, digits, `_` and `-` stands in quotes.
    """
    if isinstance(value, dict) and value:
        for each in sorted(value):
            field = each if _WORD.fullmatch(each) else plain(json.dumps(each, ensure_ascii=False))
            yield from spelled(value[each], f"{name}.{field}" if name else field)
    elif isinstance(value, list) and value:
        for place, each in enumerate(value, start=1):
            yield from spelled(each, f"{name}.{place}")
    else:
        yield f"  {name} = {plain(json.dumps(value, ensure_ascii=False))}"


def bound(one: Json, language: str) -> Json | None:
    """What a listing that waits would bind its members to, as facts of a sentence; None for what
    is no listing."""
    if one["kind"] != "list_product" or not one.get("about"):
        return None
    listing, about = one["body"]["listing"], one["about"]

    def run(member: str | None) -> str:
        operator = plain(about["operators"].get(member, "?"))
        return "-" if member is None else f"{member} ({operator})"

    cap = listing["occurrence_cap_fen"]
    shares = listing["placement"]["shares"]
    return {
        "payer": run(listing["payer"]),
        "standby": run(listing["standby_payer"]),
        "deciders": ", ".join(map(run, listing["deciders"])),
        "k": listing["k"],
        "n": len(listing["deciders"]),
        "shares": ", ".join(f"{each['carrier']} {each['ppm']} ppm" for each in shares),
        "cap": "-" if cap is None else as_yuan(cap),
        "product": plain(about["product"][language]),
        "hash": one["body"]["product"],
    }


def agree(net: Net, member: str, what: str) -> Json:
    """Have a member say that it wants what waits for its word: by the digest of the whole body, or
    its first `DIGITS`, so that a person agrees to what was shown and not to what lies behind an id.

    Errors   Refused net.nothing_waits, net.say_digest; net.several_wait where more begin so; and
             what the record says.
    """
    found = waiting(net, member, what)
    if not found:
        raise no("nothing_waits", what=what[:64])
    if not by_digest(found, what):
        raise no("say_digest", what=what[:64], digits=DIGITS, command=f"net agree DIR {member}")
    if len(found) > 1:
        names = ", ".join(one["name"] for one in found)
        raise no("several_wait", what=what[:64], names=names)
    voting.need_block(net)
    asked: Json = {"name": found[0]["name"]}
    said = control.call(net.at(member), "agree", seconds=voting.ACT_SECONDS, **asked)
    return {**found[0], **said}


def standing(net: Net, member: str, what: str = "") -> list[Json]:
    """What a member has said that it wants and may still take back, or what of it has a number that
    begins so.
    """
    asked: Json = {"seconds": voting.ASK_SECONDS, "begin": what}
    found: list[Json] = control.call(net.at(member), "wishes", **asked)
    return [one for one in found if member in one["by"]]


def withdraw(net: Net, member: str, what: str) -> Json:
    """Have a member take back its word; what it was for.

    Errors   Refused net.no_such_word where not exactly one of its words has a number that begins
             so, net.no_withdrawing for a record that goes by older rules, and what the record says.
    """
    found = standing(net, member, what)
    if len(found) != 1 or len(what) < 4:
        raise no("no_such_word", member=member, what=what[:64])
    if (rules := int(voting.ask(net)["rules"])) < (wanted := since(withdraw_approval.KIND)):
        raise no("no_withdrawing", rules=rules, wanted=wanted)
    voting.need_block(net)
    asked: Json = {"name": found[0]["name"]}
    said = control.call(net.at(member), "withdraw", seconds=voting.ACT_SECONDS, **asked)
    return {**found[0], **said}


def reopen(net: Net, case: str, by: str | None) -> Json:
    """Have a case that its deciders did not agree on decided once more.

    Errors   Refused net.no_held_case, net.none_held, net.held_cases where several begin so,
             act.not_a_decider.
    """
    asker = net.at(by) if by is not None else None
    for member in net.here:
        if asker is None and "decider" in voting.seats(net).get(member, {"roles": []})["roles"]:
            asker = net.at(member)
    if asker is None:
        raise no("no_held_case", case=case[:80])
    held = control.call(asker, "held", case=case)
    if len(held) != 1:
        named = "; ".join(one["case"][:60] for one in held[:5])
        code = "held_cases" if held else "no_held_case" if case else "none_held"
        raise no(code, case=case[:80], **({"cases": named} if held else {}))
    voting.need_block(net)
    asked: Json = {"trigger": held[0]["trigger"]}
    opened = control.call(asker, "open_round", seconds=voting.ACT_SECONDS, **asked)
    return {**held[0], **opened}
