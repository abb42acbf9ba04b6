"""A policyholder's account changes: first an act on the record, then what is kept here.

The new account lies sealed under a name of its own until the record has the act, and then takes the
place of the old one, with the salts that the act is bound to: what is paid after that block goes
there. A kill anywhere goes on where it was. Source: docs/specs/policies.md, section 6.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ....acts import change_account
from ....acts.change_account import BOUND, HOLDER, OPERATOR, bound_to, next_number
from ....acts.envelope import Act, from_bytes, from_json
from ....acts.raise_rules import rules_at
from ....acts.state import State
from ....errors import Alarm, DebtAlarm, Refusal, Refused
from ....measures.identity import canonical, read_canonical
from ...node import Node
from ...ports import Reading, Writing
from ...vault.persons import Person
from ..keeping import name_of, person_of

MOVING = "selling/moving"  # policy -> the act that is written down, and the key it was asked under


@dataclass(frozen=True)
class Asked:
    """Who asked: the policyholder, who has shown it; or a person of the operator, and why."""

    person: str | None = None
    reason: str | None = None


def binds(node: Node) -> bool:
    """Whether this record is bound to accounts by now."""
    with node.reading() as (reading, state):
        return rules_at(state, reading.head().height + 1) >= change_account.SINCE


def change(
    node: Node, policy: str, given: Mapping[str, str], asked: Asked, key: str | None = None
) -> int:
    """Have what is owed for a policy paid to another account {account, name}; the change's number.

    Where money is on its way already its order stands: the bank has it under that order's id.
    With `key` the same question again is the same change.
    Errors   Refused act.policy_not_known, selling.key_differs, and what the record says against it,
             which leaves everything as it was.
    """
    finish(node)
    with node.store.writing() as block:
        kept = None if key is None else block.progress(key)
        if kept is None:
            act = _written(node, block, policy, given, asked, key)
        else:
            act = from_bytes(kept)
            if not _same(block, act, policy, given):
                raise Refused(Refusal("selling.key_differs", {"channel": HOLDER}))
    return _sent(node, act)


def finish(node: Node) -> int:
    """Send what was written down and is not kept yet, as after a kill; how many."""
    with node.store.reading() as reading:
        waiting = _moving(reading)
    for said in waiting.values():
        with suppress(Refused):  # then everything stays as it was
            _sent(node, from_json(said["act"]))
    return len(waiting)


def payable(
    reading: Reading, names: Sequence[str], member: str
) -> tuple[dict[str, Mapping[str, str]], list[Alarm]]:
    """Where each of these is paid; an alarm for whoever has no account on file here, or another
    than the record is bound to."""
    persons = reading.paid_persons(names)
    bound = any(True for _ in reading.range("account", "", "\x7f", 1))
    other = set(unbound(State(reading), persons, member) if bound else ())
    known = {
        name: person.fields
        for name, person in persons.items()
        if set(BOUND) <= person.fields.keys() and name not in other
    }
    none = "no account is on file for a payee or payer"
    another = "the account on file for a payee is not the one that the record is bound to"
    lost = [name for name in names if name not in known]
    return known, [Alarm(another, who=n) if n in other else DebtAlarm(none, who=n) for n in lost]


def unbound(state: State, persons: Mapping[str, Person], member: str) -> Iterator[str]:
    """Whoever is to be paid for a policy, and is not whom this member has bound itself to."""
    numbers = {name: name.removeprefix("policy/") for name in persons if name[:7] == "policy/"}
    state.prefetch(("account", f"{number}/{member}") for number in numbers.values())
    for name, number in numbers.items():
        said = bound_to(state, number, member)
        if said is not None and differing_fields(persons[name], said["commitments"]):
            yield name


def differing_fields(person: Person, said: Mapping[str, str]) -> list[str]:
    """The fields of a person that are not what was committed to."""
    return [
        name
        for name in sorted(said)
        if name not in person.fields or person.commitment(name) != said[name]
    ]


def _written(
    node: Node,
    block: Writing,
    policy: str,
    given: Mapping[str, str],
    asked: Asked,
    key: str | None,
) -> Act:
    """The act, and the new account beside the old one, in one transaction."""
    state, name = State(block), _beside(policy)
    listing = _listing_of(block, state, policy)
    block.forget_person(name)
    block.put_persons({name: {each: given[each] for each in BOUND}})
    fresh = block.persons([name])[name]
    number = next_number(state, policy, node.identity.member)
    body = {
        "policy": policy,
        "listing": listing,
        "number": number,
        "commitments": {each: fresh.commitment(each) for each in BOUND},
        "asked": HOLDER if asked.person is None else OPERATOR,
        "person": asked.person,
        "reason": asked.reason,
    }
    act = node.act(change_account.KIND, f"account-{policy}-{number}", body)
    _put_moving(block, {**_moving(block), policy: {"act": act.as_json(), "key": key}})
    if key is not None:
        block.put_progress(key, act.to_bytes())
    return act


def _listing_of(reading: Reading, state: State, policy: str) -> str:
    """Under which listing a policy stands. Errors   Refused act.policy_not_known."""
    sold = state.get("application", policy)
    if sold is not None:
        return str(sold["listing"])
    for listing, entry in state.range("listing", ""):
        book = entry["listing"]["book"]
        size = state.need("book", book)["size"]
        if size and reading.rows_of(book, size, [policy]):
            return listing
    raise Refused(Refusal("act.policy_not_known", {"id": policy[:60]}))


def _sent(node: Node, act: Act) -> int:
    policy = act.body["policy"]
    (result,) = node.submit([act])
    with node.store.writing() as block:
        waiting = _moving(block)
        said = waiting.get(policy)
        if said is not None and said["act"] == act.as_json():
            if result.ok:
                _keep(block, policy)
            elif said["key"] is not None:
                block.put_progress(said["key"], None)  # the key is free for what is right
            block.forget_person(_beside(policy))
            _put_moving(block, {each: w for each, w in waiting.items() if each != policy})
    if not result.ok:
        raise Refused(*result.refusals)
    return int(act.body["number"])


def _keep(block: Writing, policy: str) -> None:
    """The new account takes the place of the old; who holds the policy stays who they are."""
    fresh, old = block.persons([_beside(policy)])[_beside(policy)], person_of(block, policy)
    fields, salts = dict(fresh.fields), dict(fresh.salts)
    if old is not None:
        fields, salts = {**old.fields, **fields}, {**old.salts, **salts}
    with suppress(Refused):  # who was erased meanwhile stays so
        block.put_person(Person(name_of(policy), fields, salts))


def _same(reading: Reading, act: Act, policy: str, given: Mapping[str, str]) -> bool:
    """Whether a change is the one that was asked for under this key."""
    if act.kind != change_account.KIND or act.body["policy"] != policy:
        return False
    last = bound_to(State(reading), policy, act.by)
    if last is None or last["act"] != act.id:
        return last is not None and last["number"] > act.body["number"]  # changed again since
    person = person_of(reading, policy)
    if person is None:
        return False
    salted = Person(person.id, {each: given[each] for each in BOUND}, person.salts)
    return not differing_fields(salted, act.body["commitments"])


def _beside(policy: str) -> str:
    """Where a new account lies until the record has it."""
    return f"moving/{policy}"


def _moving(reading: Reading) -> dict[str, Any]:
    kept = reading.progress(MOVING)
    return {} if kept is None else dict(read_canonical(kept))


def _put_moving(block: Writing, waiting: Mapping[str, Any]) -> None:
    block.put_progress(MOVING, canonical(dict(waiting)) if waiting else None)
