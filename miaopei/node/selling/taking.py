"""Taking applications: each once for its key, written down before it is sent.

A kill anywhere sends the same act again. What is personal lies sealed under the application's own
number, in no row of anybody else's, and goes again where the answer is no; the act holds
commitments to it. Source: docs/specs/policies.md, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ...acts.envelope import Act, from_bytes
from ...acts.file_offer import current_offer
from ...acts.state import State
from ...errors import Refusal, Refused
from ...measures.identity import canonical, content_id, digest
from ...measures.instant import period_index, period_of
from ..node import Node
from ..ports import Reading, Writing
from ..proof.opened import Opener
from ..vault.persons import Person
from . import keeping
from .asking import Desk, Wanted, check_person, look_up, sanctions_of
from .known.announced import announced
from .known.standing import mark_of

Application = dict[str, Any]


def apply(desk: Desk, wanted: Wanted, key: str) -> Application:
    """Have an application recorded and answered; the same key gives the same application.

    Errors   Refused selling.key_differs for the key of another application, and whatever the
             record says against it, which leaves nothing.
    """
    check_person(wanted.person)
    name = key_name(wanted.channel, key)
    finish(desk.node, but=name)
    with desk.node.store.writing() as block:
        kept = block.progress(name)
        if kept is None:
            act = _application(desk, block, wanted)
            block.put_progress(name, act.to_bytes())
            keeping.begin(block, act.body["application"], name)
        else:
            act = from_bytes(kept)
            if not _same(desk, block, act, wanted):
                raise Refused(Refusal("selling.key_differs", {"channel": wanted.channel[:40]}))
    return _sent(desk.node, name, act)


def finish(node: Node, but: str = "") -> int:
    """Send what was written down and never answered, as after a kill; how many.

    `but` is a key that is being asked for just now.
    """
    with node.store.reading() as reading:
        waiting = [name for name in keeping.begun(reading).values() if name != but]
        acts = {name: reading.progress(name) for name in waiting}
    for name, kept in acts.items():
        with suppress(Refused):  # then nothing of it is kept
            _sent(node, name, from_bytes(kept or b"null"))
    return len(acts)


def change(
    desk: Desk,
    policy: str,
    transaction: str,
    at: int,
    declared: Mapping[str, int],
    channel: str,
    key: str,
    *,
    agent: str | None = None,
) -> Application:
    """Have a change of a policy recorded and answered, once for its key.

    Errors   as `apply`, and Refused act.policy_not_known.
    """
    name = key_name(channel, key)
    with desk.node.store.writing() as block:
        kept = block.progress(name)
        if kept is None:
            body = _change(desk, block, policy, transaction, at, declared, channel, agent)
            act = desk.node.act("take_change", f"change-{body['application']}", body)
            block.put_progress(name, act.to_bytes())
        else:
            act = from_bytes(kept)
            said = (policy, transaction, at, dict(declared), channel, agent)
            names = ("policy", "transaction", "at", "declared", "channel", "agent")
            if act.kind != "take_change" or tuple(act.body[n] for n in names) != said:
                raise Refused(Refusal("selling.key_differs", {"channel": channel[:40]}))
    return _sent(desk.node, name, act)


def key_name(channel: str, key: str) -> str:
    """Where the act of a key is written down.

    Errors   Refused selling.bad_key.
    """
    if not 1 <= len(key) <= 200 or not key.isascii() or not key.isprintable():
        raise Refused(Refusal("selling.bad_key", {"limit": 200}))
    return f"selling/key/{digest(canonical([channel, key]))}"


def _sent(node: Node, name: str, act: Act) -> Application:
    number = act.body["application"]
    (result,) = node.submit([act])
    if not result.ok:  # nothing is on the record: the key is free for what is right
        with node.store.writing() as block:
            block.put_progress(name, None)
            keeping.drop(block, number)
        raise Refused(*result.refusals)
    with node.reading() as (reading, state):
        value = dict(state.need("application", number))
        waiting = number in keeping.begun(reading)
    if waiting:
        with node.store.writing() as block:
            if value["state"] == "refused":
                keeping.drop(block, number)
            keeping.end(block, number)
    return value


def _application(desk: Desk, block: Writing, wanted: Wanted) -> Act:
    """The act, and what it leaves with this member: the person, who is also paid; who is meant."""
    state = State(block)
    number = desk.node.random(16).hex()
    tokens = _tokens(desk, wanted)
    token = tokens[-1] if tokens else None
    offer = current_offer(state, wanted.listing)
    looked = look_up(desk, block, state, wanted, tokens)
    person = keeping.keep(block, number, wanted.person, token)
    body = {
        "application": number,
        "order": wanted.order,
        "listing": wanted.listing,
        "offer": offer.number,
        "channel": wanted.channel,
        "agent": wanted.agent,
        "holder": None if token is None else mark_of(wanted.listing, token),
        "feeder": wanted.feeder,
        "facts": dict(wanted.facts),
        "declared": dict(wanted.declared),
        "since": wanted.since,
        "until": wanted.until,
        "commitments": {n: person.commitment(n) for n in sorted(wanted.person)},
        "looked": looked,
    }
    return desk.node.act("take_application", f"application-{number}", body)


def _change(
    desk: Desk,
    block: Writing,
    policy: str,
    transaction: str,
    at: int,
    declared: Mapping[str, int],
    channel: str,
    agent: str | None,
) -> dict[str, Any]:
    state = State(block)
    found = state.get("policy", policy)
    if found is None:
        raise Refused(Refusal("act.policy_not_known", {"id": policy[:60]}))
    looked: dict[str, Any] = {"sanctions": None, "connection": "not_asked"}
    if transaction == "renew":
        looked["sanctions"] = _looked_again(block, state, found)
    spent = spent_of(block, state, found, at) if transaction == "reinstate" else None
    if transaction != "cancel" and (known := _announced(desk, block, found, at)):
        looked["announced"] = known
    return {
        "application": desk.node.random(16).hex(),
        "policy": policy,
        "transaction": transaction,
        "at": at,
        "declared": dict(declared),
        "channel": channel,
        "agent": agent,
        "spent_fen": spent,
        "looked": looked,
    }


def _looked_again(block: Reading, state: State, policy: Mapping[str, Any]) -> Any:
    source = current_offer(state, policy["listing"]).sanctions()
    if source is None:
        return None
    person = block.payees([f"policy/{policy['policy']}"]).get(f"policy/{policy['policy']}")
    if person is None:
        raise Refused(Refusal("selling.person_gone", {"policy": policy["policy"]}))
    return sanctions_of(block, state, source, person)


def _announced(desk: Desk, block: Reading, policy: Mapping[str, Any], at: int) -> int:
    """How many outages that name the customer are announced from an instant on."""
    name = f"policy/{policy['policy']}"
    customer = block.payees([name]).get(name, {}).get("customer")
    tokens = [] if desk.tokens is None or customer is None else list(desk.tokens(customer))
    kept = block.progress(f"selling/subject/{policy['policy']}")
    tokens += [] if kept is None else [kept.decode("ascii")]
    span = (at, period_of(at, policy["year_from"])[1])
    return announced(block, desk.node.identity, policy["listing"], tokens, span) if tokens else 0


def spent_of(reading: Reading, state: State, policy: Mapping[str, Any], at: int) -> int:
    """What a policy has been settled in the policy year of an instant, in fen."""
    year = period_index(at, policy["year_from"])
    book = state.need("listing", policy["listing"])["listing"]["book"]
    total, opener = 0, Opener(reading)
    for _, settlement in state.range("settled", f"{book}/"):
        entry = state.need("settlement", settlement)["settlement"]
        trigger = state.need("trigger", entry["trigger"])
        if period_index(trigger["instant"], policy["year_from"]) != year:
            continue
        found = opener.find(entry["trigger"], book, trigger["book_size"], policy["policy"])
        total += 0 if found is None else found[1].pay_fen
    return total


def _tokens(desk: Desk, wanted: Wanted) -> Sequence[str]:
    customer = wanted.person.get("customer")
    return [] if desk.tokens is None or customer is None else desk.tokens(customer)


def _same(desk: Desk, block: Writing, act: Act, wanted: Wanted) -> bool:
    """Whether an application is the one that was sent under this key: what is personal too."""
    if act.kind != "take_application":
        return False
    body, tokens = act.body, _tokens(desk, wanted)
    holder = mark_of(wanted.listing, tokens[-1]) if tokens else None
    said = {
        "order": wanted.order,
        "listing": wanted.listing,
        "channel": wanted.channel,
        "agent": wanted.agent,
        "holder": holder,
        "feeder": wanted.feeder,
        "facts": dict(wanted.facts),
        "declared": dict(wanted.declared),
        "since": wanted.since,
        "until": wanted.until,
    }
    said_of: dict[str, str] = body["commitments"]
    if set(wanted.person) != set(said_of) or {name: body[name] for name in said} != said:
        return False
    person = keeping.person_of(block, body["application"])
    if person is None:  # nothing is kept of whom the answer was no, so nothing can be compared
        value = State(block).get("application", body["application"])
        return value is not None and value["state"] == "refused"
    return _commitments(person, wanted.person) == said_of


def _commitments(person: Person, given: Mapping[str, str]) -> dict[str, str]:
    """What the given values commit to under the salts that are kept of this person."""
    return {
        name: content_id("datum", {"v": 1, "field": name, "salt": salt, "value": value})
        for name, value in given.items()
        if (salt := person.salts.get(name)) is not None
    }
