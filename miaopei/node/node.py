"""The node: acts are signed and submitted, an orderer puts them in order, the store keeps them.

Which orderer it is (`order.solo`, or the engine of several members) changes nothing here. Deciding
and paying are in `effects`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ..acts.apply import REFUSED, ActResult
from ..acts.base import CHANGED
from ..acts.envelope import Act, sign
from ..acts.freshness import ENDED, TOO_FAR, USUAL
from ..acts.rule_sets import RULES
from ..acts.state import State
from ..acts.wishes import name_of
from ..errors import Fact, Refusal, Refused
from ..measures import suites
from ..measures.identity import canonical, read_canonical
from ..measures.suites import SigningKey, public_hex
from .order.keep import found
from .order.solo import Solo
from .ports import Clock, Identity, Orderer, Random, Reading, Store


class Node:
    """One member's node over one store. `submit` is done when the act is final.

    Errors   Refused suite.other where the record is of another suite than this process goes by.
    """

    def __init__(
        self,
        store: Store,
        identity: Identity,
        clock: Clock,
        random: Random,
        orderer: Orderer | None = None,
    ) -> None:
        self.store, self.identity, self.random = store, identity, random
        self.orderer = orderer or Solo(store, identity, clock)
        with store.reading() as reading:
            self.genesis: dict[str, Any] | None = _genesis(reading)
        self._keys = threading.Lock()
        if self.genesis is not None:
            suites.demand(self.genesis["suite"])
            self.go_by_next()

    def found(self, value: dict[str, Any]) -> None:
        """Begin the record with its genesis, once; the same genesis again changes nothing."""
        self.genesis = found(self.store, value, self.identity.log)

    @property
    def chain(self) -> str:
        """The chain id that every act names."""
        if self.genesis is None:
            raise LookupError("the record has no genesis yet")
        return str(self.genesis["chain"])

    def act(self, kind: str, ref: str, body: dict[str, Any]) -> Act:
        """An act of this node's member, signed, with the end that the record wants of it now."""
        me = self.identity
        return sign(me.acts, self.chain, kind, me.member, ref, body, self.orderer.end())

    def unsaid(self, kind: str, ref: str, body: dict[str, Any]) -> str:
        """The first name under which the record holds no such act of ours: what has been taken
        back, or is to be said once more, is said under another, else it would be the same act.
        """
        tried, number = ref, 1
        with self.reading() as (_, state):
            entry = state.get("member", self.identity.member)
            while entry and _there(state, _forms(state, entry, self.act(kind, tried, body))):
                number += 1
                tried = f"{ref}-{number}"
        return tried

    def word(self, kind: str, body: dict[str, Any]) -> str:
        """What names our word for what several must want: by whatever command, it is one act."""
        return self.unsaid(kind, f"{kind}-{name_of(kind, body)[:24]}", body)

    def ready(self, key: SigningKey | None) -> None:
        """A key for acts that is made; it signs from the moment on that the record gives it us."""
        with self._keys:
            self.identity = replace(self.identity, next=key)

    def go_by_next(self) -> bool:
        """Sign with the next key, where it has its place on the record; whether ours has now."""
        with self._keys, self.reading() as (_, state):
            entry = state.get("member", self.identity.member) or {"keys": []}
            stand = {key["key"] for key in entry["keys"]} - set(entry.get(CHANGED, {}))
            following = self.identity.next
            if following is not None and public_hex(following) in stand:
                self.identity = replace(self.identity, acts=following, next=None)
            return public_hex(self.identity.acts) in stand

    def submit(self, acts: Sequence[Act]) -> list[ActResult]:
        """Have these acts ordered together; when this returns they are final or refused.

        Only time and what ripens by it may pass where `acts` is empty. An act of ours that the
        record has refused before is wished anew, under a name of its own: we are who says so, and
        now; one that is signed by an earlier key of ours, and not on the record, by the present
        one; one whose end has come (it was written down, and could not be sent) with a later end.
        What stands on the record already under an earlier key of ours is not said once more.
        Never an act of somebody else: his words under our key would be ours.

        Errors   Refused act.key_changed where the record has given us a key that we have not: what
                 was to be said waits for it.
        """
        last = self._as_recorded(acts)
        results = self.orderer.submit(last)
        while again := list(self._again(acts, last, results)):
            said = self.orderer.submit([act for _, act in again])
            for (place, act), result in zip(again, said, strict=True):
                last[place], results[place] = act, result
        return results

    def carry(self, act: Act) -> ActResult:
        """Put an act into order that somebody else has signed, as it is."""
        (result,) = self.orderer.submit([act])
        return result

    def _as_recorded(self, acts: Sequence[Act]) -> list[Act]:
        """Each of ours as it stands on the record under whichever key of ours; else as it is."""
        if not acts:
            return []
        with self.reading() as (_, state):
            entry = state.get("member", self.identity.member) or {}
            if not entry.get(CHANGED):
                return list(acts)
            return [_there(state, _forms(state, entry, act)) or act for act in acts]

    def _again(
        self, acts: Sequence[Act], last: Sequence[Act], results: Sequence[ActResult]
    ) -> Iterator[tuple[int, Act]]:
        """Those to be said once more, each with its place; `last` are what was said just now."""
        late = [i for i, result in enumerate(results) if _stale(result)]
        if late:
            self.go_by_next()
            with self.reading() as (_, state):
                for i in late:
                    until = self._end_of(last[i], results[i])
                    if (act := said_again(state, self.identity, acts[i], until)) is not None:
                        yield i, act

    def _end_of(self, act: Act, result: ActResult) -> int | None:
        """With which end it is said again: its own where nothing is wrong with that."""
        for each in result.refusals:
            time = each.facts.get("time")
            if each.code == TOO_FAR and type(time) is int:
                return time + USUAL  # our clock is days ahead: the record's counts
            if each.code in ENDED:
                return self.orderer.end()
        return self.orderer.end() if act.until is None else act.until

    def accept(self, kind: str, ref: str, body: dict[str, Any]) -> ActResult:
        """Sign and submit one act of our own.

        Errors   Refused with what the record said against it.
        """
        (result,) = self.submit([self.act(kind, ref, body)])
        if not result.ok:
            raise Refused(*result.refusals)
        return result

    def pass_time(self, at: int) -> None:
        """Let time go on: deadlines ripen. In a replay by a `time` act of ours, to `at` at least.

        Errors   Refused act.not_the_replay_source and its like: only that member moves the time.
        """
        if self.genesis is None or self.genesis["clock"] != "replay":
            self.submit([])
            return
        (result,) = self.submit([self.act("time", f"time-{at}", {"time": at})])
        if refusals := [r for r in result.refusals if r.code != "act.time_backwards"]:
            raise Refused(*refusals)

    def time(self) -> int:
        """The record's time: that of its last block."""
        with self.store.reading() as reading:
            return reading.head().time

    @contextmanager
    def reading(self) -> Iterator[tuple[Reading, State]]:
        """A snapshot to read from."""
        with self.store.reading() as reading:
            yield reading, State(reading)


def _stale(result: ActResult) -> bool:
    """Whether it is refused for what has been, and not for what it says."""
    stale = {"act.refused_before", "act.key_changed", *ENDED}
    return any(each.code in stale for each in result.refusals)


def said_again(state: State, identity: Identity, act: Act, until: int | None) -> Act | None:
    """What says the same as an act of ours that is refused for what has been: as it stands on the
    record, under whichever key and name of ours it does, so that nothing is said twice; else under
    the key of now and the first name that is free, up to `until`. None where it is not ours.

    Errors   Refused act.key_changed where the record has given us a key that is not `identity`'s.
    """
    entry = state.get("member", act.by)
    if act.by != identity.member or entry is None:
        return None
    own, changed, forms = (
        public_hex(identity.acts),
        entry.get(CHANGED, {}),
        _forms(state, entry, act),
    )
    if not forms:
        return None
    if (there := _there(state, forms)) is not None:
        return there
    refs = {key: said.ref for key, said in forms.items()}
    if own in changed:
        facts: dict[str, Fact] = {"by": act.by, "key": own[:16], "height": changed[own]}
        raise Refused(Refusal("act.key_changed", facts))
    if own not in refs or (refs[own], own, until) == (act.ref, act.key, act.until):
        return None  # not a key of ours, or the same once more
    return sign(identity.acts, act.chain, act.kind, act.by, refs[own], act.body, until)


def _forms(state: State, entry: dict[str, Any], act: Act) -> dict[str, Act]:
    """What says the same under each key of a member, by its first name that is not refused; none
    where the act is not the member's.
    """
    keys = [str(key["key"]) for key in entry["keys"]]
    if act.by != entry["id"] or act.key not in keys or not act.signed_well:
        return {}
    found = dict[str, Act]()
    for key in keys:
        said = replace(act, key=key, sig="")
        while (height := state.get(REFUSED, said.id)) is not None:
            said = replace(said, ref=f"{act.ref} after {height}")
        found[key] = said
    return found


def _there(state: State, forms: dict[str, Act]) -> Act | None:
    return next((said for said in forms.values() if state.has("act", said.id)), None)


def _genesis(reading: Reading) -> dict[str, Any] | None:
    found = reading.get("genesis", "it")
    return None if found is None else read_canonical(found)


def genesis_value(
    name: str,
    identity: Identity,
    *,
    clock: str,
    time: int,
    origin: str,
    member_name: dict[str, str],
) -> dict[str, Any]:
    """The genesis of a solo record: one operator that orders, decides, pays and receives facts."""
    raw = public_hex(identity.acts)
    roles = ["operator", "gateway", "decider", "payer"] + (["clock"] if clock == "replay" else [])
    value = {
        "v": 1,
        "name": name,
        "suite": suites.in_use.suite.name,
        "clock": clock,
        "rules": RULES,
        "origin": origin,
        "log_key": public_hex(identity.log),
        "time": time,
        "replay_source": identity.member if clock == "replay" else None,
        "members": [
            {
                "id": identity.member,
                "name": member_name,
                "operator": identity.member,
                "roles": roles,
                "keys": [{"key": raw, "since": 0, "until": None}],
            }
        ],
    }
    canonical(value)
    return value
